"""A pretend Ed-Fi host for each data standard, and an adapter to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gradesync_site.sandbox.control import Options
from gradesync_site.sandbox.serving import serve_in_thread
from gradesync_site.sandbox.sis import make_app
from sync.sis.base import Settings
from sync.sis.edfi import EdFi
from tests.sandbox_servers import Server

STANDARDS = ("3.3", "4.0", "5.0")


def adapter(server: Server, **options: str) -> EdFi:
    hello = server.hello
    return EdFi(
        Settings(
            "1", server.base_url, client_id=hello["client_id"], secret=hello["client_secret"], options=options
        )
    )


@pytest.fixture
def start(local_requests: None) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(standard: str = "5.0", students: int = 0) -> Server:
        extra = {"data_standard": standard, "plain": "yes"}
        app = make_app(Options(dialect="edfi", students=students, extra=extra))
        started.append(Server(serve_in_thread(app)))
        return started[-1]

    yield start
    for server in started:
        server.running.stop()


@pytest.fixture
def host(start: Callable[..., Server]) -> Server:
    return start()
