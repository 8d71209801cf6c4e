"""Canvas's REST API, as far as a grade reader needs it: bearer token, opaque pages, string ids on request."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from flask import Blueprint, Response, abort, g, request

from gradesync_site.sandbox.control import answer, dumps
from gradesync_site.sandbox.lms import canvas_cells, canvas_json, canvas_settings, troubles
from gradesync_site.sandbox.lms.campus import Campus, refuse
from gradesync_site.sandbox.lms.paging import page_of
from gradesync_site.sandbox.lms.world import TEST_STUDENT, Unknown

Json = dict[str, Any]
Item = TypeVar("Item")

STRING_IDS = "application/json+canvas-string-ids"
ID_KEY = re.compile(r"(^|_)id$")
PER_PAGE, MOST_PER_PAGE = 10, 100
MISSING = {"errors": [{"message": "The specified resource does not exist."}]}


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("canvas", __name__, url_prefix="/api/v1")
    routes.before_request(lambda: _admit(campus))
    routes.after_request(lambda response: _leave(campus, response))
    routes.register_error_handler(Unknown, lambda error: answer(MISSING, 404))
    _course_routes(routes, campus)
    _grade_routes(routes, campus)
    _people_routes(routes, campus)
    _scheme_routes(routes, campus)
    return routes


def _admit(campus: Campus) -> None:
    if not campus.accepts(_bearer()) or campus.struck("bearer-refused"):
        refuse(401, {"errors": [{"message": "Invalid access token."}]})
    if campus.struck("wrong-scope"):
        refuse(
            403,
            {"status": "unauthorized", "errors": [{"message": "user not authorized to perform that action"}]},
        )
    troubles.of_lists(campus.sandbox, too_many=403)

    if not campus.canvas_bucket.enter():
        abort(troubles.too_often(403, {}))
    g.in_bucket = True


def _leave(campus: Campus, response: Response) -> Response:
    """What the request cost, and how much of the bucket is left: after it was let in only."""
    if g.get("in_bucket"):
        campus.canvas_bucket.leave()
        response.headers["X-Request-Cost"] = str(campus.canvas_bucket.cost)
        response.headers["X-Rate-Limit-Remaining"] = str(campus.canvas_bucket.remaining)
    return response


def _bearer() -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if kind == "Bearer" else ""


def _course_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    @routes.get("/courses")
    def courses() -> Response:
        return _page(campus, [canvas_json.course(c, _includes()) for c in world.courses()])

    @routes.get("/courses/<ref>")
    def course(ref: str) -> Response:
        return _json(canvas_json.course(world.course(ref), _includes()))

    @routes.get("/courses/<ref>/sections")
    def sections(ref: str) -> Response:
        found = world.course(ref)
        return _page(campus, [canvas_json.section(found, section) for section in found["sections"]])

    @routes.get("/courses/<ref>/assignments")
    def assignments(ref: str) -> Response:
        found = world.course(ref)
        return _page(campus, [canvas_json.assignment(found, a) for a in found["assignments"]])

    @routes.get("/courses/<ref>/assignment_groups")
    def groups(ref: str) -> Response:
        return _page(campus, canvas_json.groups(world.course(ref)))


def _grade_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    @routes.get("/courses/<ref>/grading_periods")
    def periods(ref: str) -> Response:
        found = canvas_settings.of_course(world.course(ref))["grading_periods"]
        return _json({"grading_periods": [canvas_json.period(one) for one in found], "meta": {}})

    @routes.get("/courses/<ref>/late_policy")
    def late_policy(ref: str) -> Response:
        found = canvas_settings.of_course(world.course(ref))["late_policy"]
        return _json({"late_policy": canvas_settings.POLICY | found}) if found else refuse(404, MISSING)

    @routes.get("/courses/<ref>/students/submissions")
    def submissions(ref: str) -> Response:
        found = world.course(ref)
        cells = troubles.shortened(campus.sandbox, canvas_cells.asked_for(world, found))

        def make(cell: tuple[Json, int]) -> Json:
            return canvas_json.submission(world, found, *cell)

        return troubles.of_results(campus.sandbox) or _page(campus, cells, make, results=True)


def _includes() -> list[str]:
    return request.args.getlist("include[]")


def _people_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    @routes.get("/courses/<ref>/enrollments")
    def enrollments(ref: str) -> Response:
        found = world.course(ref)
        rows = troubles.people(campus.sandbox, _enrollments(campus, found))
        within = _period(found)
        return _page(campus, rows, lambda row: canvas_json.enrollment(world, found, row, within))

    @routes.get("/courses/<ref>/users")
    def users(ref: str) -> Response:
        found = world.course(ref)
        ids = dict.fromkeys(row["user_id"] for row in _users(campus, found))
        include = request.args.getlist("include[]")
        rows = [canvas_json.user(world, found, user_id, include) for user_id in ids]
        return _page(campus, troubles.people(campus.sandbox, rows))

    @routes.get("/users/self")
    def myself() -> Response:
        owner = campus.owner_of(_bearer())
        if owner is not None:
            return _json({"id": owner["id"], "name": owner["name"], "short_name": owner["name"]})
        return _json({"id": 1, "name": "Integration account", "short_name": "Integration account"})

    @routes.get("/courses/<ref>/permissions")
    def in_course(ref: str) -> Response:
        return _json(dict.fromkeys(request.args.getlist("permissions[]"), bool(world.course(ref))))

    @routes.get("/accounts/<account_id>/permissions")
    def in_account(account_id: str) -> Response:
        return _json(dict.fromkeys(request.args.getlist("permissions[]"), bool(world.account(account_id))))


def _period(course: Json) -> Json | None:
    asked = request.args.get("grading_period_id", "")
    found = canvas_settings.period(course, asked)
    if asked and found is None:
        refuse(400, {"error": "invalid grading_period_id"})
    return found


def _enrollments(campus: Campus, course: Json) -> list[Json]:
    """Of the types and states asked for; without a state, active and invited ones."""
    types = request.args.getlist("type[]") + request.args.getlist("role[]")
    states = request.args.getlist("state[]") or ["active", "invited"]
    rows = campus.world.enrollments(course, *types, every_state=True)
    return [row for row in rows if row["state"] in states]


def _users(campus: Campus, course: Json) -> list[Json]:
    kinds = [f"{kind.title()}Enrollment" for kind in request.args.getlist("enrollment_type[]")]
    states = request.args.getlist("enrollment_state[]") or ["active", "invited"]
    kinds = [kind.replace("Student_View", "StudentView") for kind in kinds]
    rows = campus.world.enrollments(course, *kinds, every_state=True)
    hidden = () if kinds or "test_student" in request.args.getlist("include[]") else (TEST_STUDENT,)
    return [row for row in rows if row["state"] in states and row["type"] not in hidden]


def _scheme_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    def shown(owner: Json, kind: str) -> list[Json]:
        return [canvas_json.standard(campus.sandbox, owner, kind, s) for s in owner["grading_standards"]]

    def one(owner: Json, kind: str, standard_id: str) -> Response:
        found = next((s for s in shown(owner, kind) if str(s["id"]) == standard_id), None)
        return _json(found) if found else refuse(404, MISSING)

    @routes.get("/courses/<ref>/grading_standards")
    def of_course(ref: str) -> Response:
        return _page(campus, shown(world.course(ref), "Course"))

    @routes.get("/courses/<ref>/grading_standards/<standard_id>")
    def one_of_course(ref: str, standard_id: str) -> Response:
        return one(world.course(ref), "Course", standard_id)

    @routes.get("/accounts")
    def accounts() -> Response:
        return _page(campus, [canvas_json.account(one) for one in world.state["accounts"]])

    @routes.get("/accounts/<account_id>")
    def account(account_id: str) -> Response:
        return _json(canvas_json.account(world.account(account_id)))

    @routes.get("/accounts/<account_id>/grading_standards")
    def of_account(account_id: str) -> Response:
        return _page(campus, shown(world.account(account_id), "Account"))

    @routes.get("/accounts/<account_id>/grading_standards/<standard_id>")
    def one_of_account(account_id: str, standard_id: str) -> Response:
        return one(world.account(account_id), "Account", standard_id)


def _page(
    campus: Campus, rows: Sequence[Item], make: Callable[[Item], Json] | None = None, *, results: bool = False
) -> Response:
    """One page of the list; `make` words the rows of this page, so that the others cost nothing."""
    asked = request.args.get("per_page", "")
    size = max(1, min(int(asked), MOST_PER_PAGE)) if asked.isdigit() else PER_PAGE
    page, links = page_of(campus.sandbox, rows, size, results=results)
    shown = [make(row) for row in page] if make else page
    if results and "page" not in request.args:
        shown = troubles.scores(campus.sandbox, shown, "score", "entered_score")
    return _json(shown, links)


def _json(data: Any, headers: dict[str, str] | None = None) -> Response:
    if STRING_IDS in request.headers.get("Accept", ""):
        data = _string_ids(data)
    return Response(troubles.as_text(dumps(data)), 200, headers or {}, mimetype="application/json")


def _string_ids(data: Any) -> Any:
    if isinstance(data, list):
        return [_string_ids(item) for item in data]
    if not isinstance(data, dict):
        return data
    return {key: str(v) if _is_id(key, v) else _string_ids(v) for key, v in data.items()}


def _is_id(key: str, value: Any) -> bool:
    return isinstance(value, int | Decimal) and bool(ID_KEY.search(key))
