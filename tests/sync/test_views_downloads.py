"""Files come by a link that works once, for half a minute, without cookie or header; messages need no cookie either."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from lti_tool.models import DownloadTicket, LtiSession, Membership
from sync.models import Run
from tests.sync.pages import Browser, person, teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    made = make_course()
    made.send()
    return made


@pytest.fixture
def ada(course: Course) -> Browser:
    return teacher(course.context)


def link(browser: Browser, name: str = "receipt_csv") -> str:
    run = Run.objects.get(state="done")
    answer = browser.post(name, run.pk, follow=False)
    assert answer.status_code == 302
    return str(answer["Location"])


@pytest.mark.parametrize("name", ["receipt_csv", "reconciliation_csv", "report_json"])
def test_link_gives_its_file_once_to_a_browser_without_anything(ada: Browser, name: str) -> None:
    address = link(ada, name)
    stranger = Client()
    file = stranger.get(address)
    assert file.status_code == 200 and "attachment" in file["Content-Disposition"]
    assert stranger.get(address).status_code == 404


def test_script_is_told_where_to_go(ada: Browser) -> None:
    run = Run.objects.get(state="done")
    ada.acting = ada.acting | {"HX-Request": "true"}
    answer = ada.post("receipt_csv", run.pk, follow=False)
    assert Client().get(answer["HX-Redirect"]).status_code == 200


def test_link_ends_after_half_a_minute(ada: Browser) -> None:
    address = link(ada)
    DownloadTicket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(address).status_code == 404


def test_looking_whether_the_link_is_there_does_not_use_it_up(ada: Browser) -> None:
    address = link(ada)
    assert Client().head(address).status_code == 405
    assert Client().get(address).status_code == 200


def test_link_ends_with_her_session(ada: Browser) -> None:
    address = link(ada)
    LtiSession.objects.all().delete()
    assert Client().get(address).status_code == 404


def test_link_of_a_demoted_teacher_gives_nothing(ada: Browser) -> None:
    address = link(ada)
    Membership.objects.update(can_send=False, can_look=False)
    assert Client().get(address).status_code == 403


def test_cookie_alone_asks_for_no_link(ada: Browser) -> None:
    ada.acting = {}
    run = Run.objects.get(state="done")
    assert ada.post("receipt_csv", run.pk, follow=False).status_code == 403
    assert not DownloadTicket.objects.exists()


def test_assistant_may_take_a_file_and_a_student_may_not(course: Course) -> None:
    assert Client().get(link(person(course.context, "assistant", can_look=True))).status_code == 200
    run = Run.objects.get(state="done")
    assert person(course.context, "student").post("receipt_csv", run.pk).status_code == 403


@pytest.mark.parametrize("token", ["x", "a" * 43])
def test_guessed_link_gives_nothing(ada: Browser, token: str) -> None:
    link(ada)
    assert Client().get(f"/lti/files/{token}/").status_code == 404


def test_message_reaches_a_browser_that_keeps_no_cookie(ada: Browser) -> None:
    ada.client.cookies.clear()
    told = ada.post("decide", Run.objects.get(state="done").pk, follow=False)
    assert told.status_code == 302 and "messages" not in told.cookies
    ada.client.cookies.clear()
    page = ada.client.get(told["Location"], headers=ada.acting, follow=True)
    assert LtiSession.objects.get().notices == [] and "messages" in page.content.decode()
    again = ada.client.get(told["Location"], headers=ada.acting, follow=True)
    assert 'class="messages"' not in again.content.decode() and text_of(again)
