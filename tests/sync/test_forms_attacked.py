"""Every address of a course and of LTI, walked by what they accept: a cookie alone changes nothing anywhere."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from tests.sync.pages import Browser, teacher
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db

# these take a POST of anyone, each for a reason that stands beside it
OPEN = {
    "login": "begins nothing but a login",
    "login-of": "the same",
    "kept": "says whether the cookie came that belongs to the state",
    "again": "begins the login of a state anew",
    "launch": "needs state, nonce, signature and the browser's secret",
    "resume": "needs the one-time handle in a header",
    "register": "needs a one-time invite, and Django's own token",
}
IDS = {
    "run_id": 1,
    "link_id": 1,
    "change_id": 1,
    "request_id": 1,
    "document_id": 1,
    "registration_id": "0" * 8 + "-0000-4000-8000-" + "0" * 12,
}


def addresses(browser: Browser) -> dict[str, str]:
    """Name and address of all that stands under /courses/ and /lti/."""
    found: dict[str, str] = {}
    ids = IDS | {"public_id": str(browser.context.public_id), "token": "guessed", "invite": "guessed"}
    for prefix in ("lti/", "courses/"):
        (top,) = [one for one in get_resolver().url_patterns if str(one.pattern) == prefix]
        assert isinstance(top, URLResolver)
        found |= {name: f"/{prefix}{_filled(text, ids)}" for name, text in _walk(top)}
    return found


def _walk(top: URLResolver, before: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for one in top.url_patterns:
        text = before + str(one.pattern)
        if isinstance(one, URLPattern):
            found.append((str(one.name), text))
        else:
            found += _walk(one, text)
    return found


def _filled(text: str, ids: dict[str, object]) -> str:
    for name, value in ids.items():
        for kind in ("int", "str", "uuid"):
            text = text.replace(f"<{kind}:{name}>", str(value))
    assert "<" not in text, text
    return text


@pytest.fixture
def course() -> Course:
    return make_course(students=1, items=1)


def test_cookie_alone_changes_nothing_at_any_address(course: Course) -> None:
    browser = teacher(course.context)
    for name, address in addresses(browser).items():
        if name in OPEN:
            continue
        with CaptureQueriesContext(
            connection,
        ) as asked:
            answer = browser.client.post(address, {"back": "course"})
        assert answer.status_code in {403, 405}, name
        wrote = [one["sql"] for one in asked if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
        assert wrote == [], name


@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_no_address_takes_another_method(course: Course, method: str) -> None:
    browser = teacher(course.context)
    for name, address in addresses(browser).items():
        answer = getattr(browser.client, method)(address, headers=browser.acting)
        assert answer.status_code in {403, 405}, name


def test_open_addresses_are_these_and_no_others(course: Course) -> None:
    assert set(OPEN) <= set(addresses(teacher(course.context)))


def test_address_of_a_form_opened_by_itself_leads_to_a_page(course: Course) -> None:
    """After a refused form the browser's address bar shows it; a reload asks for it by GET."""
    browser = teacher(course.context)
    for name, address in addresses(browser).items():
        if not address.startswith("/courses/"):
            continue
        answer = browser.client.get(address)
        assert answer.status_code in {200, 302, 404}, name
        assert answer.content or answer.status_code == 302, name


def test_stranger_is_refused_at_every_address(course: Course) -> None:
    stranger = Client()
    for name, address in addresses(teacher(course.context)).items():
        if address.startswith("/courses/"):
            assert stranger.get(address).status_code == 403, name
