"""The schedule's page: set, paused, taken over; what it says of a schedule that stopped."""

from __future__ import annotations

from datetime import time
from typing import Any

import pytest
from django.utils import timezone

from lti_tool.models import LtiUser, Membership
from sync.engine import schedules
from sync.engine.schedules import Wish
from sync.models import Schedule
from tests.sync.pages import Browser, person, teacher, text_of
from tests.sync.worlds import Course

pytestmark = pytest.mark.django_db
FIELDS: dict[str, Any] = {
    "kind": "nightly",
    "at": "03:15",
    "from_hour": "7",
    "to_hour": "18",
    "time_zone": "Europe/Madrid",
    "sends_new": "on",
    "sends_changes": "on",
    "most_changed": "20",
}


@pytest.fixture
def ada(course: Course) -> Browser:
    course.send()
    return teacher(course.context)


def bo(course: Course) -> Browser:
    user = LtiUser.objects.create(registration=course.context.registration, sub="bo", name="Bo Lind")
    return Browser(Membership.objects.create(context=course.context, user=user, can_send=True, can_look=True))


def test_teacher_sets_a_schedule(course: Course, ada: Browser) -> None:
    page = text_of(ada.post("schedule", **FIELDS))

    schedule = Schedule.objects.get()
    assert (schedule.kind, schedule.at, schedule.time_zone) == ("nightly", time(3, 15), "Europe/Madrid")
    assert (schedule.most_changed, schedule.owner) == (20, course.teacher)
    assert "The schedule is set" in page
    assert "3:15 a.m. (Europe/Madrid)" in page
    assert "In the name of Ada Teacher (you)" in page
    assert "Next time" in page


def test_hourly_in_a_window(ada: Browser) -> None:
    page = text_of(ada.post("schedule", **FIELDS | {"kind": "hourly", "at": ""}))
    assert Schedule.objects.get().kind == "hourly"
    assert "7:00–18:00 (Europe/Madrid)" in page


def test_off_sends_nothing_more(ada: Browser) -> None:
    ada.post("schedule", **FIELDS)
    page = text_of(ada.post("schedule", **FIELDS | {"kind": "off"}))
    assert Schedule.objects.get().next_at is None
    assert "The schedule is off" in page


@pytest.mark.parametrize(
    "wrong", [{"at": ""}, {"at": "25:00"}, {"time_zone": "Mars"}, {"most_changed": "99"}, {"kind": "x"}]
)
def test_wrong_field_is_marked_and_nothing_set(ada: Browser, wrong: dict[str, str]) -> None:
    answer = ada.post("schedule", **FIELDS | wrong)
    assert 'class="errorlist"' in answer.content.decode()
    assert "Nothing was changed" in text_of(answer)
    assert not Schedule.objects.exists()


def test_schedule_that_may_send_nothing_is_refused(ada: Browser) -> None:
    fields = {name: value for name, value in FIELDS.items() if not name.startswith("sends_")}
    assert "Choose what may be sent" in text_of(ada.post("schedule", **fields))
    assert not Schedule.objects.exists()


def test_before_the_first_send_the_page_says_what_is_missing(course: Course) -> None:
    page = teacher(course.context).get("schedule")
    assert "Send grades once yourself first" in text_of(page)
    assert 'name="kind"' not in page.content.decode()


def test_time_zone_of_her_browser_is_offered_only_where_none_was_set(ada: Browser) -> None:
    assert "data-own-zone" in ada.get("schedule").content.decode()
    ada.post("schedule", **FIELDS)
    assert "data-own-zone" not in ada.get("schedule").content.decode()


def test_pause_and_go_on(ada: Browser) -> None:
    ada.post("schedule", **FIELDS)
    page = text_of(ada.post("pause_schedule", on="yes"))
    assert "Ada Teacher paused it" in page
    assert "Next time" not in page

    assert "The schedule goes on" in text_of(ada.post("pause_schedule", on="no"))
    assert not Schedule.objects.get().paused


def test_co_teacher_sees_whose_it_is_and_takes_it_over(course: Course, ada: Browser) -> None:
    ada.post("schedule", **FIELDS)
    colleague = bo(course)
    page = text_of(colleague.get("schedule"))
    assert "In the name of Ada Teacher" in page
    assert "Take it over from Ada Teacher" in page
    assert "If you save, it acts in your name" in page

    colleague.post("take_over_schedule")

    assert Schedule.objects.get().owner_name == "Bo Lind"
    assert "In the name of Bo Lind" in text_of(ada.get("schedule"))


def test_stopped_schedule_says_why_and_offers_to_take_it_over(course: Course, ada: Browser) -> None:
    ada.post("schedule", **FIELDS)
    schedules.stop(Schedule.objects.get(), "not_staff")
    colleague = bo(course)
    page = text_of(colleague.get("schedule"))
    assert "The schedule stopped" in page
    assert "does not show Ada Teacher as a teacher" in page

    assert "yours now" in text_of(colleague.post("take_over_schedule"))
    assert Schedule.objects.get().stopped == ""


def test_schedule_that_was_put_off_says_why(course: Course, ada: Browser) -> None:
    ada.post("schedule", **FIELDS)
    Schedule.objects.update(message="A teacher has a list of this course open to review.")
    assert "Put off A teacher has a list" in text_of(ada.get("schedule"))


def test_assistant_looks_and_changes_nothing(course: Course, ada: Browser) -> None:
    ada.post("schedule", **FIELDS)
    assistant = person(course.context, "aide", can_look=True)
    page = assistant.get("schedule")
    assert "In the name of Ada Teacher" in text_of(page)
    assert "<form" not in page.content.decode().split("<main")[1].split("</main")[0]


def test_course_page_tells_the_next_automatic_run(course: Course, ada: Browser) -> None:
    assert "Next automatic run" not in text_of(ada.get("course"))
    ada.post("schedule", **FIELDS)
    assert "Next automatic run" in text_of(ada.get("course"))
    schedules.stop(Schedule.objects.get(), "failures")
    assert "The schedule stopped" in text_of(ada.get("course"))


def test_saving_keeps_what_the_page_does_not_show(course: Course, ada: Browser) -> None:
    """Two schedules of one course there cannot be."""
    schedules.set_schedule(course.context, Wish("hourly"), course.who)
    ada.post("schedule", **FIELDS)
    schedule = Schedule.objects.get()
    assert schedule.next_at is not None
    assert schedule.next_at > timezone.now()
