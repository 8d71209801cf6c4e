"""The shared world as an Ed-Fi host holds it."""

from __future__ import annotations

import uuid
from typing import Any

from gradesync_site.sandbox.data import Person, SisClass, SisItem, World
from gradesync_site.sandbox.sis.edfi.resources import key_of, resources

Json = dict[str, Any]
SCHOOL, YEAR, SESSION = 255901001, 2026, "2025-2026 Fall Semester"
BEGINS, ENDS, ENROLLED = "2025-08-25", "2026-12-18", "2025-08-26"
NAMES = uuid.UUID("0f7f3f0e-3a55-5a0e-9d1c-5b1f0f6a2b77")
NAMESPACE = "uri://north.example"
PERIODS = ("First Nine Weeks", "Second Nine Weeks")


def seeded(world: World, standard: str) -> Json:
    state: Json = {name: {} for name in resources(standard)} | {"versions": 0}
    put(state, standard, "sessions", _session(standard))
    for group in world.classes:
        _seed_class(state, standard, group)
    return state


def put(state: Json, standard: str, name: str, record: Json) -> Json:
    """Stores a record under its key, with an id and a new ETag."""
    resource = resources(standard)[name]
    key = key_of(resource, record)
    state["versions"] += 1
    known = state[name].get(key)
    made = {"id": known["id"] if known else uuid.uuid5(NAMES, f"{name}/{key}").hex, **record}
    state[name][key] = made | {"_etag": str(5_000_000 + state["versions"])}
    found: Json = state[name][key]
    return found


def section_reference(group: SisClass) -> Json:
    return {
        "localCourseCode": group.course_id,
        "schoolId": SCHOOL,
        "schoolYear": YEAR,
        "sectionIdentifier": group.class_id,
        "sessionName": SESSION,
    }


def _session(standard: str) -> Json:
    return {
        "sessionName": SESSION,
        "schoolReference": {"schoolId": SCHOOL},
        "schoolYearTypeReference": {"schoolYear": YEAR},
        "beginDate": BEGINS,
        "endDate": ENDS,
        "termDescriptor": "uri://ed-fi.org/TermDescriptor#Fall Semester",
        "totalInstructionalDays": 80,
        "gradingPeriods": [
            {"gradingPeriodReference": period_reference(standard, number)} for number in (1, 2)
        ],
    }


def period_reference(standard: str, number: int) -> Json:
    name = PERIODS[number - 1]
    found: Json = {
        "gradingPeriodDescriptor": f"uri://ed-fi.org/GradingPeriodDescriptor#{name}",
        "schoolId": SCHOOL,
        "schoolYear": YEAR,
    }
    return found | ({"gradingPeriodName": name} if standard == "5.0" else {"periodSequence": number})


def _seed_class(state: Json, standard: str, group: SisClass) -> None:
    section = section_reference(group)
    offering = {name: value for name, value in section.items() if name != "sectionIdentifier"}
    put(
        state,
        standard,
        "sections",
        {
            "sectionIdentifier": group.class_id,
            "courseOfferingReference": offering,
            "sectionName": group.title,
        },
    )
    for teacher in group.teachers:
        row = {
            "sectionReference": section,
            "staffReference": {"staffUniqueId": teacher.sis_id},
            "beginDate": BEGINS,
        }
        put(state, standard, "staffSectionAssociations", row)
    for student in group.students:
        add_student(state, standard, section, student)
    for item in group.items:
        put(state, standard, "gradebookEntries", _entry(standard, section, item))


def add_student(state: Json, standard: str, section: Json, person: Person) -> None:
    who = {"studentUniqueId": person.sis_id}
    named = {"firstName": person.given_name, "lastSurname": person.family_name, "birthDate": "2010-01-01"}
    put(state, standard, "students", who | named)
    row = {"sectionReference": section, "studentReference": who, "beginDate": ENROLLED}
    put(state, standard, "studentSectionAssociations", row)


def _entry(standard: str, section: Json, item: SisItem) -> Json:
    found: Json = {
        "dateAssigned": BEGINS,
        "dueDate": item.due.date().isoformat(),
        "sectionReference": section,
    }
    if standard == "3.3":
        return found | {"gradebookEntryTitle": item.title}
    return found | {
        "gradebookEntryIdentifier": item.sourced_id,
        "namespace": NAMESPACE,
        "sourceSectionIdentifier": section["sectionIdentifier"],
        "title": item.title,
        "maxPoints": item.maximum,
    }
