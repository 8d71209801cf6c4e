"""A course that is read with its teachers' own access to the pretend LMS, and the window in which they allow it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from gradesync_site.sandbox.lms.keyring import Code
from sync.models import Grant, LineItemLink, LmsConnection
from tests.sandbox_servers import Server
from tests.sync.pages import Browser, text_of
from tests.sync.worlds import Course, make_course

TOOL = "https://localhost:8000"


@pytest.fixture
def canvas(start_lms: Callable[..., Server]) -> Server:
    """The pretend Canvas. It knows where this tool's windows come back to."""
    server = start_lms()
    server.control("oauth", origin=TOOL)
    return server


def read_by_teachers(course: Course, server: Server, **options: str) -> LmsConnection:
    """The course becomes Canvas's course 101, read with each teacher's own access."""
    row = LmsConnection.objects.get(registration=course.context.registration)
    row.adapter, row.base_url, row.access = "canvas", server.base_url, "teacher"
    row.client_id, row.client_secret = (
        server.hello["oauth"]["client_id"],
        server.hello["oauth"]["client_secret"],
    )
    row.options = options
    row.save()
    course.context.custom = {"canvas_course_id": "101"}
    course.context.save()
    return row


def rotating(server: Server) -> dict[str, str]:
    """The addresses of the room whose refresh tokens count once, as in Brightspace."""
    return {
        "auth_url": f"{server.base_url}/oauth2/auth",
        "token_url": f"{server.base_url}/core/connect/token",
    }


@pytest.fixture
def granted(db: None, canvas: Server, settings: Any) -> Course:
    """A course whose students and one assignment of Canvas are linked; nobody has connected."""
    settings.HTTP_DEADLINE_S, settings.RETRY_S = 10, 30
    return in_canvas(canvas)


def in_canvas(server: Server) -> Course:
    """Its class holds two students of the course, and one item is linked to the course's first assignment."""
    course = make_course(students=1, items=1)
    read_by_teachers(course, server)
    LineItemLink.objects.filter(class_link__context=course.context).update(lms_line_item_id="2001")
    course.sis.add_class("c1", students=["S20001", "S20006"], teachers=["t1"])
    return course


class Window:
    """The window that a form of the frame opens, up to the page that shows the code."""

    def __init__(self, browser: Browser) -> None:
        self.client: Client = browser.client
        self.page = browser.post("start_connecting", follow=False)

    @property
    def address(self) -> str:
        """Where the LMS asks her."""
        found = re.search(r'content="0;url=([^"]+)"', self.page.content.decode())
        assert found, text_of(self.page)
        return unescape(found[1])

    @property
    def state(self) -> str:
        return dict(parse_qsl(urlsplit(self.address).query))["state"]

    def answer(self, answer: str = "allow", *, user: str = "") -> str:
        """What the LMS sends the window back to, once she pressed a button there."""
        cookies = {"sandbox_lms_user": user} if user else {}
        parts = urlsplit(self.address)
        form = dict(parse_qsl(parts.query)) | {"answer": answer}
        said = requests.post(
            parts._replace(query="").geturl(), data=form, cookies=cookies, allow_redirects=False, timeout=10
        )
        assert said.status_code == 302, said.text
        return said.headers["Location"]

    def come_back(self, address: str = "", *, client: Client | None = None, **changed: str) -> Any:
        parts = urlsplit(address or self.answer())
        query = dict(parse_qsl(parts.query)) | changed
        return (client or self.client).get(f"{parts.path}?{urlencode(query)}")

    def allow(self, *, user: str = "") -> str:
        """Allowed, and back: the code that the window shows."""
        return code_of(self.come_back(self.answer(user=user)))


def code_of(page: HttpResponse) -> str:
    found = re.search(r'data-code="([^"]+)"', page.content.decode())
    assert found, text_of(page)
    return found[1]


def connect(browser: Browser) -> Grant:
    """The whole way."""
    code = Window(browser).allow()
    browser.worker = False
    browser.post("finish_connecting", follow=False, code=code)
    browser.worker = True
    return Grant.objects.get(user__memberships__context=browser.context)


def give(connection: LmsConnection, course: Course, server: Server, **more: Any) -> Grant:
    """A grant as connecting leaves it, without the pages: its tokens are good at the pretend LMS."""
    keyring = server.running.app.extensions["campus"].keyring
    style = "brightspace" if "token_url" in connection.options else "canvas"
    theirs = keyring.begin(Code(style, more.pop("person", "11"), f"{TOOL}/grants/callback/"))
    return Grant.objects.create(
        connection=connection,
        user=more.pop("user", course.teacher),
        access_token=keyring.issue(theirs),
        refresh_token=theirs.refresh,
        expires_at=timezone.now() + timedelta(hours=1),
        hosts=[urlsplit(server.base_url).netloc],
        **more,
    )


def ending(grant: Grant) -> Grant:
    """Its access token is over in a moment."""
    Grant.objects.filter(pk=grant.pk).update(expires_at=timezone.now() + timedelta(seconds=5))
    grant.refresh_from_db()
    return grant


def renewals(server: Server) -> int:
    found: list[dict[str, Any]] = requests.get(f"{server.base_url}/_sandbox/oauth", timeout=10).json()[
        "grants"
    ]
    return sum(one["renewals"] for one in found)
