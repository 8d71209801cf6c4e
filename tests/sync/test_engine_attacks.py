"""What a hostile world, two people at once and unlucky moments must not bring about (design §4 and §6)."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from lti_tool import archiving
from sync import engine
from sync.errors import Misconfigured
from sync.models import LineItemLink, LmsConnection, Run, SentGrade
from sync.sis import memory
from sync.sis.records import Person, Profile
from tests.sync.scene import counts, number
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


def unattended(course: Course, *more: str) -> None:
    """sync_course --push as a scheduler calls it; its exit code is not what these tests look at."""
    with contextlib.suppress(SystemExit, CommandError):
        call_command("sync_course", str(course.context.public_id), "--push", *more)


# --- unattended -----------------------------------------------------------------------------------------------


def test_list_made_unattended_and_approved_by_a_person_counts_as_the_one_approved_run(course: Course) -> None:
    digest = engine.preview(course.context, course.who).digest
    unattended(course)  # refused: nothing was ever approved
    assert course.sis.journal == []
    unattended(course, "--approve", digest)
    assert len(course.sis.journal) == 4
    course.lms.grade("u2", "a2", 7)

    unattended(course)

    assert course.stored(2, 2) == number("7")


def test_run_that_nobody_approved_does_not_open_the_way_for_unattended_ones(course: Course) -> None:
    unattended(course)
    unattended(course)
    assert course.sis.journal == []


def test_lost_write_to_a_sis_that_cannot_be_read_is_not_repeated_unattended(settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(profile=Profile(read_back=False, idempotent=False, settle_s=0))
    course.lms.grade("u1", "a1", 10)
    course.send()
    course.lms.grade("u2", "a1", 20)
    course.sis.fault = memory.once(memory.lose_answer, course.sis)
    course.send()
    SentGrade.objects.exclude(lost_at=None).update(lost_at=timezone.now() - timedelta(hours=1))
    course.lms.grade("u3", "a1", 30)

    unattended(course)

    assert [one.key.student_id for one in course.sis.attempts] == ["s1", "s2", "s3"]


# --- stopping and starting ------------------------------------------------------------------------------------


def test_wish_to_stop_that_came_too_late_does_not_stop_the_next_approval(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    Run.objects.filter(pk=run.pk).update(cancel_asked=True)  # asked while the run went back to review
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])

    assert engine.push(run.pk).state == "done" and len(course.sis.journal) == 4


def test_connection_is_no_longer_flagged_once_a_run_works(course: Course) -> None:
    def refused(what: Any, store: Any) -> Any:
        raise Misconfigured("The SIS refused the key.", "token_refused")

    course.sis.fault = refused
    assert course.send().state == "failed"
    course.connection.refresh_from_db()
    assert course.connection.trouble
    course.sis.fault = None

    assert course.send().state == "done"

    course.connection.refresh_from_db()
    assert course.connection.trouble == ""


def test_lms_that_refuses_its_key_does_not_flag_the_sis(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])

    def refused(asked: Any) -> None:
        raise Misconfigured("The LMS refused the token.", "token_refused")

    course.lms.on_read = refused
    assert engine.push(run.pk).state == "failed"

    course.connection.refresh_from_db()
    reader = LmsConnection.objects.get(registration=course.context.registration)
    assert course.connection.trouble == "" and "refused the token" in reader.trouble


def test_nothing_is_read_or_sent_through_a_connection_that_was_switched_off(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    course.connection.active = False
    course.connection.save()

    run = engine.push(run.pk)

    assert course.sis.journal == []
    assert "connection-off" in {one["code"] for one in run.report["problems"]}


@pytest.mark.parametrize("what", ["registration disabled", "registration archived", "deployment disabled"])
def test_nothing_is_read_or_sent_for_an_lms_that_was_switched_off(course: Course, what: str) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    reads, registration = course.lms.reads, course.context.registration
    if what == "registration archived":
        archiving.remove(registration)
    else:
        row = registration if what == "registration disabled" else course.context.deployment
        row.active = False
        row.save()

    run = engine.push(run.pk)

    assert (run.state, course.sis.journal, course.lms.reads) == ("failed", [], reads)
    assert "switched off" in run.message
    unattended(course)
    assert (course.sis.journal, course.lms.reads) == ([], reads)


@pytest.mark.parametrize("change", ["exclude student", "exclude item", "link student", "unlink item"])
def test_link_changed_while_a_run_is_sending_holds_for_the_very_next_grade(
    course: Course, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    course.sis.roster["c1"]["s9"] = Person("s9", "Another", "Person")

    pushing = sys.modules["sync.engine.push"]
    record = pushing._record

    def meanwhile(*args: Any, **kwargs: Any) -> None:
        record(*args, **kwargs)
        monkeypatch.setattr(pushing, "_record", record)
        if change == "exclude student":
            engine.exclude_student(course.context, "u3", "moved away", course.who)
        elif change == "link student":
            engine.link_student(course.context, "u3", course.class_link, "s9", course.who)
        elif change == "exclude item":
            engine.exclude_line_item(course.class_link, "a1", "not counted", course.who)
        else:
            engine.unlink_line_item(course.links["i1"], course.who)

    monkeypatch.setattr(pushing, "_record", meanwhile)
    run = engine.push(run.pk)

    assert course.stored(1, 1) == number("86.5"), "sent before the change"
    assert course.stored(3, 1) is None and course.row(run, 3, 1).state == "changed"
    assert course.stored(1, 2) == number("9.257") and run.state == "done"


# --- retry ----------------------------------------------------------------------------------------------------


def test_retry_from_the_newest_list_ends_a_refusal_of_an_earlier_run(course: Course) -> None:
    course.sis.fault = memory.once(memory.refuse("frozen"), course.sis)
    course.send()
    newest = course.send()
    assert counts(newest)["rejected"] == 1 and newest.changes.count() == 0

    assert engine.retry(newest, course.who).changes.count() == 1


def test_retry_from_the_newest_list_tries_a_grade_again_that_was_never_shown(course: Course) -> None:
    course.sis.fault = memory.store_nothing
    for _ in range(2):
        course.send()
    newest = course.send()
    assert newest.changes.count() == 0
    course.sis.fault = None

    assert engine.retry(newest, course.who).changes.count() == 4


# --- reads that show nothing ----------------------------------------------------------------------------------


def withdrawn_unseen(course: Course) -> SentGrade:
    """A withdrawal that the SIS accepted and does not show yet."""
    course.send()
    course.lms.grade("u1", "a1", None)
    course.sis.fault = memory.store_nothing
    course.send(withdraw=True)
    return SentGrade.objects.get(context=course.context, student_id="s1", line_item_id="i1")


def test_class_that_could_not_be_read_does_not_confirm_a_withdrawal(course: Course) -> None:
    row = withdrawn_unseen(course)
    former = row.ledger["as_stored"]
    there = course.sis.classes.pop("c1")

    engine.reconcile(course.context, course.who)

    row.refresh_from_db()
    assert former is not None and row.ledger["as_stored"] == former
    course.sis.classes["c1"] = there
    run = engine.preview(course.context, course.who)
    assert [one["code"] for one in run.report["problems"]] == []


def test_doubled_sis_result_does_not_confirm_a_withdrawal(course: Course) -> None:
    row = withdrawn_unseen(course)
    former = row.ledger["as_stored"]
    first = course.sis.stored("i1", "s1")
    assert first is not None
    course.sis.results["second"] = dataclasses.replace(first, sourced_id="second")

    engine.reconcile(course.context, course.who)

    row.refresh_from_db()
    assert row.ledger["as_stored"] == former


# --- safety stops ---------------------------------------------------------------------------------------------


def test_reconcile_during_a_short_pull_does_not_make_it_the_measure(settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(students=12, items=1)
    for student in range(1, 13):
        course.lms.grade(f"u{student}", "a1", student)
    course.send()
    course.lms.grade("u1", "a1", 99)
    course.lms.short = 9

    engine.reconcile(course.context, course.who)

    stops = engine.preview(course.context, course.who).report["stops"]
    assert {one["code"] for one in stops} >= {"fewer-students"}


def test_changed_maximum_that_changes_no_grade_does_not_stop_the_other_items(course: Course) -> None:
    course.send()
    LineItemLink.objects.filter(pk=course.links["i1"].pk).update(scale="percent")
    course.lms.change_item("a1", maximum=Decimal(200))
    for user, score in (("u1", 173), ("u2", 0)):
        course.lms.grade(user, "a1", score)
    course.lms.grade("u2", "a2", 5)

    run = engine.preview(course.context, course.who)

    assert [row.line_item_id for row in run.changes.all()] == ["i2"] and run.report["stops"] == []
    course.lms.grade("u2", "a1", 100)
    assert [one["code"] for one in engine.preview(course.context, course.who).report["stops"]] == [
        "maximum-changed"
    ]


# --- line items to create -------------------------------------------------------------------------------------


def wish(course: Course, item: str) -> engine.NewItemWish:
    return engine.NewItemWish(course.class_link.pk, item)


def test_refused_line_item_does_not_leave_the_others_unasked(course: Course) -> None:
    for item in ("a8", "a9"):
        course.lms.add_item(item, title=f"Essay {item}", maximum=10)
    course.sis.item_fault = memory.once(memory.refuse("forbidden"), course.sis)

    with pytest.raises(engine.LinkRefused):
        engine.create_line_items(course.context, [wish(course, "a8"), wish(course, "a9")], course.who)

    left = LineItemLink.objects.filter(class_link=course.class_link, lms_line_item_id__in=("a8", "a9"))
    assert [(one.lms_line_item_id, one.state) for one in left] == [("a9", "linked")]


@pytest.mark.parametrize("idempotent", [True, False])
def test_line_item_whose_answer_was_lost_is_found_by_the_next_look(idempotent: bool) -> None:
    course = make_course(profile=Profile(idempotent=idempotent))
    course.sis.given = 100  # the ids that this SIS gives are new ones
    course.lms.add_item("a9", title="Essay", maximum=10)
    course.sis.item_fault = memory.once(memory.lose_answer, course.sis)
    engine.create_line_items(course.context, [wish(course, "a9")], course.who)
    link = LineItemLink.objects.get(class_link=course.class_link, lms_line_item_id="a9")
    assert link.state == "creating"

    engine.look(course.context)

    link.refresh_from_db()
    assert link.state == "linked" and link.line_item_id in course.sis.items
    assert len(course.sis.items) == 3


@pytest.mark.parametrize("profile", [Profile(idempotent=False), Profile(gives_item_ids=True)])
def test_line_item_whose_id_the_sis_gives_is_not_asked_for_twice_within_the_settle_time(
    profile: Profile,
) -> None:
    course = make_course(profile=profile)
    course.lms.add_item("a9", title="Essay", maximum=10)
    asked: list[str] = []

    def lost(what: Any, store: Any) -> Any:
        asked.append(what.title)
        return memory.lose_request(what, store)

    course.sis.item_fault = lost
    for _ in range(2):  # a double click
        engine.create_line_items(course.context, [wish(course, "a9")], course.who)
    engine.settle_creating(course.context, course.who)
    assert asked == ["Essay"]
    LineItemLink.objects.filter(state="creating").update(updated_at=timezone.now() - timedelta(seconds=61))

    engine.settle_creating(course.context, course.who)

    assert asked == ["Essay", "Essay"]


# --- keys -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["²/c1/i1/s1", "/c1/i1/s1", "-1/c1/i1/s1", "99999999999999999999999/c1/i1/s1"]
)
def test_key_that_no_grade_has_is_told_and_does_not_break(course: Course, text: str) -> None:
    with pytest.raises(engine.EngineError):
        engine.lift(course.context, engine.parse_key(text), course.who)


def test_a_key_of_odd_characters_is_one_grade(course: Course) -> None:
    for odd in ("a/b", "50%", "%2F", "ü+ ", "line\nbreak", "'\"<&>"):
        key = course.key(1, 1)._replace(student_id=odd)
        assert engine.parse_key(key.text()) == key


# --- a SIS that cannot be read --------------------------------------------------------------------------------


def test_former_grade_wanted_again_is_sent_after_a_lost_send_that_nobody_can_see(settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(profile=Profile(read_back=False))
    course.lms.grade("u1", "a1", 10)
    course.send()
    course.lms.grade("u1", "a1", 20)

    def always_lost(what: Any, store: Any) -> Any:
        return memory.lose_answer(what, store)

    course.sis.fault = always_lost
    course.send()
    assert course.stored(1, 1) == number("20")
    course.sis.fault = None
    course.lms.grade("u1", "a1", 10)

    course.send()

    assert course.stored(1, 1) == number("10")


# --- two at once ----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_approvals_at_the_same_moment_leave_one_run_sending() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets only one write at a time")
    course = make_course()
    course.lms.grade("u1", "a1", 10)
    first = engine.preview(course.context, course.who)
    second = engine.preview(course.context, course.who)
    Run.objects.filter(pk=first.pk).update(state="review")  # two previews that were made at the same moment
    with transaction.atomic():
        engine.approve(first, course.who, [row.digest for row in first.changes.all()])
        other = threading.Thread(target=_approve, args=(second, course))
        other.start()
        other.join(timeout=1)  # it waits for the course's row

    other.join(timeout=30)

    assert sorted(Run.objects.values_list("state", flat=True)) == ["approved", "review"]


def _approve(run: Run, course: Course) -> None:
    with contextlib.closing(connection), contextlib.suppress(engine.CourseBusy):
        engine.approve(run, course.who, [row.digest for row in run.changes.all()])
