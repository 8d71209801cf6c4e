"""What a schedule may send: never an edit's place, never a removal, nothing left unticked, not above its share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from sync import engine
from sync.engine import picks, schedules
from sync.engine.schedules import Wish
from sync.models import Run, Schedule
from tests.sync.nights import due, night
from tests.sync.scene import number
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


def test_edit_in_the_sis_is_never_settled_by_it(course: Course, nightly: Schedule) -> None:
    course.sis.edit("i1", "s1", number("70"))
    course.lms.grade("u1", "a1", 90)
    night(nightly)
    assert course.stored(1, 1) == number("70")


def test_grade_gone_from_the_lms_is_never_withdrawn_by_it(course: Course, nightly: Schedule) -> None:
    course.lms.grade("u1", "a1", None)

    run = night(nightly)

    assert course.stored(1, 1) == number("86.5")
    assert run is not None
    assert (run.state, bool(run.message)) == ("review", True)


def test_what_was_undone_is_not_sent_again_by_it(course: Course, nightly: Schedule) -> None:
    first = Run.objects.filter(approved_at__isnull=False).get()
    listed = engine.undo_run(first, course.who)
    engine.approve(listed, course.who, [row.digest for row in listed.changes.all()])
    engine.push(listed.pk)

    run = night(nightly)

    assert course.stored(1, 1) is None
    assert run is not None
    assert (run.state, run.message) == ("done", "Nothing was to be sent.")


def test_read_without_grades_does_not_end_what_was_undone(course: Course, nightly: Schedule) -> None:
    """The LMS showed nothing for one night; its grades are the same as before: what was undone stays out."""
    first = Run.objects.filter(approved_at__isnull=False).get()
    listed = engine.undo_run(first, course.who)
    engine.approve(listed, course.who, [row.digest for row in listed.changes.all()])
    engine.push(listed.pk)
    kept = dict(course.lms.results)
    course.lms.results.clear()
    night(nightly)
    course.lms.results.update(kept)

    night(due(nightly))

    assert course.stored(1, 1) is None
    course.lms.grade("u1", "a1", 91)
    night(due(nightly))
    assert course.stored(1, 1) == number("91")
    assert course.stored(2, 1) is None


def test_undo_that_read_no_grades_stays_undone_when_they_are_shown_again(
    course: Course, nightly: Schedule
) -> None:
    first = Run.objects.filter(approved_at__isnull=False).get()
    kept = dict(course.lms.results)
    course.lms.results.clear()
    listed = engine.undo_run(first, course.who)
    engine.approve(listed, course.who, [row.digest for row in listed.changes.all()])
    engine.push(listed.pk)
    course.lms.results.update(kept)

    night(nightly)

    assert [course.stored(student, 1) for student in (1, 2)] == [None, None]


def test_grade_that_she_left_unticked_is_not_sent_by_it(course: Course, nightly: Schedule) -> None:
    course.lms.grade("u1", "a1", 90)
    course.lms.grade("u3", "a2", 50)
    listed = engine.preview(course.context, course.who)
    ticked = [course.row(listed, 3, 2).digest]
    picks.tick(listed, course.who, [row.pk for row in listed.changes.all()], ticked)
    engine.approve(listed, course.who, ticked)
    engine.push(listed.pk)

    run = night(nightly)

    assert course.stored(1, 1) == number("86.5")
    assert run is not None
    assert (run.state, bool(run.message)) == ("review", True), "a person is asked, it is not silently left"
    engine.approve(run, course.who, [course.row(run, 1, 1).digest])
    engine.push(run.pk)
    assert course.stored(1, 1) == number("90")


def test_grade_unticked_on_a_list_that_it_replaces_is_not_sent_and_its_next_change_is(
    course: Course, nightly: Schedule
) -> None:
    course.lms.grade("u1", "a1", 90)
    listed = engine.preview(course.context, course.who)
    picks.tick(listed, course.who, [course.row(listed, 1, 1).pk], [])
    Run.objects.filter(pk=listed.pk).update(created_at=timezone.now() - timedelta(hours=2))
    night(nightly)
    assert course.stored(1, 1) == number("86.5")

    course.lms.grade("u1", "a1", 91)
    night(due(nightly))

    assert course.stored(1, 1) == number("91")


def test_her_ticks_outlive_a_run_by_schedule(course: Course, nightly: Schedule) -> None:
    course.lms.grade("u1", "a1", 90)
    course.lms.grade("u3", "a2", 50)
    listed = engine.preview(course.context, course.who)
    picks.tick(listed, course.who, [course.row(listed, 1, 1).pk], [])
    Run.objects.filter(pk=listed.pk).update(created_at=timezone.now() - timedelta(hours=2))
    night(nightly)
    assert (course.stored(1, 1), course.stored(3, 2)) == (number("86.5"), number("50"))

    again = engine.preview(course.context, course.who)

    assert course.row(again, 1, 1).picked is False


def test_only_new_or_only_changed_grades_go_as_she_set_it(course: Course, nightly: Schedule) -> None:
    course.lms.grade("u1", "a1", 90)
    course.lms.grade("u3", "a2", 50)
    schedules.set_schedule(course.context, Wish("nightly", sends_changes=False), course.who)
    night(due(nightly))
    assert (course.stored(1, 1), course.stored(3, 2)) == (number("86.5"), number("50"))

    schedules.set_schedule(course.context, Wish("nightly", sends_new=False), course.who)
    course.lms.grade("u2", "a2", 40)
    night(due(nightly))
    assert (course.stored(1, 1), course.stored(2, 2)) == (number("90"), None)


def test_more_changes_than_the_schedule_allows_wait_for_a_person(settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(students=12, items=1)
    for student in range(1, 13):
        course.lms.grade(f"u{student}", "a1", 50)
    course.send()
    schedule = schedules.set_schedule(course.context, Wish("nightly", most_changed=10), course.who)
    course.lms.grade("u1", "a1", 51)
    night(due(schedule))
    assert course.stored(1, 1) == number("51")
    course.lms.grade("u2", "a1", 52)
    course.lms.grade("u3", "a1", 53)

    run = night(due(schedule))

    assert run is not None
    assert run.state == "review"
    assert "2 of 12" in run.message
    assert course.stored(2, 1) == number("50")
