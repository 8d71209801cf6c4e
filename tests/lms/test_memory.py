"""The LMS in this process keeps the contract and does what its hooks say."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from sync.errors import TryLater
from sync.lms import memory
from sync.lms import records as lms
from sync.lms.base import Settings
from sync.lms.contract import LmsContract

COURSE = lms.Course("course")


@pytest.fixture
def world() -> memory.World:
    return memory.world(f"memory:{uuid.uuid4().hex}")


def read(world: memory.World) -> lms.Gradebook:
    return memory.Memory(Settings("memory", world.name)).read_gradebook(COURSE)


class TestMemory(LmsContract):
    @pytest.fixture(autouse=True)
    def _course(self, world: memory.World) -> None:
        self.world = world
        world.add_member("first", sis_id="SIS-1001", name="Ana Alvarez")
        world.add_member("second", name="Zoë Müller-Łukasz 李")
        world.add_member("gone", active=False)
        world.add_member("teacher", is_student=False, is_teacher=True)
        world.add_item("short", "Homework 1", maximum=10)
        world.add_item("long", maximum=50)
        world.grade("first", "short", 0)
        world.grade("first", "long", Decimal("9.257"))
        world.grade("second", "long", 52)
        world.grade("gone", "short", 5)

    def make(self) -> memory.Memory:
        return memory.Memory(Settings("memory", self.world.name))

    def course(self) -> lms.Course:
        return COURSE

    def fail_reads(self) -> None:
        self.world.on_read = memory.try_later(30)

    def refuse_reads(self) -> None:
        self.world.on_read = memory.misconfigured()


def test_a_teacher_grades_excuses_and_takes_a_grade_away(world: memory.World) -> None:
    world.add_member("u1")
    world.add_item("a1")
    world.grade("u1", "a1", Decimal("86.5"))
    assert read(world).results[0].score == Decimal("86.5")
    world.excuse("u1", "a1")
    assert read(world).results[0].status is lms.Status.EXCUSED
    world.miss("u1", "a1")
    assert read(world).results[0].status is lms.Status.MISSING
    world.grade("u1", "a1")
    assert read(world).results[0].status is lms.Status.NOT_GRADED


def test_who_leaves_and_comes_back_has_her_grades_again(world: memory.World) -> None:
    member = world.add_member("u1")
    world.add_item("a1")
    world.grade("u1", "a1", 7)
    world.remove_member("u1")
    assert read(world).results == ()
    world.members["u1"] = member
    assert [one.score for one in read(world).results] == [Decimal(7)]


def test_changes_of_members_and_items_are_read(world: memory.World) -> None:
    world.add_member("u1")
    world.add_item("a1")
    world.change_item("a1", maximum=Decimal(20))
    world.change_member("u1", name="New Name")
    book = read(world)
    assert (book.members[0].name, book.results[0].maximum) == ("New Name", Decimal(20))
    world.remove_item("a1")
    assert read(world).line_items == ()


def test_unpublished_item_is_listed_without_results(world: memory.World) -> None:
    world.add_member("u1")
    world.add_item("a1", published=False)
    book = read(world)
    assert (len(book.line_items), book.results) == (1, ())


def test_hook_of_once_fails_the_next_read_only(world: memory.World) -> None:
    world.on_read = memory.once(memory.try_later(5), world)
    with pytest.raises(TryLater) as caught:
        read(world)
    assert caught.value.after == 5
    read(world)
    assert world.reads == 2


def test_short_read_loses_the_last_members(world: memory.World) -> None:
    for number in range(5):
        world.add_member(f"u{number}")
    world.short = 2
    assert len(read(world).members) == 3


def test_world_is_new_after_it_was_forgotten(world: memory.World) -> None:
    world.add_member("u1")
    memory.forget(world.name)
    assert memory.world(world.name).members == {}
