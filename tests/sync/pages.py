"""A person of a course in her browser: what the pages' tests click with."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from lti_tool import cookies, sessions
from lti_tool.models import Context, LtiUser, Membership


class Browser:
    """One person signed in to one course by a launch; `get` and `post` take the URL's name and arguments."""

    def __init__(self, membership: Membership, *, strict: bool = False) -> None:
        self.context = membership.context
        self.client = Client(enforce_csrf_checks=strict)
        opened = sessions.open_session(
            membership, RequestFactory().get("/"), origins=["https://lms.example"], return_url=""
        )
        name = sessions.cookie_name(self.context.public_id)
        self.client.cookies[cookies.full_name(name)] = opened.reading
        self.acting = {sessions.HEADER: opened.acting}

    def url(self, name: str, *args: Any, of: Context | None = None) -> str:
        return reverse(f"sync:{name}", args=[(of or self.context).public_id, *args])

    def get(self, name: str, *args: Any, query: Any = None, **more: Any) -> HttpResponse:
        return self.client.get(self.url(name, *args), query, **more)

    def post(self, name: str, *args: Any, follow: bool = True, **data: Any) -> HttpResponse:
        """As the page's script does: with the session in a header."""
        return self.client.post(self.url(name, *args), data, follow=follow, headers=self.acting)


def teacher(context: Context, **more: Any) -> Browser:
    """The course's own teacher."""
    return Browser(Membership.objects.get(context=context, can_send=True), **more)


def person(context: Context, sub: str, **rights: bool) -> Browser:
    """Somebody else in the course: an assistant (`can_look`), a student (no right at all)."""
    user = LtiUser.objects.create(registration=context.registration, sub=sub, name=f"Person {sub}")
    return Browser(Membership.objects.create(context=context, user=user, **rights))


def text_of(response: HttpResponse) -> str:
    """What a person reads: no tags, single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())
