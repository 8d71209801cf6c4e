"""A person's time zone is her browser's word: kept when it changes, and only when it names a zone."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

import pytest
from django.utils import timezone

from lti_tool import zones
from lti_tool.models import Context, LtiSession, LtiUser
from lti_tool.sessions import HEADER
from tests.lti_tool.platform import Platform

KATHMANDU = "Asia/Kathmandu"
NONSENSE = [
    *("", " ", "Etc/Unknown", "Europe", "../../etc/passwd", "/etc/localtime", "localtime", "europe/paris"),
    *("Europe/Paris\x00", "Europe/Paris ", "<script>", "Ω", "x" * 60_000),
]


@pytest.fixture
def course(platform: Platform) -> str:
    platform.launch()
    return f"/courses/{Context.objects.get().public_id}/"


def acting(platform: Platform, course: str) -> dict[str, str]:
    """What the page's script sends to be believed."""
    found = re.search(r"acting:(\w+)", platform.client.get(course).content.decode())
    assert found is not None
    return {HEADER: found[1]}


def kept() -> str:
    return LtiUser.objects.get().time_zone


def test_zone_of_the_browser_is_kept(platform: Platform, course: str) -> None:
    assert kept() == ""
    platform.client.get(course, headers=acting(platform, course) | {zones.HEADER: KATHMANDU})
    assert kept() == KATHMANDU
    platform.client.get(course)
    assert kept() == KATHMANDU


def test_person_who_travels_takes_her_zone_with_her(platform: Platform, course: str) -> None:
    for zone in (KATHMANDU, "America/New_York"):
        platform.client.get(course, headers=acting(platform, course) | {zones.HEADER: zone})
    assert kept() == "America/New_York"


@pytest.mark.parametrize("stated", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_changes_nothing_and_is_not_logged(
    platform: Platform, course: str, stated: str, caplog: pytest.LogCaptureFixture
) -> None:
    LtiUser.objects.update(time_zone=KATHMANDU)
    answer = platform.client.get(course, headers=acting(platform, course) | {zones.HEADER: stated})
    assert answer.status_code == 200
    assert kept() == KATHMANDU
    assert not stated.strip() or stated not in caplog.text


def test_cookie_alone_changes_no_zone(platform: Platform, course: str) -> None:
    platform.client.get(course, headers={zones.HEADER: KATHMANDU})
    assert kept() == ""


def test_session_that_is_over_changes_no_zone(platform: Platform, course: str) -> None:
    headers = acting(platform, course) | {zones.HEADER: KATHMANDU}
    LtiSession.objects.update(expires_at=timezone.now())
    assert platform.client.get(course, headers=headers).status_code == 403
    assert kept() == ""


def test_known_zone_costs_no_question(
    platform: Platform, course: str, django_assert_num_queries: Any
) -> None:
    headers = acting(platform, course)
    platform.client.get(course, headers=headers | {zones.HEADER: KATHMANDU})
    for stated in ({}, {zones.HEADER: KATHMANDU}, {zones.HEADER: "Etc/Unknown"}):
        with django_assert_num_queries(1):
            platform.client.get(course, headers=headers | stated)


def test_the_clock_ends_with_the_request(platform: Platform, course: str) -> None:
    platform.client.get(course, headers=acting(platform, course) | {zones.HEADER: KATHMANDU})
    assert timezone.get_current_timezone_name() == "UTC"


def test_zone_that_no_longer_exists_is_as_none(platform: Platform, course: str) -> None:
    LtiUser.objects.update(time_zone="Mars/Olympus")
    assert platform.client.get(course).status_code == 200
    assert zones.zone_of("Mars/Olympus") is None


def test_every_zone_fits_where_it_is_kept() -> None:
    longest = LtiUser._meta.get_field("time_zone").max_length
    assert longest and max(map(len, available_timezones())) <= longest
