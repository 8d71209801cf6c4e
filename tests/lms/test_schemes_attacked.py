"""From an LMS's own JSON to the letter of a score: random schemes, and each LMS's rule read slowly a second time.

The readings start from the JSON as it stands, in fractions, and share no code with the readers: a bound that is lost, cut
or rounded on its way from the answer to the comparison shows here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lti_tool import http
from sync.cutoffs import Broken, Cutoffs
from sync.lms import records as lms
from sync.lms.blackboard.schemas import schemas_of
from sync.lms.brightspace.schemes import Schemes
from sync.lms.canvas.schemes import _scheme as canvas_scheme
from sync.lms.moodle.letters import stated
from sync.lms.schoology.setup import schemes_of

Row = dict[str, Any]
NAMES = ("A", "B+", "B", "C", "D", "E", "F")


def sent(row: Row) -> Row:
    """Through the wire: numbers come as the digits that were sent."""
    made: Row = http.loads(http.dumps(row))
    return made


# --- the readers: from JSON to a scheme -----------------------------------------------------------


def by_canvas(row: Row) -> lms.GradeScheme:
    return canvas_scheme(sent(row), "course:1", "this course")


def by_moodle(row: Row) -> lms.GradeScheme:
    made = stated(row["letters"])
    assert made is not None
    return made


def by_brightspace(row: Row) -> lms.GradeScheme:
    schemes = Schemes({})
    schemes.take([sent(row)], {"1"})
    return schemes.found["1"]


def by_blackboard(row: Row) -> lms.GradeScheme:
    made = schemas_of([sent(row)])["1"].scheme
    assert made is not None
    return made


def by_schoology(row: Row) -> lms.GradeScheme:
    return schemes_of([sent(row)])["1"]


# --- the same rules, slowly, from the JSON --------------------------------------------------------


def slow_canvas(row: Row, percent: Fraction) -> str | None:
    """Each bound at four decimals, a half away from zero; the greatest that the score reaches, else the lowest of all."""
    bounds = {}
    for one in row["grading_scheme"]:
        shifted = Fraction(one["value"]) * 10_000
        whole = shifted.numerator // shifted.denominator
        bounds[one["name"]] = whole + (1 if shifted - whole >= Fraction(1, 2) else 0)
    reached = [name for name in bounds if max(percent, Fraction(0)) * 100 >= bounds[name]]
    if reached:
        return max(reached, key=lambda name: bounds[name])
    return min(bounds, key=lambda name: bounds[name])


def slow_moodle(row: Row, percent: Fraction) -> str | None:
    cut = max(Fraction(0), min(Fraction(100), percent))
    pairs = [part.split("=") for part in row["letters"].split(",")]
    for name, bound in sorted(pairs, key=lambda pair: Fraction(pair[1]), reverse=True):
        if cut >= Fraction(bound):
            return name.strip()
    return None


def slow_starts(pairs: Sequence[tuple[str, Any]], percent: Fraction) -> str | None:
    starts = [(Fraction(bound), name) for name, bound in pairs if percent >= Fraction(bound)]
    return max(starts)[1] if starts else None


def slow_brightspace(row: Row, percent: Fraction) -> str | None:
    return slow_starts([(one["Symbol"], one["PercentStart"]) for one in row["Ranges"]], percent)


def slow_schoology(row: Row, percent: Fraction) -> str | None:
    return slow_starts([(one["grade"], one["cutoff"]) for one in row["scale"]["level"]], percent)


def slow_blackboard(row: Row, percent: Fraction) -> str | None:
    found = []
    for one in row["symbols"]:
        low, high = Fraction(one["lowerBound"]), Fraction(one["upperBound"])
        if low <= percent < high or (percent == high == 100):
            found.append(one["text"])
    assert len(found) <= 1
    return found[0] if found else None


# --- random schemes -------------------------------------------------------------------------------

digits = st.sampled_from([0, 2, 3, 28, 40])


@st.composite
def percents(draw: st.DrawFn, places: st.SearchStrategy[int] = digits) -> list[Decimal]:
    """Lower bounds from the top down, with up to forty decimals: as they come from spreadsheets and divisions."""
    count = draw(st.integers(1, len(NAMES)))
    found = {
        _number(draw(st.integers(0, 100 * 10**exponent)), exponent)
        for exponent in [draw(places)]
        for _ in range(count)
    }
    return sorted(found, reverse=True)


def _number(whole: int, exponent: int) -> Decimal:
    return Decimal((0, tuple(map(int, str(whole))), -exponent))


@st.composite
def canvas_(draw: st.DrawFn) -> Row:
    factor = draw(st.sampled_from([1, 4, 3, 100]))
    values = [
        Decimal((0, one.as_tuple().digits, int(one.as_tuple().exponent) - 2))
        for one in draw(percents(st.integers(0, 8)))
    ]
    assume(len({round(Fraction(one) * 10_000) for one in values}) == len(values))
    rows = [{"name": name, "value": value} for name, value in zip(NAMES, values, strict=False)]
    return {
        "title": "T",
        "grading_scheme": draw(st.permutations(rows)),
        "points_based": factor > 1,
        "scaling_factor": factor,
    }


@st.composite
def moodle_(draw: st.DrawFn) -> Row:
    bounds = draw(percents(st.integers(0, 5)))
    pairs = draw(st.permutations(list(zip(NAMES, bounds, strict=False))))
    return {"letters": ", ".join(f"{name}={bound:f}" for name, bound in pairs)}


@st.composite
def brightspace_(draw: st.DrawFn) -> Row:
    rows = [{"Symbol": name, "PercentStart": one} for name, one in zip(NAMES, draw(percents()), strict=False)]
    return {"Id": 1, "Name": "S", "Ranges": draw(st.permutations(rows))}


@st.composite
def schoology_(draw: st.DrawFn) -> Row:
    as_text = draw(st.booleans())
    levels = [
        {"grade": name, "cutoff": f"{one:f}" if as_text else one}
        for name, one in zip(NAMES, draw(percents()), strict=False)
    ]
    return {"id": 1, "title": "S", "type": 1, "scale": {"level": draw(st.permutations(levels))}}


@st.composite
def blackboard_(draw: st.DrawFn) -> Row:
    """Bounds that meet, and some that leave a gap: an upper one below the next lower one."""
    lowers = draw(percents())
    uppers = [Decimal(100), *lowers[:-1]]
    assume(lowers[0] < 100)
    rows = []
    for name, lower, upper in zip(NAMES, lowers, uppers, strict=False):
        top = upper if draw(st.booleans()) else _between(lower, upper)
        rows.append({"text": name, "lowerBound": lower, "upperBound": top, "absoluteValue": lower})
    return {"id": 1, "title": "S", "scaleType": "Tabular", "symbols": draw(st.permutations(rows))}


def _between(lower: Decimal, upper: Decimal) -> Decimal:
    exponent = min(int(lower.as_tuple().exponent), int(upper.as_tuple().exponent)) - 1
    ten = 10**-exponent
    return _number(int((Fraction(lower) + Fraction(upper)) / 2 * ten), -exponent)


ALL: list[
    tuple[st.SearchStrategy[Row], Callable[[Row], lms.GradeScheme], Callable[[Row, Fraction], str | None]]
] = [
    (canvas_(), by_canvas, slow_canvas),
    (moodle_(), by_moodle, slow_moodle),
    (brightspace_(), by_brightspace, slow_brightspace),
    (blackboard_(), by_blackboard, slow_blackboard),
    (schoology_(), by_schoology, slow_schoology),
]


def bounds_of(row: Row) -> list[Fraction]:
    """Every bound that the JSON says, in percent."""
    found = [Fraction(one["value"]) * 100 for one in row.get("grading_scheme", ())]
    found += [Fraction(part.split("=")[1]) for part in row.get("letters", "").split(",") if part]
    found += [Fraction(one["PercentStart"]) for one in row.get("Ranges", ())]
    found += [Fraction(one[name]) for one in row.get("symbols", ()) for name in ("lowerBound", "upperBound")]
    found += [Fraction(one["cutoff"]) for one in row.get("scale", {}).get("level", ())]
    return found


HAIRS = (Fraction(0), Fraction(1, 10**45), Fraction(-1, 10**45), Fraction(1, 20_000), Fraction(-1, 20_000))


@st.composite
def scores(draw: st.DrawFn, row: Row) -> tuple[Decimal, Decimal]:
    """Of any size, or a hair beside a bound; of a maximum in which the score is a finite decimal."""
    maximum = draw(st.sampled_from([Decimal(1), Decimal(8), Decimal("12.5"), Decimal(100)]))
    percent = draw(st.sampled_from(bounds_of(row))) + draw(st.sampled_from(HAIRS))
    if draw(st.booleans()):
        percent = Fraction(draw(st.integers(-3000, 13_000)), 100)
    exact = percent * Fraction(maximum) / 100
    shifted = exact * 10**60
    assert shifted.denominator == 1
    sign, whole = int(shifted < 0), abs(int(shifted))
    return Decimal((sign, tuple(map(int, str(whole))), -60)), maximum


@pytest.mark.parametrize(
    ("rows", "read", "slow"), ALL, ids=["canvas", "moodle", "brightspace", "blackboard", "schoology"]
)
@given(data=st.data())
def test_a_score_has_the_letter_of_a_slow_reading_of_the_answer(
    data: st.DataObject,
    rows: st.SearchStrategy[Row],
    read: Callable[[Row], lms.GradeScheme],
    slow: Callable[[Row, Fraction], str | None],
) -> None:
    row = data.draw(rows)
    score, maximum = data.draw(scores(row))
    try:
        found = Cutoffs.of(read(row)).reached(score, maximum)
    except Broken:
        pytest.fail(f"a sound scheme is refused: {json.dumps(row, default=str)}")
    assert (found.name if found else None) == slow(row, Fraction(score) / Fraction(maximum) * 100)
