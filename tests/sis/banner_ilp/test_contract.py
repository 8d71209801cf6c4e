"""The shipped contract against a pretend ILP; what stands in Banner is looked up in Banner, as ILP shows none of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date

import pytest

from gradesync_site.sandbox.sis.banner_ilp.rules import FIELDS
from sync.sis import records as sis
from sync.sis.banner_ilp.options import FIELDS as NAMES
from sync.sis.base import Sis
from sync.sis.contract import SisContract
from tests.sandbox_servers import Server
from tests.sis.banner_ilp.conftest import CLASS, adapter

KINDS = {field: kind for kind, field in NAMES.items()}


class TestBannerIlp(SisContract):
    samples = tuple(sis.Value(text=letter) for letter in ("A-", "B+", "C", "D"))

    @pytest.fixture(autouse=True)
    def _ilp(self, host: Server) -> None:
        self.server = host

    def make(self) -> Sis:
        return adapter(self.server)

    @property
    def class_id(self) -> str:
        return CLASS

    @property
    def empty_class_id(self) -> str:
        return "ART-P6.202710"

    @property
    def line_item_ids(self) -> Collection[str]:
        return [f"{CLASS}#final", f"{CLASS}#midterm-1"]

    @property
    def student_ids(self) -> Collection[str]:
        return list(self.server.state["sections"][CLASS]["students"])

    @property
    def personal(self) -> Collection[str]:
        return [self.server.hello["client_secret"], "S20001"]

    @contextmanager
    def lose_answers(self) -> Iterator[None]:
        self.server.faults.on("lose-answer")
        yield
        self.server.faults.off("lose-answer")

    def stored(self, of: Sis) -> dict[sis.Key, sis.Value | None]:
        return {
            self.key()._replace(line_item_id=f"{CLASS}#{KINDS[field]}", student_id=student): _value(
                held, field
            )
            for student, held in self.server.state["sections"][CLASS]["students"].items()
            for field in FIELDS
            if field in held
        }

    def test_the_whole_roster_is_read_whatever_the_page_size(self) -> None:
        assert self.make().students(self.class_id) == [] and not self.make().profile.roster

    def test_a_class_that_is_not_there_is_none(self) -> None:
        """Nobody can be asked: whatever an administrator linked is there."""
        found = self.make().get_class(self.class_id)
        assert found is not None and found.sourced_id == self.class_id
        assert self.make().get_class(" ") is None

    def test_a_text_grade_beyond_ascii_is_stored_as_it_is(self) -> None:
        """Banner's own list is closed, and shown to no tool: what is not in it is refused aloud, whatever its letters."""
        outcome = self.push(self.make(), self.change(self.key(), sis.Value(text="Très bien – 合格")))[
            self.key()
        ]
        assert (outcome.state, outcome.code) == ("rejected", "grade_not_in_scale")

    def test_an_empty_class_reads_as_empty(self) -> None:
        of = self.make()
        assert of.students(self.empty_class_id) == of.results(self.empty_class_id) == []


def _value(held: dict[str, str], field: str) -> sis.Value:
    day = held.get("LastAttendanceDate") if field == "FinalGrade" else None
    extras = sis.Extras(last_attended=date.fromisoformat(day[:10])) if day else None
    return sis.Value(text=held[field], extras=extras)
