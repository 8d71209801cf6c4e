"""Our records as rows of the binding and back. Pure, and dull on purpose.

Dates are plain days here, also those of line items; numbers are written digit for digit.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Final

from sync.sis import records as sis
from sync.sis.oneroster_csv.tables import Row

# which column names the session of a line item
SESSION: Final = {"1.1": "gradingPeriodSourcedId", "1.2": "academicSessionSourcedId"}


def derived(*parts: str) -> str:
    """An id of our own, the same each time it is asked for."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(("gradesync", "csv", *parts))))


# --- line items -------------------------------------------------------------------------------------------------


def line_item_row(new: sis.NewLineItem, category_id: str, version: str) -> Row:
    row = {
        "sourcedId": new.sourced_id,
        "title": new.title,
        "description": new.description,
        "assignDate": new.assigned.astimezone(UTC).date().isoformat(),
        "dueDate": new.due.astimezone(UTC).date().isoformat(),
        "classSourcedId": new.class_id,
        "categorySourcedId": category_id,
        SESSION[version]: new.session_id,
        "resultValueMin": sis.plain(new.minimum),
        "resultValueMax": sis.plain(new.maximum),
    }
    return row if version == "1.1" else row | {"schoolSourcedId": new.school_id}


def line_item(row: Row, scale_id: str = "") -> sis.LineItem:
    due = day(row.get("dueDate", ""))
    return sis.LineItem(
        sourced_id=row["sourcedId"],
        title=row.get("title", ""),
        class_id=row.get("classSourcedId", ""),
        minimum=number(row.get("resultValueMin", "")),
        maximum=number(row.get("resultValueMax", "")),
        category_id=row.get("categorySourcedId", ""),
        session_id=row.get(SESSION["1.2"], "") or row.get(SESSION["1.1"], ""),
        score_scale_id=scale_id,
        due=datetime.combine(due, time(), UTC) if due else None,
    )


def item_scale_row(item_id: str, scale: sis.ScoreScale) -> Row:
    return {
        "sourcedId": derived(item_id, scale.sourced_id),
        "title": scale.title,
        "lineItemSourcedId": item_id,
        "scoreScaleSourcedId": scale.sourced_id,
    }


def scale_of_items(links: Iterable[Row]) -> dict[str, str]:
    return {row.get("lineItemSourcedId", ""): row.get("scoreScaleSourcedId", "") for row in links}


def score_scale(row: Row) -> sis.ScoreScale:
    """`scoreScaleValue` is a list such as {90-100:A},{80-89:B}; a scale of texts is written {A:A},{B:B}."""
    pairs = [part.strip().strip("{}").partition(":") for part in row.get("scoreScaleValue", "").split("},")]
    entries = tuple((left.strip(), right.strip()) for left, _, right in pairs if left.strip())
    return sis.ScoreScale(row["sourcedId"], row.get("title", ""), entries)


# --- results ----------------------------------------------------------------------------------------------------


def result_row(change: sis.Change, sourced_id: str, version: str, flags: frozenset[str], today: date) -> Row:
    """One grade; taken back (`after` None): the row that says so, with the score it had, as 1.1 wants one."""
    value = change.after or change.before or sis.Value(status=sis.ScoreStatus.NOT_SUBMITTED)
    row = {
        "sourcedId": sourced_id,
        "status": "" if change.after is not None else "tobedeleted",
        "lineItemSourcedId": change.key.line_item_id,
        "studentSourcedId": change.key.student_id,
        "scoreStatus": str(value.status),
        "score": _score(value, version),
        "scoreDate": (change.score_date or today).isoformat(),
        "comment": change.comment,
    }
    if version == "1.1":
        return row
    marks = {flag: str(flag in value.flags).lower() for flag in flags}
    return row | {"textScore": value.text or "", "classSourcedId": change.key.class_id} | marks


def _score(value: sis.Value, version: str) -> str:
    """1.1 requires a score on every row: an excused one (only where the connection allows it) carries a zero."""
    if value.score is not None:
        return sis.plain(value.score)
    return "0" if version == "1.1" else ""


def result(row: Row, class_id: str, flags: frozenset[str]) -> sis.Result:
    status = row.get("scoreStatus", "") or sis.ScoreStatus.FULLY_GRADED
    score = None if status == sis.ScoreStatus.EXEMPT else number(row.get("score", ""))
    held = frozenset(flag for flag in flags if row.get(flag, "").lower() == "true")
    value = sis.Value(score, row.get("textScore", "") or None, status, held)
    return sis.Result(
        sourced_id=row["sourcedId"],
        class_id=class_id,
        line_item_id=row.get("lineItemSourcedId", ""),
        student_id=row.get("studentSourcedId", ""),
        value=None if value.is_nothing else value,
        score_date=day(row.get("scoreDate", "")),
        comment=row.get("comment", ""),
    )


def result_scale_row(result_row: Row, scale_id: str) -> Row:
    return {
        "sourcedId": derived(result_row["sourcedId"], scale_id),
        "status": result_row.get("status", ""),
        "title": "",
        "resultSourcedId": result_row["sourcedId"],
        "scoreScaleSourcedId": scale_id,
    }


# --- cells ------------------------------------------------------------------------------------------------------


def number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    # far more than any grade, and short to write out
    sane = found.is_finite() and found.adjusted() <= 15 and int(found.as_tuple().exponent) >= -100
    return found if sane else None


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def by_id(rows: Iterable[Row]) -> Mapping[str, Row]:
    return {row["sourcedId"]: row for row in rows}
