"""Beats, workers and teachers at the same moment: one run, one mail, and a pause that holds. PostgreSQL only."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox_of
from django.db import connection
from django.utils import timezone

from lti_tool.models import LtiUser
from sync import engine, mails
from sync.engine import schedules, unattended
from sync.engine.schedules import Wish
from sync.models import Run, Schedule
from tests.sync.nights import due
from tests.sync.scene import number
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def course(settings: Any, transactional_db: None) -> Course:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets only one write at a time")
    settings.HTTP_DEADLINE_S = 0
    made = make_course()
    LtiUser.objects.update(email="ada@school.example")
    made.lms.grade("u1", "a1", 50)
    made.send()
    Run.objects.update(mailed=True)
    made.lms.grade("u1", "a1", 60)
    due(schedules.set_schedule(made.context, Wish("nightly", most_changed=30), made.who))
    return made


def at_once(*work: Callable[[], object]) -> list[object]:
    together, got = threading.Barrier(len(work)), list[object]()

    def go(one: Callable[[], object]) -> None:
        with contextlib.closing(connection):
            together.wait(timeout=30)
            try:
                got.append(one())
            except engine.EngineError as error:
                got.append(error)

    threads = [threading.Thread(target=go, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(got) == len(work)
    return got


def test_four_workers_begin_one_run(course: Course) -> None:
    pk = Schedule.objects.get().pk
    got = at_once(*[lambda: schedules.start(pk)] * 4)
    assert sum(one is not None for one in got) == 1
    assert Run.objects.filter(unattended=True).count() == 1


def test_four_beats_claim_once(course: Course) -> None:
    now = timezone.now()
    got = at_once(*[lambda: schedules.claim_due(now)] * 4)
    assert [one for one in got if one] == [[Schedule.objects.get().pk]]


@pytest.mark.parametrize("go", range(6))
def test_pause_in_the_same_moment_holds(course: Course, go: int) -> None:
    run = schedules.start(Schedule.objects.get().pk)
    assert run is not None
    engine.read_run(run.pk)

    def on() -> None:
        if unattended.go_on(run.pk):
            threading.Event().wait(0.05)
            engine.push(run.pk)

    at_once(on, lambda: schedules.pause(course.context, course.who, on=True))
    engine.push(run.pk)

    run.refresh_from_db()
    assert run.state in ("cancelled", "review")
    assert course.stored(1, 1) == number("50")


@pytest.mark.parametrize("go", range(4))
def test_teacher_and_schedule_approve_one_list_once(course: Course, go: int) -> None:
    run = schedules.start(Schedule.objects.get().pk)
    assert run is not None
    engine.read_run(run.pk)
    hers = Run.objects.get(pk=run.pk)
    digests = [row.digest for row in hers.changes.all()]
    at_once(lambda: unattended.go_on(run.pk), lambda: engine.approve(hers, course.who, digests))
    engine.push(run.pk)
    run.refresh_from_db()
    assert run.state == "done"
    assert course.stored(1, 1) == number("60")


@pytest.mark.parametrize("go", range(4))
def test_take_over_while_it_begins_makes_one_run_in_one_name(course: Course, go: int) -> None:
    pk = Schedule.objects.get().pk
    at_once(lambda: schedules.start(pk), lambda: schedules.take_over(course.context, course.who))
    assert Run.objects.filter(unattended=True).count() <= 1
    found = Schedule.objects.get()
    assert found.next_at is not None
    assert found.next_at > timezone.now()


def test_four_beats_send_each_mail_once(course: Course) -> None:
    run = schedules.start(Schedule.objects.get().pk)
    assert run is not None
    engine.read_run(run.pk)
    unattended.go_on(run.pk)
    engine.push(run.pk)
    now = timezone.now() + timedelta(minutes=2)

    def beat() -> None:
        mails.write_due(now)
        mails.send_due(now)

    at_once(beat, beat, beat, beat)
    assert len(outbox_of.outbox) == 1


def test_undo_asked_for_in_two_tabs_is_one_list_and_is_sent_once(course: Course) -> None:
    first = Run.objects.get(state="done")
    got = at_once(*[lambda: engine.ask_undo(first, course.who)[0].pk] * 3)
    assert len(set(got)) == 1
    listed = Run.objects.get(pk=got[0])
    at_once(*[lambda: engine.read_run(listed.pk)] * 2)
    listed.refresh_from_db()
    digests = [row.digest for row in listed.changes.all()]
    sent = at_once(*[lambda: engine.approve(Run.objects.get(pk=listed.pk), course.who, digests)] * 3)
    assert sorted(type(one).__name__ for one in sent) == ["Changed", "Changed", "int"]
    at_once(*[lambda: engine.push(listed.pk)] * 3)
    assert course.stored(1, 1) is None


def test_schedule_and_undo_begin_together_and_what_was_undone_stays_out(course: Course) -> None:
    course.lms.grade("u1", "a1", 50)
    first = Run.objects.get(state="done")
    listed = engine.undo_run(first, course.who)
    engine.approve(listed, course.who, [row.digest for row in listed.changes.all()])
    Run.objects.filter(pk=listed.pk).update(created_at=timezone.now() - timedelta(hours=3))
    pk = Schedule.objects.get().pk

    def night() -> None:
        run = schedules.start(pk)
        if run is not None:
            engine.read_run(run.pk)
            if unattended.go_on(run.pk):
                engine.push(run.pk)

    at_once(night, lambda: engine.push(listed.pk))
    engine.push(listed.pk)
    due(Schedule.objects.get())
    night()
    assert course.stored(1, 1) is None
