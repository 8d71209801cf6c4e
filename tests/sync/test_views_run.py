"""The page of a run while it goes on."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from sync import engine
from sync.models import GradeChange, Run
from sync.sis import memory
from sync.sis.records import Value
from sync.views.outcomes import progress_of
from tests.sync.pages import teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


def test_run_of_a_worker_that_fell_silent_says_so(course: Course) -> None:
    ada = teacher(course.context)
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    for left, said in ((89, False), (20, True), (-5, True)):
        Run.objects.update(state="pushing", lease_until=timezone.now() + timedelta(seconds=left))
        page = text_of(ada.get("run", run.pk))
        assert ("has not been heard of" in page) is said
        assert "waiting to start" not in page


def test_lost_answer_is_not_counted_as_answered(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    Run.objects.update(state="paused")
    run.changes.update(state="accepted")
    run.changes.filter(student_id="s1").update(state="unknown")

    page = text_of(teacher(course.context).get("run", run.pk))

    assert "2 of 4 answered" in page


def test_grades_of_a_run_that_failed_are_not_sent_and_are_tried_again(course: Course) -> None:
    ada = teacher(course.context)
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    assert "waiting to be sent" in text_of(ada.get("run", run.pk))

    Run.objects.update(state="failed", finished_at=timezone.now())

    page = text_of(ada.get("run", run.pk))
    assert "not sent" in page and "Try again what did not go" in page
    assert "waiting to be sent" not in page
    assert "waiting to be sent" not in text_of(ada.get("receipt", run.pk))


# --- rate and time left ---------------------------------------------------------------------------------------


def pushing(answered: int, seconds: int, total: int = 20) -> Run:
    """A run that got its answers evenly over the last `seconds`."""
    course = make_course(students=total, items=1)
    for student in range(1, total + 1):
        course.lms.grade(f"u{student}", "a1", Decimal(student))
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    Run.objects.filter(pk=run.pk).update(state="pushing")
    now = timezone.now()
    for place, row in enumerate(run.changes.order_by("pk")[:answered]):
        at = now - timedelta(seconds=seconds * (answered - place) / answered)
        GradeChange.objects.filter(pk=row.pk).update(state="accepted", answered_at=at)
    run.refresh_from_db()
    return run


def test_rate_and_time_left_are_those_of_the_last_minute() -> None:
    run = pushing(answered=10, seconds=30, total=60)
    found = progress_of(run)
    assert (found.done, found.total) == (10, 60)
    assert 18 <= found.per_minute <= 20
    assert found.minutes_left == 3
    page = text_of(teacher(run.context).get("run", run.pk))
    assert "At this pace about 3 minutes more." in page


@pytest.mark.parametrize(
    ("answered", "seconds", "state"), [(4, 10, "pushing"), (10, 600, "pushing"), (10, 30, "paused")]
)
def test_no_time_left_is_told_that_nobody_can_know(answered: int, seconds: int, state: str) -> None:
    run = pushing(answered, seconds)
    if seconds > 60:  # the last answers are long ago
        run.changes.exclude(answered_at=None).update(answered_at=timezone.now() - timedelta(seconds=seconds))
    Run.objects.filter(pk=run.pk).update(state=state)
    run.refresh_from_db()
    assert (progress_of(run).per_minute, progress_of(run).minutes_left) == (0, 0)
    assert "At this pace" not in text_of(teacher(run.context).get("run", run.pk))


def test_only_each_tenth_is_read_out() -> None:
    run = pushing(answered=5, seconds=10)
    ada = teacher(run.context)
    ask = {"headers": {"HX-Request": "true"}}
    assert "progress-said" in ada.get("progress", run.pk, query={"step": "10"}, **ask).content.decode()
    assert "progress-said" not in ada.get("progress", run.pk, query={"step": "20"}, **ask).content.decode()


def test_run_says_who_stopped_it(course: Course) -> None:
    ada = teacher(course.context)
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    assert "Ada Teacher stopped it." in text_of(ada.post("cancel", run.pk))


# --- outcomes, reconciliation, receipt ------------------------------------------------------------------------


@pytest.fixture
def half_refused(course: Course) -> Run:
    course.sis.fault = memory.once(memory.refuse("frozen", "Term is closed."), course.sis)
    return course.send()


def test_outcomes_are_narrowed_to_one_kind(course: Course, half_refused: Run) -> None:
    ada = teacher(course.context)
    page = text_of(ada.get("run", half_refused.pk, query={"part": "rejected"}))
    assert "Outcome per student 1" in page and "Term is closed." in page
    page = text_of(ada.get("run", half_refused.pk, query={"part": "accepted"}))
    assert "Outcome per student 3" in page


def test_search_on_a_run_narrows_outcomes_and_differences(course: Course, half_refused: Run) -> None:
    refused = half_refused.changes.get(state="rejected").student_id
    other = next(one for one in ("s1", "s2", "s3") if one != refused)
    page = text_of(teacher(course.context).post("find", half_refused.pk, words=other))
    assert f"{other} Test" in page and f"{refused} Test" not in page
    assert "No differences in what you chose above." in page


def test_reconciliation_shows_both_sides_last_sent_and_the_next_step(course: Course) -> None:
    course.send()
    course.sis.edit("i1", "s1", Value(Decimal(12)))
    run = engine.reconcile(course.context, course.who)
    page = text_of(teacher(course.context).get("run", run.pk))
    assert "Edited in the SIS 1" in page
    assert "86.5 12 86.5" in page  # LMS, SIS, last sent
    assert "Keep the SIS's grade, or send the LMS's" in page


def test_receipt_holds_who_when_what_and_the_answer(course: Course, half_refused: Run) -> None:
    page = text_of(teacher(course.context).get("receipt", half_refused.pk))
    assert f"Receipt of run {half_refused.pk}" in page
    assert "Sent by Ada Teacher" in page
    assert half_refused.digest and half_refused.digest in page
    assert "refused by the SIS: " in page and "Term is closed." in page
    for row in half_refused.changes.all():
        assert row.student_name in page


def test_receipt_counts_what_the_sis_took(course: Course, half_refused: Run) -> None:
    page = text_of(teacher(course.context).get("receipt", half_refused.pk))
    refused = half_refused.changes.get(state="rejected").item_title
    taken = half_refused.changes.filter(item_title=refused, state="accepted").count()
    assert f"{refused} {taken + 1} {taken}" in page


def test_receipt_of_a_run_that_sent_nothing_says_so(course: Course) -> None:
    run = engine.reconcile(course.context, course.who)
    assert "Nothing was picked to be sent." in text_of(teacher(course.context).get("receipt", run.pk))


def test_outcomes_of_a_long_run_come_page_by_page(course: Course, monkeypatch: Any) -> None:
    monkeypatch.setattr("sync.views.outcomes.PER_PAGE", 3)
    run = course.send()
    ada = teacher(course.context)
    assert "Page 1 of 2 (1–3 of 4)" in text_of(ada.get("run", run.pk))
    assert "Page 2 of 2 (4–4 of 4)" in text_of(ada.get("run", run.pk, query={"page": 2}))
