"""A course's former read as a start for the next one: it spares requests, and never changes what is read."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from lti_tool.models import Context
from sync import engine, tasks
from sync.engine import kept
from sync.engine.adapters import course_of, make_lms
from sync.errors import Misconfigured, TryLater
from sync.lms import keeping
from sync.lms import memory as lms_memory
from sync.lms import records as lms
from sync.lms.access import FixedToken, identity_of
from sync.lms.base import Settings
from sync.models import ContextState, KeptGradebook, LmsConnection
from tests.sync.scene import number
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    """A course whose LMS tells its changes, read once."""
    made = make_course(students=3, items=2)
    made.lms.incremental = True
    made.lms.grade("u1", "a1", Decimal("86.5"))
    made.lms.grade("u2", "a1", 70)
    engine.look(made.context)
    return made


def looked_on(course: Course) -> bool:
    """Was the next read spared what did not change?"""
    before = course.lms.reads_on
    engine.look(course.context)
    return course.lms.reads_on > before


def row(course: Course) -> KeptGradebook:
    return KeptGradebook.objects.get(context=course.context)


def test_the_second_read_starts_from_the_first(course: Course) -> None:
    assert course.lms.reads_on == 0
    assert looked_on(course)


def test_what_changed_meanwhile_is_read(course: Course) -> None:
    course.lms.grade("u1", "a1", 90)
    course.lms.grade("u2", "a1", None)
    course.send()
    assert course.lms.reads_on >= 2, "the list, and the push's own read"
    assert course.stored(1, 1) == number("90")
    assert course.stored(2, 1) is None


def test_a_read_that_starts_from_a_former_one_says_what_a_whole_one_says(course: Course) -> None:
    course.lms.grade("u3", "a2", Decimal("9.2570"))
    course.lms.excuse("u2", "a2")
    course.lms.remove_member("u1")
    on = kept.read_gradebook(course.context, make_lms(course.context), course_of(course.context))
    assert course.lms.reads_on == 1
    assert on == course.lms.gradebook()


def test_the_proof_of_a_push_is_read_on_too_and_holds(course: Course) -> None:
    run = course.send()
    assert run.in_sync
    assert course.lms.reads_on == course.lms.reads - 1


def test_an_lms_that_tells_no_changes_keeps_nothing() -> None:
    made = make_course(students=1, items=1)
    engine.look(made.context)
    assert not KeptGradebook.objects.exists()
    assert not looked_on(made)


def test_an_incomplete_read_is_not_kept(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = course.lms.gradebook
    monkeypatch.setattr(course.lms, "gradebook", lambda: replace(whole(), complete=False))
    engine.look(course.context)
    assert not KeptGradebook.objects.exists()


# --- whose read it was ---


def test_a_kept_read_of_another_connection_is_not_read_on(course: Course) -> None:
    former = LmsConnection.objects.get()
    former.active = False
    former.save()
    fields = {name: getattr(former, name) for name in ("institution", "registration", "adapter", "base_url")}
    LmsConnection.objects.create(name="another", **fields)
    assert not looked_on(course)
    assert looked_on(course), "its own read is one to start from"


def test_a_kept_read_of_another_course_is_not_read_on(course: Course) -> None:
    other = Context.objects.create(deployment=course.context.deployment, context_id="other", title="Other")
    before = course.lms.reads_on
    engine.look(other)
    assert course.lms.reads_on == before


def test_a_kept_read_goes_with_its_connection_and_its_course(course: Course) -> None:
    content = row(course).content
    LmsConnection.objects.all().delete()
    assert not KeptGradebook.objects.exists()
    other = Context.objects.create(deployment=course.context.deployment, context_id="other")
    now = timezone.now()
    KeptGradebook.objects.create(context=other, whole_at=now, read_at=now, content=content)
    other.delete()
    assert not KeptGradebook.objects.exists()


@pytest.mark.parametrize("change", [{"options": {"totals": "no"}}, {"token": "another"}])
def test_a_kept_read_by_another_account_or_option_is_not_read_on(
    course: Course, change: dict[str, Any]
) -> None:
    connection = LmsConnection.objects.get()
    for name, value in change.items():
        setattr(connection, name, value)
    connection.save()
    assert not looked_on(course)


@pytest.mark.parametrize(
    "change", [{"custom": {"canvas_course_id": "8"}}, {"lineitems_url": "https://lms.example/9"}]
)
def test_a_course_that_the_launch_names_otherwise_is_read_whole(
    course: Course, change: dict[str, Any]
) -> None:
    Context.objects.filter(pk=course.context.pk).update(**change)
    course.context.refresh_from_db()
    assert not looked_on(course)


def test_an_account_that_does_not_say_whose_it_is_keeps_nothing() -> None:
    class Nobody:
        def token(self) -> str:
            return "t"

        def renew(self, spent: str) -> str:
            return "t"

    reader = lms_memory.Memory(Settings("m", "memory:x"), account=Nobody())
    assert identity_of(reader.account) == ""
    assert kept.fingerprint(reader, lms.Course("c")) == ""


def test_an_accounts_name_tells_no_token() -> None:
    assert "secret" not in identity_of(FixedToken("secret"))
    assert identity_of(FixedToken("secret")) == identity_of(FixedToken("secret"))
    assert identity_of(FixedToken("secret")) != identity_of(FixedToken("other"))


# --- how long ---


def test_all_is_read_at_least_once_a_day_however_often_it_was_read_on(course: Course) -> None:
    whole_at = row(course).whole_at
    assert looked_on(course)
    assert row(course).whole_at == whole_at, "reading on makes the whole read no younger"
    KeptGradebook.objects.update(whole_at=timezone.now() - timedelta(hours=24, seconds=1))
    assert not looked_on(course)
    assert row(course).whole_at > whole_at


def test_a_read_of_a_time_to_come_is_not_read_on(course: Course) -> None:
    KeptGradebook.objects.update(whole_at=timezone.now() + timedelta(minutes=5))
    assert not looked_on(course)


def test_no_read_is_kept_where_every_read_shall_be_whole(course: Course, settings: Any) -> None:
    settings.WHOLE_READ_S = 0
    assert not looked_on(course)
    assert not KeptGradebook.objects.exists()


def test_old_reads_are_forgotten(course: Course) -> None:
    tasks.forget_kept_reads()
    assert KeptGradebook.objects.exists()
    KeptGradebook.objects.update(whole_at=timezone.now() - timedelta(hours=25))
    tasks.forget_kept_reads()
    assert not KeptGradebook.objects.exists()


@pytest.mark.parametrize("what", ["registration", "deployment"])
def test_reads_of_an_lms_that_is_switched_off_are_forgotten(course: Course, what: str) -> None:
    thing = getattr(course.context, what)
    thing.active = False
    thing.save()
    tasks.forget_kept_reads()
    assert not KeptGradebook.objects.exists()


# --- trouble ---


@pytest.mark.parametrize("trouble", [lms_memory.try_later(30), lms_memory.misconfigured("token_refused")])
def test_a_read_that_fails_keeps_and_changes_nothing(course: Course, trouble: Any) -> None:
    before = KeptGradebook.objects.values().get()
    snapshot = ContextState.objects.get(context=course.context).snapshot
    course.lms.on_read = trouble
    with pytest.raises((TryLater, Misconfigured)):
        engine.look(course.context)
    assert KeptGradebook.objects.values().get() == before
    assert ContextState.objects.get(context=course.context).snapshot == snapshot
    course.lms.on_read = None
    assert looked_on(course)


@pytest.mark.parametrize("content", [b"", b"damaged", keeping.dump(lms.Gradebook((), (), ()))])
def test_a_kept_read_that_cannot_be_used_is_read_anew(course: Course, content: bytes) -> None:
    KeptGradebook.objects.update(content=content)
    assert not looked_on(course)
    assert looked_on(course)


def test_a_course_too_large_to_keep_is_read_whole_each_time(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", 10)
    assert looked_on(course), "what was kept before it grew"
    assert not KeptGradebook.objects.exists()
    assert not looked_on(course)


def test_the_later_of_two_reads_at_once_does_not_lose_what_the_other_saw(course: Course) -> None:
    """The slow one began before a change and ends after the quick one that saw it: its mark is the older one."""
    slow = make_lms(course.context)
    former = kept.read_gradebook(course.context, slow, course_of(course.context))
    course.lms.grade("u1", "a1", 91)
    engine.look(course.context)
    kept._keep(course.context, row(course).fingerprint, former, timezone.now(), row(course).whole_at)
    on = kept.read_gradebook(course.context, slow, course_of(course.context))
    assert on == course.lms.gradebook()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_keep_one_read() -> None:
    if database.vendor == "sqlite":
        pytest.skip("SQLite lets only one write at a time")
    made = make_course(students=2, items=1)
    made.lms.incremental = True
    gate, failed = threading.Barrier(2), list[BaseException]()

    def work() -> None:
        try:
            gate.wait()
            kept.read_gradebook(made.context, make_lms(made.context), course_of(made.context))
        except BaseException as error:
            failed.append(error)
        finally:
            database.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert failed == []
    assert KeptGradebook.objects.filter(context=made.context).count() == 1
