"""How Schoology's REST API words each thing (developers.schoology.com: Course Section, Enrollment, Assignment, Grade ...)."""

from __future__ import annotations

from calendar import timegm
from datetime import datetime
from decimal import Decimal
from typing import Any

from gradesync_site.sandbox.control import Sandbox
from gradesync_site.sandbox.lms import grading, troubles
from gradesync_site.sandbox.lms.campus import here
from gradesync_site.sandbox.lms.world import TEACHER, World

Json = dict[str, Any]

ACTIVE, ARCHIVED = "1", "5"
EXCUSED, MISSING, LATE = 1, 3, 4
# made of the course's number, clear of the numbers of people and assignments
PERIODS_FROM, CATEGORIES_FROM = 13_000_000, 4_300_000


def section(course: Json) -> Json:
    only = course["sections"][0] if len(course["sections"]) == 1 else None
    return {
        "id": str(course["id"]),
        "course_title": course["name"],
        "course_code": course["code"],
        "course_id": str(1_400_000 + course["id"]),
        "school_id": "344232",
        "section_title": only["name"] if only else "All periods",
        "section_code": "",
        "section_school_code": course["sis_id"],
        "synced": "1",
        "active": 1,
        "grading_periods": [_period_id(course)],
        "weight": "0",
        "options": {"weighted_grading_categories": "0", "member_post": "1"},
        "admin": 1,
    }


def enrollment(world: World, course: Json, row: Json) -> Json:
    person = world.person(row["user_id"])
    return {
        "id": str(row["id"]),
        "uid": str(person["id"]),
        "school_uid": person["sis_id"],
        "name_title": "",
        "name_title_show": "0",
        "name_first": person["given_name"],
        "name_first_preferred": "",
        "name_middle": "",
        "name_middle_show": "0",
        "name_last": person["family_name"],
        "name_display": person["name"],
        "admin": 1 if row["type"] == TEACHER else 0,
        "status": ACTIVE if row["state"] == "active" else ARCHIVED,
        "links": {"self": f"{here()}/v1/sections/{course['id']}/enrollments/{row['id']}"},
    }


def user(person: Json) -> Json:
    return {
        "uid": str(person["id"]),
        "id": person["id"],
        "school_uid": person["sis_id"],
        "name_first": person["given_name"],
        "name_last": person["family_name"],
        "name_display": person["name"],
        "username": person["login"],
        "primary_email": person["email"],
    }


# --- grade setup ---


def categories(course: Json) -> list[Json]:
    """ "Other" holds what is not graded, and is none."""
    return [
        {
            "id": number,
            "title": name,
            "delta": position,
            "calculation_type": 2,
            "default_max_points": 100,
            "default_grading_scale_id": 0,
            "drop_lowest": 0,
        }
        for position, (name, number) in enumerate(_category_ids(course).items())
    ]


def _category_ids(course: Json) -> dict[str, int]:
    graded = [item for item in course["assignments"] if item["grading_type"] != "not_graded"]
    names = dict.fromkeys(item["category"] for item in graded)
    first = CATEGORIES_FROM + int(course["id"]) * 100
    return {name: first + position for position, name in enumerate(names)}


def _period_id(course: Json) -> int:
    return PERIODS_FROM + int(course["id"])


def period(course: Json) -> Json:
    return {
        "id": _period_id(course),
        "title": course["term"],
        "weight": 100,
        "start": "2025-08-25 00:00:00",
        "end": "2026-12-18 00:00:00",
    }


def period_title(course: Json) -> Json:
    return {"period_id": f"p{_period_id(course)}", "period_title": course["term"], "weight": "100.00"}


def scales(sandbox: Sandbox, world: World, course: Json) -> list[Json]:
    """The scale of the course; bounds are percent here, and lowest first."""
    standard = world.standard(course)
    if not course["letters"] or standard is None:
        return []
    entries = [{"name": name, "value": value} for name, value in grading.scheme_of(standard)]
    levels = [
        {"grade": one["name"], "cutoff": grading.plain(one["value"] * 100), "average": grading.plain(one["value"] * 100)}
        for one in troubles.scheme(sandbox, entries)[::-1]
    ]  # fmt: skip
    return [
        {
            "id": standard["id"],
            "title": standard["title"],
            "type": 1,
            "auto_averaging": 0,
            "hide_numeric": 0,
            "scale": {"level": levels},
        }
    ]


def _scale_id(world: World, course: Json) -> int:
    standard = world.standard(course)
    return int(standard["id"]) if course["letters"] and standard else 0


# --- grade items and grades ---


def grade_item(world: World, course: Json, item: Json) -> Json:
    lettered = item["grading_type"] == "letter_grade" and _scale_id(world, course)
    return {
        "id": item["id"],
        "title": item["title"],
        "description": "",
        "due": _local(item["due_at"]),
        "grading_scale": str(_scale_id(world, course) if lettered else 0),
        "grading_scale_type": 1 if lettered else 0,
        "grading_period": str(_period_id(course)),
        "grading_category": str(_category_ids(course).get(item["category"], 0)),
        "max_points": None if item["maximum"] is None else str(item["maximum"]),
        "factor": "1",
        "is_final": "0",
        "published": int(item["published"]),
        "type": "assignment",
        "grade_item_id": item["id"],
        "auto_publish_grades": 1,
        "assignees": [],
        "links": {"self": f"{here()}/v1/sections/{course['id']}/grade_items/{item['id']}"},
    }


def _local(at: str | None) -> str:
    return at.rstrip("Z").replace("T", " ") if at else ""


def is_entered(row: Json | None) -> bool:
    """Did anybody enter anything here?"""
    return row is not None and (row["score"] is not None or bool(_exception(row)))


def grade(world: World, course: Json, item: Json, enrolled: Json) -> Json:
    row = world.submission(course, item["id"], enrolled["user_id"])
    exception = _exception(row)
    return {
        "enrollment_id": enrolled["id"],
        "assignment_id": item["id"],
        "grade": None if row["score"] is None or exception == EXCUSED else grading.exact(row["score"]),
        "exception": exception,
        "max_points": item["maximum"],
        "is_final": 0,
        "timestamp": _seconds(row["graded_at"]),
        "comment": "",
        "comment_status": None,
        "override": None,
        "calculated_grade": None,
        "pending": None,
        "type": "assignment",
        "location": f"{here()}/v1/sections/{course['id']}/assignments/{item['id']}",
        "scale_id": 0,
        "scale_type": 0,
        "category_id": _category_ids(course).get(item["category"], 0),
    }


def _exception(row: Json) -> int:
    if row["excused"]:
        return EXCUSED
    if row["missing"]:
        return MISSING
    return LATE if row["late"] else 0


def _seconds(at: str | None) -> int | None:
    return timegm(datetime.fromisoformat(at).utctimetuple()) if at else None


def final_grade(world: World, course: Json, enrolled: Json) -> Json:
    percent, _ = world.total(course, enrolled["user_id"], final=False)

    def standing(period_id: str, value: Decimal | None) -> Json:
        return {"period_id": period_id, "grade": value, "comment": "", "comment_status": None}

    return {
        "enrollment_id": str(enrolled["id"]),
        "period": [
            standing(f"p{_period_id(course)}", percent),
            standing("other", None),
            standing("final", percent),
        ],
        "scale_id": _scale_id(world, course),
    }
