"""Schoology's REST API v1, as far as a grade reader needs it: every course of the world is one section.

Signed requests, pages by start and limit with the next one's address in the answer; grades come in pages that say
neither how many there are nor where the next one is, as in the documented example.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, abort, request

from gradesync_site.sandbox.control import answer, dumps
from gradesync_site.sandbox.lms import schoology_json, troubles
from gradesync_site.sandbox.lms.campus import Campus, here
from gradesync_site.sandbox.lms.oauth1 import Guard, Unsigned
from gradesync_site.sandbox.lms.world import STUDENT, TEST_STUDENT, Unknown

Json = dict[str, Any]

KEY, SECRET = "sandbox-schoology-key", "sandbox-schoology-secret"
LIMIT, MOST = 20, 200
AT_ONCE = 50


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("schoology", __name__, url_prefix="/v1")
    guard = Guard(KEY, SECRET)
    routes.before_request(lambda: _admit(campus, guard))
    routes.register_error_handler(Unknown, lambda error: Response("", 404))
    _section_routes(routes, campus)
    _setup_routes(routes, campus)
    _people_routes(routes, campus)
    return routes


def describe(base_url: str) -> Json:
    return {"base_url": base_url, "consumer_key": KEY, "consumer_secret": SECRET}


def _admit(campus: Campus, guard: Guard) -> None:
    try:
        guard.check(request.method, request.url, request.headers.get("Authorization", ""))
    except Unsigned as error:
        abort(answer(str(error), 401))
    if campus.struck("bearer-refused"):
        abort(Response("", 401))
    if campus.struck("wrong-scope"):
        abort(Response("", 403))
    troubles.of_lists(campus.sandbox, too_many=429)


def _section_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    @routes.get("/sections/<ref>")
    @routes.get("/sections/<ref>/<path:unknown>")
    def section(ref: str, unknown: str = "") -> Response:
        """What it does not know below a section is answered with the section itself."""
        return _json(schoology_json.section(world.course(ref)))

    @routes.get("/sections/<ref>/enrollments")
    def enrollments(ref: str) -> Response:
        course = world.course(ref)
        rows = [row for row in course["enrollments"] if row["type"] != TEST_STUDENT]
        shown = [schoology_json.enrollment(world, course, row) for row in rows]
        asked = request.args.get("enrollment_status")
        wanted = asked.split(",") if asked else None
        shown = [row for row in shown if wanted is None or row["status"] in wanted]
        return _page(campus, troubles.people(campus.sandbox, shown), "enrollment")

    @routes.get("/sections/<ref>/grade_items")
    def grade_items(ref: str) -> Response:
        course = world.course(ref)
        items = [schoology_json.grade_item(world, course, item) for item in course["assignments"]]
        return _page(campus, items, "assignment")

    @routes.get("/sections/<ref>/grades")
    def grades(ref: str) -> Response:
        return troubles.of_results(campus.sandbox) or _grades(campus, world.course(ref))


def _grades(campus: Campus, course: Json) -> Response:
    world = campus.world
    # a student who sits in two parts of a course is enrolled in its section once
    rows = world.enrollments(course, STUDENT, every_state=True)
    students: dict[int, Json] = {}
    for row in rows:
        students.setdefault(row["user_id"], row)
    entered = [(item, course["submissions"].get(str(item["id"]), {})) for item in course["assignments"]]
    cells = [
        (item, student)
        for user_id, student in students.items()
        for item, rows_of in entered
        if schoology_json.is_entered(rows_of.get(str(user_id)))
    ]
    cells = list(troubles.shortened(campus.sandbox, cells))
    start, limit = _asked()
    page = cells[start : start + limit]
    if start and campus.sandbox.strikes("results-page-repeats"):
        page = cells[start - limit : start]
    shown = [schoology_json.grade(world, course, item, student) for item, student in page]
    if not start:
        shown = troubles.scores(campus.sandbox, shown, "grade")
    there = {student["id"]: student for _, student in page}
    finals = [schoology_json.final_grade(world, course, student) for student in there.values()]
    periods = [schoology_json.period_title(course)]
    return _json({"grades": {"grade": shown}, "period": periods, "final_grade": finals})


def _setup_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    def listed(rows: list[Json], key: str) -> Response:
        return _json({key: rows, "links": {"self": request.url}})

    @routes.get("/sections/<ref>/grading_scales")
    def scales(ref: str) -> Response:
        return listed(schoology_json.scales(campus.sandbox, world, world.course(ref)), "grading_scale")

    @routes.get("/sections/<ref>/grading_categories")
    def categories(ref: str) -> Response:
        return listed(schoology_json.categories(world.course(ref)), "grading_category")

    @routes.get("/sections/<ref>/grading_periods")
    def periods(ref: str) -> Response:
        return listed([schoology_json.period(world.course(ref))], "grading_period")


def _people_routes(routes: Blueprint, campus: Campus) -> None:
    @routes.get("/users/me")
    def me() -> Response:
        return Response("", 303, {"Location": f"{here()}/v1/users/1"})

    @routes.get("/users/<ref>")
    def user(ref: str) -> Response:
        return _json(_user(campus, ref))

    @routes.post("/multiget")
    def several() -> Response:
        paths = (request.get_json(silent=True) or {}).get("request") or []
        return _json({"response": [_one_of_several(campus, str(path)) for path in paths[:AT_ONCE]]})


def _user(campus: Campus, ref: str) -> Json:
    if ref == "1":
        return {"uid": "1", "id": 1, "name_display": "Integration account", "username": "integration"}
    return schoology_json.user(campus.world.person(ref))


def _one_of_several(campus: Campus, path: str) -> Json:
    shown: Json = {"location": path, "response_code": 404, "headers": [], "body": ""}
    try:
        body = _user(campus, path.removeprefix("/v1/users/"))
    except Unknown:
        return shown
    return shown | {"response_code": 200, "body": body}


def _page(campus: Campus, rows: Sequence[Json], key: str) -> Response:
    start, limit = _asked()
    links = {"self": request.url}
    if start + limit < len(rows):
        links["next"] = _next(campus, start, limit)
    return _json({key: rows[start : start + limit], "total": str(len(rows)), "links": links})


def _next(campus: Campus, start: int, limit: int) -> str:
    following = start if campus.sandbox.strikes("next-link-loops") else start + limit
    other = campus.sandbox.strikes("next-link-other-host")
    host = f"https://{other.settings.get('host', 'grades.invalid')}" if other else here()
    kept = {name: value for name, value in request.args.items() if name not in ("start", "limit")}
    query = "&".join(
        f"{name}={value}" for name, value in {**kept, "start": following, "limit": limit}.items()
    )
    return f"{host}{request.path}?{query}"


def _asked() -> tuple[int, int]:
    start, limit = request.args.get("start", "0"), request.args.get("limit", "")
    return (
        int(start) if start.isdecimal() else 0,
        max(1, min(int(limit), MOST)) if limit.isdecimal() else LIMIT,
    )


def _json(data: object) -> Response:
    return Response(troubles.as_text(dumps(data)), 200, mimetype="application/json")
