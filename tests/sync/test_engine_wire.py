"""What the SIS and the network do while a run is sending, and what becomes of each grade (design §4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from sync import engine
from sync.errors import Misconfigured, TryLater
from sync.models import ContextState, Decision, Run, SentGrade
from sync.sis import memory
from sync.sis.records import Profile
from tests.sync.scene import counts, number, over
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


# --- what the SIS and the network do --------------------------------------------------------------------------


def test_busy_sis_pauses_the_run_and_it_goes_on_from_a_fresh_read(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    course.sis.fault = memory.once(memory.try_later(7), course.sis, skip=1)

    run = engine.push(run.pk)

    assert run.state == "paused" and run.resume_at and run.resume_at > timezone.now()
    assert sorted(run.changes.values_list("state", flat=True)) == [
        "accepted",
        "approved",
        "approved",
        "approved",
    ]
    assert Run.objects.due(timezone.now()).count() == 0
    assert Run.objects.due(timezone.now() + timedelta(seconds=8)).get() == run
    run = engine.push(over(run).pk)
    assert run.state == "done" and run.report["in_sync"] is True and len(course.sis.journal) == 4


def test_sis_away_while_reading_pauses_too(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])

    def away(method: str, class_id: str) -> None:
        raise TryLater("The SIS does not answer.", 5)

    course.sis.on_read = away
    assert engine.push(run.pk).state == "paused"
    course.sis.on_read = None
    assert engine.push(over(run).pk).report["in_sync"] is True


def test_wrong_key_fails_the_run_flags_the_connection_and_keeps_the_rows(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])

    def refused(what: Any, store: Any) -> Any:
        raise Misconfigured(
            "The SIS refused the key. Ask the SIS administrator for a new one.", "token_refused"
        )

    course.sis.fault = refused
    run = engine.push(run.pk)

    assert run.state == "failed" and "token_refused" in run.message
    assert set(run.changes.values_list("state", flat=True)) == {"approved"}
    course.connection.refresh_from_db()
    assert course.connection.trouble
    assert ContextState.objects.get(context=course.context).slot is None


def test_lost_answer_is_settled_by_the_next_read(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    course.sis.fault = memory.once(memory.lose_answer, course.sis)

    run = engine.push(run.pk)

    assert run.state == "done" and run.report["in_sync"] is True
    assert len(course.sis.journal) == 4 and set(run.changes.values_list("state", flat=True)) == {"accepted"}


def test_lost_request_is_sent_again_under_the_same_identity(course: Course) -> None:
    course.sis.fault = memory.once(memory.lose_request, course.sis)

    run = course.send()

    assert run.report["in_sync"] is True
    sent = [one for one in course.sis.attempts if one.key == course.sis.attempts[0].key]
    assert len(sent) == 2 and sent[0].new_id == sent[1].new_id


def test_lost_create_whose_id_the_sis_gives_waits_and_the_others_go_on(settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(profile=Profile(idempotent=False, settle_s=60))
    course.lms.grade("u1", "a1", 10)
    course.lms.grade("u2", "a1", 20)
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    course.sis.fault = memory.once(memory.lose_request, course.sis)

    run = engine.push(run.pk)

    assert run.state == "paused" and run.resume_at
    assert 50 < (run.resume_at - timezone.now()).total_seconds() <= 60
    assert course.stored(2, 1) == number("20")
    assert len(course.sis.attempts) == 2, "the lost create must not be repeated before it is settled"
    SentGrade.objects.update(lost_at=timezone.now() - timedelta(seconds=61))
    run = engine.push(over(run).pk)
    assert run.report["in_sync"] is True and course.stored(1, 1) == number("10")


def test_accepted_and_not_stored_is_sent_once_more_then_told(course: Course) -> None:
    course.sis.fault = memory.store_nothing

    first = course.send()
    assert {one["cause"] for one in first.report["differences"]} == {"accepted, not shown"}
    second = course.send()
    third = course.send()

    assert len(course.sis.attempts) == 8, "each grade twice, and no more"
    assert second.report["in_sync"] is False and third.report["in_sync"] is False
    assert {one["code"] for one in third.report["problems"]} == {"accepted-not-shown"}
    assert counts(third)["problems"] == 4


def test_retry_gives_a_grade_that_was_not_stored_another_chance(course: Course) -> None:
    course.sis.fault = memory.store_nothing
    course.send()
    stuck = course.send()
    course.sis.fault = None

    run = engine.retry(stuck, course.who)

    assert run.changes.count() == 4


def test_rounding_by_the_sis_is_shown_and_never_resent(course: Course) -> None:
    course.sis.rounding = 2

    run = course.send()
    again = course.send()

    assert course.stored(1, 2) == number("9.26")
    assert run.report["in_sync"] is True and counts(run)["rounded"] == 1
    assert [one["cause"] for one in again.report["differences"]] == ["rounded by the SIS"]
    assert len(course.sis.journal) == 4


def test_refused_grade_is_not_sent_again_until_retried(course: Course) -> None:
    course.sis.fault = memory.once(memory.refuse("frozen", "The term is closed."), course.sis)

    run = course.send()
    refused = run.changes.get(state="rejected")
    again = course.send()

    assert (refused.code, refused.words) == ("frozen", "The term is closed.")
    assert counts(run)["rejected"] == counts(again)["rejected"] == 1 and again.report["in_sync"] is False
    assert len(course.sis.attempts) == 4
    retried = engine.retry(run, course.who)
    assert [row.key for row in retried.changes.all()] == [refused.key]


def test_refusal_lapses_when_the_grade_changes(course: Course) -> None:
    course.sis.fault = memory.once(memory.refuse("over_max"), course.sis)
    run = course.send()
    refused = run.changes.get(state="rejected")
    course.lms.grade(refused.lms_user_id, refused.lms_line_item_id, 33)

    assert course.send().report["in_sync"] is True
    assert Decision.objects.filter(lapsed_at=None).count() == 0


def test_two_results_for_one_pair_are_told_and_never_chosen_among(course: Course) -> None:
    course.sis.edit("i1", "s1", number("1"))
    first = course.sis.stored("i1", "s1")
    assert first
    course.sis.results["twin"] = type(first)("twin", "c1", "i1", "s1", number("2"))

    run = course.send()

    problem = next(one for one in run.report["problems"] if one["code"] == "duplicate-in-sis")
    assert set(problem["details"]) == {first.sourced_id, "twin"}
    assert course.sis.results["twin"].value == number("2") and course.stored(1, 1) == number("1")


def test_cancel_stops_before_the_next_request_and_keeps_what_was_answered(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])

    def cancel_then_store(what: Any, store: Any) -> Any:
        Run.objects.filter(pk=run.pk).update(cancel_asked=True)
        return store()

    course.sis.fault = None
    original = memory.Memory._send
    calls: list[int] = []

    def send(self: memory.Memory, batch: Any) -> Any:
        calls.append(1)
        return original(self, batch)

    engine.cancel(run, course.who)

    assert Run.objects.get(pk=run.pk).state == "cancelled" and course.sis.journal == []
    assert engine.push(run.pk).state == "cancelled" and not calls


@pytest.mark.parametrize("death", [memory.crash_before, memory.crash_after])
def test_worker_that_dies_leaves_no_grade_lost_doubled_or_stuck(course: Course, death: memory.Fault) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    course.sis.fault = memory.once(death, course.sis, skip=1)
    with pytest.raises(memory.Crash):
        engine.push(run.pk)
    assert run.changes.filter(state="sending").count() == 1
    assert engine.push(run.pk).state == "pushing", "its lease still stands: nobody else may work on it"

    run = engine.push(over(run).pk)

    assert run.report["in_sync"] is True and set(run.changes.values_list("state", flat=True)) == {"accepted"}
    assert len(course.sis.results) == 4 and sum(one.made for one in course.sis.journal) == 4


def test_answer_of_one_worker_is_not_written_after_another_took_over(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])

    def taken_over(what: Any, store: Any) -> Any:
        course.sis.on_read = None
        return store()

    def steal(method: str, class_id: str) -> None:
        Run.objects.filter(pk=run.pk).update(
            lease_token="another worker", lease_until=timezone.now() + timedelta(60)
        )

    course.sis.fault, course.sis.on_read = taken_over, steal
    engine.push(run.pk)

    run.refresh_from_db()
    assert run.lease_token == "another worker" and course.sis.journal == []
    assert set(run.changes.values_list("state", flat=True)) == {"approved"}


def test_stale_read_is_read_again_before_going_on(course: Course) -> None:
    course.sis.profile = Profile(fresh_s=0)
    course.sis.parallel = 1
    reads: list[str] = []
    course.sis.on_read = lambda method, class_id: reads.append(method)

    run = course.send()

    assert run.report["in_sync"] is True and len(course.sis.journal) == 4
    assert reads.count("results") >= 3
