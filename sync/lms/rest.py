"""One LMS's REST services under one account: requests, patience with a busy LMS, and lists that are read to their end.

A reader's client inherits `Rest`, says what the LMS's status codes mean (`refusal`), and how its pages lead on.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final, TypeVar

import requests

from lti_tool import http
from sync.auth import retry_after
from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms.access import Account, Pace, Unpaced
from sync.lms.streams import Streams
from sync.rest import Answers
from sync.rest import Params as Params
from sync.rest import Row as Row

Found = TypeVar("Found")

# how long one read waits, all in all, for an LMS that asks for quiet; and how long once at most
PATIENCE_S, LONGEST_S = 90.0, 30
# what a busy LMS that names no time is given
THROTTLED_S: Final = 10
FORBIDDEN, UNKNOWN = "forbidden", "course_unknown"
ASK_LATER: Final = "Try later; if it stays, ask the LMS administrator."


class Busy(TryLater):
    """The LMS asks for quiet: the request was not done, and is done again after `after` seconds."""


class Rest(Answers):
    """Reads one LMS. The account's token goes to this host only.

    Raises Misconfigured (codes `address_refused`, `token_refused`, `forbidden`, `course_unknown`, ...) or TryLater.
    Used from the threads of `streams` alike.
    """

    nan = True
    headers: ClassVar[Mapping[str, str]] = {"Accept": "application/json"}

    def __init__(
        self,
        root: str,
        account: Account | None,
        *,
        pace: Pace | None = None,
        streams: Streams | None = None,
        read_s: float | None = None,
        deadline_s: float | None = None,
        max_bytes: int = http.MAX_BYTES,
    ) -> None:
        if not root.strip():
            raise incomplete(self.product, "address")
        self.root = root.strip().rstrip("/")
        self.account, self.pace, self.streams = account, pace or Unpaced(), streams or Streams()
        host = http.host_of(self.root).lower()
        self.session = http.Session({host}, read_s=read_s, deadline_s=deadline_s, max_bytes=max_bytes)
        self.session.headers.update(self.headers)
        self._patience = PATIENCE_S
        self._token = self._first_token()

    def close(self) -> None:
        self.session.close()

    # --- to be said by each LMS ---

    def refusal(self, response: requests.Response) -> AdapterError | None:
        """What this answer means, None when it is the data asked for. The one place where status codes are read.

        `Busy` is waited for; Misconfigured with the code `token_refused` is tried once more with a renewed token.
        """
        raise NotImplementedError

    def authorize(self, method: str, url: str, params: Params) -> Mapping[str, str]:
        """The headers that carry the account; another scheme than a bearer token overrides it."""
        return {"Authorization": f"Bearer {self._token}"} if self.account else {}

    # --- requests ---

    def get(self, path: str, params: Params = ()) -> Any:
        """The JSON that this path (or whole address of this host) answers, with numbers as Decimal."""
        return self.data(self.ask("GET", path, params))

    def one(self, path: str, params: Params = ()) -> Row:
        found = self.get(path, params)
        if not isinstance(found, Mapping):
            raise self.broken("something else than was asked for")
        return found

    def ask(self, method: str, path: str, params: Params = (), **body: Any) -> requests.Response:
        """The answer, once it is no refusal: waited for while the LMS is busy, with a renewed token where it must be."""
        url, renewed = self.address(path), False
        while True:
            spent = self._token
            response = self._send(method, url, params, body)
            error = self.refusal(response)
            if error is None:
                return response
            if isinstance(error, Busy):
                self._wait(error)
            elif (
                not renewed
                and isinstance(error, Misconfigured)
                and error.code == "token_refused"
                and self.account
            ):
                self.streams.in_reader(partial(self._renew, spent))
                renewed = True
            else:
                raise error

    def gather(self, jobs: Sequence[Callable[[], Found]]) -> list[Found]:
        return self.streams.gather(jobs)

    # --- words ---

    def other_host(self) -> Misconfigured:
        text = (
            f"{self.product}'s next page lies on another host, so it is not read. The LMS administrator must "
            f"check {self.product}'s own address, or that of this connection."
        )
        return Misconfigured(text, "next_link_other_host")

    def broken(self, what: str) -> TryLater:
        return TryLater(f"{self.product} answered with {what}. {ASK_LATER}")

    def usual_refusal(self, response: requests.Response) -> AdapterError | None:
        """What the status codes mean that mean the same everywhere; for `refusal` to fall back on."""
        code = response.status_code
        if code == 200:
            return None
        if code == 429:
            return Busy(f"{self.product} is busy.", retry_after(response) or THROTTLED_S)
        if code == 401:
            return refused_token(self.product)
        if code == 403:
            return forbidden(self.product)
        if code == 404:
            return unknown_course(self.product)
        if code >= 500 or code == 408:
            return TryLater(f"{self.product} is away (it answered {code}).", retry_after(response))
        text = f"{self.product} answered {code}. The LMS administrator must check the address."
        return Misconfigured(text, "unexpected_answer")

    # --- inside ---

    def _first_token(self) -> str:
        if self.account is None:
            return ""
        token = self.account.token()
        if not token:
            raise incomplete(self.product, "access token")
        return token

    def _send(self, method: str, url: str, params: Params, body: Mapping[str, Any]) -> requests.Response:
        self.streams.go_on()
        headers = {**self.authorize(method, url, params), **body.get("headers", {})}
        rest = {name: value for name, value in body.items() if name != "headers"}
        try:
            return self.session.request(method, url, params=list(params), headers=headers, **rest)
        except http.Refused as error:
            raise Misconfigured(
                f"{self.product}'s address cannot be used: {error}", "address_refused"
            ) from None
        except http.HttpError as error:
            raise TryLater(f"{self.product} could not be read: {error}") from None

    def pause(self, seconds: int) -> None:
        """In a thread of `streams` by the second, so that the failure of another job ends the wait."""
        for piece in [seconds] if self.streams.is_reader() else [1] * seconds:
            time.sleep(piece)
            self.streams.go_on()

    def _wait(self, error: Busy) -> None:
        """As long as it asks for, within this read's patience; then the read is given up, and all workers are told."""
        after = error.after or THROTTLED_S
        self.streams.in_reader(lambda: self.pace.rest(after))
        if after > LONGEST_S or after > self._patience:
            raise TryLater(str(error), after)
        self._patience -= after
        self.pause(after)

    def _renew(self, spent: str) -> None:
        """Another token than `spent`, asked for once, however many threads it was refused to."""
        if self.account is not None and self._token == spent:
            self._token = self.account.renew(spent)


class Whole:
    """A list that comes in pages: a row that comes twice, or a page, shows that they moved while reading. Keeps no row."""

    def __init__(self, client: Rest, keys: Sequence[str] = ("id",)) -> None:
        self._client, self._keys = client, keys
        self._seen = Seen()
        self._visited: set[str] = set()

    def visit(self, address: str) -> None:
        """Said before each page. Raises TryLater where the pages lead in a circle."""
        if address in self._visited:
            raise self._client.broken("pages that lead in a circle")
        self._visited.add(address)

    def passed(self, page: Iterable[Row]) -> list[Row]:
        """The rows of this page, when none of them came before."""
        rows = list(page)
        for row in rows:
            if not self._seen.first_time(tuple(str(row.get(key)) for key in self._keys)):
                raise self._client.broken("the same rows on two pages")
        return rows


class Seen:
    """What came before. Ids that are numbers and rise, as LMSs mostly list them, take eight bytes each."""

    def __init__(self) -> None:
        self._rising = array("Q")
        self._others: set[tuple[str, ...]] = set()
        self._rises = True

    def first_time(self, name: tuple[str, ...]) -> bool:
        number = _number(name)
        if self._rises and number and (not self._rising or number > self._rising[-1]):
            self._rising.append(number)
            return True
        if self._rises:
            self._others = {(str(one),) for one in self._rising}
            self._rises, self._rising = False, array("Q")
        new = name not in self._others
        self._others.add(name)
        return new


def _number(name: tuple[str, ...]) -> int | None:
    """The one number that this name is, where it fits into eight bytes and is written as usual."""
    if len(name) != 1 or not (name[0].isascii() and name[0].isdigit()) or len(name[0]) > 19:
        return None
    return int(name[0]) if not name[0].startswith("0") else None


def incomplete(product: str, what: str) -> Misconfigured:
    text = f"The connection to {product} has no {what}. An administrator must add it to the connection."
    return Misconfigured(text, "connection_incomplete")


def refused_token(product: str) -> Misconfigured:
    text = (
        f"{product} refuses the access: it has expired, or was revoked. An LMS administrator must renew it in the "
        "connection."
    )
    return Misconfigured(text, "token_refused")


def forbidden(product: str) -> Misconfigured:
    text = (
        f"This account may not read this in {product}. It needs to see all grades of the course: an LMS administrator "
        "must grant it."
    )
    return Misconfigured(text, FORBIDDEN)


def unknown_course(product: str) -> Misconfigured:
    text = (
        f"{product} does not know this course, or hides it from the account. An LMS administrator must check the "
        "course id and the account."
    )
    return Misconfigured(text, UNKNOWN)
