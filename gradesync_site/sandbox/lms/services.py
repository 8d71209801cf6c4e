"""Assignment and Grade Services 2.0 (line items, results) and Names and Role Provisioning 2.0, read only."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request

from gradesync_site.sandbox.control import dumps
from gradesync_site.sandbox.lms import columns, id_token, identities, troubles
from gradesync_site.sandbox.lms.campus import Campus, refuse
from gradesync_site.sandbox.lms.paging import page_of
from gradesync_site.sandbox.lms.tokens import require, tool_of
from gradesync_site.sandbox.lms.vocabulary import AGS_SCOPES, CONTEXT_ROLES, NRPS_SCOPE
from gradesync_site.sandbox.lms.world import Unknown

Json = dict[str, Any]

LINE_ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
LINE_ITEM = "application/vnd.ims.lis.v2.lineitem+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
# Sakai's mark of a column that belongs to somebody else
READ_ONLY = "https://www.sakailms.org/spec/lti-ags/v2p0/readOnly"


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("services", __name__)
    _line_item_routes(routes, campus)
    _result_routes(routes, campus)

    @routes.get(campus.dialect.paths.members)
    def members(context: str, deployment: str = "") -> Response:
        course = _admit(campus, context, NRPS_SCOPE, MEMBERS)
        return _members(campus, course)

    return routes


def _line_item_routes(routes: Blueprint, campus: Campus) -> None:
    @routes.get(campus.dialect.paths.line_items)
    def line_items(context: str) -> Response:
        course = _admit(campus, context, AGS_SCOPES[0], LINE_ITEMS)
        items = columns.visible(campus, course, tool_of(campus))
        return _list(campus, [_line_item(campus, course, item) for item in items], LINE_ITEMS)

    @routes.get(campus.dialect.paths.line_item)
    def line_item(context: str, item: str) -> Response:
        course = _admit(campus, context, AGS_SCOPES[0], LINE_ITEM)
        return _json(_line_item(campus, course, _item(campus, course, item)), LINE_ITEM, {})


def _result_routes(routes: Blueprint, campus: Campus) -> None:
    @routes.get(campus.dialect.paths.results)
    def results(context: str, item: str, user: str = "") -> Response:
        course = _admit(campus, context, AGS_SCOPES[1], RESULTS)
        trouble = troubles.of_results(campus.sandbox) or _moodle_limit(campus)
        found = _results(campus, course, _item(campus, course, item))
        wanted = user or request.args.get("user_id", "")
        found = [row for row in found if not wanted or _is_user(row, wanted)]
        return trouble or _list(campus, troubles.scores(campus.sandbox, found, "resultScore"), RESULTS)

    if campus.dialect.lists.user_in_path:
        routes.add_url_rule(f"{campus.dialect.paths.results}/<path:user>", view_func=results)


def _is_user(row: Json, wanted: str) -> bool:
    """Sakai takes the whole subject or its last part."""
    return wanted in (row["userId"], row["userId"].rpartition("/")[2])


def _moodle_limit(campus: Campus) -> Response | None:
    # it forgets the link to the last page when the type's id is there too, and fails on it (mod/lti, resources/results.php)
    if (
        campus.dialect.lists.paging == "from"
        and {"limit", "type_id"} <= request.args.keys()
        and not _paged(campus)
    ):
        return Response("", 500, mimetype="text/html")
    return None


def _admit(campus: Campus, context: str, scope: str, media_type: str) -> Json:
    """The course, for a caller that may read it and asks for the one media type that there is."""
    require(campus, scope)
    troubles.of_lists(campus.sandbox, too_many=429)
    if request.headers.get("Accept") != media_type:
        wrong = campus.dialect.lists.wrong_accept
        refuse(wrong, {"errors": {"message": f"Accept must be {media_type}"}})
    try:
        return identities.course_at(campus, context)
    except Unknown as error:
        refuse(404, {"errors": {"message": str(error)}})


def _item(campus: Campus, course: Json, item_id: str) -> Json:
    """One that this tool may see; another's is refused as if it were not there."""
    items = columns.visible(campus, course, tool_of(campus))
    found = next((item for item in items if str(item["id"]) == item_id), None)
    if found is None:
        refuse(404, {"errors": {"message": "There is no such assignment in the sandbox LMS."}})
    return found


def _url(campus: Campus, course: Json, item: Json) -> str:
    parts = id_token.service_parts(campus, tool_of(campus), course)
    return campus.addresses.service("line_item", item=str(item["id"]), **parts)


def _line_item(campus: Campus, course: Json, item: Json) -> Json:
    shown = {
        "id": _url(campus, course, item),
        "label": item["title"],
        "scoreMaximum": item["maximum"],
        "tag": item["category"],
        "endDateTime": item["due_at"],
    }
    if campus.dialect.lists.marks_foreign and not columns.is_own(campus, course, tool_of(campus), item):
        shown[READ_ONLY] = True
    return {name: value for name, value in shown.items() if value is not None}


def _results(campus: Campus, course: Json, item: Json) -> list[Json]:
    """Who has no grade is left out, or listed without a score: AGS allows both, so every second one is."""
    found, url = [], _url(campus, course, item)
    parts = id_token.service_parts(campus, tool_of(campus), course)
    listed = campus.addresses.service("results", item=str(item["id"]), **parts)
    own = f"{listed}&user_id=" if "?" in listed else f"{listed}/"
    for position, user_id in enumerate(campus.world.student_ids(course)):
        submission = campus.world.submission(course, item["id"], user_id)
        named = identities.user_id(campus, campus.world.person(user_id))
        row: Json = {"id": f"{own}{user_id}", "scoreOf": url, "userId": named}
        if submission["score"] is not None and submission["posted"] and not submission["excused"]:
            found.append(
                row | {"resultScore": submission["score"], "resultMaximum": item["maximum"] or Decimal(1)}
            )
        elif position % 2 and campus.dialect.lists.lists_ungraded:
            found.append(row)
    return found[::-1] if campus.dialect.lists.newest_first else found


def _members(campus: Campus, course: Json) -> Response:
    rows = campus.world.enrollments(course, every_state=not campus.dialect.lists.only_active_members)
    ids = list(dict.fromkeys(row["user_id"] for row in rows))
    members = [_member(campus, course, user_id) for user_id in ids]
    if request.args.get("role"):
        members = [m for m in members if any(r == request.args["role"] for r in m["roles"])]
    shown, links = _page(campus, troubles.people(campus.sandbox, members))
    context = {"id": identities.context_id(campus, course), "label": course["code"], "title": course["name"]}
    body = {"id": request.base_url, "context": context, "members": shown}
    return _json(body, MEMBERS, links)


def _member(campus: Campus, course: Json, user_id: int) -> Json:
    person = campus.world.person(user_id)
    active = [row for row in campus.world.enrollments(course) if row["user_id"] == user_id]
    kinds = [r["type"] for r in course["enrollments"] if r["user_id"] == user_id]
    names = ["name", "given_name", "family_name", "email", "sis_id"]
    names += ["login"] if campus.dialect.lists.usernames else []
    told = id_token.shown_of(campus, tool_of(campus), person, *names)
    shown = {
        "status": "Active" if active else "Inactive",
        "user_id": identities.user_id(campus, person),
        "roles": list(dict.fromkeys(role for kind in kinds for role in CONTEXT_ROLES[kind])),
        "lis_person_sourcedid": told.pop("sis_id", ""),
        "ext_user_username": told.pop("login", ""),
        **told,
    }
    return {name: value for name, value in shown.items() if value or name == "roles"}


def _list(campus: Campus, items: Sequence[Json], media_type: str) -> Response:
    whole = media_type == RESULTS
    items = troubles.shortened(campus.sandbox, items) if whole else items
    shown, links = _page(campus, items, results=whole)
    return _json(shown, media_type, links)


def _page(
    campus: Campus, items: Sequence[Json], *, results: bool = False
) -> tuple[list[Json], dict[str, str]]:
    style = campus.dialect.lists.paging
    return page_of(campus.sandbox, items, _size(campus), results=results, style=style)


def _size(campus: Campus) -> int:
    """As the caller asked, as the option `page_size` says, or as the dialect does; 0: all at once."""
    asked = request.args.get("limit", "")
    own = campus.dialect.lists.page_size
    if asked.isdigit():
        return max(1, min(int(asked), max(own, 100)))
    if (campus.dialect.lists.paging == "bookmark" and not own) or _paged(campus):
        return campus.page_size
    return own


def _paged(campus: Campus) -> bool:
    return bool(campus.sandbox.options.extra.get("page_size"))


def _json(data: object, media_type: str, headers: dict[str, str]) -> Response:
    return Response(troubles.as_text(dumps(data)), 200, headers, mimetype=media_type)
