"""How a request proves whose it is: by a bearer token (OAuth 2), or by a signature of its own (OAuth 1.0a)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sync.auth import ClientCredentials, OAuth1, TokenStore
from sync.sis.base import Settings
from sync.sis.oneroster.profile import Config

Pairs = Sequence[tuple[str, str]]


class Access(Protocol):
    """Used from several threads. `granted` are the scopes that the other side named, None where it named none."""

    @property
    def granted(self) -> frozenset[str] | None: ...

    def proof(self, method: str, url: str, params: Pairs) -> str:
        """The Authorization header of this request. Raises TryLater or Misconfigured where none can be had."""

    def other_proof(self, spent: str, method: str, url: str, params: Pairs) -> str:
        """Another one, where `spent` was answered with 401."""

    def begin_anew(self) -> None:
        """Forget what is held and show that it can be had again. Raises as `proof`."""

    def close(self) -> None: ...


def access_of(settings: Settings, config: Config, tokens: TokenStore) -> Access:
    if config.signed:
        return Signed(OAuth1(settings.client_id, settings.secret, config.signature))
    return Bearer(
        ClientCredentials(
            settings.token_url,
            settings.client_id,
            settings.secret,
            config.scopes,
            tokens,
            optional=config.optional_scopes,
            in_body=config.token_in_body,
        )
    )


class Bearer:
    def __init__(self, credentials: ClientCredentials) -> None:
        self._credentials = credentials

    @property
    def granted(self) -> frozenset[str] | None:
        return self._credentials.granted

    def proof(self, method: str, url: str, params: Pairs) -> str:
        return f"Bearer {self._credentials.token()}"

    def other_proof(self, spent: str, method: str, url: str, params: Pairs) -> str:
        return f"Bearer {self._credentials.renew(spent.removeprefix('Bearer '))}"

    def begin_anew(self) -> None:
        self._credentials.forget()
        self._credentials.token()

    def close(self) -> None:
        self._credentials.close()


class Signed:
    """Nothing is asked for beforehand. A 401 may be a clash of times or nonces, so a request is signed anew once."""

    granted: frozenset[str] | None = None

    def __init__(self, signer: OAuth1) -> None:
        self._signer = signer

    def proof(self, method: str, url: str, params: Pairs) -> str:
        return self._signer.header(method, url, params)

    def other_proof(self, spent: str, method: str, url: str, params: Pairs) -> str:
        return self.proof(method, url, params)

    def begin_anew(self) -> None:
        """There is no token to have: the first read shows."""

    def close(self) -> None:
        """No connection is held."""
