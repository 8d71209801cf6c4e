"""The gradebooks of a class, their students and assignments: what is asked for once in a run is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from threading import Lock
from typing import Final
from urllib.parse import quote

from sync.errors import Misconfigured, Rejected
from sync.sis.aeries import wire
from sync.sis.aeries.client import Client
from sync.sis.aeries.profile import Config
from sync.sis.rest import Row

GONE: Final = "A gradebook of this class is gone in Aeries. Read again; if it stays, an administrator must link the class again."


class Gradebooks:
    """Used from several threads at once."""

    def __init__(self, client: Client, config: Config) -> None:
        self._client, self._config, self._lock = client, config, Lock()
        self._books: dict[str, list[wire.Gradebook]] = {}
        self._columns: dict[str, dict[str, wire.Column]] = {}
        self._students: dict[str, list[Row]] = {}

    def section(self, class_id: str) -> Row | None:
        """The section of the master schedule; None where there is none, or for an id of another form."""
        path = self._path(class_id)
        return self._client.one(path) if path else None

    def of(self, class_id: str) -> list[wire.Gradebook]:
        """The class's gradebooks, read once; none for an id of another form, or where the section has none."""
        with self._lock:
            if class_id not in self._books:
                path = self._path(class_id)
                rows = (self._client.many(f"{path}/gradebooks") or []) if path else []
                self._books[class_id] = [wire.read_gradebook(row) for row in rows]
            return self._books[class_id]

    def linked(self, class_id: str) -> list[wire.Gradebook]:
        """As `of`, of a class link. Raises Misconfigured where there is no such section."""
        found = self.of(class_id)
        if not found and self.section(class_id) is None:
            text = "The linked class is no section of Aeries. Link the class again."
            raise Misconfigured(text, "class_unknown")
        return found

    def columns(self, class_id: str) -> list[wire.Column]:
        """All assignments of all its gradebooks, read now."""
        found = [
            wire.read_column(row, class_id)
            for book in self.linked(class_id)
            for row in self._rows(f"/gradebooks/{book.number}/assignments")
        ]
        with self._lock:
            self._columns[class_id] = {one.item.sourced_id: one for one in found}
        return found

    def column(self, class_id: str, line_item_id: str) -> wire.Column:
        """One assignment, as it was last read. Raises Rejected where there is none, or where it takes no numbers."""
        with self._lock:
            known = self._columns.get(class_id, {}).get(line_item_id)
        found = known or next(
            (one for one in self.columns(class_id) if one.item.sourced_id == line_item_id), None
        )
        if found is None:
            raise Rejected("line_item_missing")
        if found.refusal:
            raise Rejected("not_gradable", found.refusal)
        return found

    def read_students(self, class_id: str, today: date) -> list[Row]:
        """Rows of the students who are in the class now, one for each; those of other sections in its gradebooks aside."""
        found: dict[str, Row] = {}
        for book in self.linked(class_id):
            term = book.term_on(today)
            if term:
                rows = self._rows(f"/gradebooks/{book.number}/{quote(term, safe='')}/students")
                found |= {wire.text_of(row, "StudentID"): row for row in rows if wire.is_student(row)}
        mine = self._roster(class_id) if any(len(one.sections) > 1 for one in self.of(class_id)) else None
        kept = [row for student, row in found.items() if mine is None or student in mine]
        with self._lock:
            self._students[class_id] = kept
        return kept

    def students(self, class_id: str, today: date) -> list[Row]:
        """As they were last read in this run."""
        with self._lock:
            known = self._students.get(class_id)
        return self.read_students(class_id, today) if known is None else known

    def scores(self, line_item_id: str) -> Sequence[Row] | None:
        """All scores of an assignment; None where it is gone."""
        return self._client.many(f"/gradebooks/assignments/{line_item_id}/scores")

    def _roster(self, class_id: str) -> set[str]:
        rows = self._rows(f"{self._path(class_id)}/students")
        return {wire.text_of(row, "StudentID") for row in rows}

    def _rows(self, path: str) -> list[Row]:
        """A list that must be there. A 404 is no empty gradebook: that is a list without rows."""
        found = self._client.many(path)
        if found is None:
            raise Misconfigured(GONE, "gradebook_gone")
        return found

    def _path(self, class_id: str) -> str:
        found = self._config.parts_of(class_id)
        return f"/schools/{found[0]}/sections/{found[1]}" if found else ""
