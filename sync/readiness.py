"""Is the LMS course ready to send? What a teacher should settle first, in counts. Pure; nothing here stops a send."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from sync.lms import records as lms
from sync.matching import is_course_student


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is not as it should be: how often, and what to do about it. No name, no grade."""

    code: str
    text: str
    count: int
    fix: str


def checks(gradebook: lms.Gradebook, line_item_ids: Collection[str] | None = None) -> list[Check]:
    """What is not ready among the given line items (None: all that are graded); empty when all is well."""
    items = [one for one in gradebook.line_items if _counts(one, line_item_ids)]
    students = {one.user_id: one for one in gradebook.members if is_course_student(one)}
    wanted = {one.line_item_id for one in items}
    results = [one for one in gradebook.results if one.user_id in students and one.line_item_id in wanted]
    found = [
        _unposted(results),
        _not_graded(results),
        _missing(results),
        _unreadable(results),
        _current_differs(gradebook.results, students),
        _overridden(results),
        _without_maximum(items),
        _without_sis_id(students.values()),
        _incomplete(gradebook),
    ]
    return [one for one in found if one.count]


def _counts(item: lms.LineItem, line_item_ids: Collection[str] | None) -> bool:
    if line_item_ids is not None:
        return item.line_item_id in line_item_ids
    return item.published and item.grading_type != "not_graded"


def _unposted(results: Iterable[lms.Result]) -> Check:
    count = sum(1 for one in results if one.status is lms.Status.GRADED and not one.posted)
    text = f"Grades that are not posted, so that students cannot see them yet: {count}."
    return Check("unposted", text, count, "Post them in the LMS before you send them.")


def _not_graded(results: Iterable[lms.Result]) -> Check:
    count = sum(1 for one in results if one.status is lms.Status.NOT_GRADED and not one.score_error)
    text = f"Results without a grade, which are not sent, and never as a zero: {count}."
    return Check("not-graded", text, count, "Grade them, or excuse the students, in the LMS.")


def _missing(results: Iterable[lms.Result]) -> Check:
    count = sum(
        1 for one in results if one.status is lms.Status.MISSING and one.score is None and not one.text
    )
    text = f"Results that are marked missing and have no score: {count}."
    return Check("missing", text, count, "Enter a zero in the LMS if it should count as one.")


def _unreadable(results: Iterable[lms.Result]) -> Check:
    count = sum(1 for one in results if one.score_error)
    return Check(
        "unreadable", f"Scores that could not be read: {count}.", count, "Enter them again in the LMS."
    )


def _current_differs(results: Iterable[lms.Result], students: Collection[str]) -> Check:
    """ "Final" counts what is missing as zero, "current" leaves it out: where they differ, work is not graded."""
    totals: dict[str, dict[str, tuple[Decimal | None, str | None]]] = defaultdict(dict)
    for one in results:
        if one.user_id in students and one.line_item_id in (lms.COURSE_TOTAL_CURRENT, lms.COURSE_TOTAL_FINAL):
            totals[one.user_id][one.line_item_id] = (one.score, one.text)
    count = sum(1 for both in totals.values() if len(both) == 2 and len(set(both.values())) == 2)
    text = f"Students whose current and final course grade differ, as some work is not graded: {count}."
    return Check(
        "current-differs", text, count, "Grade or excuse that work, or be sure which of the two you send."
    )


def _overridden(results: Iterable[lms.Result]) -> Check:
    count = len({one.user_id for one in results if one.overridden})
    text = f"Students whose course grade was overridden by hand: {count}."
    return Check(
        "override", text, count, "The override is sent, not the computed grade. Check it in the LMS."
    )


def _without_maximum(items: Iterable[lms.LineItem]) -> Check:
    count = sum(1 for one in items if not _is_usable(one.maximum))
    text = f"Assignments without a maximum, so that their scores cannot be scaled: {count}."
    return Check("without-maximum", text, count, "Set the points possible in the LMS.")


def _is_usable(maximum: Decimal | None) -> bool:
    return maximum is not None and maximum.is_finite() and maximum > 0


def _without_sis_id(students: Iterable[lms.Member]) -> Check:
    count = sum(1 for one in students if not one.sis_id.strip())
    text = f"Students without a SIS id in the LMS, matched by other identifiers or by hand: {count}."
    return Check("without-sis-id", text, count, "Ask the LMS administrator to enter SIS ids.")


def _incomplete(gradebook: lms.Gradebook) -> Check:
    text = "The LMS was not read completely. What is there is sent; nothing is withdrawn."
    return Check("incomplete", text, 0 if gradebook.complete else 1, "Read the course again later.")
