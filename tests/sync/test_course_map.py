"""The map of a course says of every grade what the review and the reconciliation say of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sync import course_map, engine
from sync.models import ContextState
from sync.sis.records import Value
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    made = make_course(students=4, items=2)
    for student in (1, 2, 3, 4):
        made.lms.grade(f"u{student}", "a1", Decimal(70 + student))
    return made


def shown(course: Course) -> dict[str, Any]:
    found: dict[str, Any] = ContextState.objects.get(context=course.context).snapshot["map"]
    return found


def letters(course: Course) -> list[str]:
    engine.look(course.context)
    return list(shown(course)["rows"])


def test_rows_are_students_by_name_and_columns_the_linked_items(course: Course) -> None:
    course.lms.add_item("a3", title="Not linked", maximum=Decimal(10))
    letters(course)
    assert shown(course)["students"] == ["u1", "u2", "u3", "u4"]
    assert shown(course)["items"] == ["a1", "a2"]


def test_a_grade_is_new_then_the_same_then_changed_then_withdrawn(course: Course) -> None:
    assert letters(course) == ["n-", "n-", "n-", "n-"]
    course.send()
    assert shown(course)["rows"] == ["s-", "s-", "s-", "s-"], "the read-back of the push is the newest"
    course.lms.grade("u2", "a1", Decimal(50))
    course.lms.grade("u3", "a1", None)
    assert letters(course) == ["s-", "c-", "w-", "s-"]


def test_a_grade_edited_in_the_sis_is_told_apart_from_one_that_was_kept(course: Course) -> None:
    course.send()
    course.sis.edit("i1", "s1", Value(Decimal(99)))
    assert letters(course) == ["e-", "s-", "s-", "s-"]
    engine.preview(course.context, course.who)
    engine.decide(course.context, course.key(1, 1), "sis_kept", course.who)
    assert letters(course) == ["h-", "s-", "s-", "s-"]


def test_an_unmatched_student_has_problems_only_where_she_has_grades(course: Course) -> None:
    course.lms.add_member("u5", sis_id="nobody", name="Student 5")
    course.lms.grade("u5", "a1", Decimal(1))
    assert letters(course)[4] == "p-"


def test_a_student_left_out_is_blank_even_where_her_grade_was_sent(course: Course) -> None:
    course.send()
    engine.exclude_student(course.context, "u4", "auditor", course.who)
    assert letters(course) == ["s-", "s-", "s-", "  "]


def test_map_counts_what_the_report_counts(course: Course) -> None:
    course.lms.add_member("u5", sis_id="nobody", name="Student 5")
    course.lms.grade("u5", "a1", Decimal(1))
    run = engine.preview(course.context, course.who)
    said, drawn = run.report["counts"], course_map.counts(shown(course)["rows"])
    assert drawn == {"problem": said["problems"], "new": said["created"], "not_graded": said["not_graded"]}
    assert sum(drawn.values()) == said["pulled"]


def test_counts_name_the_urgent_first_and_nothing_that_is_not_there() -> None:
    assert list(course_map.counts(["s-n", "ssp"])) == ["problem", "new", "same", "not_graded"]


def test_counts_of_each_item_add_up_to_the_whole() -> None:
    lines = ["sn", "s-", "pn"]
    assert course_map.counts_by_item(lines, 2) == [{"problem": 1, "same": 2}, {"new": 2, "not_graded": 1}]
