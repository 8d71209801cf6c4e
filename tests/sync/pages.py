"""A person of a course in her browser: what the pages' tests click with."""

from __future__ import annotations

import re
from html import unescape
from typing import Any, cast

from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from lti_tool import cookies, sessions
from lti_tool.models import Context, LtiUser, Membership
from sync import engine
from sync.engine import deciding, reporting
from sync.models import Look, Run


class Browser:
    """One person signed in to one course by a launch; `get` and `post` take the URL's name and arguments."""

    def __init__(self, membership: Membership, *, strict: bool = False, worker: bool = True) -> None:
        self.context = membership.context
        self.worker = worker
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
        answer = self._asked(name, *args, query=query, **more)
        return self._asked(name, *args, query=query, **more) if self._read() else answer

    def _asked(self, name: str, *args: Any, query: Any, **more: Any) -> HttpResponse:
        return cast(HttpResponse, self.client.get(self.url(name, *args), query, **more))

    def post(self, name: str, *args: Any, follow: bool = True, **data: Any) -> HttpResponse:
        """As the page's script does: with the session in a header. What it asked to be read is read by then."""
        answer = cast(HttpResponse, self.client.post(self.url(name, *args), data, headers=self.acting))
        self._read()
        while follow and answer.status_code == 302:
            answer = cast(HttpResponse, self.client.get(answer["Location"]))
        return answer

    def _read(self) -> bool:
        """Where no worker runs, the browser plays it. True when there was something to read."""
        return self.worker and read_now()


def read_now() -> bool:
    """A worker's go at all reads that were asked for."""
    runs, looks = Run.objects.filter(state="reading"), Look.objects.filter(state="reading")
    wanted = [*runs.values_list("pk", flat=True)], [*looks.values_list("pk", flat=True)]
    for run_id in wanted[0]:
        engine.read_run(run_id)
    for look_id in wanted[1]:
        engine.read_look(look_id)
    return any(wanted)


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


def word(context: Context, key: str, kind: str) -> dict[str, Any]:
    """The fields of a form that decides on one grade, as the newest list's page shows it."""
    newest = reporting.newest_list(context)
    assert newest is not None
    pair = deciding.pairs_of(newest)[key]
    return {f"decision:{key}": kind, f"pair:{key}": deciding.digest_of_pair(key, pair)}
