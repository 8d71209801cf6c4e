"""Who may see a course's pages, in which frame, for how long: asked at each request."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from lti_tool.models import Context, Deployment, LtiSession, Membership, Registration
from tests.lti_tool.platform import ASSISTANT, INSTRUCTOR, Platform


@pytest.fixture
def course(platform: Platform) -> str:
    """The page of the course that a teacher launched into."""
    platform.launch()
    return f"/courses/{Context.objects.get().public_id}/"


def test_instructor_sees_her_course_and_may_send(platform: Platform, course: str) -> None:
    response = platform.client.get(course)
    assert response.content.decode().startswith("Algebra 1 user-3 True Tilda Teacher")
    assert platform.client.get(course + "send/").content == b"sent"


def test_assistant_looks_and_does_not_send(platform: Platform) -> None:
    platform.launch(roles=[INSTRUCTOR, ASSISTANT])
    page = f"/courses/{Context.objects.get().public_id}/"
    assert platform.client.get(page).status_code == 200
    response = platform.client.get(page + "send/")
    assert response.status_code == 403
    assert "for the instructors" in response.content.decode()


def test_teacher_of_one_course_does_not_see_another(platform: Platform, course: str) -> None:
    membership = Membership.objects.get()
    other = Context.objects.create(
        deployment=Deployment.objects.get(), context_id="course-9", title="Secret 9"
    )
    response = platform.client.get(f"/courses/{other.public_id}/")
    assert response.status_code == 403
    assert "Secret 9" not in response.content.decode()
    assert membership.can_send


def test_session_of_one_course_under_the_cookie_name_of_another_opens_nothing(
    platform: Platform, course: str
) -> None:
    other = Context.objects.create(deployment=Deployment.objects.get(), context_id="course-9")
    mine = Context.objects.get(context_id="course-2")
    token = platform.client.cookies[f"__Host-gradesync_lti_{mine.public_id.hex}"].value
    platform.client.cookies[f"__Host-gradesync_lti_{other.public_id.hex}"] = token
    assert platform.client.get(f"/courses/{other.public_id}/").status_code == 403


def test_two_courses_in_two_tabs_stay_apart(platform: Platform, course: str) -> None:
    platform.launch(context={"id": "course-5", "title": "Geometry"}, roles=[ASSISTANT])
    second = f"/courses/{Context.objects.get(context_id='course-5').public_id}/"
    assert "Algebra 1 user-3 True" in platform.client.get(course).content.decode()
    assert "Geometry user-3 False" in platform.client.get(second).content.decode()
    assert platform.client.get(second + "send/").status_code == 403


def test_another_person_in_the_same_browser_replaces_the_session(platform: Platform, course: str) -> None:
    platform.launch(sub="user-4", name="Amal Assistant", roles=[ASSISTANT])
    assert "user-4 False Amal Assistant" in platform.client.get(course).content.decode()
    assert LtiSession.objects.count() == 1


@pytest.mark.parametrize("cookie", ["", "made-up", "x" * 500])
def test_stranger_is_asked_to_open_the_tool_from_her_course(
    platform: Platform, course: str, cookie: str
) -> None:
    public_id = Context.objects.get().public_id
    stranger = Client(headers={"host": "localhost:8000"})
    stranger.cookies[f"__Host-gradesync_lti_{public_id.hex}"] = cookie
    response = stranger.get(course)
    assert response.status_code == 403
    assert "Open the tool again from your course" in response.content.decode()


@pytest.mark.parametrize("path", ["courses/00000000-0000-4000-8000-000000000000/", "plain/"])
def test_pages_without_a_session_have_an_empty_one(platform: Platform, path: str) -> None:
    response = platform.client.get(f"/{path}")
    assert response.status_code == (200 if path == "plain/" else 403)


def test_session_ends_when_idle(platform: Platform, course: str, settings: Any) -> None:
    LtiSession.objects.update(seen_at=timezone.now() - timedelta(seconds=settings.LTI_SESSION_IDLE_S + 1))
    assert platform.client.get(course).status_code == 403


def test_use_keeps_a_session_alive(platform: Platform, course: str) -> None:
    long_ago = timezone.now() - timedelta(minutes=30)
    LtiSession.objects.update(seen_at=long_ago)
    platform.client.get(course)
    assert LtiSession.objects.get().seen_at > long_ago


def test_session_ends_after_its_longest_time_although_used(platform: Platform, course: str) -> None:
    LtiSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert platform.client.get(course).status_code == 403


def test_expired_session_is_told_inside_the_same_frame(platform: Platform) -> None:
    platform.launch(launch_presentation={"return_url": "https://hill.example.org/c/2"})
    LtiSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    response = platform.client.get(f"/courses/{Context.objects.get().public_id}/")
    assert "https://hill.example.org" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("off", ["registration", "deployment", "membership"])
def test_rights_that_end_while_she_works_end_at_once(platform: Platform, course: str, off: str) -> None:
    if off == "registration":
        platform.registration.active = False
        platform.registration.save()
    elif off == "deployment":
        Deployment.objects.update(active=False)
    else:
        Membership.objects.update(can_send=False, can_look=False)
    assert platform.client.get(course).status_code == 403


def test_grades_are_not_cached(platform: Platform, course: str) -> None:
    assert platform.client.get(course).headers["Cache-Control"] == "no-store"


# frames


def test_course_page_is_framed_by_its_lms_alone(platform: Platform, course: str) -> None:
    platform.registration.frame_origins = ["https://portal.example.edu"]
    platform.registration.save()
    response = platform.client.get(course)
    policy = response.headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' https://lms.example.edu https://portal.example.edu")
    assert "script-src" not in policy and "unsafe-inline" not in policy
    assert policy.startswith("default-src 'self'")
    assert "X-Frame-Options" not in response.headers


def test_other_pages_are_framed_by_nobody(platform: Platform) -> None:
    response = platform.client.get("/plain/")
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("refused", ["inactive", "archived", "unknown"])
def test_login_refused_before_an_lms_is_approved_is_readable_in_its_frame(
    platform: Platform, refused: str
) -> None:
    if refused == "unknown":
        platform.registration.delete()
    else:
        archived_at = timezone.now() if refused == "archived" else None
        Registration.objects.update(active=False, archived_at=archived_at)
    response = platform.login()
    assert response.status_code in {400, 403, 404}
    assert response.headers["Content-Security-Policy"].endswith("frame-ancestors 'self' https: http:")
    assert "X-Frame-Options" not in response.headers
    assert "<form" not in response.content.decode() and "<button" not in response.content.decode()


@pytest.mark.parametrize(
    "return_url",
    [
        "http://lms.example.edu/return",
        "https://evil.example;script-src *;/x",
        "https://evil.example script-src/",
        "https://user@evil.example/",
    ],
)
def test_odd_return_address_is_not_written_into_the_policy(platform: Platform, return_url: str) -> None:
    platform.launch(launch_presentation={"return_url": return_url})
    response = platform.client.get(f"/courses/{Context.objects.get().public_id}/")
    assert response.headers["Content-Security-Policy"].endswith(
        "frame-ancestors 'self' https://lms.example.edu"
    )


def test_origin_is_scheme_host_and_port_that_is_not_the_usual_one() -> None:
    from lti_tool.origins import origin_of

    assert origin_of("https://LMS.example.edu:443/a?b") == "https://lms.example.edu"
    assert origin_of("http://127.0.0.1:8080/") == "http://127.0.0.1:8080"
    assert origin_of("https://[::1]:8443/") == "https://[::1]:8443"
    assert [origin_of(url) for url in ("", "ftp://x", "javascript:x", "https://", "https://a:b/")] == [""] * 5


# forms in the frame


def _token(page: str) -> str:
    return re.findall(r"acting:(\w+)", page)[0]


def test_csrf_cookie_of_other_pages_stays_as_django_sets_it(platform: Platform, settings: Any) -> None:
    settings.ROOT_URLCONF = "gradesync_site.urls"
    response = platform.client.get("/admin/login/")
    assert "SameSite=Lax" in response.cookies["csrftoken"].OutputString()


@pytest.fixture
def strict(platform: Platform, course: str) -> Client:
    """A browser for which CSRF is checked."""
    browser = Client(enforce_csrf_checks=True, headers={"host": "localhost:8000"})
    browser.cookies.update(platform.client.cookies)
    return browser


def test_form_without_its_token_is_refused(strict: Client, course: str) -> None:
    strict.get(course, secure=True)
    response = strict.post(course + "send/", secure=True, headers={"origin": "https://localhost:8000"})
    assert response.status_code == 403
    assert "frame-ancestors 'self' https://lms.example.edu" in response.headers["Content-Security-Policy"]


def test_form_with_its_token_from_our_own_page_is_accepted(strict: Client, course: str) -> None:
    token = _token(strict.get(course, secure=True).content.decode())
    values = {"csrfmiddlewaretoken": token}
    response = strict.post(
        course + "send/", values, secure=True, headers={"origin": "https://localhost:8000"}
    )
    assert response.content == b"sent"


@pytest.mark.parametrize("origin", ["https://lms.example.edu", "https://evil.example", "null"])
def test_form_from_another_origin_is_refused_even_with_a_token(
    strict: Client, course: str, origin: str
) -> None:
    """The LMS may frame our pages; it may not post to them."""
    token = _token(strict.get(course, secure=True).content.decode())
    values = {"csrfmiddlewaretoken": token}
    response = strict.post(course + "send/", values, secure=True, headers={"origin": origin})
    assert response.status_code == 403


def test_base_page_holds_no_inline_script_or_style(platform: Platform, course: str) -> None:
    page = Client(headers={"host": "localhost:8000"}).get(course).content.decode()
    assert re.search(r"<html lang=\"\w+\"", page)
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*\bsrc=)", page)
