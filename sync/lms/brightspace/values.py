"""The grade values of one grade object: one for each user, page by page, each page let go once it is translated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from sync.errors import Misconfigured
from sync.lms import records as lms
from sync.lms.base import text_of
from sync.lms.brightspace import grades
from sync.lms.brightspace.client import PAGE_SIZE, Client
from sync.lms.brightspace.grades import Column
from sync.lms.rest import FORBIDDEN, UNKNOWN, Params, Row

PAGED: Final[Params] = (("pageSize", str(PAGE_SIZE)),)


def by_user(client: Client, address: str) -> Iterator[tuple[str, Row]]:
    """Who has a value, and the value. A user who comes twice shows that the pages moved while reading."""
    seen: set[str] = set()
    for page in client.pages(address, PAGED):
        for row in page:
            user_id = _user_of(row)
            if user_id in seen:
                raise client.broken("the same rows on two pages")
            seen.add(user_id)
            value = row.get("GradeValue", "")
            if value is not None:
                yield user_id, _mapping(client, value)


def of_column(
    client: Client, path: str, column: Column, *, exemptions: bool, tell: Callable[[int], None]
) -> list[lms.Result]:
    """All results of one column. `tell` is told in the thread that reads how many came."""
    try:
        found = _read(client, f"{path}/grades/{column.item.line_item_id}", column, exemptions=exemptions)
    except Misconfigured as error:
        if error.code == UNKNOWN:
            raise client.broken("a grade item that was taken away while it was read") from None
        raise
    client.streams.in_reader(lambda: tell(len(found)))
    return found


def _read(client: Client, address: str, column: Column, *, exemptions: bool) -> list[lms.Result]:
    exempt = _exempt(client, address) if exemptions else set()
    found = {
        user_id: grades.result(value, user_id, column, exempt=user_id in exempt)
        for user_id, value in by_user(client, f"{address}/values/")
    }
    for user_id in exempt - found.keys():
        found[user_id] = grades.result({}, user_id, column, exempt=True)
    return list(found.values())


def _exempt(client: Client, address: str) -> set[str]:
    """The ids of those who need not do this item; what they have there does not count."""
    return {text_of(row.get("Identifier")) for row in client.listed(f"{address}/exemptions/", "Identifier")}


def _user_of(row: Row) -> str:
    user = row.get("User")
    user_id = text_of(user.get("Identifier")) if isinstance(user, Mapping) else ""
    if not user_id:
        text = (
            "Brightspace does not say whose the grades are: this account's role may not see the users' information. "
            "The LMS administrator must allow it for the role (Roles and Permissions, User Information Privacy)."
        )
        raise Misconfigured(text, FORBIDDEN)
    return user_id


def _mapping(client: Client, value: object) -> Row:
    if not isinstance(value, Mapping):
        raise client.broken("something else than the grade that was asked for")
    return value
