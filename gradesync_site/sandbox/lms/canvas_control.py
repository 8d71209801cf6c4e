"""The control API's part for what only Canvas has: what a teacher or administrator would set there by hand."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from gradesync_site.sandbox.control import answer, loads
from gradesync_site.sandbox.lms import canvas_settings
from gradesync_site.sandbox.lms.campus import Campus
from gradesync_site.sandbox.lms.world import Unknown

Json = dict[str, Any]


def blueprint(campus: Campus) -> Blueprint:
    """POST canvas/course, canvas/assignment, canvas/submission (see `canvas_settings`), canvas/bucket. JSON in and out."""
    routes = Blueprint("canvas_control", __name__, url_prefix="/_sandbox/canvas")
    routes.register_error_handler(Unknown, lambda error: answer({"error": str(error)}, 404))
    for wrong in (ValueError, TypeError):
        routes.register_error_handler(wrong, lambda error: answer({"error": str(error)}, 400))
    routes.register_error_handler(KeyError, lambda error: answer({"error": f"{error} is missing."}, 400))
    _course_routes(routes, campus)
    _result_routes(routes, campus)
    return routes


def _course_routes(routes: Blueprint, campus: Campus) -> None:
    @routes.post("/course")
    def course() -> Response:
        """{"course", and any of workflow_state, concluded, weights, rules, late_policy, grading_periods, overrides}."""
        wish = _wish()
        found = campus.world.course(wish.pop("course"))
        return answer(
            campus.edit(lambda: canvas_settings.change(found, canvas_settings.COURSE, wish), "courses")
        )

    @routes.post("/assignment")
    def assignment() -> Response:
        """{"course", "assignment", and any of omit_from_final_grade, submission_types}."""
        wish = _wish()
        found = campus.world.assignment(campus.world.course(wish.pop("course")), wish.pop("assignment"))
        return answer(
            campus.edit(
                lambda: canvas_settings.change(found, canvas_settings.ASSIGNMENT, wish), "assignments"
            )
        )


def _result_routes(routes: Blueprint, campus: Campus) -> None:
    @routes.post("/submission")
    def submission() -> Response:
        """{"course", "assignment", "user", and any of pending, attempt, submitted_at, custom_grade_status_id, posted ...}."""
        wish, world = _wish(), campus.world
        course = world.course(wish.pop("course"))
        item, person = world.assignment(course, wish.pop("assignment")), world.person(wish.pop("user"))
        changed = campus.edit(
            lambda: canvas_settings.change_submission(world, course, item, person["id"], wish),
            f"grades/{item['id']}/{person['id']}",
        )
        return answer(changed)

    @routes.post("/bucket")
    def bucket() -> Response:
        """{"full", "most", "leak", "held", "cost", "count"}, all optional."""
        return answer(campus.canvas_bucket.set(**_wish()))


def _wish() -> Json:
    wish = loads(request.get_data())
    if not isinstance(wish, dict):
        raise TypeError("A JSON object is wanted.")
    return wish
