"""Launches in browsers that keep no cookie in a frame: what each page says, and what no other page can do."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from lti_tool import sessions
from lti_tool.models import Context, LoginState, LtiSession, Membership
from tests.lti_tool.platform import ASSISTANT, LEARNER, Platform

IN_FRAME = {"Sec-Fetch-Dest": "iframe"}
SCRIPT = {"X-GradeSync-Script": "1", "Origin": "https://localhost:8000"}


def data(response: HttpResponse) -> dict[str, str]:
    """What the page hands its script, and the fields of its forms."""
    text = response.content.decode()
    found = dict(re.findall(r'data-([\w-]+)="([^"]*)"', text))
    found |= dict(re.findall(r'name="(\w+)" value="([^"]*)"', text))
    return {name: unescape(value) for name, value in found.items()}


class Frame:
    """A frame whose cookies the browser throws away; its script is played by the test."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def check(self, **more: Any) -> dict[str, str]:
        return data(self.check_page(**more))

    def check_page(self, **more: Any) -> HttpResponse:
        self.platform.client.defaults["HTTP_SEC_FETCH_DEST"] = "iframe"
        response = self.platform.login(**more)
        del self.platform.client.defaults["HTTP_SEC_FETCH_DEST"]
        self.platform.client.cookies.clear()
        return response

    def answer(self, checked: dict[str, str], **claims: Any) -> dict[str, str]:
        """What the platform posts back."""
        asked = parse_qs(urlsplit(checked["next"]).query)
        token = self.platform.sign(self.platform.claims(asked["nonce"][0], **claims))
        return {"state": asked["state"][0], "id_token": token}

    def post(self, fields: dict[str, str], **headers: str) -> HttpResponse:
        return self.platform.client.post("/lti/launch/", fields, headers=headers)

    def enter(self, **claims: Any) -> dict[str, str]:
        """The whole way, by the LMS's storage; the session as the script gets it."""
        checked = self.check(lti_storage_target="_parent")
        fields = self.answer(checked, **claims)
        assert self.post(fields).status_code == 200
        response = self.post({**fields, "browser": checked["secret"]}, **SCRIPT)
        assert response.status_code == 200, response.content
        said: dict[str, str] = response.json()
        return said


@pytest.fixture
def frame(platform: Platform) -> Frame:
    return Frame(platform)


def course() -> str:
    return f"/courses/{Context.objects.get().public_id}/"


# the login


def test_login_in_a_frame_asks_first_which_store_the_browser_keeps(frame: Frame) -> None:
    response = frame.check_page(lti_storage_target="post_message_forwarding")
    page = data(response)
    assert response.status_code == 200
    assert page["next"].startswith("https://lms.example.edu/auth?")
    assert page["storage-target"] == "post_message_forwarding"
    assert page["storage-origin"] == "https://lms.example.edu"
    assert page["secret"] not in page["next"] and page["key"] not in page["next"]
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Dest": "document"}])
def test_login_outside_a_frame_goes_on_at_once(platform: Platform, headers: dict[str, str]) -> None:
    platform.client.defaults |= {
        f"HTTP_{name.upper().replace('-', '_')}": one for name, one in headers.items()
    }
    assert platform.login().status_code == 302


def test_browser_that_says_nothing_is_asked_where_the_lms_offers_its_storage(platform: Platform) -> None:
    assert platform.login(lti_storage_target="_parent").status_code == 200
    platform.client.defaults["HTTP_SEC_FETCH_DEST"] = "document"
    assert platform.login(lti_storage_target="_parent").status_code == 302


def test_browser_that_kept_a_cookie_is_not_asked_again(platform: Platform) -> None:
    platform.launch()
    platform.client.defaults["HTTP_SEC_FETCH_DEST"] = "iframe"
    assert platform.login().status_code == 302


@pytest.mark.parametrize("target", ["a b", "x" * 201, "<x>", "a/b", "'"])
def test_storage_target_that_is_no_frame_name_is_left_out(frame: Frame, target: str) -> None:
    assert frame.check(lti_storage_target=target)["storage-target"] == ""


def test_cookie_that_came_back_is_enough(platform: Platform) -> None:
    platform.client.defaults["HTTP_SEC_FETCH_DEST"] = "iframe"
    page = data(platform.login())
    kept = platform.client.post("/lti/login/kept/", {"state": page["state"]})
    assert kept.json() == {"kept": "yes"}
    fields = Frame(platform).answer(page)
    response = platform.post(**fields)
    assert (response.status_code, response.headers["Location"]) == (302, course())


@pytest.mark.parametrize("state", ["", "guessed"])
def test_nothing_is_told_of_a_cookie_that_did_not_come(frame: Frame, state: str) -> None:
    page = frame.check()
    answer = frame.platform.client.post("/lti/login/kept/", {"state": state or page["state"]})
    assert answer.json() == {"kept": "no"}


def test_page_between_login_and_lms_can_be_framed_before_the_first_launch(frame: Frame) -> None:
    """A school's own host is not known yet; nothing on this page helps whoever frames it."""
    policy = frame.check_page().headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https:" in policy
    assert "form-action 'self' https://lms.example.edu;" in policy


# a new tab


def test_new_tab_begins_the_same_login_anew(frame: Frame) -> None:
    page = frame.check()
    tab = Client(headers={"host": "localhost:8000"})
    response = tab.post("/lti/login/again/", {"state": page["state"]})
    before = parse_qs(urlsplit(page["next"]).query)
    after = parse_qs(urlsplit(response.headers["Location"]).query)
    for name in ("login_hint", "lti_message_hint", "client_id", "redirect_uri"):
        assert after[name] == before[name]
    assert after["state"] != before["state"] and after["nonce"] != before["nonce"]
    frame.platform.client = tab
    token = frame.platform.sign(frame.platform.claims(after["nonce"][0]))
    assert frame.platform.post(after["state"][0], token).headers["Location"] == course()


def test_login_of_an_unknown_state_is_not_begun(platform: Platform) -> None:
    response = platform.client.post("/lti/login/again/", {"state": "guessed"})
    assert response.status_code == 400 and "open the tool again" in response.content.decode().lower()


def test_login_of_a_registration_switched_off_meanwhile_is_not_begun(frame: Frame) -> None:
    page = frame.check()
    frame.platform.registration.active = False
    frame.platform.registration.save()
    response = frame.platform.client.post("/lti/login/again/", {"state": page["state"]})
    assert response.status_code == 403


def test_launch_whose_cookie_was_thrown_away_offers_a_new_tab(platform: Platform) -> None:
    begun = platform.begun()
    platform.client.cookies.clear()
    response = platform.post(begun["state"], platform.sign(platform.claims(begun["nonce"])))
    assert response.status_code == 400
    assert 'action="/lti/login/again/" target="_blank"' in response.content.decode()
    assert data(response)["state"] == begun["state"]
    assert not LtiSession.objects.exists()


# the LMS's storage


def test_launch_without_cookie_opens_nothing_before_the_script_proves_the_browser(frame: Frame) -> None:
    checked = frame.check(lti_storage_target="_parent")
    response = frame.post(frame.answer(checked))
    page = data(response)
    assert response.status_code == 200
    assert page["key"] == checked["key"] and page["storage-target"] == "_parent"
    assert checked["secret"] not in response.content.decode()
    assert not LtiSession.objects.exists() and not Membership.objects.exists()


def test_secret_kept_by_the_lms_opens_the_session(frame: Frame) -> None:
    said = frame.enter()
    assert said["url"] == course()
    page = frame.platform.client.get(course(), headers={sessions.HEADER: said["session"]})
    assert page.content.decode().startswith("Algebra 1 user-3 True")
    assert frame.platform.client.cookies == {}


def test_same_launch_opens_no_second_session(frame: Frame) -> None:
    checked = frame.check(lti_storage_target="_parent")
    fields = {**frame.answer(checked), "browser": checked["secret"]}
    assert frame.post(fields, **SCRIPT).status_code == 200
    again = frame.post(fields, **SCRIPT)
    assert again.status_code == 400 and LtiSession.objects.count() == 1


FORGED: dict[str, dict[str, str]] = {
    "form of another site": {"Origin": "https://evil.example"},
    "form without an origin": {},
    "script of another site": {"X-GradeSync-Script": "1", "Origin": "https://evil.example"},
    "form of a page without origin": {"X-GradeSync-Script": "1", "Origin": "null"},
}


@pytest.mark.parametrize("name", FORGED)
def test_attackers_launch_cannot_be_posted_by_another_site(frame: Frame, name: str) -> None:
    """He knows his own state, token and secret; only our script in the victim's own frame may send them."""
    checked = frame.check(lti_storage_target="_parent")
    fields = {**frame.answer(checked), "browser": checked["secret"]}
    frame.post(fields, **FORGED[name])
    assert not LtiSession.objects.exists()
    assert LoginState.objects.get().used_at is None


def test_wrong_secret_opens_nothing(frame: Frame) -> None:
    checked = frame.check(lti_storage_target="_parent")
    frame.post({**frame.answer(checked), "browser": "guessed"}, **SCRIPT)
    assert not LtiSession.objects.exists()


def test_secret_of_another_login_opens_nothing(frame: Frame) -> None:
    mine, other = frame.check(lti_storage_target="_parent"), frame.check(lti_storage_target="_parent")
    frame.post({**frame.answer(mine), "browser": other["secret"]}, **SCRIPT)
    assert not LtiSession.objects.exists()


def test_bad_message_is_refused_before_any_store_is_asked(frame: Frame) -> None:
    checked = frame.check(lti_storage_target="_parent")
    assert frame.post(frame.answer(checked, exp=1)).status_code == 400
    assert frame.post(frame.answer(checked, roles="Instructor")).status_code == 400


def test_student_is_turned_away_by_this_way_too(frame: Frame) -> None:
    checked = frame.check(lti_storage_target="_parent")
    fields = {**frame.answer(checked, roles=[LEARNER]), "browser": checked["secret"]}
    response = frame.post(fields, **SCRIPT)
    assert response.status_code == 403 and "instructors" in response.content.decode()


def test_page_that_holds_the_message_is_framed_by_the_platform_alone(frame: Frame) -> None:
    checked = frame.check(lti_storage_target="_parent")
    policy = frame.post(frame.answer(checked)).headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' https://lms.example.edu")


# the session in the page's memory


def test_cookie_alone_reads_and_never_writes(platform: Platform) -> None:
    platform.launch()
    assert platform.client.get(course()).status_code == 200
    response = platform.client.post(course() + "send/")
    assert response.status_code == 403 and "Nothing was changed" in response.content.decode()


def test_page_opened_by_a_cookie_holds_what_its_script_needs_to_write(platform: Platform) -> None:
    platform.launch()
    token = re.findall(r"acting:(\w+)", platform.client.get(course()).content.decode())[0]
    assert platform.client.post(course() + "send/", headers={sessions.HEADER: token}).content == b"sent"
    assert platform.client.post(course() + "send/", {sessions.FIELD: token}).content == b"sent"


def test_token_in_an_address_opens_nothing(frame: Frame) -> None:
    said = frame.enter()
    for name in (sessions.HEADER, sessions.FIELD, "session"):
        response = frame.platform.client.get(course(), {name: said["session"]})
        assert response.status_code == 403


def test_session_of_one_course_opens_no_other(frame: Frame) -> None:
    said = frame.enter()
    other = Context.objects.create(deployment=Context.objects.get().deployment, context_id="course-9")
    headers = {sessions.HEADER: said["session"]}
    assert frame.platform.client.get(f"/courses/{other.public_id}/", headers=headers).status_code == 403


def test_demoted_teacher_is_out_at_her_next_request(frame: Frame) -> None:
    said = frame.enter()
    frame.enter(roles=[ASSISTANT])
    headers = {sessions.HEADER: said["session"]}
    assert frame.platform.client.get(course(), headers=headers).status_code == 200
    assert frame.platform.client.post(course() + "send/", headers=headers).status_code == 403


def test_headers_of_two_people_in_one_browser_stay_apart(frame: Frame) -> None:
    first, second = frame.enter(), frame.enter(sub="user-4", name="Amal", roles=[ASSISTANT])
    for said, words in ((first, "user-3 True"), (second, "user-4 False")):
        page = frame.platform.client.get(course(), headers={sessions.HEADER: said["session"]})
        assert words in page.content.decode()


# reload


def resume(frame: Frame, handle: str) -> HttpResponse:
    return frame.platform.client.post("/lti/resume/", headers={"X-GradeSync-Resume": handle})


def test_reload_without_a_cookie_asks_for_the_handle(frame: Frame) -> None:
    frame.enter()
    page = data(frame.platform.client.get(course() + "?page=2"))
    assert page["course"] == str(Context.objects.get().public_id)
    assert page["storage-target"] == "_parent" and page["storage-origin"] == "https://lms.example.edu"


def test_handle_opens_the_session_once_with_new_tokens(frame: Frame) -> None:
    said = frame.enter()
    again = resume(frame, said["resume"]).json()
    assert again["session"] != said["session"] and again["resume"] != said["resume"]
    get = frame.platform.client.get
    assert get(course(), headers={sessions.HEADER: again["session"]}).status_code == 200
    assert resume(frame, said["resume"]).status_code == 403
    assert resume(frame, again["resume"]).status_code == 200


@pytest.mark.parametrize("handle", ["", "guessed"])
def test_unknown_handle_opens_nothing_and_tells_nothing(frame: Frame, handle: str) -> None:
    frame.enter()
    response = resume(frame, handle)
    assert (response.status_code, response.json()) == (403, {"return_url": ""})


def test_handle_of_a_session_that_is_over_shows_the_way_back(frame: Frame) -> None:
    said = frame.enter()
    LtiSession.objects.update(seen_at=timezone.now() - timedelta(days=1))
    response = resume(frame, said["resume"])
    assert (response.status_code, response.json()) == (403, {"return_url": "https://lms.example.edu/return"})


def test_second_tab_of_the_same_course_goes_on_when_the_first_is_reloaded(frame: Frame) -> None:
    """Both tabs share the store that keeps the handle."""
    said = frame.enter()
    assert resume(frame, said["resume"]).status_code == 200
    headers = {sessions.HEADER: said["session"]}
    assert frame.platform.client.get(course(), headers=headers).status_code == 200


def test_reload_does_not_make_a_session_last_longer(frame: Frame) -> None:
    said = frame.enter()
    ends = LtiSession.objects.get().expires_at
    resume(frame, said["resume"])
    assert {row.expires_at for row in LtiSession.objects.all()} == {ends}


def test_acting_token_is_no_handle_and_the_handle_no_token(frame: Frame) -> None:
    said = frame.enter()
    assert resume(frame, said["session"]).status_code == 403
    headers = {sessions.HEADER: said["resume"]}
    assert frame.platform.client.get(course(), headers=headers).status_code == 403


def test_next_launch_leads_to_the_page_that_could_not_be_shown(platform: Platform) -> None:
    platform.launch()
    LtiSession.objects.update(seen_at=timezone.now() - timedelta(days=1))
    assert platform.client.get(course() + "send/").status_code == 403
    assert platform.launch().headers["Location"] == course() + "send/"
    assert platform.launch().headers["Location"] == course()


@pytest.mark.parametrize("path", ["//evil.example/", "https://evil.example/", "/courses/x/", "/admin/"])
def test_next_launch_leads_nowhere_else(platform: Platform, path: str) -> None:
    platform.launch()
    platform.client.cookies["__Host-gradesync_back"] = path
    assert platform.launch().headers["Location"] == course()


# leaving


def test_signing_out_of_one_course_leaves_the_other_open(platform: Platform) -> None:
    platform.launch()
    platform.launch(context={"id": "course-5", "title": "Geometry"})
    first, second = Context.objects.order_by("pk")
    token = re.findall(r"acting:(\w+)", platform.client.get(f"/courses/{first.public_id}/").content.decode())[
        0
    ]
    response = platform.client.post(
        f"/lti/leave/{first.public_id}/", headers={sessions.HEADER: token, "HX-Request": "true"}
    )
    assert "signed out" in response.content.decode()
    assert platform.client.get(f"/courses/{first.public_id}/").status_code == 403
    assert platform.client.get(f"/courses/{second.public_id}/").status_code == 200
    assert LtiSession.objects.count() == 1
