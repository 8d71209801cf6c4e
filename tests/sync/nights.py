"""A course with a nightly schedule, and nights that pass."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from lti_tool.models import LtiUser, Membership
from sync import engine
from sync.engine import schedules, unattended
from sync.engine.errors import Who
from sync.engine.schedules import Wish
from sync.models import Run, Schedule
from tests.sync.worlds import Course

NIGHTLY = Wish("nightly")


@pytest.fixture
def nightly(course: Course) -> Schedule:
    """A course whose first grades were sent by its teacher, with a schedule whose time has come."""
    course.send()
    return due(schedules.set_schedule(course.context, NIGHTLY, course.who))


def due(schedule: Schedule) -> Schedule:
    Schedule.objects.filter(pk=schedule.pk).update(next_at=timezone.now() - timedelta(minutes=1))
    schedule.refresh_from_db()
    return schedule


def night(schedule: Schedule) -> Run | None:
    """One beat and one worker: the run, as far as it came."""
    for schedule_id in schedules.claim_due(timezone.now()):
        run = schedules.start(schedule_id)
        if run is not None:
            engine.read_run(run.pk)
            if unattended.go_on(run.pk):
                engine.push(run.pk)
            run.refresh_from_db()
        return run
    return None


def co_teacher(course: Course) -> Who:
    user = LtiUser.objects.create(registration=course.context.registration, sub="t2", name="Bo Lind")
    Membership.objects.create(context=course.context, user=user, can_send=True, can_look=True)
    return Who("Bo Lind", user)
