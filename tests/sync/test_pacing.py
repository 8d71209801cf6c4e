"""One account's budget, shared by all workers: so many requests at once, and quiet when the LMS wants it."""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from sync import engine
from sync.engine import adapters, pacing
from sync.engine.pacing import SharedPace
from sync.errors import NotItsTurn
from sync.lms import base
from sync.lms.base import Settings
from sync.models import AccountPace, AccountSlot, LmsConnection, Look
from tests.sync.nights import co_teacher
from tests.sync.scene import course
from tests.sync.worlds import Course

__all__ = ["course"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "PATIENCE_S", 0.2)
    monkeypatch.setattr(pacing, "STEP_S", 0.02)


def held(key: str = "a") -> int:
    return AccountSlot.objects.filter(account=key, lease_until__gt=timezone.now()).count()


def test_a_read_gets_what_it_wants_up_to_the_limit() -> None:
    with SharedPace("a", 2).streams(5) as granted:
        assert (granted, held()) == (2, 2)
    with SharedPace("a", 2).streams(1) as granted:
        assert (granted, held()) == (1, 1)
    assert held() == 0


def test_two_reads_share_what_there_is() -> None:
    with SharedPace("a", 3).streams(2), SharedPace("a", 3).streams(2) as granted:
        assert (granted, held()) == (1, 3)


def test_a_read_for_which_nothing_is_left_waits_for_its_turn() -> None:
    with SharedPace("a", 2).streams(2):
        with pytest.raises(NotItsTurn) as caught, SharedPace("a", 2).streams(1):
            pass
        assert caught.value.after and held() == 2
        with SharedPace("b", 2).streams(2) as other:
            assert other == 2, "another account is another matter"
    with SharedPace("a", 2).streams(2) as granted:
        assert granted == 2


def test_what_a_read_held_comes_free_when_it_fails() -> None:
    with pytest.raises(ValueError), SharedPace("a", 2).streams(2):
        raise ValueError
    assert held() == 0


def test_what_a_dead_worker_held_comes_free_by_itself() -> None:
    AccountSlot.objects.create(account="a", number=0, lease_token="dead", lease_until=timezone.now())
    with SharedPace("a", 1).streams(1) as granted:
        assert granted == 1


def test_who_comes_free_too_late_gives_back_nothing_of_others() -> None:
    with SharedPace("a", 1).streams(1):
        AccountSlot.objects.update(lease_until=timezone.now())
        other = SharedPace("a", 1).streams(1)
        other.__enter__()
    assert held() == 1
    other.__exit__(None, None, None)
    assert held() == 0


def test_a_smaller_limit_counts_at_once() -> None:
    with SharedPace("a", 4).streams(4):
        pass
    with SharedPace("a", 1).streams(4) as granted:
        assert granted == 1


def test_an_account_that_rests_is_asked_for_nothing() -> None:
    SharedPace("a", 2).rest(60)
    with pytest.raises(NotItsTurn) as caught, SharedPace("a", 2).streams(1):
        pass
    assert caught.value.after is not None and caught.value.after >= 60
    assert held() == 0
    AccountPace.objects.update(rest_until=timezone.now())
    with SharedPace("a", 2).streams(1) as granted:
        assert granted == 1


def test_a_short_rest_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "PATIENCE_S", 5.0)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        AccountPace.objects.update(rest_until=timezone.now())

    monkeypatch.setattr(pacing.time, "sleep", sleep)
    SharedPace("a", 2).rest(1)
    with SharedPace("a", 2).streams(1) as granted:
        assert granted == 1
    assert slept


def test_a_longer_rest_is_not_made_shorter() -> None:
    pace = SharedPace("a", 2)
    pace.rest(60)
    pace.rest(5)
    pace.rest(-1)
    left = AccountPace.objects.get().rest_until
    assert left is not None and left > timezone.now() + timedelta(seconds=50)


def test_a_read_costs_few_questions(django_assert_max_num_queries: Any) -> None:
    with SharedPace("a", 2).streams(2):
        pass
    with django_assert_max_num_queries(4), SharedPace("a", 2).streams(2):
        pass


# --- whose account --------------------------------------------------------------------------------------------


def test_a_token_is_one_account_for_all_and_each_teachers_own_another(course: Course) -> None:
    row = LmsConnection.objects.get(registration=course.context.registration)
    other = co_teacher(course).user
    shared = {adapters._account_key(row, user) for user in (None, course.teacher, other)}
    row.access = "teacher"
    own = {adapters._account_key(row, user) for user in (course.teacher, other)}
    assert (len(shared), len(own)) == (1, 2)


@pytest.mark.parametrize(
    ("stated", "limit"), [("", 2), ("5", 5), ("0", 2), ("many", 2), ("-1", 2), ("99999", 2)]
)
def test_the_limit_is_the_readers_or_the_connections_option(stated: str, limit: int) -> None:
    assert adapters._at_once(base.Lms, Settings("x", options={"at_once": stated})) == limit


def test_a_look_that_waits_for_its_turn_is_asked_for_still(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_read(_: object) -> None:
        with SharedPace("a", 1).streams(1):
            pass

    course.lms.on_read = on_read
    look, _ = engine.ask_look(course.context, course.who)
    with SharedPace("a", 1).streams(1):
        for _time in range(4):
            engine.read_look(look.pk)
            Look.objects.update(lease_until=timezone.now())
        look.refresh_from_db()
        assert (look.state, look.read_tries, look.lease_token) == ("reading", 0, "")
    engine.read_look(look.pk)
    assert Look.objects.get().state == "done"


# --- at the same moment (PostgreSQL) --------------------------------------------------------------------------


@pytest.fixture
def many(transactional_db: None) -> None:
    if database.vendor != "postgresql":
        pytest.skip("SQLite lets only one write at a time")


class Counter:
    def __init__(self) -> None:
        self.now = self.most = self.reads = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self.now += count
            self.most = max(self.most, self.now)
            self.reads += count > 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_eight_workers_never_hold_more_than_there_is(
    many: None, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "PATIENCE_S", 30.0)
    counter, together = Counter(), threading.Barrier(8)

    def read() -> None:
        with contextlib.closing(database):
            together.wait(timeout=30)
            for _time in range(3):
                with SharedPace("a", 2).streams(wanted) as granted:
                    counter.add(granted)
                    time.sleep(0.01)
                    counter.add(-granted)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert counter.reads == 24
    assert counter.most <= 2 and counter.now == 0
    assert AccountSlot.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_long_read_keeps_what_it_holds(many: None, settings: Any) -> None:
    settings.LEASE_S = 0.6
    with SharedPace("a", 1).streams(1):
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            assert held() == 1
            time.sleep(0.05)
    assert held() == 0
