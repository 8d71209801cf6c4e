"""Token schemes shared by adapters. No models here: the engine passes a small store in."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

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
    the last token answer named, None as long as it named nothing. Raises Misconfigured or TryLater.
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
    ) -> None:
        self._url, self._client_id, self._secret = token_url, client_id, secret
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
        _raise_for_token(response)
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


def _raise_for_token(response: requests.Response) -> None:
    code = response.status_code
    if code == 200 or code == 201:
        return
    if code == 429 or code >= 500:
        raise TryLater("The token server is busy or away.", retry_after(response))
    if _oauth_error(response) == "invalid_scope":
        text = "The SIS does not grant the rights that are asked for. Its administrator must allow them for this key."
        raise Misconfigured(text, "scope_refused")
    if code in (400, 401, 403):
        text = "The SIS refuses the client id and secret. An administrator must check or renew them."
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
