"""The pages a person sees: courses, a gradebook, who she is, and the tool in a frame inside the course."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from gradesync_site.sandbox.lms import grading, storage
from gradesync_site.sandbox.lms.campus import CLIENT_ID, USER_COOKIE, Campus, issuer
from gradesync_site.sandbox.lms.world import ASSISTANT, STUDENT, TEACHER, Unknown

Json = dict[str, Any]

ROLES = {TEACHER: "teacher", ASSISTANT: "assistant", STUDENT: "student"}
GUEST = "guest"


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint(
        "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static"
    )
    routes.register_error_handler(Unknown, lambda error: (str(error), 404))
    _reading_routes(routes, campus)
    _doing_routes(routes, campus)
    return routes


def _reading_routes(routes: Blueprint, campus: Campus) -> None:
    @routes.get("/")
    def home() -> str:
        return render_template("home.html", courses=campus.world.courses())

    @routes.get("/courses/<ref>")
    def course(ref: str) -> str:
        return _page(campus, "course.html", campus.world.course(ref))

    @routes.get("/courses/<ref>/tool")
    def tool(ref: str) -> str:
        return _page(campus, "tool.html", campus.world.course(ref), storage=storage.of_page(campus))


def _doing_routes(routes: Blueprint, campus: Campus) -> None:
    @routes.post("/login")
    def login() -> AnyResponse:
        """Who you are from now on; `back` is the page to return to."""
        person = campus.world.person(request.form["user"])
        back = request.form.get("back", "/")
        response = redirect(back if back.startswith("/") and not back.startswith("//") else "/", 303)
        response.set_cookie(USER_COOKIE, str(person["id"]), httponly=True, samesite="Lax")
        return response

    @routes.get("/courses/<ref>/launch")
    def launch(ref: str) -> Response:
        return _launch(campus, campus.world.course(ref))

    @routes.post("/courses/<ref>/grade")
    def grade(ref: str) -> AnyResponse:
        _type_grade(campus, campus.world.course(ref))
        return redirect(f"/courses/{ref}", 303)


def _page(campus: Campus, template: str, course: Json, **more: Any) -> str:
    person = _who(campus, course)
    shown = {
        "course": course,
        "person": person,
        "role": _role(campus, course, person),
        "people": _people(campus, course),
    }
    return render_template(template, **shown, **more, tool=campus.tool(CLIENT_ID), grid=_grid(campus, course))


def _who(campus: Campus, course: Json) -> Json:
    """Who the browser says it is; before it says, the course's first teacher, so that a demo starts at once."""
    chosen = request.cookies.get(USER_COOKIE, "")
    if chosen in campus.world.state["people"]:
        return campus.world.person(chosen)
    teachers = campus.world.enrollments(course, TEACHER)
    if not teachers:
        abort(403, "Nobody teaches this course. Choose who you are on a course page first.")
    return campus.world.person(teachers[0]["user_id"])


def _role(campus: Campus, course: Json, person: Json) -> str:
    kinds = {row["type"] for row in campus.world.enrollments(course) if row["user_id"] == person["id"]}
    return next((name for kind, name in ROLES.items() if kind in kinds), GUEST)


def _people(campus: Campus, course: Json) -> list[tuple[str, Json]]:
    """Who one may be: the staff, and a few students."""
    rows = (
        campus.world.enrollments(course, TEACHER, ASSISTANT) + campus.world.enrollments(course, STUDENT)[:3]
    )
    return [(ROLES[row["type"]], campus.world.person(row["user_id"])) for row in rows]


def _grid(campus: Campus, course: Json) -> list[tuple[Json, list[str]]]:
    return [
        (
            campus.world.person(user_id),
            [_cell(campus, course, item, user_id) for item in course["assignments"]],
        )
        for user_id in campus.world.student_ids(course)
    ]


def _cell(campus: Campus, course: Json, item: Json, user_id: int) -> str:
    row = campus.world.submission(course, item["id"], user_id)
    words = [word for word in ("late", "missing") if row[word]]
    if row["excused"]:
        return "excused"
    if row["score"] is not None:
        scheme = grading.scheme_of(campus.world.standard(course, item))
        words.insert(0, str(grading.grade_text(grading.exact(row["score"]), item, scheme)))
    return ", ".join(words) or "–"


def _launch(campus: Campus, course: Json) -> Response:
    """Third-party initiated login (security framework §5.1.1.1): a form that posts itself to the tool."""
    tool = campus.tool(CLIENT_ID)
    if tool is None:
        abort(404, "The tool is not installed here yet. POST /_sandbox/tool makes it known.")
    person = _who(campus, course)
    if _role(campus, course, person) == GUEST:
        abort(403, "You are not in this course. Choose who you are on the course page.")
    fields = {
        "iss": issuer(),
        "login_hint": person["lti_id"],
        "target_link_uri": tool["launch_url"],
        "lti_message_hint": campus.begin_launch(course["id"], person["id"], tool["client_id"]),
        "client_id": tool["client_id"],
        "lti_deployment_id": tool["deployment_id"],
        **storage.target(campus),
    }
    response = make_response(render_template("post.html", action=tool["login_url"], fields=fields))
    # the launch belongs to this person, also when the browser had not said who it is
    response.set_cookie(USER_COOKIE, str(person["id"]), httponly=True, samesite="Lax")
    response.headers["Cache-Control"] = "no-store"
    return response


def _type_grade(campus: Campus, course: Json) -> None:
    """A teacher types into the gradebook: a number, a letter, EX for excused, nothing to clear."""
    if _role(campus, course, _who(campus, course)) != "teacher":
        abort(403, "Only a teacher of the course may grade.")
    item = campus.world.assignment(course, request.form["line_item"])
    person, typed = campus.world.person(request.form["student"]), request.form["grade"].strip()
    wish: Json = {"excused": True} if typed.upper() == "EX" else {"text": typed}
    try:
        campus.edit(lambda: campus.world.set_grade(course, item, person["id"], wish), f"grades/{item['id']}")
    except ValueError as error:
        abort(400, str(error))
