"""The shared world as an Aeries holds it: numbers for sections, gradebooks, students and staff."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from gradesync_site.sandbox.data import Person, SisClass, World

Json = dict[str, Any]
SCHOOL, LINKED = 994, 1
SECTIONS, BOOKS, STUDENTS, STAFF = 1000, 4366000, 99400000, 994600
BEGINS, MIDDLE, ENDS = "2025-08-25T00:00:00", "2026-01-09T00:00:00", "2026-12-18T00:00:00"
CATEGORIES = (("H", "Homework"), ("T", "Test"), ("Q", "Quiz"))
NAMES = uuid.UUID("4f2c7a52-7d0b-5a52-9a59-3b7a8d2f9c11")


def seeded(world: World) -> Json:
    state: Json = {
        **{name: {} for name in ("sections", "gradebooks", "people", "staff", "assignments", "scores")},
        "rosters": {},
        "locked": [],
    }
    for group in world.classes:
        _seed_class(state, group)
    return state


def class_id(section: Json) -> str:
    return f"{section['SchoolCode']}-{section['SectionNumber']}"


def _seed_class(state: Json, group: SisClass) -> None:
    number = SECTIONS + len(state["sections"]) + 1
    section = {
        "SchoolCode": SCHOOL,
        "SectionNumber": number,
        "Period": str(len(state["sections"]) + 1),
        "CourseID": group.class_id.partition("-")[0],
        "SectionStaffMembers": [_staff(state, one, primary=n == 0) for n, one in enumerate(group.teachers)],
        "name": group.class_id,
    }
    state["sections"][class_id(section)] = section
    book = add_gradebook(state, number, group.title)
    state["rosters"][class_id(section)] = [_student(state, one) for one in group.students]
    book["students"] = list(state["rosters"][class_id(section)])
    for item in group.items:
        add_assignment(
            state,
            book,
            Description=item.title,
            DateDue=item.due.date().isoformat(),
            NumberCorrectPossible=item.maximum,
            PointsPossible=item.maximum,
        )


def _staff(state: Json, person: Person, *, primary: bool) -> Json:
    known = {one["number"]: staff_id for staff_id, one in state["staff"].items()}
    staff_id: str = known.get(person.sis_id, str(STAFF + len(known) + 1))
    state["staff"][staff_id] = {"number": person.sis_id}
    return {
        "StaffID": int(staff_id),
        "LastName": person.family_name,
        "FirstName": person.given_name,
        "IsPrimaryTeacher": primary,
        "StartDate": None,
        "EndDate": None,
        "InactiveStatusCode": "",
    }


def _student(state: Json, person: Person) -> str:
    known: dict[str, str] = {one["sourced"]: student for student, one in state["people"].items()}
    student = known.get(person.sis_id, str(STUDENTS + len(known) + 1))
    state["people"][student] = {
        "sourced": person.sis_id,
        "StudentID": int(student),
        "StudentNumber": len(known) + 1,
        "StudentFirstName": person.given_name,
        "StudentLastName": person.family_name,
    }
    return student


def add_gradebook(state: Json, section: int, title: str) -> Json:
    """All gradebooks of this teacherless world are linked: what is created in one with the flag appears in all."""
    number = BOOKS + len(state["gradebooks"]) + 1
    state["gradebooks"][str(number)] = {
        "AssignmentCategories": [
            {"Code": code, "Description": name, "GradebookNumber": number, "PercentageOfGrade": 0}
            for code, name in CATEGORIES
        ],
        "GradebookNumber": number,
        "LinkedGroup": LINKED,
        "Name": title,
        "Period": "1",
        "SchoolCode": SCHOOL,
        "Sections": [{"GradebookNumber": number, "SchoolCode": SCHOOL, "SectionNumber": section}],
        "StartDate": BEGINS,
        "EndDate": ENDS,
        "Terms": [
            {"Code": "F", "Name": "Fall", "StartDate": BEGINS, "EndDate": MIDDLE},
            {"Code": "S", "Name": "Spring", "StartDate": MIDDLE, "EndDate": ENDS},
        ],
        "students": [],
        "inactive": [],
    }
    made: Json = state["gradebooks"][str(number)]
    return made


def add_assignment(state: Json, book: Json, **fields: Any) -> Json:
    number = (
        sum(one["GradebookNumber"] == book["GradebookNumber"] for one in state["assignments"].values()) + 1
    )
    unique = str(uuid.uuid5(NAMES, f"{book['GradebookNumber']}/{number}")).upper()
    code = fields.pop("AssignmentCategoryCode", "H")
    category = next((one for one in book["AssignmentCategories"] if one["Code"] == code), None)
    due = str(fields.pop("DateDue"))[:10]
    state["assignments"][unique] = {
        "AssignmentCategory": category,
        "AssignmentNumber": number,
        "Comment": "",
        "DateAssigned": BEGINS,
        "DateDue": f"{due}T00:00:00",
        "DueTime": "0001-01-01T00:00:00",
        "ExternalID": "",
        "FormativeSummativeIndicator": "S",
        "GradebookNumber": book["GradebookNumber"],
        "GradingCompleted": False,
        "InputScoresByStandard": False,
        "NarrativeGradeSetID": 0,
        "PointsPossible": Decimal(0),
        "RubricAssignment": False,
        **fields,
        "UniqueID": unique,
    }
    made: Json = state["assignments"][unique]
    return made
