"""The flow, step by step: preview, approve, push, reconcile (design §4)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from lti_tool.models import LtiUser, Membership
from sync import engine, planning
from sync.errors import Misconfigured, TryLater
from sync.models import ContextState, Decision, GradeChange, Run, SentGrade
from sync.sis import memory
from sync.sis.records import Profile, ScoreStatus, Value
from tests.sync.worlds import ADMIN, Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course(settings: Any) -> Course:
    settings.HTTP_DEADLINE_S, settings.RETRY_S = 0, 30
    course = make_course()
    course.lms.grade("u1", "a1", Decimal("86.5"))
    course.lms.grade("u2", "a1", 0)
    course.lms.excuse("u3", "a1")
    course.lms.grade("u1", "a2", Decimal("9.257"))
    return course


def counts(run: Run) -> dict[str, int]:
    return {name: number for name, number in run.report["counts"].items() if number}


def number(text: str) -> Value:
    return Value(Decimal(text))


def over(run: Run) -> Run:
    """The lease of a worker that died has ended, and a pause is over."""
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1), resume_at=None)
    return run


# --- the main job ---------------------------------------------------------------------------------------------


def test_preview_shows_what_would_be_sent_and_sends_nothing(course: Course) -> None:
    run = engine.preview(course.context, course.who)

    assert run.state == "review"
    expected = {
        "students": 3,
        "line_items": 2,
        "pulled": 6,
        "created": 4,
        "not_graded": 2,
        "discrepancies": 4,
    }
    assert counts(run) == expected
    assert course.sis.journal == []
    row = course.row(run, 1, 1)
    assert (row.before, row.after, row.state) == (None, number("86.5").as_json(), "planned")
    assert row.why and row.student_name and row.item_title == "Homework 1"


def test_approved_grades_reach_the_sis_and_are_proven_there(course: Course) -> None:
    run = course.send()

    assert run.state == "done"
    assert counts(run) == {"students": 3, "line_items": 2, "pulled": 6, "created": 4, "not_graded": 2}
    assert run.report["in_sync"] is True and run.report["differences"] == []
    assert course.stored(1, 1) == number("86.5")
    row = course.row(run, 1, 1)
    assert row.state == "accepted" and row.sent_at and row.answered_at and row.attempts == 1
    assert ContextState.objects.get(context=course.context).slot is None


def test_second_run_writes_nothing(course: Course) -> None:
    course.send()
    written = len(course.sis.journal)

    run = course.send()

    assert len(course.sis.journal) == written
    assert counts(run) == {"students": 3, "line_items": 2, "pulled": 6, "unchanged": 4, "not_graded": 2}


def test_change_in_the_lms_is_sent_as_an_update(course: Course) -> None:
    course.send()
    course.lms.grade("u1", "a1", 90)

    run = course.send()

    assert course.stored(1, 1) == number("90") and counts(run)["updated"] == 1
    assert course.row(run, 1, 1).before == number("86.5").as_json()


def test_only_the_rows_she_picked_are_sent(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [course.row(run, 1, 1).digest])

    run = engine.push(run.pk)

    assert [one.student_id for one in course.sis.journal] == ["s1"]
    assert counts(run)["created"] == 1 and counts(run)["waiting"] == 3
    assert {one["cause"] for one in run.report["differences"]} == {"not sent"} and run.report[
        "in_sync"
    ] is False


def test_grade_that_equals_the_sis_already_is_taken_into_the_ledger(course: Course) -> None:
    course.sis.edit("i1", "s1", number("86.5"))
    course.send()
    course.lms.grade("u1", "a1", 88)

    run = course.send()

    assert course.stored(1, 1) == number("88") and run.report["in_sync"] is True


def test_precreated_empty_result_is_written_over_under_its_own_id(course: Course) -> None:
    course.sis.edit("i1", "s1", Value(status=ScoreStatus.NOT_SUBMITTED))
    standing = course.sis.stored("i1", "s1")

    run = course.send()

    after = course.sis.stored("i1", "s1")
    assert standing and after and after.sourced_id == standing.sourced_id
    assert run.report["in_sync"] is True and counts(run)["created"] == 4


# --- approval -------------------------------------------------------------------------------------------------


def test_row_that_changed_since_she_looked_is_not_sent_and_the_rest_go(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    course.lms.grade("u1", "a1", 12)

    run = engine.push(run.pk)

    assert course.row(run, 1, 1).state == "changed"
    assert course.stored(1, 1) is None and course.stored(2, 1) == number("0")
    assert run.report["in_sync"] is False


def test_list_that_was_replaced_cannot_be_approved(course: Course) -> None:
    old = engine.preview(course.context, course.who)
    digests = [row.digest for row in old.changes.all()]
    engine.preview(course.context, course.who)

    with pytest.raises(engine.Changed):
        engine.approve(old, course.who, digests)


def test_approval_takes_the_only_slot_of_the_course(course: Course) -> None:
    first = engine.preview(course.context, course.who)
    engine.approve(first, course.who, [row.digest for row in first.changes.all()])
    second = engine.preview(course.context, course.who)

    with pytest.raises(engine.CourseBusy):
        engine.approve(second, course.who, [row.digest for row in second.changes.all()])


def test_approving_twice_sends_once(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    digests = [row.digest for row in run.changes.all()]
    engine.approve(run, course.who, digests)
    with pytest.raises(engine.Changed):
        engine.approve(run, course.who, digests)

    engine.push(run.pk)
    engine.push(run.pk)

    assert len(course.sis.journal) == 4


def test_assistant_and_former_teacher_cannot_approve(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    assistant = LtiUser.objects.create(registration=course.context.registration, sub="assistant")
    Membership.objects.create(context=course.context, user=assistant, can_look=True)

    with pytest.raises(engine.EngineError):
        engine.approve(run, engine.Who("An assistant", assistant), [row.digest for row in run.changes.all()])

    assert run.changes.filter(state="approved").count() == 0


# --- safety stops ---------------------------------------------------------------------------------------------


def big_course(settings: Any) -> Course:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(students=12, items=1)
    for one in range(1, 13):
        course.lms.grade(f"u{one}", "a1", 50 + one)
    course.send()
    return course


def test_many_changed_grades_wait_for_a_second_look(settings: Any) -> None:
    course = big_course(settings)
    for one in range(1, 6):
        course.lms.grade(f"u{one}", "a1", 1)
    run = engine.preview(course.context, course.who)

    assert [stop["code"] for stop in run.report["stops"]] == ["many-changes"]
    with pytest.raises(engine.EngineError):
        engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    engine.approve(run, course.who, [row.digest for row in run.changes.all()], override_stops=True)
    assert engine.push(run.pk).report["in_sync"] is True


def test_stop_that_arises_after_approval_puts_the_run_back_to_review(settings: Any) -> None:
    course = big_course(settings)
    course.lms.grade("u1", "a1", 1)
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    written = len(course.sis.journal)
    for one in range(2, 8):
        course.lms.grade(f"u{one}", "a1", 2)

    run = engine.push(run.pk)

    assert run.state == "review" and len(course.sis.journal) == written
    assert course.row(run, 1, 1).state == "planned"
    assert ContextState.objects.get(context=course.context).slot is None


def test_shrunken_course_stops_the_send(settings: Any) -> None:
    course = big_course(settings)
    for one in range(1, 4):
        course.lms.remove_member(f"u{one}")
    course.lms.grade("u9", "a1", 3)

    run = engine.preview(course.context, course.who)

    assert {stop["code"] for stop in run.report["stops"]} == {"fewer-students", "fewer-results"}
    assert not run.changes.filter(withdraws=True).exists()


def test_changed_maximum_stops_the_next_send(course: Course) -> None:
    course.send()
    course.lms.change_item("a1", maximum=Decimal(50))
    course.lms.grade("u1", "a1", 40)

    run = engine.preview(course.context, course.who)

    assert "maximum-changed" in {stop["code"] for stop in run.report["stops"]}


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


# --- decisions ------------------------------------------------------------------------------------------------


def edited(course: Course) -> Run:
    course.send()
    course.sis.edit("i1", "s1", number("70"))
    return engine.preview(course.context, course.who)


def test_keeping_the_sis_grade_is_her_choice_and_not_a_difference(course: Course) -> None:
    edited(course)
    engine.decide(course.context, course.key(1, 1), "sis_kept", course.who)

    run = course.send()

    assert course.stored(1, 1) == number("70")
    assert run.report["in_sync"] is True and counts(run)["excluded"] == 1


def test_kept_sis_grade_is_asked_about_again_when_the_lms_grade_changes(course: Course) -> None:
    edited(course)
    engine.decide(course.context, course.key(1, 1), "sis_kept", course.who)
    course.lms.grade("u1", "a1", 95)

    run = course.send()

    assert course.stored(1, 1) == number("70")
    assert [one["code"] for one in run.report["problems"]] == ["edited-in-sis"]


def test_lms_grade_preferred_overwrites_exactly_the_value_she_saw(course: Course) -> None:
    edited(course)
    engine.decide(course.context, course.key(1, 1), "lms_preferred", course.who)
    course.sis.edit("i1", "s1", number("71"))
    course.send()
    assert course.stored(1, 1) == number("71"), "she saw 70, not 71"
    engine.decide(course.context, course.key(1, 1), "lms_preferred", course.who)

    run = course.send()

    assert course.stored(1, 1) == number("86.5") and run.report["in_sync"] is True


def test_conflict_met_while_sending_is_told_with_the_value_found(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])

    def edit_first(what: Any, store: Any) -> Any:
        course.sis.fault = None
        course.sis.edit("i1", "s1", number("44"))
        return store()

    course.sis.fault = edit_first
    run = engine.push(run.pk)

    row = course.row(run, 1, 1)
    assert (row.state, row.code) == ("rejected", "conflict_newer") and "44" in row.words
    assert course.stored(1, 1) == number("44")
    assert "edited-in-sis" in {one["code"] for one in run.report["problems"]}


def test_withdrawal_is_sent_only_when_ticked(course: Course) -> None:
    course.send()
    course.lms.grade("u1", "a1", None)

    untouched = course.send()
    assert course.stored(1, 1) == number("86.5") and untouched.report["in_sync"] is False
    assert [one["cause"] for one in untouched.report["differences"]] == ["gone from the LMS"]
    run = course.send(withdraw=True)

    assert course.stored(1, 1) is None and run.report["in_sync"] is True and counts(run)["withdrawn"] == 1


def test_declined_withdrawal_leaves_the_grade_and_is_no_difference(course: Course) -> None:
    course.send()
    course.lms.grade("u1", "a1", None)
    engine.preview(course.context, course.who)
    engine.decide(course.context, course.key(1, 1), "withdrawal_declined", course.who)

    run = course.send()

    assert (
        course.stored(1, 1) == number("86.5") and run.report["in_sync"] is True and counts(run)["held"] == 1
    )


def test_decision_on_a_grade_of_another_course_is_refused(course: Course) -> None:
    edited(course)
    other = make_course()

    with pytest.raises(engine.Changed):
        engine.decide(other.context, course.key(1, 1), "lms_preferred", other.who)
    with pytest.raises(engine.Changed):
        engine.lift(other.context, course.key(1, 1), other.who)


def test_write_only_sis_is_never_called_in_sync(settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(profile=Profile(read_back=False))
    course.lms.grade("u1", "a1", 10)

    run = course.send()
    again = course.send()

    assert run.report["in_sync"] is None and counts(run)["unverified"] == 1
    assert again.report["in_sync"] is None and len(course.sis.journal) == 1


def test_key_survives_its_text() -> None:
    key = planning.Key("7", "class/1", "a%b", "ü 1")
    assert engine.parse_key(key.text()) == key


def test_admin_may_do_all(course: Course) -> None:
    run = engine.preview(course.context, ADMIN)
    assert engine.approve(run, ADMIN, [row.digest for row in run.changes.all()]) == 4
    assert GradeChange.objects.filter(run=run, state="approved").count() == 4
