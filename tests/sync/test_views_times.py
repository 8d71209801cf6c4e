"""Pages tell times on the clock of the person's own browser, and say which; files and programs read UTC."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from lti_tool import zones
from lti_tool.models import LtiUser
from sync.models import GradeChange, Run
from tests.sync.pages import Browser, person, teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db
NOVEMBER = datetime(2026, 11, 24, 12, 35, tzinfo=UTC)
JULY = datetime(2026, 7, 24, 12, 35, tzinfo=UTC)
# what each zone's clocks show then; in Sao Paulo the time has no name of its own
TOLD = [
    ("Europe/Madrid", "Nov. 24, 2026, 1:35 p.m. CET", "July 24, 2026, 2:35 p.m. CEST"),
    ("America/New_York", "Nov. 24, 2026, 7:35 a.m. EST", "July 24, 2026, 8:35 a.m. EDT"),
    ("America/Sao_Paulo", "Nov. 24, 2026, 9:35 a.m. UTC-03", "July 24, 2026, 9:35 a.m. UTC-03"),
    ("Asia/Kathmandu", "Nov. 24, 2026, 6:20 p.m. UTC+05:45", "July 24, 2026, 6:20 p.m. UTC+05:45"),
    ("Pacific/Auckland", "Nov. 25, 2026, 1:35 a.m. NZDT", "July 25, 2026, 12:35 a.m. NZST"),
    ("UTC", "Nov. 24, 2026, 12:35 p.m. UTC", "July 24, 2026, 12:35 p.m. UTC"),
]


@pytest.fixture
def course() -> Course:
    made = make_course(students=1, items=1)
    made.lms.grade("u1", "a1", 73)
    made.send()
    happened(NOVEMBER)
    return made


def happened(at: datetime) -> None:
    """All that is known of the run happened at this moment."""
    Run.objects.update(created_at=at, read_at=at, approved_at=at, started_at=at, finished_at=at)
    GradeChange.objects.update(planned_at=at, approved_at=at, sent_at=at, answered_at=at)


def run() -> Run:
    return Run.objects.get()


def in_zone(browser: Browser, zone: str) -> dict[str, str]:
    """The headers of a page's script in a browser of that place."""
    return browser.acting | {zones.HEADER: zone}


@pytest.mark.parametrize(("zone", "november", "july"), TOLD)
def test_winter_and_summer_time_are_told_as_her_clocks_show_them(zone: str, november: str, july: str) -> None:
    page = Template("{{ a|moment }} – {{ b|moment }}")
    with timezone.override(zones.zone_of(zone)):
        assert page.render(Context({"a": NOVEMBER, "b": JULY})) == f"{november} – {july}"


@pytest.mark.parametrize(
    ("language", "told"),
    [("es", "24 de noviembre de 2026 a las 13:35 CET"), ("fr", "24 novembre 2026 13:35 CET")],
)
def test_a_time_is_written_as_the_language_does(language: str, told: str) -> None:
    with timezone.override(zones.zone_of("Europe/Madrid")), translation.override(language):
        assert Template("{{ at|moment }}").render(Context({"at": NOVEMBER})) == told


def test_no_time_is_no_text() -> None:
    assert Template("{{ at|moment|default:'–' }}").render(Context({"at": None})) == "–"


@pytest.mark.parametrize("name", ["run", "receipt", "history", "grade"])
def test_zone_stated_once_holds_for_the_pages_that_follow(course: Course, name: str) -> None:
    ada = teacher(course.context)
    first = ada.get("course", headers=in_zone(ada, "Europe/Madrid"))
    assert "Nov. 24, 2026, 1:35 p.m. CET" in text_of(first)
    number = {"history": [], "grade": [GradeChange.objects.get().pk]}.get(name, [run().pk])
    page = text_of(ada.get(name, *number))
    assert "Nov. 24, 2026, 1:35 p.m. CET" in page
    assert "12:35" not in page and "UTC" not in page


def test_unknown_zone_says_utc(course: Course) -> None:
    ada = teacher(course.context)
    assert "Nov. 24, 2026, 12:35 p.m. UTC" in text_of(ada.get("receipt", run().pk))
    page = ada.get("receipt", run().pk, headers=in_zone(ada, "Mars/Olympus"))
    assert "Nov. 24, 2026, 12:35 p.m. UTC" in text_of(page)


def test_two_people_read_one_run_each_on_her_own_clock(course: Course) -> None:
    ada, kenji = teacher(course.context), person(course.context, "kenji", can_look=True)
    ada.get("course", headers=in_zone(ada, "Europe/Madrid"))
    kenji.get("course", headers=in_zone(kenji, "Asia/Tokyo"))
    assert "1:35 p.m. CET" in text_of(ada.get("run", run().pk))
    assert "9:35 p.m. JST" in text_of(kenji.get("run", run().pk))


@pytest.mark.parametrize("name", ["receipt_csv", "reconciliation_csv", "report_json"])
def test_files_stay_in_utc(course: Course, name: str) -> None:
    ada = teacher(course.context)

    def file(headers: dict[str, str]) -> bytes:
        asked = ada.client.post(ada.url(name, run().pk), headers=headers)
        return bytes(ada.client.get(asked["Location"], headers=headers).content)

    before = file(ada.acting)
    assert file(in_zone(ada, "Asia/Tokyo")) == before
    assert LtiUser.objects.get(pk=course.teacher.pk).time_zone == "Asia/Tokyo"
    assert b"+09:00" not in before


def test_receipt_file_says_its_offset(course: Course) -> None:
    ada = teacher(course.context)
    LtiUser.objects.update(time_zone="Asia/Tokyo")
    asked = ada.post("receipt_csv", run().pk, follow=False)
    text = ada.client.get(asked["Location"]).content.decode("utf-8-sig")
    assert NOVEMBER.isoformat() in next(csv.reader(io.StringIO(text.splitlines()[1])))


def test_programs_read_utc_whatever_a_browser_says(course: Course) -> None:
    """Even in the browser of a teacher who is signed in to the admin as well."""
    ada = teacher(course.context)
    ada.client.force_login(User.objects.create_superuser("root"))
    address = reverse("api:runs", args=[course.context.public_id])
    answer: Any = ada.client.get(address, headers=in_zone(ada, "Asia/Tokyo"))
    assert LtiUser.objects.get(pk=course.teacher.pk).time_zone == "Asia/Tokyo"
    assert answer.json()["results"][0]["finished_at"] == NOVEMBER.isoformat()


def test_administrators_read_utc(course: Course) -> None:
    LtiUser.objects.update(time_zone="Asia/Tokyo")
    client = Client(headers={zones.HEADER: "Asia/Tokyo"})
    client.force_login(User.objects.create_superuser("root"))
    page: Any = client.get(reverse("overview:course", args=[course.context.pk]))
    assert "Nov. 24, 2026, 12:35 p.m." in text_of(page)
