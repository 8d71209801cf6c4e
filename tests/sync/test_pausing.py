"""An administrator's pause: nothing is sent while it stands, reads go on, and what waited goes on afterwards."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from sync import engine
from sync.engine import pausing
from sync.models import LmsConnection, Pause, Run
from tests.sync.scene import course, over
from tests.sync.worlds import ADMIN, Course, make_course

pytestmark = pytest.mark.django_db
__all__ = ["course"]


def approved(course: Course) -> Run:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    return run


def paused(course: Course, reason: str = "", *, whole: bool = False) -> Pause:
    of = None if whole else course.connection
    pausing.pause(course.context.institution, ADMIN, reason, of=of)
    return Pause.objects.get()


def test_nothing_is_sent_through_a_paused_connection(course: Course) -> None:
    run = approved(course)
    paused(course, "The SIS is being upgraded until noon.")
    run = engine.push(run.pk)
    assert run.state == "paused"
    assert run.message == "Paused by your administrator. The SIS is being upgraded until noon."
    assert course.sis.attempts == []
    assert set(run.changes.values_list("state", flat=True)) == {"approved"}


def test_pause_of_the_institution_holds_every_connection(course: Course) -> None:
    run = approved(course)
    paused(course, whole=True)
    assert engine.push(run.pk).message == "Paused by your administrator."
    assert course.sis.attempts == []


def test_pause_of_the_lms_connection_holds_its_courses(course: Course) -> None:
    run = approved(course)
    reader = LmsConnection.objects.get(registration=course.context.registration)
    pausing.pause(course.context.institution, ADMIN, of=reader)
    assert engine.push(run.pk).state == "paused"
    assert course.sis.attempts == []


def test_pause_of_another_institution_or_connection_holds_nothing(course: Course) -> None:
    other = make_course()
    pausing.pause(other.context.institution, ADMIN)
    pausing.pause(other.context.institution, ADMIN, of=other.connection)
    assert engine.push(approved(course).pk).state == "done"


def test_previews_and_comparisons_go_on_reading(course: Course) -> None:
    paused(course, whole=True)
    assert engine.preview(course.context, course.who).changes.count() == 4
    assert engine.reconcile(course.context, course.who).state == "done"


def test_run_goes_on_when_the_pause_is_lifted(course: Course) -> None:
    pause = paused(course)
    run = engine.push(approved(course).pk)
    assert not Run.objects.due(timezone.now()).exists()
    pausing.resume(pause)
    assert list(Run.objects.due(timezone.now())) == [run]
    run = engine.push(run.pk)
    assert run.state == "done" and run.message == ""
    assert len(course.sis.journal) == 4


def test_lifting_a_pause_does_not_wake_a_run_that_waits_for_the_sis(course: Course) -> None:
    run = approved(course)
    later = timezone.now() + timedelta(minutes=10)
    Run.objects.filter(pk=run.pk).update(state="paused", resume_at=later, message="The SIS is busy.")
    pausing.resume(paused(course))
    run.refresh_from_db()
    assert run.resume_at == later


@pytest.mark.django_db(transaction=True)  # the pretend SIS answers in a thread of its own
def test_pause_in_the_middle_lets_what_is_under_way_be_recorded(course: Course) -> None:
    run = approved(course)

    def pause_then_store(what: Any, store: Any) -> Any:
        paused(course) if not Pause.objects.exists() else None
        return store()

    course.sis.fault = pause_then_store
    run = engine.push(run.pk)
    assert run.state == "paused"
    states = list(run.changes.values_list("state", flat=True))
    assert states.count("accepted") == len(course.sis.journal) >= 1
    assert "sending" not in states and "approved" in states


def test_run_that_waited_for_a_day_asks_for_a_new_look(course: Course) -> None:
    run = approved(course)
    paused(course)
    Run.objects.filter(pk=run.pk).update(approved_at=timezone.now() - timedelta(hours=25))
    run = engine.push(run.pk)
    assert run.state == "failed" and "Look again, then send" in run.message


def test_paused_run_can_be_stopped(course: Course) -> None:
    paused(course)
    run = engine.push(approved(course).pk)
    engine.cancel(run, course.who)
    assert run.state == "cancelled"


def test_new_columns_are_not_created_while_paused(course: Course) -> None:
    course.lms.add_item("a9", title="Homework 9", maximum=Decimal(10))
    wish = engine.NewItemWish(class_link_id=course.class_link.pk, lms_line_item_id="a9")
    paused(course)
    with pytest.raises(engine.LinkRefused, match="Paused by your administrator"):
        engine.create_line_items(course.context, [wish], course.who)
    assert not course.class_link.line_item_links.filter(lms_line_item_id="a9").exists()


def test_second_pause_of_the_same_place_is_the_first_one(course: Course) -> None:
    assert pausing.pause(course.context.institution, ADMIN)
    assert not pausing.pause(course.context.institution, ADMIN)
    assert pausing.pause(course.context.institution, ADMIN, of=course.connection)
    assert not pausing.pause(course.context.institution, ADMIN, of=course.connection)
    assert Pause.objects.count() == 2


def test_worker_that_died_before_the_pause_is_settled_after_it(course: Course) -> None:
    """A request in flight when the pause came is still found out about once it is lifted."""
    run = approved(course)
    run.changes.filter(student_id="s1").update(state="sending", sent_at=timezone.now())
    Run.objects.filter(pk=run.pk).update(state="pushing")
    pause = paused(course)
    assert engine.push(run.pk).state == "paused"
    pausing.resume(pause)
    assert engine.push(over(run).pk).state == "done"
