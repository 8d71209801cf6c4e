"""Canvas's assignments and submissions as line items and results."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sync.lms import records as lms
from sync.lms.base import instant, number, text_of
from sync.lms.canvas import course

Row = Mapping[str, Any]

GRADING_TYPES: Final[Mapping[str, lms.GradingType]] = {
    "points": "points",
    "percent": "percent",
    "letter_grade": "letter",
    "gpa_scale": "gpa",
    "pass_fail": "pass_fail",
    "not_graded": "not_graded",
}
# grading types whose `grade` is a word; of the others it is the score once more, as the page shows it
WORDED: Final = frozenset({"letter", "gpa", "pass_fail"})


# --- assignments ----------------------------------------------------------------------------------


def line_item(
    row: Row, scheme_id: str, categories: Mapping[str, lms.Category], *, late_policy: bool
) -> lms.LineItem:
    category = categories.get(text_of(row.get("assignment_group_id")))
    return lms.LineItem(
        line_item_id=text_of(row.get("id")),
        title=text_of(row.get("name")),
        maximum=number(row.get("points_possible"))[0],
        grading_type=grading_type(row),
        scheme_id=scheme_id,
        due_at=instant(row.get("due_at")),
        category=category.title if category else "",
        published=is_published(row),
        position=course.count(row.get("position")),
        category_id=category.category_id if category else "",
        omitted=row.get("omit_from_final_grade") is True,
        late_policy=late_policy and course.falls_under_late_policy(row),
    )


def is_published(row: Row) -> bool:
    return row.get("published") is not False


def grading_type(row: Row) -> lms.GradingType:
    return GRADING_TYPES.get(str(row.get("grading_type")), "points")


# --- submissions ----------------------------------------------------------------------------------


@dataclass
class Found:
    """What was met while reading the submissions of `students`, beside the results: how often, never whose."""

    students: Collection[str] = frozenset()
    resubmitted: int = 0
    pending: int = 0
    custom: int = 0
    # assignments whose submissions come without a person: they are graded anonymously for now
    anonymous: set[str] = field(default_factory=set)
    # by assignment the grading periods that its submissions count in
    periods: dict[str, set[str]] = field(default_factory=dict)

    def period_of(self, line_item_id: str) -> str:
        """The one period that all its submissions count in; students with other due dates may be in another one."""
        found = self.periods.get(line_item_id, set()) - {""}
        return next(iter(found)) if len(found) == 1 else ""

    def warnings(self) -> list[str]:
        texts = []
        if self.resubmitted:
            texts.append(
                f"Results that were graded before a newer submission came: {self.resubmitted}. The grade as it stands is "
                "used."
            )
        if self.pending:
            texts.append(
                f"Quiz results that wait for a teacher's review in Canvas: {self.pending}. They count as not graded "
                "until then."
            )
        if self.custom:
            texts.append(
                f"Results with a status of your institution's own in Canvas: {self.custom}. The status is not sent, and "
                "the grade as it stands is used."
            )
        if self.anonymous:
            texts.append(
                f"Assignments on which students are anonymous: {len(self.anonymous)}. Their grades can be read once "
                "Canvas shows the names."
            )
        return texts


def results(rows: Iterable[Row], items: Mapping[str, lms.LineItem], found: Found) -> list[lms.Result]:
    """Rows of assignments that are not among `items` keep their id, so that the accounting can name them."""
    made = []
    for row in rows:
        item_id = text_of(row.get("assignment_id"))
        if text_of(row.get("user_id")):
            made.append(result(row, items.get(item_id) or lms.LineItem(item_id, ""), found))
        else:
            found.anonymous.add(item_id)
    return made


def result(row: Row, item: lms.LineItem, found: Found) -> lms.Result:
    """One submission. A zero is a grade, null is none, and what waits for a review is not graded yet."""
    score, error = number(row.get("score"))
    # the same few letters and people come again and again: each is held once
    text = (sys.intern(text_of(row.get("grade"))) or None) if item.grading_type in WORDED else None
    user_id = sys.intern(text_of(row.get("user_id")))
    status = _status(row, graded=score is not None or text is not None, error=error)
    if user_id in found.students:
        _note(row, status, item, found)
    graded = status is lms.Status.GRADED
    return lms.Result(
        user_id=user_id,
        line_item_id=item.line_item_id,
        status=status,
        score=score if graded else None,
        maximum=item.maximum,
        text=text if graded else None,
        late=row.get("late") is True,
        missing=row.get("missing") is True,
        graded_at=instant(row.get("graded_at")),
        posted=row.get("posted_at") is not None,
        score_error="" if status is lms.Status.EXCUSED else error,
        attempt=course.count(row.get("attempt")) or None,
    )


def _status(row: Row, *, graded: bool, error: str) -> lms.Status:
    if row.get("excused") is True:
        return lms.Status.EXCUSED
    if error:
        return lms.Status.NOT_GRADED
    # a quiz with questions that a person must mark: its score is a part, and Canvas leaves it out of totals too
    if row.get("workflow_state") == "pending_review":
        return lms.Status.PENDING
    if graded:
        return lms.Status.GRADED
    return lms.Status.MISSING if row.get("missing") is True else lms.Status.NOT_GRADED


def _note(row: Row, status: lms.Status, item: lms.LineItem, found: Found) -> None:
    if status is lms.Status.GRADED and row.get("grade_matches_current_submission") is False:
        found.resubmitted += 1
    if status is lms.Status.PENDING:
        found.pending += 1
    if text_of(row.get("custom_grade_status_id")):
        found.custom += 1
    found.periods.setdefault(item.line_item_id, set()).add(text_of(row.get("grading_period_id")))
