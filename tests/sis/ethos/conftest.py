"""A pretend Ethos tenant, and an adapter to it. What goes over the wire is held to the published shapes, both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from flask import Response, request

from gradesync_site.sandbox.control import Options
from gradesync_site.sandbox.serving import serve_in_thread
from gradesync_site.sandbox.sis import make_app
from gradesync_site.sandbox.sis.ethos.seeds import guid
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.ethos import Ethos
from tests.sandbox_servers import Server
from tests.sis.ethos.shapes import faults_of, faults_of_answer

CLASS = guid("section", "ALG1-P3")
NONE: frozenset[sis.Value | None] = frozenset({None})


def adapter(server: Server, **options: str) -> Ethos:
    return Ethos(Settings("1", server.base_url, secret=server.hello["client_secret"], options=options))


def student(number: int = 0) -> str:
    """One of the seeded class's students, by her GUID."""
    return guid("person", f"S{20001 + number}")


def registration(number: int = 0) -> str:
    return guid("registration", CLASS, student(number))


def key(type_id: str, number: int = 0) -> sis.Key:
    return sis.Key("1", CLASS, f"{CLASS}#{type_id}", student(number))


def pushed(
    of: Ethos, where: sis.Key, value: sis.Value | None, expected: frozenset[sis.Value | None] = NONE
) -> sis.Outcome:
    before = next((one for one in expected if one is not None), None)
    change = sis.Change(where, before, value, expected, new_id="derived")
    return next(outcome for _, outcome in of.push([change]))


@pytest.fixture
def start(local_requests: None) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []
    wrong: list[str] = []

    def held(response: Response) -> Response:
        if response.mimetype == "application/json":
            body = json.loads(response.get_data())
            wrong.extend(faults_of_answer(request.path, response.status_code, body))
        if request.path.startswith("/api/") and request.method in ("POST", "PUT"):
            wrong.extend(faults_of("submission", json.loads(request.get_data())))
        return response

    def start(*, plain: bool = True, **options: str) -> Server:
        extra = options | ({"plain": "yes"} if plain else {})
        app = make_app(Options(dialect="ethos", extra=extra))
        app.after_request(held)
        started.append(Server(serve_in_thread(app)))
        return started[-1]

    yield start
    for server in started:
        server.running.stop()
    assert wrong == []


@pytest.fixture
def host(start: Callable[..., Server]) -> Server:
    return start()
