"""Tabs and people that share one browser, and what is left of a session when it ends."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import path, reverse
from django.utils import timezone

from lti_tool import cookies, sessions, tickets
from lti_tool.models import Context, DownloadTicket, LtiSession, Membership
from tests.lti_tool import urls
from tests.lti_tool.platform import ASSISTANT, Platform
from tests.lti_tool.test_cookieless import Frame


def course() -> str:
    return f"/courses/{Context.objects.get().public_id}/"


def opened_page(platform: Platform) -> dict[str, str]:
    """What a tab that shows the course sends with each request from now on."""
    page = platform.client.get(course()).content.decode()
    return {sessions.HEADER: re.findall(r"acting:([\w-]+)", page)[0]}


# two tabs, two people


def test_opening_the_course_again_does_not_spoil_the_tab_that_was_open(platform: Platform) -> None:
    platform.launch()
    first = opened_page(platform)
    platform.launch()
    second = opened_page(platform)
    assert first != second
    for tab in (first, second):
        assert platform.client.post(course() + "send/", headers=tab).content == b"sent"


def test_tab_of_one_person_never_turns_into_that_of_another(platform: Platform) -> None:
    """The cookie is the second person's by now; the first one's tab still says who she is."""
    platform.launch()
    tab = opened_page(platform)
    platform.launch(sub="user-4", name="Amal Assistant", roles=[ASSISTANT])
    answer = platform.client.get(course(), headers=tab)
    assert answer.status_code == 403
    assert "Amal" not in answer.content.decode()
    assert platform.client.post(course() + "send/", headers=tab).status_code == 403


def test_tab_that_was_idle_goes_on_where_its_own_person_opened_the_course_again(platform: Platform) -> None:
    platform.launch()
    tab = opened_page(platform)
    LtiSession.objects.update(seen_at=timezone.now() - timedelta(days=1))
    platform.launch()
    assert platform.client.get(course(), headers=tab).status_code == 200
    assert platform.client.post(course() + "send/", headers=tab).status_code == 403, (
        "what is over writes no more"
    )


# signing out


def leave(platform: Platform, tab: dict[str, str]) -> Any:
    return platform.client.post(f"/lti/leave/{Context.objects.get().public_id}/", headers=tab)


def test_signing_out_ends_all_tabs_of_this_person_in_the_course(platform: Platform) -> None:
    framed = Frame(platform).enter()
    platform.launch()
    first = opened_page(platform)
    platform.launch()
    assert leave(platform, opened_page(platform)).status_code == 200
    for tab in (first, {sessions.HEADER: framed["session"]}):
        assert platform.client.get(course(), headers=tab).status_code == 403
    assert (
        platform.client.post("/lti/resume/", headers={"X-GradeSync-Resume": framed["resume"]}).status_code
        == 403
    )


def test_signing_out_ends_nobody_elses_session(platform: Platform) -> None:
    other = Frame(platform).enter(sub="user-4", name="Amal Assistant", roles=[ASSISTANT])
    platform.launch()
    teacher = Membership.objects.get(user__sub="user-3")
    staff = User.objects.create_superuser("ann", password="x")
    admin = sessions.open_session(
        teacher, RequestFactory().get("/"), origins=[], return_url="", acting_admin=staff
    )
    leave(platform, opened_page(platform))
    left = [other["session"], admin.acting]
    assert {row.token_hash for row in LtiSession.objects.all()} == {sessions.digest(token) for token in left}


def test_address_of_signing_out_opened_by_itself_signs_nobody_out(platform: Platform) -> None:
    """The browser's address bar shows it after she signed out; a reload asks for it by GET."""
    platform.launch()
    answer = platform.client.get(f"/lti/leave/{Context.objects.get().public_id}/")
    assert (answer.status_code, answer.headers["Location"]) == (302, course())
    assert LtiSession.objects.exists()


# a session that ends in the middle of something


def test_form_sent_after_the_session_ended_says_that_it_did_nothing(platform: Platform) -> None:
    platform.launch()
    tab = opened_page(platform)
    LtiSession.objects.update(seen_at=timezone.now() - timedelta(days=1))
    answer = platform.client.post(course() + "send/", headers=tab)
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Nothing was changed and nothing was sent" in page and "Nothing was lost" not in page


PART = {"HX-Request": "true"}
ASKED: dict[str, tuple[dict[str, str], bool]] = {
    "a poll": (PART, False),
    "a link": ({**PART, "HX-Boosted": "true"}, True),
    "going back": ({**PART, "HX-History-Restore-Request": "true"}, True),
    "a browser without scripts": ({}, True),
}


@pytest.mark.parametrize("name", ASKED)
def test_page_that_asks_by_itself_does_not_keep_an_idle_session_alive(platform: Platform, name: str) -> None:
    """A run that waits for its SIS is asked about all night, on a computer that she has left."""
    platform.launch()
    headers, counts = ASKED[name]
    before = timezone.now() - timedelta(minutes=30)
    LtiSession.objects.update(seen_at=before)
    assert platform.client.get(course(), headers=headers).status_code == 200
    assert (LtiSession.objects.get().seen_at != before) is counts


IN_THE_MIDDLE: dict[str, tuple[str, str, str]] = {
    "a poll of the page": ("get", "progress/", "runs/7/"),
    "a form of the page": ("post", "send/", "runs/7/review/"),
}


@pytest.mark.parametrize("name", IN_THE_MIDDLE)
def test_next_launch_leads_back_to_the_page_that_was_open(
    platform: Platform, settings: Any, name: str
) -> None:
    settings.ROOT_URLCONF = "gradesync_site.urls"
    settings.LTI_LAUNCH_REDIRECT = "sync:course"
    platform.launch()
    LtiSession.objects.update(seen_at=timezone.now() - timedelta(days=1))
    method, asked, shown = IN_THE_MIDDLE[name]
    headers = {"HX-Request": "true", "HX-Current-URL": f"https://localhost:8000{course()}{shown}?page=2"}
    asked = course() + "runs/7/" + asked
    assert getattr(platform.client, method)(asked, headers=headers).status_code == 403
    assert platform.launch().headers["Location"] == course() + shown


@pytest.mark.parametrize("shown", ["https://evil.example/courses/", "https://[", "", "/admin/", "//x"])
def test_odd_page_that_a_part_came_from_is_not_gone_back_to(platform: Platform, shown: str) -> None:
    platform.launch()
    LtiSession.objects.all().delete()
    platform.client.get(course(), headers={"HX-Request": "true", "HX-Current-URL": shown})
    assert platform.launch().headers["Location"] == course()


# links to files


urlpatterns = [*urls.urlpatterns, path("courses/<uuid:public_id>/file.csv", urls.course)]


@pytest.fixture
def ticket(platform: Platform) -> str:
    """The address of a file, not used yet."""
    platform.launch()
    request = RequestFactory().post(course() + "file.csv")
    return tickets.answer(request, LtiSession.objects.get()).headers["Location"]


@pytest.mark.parametrize("method", ["head", "post", "put", "options"])
def test_link_to_a_file_that_still_works_is_in_no_log(
    platform: Platform, ticket: str, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    caplog.set_level(logging.DEBUG)
    assert getattr(platform.client, method)(ticket).status_code == 405
    assert ticket.split("/")[3] not in caplog.text


def test_used_link_says_so_where_it_was_opened(platform: Platform, ticket: str, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.lti_tool.test_sessions_attacked"
    assert platform.client.get(ticket).status_code == 200
    answer = platform.client.get(ticket)
    assert answer.status_code == 404
    assert "once" in answer.content.decode()
    assert answer.headers["Content-Security-Policy"].endswith("frame-ancestors 'self' https: http:")


@pytest.mark.parametrize("what", ["signed out", "demoted", "switched off", "late"])
def test_link_to_a_file_ends_with_what_opened_it(
    platform: Platform, ticket: str, settings: Any, what: str
) -> None:
    settings.ROOT_URLCONF = "tests.lti_tool.test_sessions_attacked"
    if what == "signed out":
        leave(platform, opened_page(platform))
    elif what == "demoted":
        Membership.objects.update(can_send=False, can_look=False)
    elif what == "switched off":
        platform.registration.active = False
        platform.registration.save()
    else:
        DownloadTicket.objects.update(expires_at=timezone.now())
    answer = platform.client.get(ticket)
    assert answer.status_code in {403, 404} and "Algebra" not in answer.content.decode()


def test_link_to_a_file_is_no_link_to_another_page(platform: Platform, ticket: str) -> None:
    """It is found by itself alone: neither guessed nor made longer."""
    for address in (ticket[:-2] + "x/", ticket + "more/", reverse("lti_tool:file", args=["x"])):
        assert platform.client.get(address).status_code == 404
    assert cookies.full_name("x") and DownloadTicket.objects.count() == 1
