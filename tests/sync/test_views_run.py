"""The page of a run while it goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from sync import engine
from sync.models import Run
from tests.sync.pages import teacher, text_of
from tests.sync.worlds import Course

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
