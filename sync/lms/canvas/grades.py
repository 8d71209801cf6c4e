"""Canvas's assignments, submissions and course totals as line items and results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sync.lms import records as lms
from sync.lms.base import instant, number, text_of

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
TOTALS: Final = (
    (lms.COURSE_TOTAL_CURRENT, "Course total (current)", "current"),
    (lms.COURSE_TOTAL_FINAL, "Course total (final)", "final"),
)
HUNDRED: Final = Decimal(100)


@dataclass
class Notes:
    """What the teacher should know of how results were read: how often, never whose."""

    resubmitted: int = 0
    pending: int = 0
    anonymous: int = 0

    def warnings(self) -> list[str]:
        texts = []
        if self.resubmitted:
            texts.append(
                f"{self.resubmitted} results were graded before a newer submission came. The grade as it "
                "stands is used."
            )
        if self.pending:
            texts.append(
                f"{self.pending} quiz results wait for a teacher's review in Canvas. They count as not "
                "graded until then."
            )
        if self.anonymous:
            texts.append(
                f"Students are anonymous on {self.anonymous} assignments. Their grades can be read once "
                "Canvas shows the names."
            )
        return texts


# --- assignments ----------------------------------------------------------------------------------


def line_item(row: Row, scheme_id: str) -> lms.LineItem:
    maximum, _ = number(row.get("points_possible"))
    position = row.get("position")
    return lms.LineItem(
        line_item_id=text_of(row.get("id")),
        title=text_of(row.get("name")),
        maximum=maximum,
        grading_type=grading_type(row),
        scheme_id=scheme_id,
        due_at=instant(row.get("due_at")),
        published=row.get("published") is not False,
        position=position if isinstance(position, int) else 0,
    )


def grading_type(row: Row) -> lms.GradingType:
    return GRADING_TYPES.get(str(row.get("grading_type")), "points")


# --- submissions ----------------------------------------------------------------------------------


def results(rows: Iterable[Row], items: Iterable[lms.LineItem], notes: Notes) -> list[lms.Result]:
    """Rows of assignments that are not among `items` keep their id, so that the accounting can name them."""
    of_id = {item.line_item_id: item for item in items}
    found = []
    for row in rows:
        item_id = text_of(row.get("assignment_id"))
        found.append(result(row, of_id.get(item_id) or lms.LineItem(item_id, ""), notes))
    return found


def result(row: Row, item: lms.LineItem, notes: Notes) -> lms.Result:
    """One submission. A zero is a grade, null is none, and what waits for a review is not graded yet."""
    score, error = number(row.get("score"))
    text = (text_of(row.get("grade")) or None) if item.grading_type in WORDED else None
    status = _status(row, graded=score is not None or text is not None, error=error)
    _note(row, status, score, notes)
    graded = status is lms.Status.GRADED
    return lms.Result(
        user_id=text_of(row.get("user_id")),
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
    )


def _status(row: Row, *, graded: bool, error: str) -> lms.Status:
    if row.get("excused") is True:
        return lms.Status.EXCUSED
    if error or _is_pending(row):
        return lms.Status.NOT_GRADED
    if graded:
        return lms.Status.GRADED
    return lms.Status.MISSING if row.get("missing") is True else lms.Status.NOT_GRADED


def _is_pending(row: Row) -> bool:
    """A quiz with questions that a person must mark: its score is a part, and Canvas leaves it out of totals too."""
    return row.get("workflow_state") == "pending_review"


def _note(row: Row, status: lms.Status, score: Decimal | None, notes: Notes) -> None:
    if status is lms.Status.GRADED and row.get("grade_matches_current_submission") is False:
        notes.resubmitted += 1
    if status is lms.Status.NOT_GRADED and score is not None and _is_pending(row):
        notes.pending += 1


def anonymous_items(rows: Iterable[Row]) -> set[str]:
    """Assignments whose submissions come without a person: they are graded anonymously for now."""
    return {text_of(row.get("assignment_id")) for row in rows if not text_of(row.get("user_id"))}


# --- course totals --------------------------------------------------------------------------------


def total_items(scheme_id: str, position: int) -> list[lms.LineItem]:
    return [
        lms.LineItem(
            item_id, title, HUNDRED, "course_total", "percent", scheme_id, position=position + number
        )
        for number, (item_id, title, _) in enumerate(TOTALS, start=1)
    ]


def totals_are_shown(enrollments: Iterable[Row]) -> bool:
    """Canvas leaves the scores out for a token that may not see them: absent is not null."""
    return all(
        isinstance(one.get("grades"), Mapping) and {"current_score", "final_score"} <= one["grades"].keys()
        for one in enrollments
    )


def letters_are_shown(enrollments: Iterable[Row]) -> bool:
    """Does this course show letters for its totals, by whatever scheme?"""
    return any(
        text_of(one["grades"].get(name))
        for one in enrollments
        if isinstance(one.get("grades"), Mapping)
        for name in ("current_grade", "final_grade")
    )


def total_results(enrollments: Iterable[Row]) -> list[lms.Result]:
    """Two per enrolment: one person's several enrolments say the same, or the accounting finds out."""
    return [_total(one, item_id, which) for one in enrollments for item_id, _, which in TOTALS]


def _total(enrollment: Row, item_id: str, which: str) -> lms.Result:
    grades = enrollment["grades"]
    # a teacher's override stands instead of both computed totals, as it does on Canvas's own pages
    overridden = any(grades.get(name) is not None for name in ("override_score", "override_grade"))
    which = "override" if overridden else which
    score, error = number(grades.get(f"{which}_score"))
    text = text_of(grades.get(f"{which}_grade")) or None
    graded = not error and (score is not None or text is not None)
    return lms.Result(
        user_id=text_of(enrollment.get("user_id")),
        line_item_id=item_id,
        status=lms.Status.GRADED if graded else lms.Status.NOT_GRADED,
        score=score if graded else None,
        maximum=HUNDRED,
        text=text if graded else None,
        score_error=error,
        overridden=overridden,
    )
