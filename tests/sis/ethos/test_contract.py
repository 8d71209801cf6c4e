"""The shipped contract against a pretend tenant over real HTTP: with the SIS's own lists, and without them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import ClassVar

import pytest

from gradesync_site.sandbox.sis.ethos.seeds import FINAL, MID1, MID2, guid
from sync.sis import records as sis
from sync.sis.base import Sis
from sync.sis.contract import SisContract
from tests.sandbox_servers import Server
from tests.sis.ethos.conftest import CLASS, adapter


class OverHttp(SisContract):
    samples = tuple(sis.Value(text=letter) for letter in ("A-", "B+", "C", "D"))
    options: ClassVar[dict[str, str]] = {}

    @pytest.fixture(autouse=True)
    def _tenant(self, host: Server) -> None:
        self.server = host

    def make(self) -> Sis:
        return adapter(self.server, page_limit="3", attendance="optional", **self.options)

    @property
    def class_id(self) -> str:
        return CLASS

    @property
    def empty_class_id(self) -> str:
        return guid("section", "ART-P6")

    @property
    def line_item_ids(self) -> Collection[str]:
        return [f"{CLASS}#{one}" for one in (FINAL, MID1, MID2)]

    @property
    def student_ids(self) -> Collection[str]:
        rows = self.server.state["section-registrations"].values()
        return [one["registrant"]["id"] for one in rows if one["section"]["id"] == CLASS]

    @property
    def personal(self) -> Collection[str]:
        names = [one["names"][0]["lastName"] for one in self.server.state["persons"].values()]
        return [*names, self.server.hello["client_secret"]]

    @contextmanager
    def lose_answers(self) -> Iterator[None]:
        self.server.faults.on("lose-answer", method="POST,PUT")
        yield
        self.server.faults.off("lose-answer")

    def test_an_empty_class_reads_as_empty(self) -> None:
        """The kinds of grade are the institution's: an empty section has them too."""
        of = self.make()
        assert of.students(self.empty_class_id) == of.results(self.empty_class_id) == []
        assert len(of.line_items(self.empty_class_id)) == 3


class TestWithTheListsOfTheSis(OverHttp):
    pass


class TestWithGradeSchemesOnly(OverHttp):
    options: ClassVar[dict[str, str]] = {"grade_options": "no", "grades_by": "registration"}


del OverHttp
