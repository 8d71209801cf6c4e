"""Values compare as grades do: by number, text, status and flags, never by how a number happens to be written."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.sis.records import Key, Person, ScoreStatus, Value, is_rounding_of, plain, quantised

scores = st.decimals(min_value=-1000, max_value=1000, places=4)
values = st.builds(
    Value,
    score=st.none() | scores,
    text=st.none() | st.sampled_from(["A", "B+", "é"]),
    status=st.sampled_from([str(one) for one in ScoreStatus]),
    flags=st.frozensets(st.sampled_from(["late", "missing"])),
)


def number(score: str) -> Value:
    return Value(Decimal(score))


# --- numbers in text ---


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("86.50", "86.5"), ("100", "100"), ("1E+2", "100"), ("0", "0"), ("0.000", "0"), ("0E-7", "0"),
        ("-0", "0"), ("-0.00", "0"), ("-1.50", "-1.5"), ("9.257", "9.257"), ("1E-4", "0.0001"), ("200", "200"),
    ],
)  # fmt: skip
def test_a_number_is_shown_plainly(written: str, shown: str) -> None:
    assert plain(Decimal(written)) == shown


@pytest.mark.parametrize(
    ("score", "decimals", "rounded"),
    [("89.95", 1, "90"), ("2.675", 2, "2.68"), ("0.5", 0, "1"), ("-0.5", 0, "-1"), ("9.257", 4, "9.257"), ("-0.04", 1, "0")],
)  # fmt: skip
def test_quantising_rounds_half_up_without_trailing_zeros(score: str, decimals: int, rounded: str) -> None:
    assert str(quantised(Decimal(score), decimals)) == rounded


# --- values ---


def test_trailing_zeros_make_no_difference() -> None:
    assert number("86.5") == number("86.500")
    assert hash(number("86.5")) == hash(number("86.500"))
    assert number("86.5").as_json() == number("86.500").as_json()


@given(values)
def test_a_value_survives_json_and_never_becomes_a_float(value: Value) -> None:
    text = json.dumps(value.as_json())
    assert Value.from_json(json.loads(text)) == value
    assert value.score is None or isinstance(value.as_json()["score"], str)


@given(values, values)
def test_equal_values_have_equal_json(one: Value, other: Value) -> None:
    assert (one == other) == (one.as_json() == other.as_json())


def test_a_zero_is_something_and_an_empty_record_is_nothing() -> None:
    assert not number("0").is_nothing
    assert Value(status="not submitted").is_nothing
    assert Value(text="").is_nothing
    assert Value().is_nothing


def test_an_exemption_a_text_or_a_carried_missing_flag_is_something() -> None:
    assert not Value(status="exempt").is_nothing
    assert not Value(text="F").is_nothing
    assert not Value(status="not submitted", flags=frozenset({"missing"})).is_nothing
    assert Value(status="not submitted", flags=frozenset({"late"})).is_nothing


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (number("86.50"), "86.5"),
        (number("0"), "0"),
        (Value(text="B+"), "B+"),
        (Value(Decimal(87), "B+"), "B+ (87)"),
        (Value(status="exempt"), "excused"),
        (Value(Decimal("86.5"), flags=frozenset({"late"})), "86.5 (late)"),
        (Value(status="not submitted", flags=frozenset({"missing"})), "no grade (missing)"),
    ],
)
def test_a_value_in_a_teachers_words(value: Value, words: str) -> None:
    assert value.words() == words


# --- rounding by the SIS ---


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("89.95", "90"),  # half up
        ("89.95", "89.9"),  # cut
        ("2.445", "2.44"),  # half even
        ("9.257", "9.26"),
        ("9.257", "9"),
        ("0.04", "0"),
        ("99.95", "100"),
    ],
)
def test_fewer_decimals_are_a_rounding(sent: str, stored: str) -> None:
    assert is_rounding_of(number(sent), number(stored))


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("89.95", "89.95"), ("89.95", "89.8"), ("86", "85"), ("86", "90"), ("85.5", "86.5"), ("9.257", "9.2571"), ("1", "0")],
)  # fmt: skip
def test_another_number_is_no_rounding(sent: str, stored: str) -> None:
    assert not is_rounding_of(number(sent), number(stored))


def test_a_rounding_changes_nothing_but_the_number() -> None:
    sent = Value(Decimal("89.95"), flags=frozenset({"late"}))
    assert is_rounding_of(sent, Value(Decimal(90), flags=frozenset({"late"})))
    assert not is_rounding_of(sent, number("90"))
    assert not is_rounding_of(number("89.95"), Value(Decimal(90), "A"))
    assert not is_rounding_of(number("89.95"), Value(Decimal(90), status="submitted"))
    assert not is_rounding_of(number("89.95"), None)
    assert not is_rounding_of(None, number("90"))
    assert not is_rounding_of(Value(text="A"), Value(text="A"))


@given(scores, st.integers(0, 3))
def test_what_a_sis_with_fewer_decimals_keeps_is_a_rounding_or_equal(score: Decimal, decimals: int) -> None:
    sent, stored = Value(score), Value(quantised(score, decimals))
    assert stored == sent or is_rounding_of(sent, stored)


@given(scores, scores)
def test_a_rounding_is_less_than_one_away(sent: Decimal, stored: Decimal) -> None:
    if is_rounding_of(Value(sent), Value(stored)):
        assert 0 < abs(sent - stored) < 1


# --- keys and people ---

parts = st.text(min_size=1, max_size=6)


@given(st.tuples(parts, parts, parts, parts), st.tuples(parts, parts, parts, parts))
def test_different_keys_have_different_texts(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert (Key(*one) == Key(*other)) == (Key(*one).text() == Key(*other).text())
    assert Key(*one).text().count("/") == 3


def test_a_persons_name_may_be_half_known() -> None:
    assert Person("s-1", "Ada", "Lovelace").name == "Ada Lovelace"
    assert Person("s-1", family_name="Lovelace").name == "Lovelace"
    assert Person("s-1").name == ""
