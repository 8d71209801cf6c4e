"""A real LMS server that can forge any launch, and the tool as it answers a browser: for the tables of bad launches."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import requests
from django.http import HttpResponse
from django.test import Client

from gradesync_site.sandbox.lms.launch import begin, post
from lti_tool.models import Context, Deployment, Institution, LtiSession, LtiUser, Membership, Registration
from tests.sandbox_servers import Server

TOOL = "https://tool.example"
TEACHER, LEARNER = "11", "5001"
COURSE = "101"

Form = dict[str, str]


def browser() -> Client:
    """A new one, without a cookie."""
    return Client(headers={"host": "tool.example"})


@dataclass
class Lms:
    """The server, registered and approved here. `launch(set={...})` forges as POST /_sandbox/forge understands it."""

    server: Server
    client_id: str = "gradesync-sandbox"
    browser: Client = field(default_factory=browser)
    registration: Registration = field(init=False)

    def __post_init__(self) -> None:
        institution, _ = Institution.objects.get_or_create(name="North")
        hello = self.server.hello
        addresses = {
            name: hello[name] for name in ("issuer", "auth_login_url", "auth_token_url", "key_set_url")
        }
        self.registration = Registration.objects.create(
            institution=institution, name=self.client_id, client_id=self.client_id, active=True, **addresses
        )
        Deployment.objects.create(
            registration=self.registration, deployment_id=hello["deployment_id"], active=True
        )
        self.server.control("tool", tool_url=TOOL, client_id=self.client_id)
        self.honest()

    def honest(self) -> None:
        self.server.faults.off()
        requests.delete(f"{self.server.base_url}/_sandbox/forge", timeout=10)

    def forge(self, **wish: Any) -> None:
        self.server.control("forge", **wish)

    def begin(self, user: str = TEACHER, **wish: Any) -> Form:
        """All of a launch but the last post: the form that is to be posted."""
        if wish:
            self.forge(**wish)
        _url, fields = begin(self.server.base_url, COURSE, user, self.browser)
        return fields

    def post(self, fields: Form, client: Client | None = None) -> HttpResponse:
        answer: HttpResponse = post(client or self.browser, f"{TOOL}/lti/launch/", fields)
        return answer

    def launch(self, user: str = TEACHER, **wish: Any) -> HttpResponse:
        return self.post(self.begin(user, **wish))

    def asked(self, path: str) -> int:
        """How often the tool asked the platform for this."""
        return sum(entry["path"].startswith(path) for entry in self.server.journal)


def assert_refused(answer: Any, code: str, status: int = 400) -> None:
    """A page for people that says why, and nothing left behind: no session, no person, no course, no cookie of a course."""
    page = answer.content.decode()
    assert f"administrator: {code}<" in page, page
    assert answer.status_code == status
    assert "<h1>" in page and "What you can do" in page
    assert_nothing_left(answer)


def assert_nothing_left(answer: Any) -> None:
    for model in (LtiSession, Membership, LtiUser, Context):
        assert not model._default_manager.exists(), model.__name__
    assert not any("gradesync_lti" in name for name in answer.cookies)


def assert_arrived(answer: Any) -> None:
    context = Context.objects.get()
    assert answer.status_code == 302, answer.content.decode()
    assert answer.headers["Location"] == f"/courses/{context.public_id}/"
    assert Membership.objects.get().can_send


def part(token: str, number: int) -> dict[str, Any]:
    """Header (0) or claims (1) of a token, unverified."""
    text = token.split(".")[number]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found
