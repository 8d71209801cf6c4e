"""Schoology's grade items, grades and final grades as line items and results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from sync.lms import records as lms
from sync.lms.base import text_of
from sync.lms.rest import Row
from sync.lms.schoology.people import is_set
from sync.lms.schoology.setup import HUNDRED, Setup, figure, local_time, period_of

NO_EXCEPTION: Final = ("", "0")
# 1 and 2 are documented; 3 and 4 are what public clients found in live grade books
EXCUSED, INCOMPLETE, MISSING, LATE = "1", "2", "3", "4"
# the last second of the year 9999
LATEST: Final = 253_402_300_799


@dataclass(slots=True)
class Notes:
    """What a teacher should know of the grades, in counts."""

    incomplete: int = 0
    unknown: int = 0
    unlisted_scales: int = 0
    unpublished_grades: int = 0
    without_id: int = 0

    def warnings(self) -> list[str]:
        said = {
            f"Results that are marked incomplete in Schoology: {self.incomplete}. They count as not graded, never as a "
            "zero.": self.incomplete,
            "Results with a mark that Schoology does not document (absent, collected, ...): "
            f"{self.unknown}. They count by their grade, where they have one.": self.unknown,
            "Assignments with a grading scale that Schoology does not list for this course: "
            f"{self.unlisted_scales}. Where it decides, no letter is sent. Choose a scale of the course in the "
            "assignment.": self.unlisted_scales,
            "Assignments that show their grades to students only when the teacher publishes them: "
            f"{self.unpublished_grades}. Schoology does not say which are published: their grades are sent all the "
            "same.": self.unpublished_grades,
            f"Assignments that came without an id: {self.without_id}. They are left out.": self.without_id,
        }
        return [text for text, number in said.items() if number]


# --- line items -----------------------------------------------------------------------------------


def line_items(rows: Iterable[Row], setup: Setup, notes: Notes) -> list[lms.LineItem]:
    found: dict[str, lms.LineItem] = {}
    for position, row in enumerate(rows, start=1):
        item = _line_item(row, setup, position)
        if not item.line_item_id:
            notes.without_id += 1
            continue
        found.setdefault(item.line_item_id, item)
        notes.unlisted_scales += bool(item.scheme_id) and item.scheme_id not in setup.schemes
        notes.unpublished_grades += _says_no(row.get("auto_publish_grades"))
    return list(found.values())


def _line_item(row: Row, setup: Setup, position: int) -> lms.LineItem:
    maximum, _ = figure(row.get("max_points"))
    scheme_id = _scheme_id(row, setup.schemes)
    category, period = _reference(row.get("grading_category")), _reference(row.get("grading_period"))
    listed = setup.categories.get(category)
    return lms.LineItem(
        line_item_id=text_of(row.get("id")),
        title=text_of(row.get("title")),
        maximum=maximum,
        grading_type=_grading_type(row, category, scheme_id),
        scheme_id=scheme_id,
        due_at=local_time(row.get("due"), setup.zone),
        category=listed.title if listed else "",
        published=not _says_no(row.get("published")),
        position=position,
        category_id=category if listed else "",
        omitted=_says_no(row.get("count_in_grade")),
        period_id=period if period in setup.periods else "",
    )


def _grading_type(row: Row, category: str, scheme_id: str) -> lms.GradingType:
    """Without a category nothing is graded; what is only collected gets no grade."""
    if not category or is_set(row.get("collected_only")):
        return "not_graded"
    return "letter" if scheme_id else "points"


def _scheme_id(row: Row, schemes: Mapping[str, lms.GradeScheme]) -> str:
    """A scale of points is no scheme of letters; whether an unlisted one is, says the item itself."""
    named = _reference(row.get("grading_scale"))
    if named in schemes:
        return named
    return named if text_of(row.get("grading_scale_type")) == "1" else ""


def lettered(rows: Iterable[Row], schemes: Mapping[str, lms.GradeScheme]) -> frozenset[str]:
    """The line items that are graded by a scale of letters."""
    return frozenset(text_of(row.get("id")) for row in rows if _scheme_id(row, schemes))


def _reference(stated: object) -> str:
    """An id; 0 is Schoology's word for none."""
    text = text_of(stated)
    return "" if text == "0" else text


def _says_no(stated: object) -> bool:
    return stated is False or text_of(stated) == "0"


def item_ids(rows: Iterable[Row]) -> dict[str, str]:
    """Line item id by each id that a grade may name it by: its own, else that of the thing that is graded."""
    listed = list(rows)
    of_thing = {text_of(row.get("grade_item_id")): text_of(row.get("id")) for row in listed}
    known = of_thing | {text_of(row.get("id")): text_of(row.get("id")) for row in listed}
    return {named: own for named, own in known.items() if named and own}


# --- results --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Names:
    """Whose and of what a grade is: user ids by enrolment, line item ids by the ids that grades use.

    `lettered`: the line items that have a scale of letters. Elsewhere a grade that is a word is none.
    """

    people: Mapping[str, str]
    items: Mapping[str, str]
    lettered: frozenset[str]

    def person(self, row: Row) -> str:
        enrollment = text_of(row.get("enrollment_id"))
        return self.people.get(enrollment) or f"enrollment:{enrollment}"

    def item(self, row: Row) -> str:
        named = text_of(row.get("assignment_id"))
        return self.items.get(named, named)


def result(row: Row, names: Names, notes: Notes) -> lms.Result:
    """`grade` is what stands, a teacher's override included; a grade that waits for a person is no grade yet."""
    item_id = names.item(row)
    score, text, error = _value(row.get("grade"), lettered=item_id in names.lettered)
    exception = text_of(row.get("exception"))
    status = _status(row, exception, has_grade=score is not None or text is not None)
    maximum, _ = figure(row.get("max_points"))
    _note(exception, notes)
    return lms.Result(
        user_id=names.person(row),
        line_item_id=item_id,
        status=lms.Status.NOT_GRADED if error else status,
        score=score if status in (lms.Status.GRADED, lms.Status.PENDING) else None,
        maximum=maximum,
        text=text if status is lms.Status.GRADED else None,
        late=exception == LATE,
        missing=exception == MISSING,
        graded_at=moment(row.get("timestamp")),
        score_error=error,
        overridden=_is_given(row.get("override")),
    )


def _value(stated: object, *, lettered: bool) -> tuple[Decimal | None, str | None, str]:
    """Score, text and error: a number, a letter ("B+") where there are letters, or neither."""
    score, error = figure(stated)
    if error and lettered and isinstance(stated, str) and not _looks_like_a_number(stated):
        return None, stated.strip(), ""
    return score, None, error


def _looks_like_a_number(text: str) -> bool:
    """ "NaN" and "1e999" are no letters."""
    try:
        Decimal(text.strip())
    except ArithmeticError:
        return False
    return True


def _status(row: Row, exception: str, *, has_grade: bool) -> lms.Status:
    if exception == EXCUSED:
        return lms.Status.EXCUSED
    if exception == INCOMPLETE:
        return lms.Status.NOT_GRADED
    if _is_given(row.get("pending")):
        return lms.Status.PENDING
    if has_grade:
        return lms.Status.GRADED
    return lms.Status.MISSING if exception == MISSING else lms.Status.NOT_GRADED


def _note(exception: str, notes: Notes) -> None:
    notes.incomplete += exception == INCOMPLETE
    notes.unknown += exception not in (*NO_EXCEPTION, EXCUSED, INCOMPLETE, MISSING, LATE)


def _is_given(stated: object) -> bool:
    return stated is True or (isinstance(stated, Decimal) and stated != 0) or text_of(stated) not in ("", "0")


def moment(stated: object) -> datetime | None:
    """A time in seconds since 1970, as a number or as text."""
    text = text_of(stated)
    seconds = int(text) if text.isdecimal() and len(text) < 13 else 0
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds <= LATEST else None


# --- course totals --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finals:
    """The answer's `final_grade`: one row per enrolment, with its standing in each grading period and the course."""

    rows: Sequence[Row]

    def items(self, setup: Setup, position: int) -> list[lms.LineItem]:
        """The course's own total, and one for each grading period that has any."""
        there = {period for _, period, _ in self._cells()}
        totals = [("", "Course total")]
        totals += [
            (one.period_id, f"Total: {one.title}") for one in setup.periods.values() if one.period_id in there
        ]
        scheme_id = self._scheme_id(setup.schemes)
        return [
            lms.LineItem(
                lms.course_total("final", period),
                title,
                HUNDRED,
                "course_total",
                "percent",
                scheme_id,
                position=position + offset,
                period_id=period,
            )
            for offset, (period, title) in enumerate(totals, start=1)
        ]

    def results(self, names: Names) -> list[lms.Result]:
        return [_total(row, period, cell, names) for row, period, cell in self._cells()]

    def periods(self) -> list[Row]:
        """The standings that have a grade: they name their grading period."""
        return [cell for _, _, cell in self._cells() if cell.get("grade") is not None]

    def _cells(self) -> list[tuple[Row, str, Row]]:
        """(row, grading period, its standing)."""
        return [
            (row, period, cell)
            for row in self.rows
            for cell in _mappings(row.get("period"))
            if (period := period_of(cell)) is not None
        ]

    def _scheme_id(self, schemes: Mapping[str, lms.GradeScheme]) -> str:
        """The scale of the totals, where all students' rows name the same one."""
        named = {_reference(row.get("scale_id")) for row in self.rows}
        only = named.pop() if len(named) == 1 else ""
        return only if only in schemes else ""


def _mappings(stated: object) -> list[Row]:
    return [one for one in stated if isinstance(one, Mapping)] if isinstance(stated, list) else []


def _total(row: Row, period: str, cell: Row, names: Names) -> lms.Result:
    lettered = bool(_reference(row.get("scale_id")))
    score, text, error = _value(cell.get("grade"), lettered=lettered)
    graded = score is not None or text is not None
    return lms.Result(
        user_id=names.person(row),
        line_item_id=lms.course_total("final", period),
        status=lms.Status.GRADED if graded else lms.Status.NOT_GRADED,
        score=score,
        maximum=HUNDRED,
        text=text,
        score_error=error,
    )
