"""Canvas's enrolments and sections as members: one person, however many sections she sits in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sync.lms import records as lms
from sync.lms.base import text_of

Row = Mapping[str, Any]

STUDENT, TEST_STUDENT, TEACHER = "StudentEnrollment", "StudentViewEnrollment", "TeacherEnrollment"
STATES: Final = ("active", "invited", "completed", "inactive")


def members_of(
    enrollments: Iterable[Row], emails: Mapping[str, str], *, course_concluded: bool
) -> list[lms.Member]:
    """One member per person; `emails` by user id where the enrolments do not say them.

    In a concluded course a completed enrolment still counts: its grades are due then.
    """
    of_person: dict[str, list[Row]] = defaultdict(list)
    for one in enrollments:
        of_person[text_of(one.get("user_id"))].append(one)
    of_person.pop("", None)
    return [
        _member(user_id, several, emails.get(user_id, ""), course_concluded)
        for user_id, several in of_person.items()
    ]


def emails_are_shown(enrollments: Iterable[Row]) -> bool:
    return any("email" in one["user"] for one in enrollments if isinstance(one.get("user"), Mapping))


def is_current(enrollment: Row, *, course_concluded: bool) -> bool:
    state = enrollment.get("enrollment_state")
    return state in ("active", "invited") or (course_concluded and state == "completed")


def is_student(enrollment: Row) -> bool:
    return enrollment.get("type") in (STUDENT, TEST_STUDENT)


def _member(user_id: str, several: list[Row], email: str, course_concluded: bool) -> lms.Member:
    as_student = [one for one in several if is_student(one)]
    counted = as_student or several
    current = [one for one in counted if is_current(one, course_concluded=course_concluded)]
    person: Row = next((one["user"] for one in several if isinstance(one.get("user"), Mapping)), {})
    given, family = _names(person)
    return lms.Member(
        user_id=user_id,
        name=text_of(person.get("name")),
        given_name=given,
        family_name=family,
        email=text_of(person.get("email")) or email,
        sis_id=_sis_id(several, person),
        login=text_of(person.get("login_id")),
        roles=tuple(dict.fromkeys(text_of(one.get("type")) for one in several)),
        is_student=bool(as_student),
        is_teacher=any(one.get("type") == TEACHER for one in several),
        active=bool(current),
        test=any(one.get("type") == TEST_STUDENT for one in several),
        section_ids=tuple(dict.fromkeys(_sections(current or counted))),
    )


def _sections(enrollments: Iterable[Row]) -> list[str]:
    found = [text_of(one.get("course_section_id")) for one in enrollments]
    return [one for one in found if one]


def _sis_id(several: Iterable[Row], person: Row) -> str:
    stated = [text_of(one.get("sis_user_id")) for one in several] + [text_of(person.get("sis_user_id"))]
    return next((one for one in stated if one), "")


def _names(person: Row) -> tuple[str, str]:
    """Given and family name; Canvas always gives the sortable form "Family, Given"."""
    family, comma, given = text_of(person.get("sortable_name")).partition(",")
    return (given.strip(), family.strip()) if comma else ("", "")


def sections_of(rows: Iterable[Row]) -> tuple[lms.Section, ...]:
    return tuple(
        lms.Section(text_of(row.get("id")), text_of(row.get("sis_section_id")), text_of(row.get("name")))
        for row in rows
    )
