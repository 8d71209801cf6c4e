"""Learn's grades of a column as results.

What a number stands for is said by two fields. `score` is in points. Where it is absent (the reference's example, and
recorded answers of overall grades) `displayGrade.score` is the only one: in points for the scale Score, a percentage for
Percent (recorded: 96.54116 beside 19.16 possible). For the others it is written nowhere, so it counts only where both
readings agree, or one of them alone fits the letter beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sync.lms import records as lms
from sync.lms.base import instant, number, text_of
from sync.lms.blackboard.columns import MANUAL, Column
from sync.lms.blackboard.people import part
from sync.lms.blackboard.schemas import WORDED, holds

Row = Mapping[str, Any]

HUNDRED: Final = Decimal(100)
NEEDS_GRADING: Final = "NeedsGrading"
# reasons why a number is not taken
CORRUPT, UNCLEAR = "corrupt", "unclear"


@dataclass(frozen=True, slots=True)
class Number:
    """What a row says in numbers: `score` out of `maximum`, or why not."""

    score: Decimal | None
    maximum: Decimal | None
    error: str = ""


def notation_of(row: Row) -> str:
    """The id of the grade notation ("W", "Incomplete") that stands in place of a grade; empty: none."""
    return "" if row.get("exempt") is True else text_of(row.get("gradeNotationId"))


def result(row: Row, column: Column) -> lms.Result:
    """One grade. A zero is a grade, null is none, and what needs grading is none yet, whatever stands there."""
    noted = bool(notation_of(row))
    text = _text(row, column, noted)
    found = Number(None, column.maximum) if noted else _number(row, column, text)
    status = _status(row, found, text)
    graded, pending = status is lms.Status.GRADED, status is lms.Status.PENDING
    return lms.Result(
        user_id=text_of(row.get("userId")),
        line_item_id=column.item.line_item_id,
        status=status,
        score=found.score if graded or pending else None,
        maximum=found.maximum,
        text=text if graded else None,
        graded_at=instant(row.get("overridden")),
        posted=column.shown,
        score_error="" if status is lms.Status.EXCUSED else found.error,
        # in a column that is filled by hand there is nothing to override
        overridden=noted or (column.kind != MANUAL and bool(text_of(row.get("overridden")))),
    )


def _status(row: Row, found: Number, text: str | None) -> lms.Status:
    if row.get("exempt") is True:
        return lms.Status.EXCUSED
    if found.error or (found.score is None and text is None):
        return lms.Status.NOT_GRADED
    # a score that needs grading waits for the rest of it, or to be posted ("ReadyToPost" in the reference)
    return lms.Status.PENDING if row.get("status") == NEEDS_GRADING else lms.Status.GRADED


def _text(row: Row, column: Column, noted: bool) -> str | None:
    shown = part(row, "displayGrade")
    if not noted and _scale(shown, column) not in WORDED:
        return None
    return text_of(shown.get("text")) or text_of(row.get("text")) or None


def _scale(shown: Row, column: Column) -> str:
    return text_of(shown.get("scaleType")) or column.scale


def _number(row: Row, column: Column, text: str | None) -> Number:
    shown = part(row, "displayGrade")
    possible, _ = number(shown.get("possible"))
    # a computed column's maximum moves with the work that counts
    out_of = possible if possible is not None and possible > 0 else column.maximum
    if row.get("corrupt") is True:
        return Number(None, out_of, CORRUPT)
    score, error = number(row.get("score"))
    if score is not None or error:
        return Number(score, out_of, error)
    score, error = number(shown.get("score"))
    scale = _scale(shown, column)
    if score is None or scale == "Score":
        return Number(score, out_of, error)
    if scale == "Percent" or out_of == HUNDRED:
        return Number(score, HUNDRED)
    return _settled(score, out_of, column, text)


def _settled(score: Decimal, out_of: Decimal | None, column: Column, text: str | None) -> Number:
    """Points or a percentage? By the letter, where it fits one of them only; else the word alone is taken."""
    fits = [
        possible
        for possible in (out_of, HUNDRED)
        if text and possible and column.scheme and holds(column.scheme, text, score, possible)
    ]
    if len(fits) == 1:
        return Number(score, fits[0])
    return Number(None, out_of, "" if text else UNCLEAR)
