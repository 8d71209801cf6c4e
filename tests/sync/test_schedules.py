"""Schedules: whose they are, when they begin, what they may send, and what stops them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from django.utils import timezone

from lti_tool.models import LtiUser, Membership
from sync import engine, tasks
from sync.engine import picks, schedules, unattended
from sync.engine.errors import Who
from sync.engine.schedules import Wish
from sync.models import Run, Schedule
from tests.sync.scene import number
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db
NIGHTLY = Wish("nightly")
MEMBERS = "https://lms.example/members"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"


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


# --- what it may send -----------------------------------------------------------------------------------------


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
        schedules.note_end(Run.objects.create(context=course.context, schedule=nightly, state=state))
    nightly.refresh_from_db()
    assert nightly.stopped == ""

    schedules.note_end(Run.objects.create(context=course.context, schedule=nightly, state="failed"))

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
