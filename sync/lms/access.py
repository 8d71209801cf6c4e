"""Whose access a read uses, and how much of it: what the engine hands to a reader, as protocols. No models here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from sync.errors import Misconfigured
from sync.options import Option

# options of every connection whose LMS has a `CodeFlow`
FLOW_OPTIONS: Final = (
    Option("auth_url", "", "Where teachers allow the access; empty: the LMS's usual address."),
    Option("token_url", "", "Where tokens are fetched; empty: the LMS's usual address."),
    Option(
        "revoke_url", "", "Where an access is taken back; empty: the LMS's usual address, where it has one."
    ),
    Option("scopes", "", "The rights to ask for, with spaces between; empty: those that reading needs."),
)


@dataclass(frozen=True, slots=True)
class CodeFlow:
    """Where and how an LMS lets a teacher grant this tool the use of her own account (OAuth 2 code flow, RFC 6749 §4.1).

    Addresses are paths under the LMS's root (`Lms.root`), or whole URLs; a connection's options (`FLOW_OPTIONS`) take
    their place. `revoke` empty: the LMS knows no way, so the grant is only forgotten here. `person`: where a token's
    answer names whose it is, as the path of keys ("user", "id"); compared with what her launch says
    (`Lms.launched_as`, `Lms.is_same`).
    """

    authorize: str
    token: str
    scopes: tuple[str, ...] = ()
    revoke: str = ""
    revoke_method: str = "DELETE"
    pkce: bool = False
    # client id and secret in the form, or as HTTP Basic
    in_body: bool = True
    # more query parameters of the authorization address
    extra: Mapping[str, str] = field(default_factory=dict)
    person: tuple[str, ...] = ()


class Account(Protocol):
    """Whose access a read uses. `renew` gives another token than `spent`, which was refused, or raises Misconfigured.

    Called in the thread that reads only (`streams.Streams.in_reader`): a grant lies in the database. An account may
    have an `identity` as well: see `identity_of`.
    """

    def token(self) -> str: ...

    def renew(self, spent: str) -> str: ...


def identity_of(account: Account) -> str:
    """A name for whose access it is, which tells no secret and stays when a token is renewed; empty: it has none.

    Two accounts may see different grades of one course, so what one read is never a start for another's read.
    """
    return str(getattr(account, "identity", ""))


class FixedToken:
    """An access token that an administrator entered: there is no other one when it is refused."""

    def __init__(self, token: str) -> None:
        self._token = token

    @property
    def identity(self) -> str:
        return hashlib.sha256(self._token.encode()).hexdigest()

    def token(self) -> str:
        return self._token

    def renew(self, spent: str) -> str:
        raise Misconfigured(
            "The LMS refuses the access token: it has expired, or was revoked. An LMS administrator must make a new one "
            "and add it to the connection.",
            "token_refused",
        )


class Pace(Protocol):
    """The account's budget of requests, shared by all workers.

    `streams` gives a read 1 to `wanted` requests at once for as long as it lasts, or raises TryLater while the account
    rests or others use it up. `rest` tells all workers that the LMS wants quiet for so many seconds.
    """

    def streams(self, wanted: int) -> AbstractContextManager[int]: ...

    def rest(self, seconds: int) -> None: ...


class Unpaced:
    """Nobody else uses this account: for commands and tests."""

    @contextmanager
    def streams(self, wanted: int) -> Iterator[int]:
        yield wanted

    def rest(self, seconds: int) -> None:
        pass
