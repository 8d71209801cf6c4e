"""What one student's registration takes: her mode, her list, what must travel with the grade; all known before sending."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from sync.errors import REJECTION_CODES, Misconfigured
from sync.planning import Problem
from sync.registrations import TEXTS, Registrar, Term, by_pair, term_of
from sync.sis import records as sis
from sync.sis.modes import codes_of, modes_of

KEY = sis.Key("1", "c1", "final", "s1")
TODAY = date(2026, 12, 10)
LIST = (
    sis.AllowedGrade("A"),
    sis.AllowedGrade("F", last_attendance="required"),
    sis.AllowedGrade("I", lapses="required", last_attendance="no"),
    sis.AllowedGrade("W", ours=False),
)
CARRIED = frozenset({"last_attendance", "incomplete"})


def registrar(**fields: object) -> Registrar:
    registration = sis.Registration("c1", "s1", mode="Letter", allowed=LIST)
    given: dict[str, object] = {
        "profile": sis.Profile(preflight=True, extras=CARRIED),
        "today": TODAY,
        "registrations": by_pair([registration]),
        **fields,
    }
    return Registrar(**given)  # type: ignore[arg-type]  # a test's shorthand


def text(grade: str) -> sis.Value:
    return sis.Value(text=grade)


def refused(of: Registrar, grade: str) -> str:
    found = of.fit(KEY, text(grade))
    assert isinstance(found, Problem)
    assert (found.key, found.results) == (KEY, 1)
    return found.code


def registered(**fields: object) -> dict[tuple[str, str], sis.Registration]:
    one = sis.Registration("c1", "s1", mode="Letter", allowed=LIST)
    return by_pair([replace(one, **fields)])  # type: ignore[arg-type]  # a test's shorthand


def test_a_grade_of_her_list_goes_as_it_is() -> None:
    assert registrar().fit(KEY, text("A")) == text("A")


def test_what_the_sis_has_no_place_for_is_a_problem_before_sending() -> None:
    letters = registrar(profile=sis.Profile(scores=False, exempt=False))
    numbers = registrar(profile=sis.Profile(texts=False))
    excused = sis.Value(status=sis.ScoreStatus.EXEMPT)
    for of, value, code in (
        (letters, sis.Value(score=Decimal("86.25")), "numbers-not-taken"),
        (letters, excused, "excused-not-held"),
        (numbers, text("A"), "texts-not-taken"),
    ):
        found = of.fit(KEY, value)
        assert isinstance(found, Problem) and (found.code, found.who) == (code, "teacher")
    assert numbers.fit(KEY, sis.Value(score=Decimal(0))) == sis.Value(score=Decimal(0))
    assert numbers.fit(KEY, excused) == excused


def test_a_grade_that_her_registration_does_not_take_is_a_problem_before_sending() -> None:
    assert refused(registrar(), "B+") == "grade_not_in_scale"


def test_a_student_without_a_registration_gets_no_grade() -> None:
    assert refused(registrar(registrations={}), "A") == "registration-unknown"


def test_a_registration_for_this_very_column_counts_before_the_one_for_the_class() -> None:
    own = sis.Registration("c1", "s1", "final", refused="window_closed")
    whole = sis.Registration("c1", "s1", allowed=LIST)
    assert refused(registrar(registrations=by_pair([own, whole])), "A") == "window_closed"
    midterm = registrar(registrations=by_pair([own, whole])).fit(
        KEY._replace(line_item_id="midterm"), text("A")
    )
    assert midterm == text("A")


@pytest.mark.parametrize(
    "code", ["not_gradable", "frozen", "window_closed", "not_your_class", "not_enrolled"]
)
def test_what_the_sis_says_beforehand_is_told_with_its_reason(code: str) -> None:
    of = registrar(registrations=registered(refused=code, words="Rolled on 12 December."))
    found = of.fit(KEY, text("A"))
    assert isinstance(found, Problem)
    assert (found.code, found.details) == (code, ("Rolled on 12 December.",))
    assert found.text == TEXTS[code][1]


def test_a_refusal_in_a_code_of_no_text_is_still_a_refusal() -> None:
    assert refused(registrar(registrations=registered(refused="malformed")), "A") == "not_gradable"


def test_two_registrations_of_one_student_that_differ_are_settled_by_the_sis() -> None:
    one = sis.Registration("c1", "s1", mode="Letter", allowed=LIST)
    other = replace(one, mode="Audit")
    assert by_pair([one, one]) == {("", "s1"): one}
    assert refused(registrar(registrations=by_pair([one, other])), "A") == "not_gradable"


# --- the registrar's own ---


def test_a_withdrawal_in_the_sis_is_never_written_over() -> None:
    assert refused(registrar(there={KEY: text("W")}), "A") == "registrars-own"


def test_the_registrars_own_code_is_never_sent() -> None:
    assert refused(registrar(), "W") == "registrars-own"
    of = Registrar(sis.Profile(own_codes=frozenset({"AU"})), TODAY)
    assert refused(of, "AU") == "registrars-own"
    assert of.fit(KEY, text("A")) == text("A")


def test_a_grade_of_ours_there_does_not_hinder() -> None:
    assert registrar(there={KEY: text("F")}).fit(KEY, text("A")) == text("A")


# --- modes of evaluation ---


PASS = modes_of("Letter=send; Pass/No Pass=convert A:P, B:P, F:NP; Audit=hold")


def in_mode(mode: str) -> Registrar:
    allowed = (sis.AllowedGrade("P"), sis.AllowedGrade("NP"), sis.AllowedGrade("A"))
    profile = sis.Profile(preflight=True, modes=PASS)
    return registrar(profile=profile, registrations=registered(mode=mode, allowed=allowed))


def test_a_pass_student_gets_the_code_of_her_mode() -> None:
    assert in_mode("Pass/No Pass").fit(KEY, text("B")) == text("P")
    assert in_mode("PASS/NO PASS").fit(KEY, text("F")) == text("NP")


def test_a_mode_that_nobody_named_gets_the_letter() -> None:
    assert in_mode("Standard").fit(KEY, text("A")) == text("A")


def test_a_grade_without_a_code_in_her_mode_is_a_problem() -> None:
    assert refused(in_mode("Pass/No Pass"), "C") == "grade-not-in-mode"


def test_a_mode_to_hold_back_is_held_back() -> None:
    assert refused(in_mode("Audit"), "A") == "mode-held"


@pytest.mark.parametrize(
    "wrong", ["Letter", "=send", "Letter=give", "Letter=send A:P", "P=convert", "P=convert A", "P=convert A:"]
)
def test_modes_that_cannot_be_read_are_said_aloud(wrong: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        modes_of(wrong)
    assert raised.value.code == "modes_unreadable"


def test_modes_and_codes_are_read_as_written() -> None:
    assert modes_of("") == {} and codes_of(" F , NP,, ") == {"F", "NP"}
    assert PASS["audit"] == sis.ModeRule("hold")
    assert PASS["pass/no pass"].codes == {"A": "P", "B": "P", "F": "NP"}


# --- what must travel with it ---


def with_extras(**fields: object) -> Registrar:
    return registrar(extras={KEY: sis.Extras(**fields)}, term=Term(date(2026, 8, 24), date(2026, 12, 18)))  # type: ignore[arg-type]


def test_a_failing_grade_without_last_attendance_waits_for_it() -> None:
    assert refused(registrar(), "F") == "last-attendance-missing"
    found = with_extras(last_attended=date(2026, 10, 14)).fit(KEY, text("F"))
    assert found == sis.Value(text="F", extras=sis.Extras(last_attended=date(2026, 10, 14)))
    assert with_extras(never_attended=True).fit(KEY, text("F")) == sis.Value(
        text="F", extras=sis.Extras(never_attended=True)
    )


@pytest.mark.parametrize("day", [date(2026, 12, 11), date(2026, 8, 23), date(2027, 1, 5)])
def test_a_last_attendance_outside_of_the_term_or_to_come_is_refused(day: date) -> None:
    assert refused(with_extras(last_attended=day), "F") == "last-attendance-impossible"


def test_the_first_and_the_present_day_are_possible() -> None:
    for day in (date(2026, 8, 24), TODAY):
        assert not isinstance(with_extras(last_attended=day).fit(KEY, text("F")), Problem)


def test_an_incomplete_wants_the_grade_it_lapses_to_and_a_date_that_is_not_over() -> None:
    assert refused(registrar(), "I") == "lapse-missing"
    assert refused(with_extras(lapses_to="F"), "I") == "lapse-missing"
    yesterday = date(2026, 12, 9)
    assert refused(with_extras(lapses_to="F", extended_to=yesterday), "I") == "lapse-impossible"
    found = with_extras(lapses_to="F", extended_to=date(2027, 1, 31)).fit(KEY, text("I"))
    assert found == sis.Value(text="I", extras=sis.Extras("F", date(2027, 1, 31)))


def test_what_is_missing_twice_is_said_at_once() -> None:
    both = registered(allowed=(sis.AllowedGrade("I", last_attendance="required", lapses="required"),))
    assert refused(registrar(registrations=both), "I") == "extras-missing"
    there = with_extras(lapses_to="F", extended_to=date(2027, 1, 31))
    assert refused(replace(there, registrations=both), "I") == "last-attendance-missing"


def test_what_was_entered_for_another_grade_does_not_travel_with_this_one() -> None:
    """She wrote what the incomplete lapses to; then she graded it."""
    of = with_extras(lapses_to="F", extended_to=date(2027, 1, 31), last_attended=date(2026, 10, 14))
    assert of.fit(KEY, text("I")) == sis.Value(text="I", extras=sis.Extras("F", date(2027, 1, 31)))
    plain = replace(of, registrations=registered(allowed=(sis.AllowedGrade("A"),)))
    assert plain.fit(KEY, text("A")) == text("A")


def test_a_sis_that_names_no_list_goes_by_the_connections_own() -> None:
    profile = sis.Profile(needs_attendance=frozenset({"F"}), needs_lapse=frozenset({"I"}), extras=CARRIED)
    of = Registrar(profile, TODAY)
    assert refused(of, "F") == "last-attendance-missing"
    assert refused(of, "I") == "lapse-missing"
    assert of.fit(KEY, text("B")) == text("B")


def test_what_this_connection_cannot_carry_is_not_put_beside_the_grade_and_said_where_it_must_be() -> None:
    of = replace(with_extras(last_attended=date(2026, 10, 14)), profile=sis.Profile(preflight=True))
    assert of.fit(KEY, text("A")) == text("A")
    assert refused(of, "F") == refused(of, "I") == "extras-not-carried"


def test_a_number_goes_without_a_list() -> None:
    value = sis.Value(Decimal("86.5"))
    assert Registrar(sis.Profile(), TODAY).fit(KEY, value) == value


def test_each_code_that_an_adapter_may_state_has_its_text() -> None:
    stated = {"not_gradable", "not_enrolled", "frozen", "window_closed", "not_your_class"}
    assert stated <= TEXTS.keys() and stated <= REJECTION_CODES


# --- what stands there already ---


def test_a_final_grade_that_says_the_same_is_no_problem() -> None:
    """After the roll every registration is frozen; only what differs is worth a word."""
    of = registrar(there={KEY: text("A")}, registrations=registered(refused="frozen"))
    assert of.fit(KEY, text("A")) == text("A")
    assert refused(of, "B") == "frozen"


def test_what_the_sis_holds_beside_the_same_grade_stays_unless_a_person_entered_another() -> None:
    there = sis.Value(text="F", extras=sis.Extras(last_attended=date(2026, 10, 14)))
    assert registrar(there={KEY: there}).fit(KEY, text("F")) == there
    entered = sis.Extras(last_attended=date(2026, 11, 2))
    found = registrar(there={KEY: there}, extras={KEY: entered}).fit(KEY, text("F"))
    assert found == sis.Value(text="F", extras=entered)


def test_an_incomplete_that_was_taken_stays_when_its_date_is_over() -> None:
    given = sis.Extras("F", date(2026, 12, 1))
    there = sis.Value(text="I", extras=given)
    assert registrar(there={KEY: there}, extras={KEY: given}).fit(KEY, text("I")) == there
    assert refused(registrar(extras={KEY: given}), "I") == "lapse-impossible"


def test_the_same_letter_in_a_mode_without_a_code_for_it_is_not_the_same_grade() -> None:
    of = replace(in_mode("Pass/No Pass"), there={KEY: text("C")})
    assert refused(of, "C") == "grade-not-in-mode"


def test_a_number_that_stands_there_stays_in_a_frozen_class() -> None:
    value = sis.Value(Decimal(91))
    of = registrar(there={KEY: value}, registrations=registered(refused="frozen"))
    assert of.fit(KEY, value) == value
    assert isinstance(of.fit(KEY, sis.Value(Decimal(92))), Problem)


def test_a_grade_that_may_not_be_written_may_not_be_taken_back_either() -> None:
    frozen = registrar(there={KEY: text("A")}, registrations=registered(refused="frozen"))
    withdrawn = registrar(there={KEY: text("W")})
    for of, code in ((frozen, "frozen"), (withdrawn, "registrars-own")):
        found = of.hindrance(KEY)
        assert found is not None and (found.code, found.results) == (code, 0)
    assert registrar(there={KEY: text("A")}).hindrance(KEY) is None


def test_the_term_goes_from_the_first_to_the_last_day_of_the_classs_sessions() -> None:
    sessions = [
        sis.Session("fall", "Fall", begins=date(2026, 8, 24), ends=date(2026, 12, 18)),
        sis.Session("half", "First half", ends=date(2026, 10, 16)),
        sis.Session("year", "Year", begins=date(2026, 7, 1), ends=date(2027, 6, 30)),
    ]
    of = sis.Class("c1", "Algebra", session_ids=("half", "fall"))
    assert term_of(of, sessions) == Term(date(2026, 8, 24), date(2026, 12, 18))
    assert term_of(sis.Class("c1", "Algebra"), sessions) == Term()
