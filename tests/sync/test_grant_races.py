"""Workers that renew one grant at the same moment, beside a teacher who connects anew; a worker killed in between.

PostgreSQL only: SQLite lets only one write at a time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as site
from django.db import connection as database
from django.utils import timezone

from gradesync_site import running
from sync.engine import connecting, grants
from sync.engine.grants import GrantAccount
from sync.errors import AdapterError, GrantNeeded
from sync.models import Grant, GrantRequest, LmsConnection
from tests.sandbox_servers import Server
from tests.sync.granting import Window, canvas, ending, give, in_canvas, renewals, rotating
from tests.sync.pages import teacher
from tests.sync.worlds import Course

__all__ = ["canvas"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def course(canvas: Server, settings: Any, transactional_db: None) -> Course:
    if database.vendor != "postgresql":
        pytest.skip("SQLite lets only one write at a time")
    settings.HTTP_DEADLINE_S = 10
    return in_canvas(canvas)


@pytest.fixture
def connection(course: Course, canvas: Server) -> LmsConnection:
    """Its refresh tokens count once: a second use of one ends the grant."""
    row = LmsConnection.objects.get()
    row.options = rotating(canvas)
    row.save()
    return row


def at_once(*work: Callable[[], object]) -> list[Any]:
    together, got = threading.Barrier(len(work)), list[Any]()

    def go(one: Callable[[], object]) -> None:
        with contextlib.closing(database):
            together.wait(timeout=30)
            try:
                got.append(one())
            except (AdapterError, connecting.EngineError) as error:
                got.append(error)

    threads = [threading.Thread(target=go, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(got) == len(work)
    return got


def test_eight_workers_spend_one_refresh_token(
    course: Course, connection: LmsConnection, canvas: Server
) -> None:
    grant = give(connection, course, canvas)
    for _round in range(5):
        ending(grant)
        before = renewals(canvas)
        got = at_once(*[GrantAccount(connection, course.teacher).token] * 8)
        assert len(set(got)) == 1 and isinstance(got[0], str), got
        assert renewals(canvas) == before + 1
    assert Grant.objects.get().lost_at is None


def test_eight_workers_whose_token_was_refused_share_one_new_one(
    course: Course, connection: LmsConnection, canvas: Server
) -> None:
    spent = give(connection, course, canvas).access_token
    got = at_once(*[lambda: GrantAccount(connection, course.teacher).renew(spent)] * 8)
    assert len(set(got)) == 1 and got[0] != spent
    assert renewals(canvas) == 1


def test_eight_workers_find_out_together_that_it_is_lost(
    course: Course, connection: LmsConnection, canvas: Server
) -> None:
    ending(give(connection, course, canvas))
    canvas.control("oauth", revoke=True)
    got = at_once(*[GrantAccount(connection, course.teacher).token] * 8)
    assert {one.code for one in got} == {"grant_lost"}


@pytest.mark.parametrize("go", range(4))
def test_connecting_anew_while_it_is_renewed_leaves_a_grant_that_works(
    course: Course, connection: LmsConnection, canvas: Server, go: int
) -> None:
    ending(give(connection, course, canvas))
    browser = teacher(course.context)
    code = Window(browser).allow()
    session = GrantRequest.objects.get().session
    at_once(
        GrantAccount(connection, course.teacher).token,
        lambda: connecting.finish(session, code),
        GrantAccount(connection, course.teacher).token,
    )
    grant = Grant.objects.get()
    assert grant.lost_at is None
    ending(grant)
    assert GrantAccount(connection, course.teacher).token()


@pytest.mark.parametrize("go", range(4))
def test_taking_it_back_while_it_is_renewed_leaves_none(
    course: Course, connection: LmsConnection, canvas: Server, go: int
) -> None:
    grant = ending(give(connection, course, canvas))
    at_once(GrantAccount(connection, course.teacher).token, lambda: grants.take_back(grant))
    assert not Grant.objects.exists()
    with pytest.raises(GrantNeeded):
        GrantAccount(connection, course.teacher).token()


def test_one_code_typed_in_four_tabs_connects_once(
    course: Course, connection: LmsConnection, canvas: Server
) -> None:
    code = Window(teacher(course.context)).allow()
    session = GrantRequest.objects.get().session
    got = at_once(*[lambda: connecting.finish(session, code)] * 4)
    assert sum(isinstance(one, Grant) for one in got) == 1
    assert Grant.objects.get().version == 1


def test_one_answer_that_comes_back_four_times_is_exchanged_once(
    course: Course, connection: LmsConnection, canvas: Server
) -> None:
    window = Window(teacher(course.context))
    answer = window.answer()
    got = at_once(*[lambda: window.come_back(answer).status_code] * 4)
    assert sorted(got) == [200, 400, 400, 400]
    assert len(canvas.control("oauth")["grants"]) == 1


# --- killed in between ----------------------------------------------------------------------------------------

WORKER = """
import django
django.setup()
from sync.engine.grants import GrantAccount
from sync.models import Grant
grant = Grant.objects.select_related("connection", "user").get()
GrantAccount(grant.connection, grant.user).token()
"""


def killed_while_it_renews() -> None:
    """A worker of its own process; it dies when the LMS has done its part and has not answered yet."""
    found = database.settings_dict
    host = found["HOST"] or "/var/run/postgresql"
    place = f"{found['HOST']}:{found['PORT']}" if found["HOST"] else ""
    url = f"postgres://{found['USER']}:{found['PASSWORD']}@{place}/{found['NAME']}"
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "gradesync_site.settings",
        "DATABASE_URL": url if place else f"postgres:///{found['NAME']}?host={host}",
        "OUTBOUND_ALLOW": "127.0.0.1",
        "FIELD_KEYS": ",".join(site.FIELD_KEYS),
    }
    process = subprocess.Popen([sys.executable, "-c", WORKER], env=env, cwd=running.ROOT)
    until = time.monotonic() + 60
    while not Grant.objects.exclude(lease_token="").exists():
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)


@pytest.mark.parametrize("once", [False, True])
def test_a_worker_killed_while_it_renews_costs_at_worst_the_grant(
    course: Course, connection: LmsConnection, canvas: Server, once: bool
) -> None:
    """Where refresh tokens stay (Canvas), the next one goes on; where they count once, she is told to connect again."""
    if not once:
        connection.options = {}
        connection.save()
    ending(give(connection, course, canvas))
    canvas.faults.on("token-answer-late", seconds=20, count=1)
    killed_while_it_renews()
    assert renewals(canvas) == 1
    left = Grant.objects.get()
    assert left.lease_token and left.lost_at is None
    Grant.objects.update(lease_until=timezone.now())  # the dead worker's time is over
    if once:
        with pytest.raises(GrantNeeded) as caught:
            GrantAccount(connection, course.teacher).token()
        assert caught.value.code == "grant_lost"
        assert Grant.objects.get().why
    else:
        assert GrantAccount(connection, course.teacher).token()
