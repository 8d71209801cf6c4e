"""How Canvas's REST API words each thing (Canvas API docs: Courses, Assignments, Submissions, Enrollments ...)."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from gradesync_site.sandbox.control import Sandbox
from gradesync_site.sandbox.lms import canvas_settings, grading, troubles
from gradesync_site.sandbox.lms.campus import here
from gradesync_site.sandbox.lms.world import ASSISTANT, STUDENT, TEACHER, TEST_STUDENT, World, opaque

Json = dict[str, Any]

ROLE_IDS = {STUDENT: 3, TEACHER: 4, ASSISTANT: 5, TEST_STUDENT: 3}
# ids of hosted Canvas pass 2^53, where a binary float no longer tells them apart
BEYOND_FLOAT = 10**16


def course(own: Json, include: Collection[str] = ()) -> Json:
    here_only = canvas_settings.of_course(own)
    concluded = {"concluded": here_only["concluded"]} if "concluded" in include else {}
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
        "workflow_state": here_only["workflow_state"],
        "apply_assignment_group_weights": here_only["weights"] is not None,
        **concluded,
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
    settings = canvas_settings.of_course(own_course)
    return [
        {
            "id": _group_id(own_course, name),
            "name": name,
            "position": names.index(name) + 1,
            "group_weight": (settings["weights"] or {}).get(name, 0),
            "rules": settings["rules"].get(name, {}),
        }
        for name in names
    ]


def _group_names(own_course: Json) -> list[str]:
    return list(dict.fromkeys(item["category"] for item in own_course["assignments"]))


def _group_id(own_course: Json, name: str) -> int:
    return int(own_course["id"]) * 100 + _group_names(own_course).index(name)


def period(own: Json) -> Json:
    return {
        "grading_period_group_id": 1,
        "close_date": own["end_date"],
        "weight": None,
        "is_closed": False,
    } | own


def assignment(own_course: Json, own: Json) -> Json:
    settings = canvas_settings.of_assignment(own)
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
        "omit_from_final_grade": settings["omit_from_final_grade"],
        "submission_types": settings["submission_types"],
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
    more = canvas_settings.SUBMISSION | row
    graded_at = row["graded_at"] or row.get("was_graded_at")
    within = canvas_settings.period_of(own_course, item)
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
        "custom_grade_status_id": more["custom_grade_status_id"],
        "graded_at": graded_at,
        "posted_at": graded_at if row["posted"] else None,
        "submitted_at": more["submitted_at"],
        "attempt": more["attempt"],
        "grade_matches_current_submission": more["grade_matches_current_submission"],
        "grading_period_id": within["id"] if within else None,
        "workflow_state": _state(more, graded_at),
    }


def _state(row: Json, graded_at: str | None) -> str:
    """A grade that was taken away leaves "graded" behind (instructure/canvas-lms issue 2244)."""
    if row["pending"]:
        return "pending_review"
    if row["score"] is not None or row["excused"] or graded_at:
        return "graded"
    return "submitted" if row["submitted_at"] else "unsubmitted"


def enrollment(world: World, own_course: Json, row: Json, within: Json | None = None) -> Json:
    """`within`: the grading period that its grades are of; None: the whole course."""
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
        shown["grades"] = grades(world, own_course, row["user_id"], within)
    return shown


def grades(world: World, own_course: Json, user_id: int, within: Json | None = None) -> Json:
    shown: Json = {"html_url": f"{here()}/courses/{own_course['id']}/grades/{user_id}"}
    for name in ("current", "final"):
        score = canvas_settings.percent(world, own_course, user_id, final=name == "final", within=within)
        text = world.total_letter(own_course, score)
        shown |= {f"{name}_score": score, f"{name}_grade": text}
        shown |= {f"unposted_{name}_score": score, f"unposted_{name}_grade": text}
    overrides = canvas_settings.of_course(own_course)["overrides"]
    if overrides is not None:
        own = overrides.get(str(user_id), {}) if within is None else {}
        shown |= {"override_score": own.get("score"), "override_grade": own.get("grade")}
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
