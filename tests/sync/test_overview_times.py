"""Administrators' pages tell times on the clock of their browser, and name the zone; the API keeps to UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from lti_tool import zones
from sync.models import Run
from tests.sync.pages import text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    course = make_course(students=1, items=1)
    course.lms.grade("u1", "a1", Decimal(5))
    course.send()
    Run.objects.update(created_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC), finished_at=None)
    return course


@pytest.fixture
def office() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_overview_tells_times_in_the_zone_of_the_browser(course: Course, office: Client) -> None:
    address = reverse("overview:course", args=[course.context.pk])
    assert "July 1, 2026, 10:30 p.m. UTC" in text_of(office.get(address))
    office.cookies[zones.COOKIE] = "Asia/Kathmandu"
    assert "July 2, 2026, 4:15 a.m. UTC+05:45" in text_of(office.get(address))


@pytest.mark.parametrize("stated", ["../../etc/passwd", "<b>", "x" * 5000, "Mars/Base"])
def test_cookie_that_names_no_zone_is_utc(course: Course, office: Client, stated: str) -> None:
    office.cookies[zones.COOKIE] = stated
    answer = office.get(reverse("overview:course", args=[course.context.pk]))
    assert "10:30 p.m. UTC" in text_of(answer) and stated not in answer.content.decode()


def test_clock_of_one_request_does_not_stay_for_the_next(course: Course, office: Client) -> None:
    address = reverse("overview:course", args=[course.context.pk])
    office.cookies[zones.COOKIE] = "Asia/Tokyo"
    assert "July 2, 2026, 7:30 a.m. JST" in text_of(office.get(address))
    del office.cookies[zones.COOKIE]
    assert "10:30 p.m. UTC" in text_of(office.get(address))


def test_every_page_of_the_administration_states_the_zone(office: Client) -> None:
    for name in ("admin:index", "admin:login", "overview:front"):
        assert "lti_tool/zone.js" in office.get(reverse(name), follow=True).content.decode()
