"""A schedule that reads with its owner's own access: it goes on with it, and stops with a mail when it is gone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from lti_tool.models import LtiUser
from sync import engine, mails
from sync.engine import schedules, unattended
from sync.models import Grant, LmsConnection, Mail, Run, Schedule
from tests.sandbox_servers import Server
from tests.sync.granting import canvas, ending, give, granted
from tests.sync.nights import co_teacher, due, night
from tests.sync.worlds import Course

__all__ = ["canvas", "granted"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(granted: Course) -> LmsConnection:
    return LmsConnection.objects.get(registration=granted.context.registration)


@pytest.fixture
def scheduled(granted: Course, connection: LmsConnection, canvas: Server) -> Schedule:
    give(connection, granted, canvas)
    LtiUser.objects.update(email="ada@school.example")
    User.objects.create_superuser("root", "root@school.example", "x")
    granted.send()
    Run.objects.update(mailed=True)
    return due(schedules.set_schedule(granted.context, schedules.Wish("nightly"), granted.who))


def test_a_schedule_reads_with_its_owner_s_grant(scheduled: Schedule, granted: Course) -> None:
    run = night(scheduled)
    assert run is not None and run.state == "done"


def test_a_schedule_whose_owner_s_grant_is_gone_stops_and_says_so_by_mail(
    scheduled: Schedule, granted: Course, canvas: Server
) -> None:
    co_teacher(granted)
    LtiUser.objects.filter(sub="t2").update(email="bo@school.example")
    ending(Grant.objects.get())
    canvas.control("oauth", revoke=True)
    assert night(scheduled) is None
    scheduled.refresh_from_db()
    assert scheduled.stopped == "no_grant"
    mails.write_due(timezone.now())
    told = {mails.address_of(mail) for mail in Mail.objects.all()}
    assert told == {"ada@school.example", "bo@school.example", "root@school.example"}
    body = mails.message_of(Mail.objects.filter(user__sub="t2").get()).body
    assert "Ada Teacher can connect again" in body


def test_a_grant_that_is_lost_while_a_scheduled_run_is_read_stops_the_schedule(
    scheduled: Schedule, granted: Course, canvas: Server
) -> None:
    run = schedules.start(scheduled.pk)
    assert run is not None
    ending(Grant.objects.get())
    canvas.control("oauth", revoke=True)
    engine.read_run(run.pk)
    run.refresh_from_db()
    scheduled.refresh_from_db()
    assert (run.state, scheduled.stopped, scheduled.failures) == ("cancelled", "no_grant", 0)


def test_a_grant_that_is_lost_while_a_scheduled_run_is_sent_ends_it_and_stops_the_schedule(
    scheduled: Schedule, granted: Course, canvas: Server
) -> None:
    canvas.control("grade", course="101", user="5001", assignment="2001", score=3)
    run = schedules.start(scheduled.pk)
    assert run is not None
    engine.read_run(run.pk)
    assert unattended.go_on(run.pk)
    Grant.objects.update(lost_at=timezone.now())
    assert engine.push(run.pk).state == "failed"
    scheduled.refresh_from_db()
    assert scheduled.stopped == "no_grant"


def test_a_schedule_that_changed_hands_does_not_stop_for_its_former_owner(
    scheduled: Schedule, granted: Course, connection: LmsConnection, canvas: Server
) -> None:
    run = schedules.start(scheduled.pk)
    assert run is not None
    other = co_teacher(granted)
    give(connection, granted, canvas, user=other.user)
    schedules.take_over(granted.context, other)
    Grant.objects.filter(user=granted.teacher).update(lost_at=timezone.now())
    engine.read_run(run.pk)
    run.refresh_from_db()
    scheduled.refresh_from_db()
    assert (run.state, scheduled.stopped) == ("cancelled", "")


def test_a_busy_sign_in_puts_a_schedule_off_and_stops_nothing(
    scheduled: Schedule, granted: Course, canvas: Server
) -> None:
    ending(Grant.objects.get())
    canvas.faults.on("token-away")
    assert night(scheduled) is None
    scheduled.refresh_from_db()
    assert (scheduled.stopped, bool(scheduled.message)) == ("", True)


def test_who_has_not_connected_sets_and_takes_over_no_schedule(scheduled: Schedule, granted: Course) -> None:
    other = co_teacher(granted)
    for act in (
        lambda: schedules.take_over(granted.context, other),
        lambda: schedules.set_schedule(granted.context, schedules.Wish("hourly"), other),
    ):
        with pytest.raises(engine.EngineError) as caught:
            act()
        assert "Connect to Canvas first" in caught.value.text
    schedules.set_schedule(granted.context, schedules.Wish("off"), other)
