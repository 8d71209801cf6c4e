"""The LMS's own part of the control API: what a teacher, a registrar or an administrator would do by hand."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from gradesync_site.sandbox.control import answer, loads
from gradesync_site.sandbox.lms import building, identities, registration, tools
from gradesync_site.sandbox.lms.campus import Campus, here
from gradesync_site.sandbox.lms.world import ASSISTANT, STUDENT, TEACHER, Unknown

Json = dict[str, Any]
KINDS = {"student": STUDENT, "teacher": TEACHER, "assistant": ASSISTANT}


def blueprint(campus: Campus) -> Blueprint:
    """POST tool, registration, enable, deployment, course, grade, student, line_item, scheme; DELETE student, line_item. JSON in and out.

    `course`, `user` (or `student`) and `assignment` (or `line_item`) are ids; a person may also be named by login or
    SIS id, an assignment by its title.
    """
    routes = Blueprint("lms_control", __name__, url_prefix="/_sandbox")
    routes.register_error_handler(Unknown, lambda error: answer({"error": str(error)}, 404))
    for wrong in (ValueError, TypeError):
        routes.register_error_handler(wrong, lambda error: answer({"error": str(error)}, 400))
    routes.register_error_handler(KeyError, lambda error: answer({"error": f"{error} is missing."}, 400))
    _tool_routes(routes, campus)
    _course_routes(routes, campus)
    _people_routes(routes, campus)
    _line_item_routes(routes, campus)
    return routes


def _tool_routes(routes: Blueprint, campus: Campus) -> None:
    @routes.post("/tool")
    def tool() -> Response:
        """{"tool_url"} or {"login_url", "launch_url", "jwks_url" | "jwks"}; client_id, deployment_id, custom ..."""
        return answer(campus.edit(lambda: tools.register(campus.world, _wish(), campus.dialect), "tools"))

    @routes.post("/registration")
    def begin_registration() -> Response:
        """{"tool_url"}: the tool's registration address. Answers the address that an administrator would open."""
        return answer(registration.begin(campus, _wish()["tool_url"]))

    @routes.post("/enable")
    def enable() -> Response:
        """{"client_id", "scopes"}, both optional: the newest tool, with the scopes that the administrator leaves it."""
        wish = _wish()
        known = list(campus.world.state["tools"])
        client_id = wish.get("client_id") or (known[-1] if known else "")
        return answer(campus.edit(lambda: tools.enable(campus.world, client_id, wish.get("scopes")), "tools"))

    @routes.post("/deployment")
    def deployment() -> Response:
        """{"client_id", "course"}: the tool is deployed once more, for this course. Answers its deployment_id."""
        wish = _wish()
        course = campus.world.course(wish["course"])
        made = campus.edit(
            lambda: tools.deploy(campus.world, wish.get("client_id") or "", course, campus.dialect), "tools"
        )
        return answer({"deployment_id": made})


def _course_routes(routes: Blueprint, campus: Campus) -> None:
    @routes.post("/course")
    def course() -> Response:
        """A course with its people, line items and grades; the same id or sis_id again completes it."""
        wish = _wish()
        made, new = campus.edit(lambda: building.put_course(campus.world, wish), "courses")
        return answer(_summary(campus, made) | {"new": new})

    @routes.post("/scheme")
    def scheme() -> Response:
        """{"course", "grading_standard": [{"name", "value"}]}: the course's own standard from now on."""
        wish = _wish()
        found = campus.world.course(wish["course"])
        return answer(
            campus.edit(
                lambda: building.put_standard(campus.world, found, wish["grading_standard"]), "scheme"
            )
        )


def _people_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    @routes.post("/grade")
    def grade() -> Response:
        """{"course", "user", "assignment", and score | text | excused | missing | none; late, posted}. As a teacher types it."""
        wish = _wish()
        course = world.course(wish["course"])
        item, person = world.assignment(course, wish["assignment"]), world.person(wish["user"])
        row = campus.edit(
            lambda: world.set_grade(course, item, person["id"], wish), f"grades/{item['id']}/{person['id']}"
        )
        return answer(row)

    @routes.post("/student")
    def add_student() -> Response:
        """{"course", and a person; "role": "teacher" | "assistant" where it is none}."""
        wish = _wish()
        course, kind = world.course(wish["course"]), KINDS[wish.get("role") or "student"]
        return answer(campus.edit(lambda: building.enroll(world, course, wish, kind), "enrollments"))

    @routes.delete("/student")
    def remove_student() -> Response:
        """{"course", "user", "state": "deleted" | "inactive" | "completed"}."""
        wish = _wish()
        course, person = world.course(wish["course"]), world.person(wish["user"])
        campus.edit(
            lambda: building.leave(course, person["id"], wish.get("state") or "deleted"), "enrollments"
        )
        return answer({})


def _line_item_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    @routes.post("/line_item")
    def put_line_item() -> Response:
        """A new item, or {"assignment": id, …} with what changes of one there is."""
        wish = _wish()
        course = world.course(wish["course"])
        return answer(campus.edit(lambda: building.edit_assignment(world, course, wish), "assignments"))

    @routes.delete("/line_item")
    def remove_line_item() -> Response:
        wish = _wish()
        course = world.course(wish["course"])
        item = world.assignment(course, wish["assignment"])
        campus.edit(lambda: course["assignments"].remove(item), "assignments")
        return answer({})


def _wish() -> Json:
    wish = loads(request.get_data())
    if not isinstance(wish, dict):
        raise TypeError("A JSON object is wanted.")
    for ours, also in (("user", "student"), ("assignment", "line_item")):
        if also in wish:
            wish.setdefault(ours, wish[also])
    return wish


def _summary(campus: Campus, course: Json) -> Json:
    world = campus.world
    teachers = [world.person(row["user_id"]) for row in world.enrollments(course, TEACHER)]
    return {
        "course_id": str(course["id"]),
        "context_id": identities.context_id(campus, course),
        "url": f"{here()}/courses/{course['id']}",
        "teachers": [
            {"id": str(t["id"]), "login": t["login"], "lti_id": identities.user_id(campus, t)}
            for t in teachers
        ],
        "students": [str(user_id) for user_id in world.student_ids(course)],
        "line_items": [{"id": str(item["id"]), "title": item["title"]} for item in course["assignments"]],
    }
