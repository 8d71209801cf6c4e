"""What stands around the grades: categories, due dates, the words of scales, how the course stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from lti_tool import http
from sync.lms import records as lms
from sync.lms.base import text_of
from sync.lms.moodle.report import Pair, Words, cleaned, instant_of

Row = Mapping[str, Any]

FOUR_PLACES: Final = Decimal("0.0001")
MOST_WORDS: Final = 1_000
TOTAL_RULE: Final = (
    "Moodle keeps one course total for each student, out of what counts for this student. Whether ungraded work counts, "
    "how categories weigh and which grades are dropped is set in the course's gradebook setup; Moodle does not tell it."
)


# --- categories -----------------------------------------------------------------------------------


def categories_of(tree: object) -> tuple[lms.Category, ...]:
    """The course's own categories, in Moodle's order. `tree` is a text that holds JSON; the course itself is its root."""
    root = _loaded(tree)
    inner = _walk(root.get("children")) if root else ()
    found = {text_of(one.get("id")): cleaned(one.get("name")) for one in inner}
    found.pop("", None)
    return tuple(
        lms.Category(category_id, title, position=position)
        for position, (category_id, title) in enumerate(found.items(), start=1)
    )


def _loaded(tree: object) -> Row | None:
    try:
        found = http.loads(tree) if isinstance(tree, str) else None
    except http.BadBody:
        return None
    return found if isinstance(found, Mapping) else None


def _walk(children: object) -> Iterator[Row]:
    waiting = [children]
    while waiting:
        rows = waiting.pop()
        for one in rows if isinstance(rows, list) else ():
            if isinstance(one, Mapping) and one.get("iscategory") is True:
                yield one
                waiting.append(one.get("children"))


# --- assignments ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assignments:
    """By activity (module and instance, as a grade item names it): when it is due, and the number of its scale."""

    due: Mapping[Pair, datetime] = field(default_factory=dict)
    scales: Mapping[Pair, str] = field(default_factory=dict)


def assignments_of(courses: Iterable[Row]) -> Assignments:
    due, scales = dict[Pair, datetime](), dict[Pair, str]()
    for row in _assignments(courses):
        activity, grade = ("assign", text_of(row.get("id"))), row.get("grade")
        due_at = instant_of(row.get("duedate"))
        if due_at is not None:
            due[activity] = due_at
        # a negative maximum is Moodle's way to write the number of a scale
        if isinstance(grade, int) and not isinstance(grade, bool) and grade < 0:
            scales[activity] = str(-grade)
    return Assignments(due, scales)


def _assignments(courses: Iterable[Row]) -> Iterator[Row]:
    for course in courses:
        rows = course.get("assignments")
        yield from (one for one in (rows if isinstance(rows, list) else ()) if isinstance(one, Mapping))


# --- scales ---------------------------------------------------------------------------------------


def scheme_id_of(scale_id: str) -> str:
    return f"moodle:scale:{scale_id}"


def words_of(rows: Sequence[Row]) -> Words:
    """A scale's words, lowest first. Empty where one of them cannot be read: part of a scale is another scale."""
    numbers = [row.get("id") for row in rows]
    words = tuple(cleaned(row.get("name")) for row in rows)
    return words if all(words) and numbers == list(range(1, len(rows) + 1)) else ()


def scheme_of(scale_id: str, words: Words) -> lms.GradeScheme | None:
    """The first word is 0 %, the last one 100 %, as Moodle itself counts; a scale of one word has no percentages."""
    if not 2 <= len(words) <= MOST_WORDS:
        return None
    # thirds have no last decimal: cut, never rounded up, so that a word's own percentage reaches its bound
    lowest = [(Decimal(at) / (len(words) - 1)).quantize(FOUR_PLACES, ROUND_DOWN) for at in range(len(words))]
    entries = tuple(lms.SchemeEntry(word, low) for word, low in zip(words, lowest, strict=True))
    source = "the scale that the assignment uses in Moodle"
    return lms.GradeScheme(
        scheme_id_of(scale_id), "Scale", entries[::-1], source, places=None, below_all="none", clamped=True
    )


# --- the course -----------------------------------------------------------------------------------


def state_of(courses: Sequence[Row], course_id: str, now: datetime) -> lms.CourseState:
    """Moodle's end date closes nothing; the course only counts as past from then on."""
    row = next((one for one in courses if text_of(one.get("id")) == course_id), {})
    visible, ends_at = row.get("visible"), instant_of(row.get("enddate"))
    return lms.CourseState(
        published=bool(visible) if isinstance(visible, int) else None,
        concluded=None if "enddate" not in row else ends_at is not None and ends_at < now,
        total_rule=TOTAL_RULE,
    )


def today() -> datetime:
    return datetime.now(UTC)
