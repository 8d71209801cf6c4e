"""Who is in which class, from a bulk zip that the SIS gives out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sync.sis import records as sis
from sync.sis.oneroster_csv.rows import day, scale_of_items, score_scale
from sync.sis.oneroster_csv.tables import Book, Row

# what is read of the SIS's zip: rosters, and as much of its gradebook as it gives out
WANTED: Final = (
    *("classes", "enrollments", "users", "academicSessions"),
    *("categories", "lineItems", "scoreScales", "lineItemScoreScales"),
)
NEEDED: Final = ("classes", "enrollments", "users")
USER_ID: Final = re.compile(r"\{([^:{}]*):([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Roster:
    """The SIS's own zip, asked class by class. An unknown class has nobody."""

    book: Book

    def missing(self) -> list[str]:
        """The files without which there is no roster."""
        return [name for name in NEEDED if name not in self.book.tables]

    def class_of(self, class_id: str) -> sis.Class | None:
        row = self.book.rows("classes").get(class_id)
        return _class(row) if row else None

    def classes_of_teacher(self, teacher_id: str) -> list[sis.Class]:
        ids = {
            row.get("classSourcedId", "")
            for row in self.book.rows("enrollments").values()
            if row.get("userSourcedId") == teacher_id and row.get("role", "").lower() == "teacher"
        }
        return [found for class_id in sorted(ids) if (found := self.class_of(class_id))]

    def people(self, class_id: str, role: str) -> list[sis.Person]:
        users = self.book.rows("users")
        return [_person(users[user_id]) for user_id in sorted(self.ids(class_id, role))]

    def ids(self, class_id: str, role: str) -> set[str]:
        enrolled = {
            row.get("userSourcedId", "")
            for row in self.book.rows("enrollments").values()
            if row.get("classSourcedId") == class_id and row.get("role", "").lower() == role
        }
        return enrolled & self.book.rows("users").keys()

    def sessions(self, class_id: str) -> list[sis.Session]:
        """Those of the class and the grading periods within them: the periods first, each sort by its beginning."""
        found = self.class_of(class_id)
        terms = set(found.session_ids) if found else set()
        rows = self.book.rows("academicSessions").values()
        mine = [row for row in rows if {row["sourcedId"], row.get("parentSourcedId", "")} & terms]
        return sorted(
            map(_session, mine),
            key=lambda one: (one.kind != "gradingPeriod", str(one.begins or ""), one.sourced_id),
        )

    def line_items(self, class_id: str) -> Mapping[str, Row]:
        return _of_class(self.book.rows("lineItems"), class_id)

    def scales(self, class_id: str) -> list[sis.ScoreScale]:
        return [score_scale(row) for row in _of_class(self.book.rows("scoreScales"), class_id).values()]

    def scale_of_items(self) -> Mapping[str, str]:
        return scale_of_items(self.book.rows("lineItemScoreScales").values())


def _of_class(rows: Mapping[str, Row], class_id: str) -> Mapping[str, Row]:
    return {key: row for key, row in sorted(rows.items()) if row.get("classSourcedId") == class_id}


def _class(row: Row) -> sis.Class:
    terms = [one.strip() for one in row.get("termSourcedIds", "").split(",")]
    return sis.Class(
        sourced_id=row["sourcedId"],
        title=row.get("title", ""),
        school_id=row.get("schoolSourcedId", ""),
        course_id=row.get("courseSourcedId", ""),
        code=row.get("classCode", ""),
        session_ids=tuple(filter(None, terms)),
    )


def _person(row: Row) -> sis.Person:
    return sis.Person(
        sourced_id=row["sourcedId"],
        given_name=row.get("givenName", ""),
        family_name=row.get("familyName", ""),
        identifier=row.get("identifier", ""),
        username=row.get("username", ""),
        email=row.get("email", ""),
        user_ids=tuple(
            (kind.strip(), given.strip()) for kind, given in USER_ID.findall(row.get("userIds", ""))
        ),
        active=row.get("enabledUser", "").lower() != "false",
    )


def _session(row: Row) -> sis.Session:
    return sis.Session(
        sourced_id=row["sourcedId"],
        title=row.get("title", ""),
        kind=row.get("type", "") or "term",
        begins=day(row.get("startDate", "")),
        ends=day(row.get("endDate", "")),
    )
