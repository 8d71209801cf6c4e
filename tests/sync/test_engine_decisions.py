"""A person's word on one grade that differs, and how long it holds (design §1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import RestrictedError

from sync import engine, planning
from sync.engine import picks
from sync.models import Decision, GradeChange, Run
from sync.sis import memory
from sync.sis.records import Profile
from tests.sync.scene import counts, number
from tests.sync.worlds import ADMIN, Course, make_course

pytestmark = pytest.mark.django_db


# --- decisions ------------------------------------------------------------------------------------------------


def edited(course: Course) -> Run:
    course.send()
    course.sis.edit("i1", "s1", number("70"))
    return engine.preview(course.context, course.who)


def test_keeping_the_sis_grade_is_her_choice_and_not_a_difference(course: Course) -> None:
    edited(course)
    engine.decide(course.context, course.key(1, 1), "sis_kept", course.who)

    run = course.send()

    assert course.stored(1, 1) == number("70")
    assert run.report["in_sync"] is True and counts(run)["excluded"] == 1


def test_kept_sis_grade_is_asked_about_again_when_the_lms_grade_changes(course: Course) -> None:
    edited(course)
    engine.decide(course.context, course.key(1, 1), "sis_kept", course.who)
    course.lms.grade("u1", "a1", 95)

    run = course.send()

    assert course.stored(1, 1) == number("70")
    assert [one["code"] for one in run.report["problems"]] == ["edited-in-sis"]


def test_lms_grade_preferred_overwrites_exactly_the_value_she_saw(course: Course) -> None:
    edited(course)
    engine.decide(course.context, course.key(1, 1), "lms_preferred", course.who)
    course.sis.edit("i1", "s1", number("71"))
    course.send()
    assert course.stored(1, 1) == number("71"), "she saw 70, not 71"
    engine.decide(course.context, course.key(1, 1), "lms_preferred", course.who)

    run = course.send()

    assert course.stored(1, 1) == number("86.5") and run.report["in_sync"] is True


def test_conflict_met_while_sending_is_told_with_the_value_found(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])

    def edit_first(what: Any, store: Any) -> Any:
        course.sis.fault = None
        course.sis.edit("i1", "s1", number("44"))
        return store()

    course.sis.fault = edit_first
    run = engine.push(run.pk)

    row = course.row(run, 1, 1)
    assert (row.state, row.code) == ("rejected", "conflict_newer") and "44" in row.words
    assert course.stored(1, 1) == number("44")
    assert "edited-in-sis" in {one["code"] for one in run.report["problems"]}


def test_withdrawal_is_sent_only_when_ticked(course: Course) -> None:
    course.send()
    course.lms.grade("u1", "a1", None)

    untouched = course.send()
    assert course.stored(1, 1) == number("86.5") and untouched.report["in_sync"] is False
    assert [one["cause"] for one in untouched.report["differences"]] == ["gone from the LMS"]
    run = course.send(withdraw=True)

    assert course.stored(1, 1) is None and run.report["in_sync"] is True and counts(run)["withdrawn"] == 1


def test_declined_withdrawal_leaves_the_grade_and_is_no_difference(course: Course) -> None:
    course.send()
    course.lms.grade("u1", "a1", None)
    engine.preview(course.context, course.who)
    engine.decide(course.context, course.key(1, 1), "withdrawal_declined", course.who)

    run = course.send()

    assert (
        course.stored(1, 1) == number("86.5") and run.report["in_sync"] is True and counts(run)["held"] == 1
    )


def test_decision_on_a_grade_never_sent_can_be_taken_back_while_her_student_is_left_out() -> None:
    course = make_course(students=1, items=1)
    course.lms.grade("u1", "a1", 72)
    course.sis.edit("i1", "s1", number("70"))
    engine.preview(course.context, course.who)
    engine.decide(course.context, course.key(1, 1), "sis_kept", course.who)
    engine.exclude_student(course.context, "u1", "on leave", course.who)
    engine.preview(course.context, course.who)

    engine.lift(course.context, course.key(1, 1), course.who)

    assert not Decision.objects.filter(lapsed_at=None).exists()


def test_decision_on_a_grade_of_another_course_is_refused(course: Course) -> None:
    edited(course)
    other = make_course()

    with pytest.raises(engine.Changed):
        engine.decide(other.context, course.key(1, 1), "lms_preferred", other.who)
    with pytest.raises(engine.Changed):
        engine.lift(other.context, course.key(1, 1), other.who)


def test_write_only_sis_is_never_called_in_sync(settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(profile=Profile(read_back=False))
    course.lms.grade("u1", "a1", 10)

    run = course.send()
    again = course.send()

    assert run.report["in_sync"] is None and counts(run)["unverified"] == 1
    assert again.report["in_sync"] is None and len(course.sis.journal) == 1


def test_key_survives_its_text() -> None:
    key = planning.Key("7", "class/1", "a%b", "ü 1")
    assert engine.parse_key(key.text()) == key


def test_admin_may_do_all(course: Course) -> None:
    run = engine.preview(course.context, ADMIN)
    assert engine.approve(run, ADMIN, [row.digest for row in run.changes.all()]) == 4
    assert GradeChange.objects.filter(run=run, state="approved").count() == 4


def test_refusal_lapses_when_the_connection_is_set_anew(course: Course) -> None:
    course.sis.fault = memory.once(memory.refuse("over_max"), course.sis)
    refused = course.send().changes.get(state="rejected")
    engine.profile_changed(course.connection)

    run = engine.preview(course.context, course.who)

    assert [row.key for row in run.changes.all()] == [refused.key]


def test_preferred_grade_that_is_never_stored_is_sent_twice_and_then_told(course: Course) -> None:
    edited(course)
    engine.decide(course.context, course.key(1, 1), "lms_preferred", course.who)
    course.sis.fault = memory.store_nothing
    sent = len(course.sis.attempts)
    for _ in range(4):
        run = course.send()

    assert len(course.sis.attempts) == sent + 2
    assert [one["code"] for one in run.report["problems"]] == ["accepted-not-shown"]


def test_teacher_whose_word_stands_is_not_deleted_alone(course: Course) -> None:
    engine.exclude_student(course.context, "u1", "on leave", course.who)

    with pytest.raises(RestrictedError):
        course.teacher.delete()


def test_removal_that_she_unticked_and_left_out_is_not_ticked_again(course: Course) -> None:
    course.send()
    course.lms.grade("u1", "a1", None)
    course.lms.grade("u2", "a1", 5)
    first = engine.preview(course.context, course.who)
    picks.tick(first, course.who, [course.row(first, 1, 1).pk], [course.row(first, 1, 1).digest])
    second = engine.preview(course.context, course.who)
    picks.tick(second, course.who, [course.row(second, 1, 1).pk], [])
    engine.approve(second, course.who, [course.row(second, 2, 1).digest])
    engine.push(second.pk)

    third = engine.preview(course.context, course.who)

    assert not course.row(third, 1, 1).picked
