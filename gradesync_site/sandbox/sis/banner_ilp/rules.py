"""What the pretend Banner behind ILP says of one student's grade: the messages, with their codes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from gradesync_site.sandbox.data import World

Json = dict[str, Any]
TERM = "202710"
LETTERS = ("A", "A-", "B+", "B", "B-", "C+", "C", "D", "F", "I")
FIELDS = ("FinalGrade", *(f"MidtermGrade{number}" for number in range(1, 7)))
BESIDE = ("LastAttendanceDate", "DefaultIncompleteGrade", "FinalGradeExpirationDate")
BEGINS, ENDS = "2026-01-12", "2027-05-14"


def seeded(world: World) -> Json:
    """Sections by course id: who teaches, who is enrolled, and what stands for whom."""
    sections = {
        f"{group.class_id}.{TERM}": {
            "instructors": [one.sis_id for one in group.teachers],
            "students": {one.sis_id: {} for one in group.students},
            "gradable": True,
            "components": [],
            "rolled": [],
            "ungradable": [],
            "closed": [],
        }
        for group in world.classes
    }
    return {"sections": sections, "people": sorted(one.sis_id for one in world.people() if one.sis_id)}


def messages(state: Json, modified_by: str, grade: Json) -> list[Json]:
    """What is wrong with one entry; empty where Banner takes it. A student may get several."""
    student, section = str(grade.get("StudentId")), state["sections"].get(grade.get("CourseId"))
    if student not in state["people"]:
        return [failure(student, "Student ID does not exist. (GE01)", "StudentId")]
    if section is None:
        return [failure(student, "Section does not exist. (GE02)", "CourseId")]
    field = next((name for name in FIELDS if name in grade), "FinalGrade")
    code = _section_code(section, modified_by, student, field, grade)
    if code:
        return [failure(student, code, field)]
    if field in section["closed"]:
        return [failure(student, "Grading is closed for this part of term.", field)]
    return _beside(student, grade) if field == "FinalGrade" else []


def _section_code(section: Json, modified_by: str, student: str, field: str, grade: Json) -> str:
    letter = grade.get(field)
    held = section["students"].get(student)
    checks = (
        (modified_by not in section["instructors"], "Faculty ID is not assigned to section. (GE11)"),
        (not section["gradable"], "Section is not gradable. (GE03)"),
        (held is None, "Student enrollment does not exist. (GE04)"),
        (student in section["ungradable"], "Student enrollment is not gradable. (GE05)"),
        (
            field in section["components"],
            "Gradable component records exist; must generate the grade. "
            f"({'GE07' if field == 'FinalGrade' else 'GE06'})",
        ),
        (letter not in LETTERS, "Grade not valid for section. (GE08)"),
        (student in section["rolled"], "Grade already rolled to history. (GE09)"),
        (
            _is_there(held or {}, field, grade),
            "Received grade already posted to student enrollment. No update performed. (GE10)",
        ),
    )
    return next((text for applies, text in checks if applies), "")


def _is_there(held: Mapping[str, Any], field: str, grade: Json) -> bool:
    return held.get(field) == grade.get(field) and all(
        grade.get(name, held.get(name)) == held.get(name) for name in BESIDE
    )


def _beside(student: str, grade: Json) -> list[Json]:
    """No codes here, only words: an exchange in the field answers so."""
    letter, found = grade["FinalGrade"], []
    day = str(grade.get("LastAttendanceDate", ""))[:10]
    if day and not BEGINS <= day <= ENDS:
        text = "Last attendance date must be between section start date and section end date."
        found.append(failure(student, text, "LastAttendanceDate"))
        day = ""
    if letter == "F" and not day:
        found.append(failure(student, "A last attend date is required for this grade.", "FinalGrade"))
    if letter == "I" and not grade.get("DefaultIncompleteGrade"):
        found.append(failure(student, "Incomplete Final Grade is required.", "FinalGrade"))
    until = str(grade.get("FinalGradeExpirationDate", ""))[:10]
    if until and date.fromisoformat(until) > date(2027, 12, 31):
        text = "Cannot lengthen default extension date for incomplete grades."
        found.append(failure(student, text, "FinalGradeExpirationDate"))
    return found


def store(state: Json, grade: Json) -> None:
    held = state["sections"][grade["CourseId"]]["students"][grade["StudentId"]]
    held.update({name: grade[name] for name in (*FIELDS, *BESIDE) if name in grade})


def failure(student: str, text: str, prop: str) -> Json:
    return _message(student, text, "failure", prop)


def success(student: str) -> Json:
    return _message(
        student, f"Successfully processed grades for Student ID {student} (GE00)", "success", None
    )


def _message(student: str, text: str, status: str, prop: str | None) -> Json:
    return {
        "message": text,
        "data": {"targetSis": "BANNER", "studentId": student, "status": status, "property": prop},
    }
