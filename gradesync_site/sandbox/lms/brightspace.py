"""Brightspace's API (Valence), as far as a grade reader needs it: bearer token, versions, pages by bookmark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, request

from gradesync_site.sandbox.control import answer, dumps
from gradesync_site.sandbox.lms import brightspace_json as worded
from gradesync_site.sandbox.lms import troubles
from gradesync_site.sandbox.lms.campus import Campus, refuse
from gradesync_site.sandbox.lms.world import STUDENT, TEST_STUDENT, Unknown

Json = dict[str, Any]
Item = TypeVar("Item")

TOKEN = "sandbox-brightspace-token"
VERSIONS = {"lp": ("1.0", "1.31", "1.53", "1.63"), "le": ("1.0", "1.47", "1.74", "1.92", "1.99")}
PER_PAGE, MOST_PER_PAGE = 20, 200
BOOKMARK = "Bm"


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("brightspace", __name__, url_prefix="/d2l/api")
    routes.before_request(lambda: _admit(campus))
    routes.register_error_handler(Unknown, lambda error: answer(_problem(404, "Not Found"), 404))
    _platform_routes(routes, campus)
    _classlist_routes(routes, campus)
    _set_up_routes(routes, campus)
    _value_routes(routes, campus)
    _final_routes(routes, campus)
    return routes


def token_of(campus: Campus) -> str:
    return campus.sandbox.options.extra.get("brightspace_token") or TOKEN


def is_admitted(campus: Campus) -> bool:
    """The administrator's token, and those that teachers allowed (see `oauth`)."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return kind == "Bearer" and (token == token_of(campus) or bool(campus.keyring.owner(token)))


def _admit(campus: Campus) -> None:
    if request.path == "/d2l/api/versions/":
        return
    if not is_admitted(campus) or campus.struck("bearer-refused"):
        refuse(401, _problem(401, "Unauthorized"))
    if campus.struck("wrong-scope"):
        refuse(403, _problem(403, "Forbidden", "Insufficient scope to call this API."))
    troubles.of_lists(campus.sandbox, too_many=429)
    product, version = request.path.split("/")[3:5]
    if version not in VERSIONS.get(product, ()):
        refuse(404, _problem(404, "Not Found"))


def _problem(status: int, title: str, detail: str = "") -> Json:
    """`Errors.ProblemDetails`."""
    return {"type": "about:blank", "status": status, "title": title, "detail": detail, "instance": ""}


def _platform_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    @routes.get("/versions/")
    def versions() -> Response:
        return _json(
            [
                {"ProductCode": product, "LatestVersion": known[-1], "SupportedVersions": list(known)}
                for product, known in VERSIONS.items()
            ]
        )

    @routes.get("/lp/<version>/users/whoami")
    def whoami(version: str) -> Response:
        return _json(
            {"Identifier": "1", "FirstName": "Integration", "LastName": "Account", "UniqueName": "sync"}
        )

    @routes.get("/lp/<version>/courses/<unit>")
    def course(version: str, unit: str) -> Response:
        return _json(worded.course(world.course(unit)))

    @routes.get("/lp/<version>/<unit>/sections/")
    def sections(version: str, unit: str) -> Response:
        found = world.course(unit)
        return _json([worded.section(found, section) for section in found["sections"]])


def _classlist_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    @routes.get("/le/<version>/<unit>/classlist/paged/")
    def classlist(version: str, unit: str) -> Response:
        rows = {
            row["user_id"]: row
            for row in world.enrollments(world.course(unit))
            if row["type"] != TEST_STUDENT
        }
        shown = [worded.person(world, row) for row in rows.values()]
        if request.args.get("onlyShowShownInGrades") == "true":
            shown = [row for row in shown if row["ClasslistRoleDisplayName"] == "Student"]
        return _page(campus, troubles.people(campus.sandbox, shown))


def _set_up_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    @routes.get("/le/<version>/<unit>/grades/")
    def objects(version: str, unit: str) -> Response:
        found = world.course(unit)
        return _json([worded.grade_object(found, item) for item in found["assignments"]])

    @routes.get("/le/<version>/<unit>/grades/setup/")
    def setup(version: str, unit: str) -> Response:
        return _json(worded.setup(world.course(unit)))

    @routes.get("/le/<version>/<unit>/grades/categories/")
    def categories(version: str, unit: str) -> Response:
        return _json(worded.categories(world.course(unit)))

    @routes.get("/le/<version>/<unit>/grades/schemes/")
    def schemes(version: str, unit: str) -> Response:
        found = [worded.scheme(campus.sandbox, one) for one in world.standards(world.course(unit))]
        return _json([worded.percentage(), *found])

    @routes.get("/le/<version>/<unit>/dropbox/folders/")
    def folders(version: str, unit: str) -> Response:
        return _json([worded.folder(one) for one in world.course(unit)["assignments"] if one["due_at"]])

    @routes.get("/le/<version>/<unit>/quizzes/")
    def quizzes(version: str, unit: str) -> Response:
        world.course(unit)
        return _page(campus, [])


def _students(campus: Campus, course: Json) -> Sequence[int]:
    rows = campus.world.enrollments(course, STUDENT)
    return troubles.shortened(campus.sandbox, list(dict.fromkeys(row["user_id"] for row in rows)))


def _by_user(campus: Campus, course: Json, make: Callable[[int], Json | None]) -> Response:
    def row(user_id: int) -> Json:
        return {"User": worded.user(campus.world, user_id), "GradeValue": make(user_id)}

    students = _students(campus, course)
    return troubles.of_results(campus.sandbox) or _page(campus, students, row, results=True)


def _value_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    @routes.get("/le/<version>/<unit>/grades/<item_id>/values/")
    def values(version: str, unit: str, item_id: str) -> Response:
        found = world.course(unit)
        item = world.assignment(found, item_id)
        return _by_user(campus, found, lambda user_id: worded.value(world, found, item, user_id))

    @routes.get("/le/<version>/<unit>/grades/<item_id>/exemptions/")
    def exemptions(version: str, unit: str, item_id: str) -> Response:
        found = world.course(unit)
        item = world.assignment(found, item_id)
        exempt = [
            one for one in _students(campus, found) if world.submission(found, item["id"], one)["excused"]
        ]
        return _json([worded.user(world, user_id) for user_id in exempt])


def _final_routes(routes: Blueprint, campus: Campus) -> None:
    world = campus.world

    @routes.get("/le/<version>/<unit>/grades/final/values/")
    def finals(version: str, unit: str) -> Response:
        found = world.course(unit)
        return _by_user(
            campus, found, lambda user_id: worded.final_value(world, found, user_id, worded.CALCULATED)
        )

    @routes.get("/le/<version>/<unit>/grades/values/")
    def of_type(version: str, unit: str) -> Response:
        """Of the final grades only: nobody here asks for the others in one list."""
        found = world.course(unit)
        kinds = [kind for kind in worded.FINALS if request.args.get("gradeObjectTypeId") == str(kind)]
        cells = [(user_id, kind) for kind in kinds for user_id in _students(campus, found)]

        def row(cell: tuple[int, int]) -> Json:
            own = {"UserId": str(cell[0]), "OrgUnitId": str(found["id"])}
            return own | worded.final_value(world, found, *cell)

        return _page(campus, cells, row)


def _page(
    campus: Campus, rows: Sequence[Item], make: Callable[[Item], Json] | None = None, *, results: bool = False
) -> Response:
    """An `Api.ObjectListPage`; `make` words the rows of this page only."""
    asked, bookmark = request.args.get("pageSize", ""), request.args.get("bookmark", "")
    size = max(1, min(int(asked), MOST_PER_PAGE)) if asked.isdigit() else PER_PAGE
    mark = bookmark.removeprefix(BOOKMARK)
    start = int(mark) if mark.isdigit() else 0
    page = rows[start : start + size]
    if results and start and campus.struck("results-page-repeats"):
        page = rows[start - size : start]
    following = _next(campus, start, start + size) if start + size < len(rows) else None
    shown: list[Any] = [make(row) for row in page] if make else list(page)
    if results and not start:
        graded = [row["GradeValue"] for row in shown if row["GradeValue"]]
        troubles.scores(campus.sandbox, graded, "PointsNumerator")
    return _json({"Next": following, "Objects": shown})


def _next(campus: Campus, start: int, following: int) -> str:
    if campus.struck("next-link-loops"):
        following = start
    other = campus.sandbox.strikes("next-link-other-host")
    parts = urlsplit(request.base_url)
    kept = [pair for pair in request.args.items(multi=True) if pair[0] != "bookmark"]
    host = other.settings.get("host", "grades.invalid") if other else parts.netloc
    return parts._replace(
        netloc=host, query=urlencode([*kept, ("bookmark", f"{BOOKMARK}{following}")])
    ).geturl()


def _json(data: Any) -> Response:
    credits = {"X-Rate-Limit-Remaining": "49990", "X-Rate-Limit-Reset": "42", "X-Request-Cost": "10"}
    return Response(troubles.as_text(dumps(data)), 200, credits, mimetype="application/json")
