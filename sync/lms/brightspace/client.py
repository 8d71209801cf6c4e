"""Brightspace's API (Valence): the versions it speaks, its pages, and what its refusals mean.

A list in pages is an `Api.ObjectListPage`: `Objects`, and `Next`, the whole address of the next page or null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import requests

from sync.auth import retry_after
from sync.errors import AdapterError, Misconfigured
from sync.lms.base import text_of
from sync.lms.rest import FORBIDDEN, THROTTLED_S, UNKNOWN, Busy, Params, Rest, Row, Whole

PAGE_SIZE: Final = 200
# oldest and newest contract version whose fields are known here; a server lists all that it speaks
KNOWN: Final[Mapping[str, tuple[tuple[int, int], tuple[int, int]]]] = {
    "le": ((1, 47), (1, 99)),
    "lp": ((1, 31), (1, 63)),
}
SCOPE_MISSING: Final = "scope_missing"
# the codes of a refusal that concerns one service only, and need not end a read: not allowed, or not known there
REFUSED: Final = frozenset({FORBIDDEN, UNKNOWN, SCOPE_MISSING, "unexpected_answer"})


class Client(Rest):
    """Reads one Brightspace. `le` and `lp` are the roots of its two products, once `settle` has asked for versions."""

    product = "Brightspace"
    le = lp = ""

    def settle(self) -> None:
        """Agree on versions: the newest that both sides know. Raises Misconfigured where there is none."""
        listed = self.rows(self.get("/d2l/api/versions/"))
        spoken = {text_of(row.get("ProductCode")).lower(): row.get("SupportedVersions") for row in listed}
        self.le, self.lp = (f"/d2l/api/{one}/{_newest(one, spoken.get(one))}" for one in ("le", "lp"))

    def pages(self, path: str, params: Params = ()) -> Iterator[list[Row]]:
        """Each page of a list, to its end. Raises TryLater where the pages lead nowhere, or in a circle."""
        whole, address, query = Whole(self), path, params
        while True:
            whole.visit(address)
            found = self.one(address, query)
            rows = self.rows(found.get("Objects"))
            following = self._following(found, rows)
            yield rows
            if not following:
                return
            address, query = following, ()

    def all(self, path: str, params: Params = (), *, keys: Sequence[str]) -> list[Row]:
        """Every row of every page. One that comes twice shows that the pages moved while reading."""
        whole = Whole(self, keys)
        rows = [row for page in self.pages(path, params) for row in whole.passed(page)]
        if not all(text_of(row.get(keys[0])) for row in rows):
            raise self.broken("a list that names something not at all")
        return rows

    def listed(self, path: str, key: str) -> list[Row]:
        """A list that comes in one piece, each row with an id of its own."""
        found = self.rows(self.get(path))
        names = [text_of(row.get(key)) for row in found]
        if "" in names or len(set(names)) < len(names):
            raise self.broken("a list that names something twice, or not at all")
        return found

    def allowed(self, read: Callable[[], list[Row]]) -> list[Row] | None:
        """What `read` finds; None where the account may not read it, or Brightspace has no such thing."""
        try:
            return read()
        except Misconfigured as error:
            if error.code not in REFUSED:
                raise
            return None

    def refusal(self, response: requests.Response) -> AdapterError | None:
        code = response.status_code
        if code == 429:
            return Busy("Brightspace is busy.", retry_after(response) or _reset(response) or THROTTLED_S)
        if code == 403:
            return _scope_missing() if _lacks_scope(response) else _role_lacks_right()
        return self.usual_refusal(response)

    def _following(self, found: Row, rows: list[Row]) -> str:
        if "Next" not in found:
            raise self.broken("a page that does not say whether it is the last one")
        following = found["Next"]
        if following is None or following == "":
            return ""
        if not isinstance(following, str) or not (following.startswith("/d2l/") or "://" in following):
            raise self.broken("a next page that leads nowhere")
        if not rows:
            raise self.broken("an empty page that is not the last one")
        return following


def host_root(stated: str) -> str:
    """The site's own address, also where an administrator pasted one of its API's."""
    return re.sub(r"/d2l(/.*)?$", "", stated.strip().rstrip("/"))


def _newest(product: str, stated: Any) -> str:
    oldest, newest = KNOWN[product]
    texts = [one for one in stated if isinstance(one, str)] if isinstance(stated, list) else []
    spoken = [
        (int(found[1]), int(found[2]))
        for one in texts
        if (found := re.fullmatch(r"(\d{1,4})\.(\d{1,4})", one))
    ]
    shared = [one for one in spoken if oldest <= one <= newest]
    if not shared:
        text = (
            "This Brightspace speaks no version of its API that is known here. The LMS administrator must check the "
            "connection's address; if it is right, ask for a newer GradeSync."
        )
        raise Misconfigured(text, "version_unknown")
    return "{}.{}".format(*max(shared))


def _reset(response: requests.Response) -> int | None:
    """Seconds until the application's credits are filled up again (`X-Rate-Limit-Reset`), at most an hour."""
    stated = response.headers.get("X-Rate-Limit-Reset", "").strip()
    return min(int(stated[:6]), 3600) if stated.isdecimal() and stated.strip("0") else None


def _lacks_scope(response: requests.Response) -> bool:
    """Brightspace says 403 both for a token without the scope of a service and for a person without the right to it."""
    return b"insufficient scope" in response.content[:4096].lower()


def _scope_missing() -> Misconfigured:
    text = (
        "The access that was granted does not cover this part of Brightspace. The LMS administrator must add all scopes "
        "that GradeSync names to the application in Brightspace (Manage Extensibility, OAuth 2.0); then connect again."
    )
    return Misconfigured(text, SCOPE_MISSING)


def _role_lacks_right() -> Misconfigured:
    text = (
        "This account's role may not read this in Brightspace. It needs to see the classlist and all grades of the "
        "course: the LMS administrator must allow it for the role (Roles and Permissions, Grades and Classlist)."
    )
    return Misconfigured(text, FORBIDDEN)
