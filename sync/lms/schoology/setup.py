"""What a Schoology teacher sets under Grade Setup: grading scales, categories, grading periods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Final

from sync.lms import records as lms
from sync.lms.base import fraction, is_sane, number, text_of
from sync.lms.rest import Row

# a scale of letters by percent; the others are numbers (0) and points with a description (3)
BY_PERCENT: Final = "1"
SOURCE: Final = "this course's Grade Setup"
HUNDRED: Final = Decimal(100)
OTHER: Final = "other"


def figure(stated: object) -> tuple[Decimal | None, str]:
    """A number, or one written as text ("100.00"), as Decimal; with the reason why it is none, as `base.number` has it."""
    if not isinstance(stated, str):
        return number(stated)
    if not stated.strip():
        return None, ""
    try:
        found = Decimal(stated.strip())
    except ArithmeticError:
        return None, "not-a-number"
    return (found, "") if is_sane(found) else (None, "not-a-number")


def count(stated: object) -> int:
    text = text_of(stated)
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def local_time(stated: object, zone: tzinfo | None) -> datetime | None:
    """Schoology's "2014-09-25 11:30:00", which names no zone: without one from the connection, the time is not known."""
    if zone is None:
        return None
    try:
        return datetime.fromisoformat(text_of(stated)).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Setup:
    """All of it, by id; `zone`: that of Schoology's times, where the connection says it."""

    schemes: Mapping[str, lms.GradeScheme]
    categories: Mapping[str, lms.Category]
    periods: Mapping[str, lms.GradingPeriod]
    zone: tzinfo | None = None


# --- scales ---------------------------------------------------------------------------------------


def schemes_of(rows: Iterable[Row]) -> dict[str, lms.GradeScheme]:
    """The scales of letters. How Schoology rounds a bound is not documented: bounds stand as they are."""
    found = [_scheme(row) for row in rows if text_of(row.get("type")) == BY_PERCENT]
    return {scheme.scheme_id: scheme for scheme in found if scheme.scheme_id}


def _scheme(row: Row) -> lms.GradeScheme:
    scale = row.get("scale")
    levels = scale.get("level") if isinstance(scale, Mapping) else None
    entries = [one for one in levels if isinstance(one, Mapping)] if isinstance(levels, list) else []
    return lms.GradeScheme(
        scheme_id=text_of(row.get("id")),
        title=text_of(row.get("title")),
        entries=tuple(lms.SchemeEntry(text_of(one.get("grade")), _lower(one)) for one in entries),
        source=SOURCE,
        places=None,
        below_all="none",
    )


def _lower(level: Row) -> Decimal:
    return fraction(figure(level.get("cutoff"))[0])


# --- categories and periods -----------------------------------------------------------------------


def categories_of(rows: Iterable[Row], *, weighted: bool) -> tuple[lms.Category, ...]:
    found = [_category(row, weighted) for row in rows]
    return tuple(one for one in found if one.category_id)


def _category(row: Row, weighted: bool) -> lms.Category:
    weight, _ = figure(row.get("weight"))
    return lms.Category(
        category_id=text_of(row.get("id")),
        title=text_of(row.get("title")),
        weight=weight if weighted else None,
        drop_lowest=count(row.get("drop_lowest")),
        position=count(row.get("delta")) + 1,
    )


def periods_of(
    rows: Iterable[Row], of_grades: Iterable[Row], zone: tzinfo | None
) -> tuple[lms.GradingPeriod, ...]:
    """Those of the section; and such as only its grades name ("p13011", and "other" where it has a grade)."""
    found = {one.period_id: one for one in _periods(rows, zone)}
    for row in of_grades:
        named = period_of(row)
        if named:
            found.setdefault(
                named, lms.GradingPeriod(named, text_of(row.get("period_title")) or named.title())
            )
    return tuple(found.values())


def period_of(cell: Row) -> str | None:
    """The grading period that a final grade is of, "" for the course; None: a midterm ("a…"), an assignment itself."""
    named = text_of(cell.get("period_id"))
    if named == "final":
        return ""
    if named == OTHER:
        return OTHER
    return named[1:] if named[:1] == "p" and named[1:].isdecimal() else None


def _periods(rows: Iterable[Row], zone: tzinfo | None) -> list[lms.GradingPeriod]:
    found = [
        lms.GradingPeriod(
            text_of(row.get("id")),
            text_of(row.get("title")),
            local_time(row.get("start"), zone),
            local_time(row.get("end"), zone),
        )
        for row in rows
    ]
    return [one for one in found if one.period_id]
