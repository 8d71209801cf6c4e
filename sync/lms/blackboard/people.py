"""Learn's memberships and merged courses as members and sections."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sync.lms import records as lms
from sync.lms.base import text_of

Row = Mapping[str, Any]

STUDENT: Final = "Student"
# the course roles that every Learn has; others are an institution's own
BUILT_IN: Final = frozenset(
    {"Instructor", "BbFacilitator", "TeachingAssistant", "CourseBuilder", "Grader", STUDENT, "Guest"}
)
# Student Preview makes an account of the teacher's user name with this behind it (help.blackboard.com, "Student Preview")
PREVIEW: Final = "_previewuser"
FIELDS: Final = (
    "userId,childCourseId,courseRoleId,availability.available,user.userName,user.externalId,user.studentId,"
    "user.availability.available,user.name.given,user.name.family,user.contact.email"
)


@dataclass(frozen=True, slots=True)
class Roles:
    """Which course roles are students and which teach; `sis_field`: the user's field that holds the SIS id."""

    students: frozenset[str]
    teachers: frozenset[str]
    sis_field: str

    def unknown(self, rows: Iterable[Row]) -> int:
        """Memberships in roles that are neither built in nor named by the connection."""
        known = BUILT_IN | self.students | self.teachers
        return sum(text_of(row.get("courseRoleId")) not in known for row in rows)


def member(row: Row, course_id: str, roles: Roles) -> lms.Member:
    """One membership: Learn has one for each person and course (docs.anthology.com, "Merge and Crosslist courses")."""
    user, name, contact = (
        part(row, "user"),
        part(part(row, "user"), "name"),
        part(part(row, "user"), "contact"),
    )
    given, family = text_of(name.get("given")), text_of(name.get("family"))
    role, login = text_of(row.get("courseRoleId")), text_of(user.get("userName"))
    return lms.Member(
        user_id=text_of(row.get("userId")),
        name=f"{given} {family}".strip(),
        given_name=given,
        family_name=family,
        email=text_of(contact.get("email")),
        sis_id=text_of(user.get(roles.sis_field)),
        login=login,
        roles=(role,) if role else (),
        is_student=role in roles.students,
        is_teacher=role in roles.teachers,
        active=_is_available(row) and _is_available(user),
        test=login.casefold().endswith(PREVIEW),
        section_ids=(text_of(row.get("childCourseId")) or course_id,),
    )


def _is_available(row: Row) -> bool:
    """Else "No" or "Disabled" (by the SIS); what is not shown to the account is taken as it is by default."""
    return bool(part(row, "availability").get("available", "Yes") == "Yes")


def sections_of(course: Row, children: Sequence[Row], used: Collection[str]) -> tuple[lms.Section, ...]:
    """The merged courses, each a class of its own, and the parent where somebody sits in it directly.

    `used` are the sections of the members: one that Learn does not describe has no SIS id here.
    """
    own = text_of(course.get("id"))
    made = [_section(own, course)] if not children or own in used else []
    made += [_section(text_of(row.get("id")), part(row, "childCourse")) for row in children]
    known = {one.section_id for one in made}
    return (*made, *(lms.Section(one) for one in sorted(set(used) - known)))


def _section(section_id: str, course: Row) -> lms.Section:
    return lms.Section(section_id, text_of(course.get("externalId")), text_of(course.get("name")))


def part(row: Row, name: str) -> Row:
    """An object within a row; empty where there is none."""
    found = row.get(name)
    return found if isinstance(found, Mapping) else {}
