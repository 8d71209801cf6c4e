"""Brightspace's classlist, sections and course offering as members, sections and the course's state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sync.lms import records as lms
from sync.lms.base import instant, text_of
from sync.lms.rest import Row


@dataclass(frozen=True, slots=True)
class Roles:
    """Who is a student: whom Brightspace shows in the grade book, unless `student` names roles. All in small letters."""

    student: frozenset[str] = frozenset()
    teacher: frozenset[str] = frozenset()


def role_names(stated: str) -> frozenset[str]:
    return frozenset(name for part in stated.split(",") if (name := part.strip().casefold()))


def members_of(
    people: Iterable[Row], in_grades: Collection[str], roles: Roles, places: Mapping[str, tuple[str, ...]]
) -> list[lms.Member]:
    """`in_grades`: the ids of those whom Brightspace shows in the grade book; `places`: section ids by person.

    The classlist names who is enrolled now: who left is not in it.
    """
    return [_member(row, in_grades, roles, places) for row in people]


def _member(
    row: Row, in_grades: Collection[str], roles: Roles, places: Mapping[str, tuple[str, ...]]
) -> lms.Member:
    user_id, role = text_of(row.get("Identifier")), text_of(row.get("ClasslistRoleDisplayName"))
    as_student = role.casefold() in roles.student if roles.student else user_id in in_grades
    given, family = text_of(row.get("FirstName")), text_of(row.get("LastName"))
    return lms.Member(
        user_id=user_id,
        name=text_of(row.get("DisplayName")) or f"{given} {family}".strip(),
        given_name=given,
        family_name=family,
        email=text_of(row.get("Email")),
        sis_id=text_of(row.get("OrgDefinedId")),
        login=text_of(row.get("Username")),
        roles=(role,) if role else (),
        is_student=as_student,
        is_teacher=role.casefold() in roles.teacher,
        section_ids=places.get(user_id, ()),
    )


# --- sections -------------------------------------------------------------------------------------


def sections_of(rows: Iterable[Row]) -> tuple[lms.Section, ...]:
    """A section's code is the SIS's own id of it: Brightspace's SIS integration writes it."""
    return tuple(
        lms.Section(text_of(row.get("SectionId")), text_of(row.get("Code")), text_of(row.get("Name")))
        for row in rows
    )


def places_of(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    """Section ids by person."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        enrolled = row.get("Enrollments")
        for user_id in enrolled if isinstance(enrolled, list) else []:
            found[text_of(user_id)].append(text_of(row.get("SectionId")))
    found.pop("", None)
    return {user_id: tuple(dict.fromkeys(several)) for user_id, several in found.items()}


def whole_course(course: Row) -> lms.Section:
    """A course without sections is one: Brightspace's launches too name its code as the section's then."""
    return lms.Section(
        text_of(course.get("Identifier")), text_of(course.get("Code")), text_of(course.get("Name"))
    )


# --- how the course stands ------------------------------------------------------------------------

# by `GradingSystem` and `IsNullGradeZero`
TOTAL_RULES: Final[Mapping[tuple[str, bool], str]] = {
    (
        "Points",
        False,
    ): "Brightspace adds up the points of all grade items; items without a grade do not count.",
    (
        "Points",
        True,
    ): "Brightspace adds up the points of all grade items; items without a grade count as zero.",
    ("Weighted", False): "Brightspace adds up the weighted grade items; items without a grade do not count.",
    ("Weighted", True): "Brightspace adds up the weighted grade items; items without a grade count as zero.",
    ("Formula", False): "Brightspace uses the course's own formula; items without a grade do not count.",
    ("Formula", True): "Brightspace uses the course's own formula; items without a grade count as zero.",
}
SYSTEMS: Final = frozenset(system for system, _ in TOTAL_RULES)


def state_of(course: Row | None, setup: Row) -> lms.CourseState:
    system, null_is_zero = text_of(setup.get("GradingSystem")), setup.get("IsNullGradeZero")
    active = (course or {}).get("IsActive")
    ends = instant((course or {}).get("EndDate"))
    return lms.CourseState(
        published=active if isinstance(active, bool) else None,
        concluded=None if course is None else ends is not None and ends < datetime.now(UTC),
        weighted=system == "Weighted" if system in SYSTEMS else None,
        total_rule=TOTAL_RULES.get((system, null_is_zero), "") if isinstance(null_is_zero, bool) else "",
    )
