"""Which grade scheme stands where: the item's own, else the course's default. Only schemes that were read.

Brightspace compares the exact percentage with each range's start; what it shows rounded is not what decides (its own
help says so: 79.995 % shown as 80 % still has the symbol of 79 %). Below the lowest start there is no symbol.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from sync.lms import records as lms
from sync.lms.base import fraction, number, text_of
from sync.lms.brightspace.client import Client
from sync.lms.rest import Row

# the built-in scheme that shows a percentage and no symbol
PERCENTAGE: Final = "0"
SOURCE: Final = "the grade schemes of this course in Brightspace"
NOT_READ: Final = (
    "A grade scheme of this course may not be read, so no symbol is made from a score where it decides. The LMS "
    "administrator can let the account's role see the grade schemes."
)


class Schemes:
    """The schemes of one course. `of_item` and `default` name one; it is in `found` where it could be read."""

    def __init__(self, setup: Row) -> None:
        self.default = _id(setup.get("DefaultGradeSchemeId"))
        self.found: dict[str, lms.GradeScheme] = {}
        self.missing = False

    def of_item(self, row: Row) -> str:
        """An item names no scheme where it follows the course's default; text items and pass/fail have none."""
        if text_of(row.get("GradeType")) in ("Text", "PassFail"):
            return ""
        stated = row.get("GradeSchemeId")
        return self.default if stated is None else _id(stated)

    def fetch(self, client: Client, path: str, objects: Iterable[Row]) -> None:
        """Reads those that these grade objects, or the course's totals, need."""
        wanted = {self.of_item(row) for row in objects} | {self.default}
        wanted.discard("")
        if not wanted:
            return
        root = f"{path}/grades/schemes/"
        self.take(client.allowed(lambda: client.listed(root, "Id")), wanted)
        for left in sorted(wanted - self.found.keys()):
            self.take(client.allowed(partial(_one, client, root + left)), {left})
        self.missing = bool(wanted - self.found.keys())

    def symbols(self, scheme_id: str) -> frozenset[str]:
        scheme = self.found.get(scheme_id)
        return frozenset(one.name for one in scheme.entries) if scheme else frozenset()

    def take(self, rows: list[Row] | None, wanted: set[str]) -> None:
        for row in rows or []:
            scheme_id = _id(row.get("Id"))
            if scheme_id in wanted:
                self.found[scheme_id] = _scheme(row, scheme_id)


def _one(client: Client, address: str) -> list[Row]:
    return [client.one(address)]


def _id(stated: object) -> str:
    found = text_of(stated)
    return "" if found == PERCENTAGE else found


def _scheme(row: Row, scheme_id: str) -> lms.GradeScheme:
    ranges = row.get("Ranges")
    entries = [one for one in ranges if isinstance(one, dict)] if isinstance(ranges, list) else []
    return lms.GradeScheme(
        scheme_id=scheme_id,
        title=text_of(row.get("Name")),
        entries=tuple(
            lms.SchemeEntry(text_of(one.get("Symbol")), fraction(number(one.get("PercentStart"))[0]))
            for one in entries
        ),
        source=SOURCE,
        places=None,
        below_all="none",
    )
