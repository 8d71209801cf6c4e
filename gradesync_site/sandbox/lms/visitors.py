"""Who looks at a page of the pretend LMS, and as what in which course."""

from __future__ import annotations

from typing import Any

from flask import abort, request

from gradesync_site.sandbox.lms.campus import USER_COOKIE, Campus
from gradesync_site.sandbox.lms.world import ASSISTANT, STUDENT, TEACHER

Json = dict[str, Any]

ROLES = {TEACHER: "teacher", ASSISTANT: "assistant", STUDENT: "student"}
GUEST = "guest"


def who(campus: Campus, course: Json) -> Json:
    """Who the browser says it is; before it says, the course's first teacher, so that a demo starts at once."""
    chosen = request.cookies.get(USER_COOKIE, "")
    if chosen in campus.world.state["people"]:
        return campus.world.person(chosen)
    teachers = campus.world.enrollments(course, TEACHER)
    if not teachers:
        abort(403, "Nobody teaches this course. Choose who you are on a course page first.")
    return campus.world.person(teachers[0]["user_id"])


def role(campus: Campus, course: Json, person: Json) -> str:
    kinds = {row["type"] for row in campus.world.enrollments(course) if row["user_id"] == person["id"]}
    return next((name for kind, name in ROLES.items() if kind in kinds), GUEST)


def require_teacher(campus: Campus, course: Json, doing: str) -> Json:
    """Her, when she teaches this course; else the request ends with 403 and `doing` ("grade") in words."""
    person = who(campus, course)
    if role(campus, course, person) != "teacher":
        abort(403, f"Only a teacher of the course may {doing}.")
    return person
