"""A pretend Aeries, and an adapter to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gradesync_site.sandbox.control import Options
from gradesync_site.sandbox.serving import serve_in_thread
from gradesync_site.sandbox.sis import make_app
from sync.sis.aeries import Aeries
from sync.sis.base import Settings
from tests.sandbox_servers import Server


def adapter(server: Server, **options: str) -> Aeries:
    return Aeries(Settings("1", server.base_url, secret=server.hello["client_secret"], options=options))


@pytest.fixture
def start(local_requests: None) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(students: int = 0) -> Server:
        app = make_app(Options(dialect="aeries_api", students=students, extra={"plain": "yes"}))
        started.append(Server(serve_in_thread(app)))
        return started[-1]

    yield start
    for server in started:
        server.running.stop()


@pytest.fixture
def host(start: Callable[..., Server]) -> Server:
    return start()
