"""Canvas's enrolments and sections as members: one person, however many sections she sits in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sync.lms import records as lms
from sync.lms.base import text_of
from sync.lms.canvas.totals import Grades, grades_of

Row = Mapping[str, Any]

STUDENT, TEST_STUDENT, TEACHER = "StudentEnrollment", "StudentViewEnrollment", "TeacherEnrollment"
STATES: Final = ("active", "invited", "completed", "inactive")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a reader needs of one enrolment. `email` and `sis_id` are None where Canvas does not show them at all."""

    user_id: str
    kind: str
    state: str
    section_id: str
    name: str
    sortable_name: str
    login: str
    email: str | None
    sis_id: str | None
    grades: Grades | None


def enrolment(row: Row) -> Enrolment:
    user = row.get("user")
    person: Row = user if isinstance(user, Mapping) else {}
    return Enrolment(
        user_id=text_of(row.get("user_id")),
        kind=text_of(row.get("type")),
        state=text_of(row.get("enrollment_state")),
        section_id=text_of(row.get("course_section_id")),
        name=text_of(person.get("name")),
        sortable_name=text_of(person.get("sortable_name")),
        login=text_of(person.get("login_id")),
        email=text_of(person["email"]) if "email" in person else None,
        sis_id=_sis_id(row, person),
        grades=grades_of(row),
    )


def _sis_id(row: Row, person: Row) -> str | None:
    if "sis_user_id" not in row and "sis_user_id" not in person:
        return None
    return text_of(row.get("sis_user_id")) or text_of(person.get("sis_user_id"))


def members_of(
    enrolments: Iterable[Enrolment], emails: Mapping[str, str], *, course_concluded: bool
) -> list[lms.Member]:
    """One member per person; `emails` by user id where the enrolments do not say them.

    In a concluded course a completed enrolment still counts: its grades are due then.
    """
    of_person: dict[str, list[Enrolment]] = defaultdict(list)
    for one in enrolments:
        of_person[one.user_id].append(one)
    of_person.pop("", None)
    return [
        _member(user_id, several, emails.get(user_id, ""), course_concluded)
        for user_id, several in of_person.items()
    ]


def emails_are_shown(enrolments: Iterable[Enrolment]) -> bool:
    return any(one.email is not None for one in enrolments)


def is_current(enrolment: Enrolment, *, course_concluded: bool) -> bool:
    return enrolment.state in ("active", "invited") or (course_concluded and enrolment.state == "completed")


def is_student(enrolment: Enrolment) -> bool:
    return enrolment.kind in (STUDENT, TEST_STUDENT)


def _member(user_id: str, several: list[Enrolment], email: str, course_concluded: bool) -> lms.Member:
    as_student = [one for one in several if is_student(one)]
    counted = as_student or several
    current = [one for one in counted if is_current(one, course_concluded=course_concluded)]
    given, family = _names(several[0].sortable_name)
    return lms.Member(
        user_id=user_id,
        name=_first(one.name for one in several),
        given_name=given,
        family_name=family,
        email=_first(one.email for one in several) or email,
        sis_id=_first(one.sis_id for one in several),
        login=_first(one.login for one in several),
        roles=tuple(dict.fromkeys(one.kind for one in several)),
        is_student=bool(as_student),
        is_teacher=any(one.kind == TEACHER for one in several),
        active=bool(current),
        test=any(one.kind == TEST_STUDENT for one in several),
        concluded=all(one.state == "completed" for one in counted),
        section_ids=tuple(dict.fromkeys(one.section_id for one in current or counted if one.section_id)),
    )


def _first(stated: Iterable[str | None]) -> str:
    return next((one for one in stated if one), "")


def _names(sortable: str) -> tuple[str, str]:
    """Given and family name; Canvas always gives the sortable form "Family, Given"."""
    family, comma, given = sortable.partition(",")
    return (given.strip(), family.strip()) if comma else ("", "")


def sections_of(rows: Iterable[Row]) -> tuple[lms.Section, ...]:
    return tuple(
        lms.Section(text_of(row.get("id")), text_of(row.get("sis_section_id")), text_of(row.get("name")))
        for row in rows
    )
