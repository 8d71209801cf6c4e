"""Which grade a score reaches: as each LMS applies its own cutoffs, and never by a guess.

The rules of the four LMSs are written down here a second time, slowly and in fractions, straight from what is known
of each; the code must say the same for every score.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sync import cutoffs, scales
from sync.cutoffs import Broken, Cutoffs
from sync.lms import records as lms
from sync.planning import Problem
from sync.scales import Converted, Target

CANVAS_DEFAULT = (
    ("A", ".94"), ("A-", ".90"), ("B+", ".87"), ("B", ".84"), ("B-", ".80"), ("C+", ".77"),
    ("C", ".74"), ("C-", ".70"), ("D+", ".67"), ("D", ".64"), ("D-", ".61"), ("F", "0"),
)  # fmt: skip
HUNDRED = Decimal(100)

Bounds = dict[str, Decimal]


def scheme(*entries: tuple[str, ...], **rules: object) -> lms.GradeScheme:
    """Entries as (name, lower) or (name, lower, upper)."""
    made = tuple(
        lms.SchemeEntry(one[0], Decimal(one[1]), upper=Decimal(one[2]) if one[2:] else None)
        for one in entries
    )
    return lms.GradeScheme("1", "Letters", made, "the course", **rules)  # type: ignore[arg-type]  # plain keyword pass-through


def canvas(bounds: Bounds) -> lms.GradeScheme:
    return _scheme(bounds)


def moodle(bounds: Bounds) -> lms.GradeScheme:
    return replace(_scheme(bounds), places=None, below_all="none", clamped=True)


def brightspace(bounds: Bounds) -> lms.GradeScheme:
    return replace(_scheme(bounds), places=None, below_all="none")


def _scheme(bounds: Bounds) -> lms.GradeScheme:
    return lms.GradeScheme("1", "L", tuple(lms.SchemeEntry(*one) for one in bounds.items()), "x")


def letter(by: lms.GradeScheme, score: str | Decimal, maximum: str | Decimal = HUNDRED) -> str | None:
    found = Cutoffs.of(by).reached(Decimal(score), Decimal(maximum))
    return found.name if found else None


# --- the slow, literal readings -------------------------------------------------------------------


def slow_canvas(bounds: Bounds, score: Decimal, maximum: Decimal) -> str | None:
    """`score = 0 if score < 0`, then the greatest of (bound if score >= bound * 100 else -bound)."""
    percent = max(Fraction(score) / Fraction(maximum) * 100, Fraction(0))
    rounded = {name: _to_four_places(bound) for name, bound in bounds.items()}
    return max(rounded, key=lambda name: rounded[name] if percent >= rounded[name] * 100 else -rounded[name])


def slow_moodle(bounds: Bounds, score: Decimal, maximum: Decimal) -> str | None:
    """Percentage bounded to 0..100, then the first boundary from above that it reaches, or "-"."""
    percent = Fraction(score) / Fraction(maximum) * 100
    percent = Fraction(0) if percent < 0 else Fraction(100) if percent > 100 else percent
    for boundary, name in sorted(((bound, name) for name, bound in bounds.items()), reverse=True):
        if percent >= Fraction(boundary) * 100:
            return name
    return None


def slow_brightspace(bounds: Bounds, score: Decimal, maximum: Decimal) -> str | None:
    """The range [start, next start) that holds the unrounded percentage."""
    percent = Fraction(score) / Fraction(maximum)
    starts = sorted((Fraction(bound), name) for name, bound in bounds.items())
    ends = [*(start for start, _ in starts[1:]), None]
    for (start, name), end in zip(starts, ends, strict=True):
        if percent >= start and (end is None or percent < end):
            return name
    return None


def slow_blackboard(by: lms.GradeScheme, score: Decimal, maximum: Decimal) -> str | None:
    """Every symbol whose own range holds the percentage: lower <= p < upper, and p = 100 % in a range up to 100 %."""
    percent = Fraction(score) / Fraction(maximum)
    found = [
        one.name
        for one in by.entries
        if one.upper is not None
        and (one.lower <= percent < one.upper or (percent == 1 and one.upper == 1 and one.lower <= 1))
    ]
    assert len(found) <= 1
    return found[0] if found else None


def _to_four_places(bound: Decimal) -> Fraction:
    return Fraction((Fraction(bound) * 10_000 + Fraction(1, 2)).__floor__(), 10_000)


# --- all scores, all schemes ----------------------------------------------------------------------

NAMES = [f"G{number}" for number in range(12)]
shares = st.decimals(min_value=0, max_value=1, places=6, allow_nan=False)
maxima = st.decimals(min_value=Decimal("0.1"), max_value=1000, places=2, allow_nan=False)
scores = st.decimals(min_value=-50, max_value=1500, places=5, allow_nan=False)


@st.composite
def bounds_(draw: st.DrawFn) -> Bounds:
    lowers = draw(st.lists(shares, min_size=1, max_size=10, unique=True))
    assume(len({_to_four_places(one) for one in lowers}) == len(lowers))
    return dict(zip(NAMES, lowers, strict=False))


@st.composite
def near_a_bound(draw: st.DrawFn, bounds: Bounds) -> tuple[Decimal, Decimal]:
    """A score at a bound, a hair below or above it: where a mistake would show."""
    maximum = draw(st.sampled_from([Decimal(1), Decimal(3), Decimal(20), HUNDRED]))
    lower = draw(st.sampled_from(sorted(bounds.values())))
    hair = draw(st.sampled_from([Decimal(0), Decimal("1e-9"), Decimal("-1e-9"), Decimal("0.00005")]))
    return (lower + hair) * maximum, maximum


RULES: list[tuple[Callable[[Bounds], lms.GradeScheme], Callable[[Bounds, Decimal, Decimal], str | None]]] = [
    (canvas, slow_canvas),
    (moodle, slow_moodle),
    (brightspace, slow_brightspace),
]


@pytest.mark.parametrize(("made", "slow"), RULES, ids=["canvas", "moodle", "brightspace"])
@given(data=st.data())
def test_letters_are_those_of_a_slow_reading_of_the_rule(
    data: st.DataObject,
    made: Callable[[Bounds], lms.GradeScheme],
    slow: Callable[[Bounds, Decimal, Decimal], str | None],
) -> None:
    bounds = data.draw(bounds_())
    score, maximum = data.draw(near_a_bound(bounds) | st.tuples(scores, maxima))
    assert letter(made(bounds), score, maximum) == slow(bounds, score, maximum)


@given(bounds_(), scores, maxima)
def test_every_score_of_canvas_has_exactly_one_letter(
    bounds: Bounds, score: Decimal, maximum: Decimal
) -> None:
    assert letter(canvas(bounds), score, maximum) in bounds


@given(
    bounds_(), st.lists(scores, min_size=2, max_size=8), maxima, st.sampled_from([one for one, _ in RULES])
)
def test_a_higher_score_never_gets_a_lower_letter(
    bounds: Bounds, several: list[Decimal], maximum: Decimal, made: Callable[[Bounds], lms.GradeScheme]
) -> None:
    by = made(bounds)
    reached = [Cutoffs.of(by).reached(score, maximum) for score in sorted(several)]
    lowers = [Decimal(-1) if one is None else one.lower for one in reached]
    assert lowers == sorted(lowers)


@st.composite
def ranges_(draw: st.DrawFn) -> lms.GradeScheme:
    """Blackboard symbols with bounds of their own: some meet, some leave a gap, the top may end anywhere."""
    edges = sorted(draw(st.lists(shares, min_size=2, max_size=8, unique=True)))
    last = draw(st.sampled_from([one for one in (edges[-1], Decimal(1), Decimal("1.2")) if one >= edges[-1]]))
    entries = [
        lms.SchemeEntry(name, low, upper=draw(st.sampled_from([high, (low + high) / 2])))
        for name, (low, high) in zip(NAMES, pairwise([*edges[:-1], last]), strict=False)
    ]
    return lms.GradeScheme("1", "L", tuple(entries), "x", places=None, below_all="none")


@given(ranges_(), st.data())
def test_ranges_of_their_own_hold_a_score_or_nothing_does(by: lms.GradeScheme, data: st.DataObject) -> None:
    edges = [one.lower for one in by.entries] + [one.upper for one in by.entries if one.upper is not None]
    score = data.draw(st.sampled_from(edges) | shares | scores)
    assert letter(by, score, Decimal(1)) == slow_blackboard(by, score, Decimal(1))


# --- each LMS by example --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "found"),
    [("94", "A"), ("93.9999", "A-"), ("61", "D-"), ("60.99", "F"), ("0", "F"), ("-4", "F"), ("130", "A")],
)
def test_canvas_counts_a_negative_score_as_zero_and_gives_the_top_above_it(score: str, found: str) -> None:
    assert letter(scheme(*CANVAS_DEFAULT), score) == found


def test_a_points_based_scheme_of_canvas_has_fractions_for_bounds_too() -> None:
    """Canvas states 4.0 / 3.0 / 2.0 of 4 as value 1.0 / 0.75 / 0.5 with scaling_factor 4."""
    by = replace(scheme(("A", "0.75"), ("B", "0.5"), ("C", "0")), points_based=True)
    assert [letter(by, score, "4") for score in ("3", "2.99", "2", "1.99")] == ["A", "B", "B", "C"]


def test_moodle_gives_no_letter_below_its_lowest_boundary_and_its_top_one_above_all() -> None:
    by = scheme(("A", "0.93"), ("E", "0.4"), places=None, below_all="none", clamped=True)
    assert [letter(by, score) for score in ("120", "93", "92.99999", "40", "39.99999", "-5")] == [
        *("A", "A", "E", "E", None, None)
    ]


def test_moodle_cuts_a_percentage_to_its_ends_before_it_compares() -> None:
    whole = scheme(("A", "0.93"), ("F", "0"), places=None, below_all="none", clamped=True)
    assert letter(whole, "-5") == "F"
    above = scheme(("S", "1.05"), ("A", "0.93"), ("F", "0"), places=None, below_all="none", clamped=True)
    assert letter(above, "110") == "A"


def test_brightspace_compares_the_unrounded_grade() -> None:
    by = scheme(("B", "0.8"), ("C", "0"), places=None, below_all="none")
    assert letter(by, "79.995") == "C"
    assert letter(by, "79.99999999") == "C"
    assert letter(by, "80") == "B"
    assert letter(by, "-1") is None


def test_bounds_are_rounded_only_where_the_lms_rounds_them() -> None:
    entries = (("P", "0.66666"), ("F", "0"))
    assert letter(scheme(*entries), "66.668") == "F"
    assert letter(scheme(*entries, places=None), "66.668") == "P"
    assert letter(scheme(*entries, places=2), "66.99") == "F"


BLACKBOARD = (("A", "0.9", "1"), ("B", "0.8", "0.89"), ("F", "0", "0.8"))


@pytest.mark.parametrize(
    ("score", "found"),
    [
        ("100", "A"), ("90", "A"), ("89.99", None), ("89", None), ("88.99", "B"), ("80", "B"), ("79.99", "F"),
        ("0", "F"), ("-0.01", None), ("100.01", None),
    ],
)  # fmt: skip
def test_blackboards_upper_bounds_are_exclusive_but_for_the_maximum(score: str, found: str | None) -> None:
    assert letter(scheme(*BLACKBOARD, places=None, below_all="none"), score) == found


def test_a_top_symbol_above_the_maximum_takes_what_lies_below_its_end() -> None:
    by = scheme(("A+", "1", "1.2"), ("A", "0.9", "1"), ("F", "0", "0.9"), places=None, below_all="none")
    assert [letter(by, score) for score in ("100", "119.9", "120")] == ["A+", "A+", None]


def test_gaps_are_told() -> None:
    assert cutoffs.gaps(scheme(*BLACKBOARD)) == ((Decimal("0.89"), Decimal("0.9")),)
    assert cutoffs.gaps(scheme(*CANVAS_DEFAULT)) == ()
    assert cutoffs.gaps(scheme(("A", "NaN"))) == ()


@pytest.mark.parametrize(
    "entries",
    [
        (("A", "0.9", "1"), ("B", "0.8", "0.95")),
        (("A", "0.9", "1"), ("B", "0.8", "0.7")),
        (("A", "0.9", "0.8"), ("B", "0", "0.9")),
        (("A", "0.9", "1"), ("B", "0.8", "0.8")),
        (("A", "0.9", "NaN"), ("B", "0", "0.9")),
        (("A", "0.9", "100"), ("B", "0", "0.9")),
    ],
    ids=["overlap", "ends first", "top ends first", "empty", "no number", "percent"],
)
def test_ranges_that_contradict_each_other_decide_nothing(entries: tuple[tuple[str, str, str], ...]) -> None:
    with pytest.raises(Broken):
        Cutoffs.of(scheme(*entries, places=None))


def test_bounds_that_round_to_one_are_broken_only_where_they_are_rounded() -> None:
    entries = (("A", "0.90001"), ("B", "0.9"), ("C", "0"))
    with pytest.raises(Broken):
        Cutoffs.of(scheme(*entries))
    assert letter(scheme(*entries, places=None), "90.0005") == "B"


def test_long_numbers_are_compared_to_their_last_digit() -> None:
    lower, maximum = Decimal("0." + "3" * 90), Decimal("7." + "1" * 50)
    by = replace(scheme(("A", str(lower)), ("B", "0")), places=None)
    with localcontext(prec=300):
        exact = lower * maximum
        hair_below = exact - Decimal("1e-150")
    assert (letter(by, exact, maximum), letter(by, hair_below, maximum)) == ("A", "B")


# --- where grades are converted -------------------------------------------------------------------

LETTERED = lms.LineItem("a", "Essay", HUNDRED, grading_type="letter")


def converted(score: str, by: lms.GradeScheme, text: str | None = None) -> Converted | Problem:
    result = lms.Result("u", "a", lms.Status.GRADED, Decimal(score), text=text)
    made = scales.convert(result, LETTERED, by, Target("letter"))
    assert isinstance(made, Converted | Problem)
    return made


@pytest.mark.parametrize("score", ["89.5", "100.01", "-1"])
def test_a_score_without_a_letter_is_a_problem_and_never_the_next_letter(score: str) -> None:
    made = converted(score, scheme(*BLACKBOARD, places=None, below_all="none"))
    assert isinstance(made, Problem)
    assert (made.code, made.who, made.results) == ("letter-gap", "teacher", 1)
    assert "89" not in made.text


def test_a_letter_that_the_lms_itself_shows_fills_a_gap() -> None:
    by = scheme(*BLACKBOARD, places=None, below_all="none")
    made = converted("100.01", by, text="A")
    assert isinstance(made, Converted)
    assert (made.value.text, made.why) == ("A", "A as the LMS shows it")
    wrong = converted("95", by, text="B")
    assert isinstance(wrong, Problem)
    assert wrong.code == "letter-disagrees"


def test_the_lowest_letter_says_from_where_it_goes_unless_it_takes_all_below() -> None:
    made = converted("45", scheme(("A", "0.9"), ("E", "0.4"), below_all="none"))
    assert isinstance(made, Converted)
    assert made.why == "45 of 100 = 45 %; E from 40 %"


# --- versions -------------------------------------------------------------------------------------


def test_versions_stored_before_there_were_rules_stay_as_they_are() -> None:
    """Computed by the release before: a change here would hold every course's next send for a second look."""
    assert cutoffs.version(scheme(*CANVAS_DEFAULT)) == "665de3bc5717c85e"
    gpa = (lms.SchemeEntry("A", Decimal("0.9"), Decimal("4.0")), lms.SchemeEntry("B", Decimal(0), Decimal(2)))
    assert cutoffs.version(lms.GradeScheme("1", "L", gpa, "x", points_based=True)) == "b374a599be7f4f4b"


def test_a_version_follows_what_the_scheme_does() -> None:
    entries = (("A", "0.9"), ("B", "0.4"))
    others = [
        scheme(*entries),
        scheme(*entries, places=None),
        scheme(*entries, places=2),
        scheme(*entries, below_all="none"),
        scheme(*entries, clamped=True),
        scheme(("A", "0.9", "1"), ("B", "0.4")),
        scheme(("A", "0.9", "1"), ("B", "0.4", "0.9")),
        scheme(("A", "0.9", "1.1"), ("B", "0.4", "0.9")),
    ]
    assert len({cutoffs.version(one) for one in others}) == len(others)


def test_a_version_is_the_same_in_any_order_and_with_any_zeros() -> None:
    one = scheme(("A", "0.9", "1"), ("B", "0.4", "0.9"), below_all="none")
    same = scheme(("B", "0.40", "0.90"), ("A", "0.900", "1.0"), below_all="none")
    assert cutoffs.version(one) == cutoffs.version(same)
