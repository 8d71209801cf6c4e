"""How the pretend LMS computes: letters from a grading standard, a typed grade to a score, course totals. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

Json = dict[str, Any]
Scheme = Sequence[tuple[str, Decimal]]

# what applies where letters are wanted and nobody chose a standard
BUILT_IN: Scheme = tuple(
    (name, Decimal(bound))
    for name, bound in (
        *(("A", "0.94"), ("A-", "0.90"), ("B+", "0.87"), ("B", "0.84"), ("B-", "0.80"), ("C+", "0.77")),
        *(("C", "0.74"), ("C-", "0.70"), ("D+", "0.67"), ("D", "0.64"), ("D-", "0.61"), ("F", "0")),
    )
)
CENT = Decimal("0.01")


def scheme_of(standard: Json | None) -> Scheme:
    if standard is None:
        return BUILT_IN
    return [(entry["name"], Decimal(str(entry["value"]))) for entry in standard["entries"]]


def letter(percent: Decimal, scheme: Scheme) -> str:
    """The highest entry whose bound is reached; the lowest one below all bounds, and for negative scores."""
    ordered = sorted(scheme, key=lambda entry: entry[1], reverse=True)
    reached = (name for name, bound in ordered if max(percent, Decimal(0)) >= round(bound, 4) * 100)
    return next(reached, ordered[-1][0])


def percent_for(name: str, scheme: Scheme) -> Decimal:
    """What a letter typed by the teacher is worth: a point below the next better letter, or midway to it."""
    ordered = sorted(scheme, key=lambda entry: entry[1], reverse=True)
    at = next((i for i, entry in enumerate(ordered) if entry[0].casefold() == name.casefold()), None)
    if at is None:
        raise ValueError("This grade is not in the grading standard.")
    if at == 0:
        return Decimal(100)
    better, own = ordered[at - 1][1] * 100, ordered[at][1] * 100
    return better - 1 if better - 1 >= own else (better + own) / 2


def score_from_text(text: str, assignment: Json, scheme: Scheme) -> Decimal:
    """What the gradebook stores when a teacher types `text` into a cell. Raises ValueError for nonsense."""
    maximum = assignment["maximum"]
    words = {"complete": maximum, "incomplete": Decimal(0)}
    if assignment["grading_type"] == "pass_fail" and text in words:
        return Decimal(words[text] or 0)
    try:
        number = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        return plain(percent_for(text, scheme) * Decimal(maximum or 0) / 100)
    if not number.is_finite():
        raise ValueError("This grade is not a number.")
    return plain(number * Decimal(maximum or 0) / 100) if text.endswith("%") else number


def grade_text(score: Decimal | None, assignment: Json, scheme: Scheme) -> str | None:
    """The `grade` beside the `score`: the same standing in the assignment's own terms."""
    if score is None:
        return None
    kind, maximum = assignment["grading_type"], assignment["maximum"]
    if kind == "pass_fail":
        return "complete" if score > 0 else "incomplete"
    if kind == "points" or not maximum:
        return str(plain(score))
    percent = score * 100 / Decimal(maximum)
    if kind == "percent":
        return f"{plain(percent.quantize(CENT, ROUND_HALF_UP))}%"
    return letter(percent, scheme)


def course_percent(
    assignments: Iterable[Json], submissions: dict[int, Json], *, final: bool
) -> Decimal | None:
    """Points reached of points possible. The final one counts what is ungraded as zero; excused never counts."""
    reached = possible = Decimal(0)
    for assignment in assignments:
        submission = submissions.get(assignment["id"], {})
        score = submission.get("score")
        counted = assignment["published"] and assignment["grading_type"] != "not_graded"
        if not counted or submission.get("excused") or (score is None and not final):
            continue
        reached += Decimal(score or 0)
        possible += Decimal(assignment["maximum"] or 0)
    return (reached * 100 / possible).quantize(CENT, ROUND_HALF_UP) if possible else None


def exact(number: object) -> Decimal:
    """A score as it stands in the document, where a whole number may be an int."""
    return Decimal(str(number))


def plain(number: Decimal) -> Decimal:
    """Without trailing zeros and without an exponent: 9.2570 is 9.257, 1E+1 is 10."""
    return Decimal(f"{number.normalize():f}")
