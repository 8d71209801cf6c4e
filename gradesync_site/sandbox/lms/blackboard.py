"""Learn's public REST services, as far as a grade reader needs them: a key's token, pages that lead on, a daily quota.

A column without any grade answers 404, as the reference says. The application's user may see everything, until a fault
takes some of it away.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from gradesync_site.sandbox.control import answer, dumps
from gradesync_site.sandbox.lms import blackboard_json, oauth, troubles
from gradesync_site.sandbox.lms.campus import Campus, refuse
from gradesync_site.sandbox.lms.world import TEST_STUDENT, Unknown

Json = dict[str, Any]

KEY, SECRET = "0f6f3c1a-5a4d-4b0c-9d56-sandbox00001", "sandbox-learn-secret"
API = "/learn/api/public"
PER_PAGE, MOST_PER_PAGE = 100, 200
QUOTA, RESET_S = 10_000, 43_200
TOKEN_S = 3600


class Site:
    """What one Learn site knows of the application: its one token, and how much of the day's quota is left."""

    def __init__(self, campus: Campus) -> None:
        self.campus = campus
        extra = campus.sandbox.options.extra
        self.most = int(extra.get("blackboard_page") or MOST_PER_PAGE)
        self.limit = self.left = int(extra.get("blackboard_quota") or QUOTA)
        self.token = secrets.token_urlsafe(24)
        self._lock = threading.Lock()

    def spend(self) -> bool:
        with self._lock:
            self.left -= 1
            return self.left >= 0

    def quota(self) -> dict[str, str]:
        return {
            "X-Rate-Limit-Limit": str(self.limit),
            "X-Rate-Limit-Remaining": str(max(self.left, 0)),
            "X-Rate-Limit-Reset": str(RESET_S),
        }


def blueprint(campus: Campus) -> Blueprint:
    site = Site(campus)
    routes = Blueprint("blackboard", __name__, url_prefix=API)
    routes.before_request(lambda: _admit(site))
    routes.after_request(lambda response: _counted(site, response))
    routes.register_error_handler(Unknown, lambda error: _error(404, "The specified object was not found."))
    _site_routes(routes, site)
    _course_routes(routes, site)
    _gradebook_routes(routes, site)
    return routes


def _admit(site: Site) -> None:
    if "/oauth2/" in request.path:
        return
    campus = site.campus
    if not site.spend():
        refuse(429, {"status": 429, "message": "Rate limit exceeded."})
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    good = kind == "Bearer" and (token == site.token or bool(campus.keyring.owner(token)))
    if not good or campus.struck("bearer-refused"):
        refuse(401, {"status": 401, "message": "Bearer token is invalid"})
    if campus.struck("wrong-scope"):
        refuse(403, {"status": 403, "message": "User has insufficient privileges."})
    troubles.of_lists(campus.sandbox, too_many=429)


def _counted(site: Site, response: Response) -> Response:
    if "/oauth2/" not in request.path:
        response.headers.update(site.quota())
    return response


def _error(status: int, message: str) -> Response:
    return answer({"status": status, "message": message}, status)


# --- routes ---------------------------------------------------------------------------------------


def _site_routes(routes: Blueprint, site: Site) -> None:
    @routes.post("/v1/oauth2/token")
    def token() -> Response:
        """An application has one token for each site: asked again, it is the same one. A teacher's is her own."""
        if request.form.get("grant_type") in oauth.GRANT_TYPES:
            return oauth.token(site.campus)
        known = request.authorization
        right = known is not None and (known.username, known.password) == (KEY, SECRET)
        if not right or site.campus.struck("token-refused"):
            return answer({"error": "invalid_client", "error_description": "Invalid client credentials"}, 401)
        if request.form.get("grant_type") != "client_credentials":
            return answer({"error": "unsupported_grant_type"}, 400)
        return answer({"access_token": site.token, "token_type": "bearer", "expires_in": TOKEN_S})

    @routes.get("/v1/system/version")
    def version() -> Response:
        return answer({"learn": {"major": 3900, "minor": 112, "patch": 0, "build": "rel.0+sandbox"}})


def _course_routes(routes: Blueprint, site: Site) -> None:
    world = site.campus.world

    @routes.get("/v3/courses")
    def courses() -> Response:
        return _page(site, [blackboard_json.course(one) for one in world.courses()])

    @routes.get("/v3/courses/<ref>")
    def course(ref: str) -> Response:
        return answer(_narrowed(blackboard_json.course(_course(site, ref))))

    @routes.get("/v1/courses/<ref>/children")
    def children(ref: str) -> Response:
        return _page(site, blackboard_json.children(_course(site, ref)))

    @routes.get("/v1/courses/<ref>/users")
    def users(ref: str) -> Response:
        found = _course(site, ref)
        rows = [blackboard_json.membership(world, found, row) for row in _memberships(site, found)]
        if request.args.get("expand") != "user":
            rows = [{name: row[name] for name in row if name != "user"} for row in rows]
        return _page(site, troubles.people(site.campus.sandbox, rows))


def _gradebook_routes(routes: Blueprint, site: Site) -> None:
    world, sandbox = site.campus.world, site.campus.sandbox

    @routes.get("/v1/courses/<ref>/gradebook/schemas")
    def schemas(ref: str) -> Response:
        rows = blackboard_json.schemas(world, _course(site, ref))
        if sandbox.strikes("blackboard-gap"):
            for row in rows:
                _leave_a_gap(row)
        return _page(site, rows)

    @routes.get("/v1/courses/<ref>/gradebook/categories")
    def categories(ref: str) -> Response:
        return _page(site, blackboard_json.categories(_course(site, ref)))

    @routes.get("/v1/courses/<ref>/gradebook/periods")
    @routes.get("/v1/courses/<ref>/gradebook/gradeNotations")
    def nothing(ref: str) -> Response:
        _course(site, ref)
        return _page(site, [])

    @routes.get("/v2/courses/<ref>/gradebook/columns")
    def columns(ref: str) -> Response:
        return _page(site, blackboard_json.columns(world, _course(site, ref)))

    @routes.get("/v2/courses/<ref>/gradebook/columns/<column_id>/users")
    def grades(ref: str, column_id: str) -> Response:
        trouble = troubles.of_results(sandbox)
        rows = troubles.shortened(sandbox, blackboard_json.grades(world, _course(site, ref), column_id))
        if not rows and not trouble:
            return _error(404, "Grade detail values have not yet been populated.")
        return trouble or _page(site, rows, results=True)


def _leave_a_gap(schema: Json) -> None:
    """The second symbol ends a point below the first one's begin."""
    symbols = schema.get("symbols", [])
    if len(symbols) > 1:
        symbols[1]["upperBound"] -= 1


# --- what the routes share ------------------------------------------------------------------------


def _course(site: Site, ref: str) -> Json:
    """By primary id, or as uuid:, externalId: or courseId:."""
    kind, _, value = ref.rpartition(":")
    for one in site.campus.world.courses():
        shown = blackboard_json.course(one)
        if shown.get(kind or "id") == (value.replace("-", "") if kind == "uuid" else value):
            return one
    raise Unknown("There is no such course in the sandbox LMS.")


def _memberships(site: Site, course: Json) -> list[Json]:
    """One for each person: an enrolment in a second child course is ignored. The preview user comes last."""
    rows: dict[int, Json] = {}
    for row in site.campus.world.enrollments(course, every_state=True):
        rows.setdefault(row["user_id"], row)
    return sorted(rows.values(), key=lambda row: row["type"] == TEST_STUDENT)


def _page(site: Site, rows: Sequence[Json], *, results: bool = False) -> Response:
    sandbox, offset = site.campus.sandbox, request.args.get("offset", 0, type=int)
    size = max(1, min(request.args.get("limit", PER_PAGE, type=int), site.most))
    start = offset
    if results and offset and sandbox.strikes("results-page-repeats"):
        start = offset - size
    page = [_narrowed(row) for row in rows[start : start + size]]
    if results and not offset:
        page = troubles.scores(sandbox, page, "score")
    shown: Json = {"results": page}
    if offset + size < len(rows):
        shown["paging"] = {"nextPage": _following(site, offset, offset + size)}
    return Response(troubles.as_text(dumps(shown)), 200, mimetype="application/json")


def _following(site: Site, offset: int, following: int) -> str:
    sandbox = site.campus.sandbox
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "offset"]
    at = offset if sandbox.strikes("next-link-loops") else following
    address = f"{request.path}?{urlencode([*kept, ('offset', at)])}"
    other = sandbox.strikes("next-link-other-host")
    return f"https://{other.settings.get('host', 'grades.invalid')}{address}" if other else address


def _narrowed(row: Json) -> Json:
    """Only what `fields` asks for: names with dots lead into an object."""
    asked = [name.split(".") for name in request.args.get("fields", "").split(",") if name]
    if not asked:
        return row
    made: Json = {}
    for path in asked:
        _copy(row, made, path)
    return made


def _copy(row: Any, made: Json, path: list[str]) -> None:
    name, below = path[0], path[1:]
    if not isinstance(row, dict) or name not in row:
        return
    if below:
        _copy(row[name], made.setdefault(name, {}), below)
    else:
        made[name] = row[name]
