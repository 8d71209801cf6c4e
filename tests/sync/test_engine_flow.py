"""The flow, step by step: preview, approve, safety stops (design §4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lti_tool.models import LtiUser, Membership
from sync import engine
from sync.models import ContextState
from sync.sis.records import ScoreStatus, Value
from tests.sync.scene import counts, number
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


# --- the main job ---------------------------------------------------------------------------------------------


def test_preview_shows_what_would_be_sent_and_sends_nothing(course: Course) -> None:
    run = engine.preview(course.context, course.who)

    assert run.state == "review"
    expected = {
        "students": 3,
        "line_items": 2,
        "pulled": 6,
        "created": 4,
        "not_graded": 2,
        "discrepancies": 4,
    }
    assert counts(run) == expected
    assert course.sis.journal == []
    row = course.row(run, 1, 1)
    assert (row.before, row.after, row.state) == (None, number("86.5").as_json(), "planned")
    assert row.why and row.student_name and row.item_title == "Homework 1"


def test_approved_grades_reach_the_sis_and_are_proven_there(course: Course) -> None:
    run = course.send()

    assert run.state == "done"
    assert counts(run) == {"students": 3, "line_items": 2, "pulled": 6, "created": 4, "not_graded": 2}
    assert run.report["in_sync"] is True and run.report["differences"] == []
    assert course.stored(1, 1) == number("86.5")
    row = course.row(run, 1, 1)
    assert row.state == "accepted" and row.sent_at and row.answered_at and row.attempts == 1
    assert ContextState.objects.get(context=course.context).slot is None


def test_second_run_writes_nothing(course: Course) -> None:
    course.send()
    written = len(course.sis.journal)

    run = course.send()

    assert len(course.sis.journal) == written
    assert counts(run) == {"students": 3, "line_items": 2, "pulled": 6, "unchanged": 4, "not_graded": 2}


def test_change_in_the_lms_is_sent_as_an_update(course: Course) -> None:
    course.send()
    course.lms.grade("u1", "a1", 90)

    run = course.send()

    assert course.stored(1, 1) == number("90") and counts(run)["updated"] == 1
    assert course.row(run, 1, 1).before == number("86.5").as_json()


def test_only_the_rows_she_picked_are_sent(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [course.row(run, 1, 1).digest])

    run = engine.push(run.pk)

    assert [one.student_id for one in course.sis.journal] == ["s1"]
    assert counts(run)["created"] == 1 and counts(run)["waiting"] == 3
    assert {one["cause"] for one in run.report["differences"]} == {"not sent"} and run.report[
        "in_sync"
    ] is False


def test_grade_that_equals_the_sis_already_is_taken_into_the_ledger(course: Course) -> None:
    course.sis.edit("i1", "s1", number("86.5"))
    course.send()
    course.lms.grade("u1", "a1", 88)

    run = course.send()

    assert course.stored(1, 1) == number("88") and run.report["in_sync"] is True


def test_precreated_empty_result_is_written_over_under_its_own_id(course: Course) -> None:
    course.sis.edit("i1", "s1", Value(status=ScoreStatus.NOT_SUBMITTED))
    standing = course.sis.stored("i1", "s1")

    run = course.send()

    after = course.sis.stored("i1", "s1")
    assert standing and after and after.sourced_id == standing.sourced_id
    assert run.report["in_sync"] is True and counts(run)["created"] == 4


# --- approval -------------------------------------------------------------------------------------------------


def test_row_that_changed_since_she_looked_is_not_sent_and_the_rest_go(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    course.lms.grade("u1", "a1", 12)

    run = engine.push(run.pk)

    assert course.row(run, 1, 1).state == "changed"
    assert course.stored(1, 1) is None and course.stored(2, 1) == number("0")
    assert run.report["in_sync"] is False


def test_list_that_was_replaced_cannot_be_approved(course: Course) -> None:
    old = engine.preview(course.context, course.who)
    digests = [row.digest for row in old.changes.all()]
    engine.preview(course.context, course.who)

    with pytest.raises(engine.Changed):
        engine.approve(old, course.who, digests)


def test_approval_takes_the_only_slot_of_the_course(course: Course) -> None:
    first = engine.preview(course.context, course.who)
    engine.approve(first, course.who, [row.digest for row in first.changes.all()])
    second = engine.preview(course.context, course.who)

    with pytest.raises(engine.CourseBusy):
        engine.approve(second, course.who, [row.digest for row in second.changes.all()])


def test_approving_twice_sends_once(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    digests = [row.digest for row in run.changes.all()]
    engine.approve(run, course.who, digests)
    with pytest.raises(engine.Changed):
        engine.approve(run, course.who, digests)

    engine.push(run.pk)
    engine.push(run.pk)

    assert len(course.sis.journal) == 4


def test_assistant_and_former_teacher_cannot_approve(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    assistant = LtiUser.objects.create(registration=course.context.registration, sub="assistant")
    Membership.objects.create(context=course.context, user=assistant, can_look=True)

    with pytest.raises(engine.EngineError):
        engine.approve(run, engine.Who("An assistant", assistant), [row.digest for row in run.changes.all()])

    assert run.changes.filter(state="approved").count() == 0


# --- safety stops ---------------------------------------------------------------------------------------------


def big_course(settings: Any) -> Course:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(students=12, items=1)
    for one in range(1, 13):
        course.lms.grade(f"u{one}", "a1", 50 + one)
    course.send()
    return course


def test_many_changed_grades_wait_for_a_second_look(settings: Any) -> None:
    course = big_course(settings)
    for one in range(1, 6):
        course.lms.grade(f"u{one}", "a1", 1)
    run = engine.preview(course.context, course.who)

    assert [stop["code"] for stop in run.report["stops"]] == ["many-changes"]
    with pytest.raises(engine.EngineError):
        engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    engine.approve(run, course.who, [row.digest for row in run.changes.all()], override_stops=True)
    assert engine.push(run.pk).report["in_sync"] is True


def test_stop_that_arises_after_approval_puts_the_run_back_to_review(settings: Any) -> None:
    course = big_course(settings)
    course.lms.grade("u1", "a1", 1)
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    written = len(course.sis.journal)
    for one in range(2, 8):
        course.lms.grade(f"u{one}", "a1", 2)

    run = engine.push(run.pk)

    assert run.state == "review" and len(course.sis.journal) == written
    assert course.row(run, 1, 1).state == "planned"
    assert ContextState.objects.get(context=course.context).slot is None


def test_shrunken_course_stops_the_send(settings: Any) -> None:
    course = big_course(settings)
    for one in range(1, 4):
        course.lms.remove_member(f"u{one}")
    course.lms.grade("u9", "a1", 3)

    run = engine.preview(course.context, course.who)

    assert {stop["code"] for stop in run.report["stops"]} == {"fewer-students", "fewer-grades"}
    assert not run.changes.filter(withdraws=True).exists()


def test_changed_maximum_stops_the_next_send(course: Course) -> None:
    course.send()
    course.lms.change_item("a1", maximum=Decimal(50))
    course.lms.grade("u1", "a1", 40)

    run = engine.preview(course.context, course.who)

    assert "maximum-changed" in {stop["code"] for stop in run.report["stops"]}
