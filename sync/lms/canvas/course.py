"""What Canvas says of the course itself: its state, grading periods, assignment groups and late policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sync.lms import records as lms
from sync.lms.base import instant, number, text_of

Row = Mapping[str, Any]

# by whether assignment groups are weighted, and whether some of them drop grades
RULES: Final = {
    (False, False): "Canvas's current total leaves ungraded work out, and its final total counts it as zero.",
    (True, False): (
        "Canvas's current total leaves ungraded work out, and its final total counts it as zero. Assignment groups are "
        "weighted."
    ),
    (False, True): (
        "Canvas's current total leaves ungraded work out, and its final total counts it as zero. Some assignment groups "
        "drop the lowest or highest grades."
    ),
    (True, True): (
        "Canvas's current total leaves ungraded work out, and its final total counts it as zero. Assignment groups are "
        "weighted, and some drop the lowest or highest grades."
    ),
}
# types of submission that can be neither late nor missing by the clock: nothing is handed in
NOTHING_HANDED_IN: Final = frozenset({"", "none", "not_graded", "on_paper"})


def is_concluded(course: Row) -> bool:
    """By itself, or by the dates of its term."""
    return course.get("workflow_state") == "completed" or course.get("concluded") is True


def state_of(course: Row, categories: Iterable[lms.Category], *, late_policy: bool | None) -> lms.CourseState:
    stated = course.get("workflow_state")
    weighted = _flag(course.get("apply_assignment_group_weights"))
    drops = any(one.drop_lowest or one.drop_highest for one in categories)
    return lms.CourseState(
        published=stated in ("available", "completed") if isinstance(stated, str) else None,
        concluded=is_concluded(course) if isinstance(stated, str) else None,
        weighted=weighted,
        late_policy=late_policy,
        total_rule=RULES[bool(weighted), drops],
    )


def _flag(stated: object) -> bool | None:
    return stated if isinstance(stated, bool) else None


def categories_of(groups: Iterable[Row], *, weighted: bool) -> tuple[lms.Category, ...]:
    return tuple(_category(row, weighted) for row in groups)


def _category(row: Row, weighted: bool) -> lms.Category:
    rules = row.get("rules")
    stated: Row = rules if isinstance(rules, Mapping) else {}
    return lms.Category(
        category_id=text_of(row.get("id")),
        title=text_of(row.get("name")),
        weight=number(row.get("group_weight"))[0] if weighted else None,
        drop_lowest=count(stated.get("drop_lowest")),
        drop_highest=count(stated.get("drop_highest")),
        position=count(row.get("position")),
    )


def count(stated: object) -> int:
    return stated if isinstance(stated, int) and not isinstance(stated, bool) and stated > 0 else 0


def periods_of(rows: Iterable[Row]) -> tuple[lms.GradingPeriod, ...]:
    """Those with an id, each once."""
    found = {text_of(row.get("id")): row for row in rows}
    return tuple(
        lms.GradingPeriod(
            period_id,
            text_of(row.get("title")) or period_id,
            instant(row.get("start_date")),
            instant(row.get("end_date")),
            row.get("is_closed") is True,
        )
        for period_id, row in found.items()
        if period_id
    )


def deducts(policy: Row) -> bool:
    """Does this late policy take points off for anything?"""
    return any(policy.get(f"{what}_submission_deduction_enabled") is True for what in ("late", "missing"))


def falls_under_late_policy(assignment: Row) -> bool:
    """Of what is graded in points, percent, letters or GPA points, and handed in where Canvas sees the time."""
    if assignment.get("grading_type") in ("pass_fail", "not_graded"):
        return False
    kinds = assignment.get("submission_types")
    return not isinstance(kinds, list) or bool({str(one) for one in kinds} - NOTHING_HANDED_IN)
