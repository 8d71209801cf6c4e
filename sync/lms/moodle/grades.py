"""Line items and results out of the report, and what the report keeps back: said, and never taken for absent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from sync.lms import records as lms
from sync.lms.moodle.functions import SEEING_RIGHTS
from sync.lms.moodle.report import CATEGORY, COURSE, NOT_SHOWN, Column, Pair, Report
from sync.lms.moodle.structure import Assignments, scheme_id_of

HUNDRED: Final = Decimal(100)
MOST_TITLES: Final = 5


@dataclass(frozen=True, slots=True)
class Unseen:
    """What Moodle keeps from the account: whole assignments by title, and single grades."""

    titles: tuple[str, ...]
    grades: frozenset[Pair]
    sees_hidden: bool

    @property
    def nothing(self) -> bool:
        return not self.titles and not self.grades

    @property
    def totals_are_true(self) -> bool:
        """Hidden grades may be left out of totals for who may not see them; hidden activities are not."""
        return not self.grades and (not self.titles or self.sees_hidden)


def unseen(report: Report, listed: Mapping[str, str], students: Collection[str]) -> Unseen:
    """`listed` is Moodle's other list of the course's assignments, which keeps nothing back: titles by number.

    With all rights an item is in every student's report, or in none.
    """
    missing = [title for item_id, title in listed.items() if item_id not in report.columns]
    gaps = _gaps(report)
    sees_hidden = report.proofs_of_sight > 0 and not report.proofs_against and not gaps
    hidden = gaps if sees_hidden else gaps | report.hidden
    grades = frozenset(pair for pair in hidden if pair[0] in students)
    return Unseen(tuple(missing) if report.people else (), grades, sees_hidden)


def _gaps(report: Report) -> set[Pair]:
    """Items that are in the report of some students and not of others: there, the grade itself is hidden."""
    count = len(report.people)
    partly = [one.line_item_id for one in report.columns.values() if not one.is_seen_of_all(count)]
    if not partly:
        return set()
    there = {(one.user_id, one.line_item_id) for one in report.results}
    return {(user_id, item_id) for user_id in report.people for item_id in partly} - there


def results(report: Report, hidden: frozenset[Pair]) -> list[lms.Result]:
    """All that the report says; of a grade that it keeps back only that there may be one."""
    found = [one for one in report.results if (one.user_id, one.line_item_id) not in hidden]
    return found + [
        lms.Result(user_id, item_id, lms.Status.NOT_GRADED, posted=False, score_error=NOT_SHOWN)
        for user_id, item_id in sorted(hidden)
    ]


# --- line items -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of the line items beside the report. `letters`: the id of the scheme for what has no scale."""

    listed: Mapping[str, str]
    assignments: Assignments
    categories: Mapping[str, str]
    schemes: Collection[str]
    letters: str = ""


def line_items(report: Report, around: Surroundings) -> list[lms.LineItem]:
    columns = [one for one in report.columns.values() if one.kind not in (CATEGORY, COURSE)]
    return [_line_item(one, around, position) for position, one in enumerate(columns, start=1)]


def _line_item(column: Column, around: Surroundings, position: int) -> lms.LineItem:
    """An item that Moodle could not compute counts as unpublished: it has no results that could be read."""
    # Moodle's other list leaves out what is set to be graded by nothing
    ungraded = column.item_id not in around.listed and not column.maxima_of_graded
    worded = column.worded and not ungraded
    scheme_id = around.letters
    if worded:
        scheme_id = scheme_id_of(around.assignments.scales.get(column.activity, "")) if column.words else ""
    return lms.LineItem(
        column.item_id,
        column.title or around.listed.get(column.item_id, ""),
        column.maximum,
        grading_type="not_graded" if ungraded else "letter" if worded else "points",
        scheme_id=scheme_id if scheme_id in around.schemes and not ungraded else "",
        due_at=around.assignments.due.get(column.activity),
        category=around.categories.get(column.category_id, ""),
        published=not column.stale,
        position=position,
        category_id=column.category_id if column.category_id in around.categories else "",
    )


def total_item(report: Report, letters: str, position: int) -> lms.LineItem | None:
    """None where the course has none, or Moodle could not compute it. Each result has a maximum of its own, which moves
    with the work that counts; so the item itself is out of 100.
    """
    column = _total(report)
    if column is None or column.stale:
        return None
    return lms.LineItem(
        lms.COURSE_TOTAL_CURRENT,
        "Course total",
        HUNDRED,
        "course_total",
        "percent",
        letters,
        position=position,
    )


def _total(report: Report) -> Column | None:
    return next((one for one in report.columns.values() if one.kind == COURSE), None)


def without_totals(found: Iterable[lms.Result]) -> list[lms.Result]:
    return [one for one in found if one.line_item_id != lms.COURSE_TOTAL_CURRENT]


def tidied(found: Iterable[lms.Result]) -> list[lms.Result]:
    """A total without a grade has no bounds that mean anything."""
    return [
        replace(one, maximum=None)
        if one.line_item_id == lms.COURSE_TOTAL_CURRENT and one.score is None
        else one
        for one in found
    ]


# --- words ----------------------------------------------------------------------------------------


def warnings(report: Report, hidden: Unseen, *, totals: bool, now_known: Sequence[str] = ()) -> list[str]:
    """Sentences for the teacher: counts and titles of assignments, nobody's name and no grade."""
    texts = [*now_known]
    if hidden.titles:
        texts.append(_missing_words(hidden.titles))
    if hidden.grades:
        texts.append(
            f"Hidden grades that Moodle keeps from the account of this connection: {len(hidden.grades)}. They stay in the "
            "SIS as they are. The LMS administrator can grant it moodle/grade:viewhidden."
        )
    if totals and not hidden.totals_are_true:
        texts.append(
            "The course total is not offered: with what Moodle keeps back, it may be another one than the teacher sees."
        )
    return [*texts, *_of_columns(report, totals), *_of_grades(report)]


def _missing_words(titles: Sequence[str]) -> str:
    named = ", ".join(f"“{one}”" for one in titles[:MOST_TITLES])
    more = f" and {len(titles) - MOST_TITLES} more" if len(titles) > MOST_TITLES else ""
    return (
        f"Assignments of this course that Moodle leaves out of its report: {len(titles)} ({named}{more}). Their grades "
        "stay in the SIS as they are, and nothing is withdrawn. The LMS administrator can give the account of this connection "
        f"what it lacks: {SEEING_RIGHTS}."
    )


def _of_columns(report: Report, totals: bool) -> list[str]:
    columns = [one for one in report.columns.values() if one.kind not in (CATEGORY, COURSE)]
    total = _total(report)
    stale = sum(one.stale for one in columns)
    shifted = sum(not one.from_zero and not one.worded for one in columns)
    texts = []
    if stale:
        texts.append(
            f"Assignments that Moodle could not compute (its gradebook shows “Error”): {stale}. Their grades stay in the "
            "SIS as they are. Open the course's gradebook in Moodle and correct the calculation."
        )
    if totals and total is not None and total.stale:
        texts.append(
            "Moodle could not compute the course total, so it is not offered. Open the course's gradebook in Moodle and "
            "correct the calculation."
        )
    if shifted:
        texts.append(
            f"Assignments with a minimum other than zero in Moodle: {shifted}. Their points are counted from that minimum, "
            "as Moodle counts its percentages."
        )
    return texts


def _of_grades(report: Report) -> list[str]:
    if not report.dropped:
        return []
    return [
        f"Grades that do not count in Moodle's totals: {report.dropped}. They are excluded, or dropped as the lowest. "
        "Moodle does not say which, so they are sent like all others."
    ]
