"""A grade in the SIS's words: exact, explained, by a fetched scheme or not at all."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import scales
from sync.lms import records as lms
from sync.planning import Problem
from sync.scales import NOTHING, Converted, Target
from sync.sis import records as sis

CANVAS_DEFAULT = (
    ("A", ".94"), ("A-", ".90"), ("B+", ".87"), ("B", ".84"), ("B-", ".80"), ("C+", ".77"),
    ("C", ".74"), ("C-", ".70"), ("D+", ".67"), ("D", ".64"), ("D-", ".61"), ("F", "0"),
)  # fmt: skip


def scheme(*entries: tuple[str, str] | tuple[str, str, str]) -> lms.GradeScheme:
    made = tuple(
        lms.SchemeEntry(one[0], Decimal(one[1]), Decimal(one[2]) if one[2:] else None) for one in entries
    )
    return lms.GradeScheme("1", "Letters", made, "the course")


LETTERS = scheme(*CANVAS_DEFAULT)
ABC = scheme(("A", "0.9", "4.0"), ("B", "0.8", "3.3"), ("C", "0", "2"))
HUNDRED = lms.LineItem("a", "Essay", Decimal(100))
TWENTY = lms.LineItem("a", "Essay", Decimal(20))
UNLIMITED = lms.LineItem("a", "Essay", None)
LETTERED = lms.LineItem("a", "Essay", Decimal(100), grading_type="letter")


def points(maximum: str | None = "100", minimum: str = "0", **more: object) -> Target:
    top = None if maximum is None else Decimal(maximum)
    return Target("points", Decimal(minimum), top, **more)  # type: ignore[arg-type]  # plain keyword pass-through


def graded(score: str | None = None, **more: object) -> lms.Result:
    number = None if score is None else Decimal(score)
    return lms.Result("u", "a", lms.Status.GRADED, number, **more)  # type: ignore[arg-type]  # plain keyword pass-through


def scale(*entries: tuple[str, str]) -> sis.ScoreScale:
    return sis.ScoreScale("scale-1", "Marks", entries)


def converted(
    result: lms.Result,
    item: lms.LineItem = HUNDRED,
    by: lms.GradeScheme | None = None,
    to: Target | None = None,
) -> Converted:
    made = scales.convert(result, item, by, to or points())
    assert isinstance(made, Converted), made
    return made


def refused(
    result: lms.Result,
    item: lms.LineItem = HUNDRED,
    by: lms.GradeScheme | None = None,
    to: Target | None = None,
) -> str:
    made = scales.convert(result, item, by, to or points())
    assert isinstance(made, Problem), made
    assert (made.user_id, made.line_item_id, made.results) == ("u", "a", 1)
    assert made.text
    return made.code


# --- what is a grade at all ---


@pytest.mark.parametrize("kind", ["points", "percent", "letter", "gpa", "pass_fail"])
def test_not_graded_is_nothing_and_never_a_zero(kind: scales.Kind) -> None:
    result = lms.Result("u", "a", lms.Status.NOT_GRADED, missing=True)
    assert scales.convert(result, HUNDRED, ABC, Target(kind)) is NOTHING


@pytest.mark.parametrize("score", ["0", "0.0", "-0", "0E-10"])
def test_a_zero_is_a_grade(score: str) -> None:
    value = converted(graded(score)).value
    assert value == sis.Value(Decimal(0))
    assert value.as_json()["score"] == "0"
    assert not value.is_nothing


def test_excused_is_exempt_without_a_score() -> None:
    made = converted(
        lms.Result("u", "a", lms.Status.EXCUSED, Decimal(0), late=True), to=points(flags=frozenset({"late"}))
    )
    assert made == Converted(sis.Value(status="exempt"), "excused in the LMS", "")


def test_missing_is_nothing_where_the_connection_has_no_flag_for_it() -> None:
    assert scales.convert(lms.Result("u", "a", lms.Status.MISSING), HUNDRED, None, points()) is NOTHING


def test_missing_goes_as_a_flag_where_the_connection_carries_it() -> None:
    made = converted(lms.Result("u", "a", lms.Status.MISSING), to=points(flags=frozenset({"missing"})))
    assert made.value == sis.Value(None, None, "not submitted", frozenset({"missing"}))


def test_a_missing_policys_zero_is_sent_as_a_zero() -> None:
    carried = points(flags=frozenset({"missing", "late"}))
    assert converted(graded("0", missing=True)).value == sis.Value(Decimal(0))
    assert converted(graded("0", missing=True), to=carried).value.flags == {"missing"}
    by_status = lms.Result("u", "a", lms.Status.MISSING, Decimal(0))
    assert converted(by_status, to=carried).value == sis.Value(Decimal(0), flags=frozenset({"missing"}))


def test_an_ungraded_missing_result_goes_as_missing_without_its_old_score() -> None:
    result = lms.Result("u", "a", lms.Status.NOT_GRADED, Decimal(7), missing=True)
    assert converted(result, to=points(flags=frozenset({"missing"}))).value.score is None


def test_late_is_carried_only_where_the_connection_carries_it() -> None:
    assert converted(graded("5", late=True)).value.flags == frozenset()
    assert converted(graded("5", late=True), to=points(flags=frozenset({"late"}))).value.flags == {"late"}


def test_what_says_graded_and_gives_no_grade_is_a_problem() -> None:
    assert refused(graded()) == "no-score"
    assert refused(graded(text="complete")) == "no-score"


@pytest.mark.parametrize("status", [lms.Status.GRADED, lms.Status.NOT_GRADED, lms.Status.MISSING])
def test_a_score_that_could_not_be_read_is_a_problem_and_not_nothing(status: lms.Status) -> None:
    assert refused(lms.Result("u", "a", status, score_error="not-a-number")) == "not-a-number"
    assert refused(lms.Result("u", "a", status, score_error="repeated")) == "repeated"
    assert refused(lms.Result("u", "a", status, score_error="not-shown")) == "not-shown"


@pytest.mark.parametrize("score", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+999999", "1E-999999"])
@pytest.mark.parametrize("kind", ["points", "percent", "letter", "gpa"])
def test_what_is_no_usable_number_is_a_problem(score: str, kind: scales.Kind) -> None:
    assert refused(graded(score), by=ABC, to=Target(kind, over_max=True)) == "not-a-number"


# --- points ---


@pytest.mark.parametrize("score", ["9.257", "0.0001", "100", "86.5"])
def test_equal_maxima_leave_the_number_as_it_is(score: str) -> None:
    made = converted(graded(score))
    assert made.value.score == Decimal(score)
    assert made.why == f"{score} of 100"


def test_points_are_scaled_to_the_columns_own_range() -> None:
    made = converted(graded("17.3"), TWENTY, to=points("50"))
    assert made.value.score == Decimal("43.25")
    assert made.why == "17.3 of 20 → 43.25 of 50"


def test_a_range_that_starts_above_zero_starts_there() -> None:
    assert converted(graded("0"), TWENTY, to=points("5", "1")).value.score == 1
    assert converted(graded("10"), TWENTY, to=points("5", "1")).value.score == 3
    assert converted(graded("20"), TWENTY, to=points("5", "1")).value.score == 5


def test_a_minimum_below_zero_allows_negatives_and_leaves_zero_a_zero() -> None:
    below = points("100", "-10")
    assert converted(graded("0"), to=below).value.score == 0
    assert converted(graded("-5"), to=below).value.score == -5
    assert converted(graded("-1"), TWENTY, to=below).value.score == -5
    assert refused(graded("-11"), to=below) == "negative-score"


def test_a_thirds_are_rounded_half_up_once_and_said_so() -> None:
    made = converted(graded("1"), lms.LineItem("a", "Quiz", Decimal(3)), to=points("10", decimals=2))
    assert made.value.score == Decimal("3.33")
    assert made.why == "1 of 3 → 3.33 of 10, rounded half up to 2 decimals"


@pytest.mark.parametrize(("rule", "score"), [("half up", "2.5"), ("half even", "2.4"), ("down", "2.4")])
def test_the_rounding_rule_is_the_stated_one(rule: str, score: str) -> None:
    made = converted(graded("2.45"), to=points(decimals=1, rounding=rule))
    assert made.value.score == Decimal(score)
    assert f"rounded {rule} to 1 decimal" in made.why


def test_an_unknown_rounding_rule_is_refused_aloud() -> None:
    with pytest.raises(ValueError, match="half up"):
        scales.convert(graded("1"), HUNDRED, None, points(rounding="up"))


def test_whole_numbers_only() -> None:
    made = converted(graded("89.5"), to=points(decimals=0))
    assert made.value.score == 90
    assert made.why.endswith("rounded half up to a whole number")


def test_a_tiny_negative_is_refused_and_not_rounded_to_zero() -> None:
    assert refused(graded("-0.00001")) == "negative-score"


def test_a_negative_score_is_a_problem() -> None:
    assert refused(graded("-3")) == "negative-score"
    assert refused(graded("-3"), to=Target("percent")) == "negative-score"


def test_above_the_maximum_goes_only_where_extra_credit_is_taken() -> None:
    assert refused(graded("105")) == "over-max"
    assert refused(graded("21"), TWENTY, to=points("50")) == "over-max"
    assert refused(graded("105"), to=Target("percent")) == "over-max"
    assert converted(graded("105"), to=points(over_max=True)).value.score == 105
    assert converted(graded("21"), TWENTY, to=points("50", over_max=True)).value.score == Decimal("52.5")


def test_rounding_never_lifts_a_score_above_the_maximum() -> None:
    item = lms.LineItem("a", "Quiz", Decimal("9.5"))
    assert refused(graded("9.5"), item, to=points("9.5", decimals=0)) == "over-max"


@pytest.mark.parametrize("maximum", [None, Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("1E+9999")])
def test_no_maximum_where_one_is_needed_is_a_problem(maximum: Decimal | None) -> None:
    item = lms.LineItem("a", "Essay", maximum)
    assert refused(graded("5"), item) == "no-maximum"
    assert refused(graded("5"), item, to=Target("percent")) == "no-maximum"
    assert refused(graded("5"), item, ABC, Target("letter")) == "no-maximum"


def test_a_column_without_a_range_takes_the_number_as_it_is() -> None:
    assert converted(graded("17.3"), UNLIMITED, to=points(None)).value.score == Decimal("17.3")
    assert converted(graded("105"), to=points(None)).why == "105 of 100"


def test_the_results_own_maximum_goes_before_the_line_items() -> None:
    made = converted(graded("0.5", maximum=Decimal(1)), to=points())
    assert made.value.score == 50


def test_an_empty_sis_range_is_a_problem() -> None:
    assert refused(graded("5"), TWENTY, to=points("0")) == "no-range"


numbers = st.decimals(min_value=0, max_value=10_000, places=3, allow_nan=False)
maxima = st.decimals(min_value=Decimal("0.1"), max_value=1000, places=1, allow_nan=False)


@given(numbers, maxima, maxima, st.integers(0, 4))
def test_scaling_is_exact_to_the_last_decimal(
    score: Decimal, maximum: Decimal, top: Decimal, decimals: int
) -> None:
    item = lms.LineItem("a", "Quiz", maximum)
    made = scales.convert(graded(str(score)), item, None, points(str(top), decimals=decimals, over_max=True))
    assert isinstance(made, Converted)
    exact = Fraction(score) * Fraction(top) / Fraction(maximum) * 10**decimals
    expected = Decimal((exact + Fraction(1, 2)).__floor__()).scaleb(-decimals)
    if maximum == top:
        expected = score.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    assert made.value.score == expected


# --- percent ---


def test_percent_of_the_lms_maximum() -> None:
    made = converted(graded("17.3"), TWENTY, to=Target("percent"))
    assert made.value.score == Decimal("86.5")
    assert made.why == "17.3 of 20 = 86.5 %"


def test_percent_in_a_column_with_its_own_range() -> None:
    made = converted(graded("17.3"), TWENTY, to=Target("percent", maximum=Decimal(1)))
    assert made.value.score == Decimal("0.865")
    assert made.why == "17.3 of 20 = 86.5 % → 0.865 of 1"


@pytest.mark.parametrize(
    ("line_item_id", "why"),
    [
        (lms.COURSE_TOTAL_FINAL, "course total 91.2 %"),
        (lms.course_total("calculated"), "calculated grade 91.2 %"),
        (lms.course_total("external"), "external grade 91.2 %"),
    ],
)
def test_a_course_total_says_which_one_it_is(line_item_id: str, why: str) -> None:
    item = lms.LineItem(line_item_id, "Total", Decimal(100), kind="course_total")
    assert converted(graded("91.2"), item, to=Target("percent")).why == why


# --- letters by the LMS's scheme ---


@pytest.mark.parametrize(
    ("score", "letter"),
    [
        ("94", "A"), ("93.9999", "A-"), ("90", "A-"), ("89.99", "B+"), ("84", "B"), ("83.99", "B-"),
        ("61", "D-"), ("60.9999", "F"), ("0", "F"), ("-4", "F"), ("130", "A"),
    ],
)  # fmt: skip
def test_canvas_bounds_are_inclusive_and_exact(score: str, letter: str) -> None:
    assert converted(graded(score), by=LETTERS, to=Target("letter")).value == sis.Value(text=letter)


def test_a_letter_says_why() -> None:
    made = converted(graded("86.5"), by=LETTERS, to=Target("letter"))
    assert made.why == "86.5 of 100 = 86.5 %; B from 84 %"
    assert converted(graded("3"), by=LETTERS, to=Target("letter")).why == "3 of 100 = 3 %; F the lowest grade"
    assert made.scheme_version == scales.scheme_version(LETTERS)


def test_binary_fractions_do_not_move_a_bound() -> None:
    """0.57 * 100 is 56.99999999999999 in binary; 57 of 100 reaches the bound."""
    by = scheme(("Pass", "0.57"), ("Fail", "0"))
    assert converted(graded("57"), by=by, to=Target("letter")).value.text == "Pass"
    third = lms.LineItem("a", "Quiz", Decimal(3))
    assert (
        converted(graded("2"), third, scheme(("P", "0.6667"), ("F", "0")), Target("letter")).value.text == "F"
    )


def test_bounds_count_to_four_decimals() -> None:
    by = scheme(("Pass", "0.66666666"), ("Fail", "0"))
    third = lms.LineItem("a", "Quiz", Decimal(3))
    assert converted(graded("2"), third, by, Target("letter")).value.text == "Fail"
    assert converted(graded("66.67"), by=by, to=Target("letter")).value.text == "Pass"


def test_an_unsorted_scheme_is_sorted_and_has_the_same_version() -> None:
    by = scheme(*reversed(CANVAS_DEFAULT))
    made = converted(graded("86.5"), by=by, to=Target("letter"))
    assert (made.value.text, made.scheme_version) == ("B", scales.scheme_version(LETTERS))


def test_below_the_lowest_bound_is_the_lowest_grade() -> None:
    by = scheme(("A", "0.9"), ("E", "0.4"))
    assert converted(graded("12"), by=by, to=Target("letter")).value.text == "E"


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (("A", "0.9"), ("A", "0.8")),
        (("A", "0.9"), ("B", "0.90001"), ("C", "0")),
        (("A", "NaN"), ("B", "0")),
        (("A", "Infinity"), ("B", "0")),
        (("A", "94"), ("B", "80"), ("F", "0")),
        ((" ", "0.5"), ("F", "0")),
        (("A", "0.5", "NaN"), ("F", "0")),
    ],
    ids=[
        "empty",
        "name twice",
        "bound twice",
        "nan",
        "infinite",
        "percent for fractions",
        "no name",
        "gpa nan",
    ],
)
def test_a_broken_scheme_is_a_problem(entries: tuple[tuple[str, str], ...]) -> None:
    assert refused(graded("86.5"), by=scheme(*entries), to=Target("letter")) == "scheme-broken"


@pytest.mark.parametrize("kind", ["letter", "gpa", "pass_fail"])
def test_no_scheme_where_one_is_needed_is_a_problem_and_never_a_default(kind: scales.Kind) -> None:
    assert refused(graded("86.5"), to=Target(kind)) == "no-scheme"
    assert refused(graded("86.5", text="B"), to=Target(kind)) == "no-scheme"


def test_the_letter_that_the_lms_shows_agrees_with_its_scheme() -> None:
    assert converted(graded("86.5", text="B"), LETTERED, LETTERS, Target("letter")).value.text == "B"


@pytest.mark.parametrize("shown", ["A", "Z", "b"])
def test_a_shown_letter_that_the_scheme_does_not_give_is_a_problem(shown: str) -> None:
    assert refused(graded("86.5", text=shown), LETTERED, LETTERS, Target("letter")) == "letter-disagrees"


def test_a_shown_letter_stands_alone_where_there_is_no_score() -> None:
    made = converted(graded(text="B+"), LETTERED, LETTERS, Target("letter"))
    assert (made.value.text, made.why) == ("B+", "B+ as the LMS shows it")


@pytest.mark.parametrize("text", ["86.5", "86.5%", "86.5 %"])
def test_a_number_shown_as_text_is_no_letter(text: str) -> None:
    assert converted(graded("86.5", text=text), by=LETTERS, to=Target("letter")).value.text == "B"


def test_points_are_no_letter_even_where_letters_are_numbers() -> None:
    marks = scheme(("1", "0.9"), ("2", "0.5"), ("6", "0"))
    assert converted(graded("2", text="2"), TWENTY, marks, Target("letter")).value.text == "6"
    total = lms.LineItem(lms.COURSE_TOTAL_FINAL, "Total", Decimal(100), kind="course_total")
    assert converted(graded("95", text="1"), total, marks, Target("letter")).value.text == "1"
    assert refused(graded("95", text="2"), total, marks, Target("letter")) == "letter-disagrees"


def test_a_letter_must_be_in_the_sis_scale() -> None:
    to = Target("letter", score_scale=scale(("A", "4"), ("B", "3")))
    assert converted(graded("86.5"), by=LETTERS, to=to).value.text == "B"
    problem = scales.convert(graded("91"), HUNDRED, LETTERS, to)
    assert isinstance(problem, Problem)
    assert problem.code == "grade-not-in-scale"
    assert "A-" not in problem.text
    assert "91" not in problem.text


def test_the_sis_scale_decides_where_the_lms_gives_letters_and_no_scheme() -> None:
    to = Target("letter", score_scale=scale(("A", "4"), ("B", "3")))
    made = converted(graded("86.5", text="B"), LETTERED, to=to)
    assert made.value.text == "B"
    assert made.scheme_version == scales.scheme_version(to.score_scale)
    assert refused(graded("86.5", text="Q"), LETTERED, to=to) == "no-scheme"


def test_a_sis_without_texts_takes_no_letters() -> None:
    assert refused(graded("86.5"), by=LETTERS, to=Target("letter", texts=False)) == "letters-not-taken"


# --- GPA points ---


def test_gpa_by_the_schemes_own_points() -> None:
    made = converted(graded("86.5"), by=ABC, to=Target("gpa", maximum=Decimal(4)))
    assert made.value == sis.Value(Decimal("3.3"))
    assert made.why == "86.5 of 100 = 86.5 %; B from 80 % = 3.3 GPA points"


def test_gpa_by_what_the_sis_scale_says_the_letter_stands_for() -> None:
    to = Target("gpa", score_scale=scale(("A", "4.0"), ("B", "3.25")))
    made = converted(graded("86.5"), by=LETTERS, to=to)
    assert made.value.score == Decimal("3.25")
    versions = f"{scales.scheme_version(LETTERS)}+{scales.scheme_version(to.score_scale)}"
    assert made.scheme_version == versions
    assert len(versions) <= 64


@pytest.mark.parametrize("stated", [(("B", "good"),), (("A", "4"),), (("B", "3"), ("B", "2"))])
def test_gpa_without_stated_points_is_a_problem(stated: tuple[tuple[str, str], ...]) -> None:
    assert refused(graded("86.5"), by=LETTERS, to=Target("gpa", score_scale=scale(*stated))) == "no-scheme"


def test_gpa_above_the_columns_range_is_a_problem() -> None:
    assert refused(graded("95"), by=ABC, to=Target("gpa", maximum=Decimal(3))) == "over-max"


# --- pass or fail ---

PASS_ITEM = lms.LineItem("a", "Essay", Decimal(1), grading_type="pass_fail")


@pytest.mark.parametrize(("said", "own"), [("complete", "CR"), ("incomplete", "NC")])
def test_complete_goes_in_the_sis_scales_own_word(said: str, own: str) -> None:
    to = Target("pass_fail", score_scale=scale(("CR", "Pass"), ("NC", "Fail")))
    made = converted(graded("1", text=said), PASS_ITEM, to=to)
    assert (made.value, made.why) == (sis.Value(text=own), f"{said} in the LMS; {own} in the SIS")
    assert made.scheme_version == scales.scheme_version(to.score_scale)


@pytest.mark.parametrize(
    "entries",
    [(("P", ""), ("F", "")), (("P", "pass"), ("S", "pass"), ("F", "fail")), ()],
    ids=["no words", "two words for a pass", "empty"],
)
def test_a_sis_scale_that_does_not_say_what_a_pass_is_is_a_problem(
    entries: tuple[tuple[str, str], ...],
) -> None:
    assert refused(
        graded("1", text="complete"), PASS_ITEM, to=Target("pass_fail", score_scale=scale(*entries))
    ) == ("no-scheme")


def test_complete_without_any_scale_is_a_problem() -> None:
    assert refused(graded("1", text="complete"), PASS_ITEM, to=Target("pass_fail")) == "no-scheme"
    assert refused(graded("1", text="complete"), PASS_ITEM, ABC, Target("pass_fail")) == "no-scheme"


def test_a_scheme_of_two_grades_decides_by_the_score() -> None:
    by = scheme(("Pass", "0.6"), ("Fail", "0"))
    assert converted(graded("60"), by=by, to=Target("pass_fail")).value.text == "Pass"
    to = Target("pass_fail", score_scale=scale(("P", "Pass"), ("NP", "Fail")))
    made = converted(graded("59.9"), by=by, to=to)
    assert (made.value.text, made.why) == ("NP", "59.9 of 100 = 59.9 %; Fail the lowest grade; NP in the SIS")
    assert made.scheme_version == f"{scales.scheme_version(by)}+{scales.scheme_version(to.score_scale)}"


def test_a_letter_is_no_pass() -> None:
    assert refused(graded("95"), by=ABC, to=Target("pass_fail")) == "no-scheme"
    words = scale(("P", "Pass"), ("F", "Fail"))
    assert refused(graded("95"), by=ABC, to=Target("pass_fail", score_scale=words)) == "grade-not-in-scale"


# --- versions and words ---


def test_a_schemes_version_follows_its_entries_only() -> None:
    same = lms.GradeScheme("2", "Renamed", LETTERS.entries, "the account")
    zeros = scheme(("A", "0.900", "4"), ("B", "0.80", "3.30"), ("C", "0.0", "2.00"))
    assert scales.scheme_version(same) == scales.scheme_version(LETTERS)
    assert scales.scheme_version(zeros) == scales.scheme_version(ABC)
    moved = scheme(("A", "0.91", "4"), ("B", "0.8", "3.3"), ("C", "0", "2"))
    assert scales.scheme_version(moved) != scales.scheme_version(ABC)
    assert scales.scheme_version(None) == ""


def test_points_name_no_scheme_even_where_there_is_one() -> None:
    assert converted(graded("5"), by=LETTERS).scheme_version == ""


results_ = st.builds(
    lms.Result,
    user_id=st.just("u"),
    line_item_id=st.just("a"),
    status=st.sampled_from(lms.Status),
    score=st.none() | st.decimals(allow_nan=True, allow_infinity=True),
    maximum=st.none() | st.decimals(allow_nan=False, allow_infinity=False, min_value=-1, max_value=1000),
    text=st.none() | st.sampled_from(["", "A", "B", "Z", "complete", "incomplete", "12", "50%"]),
    late=st.booleans(),
    missing=st.booleans(),
    score_error=st.sampled_from(["", "not-a-number", "repeated", "not-shown"]),
)
targets_ = st.builds(
    Target,
    kind=st.sampled_from(["points", "percent", "letter", "gpa", "pass_fail"]),
    minimum=st.sampled_from([Decimal(0), Decimal(-5), Decimal(1)]),
    maximum=st.sampled_from([None, Decimal(0), Decimal(5), Decimal(100)]),
    decimals=st.integers(0, 4),
    over_max=st.booleans(),
    flags=st.sampled_from([frozenset(), frozenset({"missing"}), frozenset({"late", "missing"})]),
    texts=st.booleans(),
    score_scale=st.sampled_from([None, scale(("A", "4"), ("B", "3")), scale(("P", "Pass"), ("F", "Fail"))]),
)


@given(results_, st.sampled_from([None, LETTERS, ABC, scheme()]), targets_)
def test_whatever_comes_ends_as_a_value_a_problem_or_nothing(
    result: lms.Result, by: lms.GradeScheme | None, to: Target
) -> None:
    made = scales.convert(result, HUNDRED, by, to)
    assert (made is NOTHING) == scales.is_nothing(result, to)
    if not isinstance(made, Converted):
        return
    value = made.value
    assert not value.is_nothing
    assert value.flags <= to.flags
    assert made.why
    if value.score is not None:
        assert value.score.is_finite()
        assert value.score >= to.minimum
        assert value.score == sis.quantised(value.score, to.decimals)
    if result.status is lms.Status.NOT_GRADED:
        assert value.score is None
        assert value.text is None
