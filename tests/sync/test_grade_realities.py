"""What a student's registration takes is known before *Send*: the problems stand on the review page, all others go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils.formats import date_format

from lti_tool.models import LtiUser
from sync import engine
from sync.engine import schedules
from sync.errors import TryLater, Unreachable
from sync.models import GradeExtra, Run
from sync.planning import value_of
from sync.sis.memory import refuse
from sync.views.filtering import mark
from tests.sync.nights import NIGHTLY, due, night
from tests.sync.pages import teacher, text_of
from tests.sync.registry import PROFILE, days_ago, enter, letter, make_registrar, register
from tests.sync.registry import registrar as registrar
from tests.sync.scene import counts
from tests.sync.worlds import Course

pytestmark = pytest.mark.django_db


def problems(run: Run) -> dict[str, str]:
    """Code by user."""
    return {one["user_id"]: one["code"] for one in run.report["problems"]}


# --- before the send -----------------------------------------------------------------------------------------


def test_a_grade_without_its_last_date_of_attendance_is_a_problem_and_all_others_go(
    registrar: Course,
) -> None:
    run = registrar.send()

    assert (registrar.stored(1, 1), registrar.stored(2, 1)) == (letter("A"), letter("B"))
    assert registrar.stored(3, 1) is None
    assert problems(run) == {"u3": "last-attendance-missing"}
    assert counts(run) == {"students": 3, "line_items": 1, "pulled": 3, "created": 2, "problems": 1}
    assert run.report["in_sync"] is True


def test_the_review_page_says_who_can_fix_it_and_what_to_do(registrar: Course) -> None:
    register(registrar, "s1", refused="frozen", words="Rolled on 12 December.")
    run = engine.preview(registrar.context, registrar.who)

    page = text_of(teacher(registrar.context).get("review", run.pk))

    assert "This grade is final in the SIS already. A change goes through the registrar. " in page
    assert "Rolled on 12 December." in page and "The SIS administrator can settle this" in page
    assert "Enter it here." in page and "You can settle this" in page
    assert "LMS: F, SIS: no grade" in page and "Ids:" not in page


def test_each_student_gets_the_code_of_her_own_mode(registrar: Course) -> None:
    register(registrar, "s1", mode="Pass/No Pass", allowed=None)
    register(registrar, "s2", mode="Audit")

    run = registrar.send()

    assert registrar.stored(1, 1) == letter("P")
    assert registrar.row(run, 1, 1).why.endswith("A from 90 %; P in the SIS")
    assert problems(run)["u2"] == "mode-held"


def test_a_student_without_a_registration_gets_no_grade(registrar: Course) -> None:
    registrar.sis.registrations["c1"] = []
    run = engine.preview(registrar.context, registrar.who)
    assert set(problems(run).values()) == {"registration-unknown"}
    assert counts(run)["problems"] == 3 and not run.changes.exists()


def test_a_registrars_own_code_is_neither_written_over_nor_taken_for_an_edit(registrar: Course) -> None:
    registrar.sis.edit("i1", "s1", letter("W"))

    run = registrar.send()

    assert registrar.stored(1, 1) == letter("W")
    assert problems(run)["u1"] == "registrars-own"


def test_a_final_class_whose_grades_agree_shows_no_problems(registrar: Course) -> None:
    enter(registrar, 3, last_attended=days_ago(20))
    registrar.send()
    for student in ("s1", "s2", "s3"):
        register(registrar, student, refused="frozen")

    run = engine.reconcile(registrar.context, registrar.who)

    assert run.report["problems"] == [] and run.report["in_sync"] is True
    assert counts(run)["unchanged"] == 3


def test_a_grade_gone_from_the_lms_is_not_offered_for_removal_from_a_final_class(registrar: Course) -> None:
    registrar.send()
    register(registrar, "s1", refused="frozen")
    registrar.lms.grade("u1", "a1", None)

    run = engine.preview(registrar.context, registrar.who)

    assert not run.changes.exists()
    (held,) = run.report["held"]
    assert held["why"].startswith("problem: This grade is final in the SIS already.")


# --- what a person entered -----------------------------------------------------------------------------------


def test_what_she_entered_travels_with_the_grade_and_is_read_back(registrar: Course) -> None:
    enter(registrar, 3, last_attended=days_ago(20))

    run = registrar.send()

    assert registrar.stored(3, 1) == letter("F", last_attended=days_ago(20))
    assert run.report["in_sync"] is True and run.report["problems"] == []
    assert registrar.send().report["counts"]["unchanged"] == 3


def test_another_date_is_another_value_and_goes_as_a_change(registrar: Course) -> None:
    extra = enter(registrar, 3, last_attended=days_ago(20))
    registrar.send()
    GradeExtra.objects.filter(pk=extra.pk).update(last_attended=None, never_attended=True)

    run = registrar.send()

    assert registrar.stored(3, 1) == letter("F", never_attended=True)
    assert counts(run)["updated"] == 1


def test_a_date_outside_of_the_classs_term_is_a_problem(registrar: Course) -> None:
    enter(registrar, 3, last_attended=days_ago(61))
    run = engine.preview(registrar.context, registrar.who)
    assert problems(run) == {"u3": "last-attendance-impossible"}


def test_the_review_page_names_the_date_as_its_reader_writes_dates(registrar: Course) -> None:
    enter(registrar, 3, last_attended=days_ago(61))
    run = engine.preview(registrar.context, registrar.who)
    page = text_of(teacher(registrar.context).get("review", run.pk))
    assert str(date_format(days_ago(61))) in page and days_ago(61).isoformat() not in page


def test_a_grade_that_was_sent_and_now_wants_more_is_to_be_settled_and_stays(registrar: Course) -> None:
    registrar.send()
    registrar.lms.grade("u1", "a1", 10)

    run = engine.preview(registrar.context, registrar.who)

    page = teacher(registrar.context).get("review", run.pk)
    place = mark(registrar.key(1, 1).text())
    assert f"?grade={place}#g-{place}" in page.content.decode()
    assert "Not sent: to be settled first" in text_of(page) and "LMS: F, SIS: A" in text_of(page)
    assert registrar.stored(1, 1) == letter("A") and problems(run)["u1"] == "last-attendance-missing"


def test_a_date_entered_in_the_sis_by_hand_is_left_there(registrar: Course) -> None:
    there = letter("F", last_attended=days_ago(5))
    registrar.sis.edit("i1", "s3", there)

    run = registrar.send()

    assert registrar.stored(3, 1) == there and problems(run) == {}
    assert counts(run)["unchanged"] == 1


# --- between review and send ---------------------------------------------------------------------------------


def test_a_registration_that_closes_after_the_review_is_not_sent_and_the_rest_go(registrar: Course) -> None:
    run = engine.preview(registrar.context, registrar.who)
    engine.approve(run, registrar.who, [row.digest for row in run.changes.all()])
    register(registrar, "s1", refused="window_closed")

    run = engine.push(run.pk)

    assert registrar.row(run, 1, 1).state == "changed" and registrar.row(run, 2, 1).state == "accepted"
    assert registrar.stored(1, 1) is None
    assert problems(run)["u1"] == "window_closed"


def test_a_refusal_for_missing_data_lapses_when_it_was_entered(registrar: Course) -> None:
    """The SIS asked for more than its list said."""
    register(registrar, "s3", allowed=None)
    registrar.sis.fault = refuse("extra_data_required", "Last attendance is missing.")
    refused = registrar.send()
    assert registrar.row(refused, 3, 1).state == "rejected"
    registrar.sis.fault = None
    enter(registrar, 3, never_attended=True)

    run = engine.preview(registrar.context, registrar.who)

    assert value_of(registrar.row(run, 3, 1).after) == letter("F", never_attended=True)


def test_a_read_whose_registrations_did_not_come_is_tried_later(registrar: Course) -> None:
    def cut(method: str, class_id: str) -> None:
        if method == "registrations":
            raise Unreachable("The answer was lost.")

    registrar.sis.on_read = cut
    with pytest.raises(TryLater):
        engine.preview(registrar.context, registrar.who)


# --- unattended, blind, without a roster ---------------------------------------------------------------------


def test_a_night_sends_what_fits_and_leaves_what_does_not(registrar: Course) -> None:
    registrar.send()
    schedule = due(schedules.set_schedule(registrar.context, NIGHTLY, registrar.who))
    registrar.lms.grade("u1", "a1", 82)
    registrar.lms.grade("u2", "a1", 10)

    run = night(schedule)

    assert run is not None and run.state == "done"
    assert registrar.stored(1, 1) == letter("B")
    assert registrar.stored(2, 1) == letter("B"), "the F wants a date that nobody entered"
    assert problems(run) == {"u2": "last-attendance-missing", "u3": "last-attendance-missing"}


@pytest.mark.parametrize("roster", [True, False])
def test_a_sis_that_cannot_be_read_is_judged_by_what_it_took_last(roster: bool, settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    course = make_registrar(replace(PROFILE, read_back=False, roster=roster))
    enter(course, 3, last_attended=days_ago(20))
    run = course.send()
    assert counts(run)["created"] == 3 and run.report["in_sync"] is None
    register(course, "s1", refused="frozen")
    register(course, "s2", refused="frozen")
    course.lms.grade("u2", "a1", 99)

    run = engine.preview(course.context, course.who)

    assert problems(run) == {"u2": "frozen"}
    assert counts(run)["unchanged"] == 2 and not run.changes.exists()


def test_registrations_are_asked_for_only_where_the_sis_states_them(registrar: Course) -> None:
    asked: list[str] = []
    registrar.sis.on_read = lambda method, class_id: asked.append(method)
    engine.look(registrar.context)
    assert asked.count("registrations") == 1 and asked.count("sessions") == 1
    asked.clear()
    registrar.sis.profile = replace(PROFILE, preflight=False, extras=frozenset())
    engine.look(registrar.context)
    assert not {"registrations", "sessions"} & set(asked)


def test_the_problem_is_said_in_her_language(registrar: Course) -> None:
    run = engine.preview(registrar.context, registrar.who)
    ada = teacher(registrar.context)
    LtiUser.objects.update(locale="es")
    page = text_of(ada.get("review", run.pk))
    assert "asistencia" in page and "last date of attendance" not in page
