"""Moodle's students and staff as members: who is graded, and who is enrolled with which role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sync.lms import records as lms
from sync.lms.base import text_of
from sync.lms.moodle.report import Person

Row = Mapping[str, Any]
STUDENT: Final = "student"


def is_suspended(row: Row) -> bool:
    """The whole account, on the site: nobody can log in with it."""
    return row.get("suspended") is True


def members_of(
    graded: Mapping[str, Person],
    gradable: Mapping[str, Row],
    enrolled: Mapping[str, Row],
    *,
    section_id: str,
    teacher_roles: frozenset[str],
) -> list[lms.Member]:
    """One member per person. `gradable` are those whom Moodle grades now: who is graded and not among them is suspended."""
    ids = sorted({*graded, *gradable, *enrolled}, key=lambda one: (len(one), one))
    return [
        _member(
            user_id,
            graded.get(user_id),
            gradable.get(user_id),
            enrolled.get(user_id, {}),
            section_id,
            teacher_roles,
        )
        for user_id in ids
    ]


def _member(
    user_id: str,
    graded: Person | None,
    gradable: Row | None,
    enrolled: Row,
    section_id: str,
    teacher_roles: frozenset[str],
) -> lms.Member:
    roles = _roles(enrolled)
    is_teacher = bool(teacher_roles & set(roles))
    was_student = graded is not None or STUDENT in roles
    is_student = gradable is not None or (was_student and not is_teacher)
    suspended = is_suspended(enrolled) or is_suspended(gradable or {})

    def said(name: str) -> str:
        return text_of((gradable or {}).get(name)) or text_of(enrolled.get(name))

    return lms.Member(
        user_id=user_id,
        name=(graded.name if graded else "") or said("fullname"),
        given_name=said("firstname"),
        family_name=said("lastname"),
        email=said("email"),
        sis_id=(graded.sis_id if graded else "") or said("idnumber"),
        login=said("username"),
        roles=roles,
        is_student=is_student,
        is_teacher=is_teacher,
        active=not suspended and (gradable is not None or not is_student),
        section_ids=(section_id,),
    )


def _roles(row: Row) -> tuple[str, ...]:
    roles = row.get("roles")
    stated = roles if isinstance(roles, list) else []
    names = (text_of(one.get("shortname")) for one in stated if isinstance(one, Mapping))
    return tuple(dict.fromkeys(one for one in names if one))
