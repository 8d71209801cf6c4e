"""What an undo puts back, and what it leaves alone. Pure."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sync import undoing
from sync.desired import Wanted
from sync.lms import records as lms
from sync.planning import WITHDRAWN, Decision, Held, Plan, Sent
from sync.sis.records import Key, Value
from sync.undoing import Left

KEY = Key("1", "c1", "i1", "s1")
OLD, NEW, OTHER = (Value(Decimal(text)) for text in ("80", "86.45", "70"))


def planned(left: Left, stands: Value | None, sent: Sent | None = None, **more: object) -> Plan:
    waiting = {KEY} if more.get("waits") else set()
    unseen = {KEY: "not seen"} if more.get("unseen") else {}
    sent = sent or Sent(as_sent=left.after, as_stored=left.after, known=True)
    return undoing.plan({KEY: left}, {KEY: stands}, {KEY: sent}, waiting, unseen)


def test_former_grade_goes_back() -> None:
    (change,) = planned(Left(OLD, NEW), NEW).changes
    assert (change.before, change.after) == (NEW, OLD)
    assert NEW in change.expected
    assert OTHER not in change.expected


def test_new_grade_is_withdrawn() -> None:
    (change,) = planned(Left(None, NEW), NEW).changes
    assert change.after is None


def test_withdrawn_grade_is_given_back() -> None:
    (change,) = planned(Left(OLD, None), None).changes
    assert (change.before, change.after) == (None, OLD)


def test_grade_changed_since_is_told_and_left() -> None:
    plan = planned(Left(OLD, NEW), OTHER)
    assert not plan.changes
    assert [one.code for one in plan.problems] == ["changed-since"]


def test_grade_gone_since_is_told_and_left() -> None:
    plan = planned(Left(OLD, NEW), None)
    assert [one.code for one in plan.problems] == ["changed-since"]


def test_grade_that_stands_as_before_needs_nothing() -> None:
    assert planned(Left(OLD, NEW), OLD).unchanged == (KEY,)


def test_grade_that_the_sis_rounded_is_what_the_run_left() -> None:
    rounded = Value(Decimal("86.5"))
    (change,) = planned(Left(OLD, NEW), rounded, Sent(as_sent=NEW, as_stored=rounded, known=True)).changes
    assert (change.before, change.after) == (rounded, OLD)


def test_number_near_the_sent_one_is_an_edit_where_the_sis_keeps_all_decimals() -> None:
    plan = planned(Left(OLD, NEW), Value(Decimal("86.5")))
    assert [one.code for one in plan.problems] == ["changed-since"]


def test_same_value_put_there_by_a_person_after_a_later_run_is_hers() -> None:
    later = Sent(as_sent=OTHER, as_stored=OTHER, known=True)
    assert [one.code for one in planned(Left(OLD, NEW), NEW, later).problems] == ["changed-since"]


def test_grade_put_back_and_rounded_again_is_back() -> None:
    back = Value(Decimal("80.5"))
    sent = Sent(as_sent=Value(Decimal("80.46")), as_stored=back, known=True)
    assert planned(Left(Value(Decimal("80.46")), NEW), back, sent).unchanged == (KEY,)


def test_lost_create_waits() -> None:
    assert planned(Left(OLD, NEW), NEW, waits=True).waiting == (KEY,)


def test_grade_that_was_not_seen_is_held() -> None:
    plan = planned(Left(OLD, NEW), None, unseen=True)
    assert plan.held == ((KEY, "not seen"),)
    assert not plan.changes


def test_grade_put_back_twice_and_never_shown_is_told() -> None:
    sent = Sent(as_sent=NEW, as_stored=NEW, known=True, tried=OLD, tries=2)
    assert [one.code for one in planned(Left(OLD, NEW), NEW, sent).problems] == ["accepted-not-shown"]


def test_undone_grade_stays_out_for_the_grade_that_the_lms_shows() -> None:
    decision = undoing.decision(OTHER, Left(OLD, NEW), None)
    assert decision is not None
    assert decision.stands(OTHER, OLD)
    assert not decision.stands(NEW, OLD)


def test_undone_grade_that_the_lms_does_not_show_now_stays_out_for_what_was_sent() -> None:
    for wanted in (None, Held("the student left"), WITHDRAWN):
        decision = undoing.decision(wanted, Left(OLD, NEW), None)
        assert decision is not None
        assert decision.lms == NEW
        assert decision.stands(None, OLD), "no grade shown is no other grade"


def test_undone_withdrawal_stays_out_while_the_lms_has_no_grade() -> None:
    decision = undoing.decision(WITHDRAWN, Left(OLD, None), None)
    assert decision is not None
    assert decision.stands(None, OLD)


def test_nothing_is_decided_where_the_lms_wants_what_was_put_back() -> None:
    assert undoing.decision(OLD, Left(OLD, NEW), None) is None


def wanted(value: Value, **result: object) -> Wanted:
    given = {"score": Decimal(18), "maximum": Decimal(20)} | result
    one = lms.Result("u1", "a1", lms.Status.GRADED, **given)  # type: ignore[arg-type]  # each test names its own
    return Wanted(KEY, value, "18 of 20", "", one)


def test_other_scale_or_range_does_not_bring_an_undone_grade_back() -> None:
    decision = undoing.decision(NEW, Left(OLD, NEW), wanted(NEW))
    assert decision is not None
    (again,) = undoing.restated({KEY: decision}, {KEY: wanted(OTHER)}).values()
    assert again.stands(OTHER, OLD)
    assert decision.words == again.words


@pytest.mark.parametrize(
    "changed", [{"score": Decimal(19)}, {"maximum": Decimal(30)}, {"text": "A"}, {"late": True}]
)
def test_other_grade_in_the_lms_brings_it_back(changed: dict[str, object]) -> None:
    decision = undoing.decision(NEW, Left(OLD, NEW), wanted(NEW))
    assert decision is not None
    (again,) = undoing.restated({KEY: decision}, {KEY: wanted(OTHER, **changed)}).values()
    assert not again.stands(OTHER, OLD)


def test_decisions_of_another_kind_are_about_what_stands_in_the_sis() -> None:
    kept = Decision("sis_kept", NEW, OLD, words=undoing.in_the_lms(wanted(NEW).result))
    assert undoing.restated({KEY: kept}, {KEY: wanted(OTHER)}) == {KEY: kept}
    assert undoing.restated({KEY: kept}, {}) == {KEY: kept}
