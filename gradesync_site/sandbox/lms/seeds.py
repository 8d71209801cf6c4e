"""The first state of the pretend LMS: the shared people and courses of `sandbox.data`, in this side's terms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gradesync_site.sandbox import data
from gradesync_site.sandbox.control import Options
from gradesync_site.sandbox.lms import building, tools
from gradesync_site.sandbox.lms.dialects import DIALECTS
from gradesync_site.sandbox.lms.signing import new_pem
from gradesync_site.sandbox.lms.world import World, empty

Json = dict[str, Any]

UNIVERSITY, FACULTY = 1, 2
# numbers made here stay clear of those that the seed brings
FIRST_MADE = 60001


def seed(options: Options) -> Json:
    state = empty() | {"next_id": FIRST_MADE, "signing_key": new_pem()}
    state["accounts"] = [
        _account(UNIVERSITY, "Sandbox University", None),
        _account(FACULTY, "North District", UNIVERSITY),
    ]
    world = World(state)
    plain = options.extra.get("plain") == "1"
    for course in data.world(options.students, options.line_items, plain=plain).courses:
        building.put_course(world, _course(world, course))
    if options.extra.get("tool_url"):
        tools.register(world, {"tool_url": options.extra["tool_url"]}, DIALECTS[options.dialect])
    return state


def _account(own_id: int, name: str, parent: int | None) -> Json:
    return {"id": own_id, "name": name, "parent_account_id": parent, "grading_standards": []}


def _course(world: World, course: data.Course) -> Json:
    sections = course.sections
    students = {person.lms_id: person for section in sections for person in section.students}
    return {
        "id": course.course_id,
        "name": course.title,
        "code": course.code,
        # a cross-listed course is no class of the SIS; its sections are
        "sis_id": sections[0].class_id if len(sections) == 1 else f"XL-{course.code}",
        "account_id": FACULTY,
        **_scheme(world, course.scheme),
        "sections": [{"id": s.section_id, "name": s.title, "sis_id": s.class_id} for s in sections],
        "teachers": [_person(p) | {"sections": [s.section_id for s in sections]} for p in course.teachers],
        "assistants": [_person(p) for p in course.assistants],
        "students": [
            _person(p) | {"sections": [s.section_id for s in sections if p in s.students]}
            for p in students.values()
        ],
        "line_items": [_item(item) for item in course.items],
        "grades": [_grade(course, key, grade) for key, grade in course.grades.items()],
    }


def _scheme(world: World, scheme: data.Scheme | None) -> Json:
    if scheme is None:
        return {}
    entries = [{"name": name, "value": lower} for name, lower in scheme.entries]
    standard = building.make_standard(scheme.title, entries, int(scheme.scheme_id))
    if scheme.owner == "account":
        # held by the top account, so that a reader must walk up to find it
        world.account(UNIVERSITY)["grading_standards"].append(standard)
        return {"grading_standard_id": standard["id"]}
    return {"grading_standard": standard}


def _person(person: data.Person) -> Json:
    return {
        "id": person.lms_id,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "name": person.name,
        "email": person.lms_email,
        "login": person.login,
        "sis_id": person.lms_sis_id,
        "state": "active" if person.active else "inactive",
        "test": person.test,
    }


def _item(item: data.Item) -> Json:
    return {
        "id": item.item_id,
        "title": item.title,
        "maximum": item.maximum,
        "grading_type": item.grading_type,
        "due_at": item.due.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "category": item.group,
        "published": item.published,
    }


def _grade(course: data.Course, key: tuple[str, str], grade: data.Grade) -> Json:
    due = next(item.due for item in course.items if item.item_id == key[1])
    wish: Json = {"student": key[0], "line_item": key[1], "late": grade.late, "missing": grade.missing}
    wish["graded_at"] = (due + timedelta(days=3, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if grade.excused:
        return wish | {"excused": True}
    return wish | {"score": grade.score}
