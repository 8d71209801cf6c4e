"""Connecting from inside the frame, and everything that must not come of it: each attempt ends where it began, or nowhere."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from lti_tool.models import Context, LtiSession, LtiUser, Membership
from sync import engine, tasks
from sync.engine import connecting
from sync.lms.blackboard import Blackboard
from sync.lms.canvas import Canvas
from sync.models import Grant, GrantRequest, LmsConnection, Look
from tests.sandbox_servers import Server
from tests.sync.granting import Window, canvas, code_of, connect, ending, give, granted, renewals
from tests.sync.nights import co_teacher
from tests.sync.pages import Browser, person, teacher, text_of
from tests.sync.worlds import Course, make_course

__all__ = ["canvas", "granted"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(granted: Course) -> Browser:
    return Browser(Membership.objects.get(user=granted.teacher))


@pytest.fixture
def mallory(granted: Course) -> Browser:
    """Another teacher of the same course, in a browser of her own."""
    return Browser(Membership.objects.get(user=co_teacher(granted).user))


def finish(browser: Browser, code: str) -> str:
    return text_of(browser.post("finish_connecting", code=code))


# --- the whole way --------------------------------------------------------------------------------------------


def test_a_teacher_connects_and_her_gradebook_is_read(ada: Browser, canvas: Server) -> None:
    assert "Connect to Canvas" in text_of(ada.get("course"))
    window = Window(ada)
    page = window.come_back()
    assert "Ada Teacher" in text_of(page) and "Algebra" in text_of(page), "she sees for whom and what this is"
    assert not Grant.objects.exists(), "nothing counts before the frame has the code"
    said = finish(ada, code_of(page))
    assert "You are connected to Canvas." in said
    grant = Grant.objects.get()
    assert grant.access_token and grant.refresh_token and grant.expires_at
    assert Look.objects.get().state == "done"
    assert not GrantRequest.objects.exists()
    assert "Connect to Canvas" not in text_of(ada.get("course"))


@pytest.mark.parametrize("written", ["{}", " {} ", "{} ", "lower", "plain"])
def test_the_code_is_read_as_people_type_it(ada: Browser, written: str) -> None:
    code = Window(ada).allow()
    typed = {"lower": code.lower(), "plain": code.replace("-", "")}.get(written, written.format(code))
    finish(ada, typed)
    assert Grant.objects.exists()


def test_nothing_is_asked_of_the_lms_before_she_connected(ada: Browser, canvas: Server) -> None:
    canvas.journal.clear()
    for name in ("look", "preview", "reconcile"):
        answer = ada.post(name, follow=False)
        assert answer["Location"].endswith("/connect/")
    assert not Look.objects.exists()
    assert canvas.journal == []


def test_the_page_of_a_read_that_found_the_grant_gone_leads_to_connecting(
    ada: Browser, granted: Course, canvas: Server
) -> None:
    give(LmsConnection.objects.get(), granted, canvas)
    look, _ = engine.ask_look(granted.context, granted.who)
    Grant.objects.update(lost_at=timezone.now())
    said = text_of(ada.get("reading"))
    assert "Canvas has ended your access" in said and "Connect to Canvas" in said
    assert "Read again" not in said
    look.refresh_from_db()
    assert look.state == "cancelled"
    said = text_of(ada.get("connect"))
    assert "No grade is lost: connect again" in said


def test_a_notice_that_waits_for_a_read_becomes_the_button_to_connect(
    ada: Browser, granted: Course, canvas: Server
) -> None:
    give(LmsConnection.objects.get(), granted, canvas)
    engine.ask_look(granted.context, granted.who)
    Grant.objects.update(lost_at=timezone.now())
    ada.get("course")
    assert Look.objects.get().state == "cancelled"
    assert "Connect to Canvas" in text_of(ada.get("reading_notice", headers={"HX-Request": "true"}))


def test_connecting_anew_replaces_the_grant_and_takes_the_former_back(ada: Browser, canvas: Server) -> None:
    first = connect(ada)
    second = connect(ada)
    assert (first.pk, first.version + 1) == (second.pk, second.version)
    assert len(canvas.control("oauth")["grants"]) == 1, "the former one is taken back at Canvas"


def test_a_lost_grant_is_mended_by_connecting_again(ada: Browser, canvas: Server) -> None:
    connect(ada)
    Grant.objects.update(lost_at=timezone.now(), why="gone", access_token="", refresh_token="")
    grant = connect(ada)
    assert (grant.lost_at, grant.why) == (None, "") and grant.access_token


def test_each_teacher_has_a_grant_of_her_own(ada: Browser, mallory: Browser) -> None:
    for browser in (ada, mallory):
        finish(browser, Window(browser).allow())
    assert Grant.objects.count() == Grant.objects.values("user").distinct().count() == 2


def test_she_takes_it_back_on_the_page(ada: Browser, canvas: Server) -> None:
    connect(ada)
    said = text_of(ada.post("disconnect"))
    assert "taken back, at Canvas too" in said
    assert not Grant.objects.exists()
    assert not canvas.control("oauth")["grants"]


def test_what_the_lms_cannot_be_told_is_forgotten_all_the_same(ada: Browser, canvas: Server) -> None:
    connect(ada)
    canvas.control("oauth", revoke=True)
    assert "forgotten here" in text_of(ada.post("disconnect"))
    assert not Grant.objects.exists()


WAYS = {
    "canvas": {},
    "brightspace": {"auth_url": "/oauth2/auth", "token_url": "/core/connect/token"},
    "blackboard": {},
}


@pytest.mark.parametrize("adapter", sorted(WAYS))
def test_each_reader_reads_with_what_its_teacher_granted(
    ada: Browser, granted: Course, canvas: Server, adapter: str
) -> None:
    """By its own addresses, scopes and kind of key: with PKCE or without, in the form or as Basic."""
    LmsConnection.objects.update(
        adapter=adapter, options={name: canvas.base_url + path for name, path in WAYS[adapter].items()}
    )
    (found,) = [one for one in canvas.hello["courses"] if one["id"] == "101"]
    granted.context.context_id = found["uuid"] if adapter == "blackboard" else "101"
    granted.context.save()
    assert "You are connected" in finish(ada, Window(ada).allow())
    assert Look.objects.get().state == "done", Look.objects.get().message
    ending(Grant.objects.get())
    engine.look(granted.context, granted.who)
    assert renewals(canvas) == 1


# --- somebody else's window -----------------------------------------------------------------------------------


def test_a_victim_who_follows_the_attackers_link_gives_her_nothing(
    mallory: Browser, ada: Browser, canvas: Server
) -> None:
    """The attacker begins, the victim allows at the LMS: her window is turned away before anything is fetched."""
    window = Window(mallory)
    answer = window.answer(user="11")
    page = window.come_back(answer, client=ada.client)
    assert page.status_code == 400
    assert "somebody sent you this link" in text_of(page) and "data-code" not in page.content.decode()
    assert not canvas.control("oauth")["grants"], "the code was not even exchanged"
    assert not Grant.objects.exists()


def test_who_knows_the_victims_code_but_not_her_session_gets_nothing(ada: Browser, mallory: Browser) -> None:
    """And the other way round: a code that is put upon another's session connects her to nothing."""
    code = Window(ada).allow()
    for stranger in (mallory, Browser(Membership.objects.get(context=ada.context, user__sub="teacher"))):
        assert "This is not the code" in finish(stranger, code)
    assert not Grant.objects.exists()
    finish(ada, code)
    assert Grant.objects.get().user.sub == "teacher"


def test_an_attacker_with_the_victims_cookie_still_lacks_the_code(mallory: Browser) -> None:
    """Should a cookie be planted: what came back is locked, and guesses open nothing."""
    window = Window(mallory)
    victim = Client()
    victim.cookies = window.client.cookies
    assert code_of(window.come_back(client=victim))
    for guess in ("", "A" * 8, "AAAA-AAAA", "%", "0" * 100):
        assert "This is not the code" in finish(mallory, guess)
    assert not Grant.objects.exists()


def test_the_window_is_begun_by_a_form_with_the_session_and_by_no_address(ada: Browser) -> None:
    for headers in ({}, {"X-GradeSync-Session": "guessed"}, ada.acting | {"Origin": "https://evil.example"}):
        ada.acting, kept = headers, ada.acting
        assert ada.post("start_connecting", follow=False).status_code == 403
        assert ada.post("finish_connecting", follow=False, code="x").status_code == 403
        ada.acting = kept
    assert not GrantRequest.objects.exists()
    assert ada.get("start_connecting").status_code == 302


def test_the_access_of_another_person_than_the_launch_named_is_refused(ada: Browser, canvas: Server) -> None:
    LtiUser.objects.update(lms_user_id="12")
    page = Window(ada).come_back()
    assert "another person than the one who opened GradeSync" in text_of(page)
    assert not GrantRequest.objects.exclude(access_token="").exists()
    assert not canvas.control("oauth")["grants"], "and taken back"
    LtiUser.objects.update(lms_user_id="11")
    assert Window(ada).allow()


@pytest.mark.parametrize(
    ("granted_id", "launched", "same"),
    [
        ("42", "42", True),
        ("70000000000042", "42", True),
        ("7~42", "70000000000042", True),
        ("42", "43", False),
        ("70000000000043", "42", False),
        ("", "", True),
        ("x", "y", False),
        ("x~", "", False),
        ("7~x", "7~y", False),
        ("9" * 5000, "1", False),
    ],
)
def test_canvas_ids_of_one_person_are_known_for_one(granted_id: str, launched: str, same: bool) -> None:
    assert Canvas.is_same(granted_id, launched) is same


UUID, OTHER = "c4d3a3851e5256e69a94e21efdfd8171", "3b4ba3e3366a56deb564004cf8caee77"


@pytest.fixture
def learn(granted: Course, canvas: Server) -> str:
    """The connection reads Blackboard with teachers' own access; the uuid by which its tokens name the teacher."""
    row = LmsConnection.objects.get(registration=granted.context.registration)
    row.adapter = "blackboard"
    row.save()
    return str(canvas.state["people"]["11"]["lti_id"])


def test_blackboard_s_token_must_be_of_the_person_whom_the_launch_named(
    ada: Browser, canvas: Server, learn: str
) -> None:
    LtiUser.objects.update(sub=OTHER)
    assert "another person than the one who opened GradeSync" in text_of(Window(ada).come_back())
    assert not GrantRequest.objects.exclude(access_token="").exists()
    LtiUser.objects.update(sub=learn.replace("-", "").upper())
    assert Window(ada).allow()


def test_a_launch_of_blackboard_that_names_no_uuid_is_not_compared(ada: Browser, learn: str) -> None:
    LtiUser.objects.update(sub="ada", lms_user_id=OTHER)
    assert Window(ada).allow()


@pytest.mark.parametrize(
    ("granted_id", "launched", "same"),
    [
        (UUID, UUID, True),
        ("c4d3a385-1e52-56e6-9a94-e21efdfd8171", UUID.upper(), True),
        (OTHER, UUID, False),
        ("_42_1", UUID, True),
    ],
)
def test_blackboard_s_uuids_of_one_person_are_known_for_one(
    granted_id: str, launched: str, same: bool
) -> None:
    assert Blackboard.launched_as(launched, "") == launched
    assert Blackboard.is_same(granted_id, launched) is same


# --- used twice, too late, in two windows ---------------------------------------------------------------------


def test_an_answer_counts_once(ada: Browser, canvas: Server) -> None:
    window = Window(ada)
    answer = window.answer()
    window.come_back(answer)
    again = window.come_back(answer)
    assert again.status_code == 400 and "was used already" in text_of(again)
    assert len(canvas.control("oauth")["grants"]) == 1


def test_a_code_of_the_window_counts_once(ada: Browser) -> None:
    code = Window(ada).allow()
    finish(ada, code)
    assert "This is not the code" in finish(ada, code)


def test_ten_minutes_later_nothing_counts(ada: Browser) -> None:
    late = Window(ada)
    answer = late.answer()
    GrantRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "longer than ten minutes" in text_of(late.come_back(answer))
    code = Window(ada).allow()
    GrantRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "older than ten minutes" in finish(ada, code)
    assert not Grant.objects.exists()


def test_a_code_of_the_lms_that_was_used_elsewhere_connects_nothing(ada: Browser) -> None:
    first, second = Window(ada), Window(ada)
    stolen = dict(parse_qsl(urlsplit(first.answer()).query))["code"]
    assert first.come_back(f"/grants/callback/?{urlencode({'code': stolen, 'state': first.state})}")
    page = second.come_back(f"/grants/callback/?{urlencode({'code': stolen, 'state': second.state})}")
    assert "did not confirm it" in text_of(page)


def test_two_windows_each_finish_with_their_own_code(ada: Browser) -> None:
    first, second = Window(ada), Window(ada)
    codes = [second.allow(), first.allow()]
    assert codes[0] != codes[1]
    for code in codes:
        assert "You are connected" in finish(ada, code)
    assert Grant.objects.count() == 1


def test_a_press_too_many_keeps_only_the_newest_windows(ada: Browser) -> None:
    windows = [Window(ada) for _ in range(connecting.AT_ONCE + 2)]
    assert GrantRequest.objects.count() == connecting.AT_ONCE
    assert "used already" in text_of(windows[0].come_back())
    assert windows[-1].allow()


def test_two_courses_of_one_teacher_stay_apart(ada: Browser, granted: Course) -> None:
    other = Browser(second_course(granted))
    code = Window(ada).allow()
    assert "This is not the code" in finish(other, code)
    finish(ada, code)
    assert Grant.objects.get().user.sub == "teacher"
    assert "Connect to Canvas" not in text_of(other.get("course")), "one grant for all her courses"


def second_course(course: Course) -> Membership:
    context = Context.objects.create(
        deployment=course.context.deployment, context_id="second", title="Biology"
    )
    return Membership.objects.create(context=context, user=course.teacher, can_send=True, can_look=True)


# --- what the LMS answers -------------------------------------------------------------------------------------


def test_who_says_no_at_the_lms_reads_that_nothing_was_connected(ada: Browser) -> None:
    window = Window(ada)
    page = window.come_back(window.answer("deny"))
    assert "Canvas was told not to allow it" in text_of(page)
    assert "used already" in text_of(window.come_back(window.answer("allow")))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"error": "server_error"}, "could not allow it"),
        ({"error": "<script>x</script>"}, "could not allow it"),
        ({"code": ""}, "could not allow it"),
        ({"code": "x" * 5000}, "could not allow it"),
        ({"code": "never given"}, "did not confirm it"),
        ({"iss": "https://evil.example"}, "another server than Canvas"),
        ({"iss": ""}, "another server than Canvas"),
        ({"state": ""}, "used already"),
        ({"state": "\x00"}, "used already"),
        ({"state": "x" * 9000}, "used already"),
        ({"state": "'; drop table"}, "used already"),
    ],
)
def test_odd_answers_connect_nothing(ada: Browser, changed: dict[str, str], words: str) -> None:
    page = Window(ada).come_back(**changed)
    assert page.status_code == 400
    assert words in text_of(page)
    assert "<script>x" not in page.content.decode()
    assert not GrantRequest.objects.exclude(access_token="").exists()


def test_the_issuer_that_was_asked_is_taken_for_what_it_says(ada: Browser, canvas: Server) -> None:
    assert code_of(Window(ada).come_back(iss=canvas.base_url))


def test_a_sign_in_that_is_away_is_said(ada: Browser, canvas: Server) -> None:
    canvas.faults.on("token-away")
    assert "does not answer just now" in text_of(Window(ada).come_back())


def test_a_wrong_key_is_the_administrators_business_and_shown_as_such(ada: Browser) -> None:
    window = Window(ada)
    answer = window.answer()
    LmsConnection.objects.update(client_secret="wrong")
    said = text_of(window.come_back(answer))
    assert "An administrator must check" in said and "client_refused" in said
    LmsConnection.objects.update(client_secret="")
    assert "connection_incomplete" in text_of(ada.post("start_connecting"))


# --- the session meanwhile ------------------------------------------------------------------------------------


def test_signed_out_meanwhile_is_a_clear_page(ada: Browser) -> None:
    window = Window(ada)
    answer = window.answer()
    LtiSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "You were signed out" in text_of(window.come_back(answer))
    window = Window(teacher(ada.context))
    answer = window.answer()
    LtiSession.objects.all().delete()
    assert "used already" in text_of(window.come_back(answer))


def test_who_teaches_no_more_connects_nothing(ada: Browser) -> None:
    window = Window(ada)
    answer = window.answer()
    Membership.objects.update(can_send=False)
    assert "You were signed out" in text_of(window.come_back(answer))


def test_a_connection_that_was_switched_off_meanwhile_takes_nothing(ada: Browser) -> None:
    window = Window(ada)
    answer = window.answer()
    code = Window(ada).allow()
    LmsConnection.objects.update(active=False)
    assert window.come_back(answer).status_code == 400
    finish(ada, code)
    assert not Grant.objects.exists()


def test_an_address_that_was_moved_meanwhile_gets_no_tokens(ada: Browser, canvas: Server) -> None:
    first, second = Window(ada), Window(ada)
    answer, code = first.answer(), second.allow()
    LmsConnection.objects.update(base_url="https://evil.example")
    assert first.come_back(answer).status_code == 400
    finish(ada, code)
    GrantRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    tasks.sweep_grants()
    said = text_of(ada.get("connect"))
    assert "Canvas has ended your access" in said, "what was granted for one address counts at no other"


def test_an_assistant_is_not_asked_and_cannot_connect(granted: Course) -> None:
    assistant = person(granted.context, "assistant", can_look=True)
    assert "Connect to Canvas" not in text_of(assistant.get("course"))
    assert assistant.get("connect").status_code == 302
    assert assistant.post("start_connecting", follow=False).status_code == 403


def test_an_administrator_who_acts_for_a_teacher_cannot_connect_in_her_place(ada: Browser) -> None:
    root = User.objects.create_superuser("root", "", "x")
    LtiSession.objects.update(acting_admin=root)
    assert "Only the teacher herself" in text_of(ada.get("connect"))
    assert "Only the teacher herself" in text_of(ada.post("start_connecting"))
    assert not GrantRequest.objects.exists()


def test_a_course_that_is_read_another_way_has_nothing_to_connect(granted: Course) -> None:
    other = teacher(make_course().context)
    assert other.get("connect").status_code == 302
    assert "nothing to connect" in text_of(other.post("start_connecting"))
    assert "nothing to connect" in finish(other, "ABCD-EFGH")


# --- what leaves the pages ------------------------------------------------------------------------------------


def test_pages_of_the_window_are_framed_by_nobody_and_tell_nobody_where_they_come_from(ada: Browser) -> None:
    window = Window(ada)
    shown = [window.page, window.come_back(), window.come_back(state="x")]
    for page in shown:
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
        assert page["X-Frame-Options"] == "DENY"
        assert page["Referrer-Policy"] == "no-referrer"
        assert page["Cache-Control"] == "no-store"
        assert page["Cross-Origin-Opener-Policy"] == "unsafe-none"


def test_the_cookie_of_the_window_is_for_it_alone_and_short(ada: Browser) -> None:
    window = Window(ada)
    (name,) = [name for name in window.page.cookies if "connect" in name]
    morsel = window.page.cookies[name]
    assert name == f"__Host-{connecting.cookie_name(window.state)}"
    assert (morsel["samesite"], morsel["secure"], morsel["httponly"]) == ("Lax", True, True)
    assert int(morsel["max-age"]) <= 600
    assert window.come_back().cookies[name].value == "", "gone when it has done its work"


def test_no_token_code_or_state_is_logged_or_shown(
    ada: Browser, canvas: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    window = Window(ada)
    answer = window.answer()
    code = code_of(window.come_back(answer))
    page = ada.post("finish_connecting", code=code).content.decode()
    grant = Grant.objects.get()
    sent = dict(parse_qsl(urlsplit(answer).query))
    ours = "\n".join(
        record.getMessage()
        for record in caplog.records
        if not record.name.startswith(("waitress", "urllib3"))
    )
    for secret in (grant.access_token, grant.refresh_token, sent["code"], sent["state"], code):
        assert secret not in ours
        assert secret not in page


def test_states_and_codes_are_kept_as_hashes_and_tokens_encrypted(ada: Browser) -> None:
    window = Window(ada)
    code = code_of(window.come_back())
    row = GrantRequest.objects.get()
    with database.cursor() as cursor:
        cursor.execute("select * from sync_grantrequest")
        stored = str(cursor.fetchall())
    for secret in (window.state, code, code.replace("-", ""), row.access_token, row.refresh_token):
        assert secret and secret not in stored


def test_only_a_get_comes_back(ada: Browser) -> None:
    window = Window(ada)
    answer = urlsplit(window.answer())
    for method in ("post", "head", "put", "delete"):
        assert getattr(ada.client, method)(f"{answer.path}?{answer.query}").status_code == 405
    assert code_of(window.come_back(answer.geturl()))


# --- swept ----------------------------------------------------------------------------------------------------


def test_what_nobody_finished_is_taken_back_and_forgotten(ada: Browser, canvas: Server) -> None:
    Window(ada).allow()
    live = Window(ada)
    GrantRequest.objects.exclude(access_token="").update(expires_at=timezone.now() - timedelta(minutes=1))
    tasks.sweep_grants()
    assert GrantRequest.objects.count() == 1
    assert not canvas.control("oauth")["grants"]
    assert live.allow()


def test_the_pretend_canvas_is_asked_for_no_more_than_it_must_be(ada: Browser, canvas: Server) -> None:
    connect(ada)
    asked = [one["path"] for one in canvas.journal if "oauth" in one["path"]]
    assert asked == ["/login/oauth2/auth", "/login/oauth2/token"]
    assert renewals(canvas) == 0
