"""The shipped contract, in each data standard, against a pretend host over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import pytest

from sync.sis.base import Sis
from sync.sis.contract import SisContract
from sync.sis.edfi.keys import section_in
from tests.sandbox_servers import Server
from tests.sis.edfi.conftest import adapter


class OverHttp(SisContract):
    standard = "5.0"

    @pytest.fixture(autouse=True)
    def _host(self, start: Callable[..., Server]) -> None:
        self.server = start(self.standard)
        state = self.server.state
        section = next(one for one in state["sections"].values() if one["sectionIdentifier"] == "ALG1-P3")
        self._class = section_in({**section["courseOfferingReference"], "sectionIdentifier": "ALG1-P3"})
        self._empty()
        self._two_items()

    def _empty(self) -> None:
        """A section without anybody."""
        offering = {
            name: value for name, value in self._class.reference().items() if name != "sectionIdentifier"
        }
        record = {
            "id": "e" * 32,
            "_etag": "1",
            "sectionIdentifier": "EMPTY-1",
            "courseOfferingReference": offering,
        }
        self.server.state["sections"]["empty"] = record

    def _two_items(self) -> None:
        """Only the two entries of this class that the contract asks for, of maximum 100."""
        entries = self.server.state["gradebookEntries"]
        mine = [
            key for key, one in entries.items() if one["sectionReference"]["sectionIdentifier"] == "ALG1-P3"
        ]
        for key in mine:
            del entries[key]
        for number in (1, 2):
            self._entry(number)

    def _entry(self, number: int) -> None:
        from gradesync_site.sandbox.sis.edfi import seeds

        record = {"dateAssigned": f"2025-09-0{number}", "sectionReference": self._class.reference()}
        if self.standard == "3.3":
            record["gradebookEntryTitle"] = f"Test {number}"
        else:
            named = {
                "gradebookEntryIdentifier": f"t{number}",
                "namespace": "uri://north.example",
                "maxPoints": 100,
            }
            record |= named | {"title": f"Test {number}", "sourceSectionIdentifier": "ALG1-P3"}
        seeds.put(self.server.state, self.standard, "gradebookEntries", record)

    def make(self) -> Sis:
        return adapter(self.server, page_limit="3")

    @property
    def class_id(self) -> str:
        return self._class.text

    @property
    def empty_class_id(self) -> str:
        return self._class.text.replace("ALG1-P3", "EMPTY-1")

    @property
    def line_item_ids(self) -> Collection[str]:
        if self.standard == "3.3":
            return [f"2025-09-0{number}/Test%20{number}" for number in (1, 2)]
        return [f"uri%3A%2F%2Fnorth.example/t{number}" for number in (1, 2)]

    @property
    def student_ids(self) -> Collection[str]:
        rows = self.server.state["studentSectionAssociations"].values()
        mine = [one for one in rows if one["sectionReference"]["sectionIdentifier"] == "ALG1-P3"]
        return [one["studentReference"]["studentUniqueId"] for one in mine]

    @property
    def personal(self) -> Collection[str]:
        names = [one["lastSurname"] for one in self.server.state["students"].values()]
        return [*names, self.server.hello["client_secret"]]

    @contextmanager
    def lose_answers(self) -> Iterator[None]:
        self.server.faults.on("lose-answer", method="POST,PUT,DELETE", path="/ed-fi/")
        yield
        self.server.faults.off("lose-answer")


class TestStandard50(OverHttp):
    standard = "5.0"


class TestStandard40(OverHttp):
    standard = "4.0"


class TestStandard33(OverHttp):
    """3.3 has no maximum of an entry, so the one line that asks for it is asked of the others only."""

    standard = "3.3"

    def test_all_line_items_are_read_with_their_own_range(self) -> None:
        items = {one.sourced_id: one for one in self.make().line_items(self.class_id)}
        assert sorted(items) == sorted(self.line_item_ids)
        assert {one.maximum for one in items.values()} == {None}

    def test_a_line_item_is_created_once_and_found_again(self) -> None:
        from dataclasses import replace
        from datetime import UTC, datetime
        from decimal import Decimal

        from sync.sis import records as sis

        of, day = self.make(), datetime(2026, 2, 20, 12, tzinfo=UTC)
        new = sis.NewLineItem("x", "Übung – 练习", self.class_id, "", "", day, day, maximum=Decimal(20))
        made = [of.create_line_item(new), of.create_line_item(replace(new, sourced_id="y"))]
        assert made[0] == made[1]
        assert [one.title for one in of.line_items(self.class_id)].count(new.title) == 1


del OverHttp
