"""Schedules: whose they are, when they begin, what they may send, and what stops them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from django.test import RequestFactory
from django.utils import timezone

from lti_tool import sessions
from lti_tool.models import LtiSession, LtiUser, Membership
from sync import engine, tasks
from sync.engine import pausing, schedules, unattended
from sync.engine.errors import Who
from sync.engine.schedules import Wish
from sync.models import ClassLink, LineItemLink, Pause, Run, Schedule
from tests.sync.nights import NIGHTLY, co_teacher, due, night
from tests.sync.scene import number
from tests.sync.worlds import Course

pytestmark = pytest.mark.django_db
MEMBERS = "https://lms.example/members"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"


# --- setting it -----------------------------------------------------------------------------------------------


def test_schedule_belongs_to_the_teacher_who_set_it_and_has_a_next_time(course: Course) -> None:
    course.send()

    schedule = schedules.set_schedule(course.context, NIGHTLY, course.who)

    assert (schedule.owner, schedule.owner_name) == (course.teacher, "Ada Teacher")
    assert schedule.next_at is not None
    assert timezone.now() < schedule.next_at < timezone.now() + timedelta(hours=25)


def test_nothing_is_scheduled_before_a_person_sent_once(course: Course) -> None:
    with pytest.raises(engine.EngineError, match="once yourself"):
        schedules.set_schedule(course.context, NIGHTLY, course.who)
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    "wish",
    [
        Wish("yearly"),
        Wish("nightly", time_zone="Mars/Olympus"),
        Wish("hourly", from_hour=24),
        Wish("nightly", most_changed=100),
        Wish("nightly", sends_new=False, sends_changes=False),
    ],
)
def test_what_makes_no_sense_is_refused(course: Course, wish: Wish) -> None:
    course.send()
    with pytest.raises(engine.EngineError):
        schedules.set_schedule(course.context, wish, course.who)


def test_only_teachers_of_the_course_set_it(course: Course, nightly: Schedule) -> None:
    stranger = Who("X", LtiUser.objects.create(registration=course.context.registration, sub="x"))
    asked: list[Callable[[], object]] = [
        lambda: schedules.set_schedule(course.context, Wish("off"), stranger),
        lambda: schedules.take_over(course.context, stranger),
        lambda: schedules.pause(course.context, stranger, on=True),
    ]
    for one in asked:
        with pytest.raises(engine.EngineError):
            one()
    nightly.refresh_from_db()
    assert (nightly.kind, nightly.owner, nightly.paused) == ("nightly", course.teacher, False)


# --- the clock ------------------------------------------------------------------------------------------------


def test_night_sends_what_changed_and_the_next_one_is_set(course: Course, nightly: Schedule) -> None:
    course.lms.grade("u1", "a1", 90)

    run = night(nightly)

    nightly.refresh_from_db()
    assert course.stored(1, 1) == number("90")
    assert run is not None
    assert (run.state, run.unattended, run.schedule, run.asked_name) == ("done", True, nightly, "Ada Teacher")
    assert nightly.next_at is not None
    assert nightly.next_at > timezone.now()


def test_two_beats_and_two_workers_make_one_run(course: Course, nightly: Schedule) -> None:
    now = timezone.now()
    assert schedules.claim_due(now) == [nightly.pk]
    assert schedules.claim_due(now) == []

    first, second = schedules.start(nightly.pk), schedules.start(nightly.pk)

    assert first is not None
    assert second is None
    assert Run.objects.filter(unattended=True).count() == 1


def test_worker_that_lost_the_race_makes_no_run(course: Course, nightly: Schedule) -> None:
    stale = Schedule.objects.select_related("context__deployment__registration", "owner").get()
    schedules.start(nightly.pk)

    assert schedules._begin(stale) is None
    assert Run.objects.filter(unattended=True).count() == 1


def test_schedule_whose_message_was_lost_is_found_again(nightly: Schedule) -> None:
    now = timezone.now()
    schedules.claim_due(now)
    assert schedules.claim_due(now + timedelta(minutes=6)) == [nightly.pk]


def test_missed_nights_are_made_up_once(course: Course, nightly: Schedule) -> None:
    Schedule.objects.update(next_at=timezone.now() - timedelta(days=5))

    assert night(nightly) is not None
    assert night(nightly) is None


def test_zone_that_this_machine_does_not_know_any_more_is_taken_for_utc(
    course: Course, nightly: Schedule
) -> None:
    Schedule.objects.update(time_zone="America/Renamed")
    course.lms.grade("u1", "a1", 90)

    assert night(nightly) is not None

    assert course.stored(1, 1) == number("90")
    schedules.pause(course.context, course.who, on=True)
    schedules.take_over(course.context, co_teacher(course))


def test_hourly_run_that_was_put_off_or_missed_does_not_begin_outside_its_window(
    course: Course, nightly: Schedule
) -> None:
    hour = timezone.now().hour
    Schedule.objects.update(kind="hourly", from_hour=(hour + 2) % 24, to_hour=(hour + 3) % 24)
    course.lms.grade("u1", "a1", 90)

    assert night(due(nightly)) is None

    nightly.refresh_from_db()
    assert nightly.next_at is not None
    assert nightly.next_at.hour == (hour + 2) % 24
    assert course.stored(1, 1) == number("86.5")


def test_nights_that_the_lms_was_away_are_told_and_it_goes_on_by_itself(
    course: Course, nightly: Schedule, listing: Listing
) -> None:
    listing([], status=503)
    for failures in (1, 2, 3, 4):
        assert night(due(nightly)) is None
        assert Run.objects.filter(schedule=nightly).count() == failures - 1, "it is tried again first"
        Schedule.objects.update(at=(timezone.now() + timedelta(minutes=5)).time())
        assert night(due(nightly)) is None
        run = Run.objects.filter(schedule=nightly).first()
        assert run is not None
        assert (run.state, run.unattended, bool(run.message)) == ("failed", True, True)
        schedules.note_end(run)
        Schedule.objects.update(at=(timezone.now() + timedelta(hours=5)).time())
    nightly.refresh_from_db()
    assert (nightly.stopped, nightly.failures) == ("", 0)


def test_class_that_is_not_linked_any_more_is_told(course: Course, nightly: Schedule) -> None:
    course.links.clear()
    LineItemLink.objects.all().delete()
    ClassLink.objects.all().delete()
    Schedule.objects.update(at=(timezone.now() + timedelta(minutes=5)).time())

    assert night(due(nightly)) is None

    run = Run.objects.filter(schedule=nightly).get()
    assert (run.state, run.message) == ("failed", "No SIS class is linked to this course yet.")


def test_pause_stops_a_run_by_schedule_that_rests(course: Course, nightly: Schedule) -> None:
    course.lms.grade("u1", "a1", 90)
    run = schedules.start(nightly.pk)
    assert run is not None
    engine.read_run(run.pk)
    assert unattended.go_on(run.pk)
    Run.objects.filter(pk=run.pk).update(state="paused", resume_at=timezone.now() - timedelta(minutes=1))

    schedules.pause(course.context, course.who, on=True)
    engine.push(run.pk)

    run.refresh_from_db()
    assert run.state == "cancelled"
    assert course.stored(1, 1) == number("86.5")


def test_schedule_turned_off_stops_its_run_and_no_teachers(course: Course, nightly: Schedule) -> None:
    course.lms.grade("u1", "a1", 90)
    hers = engine.preview(course.context, course.who)
    engine.approve(hers, course.who, [row.digest for row in hers.changes.all()])
    schedules.set_schedule(course.context, Wish("off"), course.who)
    engine.push(hers.pk)
    assert course.stored(1, 1) == number("90")


def test_pause_that_comes_while_its_run_is_approved_stops_it(
    course: Course, nightly: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.lms.grade("u1", "a1", 90)
    run = schedules.start(nightly.pk)
    assert run is not None
    engine.read_run(run.pk)
    approve = unattended.approve_by_rules

    def slowly(*asked: Any) -> int:
        schedules.pause(course.context, course.who, on=True)
        return approve(*asked)

    monkeypatch.setattr(unattended, "approve_by_rules", slowly)

    assert unattended.go_on(run.pk) is False

    run.refresh_from_db()
    assert run.state == "cancelled"


def test_pause_begins_nothing_and_makes_up_nothing(course: Course, nightly: Schedule) -> None:
    schedules.pause(course.context, course.who, on=True)
    assert night(due(nightly)) is None

    schedules.pause(course.context, course.who, on=False)

    nightly.refresh_from_db()
    assert nightly.next_at is not None
    assert nightly.next_at > timezone.now()


def test_pause_set_while_it_reads_sends_nothing(course: Course, nightly: Schedule) -> None:
    course.lms.grade("u1", "a1", 90)
    run = schedules.start(nightly.pk)
    assert run is not None
    schedules.pause(course.context, course.who, on=True)

    engine.read_run(run.pk)

    assert unattended.go_on(run.pk) is False
    run.refresh_from_db()
    assert "paused" in run.message
    assert course.stored(1, 1) == number("86.5")


def test_list_that_a_teacher_reviews_is_not_replaced(course: Course, nightly: Schedule) -> None:
    course.lms.grade("u1", "a1", 90)
    listed = engine.preview(course.context, course.who)

    assert night(nightly) is None

    listed.refresh_from_db()
    nightly.refresh_from_db()
    assert listed.state == "review"
    assert "open to review" in nightly.message
    assert nightly.next_at is not None
    assert timezone.now() < nightly.next_at < timezone.now() + timedelta(minutes=16)
    Run.objects.filter(pk=listed.pk).update(created_at=timezone.now() - timedelta(hours=2))
    assert night(due(nightly)) is not None


def test_waiting_list_that_a_teacher_works_on_is_not_replaced(course: Course, nightly: Schedule) -> None:
    """Made by the schedule, or asked for hours ago: it is hers while she is there."""
    course.lms.grade("u1", "a1", None)
    waiting = night(nightly)
    assert waiting is not None
    membership = Membership.objects.get(context=course.context, user=course.teacher)
    sessions.open_session(membership, RequestFactory().get("/"), origins=[], return_url="")

    assert night(due(nightly)) is None

    waiting.refresh_from_db()
    assert waiting.state == "review"
    LtiSession.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    assert night(due(nightly)) is not None


def test_nothing_begins_beside_a_run_that_sends(course: Course, nightly: Schedule) -> None:
    course.lms.grade("u1", "a1", 90)
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])

    assert night(nightly) is None
    assert not Run.objects.filter(unattended=True).exists()


def test_person_who_asks_while_it_reads_takes_the_read_over(course: Course, nightly: Schedule) -> None:
    course.lms.grade("u1", "a1", 90)
    run = schedules.start(nightly.pk)
    assert run is not None
    bo = co_teacher(course)

    hers, begun = engine.ask_run(course.context, bo)
    engine.read_run(run.pk)

    hers.refresh_from_db()
    assert (hers.pk, begun, hers.unattended, hers.schedule) == (run.pk, False, False, None)
    assert unattended.go_on(run.pk) is False
    assert course.stored(1, 1) == number("86.5")


def test_beat_and_worker_do_it_by_their_tasks(course: Course, nightly: Schedule, monkeypatch: Any) -> None:
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(tasks, "_ring", lambda task, row_id: rung.append((task.name, row_id)))
    tasks.ring_schedules()
    tasks.start_schedule(nightly.pk)

    run = Run.objects.get(unattended=True)
    assert rung == [("sync.tasks.start_schedule", nightly.pk), ("sync.tasks.read_run", run.pk)]


def test_claiming_asks_no_more_of_the_database_for_schedules_that_are_not_due(
    course: Course, nightly: Schedule, django_assert_num_queries: Any
) -> None:
    Schedule.objects.update(next_at=timezone.now() + timedelta(hours=1))
    with django_assert_num_queries(1):
        assert schedules.claim_due(timezone.now()) == []


def test_pause_of_an_administrator_puts_it_off_and_does_not_count_as_errors(
    course: Course, nightly: Schedule
) -> None:
    course.lms.grade("u1", "a1", 90)
    pausing.pause(course.context.institution, Who("Ann"), "grading week")
    Schedule.objects.update(at=(timezone.now() + timedelta(minutes=5)).time())

    for _ in range(4):
        assert night(due(nightly)) is None
        for run in Run.objects.filter(state="failed"):
            schedules.note_end(run)

    nightly.refresh_from_db()
    assert nightly.stopped == ""
    assert nightly.message == "Paused by your administrator. grading week"
    pausing.resume(Pause.objects.get())
    assert night(due(nightly)) is not None
    assert course.stored(1, 1) == number("90")


# --- what stops it --------------------------------------------------------------------------------------------


Listing = Callable[..., None]


@pytest.fixture
def listing(course: Course, settings: Any) -> Iterator[Listing]:
    """The LMS offers its list of members: what it answers."""
    settings.HTTP_DEADLINE_S = 10
    course.context.memberships_url = MEMBERS
    course.context.save()
    token = {"access_token": "t", "token_type": "Bearer", "expires_in": 60}

    def lists(members: list[dict[str, Any]], status: int = 200) -> None:
        responses.get(MEMBERS, json={"id": MEMBERS, "members": members}, status=status)

    with responses.mock:
        responses.post("https://lms.example/token", json=token)
        yield lists


def test_teacher_who_lost_the_right_to_send_stops_it(course: Course, nightly: Schedule) -> None:
    course.lms.grade("u1", "a1", 90)
    Membership.objects.update(can_send=False)

    assert night(nightly) is None

    nightly.refresh_from_db()
    assert nightly.stopped == "not_staff"
    assert course.stored(1, 1) == number("86.5")
    assert night(due(nightly)) is None


@pytest.mark.parametrize(
    "member",
    [
        {"user_id": "teacher", "roles": ["Learner"]},
        {"user_id": "teacher", "roles": [INSTRUCTOR], "status": "Inactive"},
        {"user_id": "somebody", "roles": [INSTRUCTOR]},
        {"user_id": "teacher"},
    ],
)
def test_teacher_whom_the_lms_does_not_list_as_teacher_stops_it(
    nightly: Schedule, listing: Listing, member: dict[str, Any]
) -> None:
    listing([member])
    assert night(nightly) is None
    nightly.refresh_from_db()
    assert nightly.stopped == "not_staff"


def test_teacher_whom_the_lms_lists_goes_on(nightly: Schedule, listing: Listing) -> None:
    listing([{"user_id": "u1", "roles": ["Learner"]}, {"user_id": "teacher", "roles": [INSTRUCTOR]}])
    Membership.objects.update(updated_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert night(nightly) is not None


def test_list_that_does_not_come_now_postpones_it(nightly: Schedule, listing: Listing) -> None:
    listing([], status=503)
    assert night(nightly) is None
    nightly.refresh_from_db()
    assert (nightly.stopped, bool(nightly.message)) == ("", True)
    assert nightly.next_at is not None
    assert nightly.next_at > timezone.now()


def test_list_that_the_lms_refuses_leaves_her_last_launch_to_tell(
    nightly: Schedule, listing: Listing
) -> None:
    listing([], status=403)
    assert night(nightly) is not None


def test_teacher_who_did_not_come_for_long_stops_it_where_the_lms_lists_nobody(
    course: Course, nightly: Schedule, settings: Any
) -> None:
    settings.SCHEDULE_LAUNCH_DAYS = 60
    Membership.objects.update(updated_at=timezone.now() - timedelta(days=61))
    assert night(nightly) is None
    nightly.refresh_from_db()
    assert nightly.stopped == "not_seen"


def test_lms_that_is_switched_off_stops_it(course: Course, nightly: Schedule) -> None:
    course.context.deployment.active = False
    course.context.deployment.save()
    assert night(nightly) is None
    nightly.refresh_from_db()
    assert nightly.stopped == "no_access"


def test_deleted_teacher_stops_it(course: Course, nightly: Schedule) -> None:
    Run.objects.update(asked_by=None)
    Schedule.objects.update(owner=None)
    assert night(nightly) is None
    nightly.refresh_from_db()
    assert nightly.stopped == "not_staff"


def test_three_errors_in_a_row_stop_it_and_a_good_end_begins_the_count_anew(
    course: Course, nightly: Schedule
) -> None:
    for state in ("failed", "failed", "done", "failed", "failed"):
        schedules.note_end(
            Run.objects.create(context=course.context, schedule=nightly, state=state, read_tries=1)
        )
    nightly.refresh_from_db()
    assert nightly.stopped == ""

    schedules.note_end(
        Run.objects.create(context=course.context, schedule=nightly, state="failed", read_tries=1)
    )

    nightly.refresh_from_db()
    assert nightly.stopped == "failures"


def test_co_teacher_takes_it_over_and_it_goes_on_in_her_name(course: Course, nightly: Schedule) -> None:
    bo = co_teacher(course)
    Membership.objects.filter(user=course.teacher).update(can_send=False)
    night(nightly)

    schedules.take_over(course.context, bo)
    course.lms.grade("u1", "a1", 90)
    run = night(due(nightly))

    nightly.refresh_from_db()
    assert (nightly.stopped, nightly.owner_name) == ("", "Bo Lind")
    assert run is not None
    assert run.asked_name == "Bo Lind"
    assert course.stored(1, 1) == number("90")


def test_stop_that_comes_after_a_take_over_does_not_stop_the_new_owner(
    course: Course, nightly: Schedule
) -> None:
    stale = Schedule.objects.get()
    schedules.take_over(course.context, co_teacher(course))
    schedules.stop(stale, "not_staff")
    nightly.refresh_from_db()
    assert nightly.stopped == ""
