"""The shipped contract against a pretend Aeries over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import ClassVar

import pytest

from gradesync_site.sandbox.sis.aeries_api import seeds
from sync.sis.base import Sis
from sync.sis.contract import SisContract
from tests.sandbox_servers import Server
from tests.sis.aeries.conftest import adapter


class TestAeries(SisContract):
    options: ClassVar[dict[str, str]] = {"category": "Homework"}

    @pytest.fixture(autouse=True)
    def _host(self, start: Callable[..., Server]) -> None:
        self.server = start()
        self._class = self.server.hello["sections"]["ALG1-P3"]
        state = self.server.state
        self._only_two_items()
        state["sections"]["994-1999"] = {**state["sections"][self._class], "SectionNumber": 1999}

    def _only_two_items(self) -> None:
        """The two assignments of this class that the contract asks for, of 100 points."""
        state = self.server.state
        state["assignments"].clear()
        book = next(iter(state["gradebooks"].values()))
        for number in (1, 2):
            given = {"NumberCorrectPossible": 100, "PointsPossible": 100, "DateDue": f"2026-02-0{number}"}
            seeds.add_assignment(state, book, Description=f"Test {number}", **given)

    def make(self) -> Sis:
        return adapter(self.server, **self.options)

    @property
    def class_id(self) -> str:
        return self._class

    @property
    def empty_class_id(self) -> str:
        return "994-1999"

    @property
    def line_item_ids(self) -> Collection[str]:
        return list(self.server.state["assignments"])

    @property
    def student_ids(self) -> Collection[str]:
        return list(self.server.state["rosters"][self._class])

    @property
    def personal(self) -> Collection[str]:
        names = [one["StudentLastName"] for one in self.server.state["people"].values()]
        return [*(one for one in names if len(one) > 2), self.server.hello["client_secret"]]

    @contextmanager
    def lose_answers(self) -> Iterator[None]:
        self.server.faults.on("lose-answer", method="POST", path="/gradebooks/")
        yield
        self.server.faults.off("lose-answer")


class TestOneByOne(TestAeries):
    options: ClassVar[dict[str, str]] = {
        "category": "T",
        "decimals": "2",
        "batch": "1",
        "database_year": "2025-2026",
    }
