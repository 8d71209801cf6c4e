"""The in-process SIS behaves as its docstring says: the engine's tests lean on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sync.errors import TryLater, Unreachable
from sync.sis import memory
from sync.sis import records as sis
from sync.sis.base import Answer, Settings

KEY = sis.Key("1", "c1", "i1", "s1")
NONE: frozenset[sis.Value | None] = frozenset({None})


def value(number: str) -> sis.Value:
    return sis.Value(Decimal(number))


def change(number: str | None, **fields: object) -> sis.Change:
    after = None if number is None else value(number)
    given: dict[str, object] = {"before": None, "expected": NONE, "new_id": "derived", **fields}
    return sis.Change(KEY, after=after, **given)  # type: ignore[arg-type]  # a test's shorthand


@pytest.fixture
def world() -> Iterator[memory.World]:
    made = memory.world("memory:test")
    made.add_class("c1", students=["s1", "s2"], teachers=["t1"])
    made.add_item("c1", "i1")
    yield made
    memory.forget("memory:test")


def push(*changes: sis.Change) -> list[Answer]:
    return list(memory.Memory(Settings("1", "memory:test")).push(changes))


def outcome(*changes: sis.Change) -> sis.Outcome:
    return push(*changes)[0][1]


def test_a_lost_answer_is_unknown_and_stored(world: memory.World) -> None:
    world.fault = memory.once(memory.lose_answer, world)
    assert outcome(change("7")).state == "unknown"
    assert world.value("i1", "s1") == value("7")
    assert outcome(change("8", result_id="derived")).state == "accepted"


def test_a_lost_request_is_unknown_and_not_stored(world: memory.World) -> None:
    world.fault = memory.lose_request
    assert outcome(change("7")).state == "unknown"
    assert world.stored("i1", "s1") is None and len(world.attempts) == 1


def test_accepted_without_storing(world: memory.World) -> None:
    world.fault = memory.store_nothing
    assert outcome(change("7")).state == "accepted"
    assert not world.journal


def test_given_ids_and_a_second_create_that_settles(world: memory.World) -> None:
    world.profile = sis.Profile(idempotent=False)
    first, again = outcome(change("7")), outcome(change("7"))
    assert first.result_id == again.result_id == "r1"
    assert [one.made for one in world.journal] == [True]


def test_a_second_create_over_a_persons_grade_is_refused_with_what_was_found(world: memory.World) -> None:
    world.edit("i1", "s1", value("5"))
    answer = outcome(change("7"))
    assert (answer.code, answer.found) == ("conflict_newer", value("5"))
    assert world.value("i1", "s1") == value("5")


def test_without_uniqueness_a_second_create_doubles(world: memory.World) -> None:
    world.profile, world.unique = sis.Profile(idempotent=False), False
    push(change("7"))
    push(change("7"))
    assert len(world.of_pair(("i1", "s1"))) == 2


def test_scores_are_rounded_where_the_world_says_so(world: memory.World) -> None:
    world.rounding = 1
    push(change("9.257"))
    assert world.value("i1", "s1") == value("9.3")


def test_shown_late_means_that_reads_show_the_former_value(world: memory.World) -> None:
    push(change("7"))
    world.fault = memory.show_late(world)
    push(change("8", result_id="derived", expected=frozenset({value("7")})))
    adapter = memory.Memory(Settings("1", "memory:test"))
    assert [one.value for one in adapter.results("c1")] == [value("7")]
    world.show()
    assert [one.value for one in adapter.results("c1")] == [value("8")]


def test_a_withdrawal_leaves_nothing_there(world: memory.World) -> None:
    push(change("7"))
    assert outcome(change(None, result_id="derived", expected=frozenset({value("7")}))).state == "accepted"
    assert world.value("i1", "s1") is None


def test_a_record_deleted_meanwhile_is_asked_about(world: memory.World) -> None:
    push(change("7"))
    world.edit("i1", "s1", None)
    assert (
        outcome(change("8", result_id="derived", expected=frozenset({value("7")}))).code == "conflict_newer"
    )
    assert outcome(change("8", result_id="derived")).state == "accepted"


def test_refusals_name_what_is_wrong(world: memory.World) -> None:
    unknown = sis.Change(KEY._replace(student_id="nobody"), None, value("7"), NONE, new_id="n")
    gone = sis.Change(KEY._replace(line_item_id="gone"), None, value("7"), NONE, new_id="g")
    codes = {answer.code for _, answer in push(unknown, gone, change("101"))}
    assert codes == {"student_unknown", "line_item_missing", "over_max"}


def test_busy_stops_the_push_and_nothing_is_stored(world: memory.World) -> None:
    world.fault = memory.try_later(7)
    with pytest.raises(TryLater) as caught:
        push(change("7"))
    assert caught.value.after == 7 and not world.journal


@pytest.mark.parametrize(("fault", "stored"), [(memory.crash_before, 0), (memory.crash_after, 1)])
def test_a_crash_passes_through_every_except_exception(
    world: memory.World, fault: memory.Fault, stored: int
) -> None:
    world.fault = fault
    with pytest.raises(memory.Crash):
        push(change("7"))
    assert len(world.journal) == stored


def test_a_lost_line_item_is_there_all_the_same(world: memory.World) -> None:
    day = datetime(2026, 2, 1, tzinfo=UTC)
    world.item_fault = memory.lose_answer
    adapter = memory.Memory(Settings("1", "memory:test"))
    with pytest.raises(Unreachable):
        adapter.create_line_item(sis.NewLineItem("new", "Essay", "c1", "school", "Work", day, day))
    assert [item.title for item in adapter.line_items("c1")] == ["Item i1", "Essay"]
