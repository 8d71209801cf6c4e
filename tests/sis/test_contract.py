"""Every adapter keeps the contract: the in-process SIS, and OneRoster against the sandbox over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from sync.sis import memory
from sync.sis.base import Settings, Sis
from sync.sis.contract import SisContract
from sync.sis.oneroster import OneRoster
from sync.sis.records import Profile
from tests.sandbox_servers import SisServer

WORLD = "memory:contract"


class TestMemory(SisContract):
    @pytest.fixture(autouse=True)
    def world(self) -> Iterator[memory.World]:
        self.of = memory.world(WORLD)
        self.of.add_class("c1", students=[f"s{n}" for n in range(7)], teachers=["t1"])
        self.of.add_class("empty")
        self.of.add_item("c1", "i1")
        self.of.add_item("c1", "i2")
        yield self.of
        memory.forget(WORLD)

    def make(self) -> Sis:
        return memory.Memory(Settings(self.connection, WORLD, secret="s3cret"))

    @property
    def class_id(self) -> str:
        return "c1"

    @property
    def empty_class_id(self) -> str:
        return "empty"

    @property
    def line_item_ids(self) -> Collection[str]:
        return ["i1", "i2"]

    @property
    def student_ids(self) -> Collection[str]:
        return [f"s{n}" for n in range(7)]

    @property
    def personal(self) -> Collection[str]:
        return ["s3cret"]

    @contextmanager
    def lose_answers(self) -> Iterator[None]:
        self.of.fault = memory.lose_answer
        yield
        self.of.fault = None


class TestMemoryThatGivesIds(TestMemory):
    @pytest.fixture(autouse=True)
    def given_ids(self, world: memory.World) -> None:
        world.profile = Profile(idempotent=False)


class TestMemoryInParallel(TestMemory):
    @pytest.fixture(autouse=True)
    def in_parallel(self, world: memory.World) -> None:
        world.parallel = 4


class TestOneRoster(SisContract):
    """Against the strict sandbox, new results by POST."""

    options: ClassVar[dict[str, str]] = {"page_limit": "4", "settle_s": "0"}
    started: ClassVar[dict[str, Any]] = {}

    @pytest.fixture(autouse=True)
    def server(self, start_sis: Callable[..., SisServer]) -> SisServer:
        self.of = start_sis(**self.started)
        for item in self.line_item_ids:
            wish = {"sourcedId": item, "class": self.class_id, "title": item, "resultValueMax": Decimal(100)}
            self.of.control("line-item", **wish)
        return self.of

    def make(self) -> Sis:
        hello = self.of.hello
        client, secret = hello["client_id"], hello["client_secret"]
        base = self.of.base_url
        return OneRoster(Settings(self.connection, base, hello["token_url"], client, secret, self.options))

    @property
    def class_id(self) -> str:
        return "BIO-P2"

    @property
    def empty_class_id(self) -> str:
        return "ART-P6"

    @property
    def line_item_ids(self) -> Collection[str]:
        return ["quiz 1", "quiz 2"]

    @property
    def student_ids(self) -> Collection[str]:
        enrolled = self.of.state["enrollments"].values()
        return [one["user"] for one in enrolled if (one["class"], one["role"]) == (self.class_id, "student")]

    @property
    def personal(self) -> Collection[str]:
        people = self.of.state["users"].values()
        return [
            self.of.hello["client_secret"],
            *(one["familyName"] for one in people if len(one["familyName"]) > 2),
        ]

    @contextmanager
    def lose_answers(self) -> Iterator[None]:
        self.of.faults.on("lose-answer", method="PUT,POST", path="gradebook")
        yield
        self.of.faults.off()


class TestOneRosterByPut(TestOneRoster):
    options: ClassVar[dict[str, str]] = {
        "page_limit": "4",
        "create": "put",
        "withdraw": "delete",
        "batch": "3",
    }


class TestOneRosterLenient(TestOneRoster):
    """A SIS that says less than it should: sparse references, no total, no words."""

    options: ClassVar[dict[str, str]] = {"page_limit": "4", "score_date": "datetime"}
    started: ClassVar[dict[str, Any]] = {
        "lenient": True,
        "faults": ("sparse-refs", "no-total-count", "pairs-as-object", "error-shape-3"),
    }
