"""Moodle's user report: one student after the other, as columns and results.

A number counts from its own row's `grademin`: so does Moodle's percentage, and a scale's first word is 0 %. In totals
both bounds are each student's own.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any, Final

from sync.errors import Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.base import MOST_DIGITS, MOST_PLACES, number, text_of

Row = Mapping[str, Any]
Words = tuple[str, ...]
Pair = tuple[str, str]

COURSE, CATEGORY, ACTIVITY = "course", "category", "mod"
# a display setting of the user report that is off takes its fields out of every row: they are not null, but absent
SETTINGS: Final = {"graderaw": "Show grades", "grademin": "Show ranges", "grademax": "Show ranges"}
# a code word of `Result.score_error`: Moodle keeps this grade from the account
NOT_SHOWN: Final = "not-shown"
NUMERIC: Final = re.compile(r"[\d\s.,'’%()+\-–—−]*")
TAG: Final = re.compile(r"<[^>]*>")
LONGEST_TEXT: Final = 1_000
LAST_YEAR_9999: Final = 253_402_300_799


@dataclass(slots=True)
class Column:
    """One grade item. `words`: of its scale, where Moodle told them; `worded`: it has a scale, told or not."""

    item_id: str
    title: str
    kind: str
    category_id: str
    activity: Pair
    words: Words = ()
    worded: bool = False
    # Moodle could not compute it: its grades come as null, and are not
    stale: bool = False
    seen: int = 0
    from_zero: bool = True
    maxima_of_graded: Counter[Decimal] = field(default_factory=Counter)
    maxima: Counter[Decimal] = field(default_factory=Counter)

    def is_seen_of_all(self, students: int) -> bool:
        return self.kind == CATEGORY or self.seen == students

    @property
    def line_item_id(self) -> str:
        """Moodle keeps one total; the course's own setting says whether ungraded work counts in it, as in "current"."""
        return lms.COURSE_TOTAL_CURRENT if self.kind == COURSE else self.item_id

    @property
    def maximum(self) -> Decimal | None:
        """Of those without a grade it is the item's own; of the others it may be what it was when they were graded."""
        counted = self.maxima or self.maxima_of_graded
        return max(counted, key=lambda one: (counted[one], one), default=None)


@dataclass(frozen=True, slots=True)
class Person:
    user_id: str
    name: str
    sis_id: str


class Report:
    """What the report says, student by student; `scales` are the words of activities' scales.

    `hidden` are hidden grades that come without a number although there was one, as far as their date tells: so they
    come to an account that may not see them. `proofs_of_sight` are hidden grades that came with their number or
    feedback, `proofs_against` those of which only a date is shown.
    """

    def __init__(self, scales: Mapping[Pair, Words], broken: Callable[[str], TryLater]) -> None:
        self._scales, self._broken = scales, broken
        self.people: dict[str, Person] = {}
        self.columns: dict[str, Column] = {}
        self.results: list[lms.Result] = []
        self.course_sis_id = ""
        self.hidden: set[Pair] = set()
        self.proofs_of_sight = self.proofs_against = 0
        self.dropped = 0

    def add(self, rows: Iterable[Row]) -> None:
        """One row for each student, none of them twice."""
        for row in rows:
            self._add(row)

    def _add(self, row: Row) -> None:
        user_id, items = text_of(row.get("userid")), row.get("gradeitems")
        if not user_id or not isinstance(items, list):
            raise self._broken("grades of nobody")
        name, sis_id = text_of(row.get("userfullname")), text_of(row.get("useridnumber"))
        self.people[user_id] = Person(user_id, name, sis_id)
        self.course_sis_id = self.course_sis_id or text_of(row.get("courseidnumber"))
        seen: set[str] = set()
        for item in items:
            item_id = text_of(item.get("id")) if isinstance(item, Mapping) else ""
            if not item_id or item_id in seen:
                raise self._broken("the same assignment twice, or one without a number")
            seen.add(item_id)
            self._take(user_id, item_id, item)

    def _take(self, user_id: str, item_id: str, row: Row) -> None:
        _check_fields(row)
        column = self.columns.get(item_id)
        if column is None:
            column = self.columns[item_id] = _column(item_id, row, self._scales)
        column.seen += 1
        column.stale = column.stale or row.get("gradeneedsupdate") is True
        if column.kind == CATEGORY:
            return
        result = _result(user_id, column, row)
        self.results.append(result)
        self._look_behind(result, row)

    def _look_behind(self, result: lms.Result, row: Row) -> None:
        graded = result.status is lms.Status.GRADED
        if graded and row.get("status") == "dropped":
            self.dropped += 1
        by_date = row.get("gradehiddenbydate") is True
        self.proofs_against += by_date
        if by_date or (not result.posted and not graded and row.get("gradedategraded") is not None):
            self.hidden.add((result.user_id, result.line_item_id))
        self.proofs_of_sight += not result.posted and (graded or bool(text_of(row.get("feedback"))))


def _check_fields(row: Row) -> None:
    absent = list(dict.fromkeys(SETTINGS[name] for name in SETTINGS if name not in row))
    if not absent:
        return
    named = " and ".join(f"“{one}”" for one in absent)
    text = (
        f"This Moodle course does not show its grades to web services: {named} is off in its user report. The teacher "
        "can switch it on for the course in Grades, Course grade settings, User report; the LMS administrator for all "
        "courses in Site administration, Grades, Report settings, User report."
    )
    raise Misconfigured(text, "grades_not_shown")


def _column(item_id: str, row: Row, scales: Mapping[Pair, Words]) -> Column:
    activity = (text_of(row.get("itemmodule")), text_of(row.get("iteminstance")))
    # more than one number: an outcome, or a second grade of the same activity
    first = row.get("itemnumber") in (0, None) and row.get("outcomeid") is None
    words = scales.get(activity, ()) if first and row.get("itemtype") == ACTIVITY else ()
    shown_range = cleaned(row.get("rangeformatted"))
    return Column(
        item_id,
        text_of(row.get("itemname")),
        text_of(row.get("itemtype")),
        text_of(row.get("categoryid")),
        activity,
        words,
        worded=bool(words) or row.get("outcomeid") is not None or not NUMERIC.fullmatch(shown_range),
    )


def _result(user_id: str, column: Column, row: Row) -> lms.Result:
    raw, error = number(row["graderaw"])
    (low, _), (high, _) = number(row["grademin"]), number(row["grademax"])
    maximum = None if low is None or high is None else _above(high, low)
    if raw is not None and maximum is None:
        raw, error = None, "not-a-number"
    if maximum is not None:
        (column.maxima if raw is None else column.maxima_of_graded)[maximum] += 1
    column.from_zero = column.from_zero and not low
    return lms.Result(
        user_id=user_id,
        line_item_id=column.line_item_id,
        status=lms.Status.NOT_GRADED if raw is None else lms.Status.GRADED,
        score=raw if raw is None or low is None else _above(raw, low),
        maximum=maximum,
        text=None if raw is None else _text(column, row, raw),
        # of a total it is the time when Moodle last computed it
        graded_at=None if raw is None or column.kind == COURSE else instant_of(row.get("gradedategraded")),
        posted=row.get("gradeishidden") is not True,
        score_error=error,
        overridden=row.get("gradeisoverridden") is True,
    )


def _above(value: Decimal, low: Decimal) -> Decimal:
    if not low:
        return value
    with localcontext(prec=MOST_DIGITS + 2 * MOST_PLACES):
        return value - low


def _text(column: Column, row: Row, raw: Decimal) -> str | None:
    """The word of a scale, else the letter where the course shows letters. Numbers as they look are no text."""
    if not column.worded:
        letter = cleaned(row.get("lettergradeformatted"))
        return letter if letter not in ("", "-") else None
    if raw == raw.to_integral_value() and 1 <= raw <= len(column.words):
        return column.words[int(raw) - 1]
    return _word_shown(row) or None


def _word_shown(row: Row) -> str:
    """What stands in the gradebook, unless that course or item shows percentages instead of the scale's words."""
    shown, percent = cleaned(row.get("gradeformatted")), cleaned(row.get("percentageformatted"))
    return "" if NUMERIC.fullmatch(shown) or (percent and percent in shown) else shown


def cleaned(stated: object) -> str:
    """Text without the marks of HTML that Moodle puts around it (a tick for a passing grade) or into it."""
    return html.unescape(TAG.sub("", text_of(stated)[:LONGEST_TEXT])).strip()


def instant_of(stated: object) -> datetime | None:
    """Seconds since 1970; Moodle writes 0 for no time."""
    if isinstance(stated, bool) or not isinstance(stated, int) or not 0 < stated <= LAST_YEAR_9999:
        return None
    return datetime.fromtimestamp(stated, UTC)
