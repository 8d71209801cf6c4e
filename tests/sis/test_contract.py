"""The in-process SIS keeps the contract."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest

from sync.sis import memory
from sync.sis.base import Settings, Sis
from sync.sis.contract import SisContract
from sync.sis.records import Profile

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
