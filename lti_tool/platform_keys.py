"""The platform's public keys: kept in this process for seconds, in the shared cache for a day, fetched anew when need be.

A launch with a known key costs no request, and at most one look into the shared cache. A key that is not known makes us
fetch the set once more, and then not again for a while; so does a platform that is away, whose last good set goes on.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.core.cache import cache
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from lti_tool import http
from lti_tool.models import Registration

# in this process, without a look into the shared cache; then until fetched again; then the last good set in an outage
LOCAL_S, FRESH_S, LAST_GOOD_S = 10, 3600, 86_400
# after an unknown key, and after a failure
REFETCH_S, FAILED_S = 15, 30
# a launch waits for this, and a person for the launch
DEADLINE_S = 5.0
MAX_BYTES = 512 * 1024
# what some platforms serve it as; an error or login page is none of these
MEDIA_TYPES = (*http.JSON_TYPES, "text/plain", "application/octet-stream", "")
MIN_BITS, MAX_BITS = 2048, 8192

Keys = list[dict[str, Any]]


class KeysAway(Exception):
    """The key set cannot be read and no good one is kept."""


class KeyUnknown(Exception):
    """The key set holds no single fitting RSA key of this id."""


@dataclass
class _Kept:
    """One key set in this process. `at`: when it was fetched, by whichever process; `seen`: when it was last compared."""

    rows: Keys | None = None
    at: float = 0
    seen: float = 0
    made: dict[str, RSAPublicKey] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fresh(self, kid: str) -> RSAPublicKey | None:
        now = time.time()
        if 0 <= now - self.seen < LOCAL_S and 0 <= now - self.at < FRESH_S:
            return self.find(kid)
        return None

    def find(self, kid: str) -> RSAPublicKey | None:
        """None unless exactly one fits. Each is built once per set."""
        # in the order opposite to that of `take`, so that no key of a former set comes among those of a new one
        made, rows = self.made, self.rows or []
        if kid not in made:
            found = _matching(rows, kid)
            if len(found) == 1:
                made[kid] = found[0]
        return made.get(kid)

    def take(self, shared: dict[str, Any]) -> None:
        if shared["at"] != self.at:
            self.rows, self.at, self.made = shared["keys"], shared["at"], {}
        self.seen = time.time()


_kept: dict[str, _Kept] = {}


def find_key(registration: Registration, kid: str) -> RSAPublicKey:
    """The one key with this id. Raises KeysAway or KeyUnknown.

    Only the registration's own key set is asked; whatever addresses a token names are not looked at.
    """
    kept = _kept.setdefault(_name(registration, "keys"), _Kept())
    key = kept.fresh(kid)
    if key is None:
        # launches of one platform wait here for one fetch, instead of making one each
        with kept.lock:
            key = kept.fresh(kid) or _look(registration, kept, kid)
    return key


def usable(keys: Keys) -> list[str]:
    """Ids of the keys that can verify launches: RSA, RS256, of a fit length, each id once."""
    ids = [str(key["kid"]) for key in keys if isinstance(key.get("kid"), str) and key["kid"]]
    return [kid for kid in dict.fromkeys(ids) if len(_matching(keys, kid)) == 1]


def _look(registration: Registration, kept: _Kept, kid: str) -> RSAPublicKey:
    shared = cache.get(_name(registration, "keys"))
    if shared:
        kept.take(shared)
    elif time.time() - kept.at >= LAST_GOOD_S:
        kept.rows, kept.made = None, {}
    known = kept.find(kid)
    if known is None or time.time() - kept.at >= FRESH_S:
        _renew(registration, kept)
        known = kept.find(kid)
    if kept.rows is None:
        raise KeysAway
    if known is None:
        raise KeyUnknown
    return known


def _renew(registration: Registration, kept: _Kept) -> None:
    lately = _name(registration, "lately")
    if cache.get(lately):
        return
    first, rows = kept.rows is None, _fetch(registration)
    if rows is None:
        cache.set(lately, 1, FAILED_S)
        return
    if not first:
        cache.set(lately, 1, REFETCH_S)
    shared = {"keys": rows, "at": time.time()}
    cache.set(_name(registration, "keys"), shared, LAST_GOOD_S)
    kept.take(shared)


def _fetch(registration: Registration) -> Keys | None:
    """The key set as it stands now; None when it cannot be read."""
    session = http.Session(max_bytes=MAX_BYTES, deadline_s=DEADLINE_S, media_types=MEDIA_TYPES)
    try:
        response = session.get(registration.key_set_url, headers={"Accept": "application/json"})
        body = http.loads(response.content) if response.status_code == 200 else None
    except http.HttpError:
        return None
    keys = body.get("keys") if isinstance(body, dict) else None
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else None


def _matching(keys: Keys, kid: str) -> list[RSAPublicKey]:
    rows = [key for key in keys if key.get("kid") == kid and _signs(key)]
    return [key for row in rows if (key := _public(row)) is not None]


def _signs(key: dict[str, Any]) -> bool:
    return key.get("kty") == "RSA" and key.get("use", "sig") == "sig" and key.get("alg", "RS256") == "RS256"


def _public(key: dict[str, Any]) -> RSAPublicKey | None:
    """From the public numbers alone; None when they are no RSA key, or one of a length that no one should use."""
    n, e = key.get("n"), key.get("e")
    # in base64, before anything is computed with numbers of any size
    if not isinstance(n, str) or not isinstance(e, str) or max(len(n), len(e)) > MAX_BITS // 6 + 4:
        return None
    try:
        made = RSAAlgorithm.from_jwk({"kty": "RSA", "n": n, "e": e})
    except (InvalidKeyError, ValueError, TypeError):
        return None
    return made if isinstance(made, RSAPublicKey) and made.key_size >= MIN_BITS else None


def _name(registration: Registration, what: str) -> str:
    # the row's own random id: a number may be given out again to another row
    text = f"{registration.public_id}\n{registration.key_set_url}"
    return f"lti-{what}-{hashlib.sha256(text.encode()).hexdigest()}"
