"""Checks requests signed by OAuth 1.0 (RFC 5849 §3.2), as a server without tokens does. Of its own: no code is shared."""

from __future__ import annotations

import base64
import hmac
import re
import threading
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlsplit

PAIR = re.compile(r'\s*(\w+)="([^"]*)"\s*')
DIGESTS = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}
SKEW_S = 300


class Unsigned(Exception):
    """This request is not signed as it must be; the text says why."""


class Guard:
    """One consumer's requests. A nonce counts once for its time, and `forward_only`: times go forward (as Schoology has it)."""

    def __init__(self, key: str, secret: str, *, forward_only: bool = True) -> None:
        self.key, self.secret, self._forward_only = key, secret, forward_only
        self._used: set[tuple[str, str]] = set()
        self._latest = 0
        self._lock = threading.Lock()

    def check(self, method: str, url: str, header: str) -> None:
        """Raises Unsigned. `url` is the whole address that was asked for, its query included."""
        said = _fields(header)
        if said.get("oauth_consumer_key") != self.key or said.get("oauth_token", ""):
            raise Unsigned("Invalid consumer")
        wanted = expected(self.secret, method, url, said)
        if not hmac.compare_digest(wanted.encode(), said.get("oauth_signature", "").encode()):
            raise Unsigned("Invalid signature")
        self._check_time(said)

    def _check_time(self, said: Mapping[str, str]) -> None:
        stamp, nonce = said.get("oauth_timestamp", ""), said.get("oauth_nonce", "")
        at = int(stamp) if re.fullmatch(r"[0-9]{1,12}", stamp) else 0
        if abs(at - time.time()) > SKEW_S:
            raise Unsigned("Expired timestamp")
        with self._lock:
            backward = self._forward_only and at < self._latest
            if not nonce or (stamp, nonce) in self._used or backward:
                raise Unsigned(
                    "Duplicate timestamp/nonce combination, possible replay attack. Request rejected."
                )
            self._used.add((stamp, nonce))
            self._latest = at


def expected(secret: str, method: str, url: str, said: Mapping[str, str]) -> str:
    """The signature that this request must carry."""
    key = f"{quote(secret, safe='')}&"
    how = said.get("oauth_signature_method", "")
    if how == "PLAINTEXT":
        return key
    if how not in DIGESTS:
        raise Unsigned("Invalid signature method")
    digest = hmac.new(key.encode(), base_of(method, url, said).encode(), DIGESTS[how]).digest()
    return base64.b64encode(digest).decode()


def base_of(method: str, url: str, said: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    signed = [pair for pair in said.items() if pair[0] not in ("realm", "oauth_signature")]
    pairs = signed + parse_qsl(parts.query, keep_blank_values=True)
    ordered = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in pairs)
    listed = "&".join(f"{name}={value}" for name, value in ordered)
    place = f"{parts.scheme}://{parts.netloc.lower()}{parts.path}"
    return f"{method}&{quote(place, safe='')}&{quote(listed, safe='')}"


def _fields(header: str) -> dict[str, str]:
    kind, _, rest = header.partition(" ")
    if kind != "OAuth":
        raise Unsigned("No OAuth header")
    found = [PAIR.fullmatch(part) for part in rest.split(",")]
    if not all(found):
        raise Unsigned("Malformed OAuth header")
    return {one[1]: one[2] if one[1] == "realm" else unquote(one[2]) for one in found if one}
