"""Before a link is changed it is told which grades stay, and which will stand in the other place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync.relinking import Move, move

STUDENTS = st.sets(st.sampled_from("abcdefgh"))


def test_sent_grades_stay_and_graded_ones_are_new_on_the_other_item() -> None:
    assert move({"a", "b"}, {"a", "c"}, ()) == Move(stay=("a", "c"), fresh=("a", "b"), again=(), others=())


def test_an_item_that_was_linked_before_is_compared_with_what_was_sent_to_it() -> None:
    found = move({"a", "b"}, (), {"b", "c"})
    assert (found.fresh, found.again, found.others) == (("a",), ("b",), ("c",))


@given(STUDENTS, STUDENTS, STUDENTS)
def test_nobody_is_lost_and_nobody_is_told_twice(graded: set[str], here: set[str], there: set[str]) -> None:
    found = move(graded, here, there)
    assert set(found.stay) == here
    assert sorted([*found.fresh, *found.again]) == sorted(graded)
    assert sorted([*found.again, *found.others]) == sorted(there)
