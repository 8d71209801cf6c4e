"""What was last read of a course, as the pages may show it: nothing of a class whose link does not stand.

The snapshot is from the last look; links are the rows of this moment, so that a change shows at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from sync.lms import records as lms
from sync.models import ClassLink, ContextState, LineItemLink
from sync.views import wording

Json = dict[str, Any]


@dataclass
class Cell:
    """One LMS item in one class: its link, or what it could be linked to."""

    class_link: ClassLink
    link: LineItemLink | None
    suggestions: list[Json] = field(default_factory=list)
    others: list[Json] = field(default_factory=list)
    blocked: str = ""


@dataclass
class Item:
    """One LMS item with a cell per standing class link."""

    data: Json
    cells: list[Cell]

    @property
    def is_open(self) -> bool:
        return any(cell.link is None and not cell.blocked for cell in self.cells)


class Seen:
    """The snapshot of a course together with its links."""

    def __init__(self, state: ContextState, class_links: Sequence[ClassLink]) -> None:
        self.snapshot: Json = state.snapshot or {}
        self.read_at = state.read_at
        self.standing = [link for link in class_links if not link.lapsed]
        self._ids = {link.pk for link in self.standing}

    @property
    def students(self) -> list[Json]:
        """The course's students; SIS names only from classes that are linked with proof."""
        return [self._student(row) for row in self.snapshot.get("students", [])]

    def _student(self, row: Json) -> Json:
        suggestions = [one for one in row["suggestions"] if one["class_link"] in self._ids]
        row = row | {"suggestions": suggestions}
        if row["state"] == "matched" and row["class_link"] not in self._ids:
            reason = _("The class of this student is no longer linked. Link it, then read again.")
            return row | {"state": "problem", "student_name": "", "student_id": "", "reason": reason}
        return row

    def student(self, user_id: str) -> Json | None:
        return next((row for row in self.students if row["user_id"] == user_id), None)

    def roster(self) -> list[tuple[ClassLink, list[Json], list[Json]]]:
        """Per standing class: (link, students not matched yet, students matched already)."""
        taken = {(row["class_link"], row["student_id"]) for row in self.students if row["state"] == "matched"}
        found = []
        for link in self.standing:
            people = self.snapshot.get("roster", {}).get(str(link.pk), [])
            free = [one for one in people if (link.pk, one["id"]) not in taken]
            found.append((link, free, [one for one in people if (link.pk, one["id"]) in taken]))
        return found

    def map(self) -> tuple[list[str], list[str], list[str]]:
        """(students' names, linked items' titles, a row of letters per student); blank where a class is not linked."""
        drawn = self.snapshot.get("map") or {"students": [], "items": [], "rows": []}
        people = {row["user_id"]: row for row in self.snapshot.get("students", [])}
        titles = {item["line_item_id"]: item["title"] for item in self.snapshot.get("items", [])}
        names, rows = [], []
        for user_id, letters in zip(drawn["students"], drawn["rows"], strict=True):
            person = people.get(user_id, {})
            unlinked = person.get("state") == "matched" and person["class_link"] not in self._ids
            names.append(str(person.get("name") or user_id))
            rows.append(" " * len(letters) if unlinked else letters)
        return names, [str(titles.get(one) or one) for one in drawn["items"]], rows

    def sis_items(self, class_link: int) -> list[Json]:
        return (
            list(self.snapshot.get("sis_items", {}).get(str(class_link), []))
            if class_link in self._ids
            else []
        )

    def offer(self, class_link: int) -> Json:
        """What a new item of this class may be: see engine.details.offers. Empty while nobody asked the SIS."""
        return self.snapshot.get("offers", {}).get(str(class_link)) or {}

    def limits(self, page: str, links: Sequence[ClassLink] | None = None) -> list[wording.Text]:
        """What the SIS of these classes cannot hold or do, as far as it matters on this page (`capabilities`)."""
        profiles = self.snapshot.get("profiles", {})
        names = {str(link.connection_id) for link in (self.standing if links is None else links)}
        lacking = [code for name in names for code in profiles.get(name, {}).get("limits", ())]
        return wording.limits(lacking, page)

    @property
    def schemes(self) -> list[Json]:
        return list(self.snapshot.get("schemes", []))

    def items(self, links: Sequence[LineItemLink]) -> list[Item]:
        by_item: dict[str, dict[int, LineItemLink]] = defaultdict(dict)
        for link in links:
            by_item[link.lms_line_item_id][link.class_link_id] = link
        taken = {(link.connection_id, link.line_item_id) for link in links if link.line_item_id}
        totals = {
            (link.class_link_id, lms.parts_of_total(link.lms_line_item_id)[1])
            for link in links
            if link.kind == "course_total" and link.state != "excluded"
        }
        return [
            Item(data, [self._cell(data, one, by_item, taken, totals) for one in self.standing])
            for data in self.snapshot.get("items", [])
        ]

    def _cell(
        self,
        data: Json,
        class_link: ClassLink,
        by_item: dict[str, dict[int, LineItemLink]],
        taken: set[tuple[int, str]],
        totals: set[tuple[int, str]],
    ) -> Cell:
        link = by_item[data["line_item_id"]].get(class_link.pk)
        if link is not None:
            return Cell(class_link, link)
        period_id = lms.parts_of_total(data["line_item_id"])[1]
        if data["kind"] == "course_total" and (class_link.pk, period_id) in totals:
            return Cell(class_link, None, blocked=_("The other course total is linked here."))
        there = [
            one
            for one in self.snapshot.get("sis_items", {}).get(str(class_link.pk), [])
            if (class_link.connection_id, one["id"]) not in taken
        ]
        free = {one["id"] for one in there}
        likely = [
            one for one in data["suggestions"] if one["class_link"] == class_link.pk and one["sis_id"] in free
        ]
        first = {one["sis_id"] for one in likely}
        return Cell(class_link, None, likely, [one for one in there if one["id"] not in first])
