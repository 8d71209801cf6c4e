"""The SIS's memory at the start: the shared world in OneRoster's objects. References are kept as plain ids."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gradesync_site.sandbox.data import Person, SisClass, SisItem, World

Json = dict[str, Any]

SEEDED_AT = "2025-08-20T08:00:00Z"
SCHOOL, DISTRICT, TERM = "sch-north", "dst-north", "term-fall"
PERIODS = ("gp-q1", "gp-q2")
CATEGORIES = (
    ("cat-homework", "Homework"),
    ("cat-tests", "Tests"),
    ("cat-essays", "Essays"),
    ("cat-other", "Other"),
)
COLLECTIONS = (
    "orgs",
    "academicSessions",
    "courses",
    "classes",
    "users",
    "enrollments",
    "categories",
    "scoreScales",
    "lineItems",
    "results",
    "assessmentLineItems",
    "assessmentResults",
)


def seeded(world: World) -> Json:
    state: Json = {name: {} for name in COLLECTIONS} | {"allocated": 0, "late": {}}
    for record in (*_orgs(), *_sessions(), *_categories()):
        _put(state, *record)
    for group in world.classes:
        _seed_class(state, group)
    return state


def _put(state: Json, collection: str, sourced_id: str, body: Json) -> None:
    state[collection][sourced_id] = {
        "sourcedId": sourced_id,
        "status": "active",
        "dateLastModified": SEEDED_AT,
        **body,
    }


def _orgs() -> list[tuple[str, str, Json]]:
    return [
        ("orgs", DISTRICT, {"name": "North District", "type": "district", "identifier": "0100"}),
        (
            "orgs",
            SCHOOL,
            {"name": "North High School", "type": "school", "identifier": "0101", "parent": DISTRICT},
        ),
    ]


def _sessions() -> list[tuple[str, str, Json]]:
    def session(title: str, kind: str, begins: str, ends: str, parent: str = "") -> Json:
        body = {"title": title, "startDate": begins, "endDate": ends, "type": kind, "schoolYear": "2026"}
        return body | ({"parent": parent} if parent else {})

    return [
        ("academicSessions", "year-2026", session("2025-2026", "schoolYear", "2025-08-25", "2026-06-12")),
        ("academicSessions", TERM, session("Fall", "term", "2025-08-25", "2026-01-23", "year-2026")),
        (
            "academicSessions",
            "gp-q1",
            session("Quarter 1", "gradingPeriod", "2025-08-25", "2025-10-31", TERM),
        ),
        (
            "academicSessions",
            "gp-q2",
            session("Quarter 2", "gradingPeriod", "2025-11-03", "2026-01-23", TERM),
        ),
    ]


def _categories() -> list[tuple[str, str, Json]]:
    return [("categories", sourced_id, {"title": title}) for sourced_id, title in CATEGORIES]


def _seed_class(state: Json, group: SisClass) -> None:
    course = {"title": group.title, "courseCode": group.course_id.upper(), "org": SCHOOL}
    _put(state, "courses", group.course_id, course)
    body = {
        "title": group.title,
        "classCode": group.code,
        "classType": "scheduled",
        "course": group.course_id,
        "school": SCHOOL,
        "terms": [TERM],
    }
    _put(state, "classes", group.class_id, body)
    for person in group.teachers:
        add_person(state, person, "teacher")
        enroll(state, person.sis_id, group.class_id, "teacher")
    for person in group.students:
        add_person(state, person, "student")
        enroll(state, person.sis_id, group.class_id, "student")
    if group.scale:
        _put(state, "scoreScales", f"scale-{group.class_id}", _scale(group))
    for item in group.items:
        _seed_item(state, group, item)


def add_person(state: Json, person: Person, role: str) -> None:
    body: Json = {
        "enabledUser": "true",
        "givenName": person.given_name,
        "familyName": person.family_name,
        "roles": [{"roleType": "primary", "role": role, "org": SCHOOL}],
        "primaryOrg": SCHOOL,
    }
    for name, value in (
        ("username", person.username),
        ("identifier", person.identifier),
        ("email", person.sis_email),
    ):
        body |= {name: value} if value else {}
    if person.identifier:
        body["userIds"] = [{"type": "LocalID", "identifier": person.identifier}]
    _put(state, "users", person.sis_id, body)


def enroll(state: Json, user_id: str, class_id: str, role: str) -> None:
    body = {"user": user_id, "class": class_id, "school": state["classes"][class_id]["school"], "role": role}
    if role == "teacher":
        body["primary"] = "true"
    _put(state, "enrollments", f"enr-{class_id}-{user_id}", body)


def _scale(group: SisClass) -> Json:
    return {
        "title": f"Letters of {group.title}",
        "type": "letters",
        "class": group.class_id,
        "course": group.course_id,
        "scoreScaleValue": [
            {"itemValueLHS": letter, "itemValueRHS": points} for letter, points in group.scale
        ],
    }


def _seed_item(state: Json, group: SisClass, item: SisItem) -> None:
    body: Json = {
        "title": item.title,
        "assignDate": SEEDED_AT,
        "dueDate": _instant(item.due),
        "class": group.class_id,
        "school": SCHOOL,
        "category": item.category,
        "gradingPeriod": PERIODS[0],
        "academicSession": TERM,
        "resultValueMin": item.minimum,
        "resultValueMax": item.maximum,
    }
    if item.with_scale:
        body["scoreScale"] = f"scale-{group.class_id}"
    _put(state, "lineItems", item.sourced_id, body)
    for student_id in item.not_submitted:
        _seed_result(state, group, item, student_id, {"scoreStatus": "not submitted"})
    for student_id, score in item.grades.items():
        _seed_result(state, group, item, student_id, {"scoreStatus": "fully graded", "score": score})


def _seed_result(state: Json, group: SisClass, item: SisItem, student_id: str, grade: Json) -> None:
    body = {
        "lineItem": item.sourced_id,
        "student": student_id,
        "class": group.class_id,
        "scoreDate": item.due.date().isoformat(),
        **grade,
    }
    _put(state, "results", f"res-{item.sourced_id}-{student_id}", body)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
