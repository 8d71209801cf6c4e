"""Brightspace's grade objects, categories and grade values as line items and results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sync.lms import records as lms
from sync.lms.base import instant, number, text_of
from sync.lms.rest import Row

# `GradeType` of a grade object; a text item is never part of a total, and goes out only where a person links it
GRADING_TYPES: Final[Mapping[str, lms.GradingType]] = {
    "Numeric": "points",
    "PassFail": "pass_fail",
    "SelectBox": "letter",
    "Text": "not_graded",
    "Calculated": "points",
    "Formula": "points",
}
# the gradebook's own columns; their values come from services of their own, or are sums within the course
OWN_COLUMNS: Final = frozenset({"Category", "FinalCalculated", "FinalAdjusted"})


@dataclass(frozen=True, slots=True)
class Column:
    """One grade object: its line item, whether students see it, and the symbols of its scheme."""

    item: lms.LineItem
    hidden: bool
    symbols: frozenset[str]


def columns_of(
    rows: Iterable[Row],
    schemes: Mapping[str, tuple[str, frozenset[str]]],
    categories: Mapping[str, Row],
    due: Mapping[str, datetime],
) -> list[Column]:
    """The grade objects that hold grades. `schemes`: id and symbols by grade object; `categories` by their ids."""
    found = []
    for position, row in enumerate(rows, start=1):
        if type_of(row) in GRADING_TYPES:
            item_id = text_of(row.get("Id"))
            scheme_id, symbols = schemes.get(item_id, ("", frozenset()))
            item = _line_item(row, position, scheme_id, categories, due.get(item_id))
            found.append(Column(item, row.get("IsHidden") is True, symbols))
    return found


def unknown_types(rows: Iterable[Row]) -> int:
    return sum(1 for row in rows if type_of(row) not in (*GRADING_TYPES, *OWN_COLUMNS))


def type_of(row: Row) -> str:
    return text_of(row.get("GradeType"))


def _line_item(
    row: Row, position: int, scheme_id: str, categories: Mapping[str, Row], due_at: datetime | None
) -> lms.LineItem:
    maximum, _ = number(row.get("MaxPoints"))
    # 0, or null: in no category
    category_id = text_of(row.get("CategoryId"))
    category = categories.get(category_id)
    grading_type = GRADING_TYPES[type_of(row)]
    return lms.LineItem(
        line_item_id=text_of(row.get("Id")),
        title=text_of(row.get("Name")),
        maximum=maximum,
        grading_type=grading_type,
        scheme_id=scheme_id,
        due_at=due_at,
        position=position,
        category=text_of((category or {}).get("Name")),
        category_id=category_id if category is not None else "",
        omitted=(
            row.get("ExcludeFromFinalGradeCalculation") is True
            or (category or {}).get("ExcludeFromFinalGrade") is True
            or grading_type == "not_graded"
        ),
    )


def due_times(rows: Iterable[Row]) -> dict[str, datetime]:
    """Due times by grade object, of assignments and quizzes that lead to one; where several do, the last."""
    found: dict[str, datetime] = {}
    for row in rows:
        item_id, due_at = text_of(row.get("GradeItemId")), instant(row.get("DueDate"))
        if item_id and due_at is not None:
            found[item_id] = max(due_at, found.get(item_id, due_at))
    return found


# --- categories -----------------------------------------------------------------------------------


def categories_of(rows: Iterable[Row], *, weighted: bool) -> tuple[lms.Category, ...]:
    return tuple(
        lms.Category(
            category_id=text_of(row.get("Id")),
            title=text_of(row.get("Name")),
            weight=number(row.get("Weight"))[0] if weighted else None,
            drop_lowest=_count(row.get("NumberOfLowestToDrop")),
            drop_highest=_count(row.get("NumberOfHighestToDrop")),
            position=position,
        )
        for position, row in enumerate(rows, start=1)
    )


def _count(stated: object) -> int:
    return stated if isinstance(stated, int) and not isinstance(stated, bool) else 0


# --- grade values ---------------------------------------------------------------------------------


def result(value: Row, user_id: str, column: Column, *, exempt: bool) -> lms.Result:
    """One grade value. A zero is a grade; a value without points and without a word is none."""
    item = column.item
    score, error = number(value.get("PointsNumerator"))
    maximum, _ = number(value.get("PointsDenominator"))
    text = None if error else _word(value, column)
    status = _status(exempt=exempt, graded=not error and (score is not None or text is not None))
    graded = status is lms.Status.GRADED
    return lms.Result(
        user_id=user_id,
        line_item_id=item.line_item_id,
        status=status,
        score=score if graded else None,
        maximum=maximum,
        text=text if graded else None,
        graded_at=instant(value.get("LastModified")),
        posted=not column.hidden,
        score_error="" if exempt else error,
    )


def _status(*, exempt: bool, graded: bool) -> lms.Status:
    if exempt:
        return lms.Status.EXCUSED
    return lms.Status.GRADED if graded else lms.Status.NOT_GRADED


def _word(value: Row, column: Column) -> str | None:
    """The symbol or word that Brightspace shows, where it is one: it may as well show points or a percentage.

    What a numeric item shows counts only with its points: without them it shows a dash.
    """
    shown, kind = text_of(value.get("DisplayedGrade")), column.item.grading_type
    if kind == "not_graded":
        return shown or None
    if kind == "points" and value.get("PointsNumerator") is None:
        return None
    if column.symbols:
        return shown if shown in column.symbols else None
    return shown if kind != "points" and is_word(shown) else None


def is_word(shown: str) -> bool:
    """Not "8 / 10", "80 %", "-" or "- / 10"."""
    return bool(shown) and not re.match(r"[\d.,\s+%/–—-]*([%/]|$)", shown)
