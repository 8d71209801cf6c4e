"""The shipped contract, with a registrar who reads the files: what stands there is what they say, row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import date
from decimal import Decimal

import pytest

from sync.sis import records as sis
from sync.sis.base import Settings, Sis
from sync.sis.contract import SisContract
from sync.sis.registrar_file import RegistrarFile

STUDENTS = [f"N{number:05d}" for number in range(1, 8)]
OPTIONS = {
    "columns": "Term=term; CRN=section; Student ID=student_id; Final Grade=grade; Attended=last_attended",
    "grades": "final, midterm",
}


class TestRegistrarFile(SisContract):
    samples = tuple(sis.Value(text=letter) for letter in ("A-", "B+", "C", "F"))

    @pytest.fixture(autouse=True)
    def _registrar(self) -> None:
        self.of = RegistrarFile(Settings("1", "", options=OPTIONS))

    def make(self) -> Sis:
        return self.of

    @property
    def class_id(self) -> str:
        return "202710/12345"

    @property
    def empty_class_id(self) -> str:
        return "202710/99999"

    @property
    def line_item_ids(self) -> Collection[str]:
        return [f"{self.class_id}#{kind}" for kind in ("final", "midterm")]

    @property
    def student_ids(self) -> Collection[str]:
        return STUDENTS

    @property
    def personal(self) -> Collection[str]:
        return ["Nobody"]

    def lose_answers(self) -> AbstractContextManager[None]:
        raise NotImplementedError("a file has no answer to lose")

    def stored(self, of: Sis) -> dict[sis.Key, sis.Value | None]:
        """The registrar takes each file of the class, the later over the earlier, and knows her own students only."""
        found: dict[sis.Key, sis.Value | None] = {}
        for document in of.documents:
            kind = document.name.rpartition("-")[2].removesuffix(".csv")
            for row in csv.DictReader(io.StringIO(document.content.decode(), newline="")):
                key = sis.Key(
                    self.connection,
                    f"{row['Term']}/{row['CRN']}",
                    f"{row['Term']}/{row['CRN']}#{kind}",
                    row["Student ID"],
                )
                if key.student_id in STUDENTS:
                    found[key] = _value(row)
        return {key: value for key, value in found.items() if value is not None}

    def test_the_whole_roster_is_read_whatever_the_page_size(self) -> None:
        assert self.make().students(self.class_id) == [] and not self.make().profile.roster

    def test_a_class_that_is_not_there_is_none(self) -> None:
        """Nobody can be asked: whatever an administrator linked is there."""
        of = self.make()
        assert of.get_class(" ") is None
        found = of.get_class(self.class_id)
        assert found is not None and found.sourced_id == self.class_id

    def test_an_empty_class_reads_as_empty(self) -> None:
        of = self.make()
        assert of.students(self.empty_class_id) == of.results(self.empty_class_id) == []


def _value(row: dict[str, str]) -> sis.Value | None:
    if not row["Final Grade"]:
        return None
    attended = row["Attended"]
    extras = sis.Extras(last_attended=_day(attended)) if attended else None
    try:
        return sis.Value(Decimal(row["Final Grade"]), extras=extras)
    except ArithmeticError:
        return sis.Value(text=row["Final Grade"], extras=extras)


def _day(text: str) -> date:
    month, day, year = (int(part) for part in text.split("/"))
    return date(year, month, day)


def test_the_day_in_the_file_is_the_day_that_was_entered() -> None:
    row = {"Final Grade": "F", "Attended": "10/14/2026"}
    assert _value(row) == sis.Value(text="F", extras=sis.Extras(last_attended=date(2026, 10, 14)))
