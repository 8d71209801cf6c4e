"""Ethos's own token scheme: an institution's API key is exchanged for a JWT that lives five minutes."""

from __future__ import annotations

import hashlib
import re
import threading
from typing import Final

import requests

from lti_tool import http
from sync.auth import EARLY_S, TokenStore, retry_after
from sync.errors import Misconfigured, TryLater

LIFE_S: Final = 300
JWT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*")


class KeyToken:
    """The JWT in use, renewed before it ends and when it is refused; safe to use from several threads.

    `POST {url}` with the key as bearer answers the JWT as text (Ellucian's SDKs). The key goes to that host only. Raises
    Misconfigured or TryLater.
    """

    def __init__(self, url: str, key: str, tokens: TokenStore) -> None:
        if not key.strip():
            text = (
                "The connection to Ethos has no API key. An administrator must enter it as the client secret."
            )
            raise Misconfigured(text, "connection_incomplete")
        self._url, self._secret, self._tokens = url, key.strip(), tokens
        self._session = http.Session({http.host_of(url).lower()})
        self._lock = threading.Lock()
        # names the key without holding it: another key is another token
        self._key = f"{url} {hashlib.sha256(self._secret.encode()).hexdigest()[:16]}"

    def token(self) -> str:
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
            token = self._fetch()
            self._tokens.set(self._key, token, LIFE_S - EARLY_S)
            return token

    def _fetch(self) -> str:
        try:
            response = self._session.post(self._url, headers={"Authorization": f"Bearer {self._secret}"})
        except http.Refused as error:
            raise Misconfigured(
                f"The address of Ethos's tokens cannot be used: {error}", "token_url_refused"
            ) from None
        except http.HttpError as error:
            raise TryLater(f"No token could be fetched: {error}") from None
        _raise_for(response)
        token = response.text.strip()
        if not JWT.fullmatch(token):
            text = "The address of Ethos's tokens answered without a token. An administrator must check the address."
            raise Misconfigured(text, "token_broken")
        return token


def _raise_for(response: requests.Response) -> None:
    code = response.status_code
    if code < 300:
        return
    if code == 429 or code >= 500:
        raise TryLater("Ethos's token server is busy or away.", retry_after(response))
    if code in (400, 401, 403):
        text = "Ethos refuses the API key. The SIS administrator must check it in Ethos Integration, or make a new one."
        raise Misconfigured(text, "token_refused")
    raise Misconfigured(
        f"The address of Ethos's tokens answered {code}. An administrator must check it.", "token_url_wrong"
    )
