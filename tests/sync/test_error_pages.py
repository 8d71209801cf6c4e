"""What went wrong on the way is a page like any other: with words, in the LMS's frame, never bare or blank."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from lti_tool import sessions
from sync.models import Run
from sync.views import courses
from tests.sync.pages import Browser, teacher, text_of
from tests.sync.worlds import make_course

pytestmark = pytest.mark.django_db
FRAMED = "frame-ancestors 'self' https://"


@pytest.fixture
def ada() -> Browser:
    return teacher(make_course(students=1, items=1).context)


def test_page_that_is_gone_leads_to_the_course(ada: Browser) -> None:
    answer = ada.get("run", Run.objects.count() + 7)
    assert answer.status_code == 404
    assert "There is no such page" in text_of(answer)
    assert f'href="{ada.url("course")}"' in answer.content.decode()
    assert FRAMED in answer.headers["Content-Security-Policy"]


def test_missing_page_of_the_administration_leads_back_to_it(admin_client: Client) -> None:
    page = text_of(admin_client.get("/admin/nowhere/", secure=True))
    assert "Go to the administration" in page
    assert "from your course" not in page


def test_error_of_our_own_says_that_the_step_is_not_certain(
    ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(courses, "course_of", broken)
    ada.client.raise_request_exception = False
    answer = ada.get("course")
    assert answer.status_code == 500
    assert "Something went wrong here" in text_of(answer) and "not certain" in text_of(answer)
    assert FRAMED in answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer.headers


ODD_BODIES: dict[str, tuple[bytes, str]] = {
    "too large": (b"a=" + b"x" * 2_000, "application/x-www-form-urlencoded"),
    "too many fields": (
        b"&".join(b"a%d=1" % number for number in range(60)),
        "application/x-www-form-urlencoded",
    ),
    "no boundary": (b"--x", "multipart/form-data"),
    "odd boundary": (b"--x", "multipart/form-data; boundary=\xe9"),
    "unknown charset": (b"a=1", "application/x-www-form-urlencoded; charset=nonsense"),
}


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("name", ODD_BODIES)
def test_form_that_cannot_be_read_is_refused_inside_the_frame(
    ada: Browser, settings: Any, name: str, header: bool
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000, 50
    body, kind = ODD_BODIES[name]
    ada.client.raise_request_exception = False
    headers = {sessions.HEADER: ada.acting[sessions.HEADER]} if header else {}
    answer: Any = ada.client.generic("POST", ada.url("decide", 1), body, kind, headers=headers)
    assert answer.status_code in ({400, 404} if header else {400, 403})
    assert "What you can do" in text_of(answer)
    assert FRAMED in answer.headers["Content-Security-Policy"]
