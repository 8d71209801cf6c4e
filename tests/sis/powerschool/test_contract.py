"""The shipped contract against a pretend PowerSchool over real HTTP: with read-back, and without."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import ClassVar

import pytest

from gradesync_site.sandbox.sis.powerschool import seeds
from sync.sis import records as sis
from sync.sis.base import Sis
from sync.sis.contract import SisContract
from sync.sis.powerschool import wire
from tests.sandbox_servers import Server
from tests.sis.powerschool.conftest import adapter


class TestPowerSchool(SisContract):
    options: ClassVar[dict[str, str]] = {"category": "classwork", "page_limit": "2"}

    @pytest.fixture(autouse=True)
    def _host(self, start: Callable[..., Server]) -> None:
        self.server = start()
        self._class = self.server.hello["sections"]["ALG1-P3"]
        self._only_two_items()
        state = self.server.state
        row = {**state["sections"][self._class], "dcid": 4999, "id": 14999, "name": "EMPTY-1"}
        state["sections"]["4999"] = row
        state["sectionteacher"].append({"sectionid": 14999, "teacherid": row["teacher"]})

    def _only_two_items(self) -> None:
        """The two assignments of this class that the contract asks for, of 100 points."""
        assignments = self.server.state["assignments"]
        assignments.clear()
        for number in (1, 2):
            part = {
                "sectionsdcid": int(self._class),
                "name": f"Test {number}",
                "duedate": f"2026-02-0{number}",
                "scoretype": "POINTS",
                "scoreentrypoints": 100,
                "totalpointvalue": 100,
                "weight": 1,
            }
            seeds.add_assignment(self.server.state, part)

    def make(self) -> Sis:
        return adapter(self.server, **self.options)

    @property
    def class_id(self) -> str:
        return self._class

    @property
    def empty_class_id(self) -> str:
        return "4999"

    @property
    def line_item_ids(self) -> Collection[str]:
        parts = [one["_assignmentsections"][0] for one in self.server.state["assignments"].values()]
        return [str(one["assignmentsectionid"]) for one in parts]

    @property
    def student_ids(self) -> Collection[str]:
        rows = self.server.state["enrolments"].values()
        return [str(one["student_id"]) for one in rows if str(one["section_id"]) == self._class]

    @property
    def personal(self) -> Collection[str]:
        names = [one["name"]["last_name"] for one in self.server.state["students"].values()]
        return [*(one for one in names if len(one) > 2), self.server.hello["client_secret"]]

    @contextmanager
    def lose_answers(self) -> Iterator[None]:
        self.server.faults.on("lose-answer", method="PUT,POST", path="/ws/xte/")
        yield
        self.server.faults.off("lose-answer")


class TestFinerDecimals(TestPowerSchool):
    options: ClassVar[dict[str, str]] = {"category": "Test", "decimals": "4", "batch": "1"}


class TestWithoutReadBack(TestPowerSchool):
    """The plugin was not granted ASSIGNMENTSCORE: what stands there is only seen in the pretend server itself."""

    options: ClassVar[dict[str, str]] = {"category": "Quiz", "read_back": "no"}

    @pytest.fixture(autouse=True)
    def _not_granted(self, _host: None) -> None:
        self.server.faults.on("field-not-readable")

    def stored(self, of: Sis) -> dict[sis.Key, sis.Value | None]:
        rows = [
            {name: str(value) for name, value in row.items() if value is not None}
            for row in self.server.state["scores"].values()
        ]
        results = [wire.read_result(row, self.class_id, 6) for row in rows]
        return {self._key_of(one): one.value for one in results}


def test_a_score_of_many_digits_is_sent_digit_for_digit() -> None:
    value = sis.Value(Decimal("33.333300"))
    body = wire.score_body(sis.Key("1", "4001", "77", "81"), value)
    assert body["actualscoreentered"] == "33.3333"
    assert body["scorepoints"] == Decimal("33.3333")
