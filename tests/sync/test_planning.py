"""The whole decision: what is written, what is left, what is asked. One grade at a time, then any course."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.planning import (
    WITHDRAWN,
    Decision,
    Desired,
    Held,
    Limits,
    Plan,
    Pulled,
    Sent,
    digest,
    digest_of_all,
    observe,
    plan,
    stops,
    value_json,
    value_of,
)
from sync.sis.records import Change, Key, Value

KEY = Key("7", "class-1", "essay", "s-1")
A, B, C = Value(Decimal(80)), Value(Decimal(90)), Value(Decimal(70))
FINE, ROUGH = Value(Decimal("86.4")), Value(Decimal(86))
CONFIRMED_A = Sent(as_sent=A, as_stored=A, known=True)


def decide(
    new: Desired | None,
    old: Value | None,
    sent: Sent | None = None,
    decision: Decision | None = None,
    *,
    waiting: bool = False,
) -> Plan:
    """The plan for one key; `new` None: it is not in `desired`."""
    return plan(
        {} if new is None else {KEY: new},
        {KEY: old},
        {} if sent is None else {KEY: sent},
        {} if decision is None else {KEY: decision},
        {KEY} if waiting else (),
    )


def problems(made: Plan) -> list[str]:
    assert made.changes == ()
    return [one.code for one in made.problems]


# --- the plain cases ---


def test_a_new_grade_is_created_over_nothing() -> None:
    made = decide(A, None)
    assert made == Plan(changes=(Change(KEY, before=None, after=A, expected=frozenset({None})),))


def test_a_changed_grade_is_written_over_the_one_we_confirmed() -> None:
    (change,) = decide(B, A, CONFIRMED_A).changes
    assert (change.before, change.after) == (A, B)
    assert A in change.expected


def test_what_stands_already_is_unchanged_whoever_wrote_it() -> None:
    assert decide(A, A).unchanged == (KEY,)
    assert decide(A, A, CONFIRMED_A).unchanged == (KEY,)


def test_grade_edited_in_sis_is_not_overwritten() -> None:
    assert problems(decide(B, C, CONFIRMED_A)) == ["edited-in-sis"]
    assert problems(decide(A, C, CONFIRMED_A)) == ["edited-in-sis"]


def test_grade_entered_in_sis_before_our_first_send_is_not_overwritten() -> None:
    assert problems(decide(A, C)) == ["edited-in-sis"]


def test_grade_deleted_in_sis_is_not_sent_again_unasked() -> None:
    assert problems(decide(A, None, CONFIRMED_A)) == ["edited-in-sis"]


def test_a_zero_is_written_and_a_zero_in_the_sis_is_an_edit() -> None:
    zero = Value(Decimal(0))
    assert decide(zero, None).changes[0].after == zero
    assert problems(decide(A, zero)) == ["edited-in-sis"]


def test_two_grades_are_decided_apart_and_in_key_order() -> None:
    other = KEY._replace(student_id="s-0")
    made = plan({KEY: A, other: B}, {other: C}, {})
    assert [one.key for one in made.changes] == [KEY]
    assert [one.key for one in made.problems] == [other]
    assert [one.key for one in plan({KEY: A, other: B}, {}, {}).changes] == [other, KEY]


# --- held and withdrawn ---


def test_absent_is_held_and_not_withdrawn() -> None:
    made = decide(None, A, CONFIRMED_A)
    assert made == Plan(held=((KEY, "not read this time"),))


@pytest.mark.parametrize("old", [None, A, C])
def test_a_held_grade_is_left_whatever_stands_there(old: Value | None) -> None:
    assert decide(Held("the student left"), old, CONFIRMED_A) == Plan(held=((KEY, "the student left"),))


def test_a_withdrawal_is_a_change_to_nothing() -> None:
    (change,) = decide(WITHDRAWN, A, CONFIRMED_A).changes
    assert (change.before, change.after) == (A, None)


def test_withdrawing_what_is_not_there_is_unchanged() -> None:
    assert decide(WITHDRAWN, None, CONFIRMED_A).unchanged == (KEY,)


def test_an_edited_grade_is_not_withdrawn() -> None:
    assert problems(decide(WITHDRAWN, C, CONFIRMED_A)) == ["edited-in-sis"]


# --- what a read confirms ---


def test_an_answer_of_2xx_confirms_nothing() -> None:
    sent = Sent().sending(A).accepted(A)
    assert not sent.known
    assert sent.expected == {None, A}


def test_a_read_that_shows_a_sent_value_confirms_it_alone() -> None:
    sent = observe(CONFIRMED_A.sending(B).sending(C), B, C)
    assert (sent.as_sent, sent.as_stored, sent.known, sent.since) == (B, B, True, ())
    assert sent.expected == {B}


def test_a_read_that_shows_the_desired_value_confirms_it() -> None:
    assert observe(Sent(), A, A).expected == {A}


def test_a_read_that_shows_nothing_after_a_withdrawal_confirms_that() -> None:
    assert observe(CONFIRMED_A.sending(None), None, WITHDRAWN).expected == {None}
    assert observe(CONFIRMED_A, None, WITHDRAWN).expected == {None}


def test_a_read_that_shows_the_former_value_leaves_all_as_it_is() -> None:
    sent = CONFIRMED_A.sending(B).accepted(B)
    assert observe(sent, A, B) == sent


def test_a_read_that_shows_a_persons_value_confirms_nothing() -> None:
    sent = CONFIRMED_A.sending(B)
    assert observe(sent, C, B) == sent
    assert problems(decide(B, C, sent)) == ["edited-in-sis"]


def test_a_value_whose_answer_was_lost_may_stand_there() -> None:
    sent = CONFIRMED_A.sending(B)
    assert decide(C, B, sent).changes[0].before == B
    assert decide(C, A, sent).changes[0].before == A


def test_once_confirmed_the_former_value_is_a_persons() -> None:
    sent = observe(CONFIRMED_A.sending(B), B, B)
    assert problems(decide(B, A, sent)) == ["edited-in-sis"]


def test_a_refused_value_is_no_longer_expected() -> None:
    sent = CONFIRMED_A.sending(B).refused(B)
    assert sent.expected == {A}
    assert problems(decide(B, B, sent)) == []
    assert problems(decide(A, B, sent)) == ["edited-in-sis"]


def test_a_refusal_of_a_repeat_does_not_forget_the_send_whose_answer_was_lost() -> None:
    sent = CONFIRMED_A.sending(B).sending(B).refused(B)
    assert B in sent.expected
    assert CONFIRMED_A.refused(B) == CONFIRMED_A


# --- accepted and not shown ---


def test_accepted_and_not_shown_is_sent_once_more_and_then_a_problem() -> None:
    once = CONFIRMED_A.sending(B).accepted(B)
    assert decide(B, A, once).changes[0].after == B
    twice = once.sending(B).accepted(B)
    assert problems(decide(B, A, twice)) == ["accepted-not-shown"]


def test_a_first_send_that_is_never_shown_becomes_a_problem_too() -> None:
    twice = Sent().sending(A).accepted(A).sending(A).accepted(A)
    assert problems(decide(A, None, twice)) == ["accepted-not-shown"]


def test_another_value_or_a_retry_is_tried_afresh() -> None:
    twice = CONFIRMED_A.sending(B).accepted(B).sending(B).accepted(B)
    assert decide(C, A, twice).changes[0].after == C
    assert decide(B, A, twice.retried()).changes[0].after == B
    assert twice.sending(C).accepted(C).tries == 1


# --- rounded by the SIS ---


def test_a_first_grade_that_the_sis_rounded_is_in_sync_and_never_resent() -> None:
    sent = observe(Sent().sending(FINE).accepted(FINE), ROUGH, FINE)
    assert (sent.as_sent, sent.as_stored, sent.rounded) == (FINE, ROUGH, True)
    made = decide(FINE, ROUGH, sent)
    assert (made.unchanged, made.rounded, made.changes) == ((KEY,), (KEY,), ())


def test_a_rounded_grade_edited_in_sis_is_not_overwritten() -> None:
    sent = observe(Sent().sending(FINE), ROUGH, FINE)
    assert problems(decide(FINE, Value(Decimal(87)), sent)) == ["edited-in-sis"]


def test_a_rounded_grade_that_changes_in_the_lms_is_written() -> None:
    sent = observe(Sent().sending(FINE), ROUGH, FINE)
    assert decide(B, ROUGH, sent).changes[0].after == B


def test_a_value_that_we_sent_exactly_goes_before_a_rounding_of_another() -> None:
    """86 was sent, then 86.4, whose answer was lost: a read of 86 shows the first, and 86.4 is still to be sent."""
    sent = observe(Sent().sending(ROUGH).sending(FINE), ROUGH, FINE)
    assert (sent.as_sent, sent.as_stored) == (ROUGH, ROUGH)
    assert decide(FINE, ROUGH, sent).changes[0].after == FINE


def test_the_former_value_is_not_taken_for_a_rounding_before_a_second_try() -> None:
    """86 stands, 86.4 was sent and lost: else a grade would silently not be sent."""
    former = Sent(as_sent=ROUGH, as_stored=ROUGH, known=True)
    lost = observe(former.sending(FINE), ROUGH, FINE)
    assert decide(FINE, ROUGH, lost).changes[0].after == FINE
    once = observe(lost.sending(FINE).accepted(FINE), ROUGH, FINE)
    assert decide(FINE, ROUGH, once).changes[0].after == FINE
    twice = observe(once.sending(FINE).accepted(FINE), ROUGH, FINE)
    assert decide(FINE, ROUGH, twice).rounded == (KEY,)


def test_a_change_that_the_sis_rounds_away_is_not_sent_without_end() -> None:
    sent, sends = Sent(as_sent=ROUGH, as_stored=ROUGH, known=True), 0
    while decide(FINE, ROUGH, sent := observe(sent, ROUGH, FINE)).changes:
        sent, sends = sent.sending(FINE).accepted(FINE), sends + 1
    assert sends == 2


# --- decisions ---


def test_sis_grade_kept_is_left_until_either_side_changes() -> None:
    kept = Decision("sis_kept", lms=B, sis=C)
    assert decide(B, C, CONFIRMED_A, kept) == Plan(kept=(KEY,))
    assert problems(decide(A, C, CONFIRMED_A, kept)) == ["edited-in-sis"]
    assert problems(decide(B, Value(Decimal(1)), CONFIRMED_A, kept)) == ["edited-in-sis"]


def test_lms_grade_preferred_is_written_over_exactly_what_she_saw() -> None:
    preferred = Decision("lms_preferred", lms=B, sis=C)
    (change,) = decide(B, C, CONFIRMED_A, preferred).changes
    assert (change.before, change.after) == (C, B)
    assert C in change.expected
    assert problems(decide(B, Value(Decimal(1)), CONFIRMED_A, preferred)) == ["edited-in-sis"]
    assert problems(decide(A, C, CONFIRMED_A, preferred)) == ["edited-in-sis"]


def test_a_refusal_is_not_resent_until_the_grade_changes() -> None:
    refused = Decision("refused", lms=B, sis=A, code="over_max")
    assert decide(B, A, CONFIRMED_A, refused) == Plan(refused=((KEY, refused),))
    assert decide(C, A, CONFIRMED_A, refused).changes[0].after == C


def test_a_declined_withdrawal_leaves_the_grade() -> None:
    declined = Decision("withdrawal_declined", lms=None, sis=A)
    assert decide(WITHDRAWN, A, CONFIRMED_A, declined) == Plan(declined=(KEY,))
    assert decide(B, A, CONFIRMED_A, declined).changes[0].after == B


def test_a_grade_is_not_held_back_by_a_declined_withdrawal() -> None:
    confused = Decision("withdrawal_declined", lms=B, sis=A)
    assert decide(B, A, CONFIRMED_A, confused).changes[0].after == B


def test_an_undone_row_stays_out_until_the_lms_grade_changes() -> None:
    undone = Decision("undone", lms=B, sis=A)
    assert decide(B, C, CONFIRMED_A, undone) == Plan(kept=(KEY,), undone=(KEY,))
    assert decide(C, A, CONFIRMED_A, undone).changes[0].after == C


def test_a_decision_that_is_fulfilled_leaves_no_trace() -> None:
    assert decide(B, B, CONFIRMED_A, Decision("refused", lms=B, sis=A)).unchanged == (KEY,)


# --- waiting ---


def test_a_create_whose_fate_is_unknown_waits_and_is_not_sent_twice() -> None:
    assert decide(A, None, Sent().sending(A), waiting=True) == Plan(waiting=(KEY,))


def test_a_waiting_grade_that_shows_is_settled() -> None:
    assert decide(A, A, Sent().sending(A), waiting=True).unchanged == (KEY,)


# --- any course ---

some_values = st.sampled_from([None, A, B, C, FINE, ROUGH])
keys = st.builds(lambda name: KEY._replace(student_id=name), st.sampled_from("abcde"))
wanted = st.sampled_from([A, B, FINE, WITHDRAWN, Held("why")])
sents = st.builds(
    Sent,
    as_sent=some_values,
    as_stored=some_values,
    known=st.booleans(),
    since=st.lists(some_values, max_size=3).map(tuple),
    tried=some_values,
    tries=st.integers(0, 3),
)
kinds = st.sampled_from(["sis_kept", "lms_preferred", "refused", "withdrawal_declined", "undone"])
decisions = st.builds(Decision, kinds, some_values, some_values)


@given(
    st.dictionaries(keys, wanted), st.dictionaries(keys, some_values), st.dictionaries(keys, sents),
    st.dictionaries(keys, decisions), st.sets(keys),
)  # fmt: skip
def test_every_key_is_decided_once_and_no_edit_is_overwritten_unasked(  # type: ignore[no-untyped-def]  # hypothesis fills them
    desired, existing, sent, words, waiting
) -> None:
    made = plan(desired, existing, sent, words, waiting)
    placed = [
        *(one.key for one in made.changes), *(one.key for one in made.problems), *made.unchanged, *made.waiting,
        *(key for key, _ in made.refused), *made.kept, *made.declined, *(key for key, _ in made.held),
    ]  # fmt: skip
    assert sorted(placed) == sorted(desired.keys() | sent.keys())
    assert set(made.rounded) <= set(made.unchanged)
    for change in made.changes:
        key, old = change.key, existing.get(change.key)
        assert change.before == old
        assert change.after != old
        assert key not in waiting
        word = words.get(key)
        asked = word is not None and (word.kind, word.lms, word.sis) == ("lms_preferred", change.after, old)
        assert asked or old in sent.get(key, Sent()).expected
        assert (change.after is None) == (desired[key] is WITHDRAWN)
    assert all(desired[key] is WITHDRAWN for key in made.declined)


@given(sents, some_values, st.none() | wanted)
def test_a_read_confirms_only_what_it_shows(sent: Sent, shown: Value | None, new: Desired | None) -> None:
    after = observe(sent, shown, new)
    assert after == sent or (after.known and after.as_stored == shown and after.since == ())
    assert observe(after, shown, new) == after


@given(sents)
def test_what_we_know_survives_json(sent: Sent) -> None:
    assert Sent.from_json(sent.as_json()) == sent


def test_no_value_survives_json() -> None:
    assert value_of(value_json(None)) is None
    assert value_of(value_json(A)) == A


# --- safety stops ---


def many(count: int, moved: int) -> tuple[list[Change], dict[Key, Sent]]:
    sent = {KEY._replace(student_id=str(number)): CONFIRMED_A for number in range(count)}
    changes = [Change(key, before=A, after=B, expected=frozenset({A})) for key in list(sent)[:moved]]
    return changes, sent


def codes(
    now: Pulled, last: Pulled, moved: int = 0, confirmed: int = 0, limits: Limits | None = None
) -> list[str]:
    return [one.code for one in stops(now, last, *many(confirmed, moved), limits)]


def test_a_pull_that_is_much_shorter_than_the_last_stops() -> None:
    assert codes(Pulled(7, 70), Pulled(10, 70)) == ["fewer-students"]
    assert codes(Pulled(10, 79), Pulled(10, 100)) == ["fewer-grades"]
    assert codes(Pulled(0, 0), Pulled(10, 10)) == ["fewer-students", "fewer-grades"]


def test_four_fifths_or_a_small_course_do_not_stop() -> None:
    assert codes(Pulled(8, 80), Pulled(10, 100)) == []
    assert codes(Pulled(1, 1), Pulled(9, 9)) == []


def test_many_changes_to_confirmed_grades_stop() -> None:
    full = Pulled(20, 20)
    assert codes(full, full, moved=4, confirmed=10) == ["many-changes"]
    assert codes(full, full, moved=3, confirmed=10) == []
    assert codes(full, full, moved=9, confirmed=9) == []
    assert codes(full, full, moved=2, confirmed=10, limits=Limits(most_changed=10)) == ["many-changes"]


def test_first_sends_are_not_counted_as_changes() -> None:
    changes, _ = many(20, 20)
    assert stops(Pulled(20, 20), Pulled(20, 20), changes, {one.key: Sent() for one in changes}) == []


# --- digests ---


def test_a_digest_names_key_before_after_and_scheme_and_nothing_else() -> None:
    change = Change(KEY, before=A, after=B, expected=frozenset({A}), scheme_version="v1")
    same = replace(
        change, why="other words", result_id="r", new_id="n", comment="c", expected=frozenset({None})
    )
    assert digest(same) == digest(change)
    different = [
        replace(change, key=KEY._replace(student_id="s-2")),
        replace(change, before=None),
        replace(change, after=C),
        replace(change, after=None),
        replace(change, scheme_version="v2"),
    ]
    assert len({digest(one) for one in [change, *different]}) == 6


def test_a_digest_does_not_depend_on_how_a_number_is_written() -> None:
    written = [Value(Decimal(text)) for text in ("86.5", "86.50", "865E-1")]
    zeros = [Value(Decimal(text)) for text in ("0", "-0", "0.00")]
    for group in (written, zeros):
        assert len({digest(Change(KEY, None, one, frozenset())) for one in group}) == 1


def test_the_digest_of_all_rows_does_not_depend_on_their_order() -> None:
    assert digest_of_all(["a", "b"]) == digest_of_all(["b", "a"])
    assert digest_of_all(["a", "b"]) != digest_of_all(["a"])
