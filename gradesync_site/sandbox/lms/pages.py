"""The pages a person sees: courses, a gradebook, who she is, and the tool in a frame inside the course."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from gradesync_site.sandbox.lms import grading, storage
from gradesync_site.sandbox.lms.campus import USER_COOKIE, Campus
from gradesync_site.sandbox.lms.id_token import link_of
from gradesync_site.sandbox.lms.visitors import ROLES, require_teacher, role, who
from gradesync_site.sandbox.lms.world import ASSISTANT, STUDENT, TEACHER, Unknown

Json = dict[str, Any]


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
        course = campus.world.course(ref)
        framed = _framed(campus, course)
        return _page(campus, "tool.html", course, framed=framed, storage=storage.of_page(campus))


def _doing_routes(routes: Blueprint, campus: Campus) -> None:
    @routes.post("/login")
    def login() -> AnyResponse:
        """Who you are from now on; `back` is the page to return to."""
        person = campus.world.person(request.form["user"])
        back = request.form.get("back", "/")
        response = redirect(back if back.startswith("/") and not back.startswith("//") else "/", 303)
        response.set_cookie(USER_COOKIE, str(person["id"]), httponly=True, samesite="Lax")
        return response

    @routes.post("/courses/<ref>/grade")
    def grade(ref: str) -> AnyResponse:
        _type_grade(campus, campus.world.course(ref))
        return redirect(f"/courses/{ref}", 303)


def _page(campus: Campus, template: str, course: Json, **more: Any) -> str:
    person = who(campus, course)
    shown = {
        "course": course,
        "person": person,
        "role": role(campus, course, person),
        "people": _people(campus, course),
        "tools": _in_menu(campus),
        "takes_links": campus.dialect.wording.takes_links and campus.usual_tool() is not None,
        "links": course.get("links", []),
    }
    return render_template(template, **shown, **more, grid=_grid(campus, course))


def _in_menu(campus: Campus) -> list[Json]:
    """Tools with an entry of their own in the course's menu."""
    known = campus.world.state["tools"].values() if campus.dialect.wording.menu else ()
    return [tool for tool in known if tool.get("enabled", True)]


def _framed(campus: Campus, course: Json) -> Json | None:
    """What the frame of a course page holds: a link, the choice of one, or the tool in the menu."""
    link_id, adding = request.args.get("link", ""), request.args.get("message") == "deep_linking"
    tool = campus.tool(request.args.get("tool") or "") or campus.usual_tool()
    if tool is None:
        return None
    title = link_of(course, link_id).get("title") or tool["name"]
    return {"title": title, "query": request.query_string.decode(), "adding": adding}


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


def _type_grade(campus: Campus, course: Json) -> None:
    """A teacher types into the gradebook: a number, a letter, EX for excused, nothing to clear."""
    require_teacher(campus, course, "grade")
    item = campus.world.assignment(course, request.form["line_item"])
    person, typed = campus.world.person(request.form["student"]), request.form["grade"].strip()
    wish: Json = {"excused": True} if typed.upper() == "EX" else {"text": typed}
    try:
        campus.edit(lambda: campus.world.set_grade(course, item, person["id"], wish), f"grades/{item['id']}")
    except ValueError as error:
        abort(400, str(error))
