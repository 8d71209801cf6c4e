"""How Canvas's REST API words each thing (Canvas API docs: Courses, Assignments, Submissions, Enrollments ...)."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from gradesync_site.sandbox.control import Sandbox
from gradesync_site.sandbox.lms import grading, troubles
from gradesync_site.sandbox.lms.campus import here
from gradesync_site.sandbox.lms.world import ASSISTANT, STUDENT, TEACHER, TEST_STUDENT, World, opaque

Json = dict[str, Any]

ROLE_IDS = {STUDENT: 3, TEACHER: 4, ASSISTANT: 5, TEST_STUDENT: 3}
# ids of hosted Canvas pass 2^53, where a binary float no longer tells them apart
BEYOND_FLOAT = 10**16


def course(own: Json) -> Json:
    return {
        "id": own["id"],
        "name": own["name"],
        "course_code": own["code"],
        "uuid": opaque("course uuid", own["id"]),
        "account_id": own["account_id"],
        "root_account_id": 1,
        "sis_course_id": own["sis_id"] or None,
        "integration_id": None,
        "grading_standard_id": own["grading_standard_id"],
        "workflow_state": "available",
        "apply_assignment_group_weights": False,
        "enrollment_term_id": 1,
        "term": {"id": 1, "name": own["term"]},
        "time_zone": "America/Denver",
        "start_at": None,
        "end_at": None,
    }


def section(own_course: Json, own: Json) -> Json:
    return {
        "id": own["id"],
        "name": own["name"],
        "course_id": own_course["id"],
        "nonxlist_course_id": None,
        "sis_section_id": own["sis_id"] or None,
        "sis_course_id": own_course["sis_id"] or None,
        "integration_id": None,
    }


def groups(own_course: Json) -> list[Json]:
    names = _group_names(own_course)
    return [
        {
            "id": _group_id(own_course, name),
            "name": name,
            "position": names.index(name) + 1,
            "group_weight": 0,
        }
        for name in names
    ]


def _group_names(own_course: Json) -> list[str]:
    return list(dict.fromkeys(item["category"] for item in own_course["assignments"]))


def _group_id(own_course: Json, name: str) -> int:
    return int(own_course["id"]) * 100 + _group_names(own_course).index(name)


def assignment(own_course: Json, own: Json) -> Json:
    return {
        "id": own["id"],
        "name": own["title"],
        "course_id": own_course["id"],
        "points_possible": own["maximum"],
        "grading_type": own["grading_type"],
        "grading_standard_id": own["grading_standard_id"],
        "assignment_group_id": _group_id(own_course, own["category"]),
        "due_at": own["due_at"],
        "position": own["position"],
        "published": own["published"],
        "workflow_state": "published" if own["published"] else "unpublished",
        "post_to_sis": False,
        "sis_assignment_id": None,
        "integration_id": None,
        "integration_data": {},
        "omit_from_final_grade": False,
        "hide_in_gradebook": False,
        "post_manually": False,
        "allowed_attempts": -1,
        "html_url": f"{here()}/courses/{own_course['id']}/assignments/{own['id']}",
    }


def submission(world: World, own_course: Json, item: Json, user_id: int) -> Json:
    """One row for each student and assignment, also where nothing was handed in or graded."""
    row = world.submission(own_course, item["id"], user_id)
    score = None if row["score"] is None else Decimal(row["score"])
    grade = grading.grade_text(score, item, grading.scheme_of(world.standard(own_course, item)))
    known = score is not None or row["excused"]
    return {
        "id": BEYOND_FLOAT + item["id"] * 100_000 + user_id,
        "assignment_id": item["id"],
        "user_id": user_id,
        "score": None if row["excused"] else score,
        "grade": "EX" if row["excused"] else grade,
        "entered_score": None if row["excused"] else score,
        "entered_grade": "EX" if row["excused"] else grade,
        "excused": row["excused"],
        "late": row["late"],
        "missing": row["missing"],
        "late_policy_status": "missing" if row["missing"] else None,
        "points_deducted": None,
        "custom_grade_status_id": None,
        "graded_at": row["graded_at"],
        "posted_at": row["graded_at"] if row["posted"] else None,
        "submitted_at": None,
        "attempt": None,
        "grade_matches_current_submission": True,
        "grading_period_id": None,
        "workflow_state": "graded" if known else "unsubmitted",
    }


def enrollment(world: World, own_course: Json, row: Json) -> Json:
    own_section = next(s for s in own_course["sections"] if s["id"] == row["section_id"])
    person = world.person(row["user_id"])
    shown = {
        "id": row["id"],
        "user_id": row["user_id"],
        "course_id": own_course["id"],
        "course_section_id": own_section["id"],
        "type": row["type"],
        "role": row["type"],
        "role_id": ROLE_IDS[row["type"]],
        "enrollment_state": row["state"],
        "sis_course_id": own_course["sis_id"] or None,
        "sis_section_id": own_section["sis_id"] or None,
        "sis_user_id": person["sis_id"] or None,
        "sis_account_id": None,
        "course_integration_id": None,
        "section_integration_id": None,
        "user": _short_user(person),
    }
    if row["type"] in (STUDENT, TEST_STUDENT):
        shown["grades"] = grades(world, own_course, row["user_id"])
    return shown


def grades(world: World, own_course: Json, user_id: int) -> Json:
    shown: Json = {"html_url": f"{here()}/courses/{own_course['id']}/grades/{user_id}"}
    for name in ("current", "final"):
        score, text = world.total(own_course, user_id, final=name == "final")
        shown |= {f"{name}_score": score, f"{name}_grade": text}
        shown |= {f"unposted_{name}_score": score, f"unposted_{name}_grade": text}
    return shown


def _short_user(person: Json) -> Json:
    return {
        "id": person["id"],
        "name": person["name"],
        "sortable_name": ", ".join(part for part in (person["family_name"], person["given_name"]) if part),
        "short_name": person["name"],
        "sis_user_id": person["sis_id"] or None,
        "integration_id": None,
        "login_id": person["login"] or None,
    }


def user(world: World, own_course: Json, user_id: int, include: Collection[str]) -> Json:
    person = world.person(user_id)
    shown = _short_user(person)
    if "email" in include:
        shown["email"] = person["email"] or None
    if "enrollments" in include:
        rows = [row for row in own_course["enrollments"] if row["user_id"] == user_id]
        shown["enrollments"] = [enrollment(world, own_course, row) for row in rows]
    return shown


def account(own: Json) -> Json:
    parent = own["parent_account_id"]
    return {
        "id": own["id"],
        "name": own["name"],
        "uuid": opaque("account", own["id"]),
        "parent_account_id": parent,
        "root_account_id": None if parent is None else 1,
        "sis_account_id": None,
        "workflow_state": "active",
        "default_time_zone": "America/Denver",
    }


def standard(sandbox: Sandbox, owner: Json, kind: str, own: Json) -> Json:
    entries = [entry | {"value": Decimal(entry["value"])} for entry in own["entries"]]
    return {
        "id": own["id"],
        "title": own["title"],
        "context_type": kind,
        "context_id": owner["id"],
        "points_based": own["points_based"],
        "scaling_factor": Decimal("1.0"),
        "grading_scheme": [
            entry | {"calculated_value": grading.plain(entry["value"] * 100)}
            for entry in troubles.scheme(sandbox, entries)
        ],
    }
