"""What only Canvas knows of a course: groups' weights and rules, grading periods, late policy, overrides, its state.

All of it lies under `course["canvas"]`, and what is Canvas's own of an assignment under `assignment["canvas"]`; what
nobody set is as in a new course of Canvas.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from gradesync_site.sandbox.lms import grading
from gradesync_site.sandbox.lms.world import World

Json = dict[str, Any]

COURSE: Json = {
    "workflow_state": "available",
    "concluded": False,
    # by the name of the group; None: the course does not weigh by groups
    "weights": None,
    "rules": {},
    "late_policy": None,
    # id, title, start_date, end_date, is_closed
    "grading_periods": [],
    # by user id: score and grade; None: the course lets nobody override
    "overrides": None,
}
ASSIGNMENT: Json = {"omit_from_final_grade": False, "submission_types": ["none"]}
# of a submission, beside what every LMS keeps of a result
SUBMISSION: Json = {
    "pending": False,
    "attempt": None,
    "submitted_at": None,
    "custom_grade_status_id": None,
    "grade_matches_current_submission": True,
}
POLICY: Json = {
    "id": 1,
    "missing_submission_deduction_enabled": False,
    "missing_submission_deduction": Decimal(0),
    "late_submission_deduction_enabled": False,
    "late_submission_deduction": Decimal(0),
    "late_submission_interval": "day",
    "late_submission_minimum_percent_enabled": False,
    "late_submission_minimum_percent": Decimal(0),
}


def of_course(course: Json) -> Json:
    return COURSE | dict(course.get("canvas", {}))


def of_assignment(assignment: Json) -> Json:
    return ASSIGNMENT | dict(assignment.get("canvas", {}))


def change(thing: Json, known: Json, wish: Json) -> Json:
    """Sets what the wish names. Raises ValueError for what there is not."""
    unknown = sorted(wish.keys() - known.keys())
    if unknown:
        raise ValueError(f"Canvas has no {', '.join(unknown)} here. There are: {', '.join(known)}.")
    thing["canvas"] = thing.get("canvas", {}) | wish
    return known | dict(thing["canvas"])


def change_submission(world: World, course: Json, assignment: Json, user_id: int, wish: Json) -> Json:
    row = world.submission(course, assignment["id"], user_id)
    known = SUBMISSION | {"posted": True, "late": False}
    unknown = sorted(wish.keys() - known.keys())
    if unknown:
        raise ValueError(f"A submission of Canvas has no {', '.join(unknown)}.")
    course["submissions"].setdefault(str(assignment["id"]), {})[str(user_id)] = row | wish
    return row | wish


# --- periods and totals ---------------------------------------------------------------------------


def period(course: Json, period_id: str) -> Json | None:
    found: list[Json] = of_course(course)["grading_periods"]
    return next((one for one in found if str(one["id"]) == period_id), None)


def period_of(course: Json, assignment: Json) -> Json | None:
    """By its due date; what has none counts in the last one."""
    found: list[Json] = sorted(of_course(course)["grading_periods"], key=lambda one: one["start_date"])
    due = assignment["due_at"]
    if not found or not due:
        return found[-1] if found else None
    return next((one for one in found if one["start_date"] < due <= one["end_date"]), None)


def percent(
    world: World, course: Json, user_id: int, *, final: bool, within: Json | None = None
) -> Decimal | None:
    """Points of points, or the groups' percentages by their weights. Drop rules are told, not applied."""
    counted = [
        one
        for one in course["assignments"]
        if not of_assignment(one)["omit_from_final_grade"]
        and (within is None or period_of(course, one) == within)
    ]
    own = {one["id"]: world.submission(course, one["id"], user_id) for one in counted}
    weights = of_course(course)["weights"]
    if weights is None:
        return grading.course_percent(counted, own, final=final)
    return _weighted(counted, own, weights, final=final)


def _weighted(counted: Iterable[Json], own: dict[int, Json], weights: Json, *, final: bool) -> Decimal | None:
    """Groups in which nothing counts yet leave their weight to the others."""
    groups: dict[str, list[Json]] = {}
    for one in counted:
        groups.setdefault(one["category"], []).append(one)
    reached = possible = Decimal(0)
    for name, assignments in groups.items():
        of_group = grading.course_percent(assignments, own, final=final)
        if of_group is not None:
            weight = Decimal(weights.get(name, 0))
            reached += of_group * weight
            possible += weight
    return (reached / possible).quantize(grading.CENT, ROUND_HALF_UP) if possible else None
