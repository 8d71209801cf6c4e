"""A course in the sandbox LMS for a class of a SIS that is not ours: its students, and grades that are hard to carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from gradesync_site.demo.connecting import DemoFailed, tell
from gradesync_site.demo.job import Job
from gradesync_site.sandbox.data import TEACHER
from sync import engine
from sync.models import SisConnection
from sync.sis.records import Class, Student

QUIZ, ESSAY, LAB = "GradeSync quiz", "GradeSync essay", "GradeSync lab report"
ITEMS: Final = ((QUIZ, 10), (ESSAY, 100), (LAB, 20))
Grade = Mapping[str, Any]
# the first student alone has a zero, three decimals and an excused one; the others follow in turn
GRADES: Final[Mapping[str, Sequence[Grade]]] = {
    QUIZ: ({"score": Decimal("9.257")}, {"score": Decimal("7.5"), "late": True}, {"score": 10}, {"score": 0}),
    ESSAY: ({"score": 0}, {"score": Decimal("86.5")}, {"score": 100}, {"none": True}),
    LAB: ({"excused": True}, {"score": 20}, {"score": Decimal("13.25")}, {"score": 17}),
}


def seed_course(job: Job, connection: SisConnection) -> str:
    """The LMS id of the class's course, made or completed. Grades that stand there already stay as they are."""
    one, students = read_class(connection, job.sis.class_id)
    made = tell(job.lms, "course", _course(one, students))
    tell(job.lms, "course", {"sis_id": _own_id(one), "grades": _grades(made["students"])})
    return str(made["course_id"])


def read_class(connection: SisConnection, class_id: str) -> tuple[Class, list[Student]]:
    """The class and its roster, through the product's own adapter. Raises DemoFailed, or what a read raises."""
    adapter = engine.make_sis(connection)
    try:
        one = adapter.get_class(class_id)
        if one is None:
            raise DemoFailed(f"The SIS knows no class {class_id}. Check --sis-class.")
        students = [student for student in adapter.students(class_id) if student.active]
    finally:
        adapter.close()
    if not students:
        raise DemoFailed(f"The class {class_id} has no students, so there is nothing to send.")
    return one, students


def _course(one: Class, students: Sequence[Student]) -> dict[str, Any]:
    return {
        "sis_id": _own_id(one),
        "name": one.title or one.sourced_id,
        "sections": [{"sis_id": _own_id(one), "name": one.title or one.sourced_id}],
        "teachers": [{"id": TEACHER.lms_id, "name": TEACHER.name, "login": TEACHER.login}],
        "students": [_student(student) for student in students],
        "line_items": [{"title": title, "maximum": maximum} for title, maximum in ITEMS],
        "grades": [],
    }


def _own_id(one: Class) -> str:
    """Apart from the sandbox's own courses, should the foreign class be called like one of theirs."""
    return f"demo-{one.sourced_id}"


def _student(student: Student) -> dict[str, Any]:
    return {
        "sis_id": student.sourced_id,
        "name": student.name or student.sourced_id,
        "given_name": student.given_name,
        "family_name": student.family_name,
        "email": student.email,
    }


def _grades(user_ids: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"student": user_id, "line_item": title, **grades[place % len(grades)]}
        for place, user_id in enumerate(user_ids)
        for title, grades in GRADES.items()
    ]
