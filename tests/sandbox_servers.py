"""Sandbox servers for tests: real HTTP servers in threads of this process, on free ports.

Fixtures: `sis_server` and `lms_server` (one server each, fresh per test), `start_sis` and `start_lms` (to start them with
options). All let requests to this machine pass the guard. `tests/conftest.py` makes them known to every test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest
import requests

from gradesync_site.sandbox.control import Options, Sandbox, dumps, loads
from gradesync_site.sandbox.faults import Faults
from gradesync_site.sandbox.serving import Running, serve_in_thread

ALL_SCOPES = (
    "roster.readonly gradebook.readonly gradebook.createput gradebook.createpost gradebook.delete "
    "assessment.readonly assessment.createput assessment.delete"
)
SCOPE = "https://purl.imsglobal.org/spec/or/v1p2/scope/"


@dataclass
class Server:
    """A running sandbox server, seen from inside (state, journal, faults) and outside (plain HTTP)."""

    running: Running

    @property
    def base_url(self) -> str:
        return self.running.base_url

    @property
    def hello(self) -> dict[str, Any]:
        return self.running.hello

    @property
    def sandbox(self) -> Sandbox:
        return self.running.sandbox

    @property
    def state(self) -> dict[str, Any]:
        return self.sandbox.state

    @property
    def faults(self) -> Faults:
        return self.sandbox.faults

    @property
    def journal(self) -> list[dict[str, Any]]:
        return self.sandbox.journal

    def writes(self) -> list[dict[str, Any]]:
        """The requests that stored something, in order."""
        return self.sandbox.writes()

    def control(self, what: str, **wish: Any) -> dict[str, Any]:
        """POST /_sandbox/<what>: for example `control("result", lineItem=..., student=..., score=90)`."""
        response = requests.post(f"{self.base_url}/_sandbox/{what}", data=dumps(wish).encode(), timeout=10)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = loads(response.content)
        return found

    def restart(self) -> None:
        """Stops the server and starts it again on the same port, from its state file where it has one."""
        app_of = import_module(f"gradesync_site.sandbox.{self.sandbox.kind}").make_app
        port = int(self.base_url.rpartition(":")[2])
        self.running.stop()
        self.running = serve_in_thread(app_of(self.sandbox.options), port)


@dataclass
class SisServer(Server):
    """With a plain client of its own, for tests that speak OneRoster directly."""

    token: str = ""

    def bearer(self, scopes: str = ALL_SCOPES, prefix: str = SCOPE) -> str:
        response = requests.post(
            self.hello["token_url"],
            data={
                "grant_type": "client_credentials",
                "scope": " ".join(prefix + name for name in scopes.split()),
            },
            auth=(self.hello["client_id"], self.hello["client_secret"]),
            timeout=10,
        )
        assert response.status_code == 200, response.text
        token: str = response.json()["access_token"]
        return token

    def ask(
        self, method: str, path: str, body: object = None, *, token: str | None = None, **query: Any
    ) -> requests.Response:
        """One request below the gradebook base, or below the rostering base with a path that begins with "roster:"."""
        self.token = self.token or self.bearer()
        below = "rostering_base" if path.startswith("roster:") else "gradebook_base"
        url = path if path.startswith("http") else self.hello[below] + path.removeprefix("roster:")
        return requests.request(
            method,
            url,
            params=query,
            data=None if body is None else dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token if token is None else token}",
                "Content-Type": "application/json",
            },
            timeout=10,
        )

    def results(self, line_item_id: str) -> dict[str, dict[str, Any]]:
        """What is truly stored for a line item: active results by student id."""
        return {
            one["student"]: one
            for one in self.state["results"].values()
            if one["lineItem"] == line_item_id and one["status"] == "active"
        }


@pytest.fixture
def local_requests(settings: Any) -> None:
    """Requests of the product to servers on this machine pass its guard."""
    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1"})


@pytest.fixture
def start_sis(local_requests: None) -> Iterator[Callable[..., SisServer]]:
    """Starts pretend SISs: `start_sis(lenient=True, students=30, faults=("busy-429",))`."""
    started: list[SisServer] = []

    def start(**options: Any) -> SisServer:
        app = import_module("gradesync_site.sandbox.sis").make_app(Options(**options))
        started.append(SisServer(serve_in_thread(app)))
        return started[-1]

    yield start
    for server in started:
        server.running.stop()


@pytest.fixture
def start_lms(local_requests: None) -> Iterator[Callable[..., Server]]:
    """Starts pretend LMSs: `start_lms(students=30)`."""
    started: list[Server] = []

    def start(**options: Any) -> Server:
        app = import_module("gradesync_site.sandbox.lms").make_app(Options(**options))
        started.append(Server(serve_in_thread(app)))
        return started[-1]

    yield start
    for server in started:
        server.running.stop()


@pytest.fixture
def sis_server(start_sis: Callable[..., SisServer]) -> SisServer:
    return start_sis()


@pytest.fixture
def lms_server(start_lms: Callable[..., Server]) -> Server:
    return start_lms()
