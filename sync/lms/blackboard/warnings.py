"""Sentences for the teacher about what Learn keeps back: counts and titles of columns, nobody's name and no grade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sync.lms import records as lms
from sync.lms.base import is_course_student

MOST_TITLES: Final = 5


def of_columns(*, refused: Sequence[str], anonymous: Sequence[str], without_letters: int) -> list[str]:
    texts = []
    if refused:
        texts.append(
            "Columns whose grades Blackboard does not show to the account of this connection: "
            f"{len(refused)} ({_named(refused)}). Their grades stay in the SIS as they are. Learn hides the attempts of surveys from "
            "everybody; for other columns the LMS administrator must check the account's role."
        )
    if anonymous:
        texts.append(
            f"Columns in which students are anonymous: {len(anonymous)} ({_named(anonymous)}). Their grades can be read once "
            "Blackboard shows the names."
        )
    if without_letters:
        texts.append(
            "Columns with a grading schema whose letters Blackboard does not tell the account of this connection: "
            f"{without_letters}. The LMS administrator must give it a role with course.gradebook.MODIFY."
        )
    return texts


def of_people(members: Sequence[lms.Member], *, other_roles: int, sis_field: str) -> list[str]:
    students, texts = [one for one in members if is_course_student(one)], []
    if students and not any(one.sis_id for one in students):
        texts.append(
            f"Blackboard shows no SIS id (the field {sis_field}) of any student, so students can be matched by login or "
            "e-mail only. The LMS administrator can give the account of this connection a role with "
            "system.courseuserlist.VIEW, or choose another field by the option sis_id."
        )
    if other_roles:
        texts.append(
            f"People with a course role of this institution's own: {other_roles}. They count neither as students nor as "
            "teachers. The administrator can name such roles by the options student_roles and teacher_roles."
        )
    return texts


def of_sections(*, unknown: bool) -> list[str]:
    if not unknown:
        return []
    return [
        "This course was merged from several, and Blackboard does not tell the account of this connection which. The LMS "
        "administrator can give it a role with course.children.VIEW or system.course.cross-list.VIEW."
    ]


def _named(titles: Sequence[str]) -> str:
    named = ", ".join(f"“{one}”" for one in titles[:MOST_TITLES])
    return f"{named} and {len(titles) - MOST_TITLES} more" if len(titles) > MOST_TITLES else named
