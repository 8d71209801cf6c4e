"""The LMS's words: what a reader returns. Frozen values, no I/O, no Django."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

Scalar = str | int | bool


class Status(StrEnum):
    """What the LMS says of one result."""

    GRADED = "graded"
    NOT_GRADED = "not graded"
    EXCUSED = "excused"
    MISSING = "missing"
    # a part of it waits for a person's mark: there is a score, and it is not the grade yet
    PENDING = "pending review"


LineItemKind = Literal["assignment", "course_total"]
GradingType = Literal["points", "percent", "letter", "gpa", "pass_fail", "not_graded"]

COURSE_TOTAL_CURRENT = "course_total:current"
COURSE_TOTAL_FINAL = "course_total:final"


def course_total(which: str, period_id: str = "") -> str:
    """The line item id of a course total: `which` is current, final, or the LMS's own word for one (calculated,
    adjusted); with `period_id`, the total of that grading period only.
    """
    return f"course_total:{which}:{period_id}" if period_id else f"course_total:{which}"


def parts_of_total(line_item_id: str) -> tuple[str, str]:
    """The inverse of `course_total`: which one, and of which grading period ("": of the whole course).

    Both are empty for a line item that is no course total.
    """
    kind, _, rest = line_item_id.partition(":")
    which, _, period_id = rest.partition(":")
    return (which, period_id) if kind == "course_total" else ("", "")


def has_both_totals(line_item_ids: Collection[str], period_id: str = "") -> bool:
    """Does the LMS show a current total, without ungraded work, beside a final one, with zeros for it?

    Of one alone only the LMS's own rule says what counts in it.
    """
    return {course_total(which, period_id) for which in ("current", "final")} <= set(line_item_ids)


@dataclass(frozen=True, slots=True)
class Course:
    """Which course to read: what the launch said of it, as plain values.

    `custom` holds the custom parameters; a value that is an unresolved variable (starts with "$") is left out.
    """

    context_id: str
    title: str = ""
    lineitems_url: str = ""
    memberships_url: str = ""
    scopes: frozenset[str] = frozenset()
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the course; `sis_id` is the LMS's own word for it, never a custom parameter."""

    section_id: str
    sis_id: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the course. `user_id` is the id by which results of this reader name her.

    Empty text means that the LMS does not say. `test` marks the LMS's made-up "test student".
    """

    user_id: str
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    email: str = ""
    sis_id: str = ""
    login: str = ""
    roles: tuple[str, ...] = ()
    is_student: bool = True
    is_teacher: bool = False
    active: bool = True
    test: bool = False
    # she finished the course: her grades are due, and nobody expects new ones
    concluded: bool = False
    section_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineItem:
    """One gradebook column. `maximum` None: the LMS names none. `scheme_id` points into `Gradebook.schemes`."""

    line_item_id: str
    title: str
    maximum: Decimal | None = None
    kind: LineItemKind = "assignment"
    grading_type: GradingType = "points"
    scheme_id: str = ""
    due_at: datetime | None = None
    category: str = ""
    published: bool = True
    position: int = 0
    category_id: str = ""
    # left out of the course total by the LMS
    omitted: bool = False
    # points are taken off by a rule of the LMS when it comes late or not at all
    late_policy: bool = False
    # the grading period that it counts in
    period_id: str = ""


@dataclass(frozen=True, slots=True)
class Category:
    """A group of line items. `weight` in percent of the course total; None: the course does not weigh by groups."""

    category_id: str
    title: str
    weight: Decimal | None = None
    drop_lowest: int = 0
    drop_highest: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class GradingPeriod:
    """A part of the course with grades of its own. `closed`: the LMS takes no changes there any more."""

    period_id: str
    title: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class CourseState:
    """How the course stands in the LMS; None where the LMS does not say.

    `total_rule` is a sentence for the teacher on how the LMS makes its total ("drops ungraded work", ...).
    """

    published: bool | None = None
    concluded: bool | None = None
    weighted: bool | None = None
    late_policy: bool | None = None
    total_rule: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One student's standing on one line item.

    `score` and `maximum` are Decimal as the LMS wrote them; `text` is a letter or word where the LMS gives one.
    `graded` with neither score nor text cannot be: the reader says NOT_GRADED then. `missing` may come with a
    score (an LMS's missing policy): then status is GRADED and `missing` is True. `score_error` holds the reason
    when the LMS sent something that is not a number, or keeps the grade back (a code word, never the value).
    """

    user_id: str
    line_item_id: str
    status: Status
    score: Decimal | None = None
    maximum: Decimal | None = None
    text: str | None = None
    late: bool = False
    missing: bool = False
    graded_at: datetime | None = None
    posted: bool = True
    score_error: str = ""
    # a teacher typed it in place of what the LMS computed
    overridden: bool = False
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class SchemeEntry:
    """`name` from `lower` upward; `lower` is a fraction of the maximum (0.94 for 94 %), inclusive.

    `upper`, where the LMS states one of its own, is exclusive; None: up to the next entry.
    """

    name: str
    lower: Decimal
    gpa: Decimal | None = None
    upper: Decimal | None = None


# what a score below every bound gets: the lowest grade (Canvas), or none (Moodle, Brightspace)
BelowAll = Literal["lowest", "none"]


@dataclass(frozen=True, slots=True)
class GradeScheme:
    """A grading scheme as fetched. `source` says where it was found, in words a teacher reads.

    The rest is how this LMS applies it: `places`, the decimals to which it rounds its bounds (None: not at all), what
    stands `below_all` bounds, and whether a percentage is first cut to 0..100 (`clamped`).
    """

    scheme_id: str
    title: str
    entries: tuple[SchemeEntry, ...]
    source: str
    points_based: bool = False
    places: int | None = 4
    below_all: BelowAll = "lowest"
    clamped: bool = False


@dataclass(frozen=True, slots=True)
class Gradebook:
    """All of one course as read in one go.

    `complete` is True only when every page of every list was read. A reader raises on a failed or short page: it
    never returns less than there is. `warnings` are sentences for the teacher (no names, no grades). `mark` is the
    reader's own note of how far this read saw, for `Lms.read_since`; empty: the reader reads all each time.
    """

    members: tuple[Member, ...]
    line_items: tuple[LineItem, ...]
    results: tuple[Result, ...]
    sections: tuple[Section, ...] = ()
    schemes: Mapping[str, GradeScheme] = field(default_factory=dict)
    complete: bool = True
    warnings: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    periods: tuple[GradingPeriod, ...] = ()
    state: CourseState = CourseState()
    mark: str = ""
