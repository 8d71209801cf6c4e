"""Token schemes shared by adapters. No models here: the engine passes a small store in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, Protocol
from urllib.parse import parse_qsl, quote, urlsplit

import requests

from lti_tool import http
from sync.errors import Misconfigured, TryLater

# a token is given up this long before it ends, so that it does not end on its way
EARLY_S: Final = 30
# for a server that does not say how long its token lives
UNSAID_S: Final = 300
LONGEST_S: Final = 86_400


class TokenStore(Protocol):
    """Where access tokens are kept between requests and workers; the engine passes one in. Keys hold no secret."""

    def get(self, key: str) -> str | None: ...

    def set(self, key: str, token: str, seconds: int) -> None: ...

    def delete(self, key: str) -> None: ...


class MemoryTokens:
    """A token store of one process: for commands and tests."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, float]] = {}

    def get(self, key: str) -> str | None:
        token, until = self._tokens.get(key, ("", 0.0))
        return token if token and time.monotonic() < until else None

    def set(self, key: str, token: str, seconds: int) -> None:
        self._tokens[key] = (token, time.monotonic() + seconds)

    def delete(self, key: str) -> None:
        self._tokens.pop(key, None)


class ClientCredentials:
    """OAuth 2 client credentials (RFC 6749 §4.4), safe to use from several threads.

    `optional` scopes are dropped, once, when the server knows one of them not (`invalid_scope`). `granted` is what
    the last token answer named, None as long as it named nothing. `server` is what its texts call the other side. Raises
    Misconfigured or TryLater.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        secret: str,
        scopes: Sequence[str],
        tokens: TokenStore,
        *,
        optional: Sequence[str] = (),
        in_body: bool = False,
        server: str = "The SIS",
    ) -> None:
        self._url, self._client_id, self._secret, self._server = token_url, client_id, secret, server
        self._scopes, self._optional = tuple(scopes), tuple(optional)
        self._tokens, self._in_body = tokens, in_body
        self._session = http.Session({http.host_of(token_url).lower()})
        self._lock = threading.Lock()
        self._key = " ".join((token_url, client_id, *self._scopes, *self._optional))
        self.granted: frozenset[str] | None = None

    def token(self) -> str:
        """The access token in use, a new one where none is."""
        return self._tokens.get(self._key) or self._renewed(spent="")

    def renew(self, spent: str) -> str:
        """A token other than `spent`, which was refused. Another thread may have fetched it already."""
        return self._renewed(spent)

    def forget(self) -> None:
        """Drop the token in use: the next one is asked for anew."""
        self._tokens.delete(self._key)

    def close(self) -> None:
        self._session.close()

    def _renewed(self, spent: str) -> str:
        with self._lock:
            held = self._tokens.get(self._key)
            if held and held != spent:
                return held
            self._tokens.delete(self._key)
            token, seconds = self._fetch()
            self._tokens.set(self._key, token, seconds)
            return token

    def _fetch(self) -> tuple[str, int]:
        response = self._ask((*self._scopes, *self._optional))
        if self._optional and _oauth_error(response) == "invalid_scope":
            response = self._ask(self._scopes)
        _raise_for_token(response, self._server)
        answer = _mapping(response)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise Misconfigured(
                "The token URL answered without a token. Check the token URL.", "token_broken"
            )
        named = answer.get("scope")
        self.granted = frozenset(named.split()) if isinstance(named, str) and named.strip() else None
        return token, _seconds(answer.get("expires_in"))

    def _ask(self, scopes: Sequence[str]) -> requests.Response:
        form = {"grant_type": "client_credentials"} | ({"scope": " ".join(scopes)} if scopes else {})
        headers = {"Accept": "application/json"}
        if self._in_body:
            form |= {"client_id": self._client_id, "client_secret": self._secret}
        else:
            # the pair as it is, not form-encoded first (RFC 6749 §2.3.1): servers in the field do not decode it
            pair = f"{self._client_id}:{self._secret}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        try:
            return self._session.post(self._url, data=form, headers=headers)
        except http.Refused as error:
            raise Misconfigured(f"The token URL cannot be used: {error}", "token_url_refused") from None
        except http.HttpError as error:
            raise TryLater(f"No token could be fetched: {error}") from None


def _raise_for_token(response: requests.Response, server: str) -> None:
    code = response.status_code
    if code == 200 or code == 201:
        return
    if code == 429 or code >= 500:
        raise TryLater("The token server is busy or away.", retry_after(response))
    if _oauth_error(response) == "invalid_scope":
        text = f"{server} does not grant the rights that are asked for. Its administrator must allow them for this key."
        raise Misconfigured(text, "scope_refused")
    if code in (400, 401, 403):
        text = f"{server} refuses the client id and secret. An administrator must check or renew them."
        raise Misconfigured(text, "token_refused")
    raise Misconfigured(f"The token URL answered {code}. An administrator must check it.", "token_url_wrong")


def _oauth_error(response: requests.Response) -> str:
    if response.status_code not in (400, 401, 403):
        return ""
    try:
        return str(_mapping(response).get("error", ""))
    except Misconfigured:
        return ""


def _mapping(response: requests.Response) -> Mapping[str, Any]:
    try:
        found = http.loads(response.content)
    except http.BadBody:
        found = None
    if not isinstance(found, Mapping):
        raise Misconfigured("The token URL did not answer as a token URL does. Check it.", "token_broken")
    return found


def _seconds(stated: object) -> int:
    try:
        life = min(int(str(stated)), LONGEST_S)
    except ValueError:
        life = UNSAID_S
    return max(1, life - min(EARLY_S, life // 2))


def retry_after(response: requests.Response) -> int | None:
    """`Retry-After` in seconds, given so or as a date (RFC 9110 §10.2.3), at most an hour; None when unusable."""
    stated = response.headers.get("Retry-After", "").strip()
    if stated.isdecimal():
        return min(int(stated[:6]), 3600)
    try:
        until = parsedate_to_datetime(stated)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(1, int((until - datetime.now(UTC)).total_seconds())), 3600)


# --- OAuth 1.0 (RFC 5849) ---------------------------------------------------------------------------

SignatureMethod = Literal["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"]
Pairs = Iterable[tuple[str, str]]

HASHES: Final = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class OAuth1:
    """Signs each request with a consumer's key and secret (two-legged: there is no token).

    Only the method, the address and the query are signed; a JSON body is not part of it (RFC 5849 §3.4.1.3).
    `empty_token` names an empty `oauth_token`, where a server wants to see one. PLAINTEXT sends the secret itself: for
    https only.
    """

    def __init__(
        self,
        key: str,
        secret: str,
        method: SignatureMethod = "HMAC-SHA1",
        *,
        realm: str = "",
        empty_token: bool = False,
    ) -> None:
        self._key, self._secret, self._method = key, secret, method
        self._realm, self._empty_token = realm, empty_token

    def header(self, method: str, url: str, params: Pairs = ()) -> str:
        """The Authorization header of one request, good for that one: it has its own time and nonce."""
        own = self._parameters()
        signed = self.signature(method, url, [*params, *own])
        # the realm is quoted text and never signed (RFC 5849 §3.5.1, §3.4.1.3.1)
        realm = [f'realm="{self._realm}"'] if self._realm else []
        shown = [f'{name}="{_escaped(value)}"' for name, value in (*own, ("oauth_signature", signed))]
        return "OAuth " + ", ".join([*realm, *shown])

    def signature(self, method: str, url: str, params: Pairs, token_secret: str = "") -> str:
        """Of a request with these parameters, the `oauth_` ones among them (§3.4.2, §3.4.4)."""
        key = f"{_escaped(self._secret)}&{_escaped(token_secret)}"
        if self._method == "PLAINTEXT":
            return key
        text = signature_base(method, url, params)
        made = hmac.new(key.encode(), text.encode(), HASHES[self._method]).digest()
        return base64.b64encode(made).decode()

    def _parameters(self) -> list[tuple[str, str]]:
        token = [("oauth_token", "")] if self._empty_token else []
        return [
            ("oauth_consumer_key", self._key),
            *token,
            ("oauth_nonce", secrets.token_hex(16)),
            ("oauth_timestamp", str(int(time.time()))),
            ("oauth_signature_method", self._method),
            ("oauth_version", "1.0"),
        ]


def signature_base(method: str, url: str, params: Pairs) -> str:
    """The text that is signed (§3.4.1): method, address without its query, and all parameters in their order."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    port = f":{parts.port}" if parts.port and parts.port != DEFAULT_PORTS.get(scheme) else ""
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *params]
    listed = "&".join("=".join(pair) for pair in sorted((_escaped(name), _escaped(v)) for name, v in pairs))
    address = f"{scheme}://{host}{port}{parts.path or '/'}"
    return "&".join((method.upper(), _escaped(address), _escaped(listed)))


def _escaped(text: str) -> str:
    return quote(text, safe="~")
