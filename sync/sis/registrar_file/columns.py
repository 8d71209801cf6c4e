"""What stands in which column of a registrar's file: read from the option, and filled for one grade. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sync.errors import Misconfigured
from sync.sis import records as sis

FIELDS: Final = (
    *("student_id", "grade", "class_id", "term", "subject", "course", "section"),
    *("given_name", "family_name", "name"),
    *("last_attended", "lapses_to", "extended_to"),
)
COLUMN: Final = re.compile(
    r"(?P<title>[^=]*)=\s*(?:'(?P<fixed>[^']*)'|(?P<field>\w+))"
    r"(?:\s+for\s+(?P<grades>[^;]*?))?(?P<once>\s+once)?\s*"
)
# a cell that a spreadsheet would take for a formula
FORMULA: Final = re.compile(r"^[=+\-@\t\r]")
# what no spreadsheet can hold: control characters, and halves of a character
UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, what it holds (`field`, or always `fixed`), for which grades, and whether in row one only."""

    title: str
    field: str = ""
    fixed: str = ""
    grades: frozenset[str] = frozenset()
    once: bool = False


@dataclass(frozen=True, slots=True)
class Filling:
    """One row's facts."""

    student: sis.Person
    value: sis.Value | None
    class_id: str
    date_format: str
    upper: bool


def parse(text: str) -> tuple[Column, ...]:
    """The columns of an option's text: `Term Code=term; CRN=section; Reason='NR'; Date=last_attended for F, NP`.

    Raises Misconfigured for what cannot be read, and where no column holds the student or the grade.
    """
    columns = tuple(_column(part) for part in text.split(";") if part.strip())
    held = {one.field for one in columns}
    if not {"student_id", "grade"} <= held:
        raise _unusable("it needs a column for student_id and one for grade")
    return columns


def _column(part: str) -> Column:
    found = COLUMN.fullmatch(part.strip())
    if found is None or (found["field"] and found["field"] not in FIELDS):
        raise _unusable(f"“{part.strip()}” cannot be read")
    grades = frozenset(one.strip() for one in (found["grades"] or "").split(",") if one.strip())
    return Column(
        found["title"].strip(), found["field"] or "", found["fixed"] or "", grades, once=bool(found["once"])
    )


def _unusable(why: str) -> Misconfigured:
    text = (
        f"The option “columns” of the connection cannot be used: {why}. An administrator must write it as Heading=field, "
        f"apart by semicolons. Fields: {', '.join(FIELDS)}."
    )
    return Misconfigured(text, "columns_unreadable")


def cells(columns: tuple[Column, ...], filling: Filling, *, first: bool) -> list[str]:
    """The row's cells as text, in order. A withdrawn grade is an empty cell."""
    grade = (filling.value.text or "") if filling.value else ""
    return [
        safe(_cell(one, filling))
        if (not one.once or first) and (not one.grades or grade in one.grades)
        else ""
        for one in columns
    ]


def _cell(column: Column, filling: Filling) -> str:
    if not column.field:
        return column.fixed
    return _VALUES[column.field](filling)


def safe(text: str) -> str:
    """Text that a spreadsheet can hold and takes for no formula. Ids, grades like “A-” and dates are never touched at their end."""
    held = UNWRITABLE.sub("?", text)
    return f"'{held}" if FORMULA.match(held) else held


def _grade(filling: Filling) -> str:
    if filling.value is None:
        return ""
    text = filling.value.text or ("" if filling.value.score is None else sis.plain(filling.value.score))
    return text.upper() if filling.upper else text


def _part(name: str) -> Callable[[Filling], str]:
    """One part of a class id “term/section”, or “term/subject/course/section”."""

    def part(filling: Filling) -> str:
        parts = filling.class_id.split("/")
        names = ("term", "subject", "course", "section") if len(parts) == 4 else ("term", "section")
        return dict(zip(names, parts, strict=False)).get(name, "") if len(parts) > 1 else filling.class_id

    return part


def _day(day: date | None, filling: Filling) -> str:
    return day.strftime(filling.date_format) if day else ""


def _attended(filling: Filling) -> str:
    extras = _extras(filling)
    return "never" if extras.never_attended else _day(extras.last_attended, filling)


def _extras(filling: Filling) -> sis.Extras:
    return (filling.value.extras if filling.value else None) or sis.Extras()


_VALUES: Final[Mapping[str, Callable[[Filling], str]]] = {
    "student_id": lambda one: one.student.sourced_id,
    "grade": _grade,
    "class_id": lambda one: one.class_id,
    **{name: _part(name) for name in ("term", "subject", "course", "section")},
    "given_name": lambda one: one.student.given_name,
    "family_name": lambda one: one.student.family_name,
    "name": lambda one: f"{one.student.family_name}, {one.student.given_name}".strip(", "),
    "last_attended": _attended,
    "lapses_to": lambda one: _extras(one).lapses_to,
    "extended_to": lambda one: _day(_extras(one).extended_to, one),
}
