"""Assignment and Grade Services 2.0 (line items, results) and Names and Role Provisioning 2.0, read only."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request

from gradesync_site.sandbox.control import dumps
from gradesync_site.sandbox.lms import id_token, troubles
from gradesync_site.sandbox.lms.campus import Campus, refuse
from gradesync_site.sandbox.lms.paging import page_of
from gradesync_site.sandbox.lms.tokens import require
from gradesync_site.sandbox.lms.world import Unknown, context_of

Json = dict[str, Any]

LINE_ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
LINE_ITEM = "application/vnd.ims.lis.v2.lineitem+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("services", __name__, url_prefix="/lti/courses/<context_id>")

    @routes.get("/line_items")
    def line_items(context_id: str) -> Response:
        course = _admit(campus, context_id, id_token.AGS_SCOPES[0], LINE_ITEMS)
        return _list(campus, [_line_item(course, item) for item in _items(course)], LINE_ITEMS)

    @routes.get("/line_items/<item_id>")
    def line_item(context_id: str, item_id: str) -> Response:
        course = _admit(campus, context_id, id_token.AGS_SCOPES[0], LINE_ITEM)
        return _json(_line_item(course, _item(campus, course, item_id)), LINE_ITEM, {})

    @routes.get("/line_items/<item_id>/results")
    def results(context_id: str, item_id: str) -> Response:
        course = _admit(campus, context_id, id_token.AGS_SCOPES[1], RESULTS)
        trouble = troubles.of_results(campus.sandbox)
        found = _results(campus, course, _item(campus, course, item_id))
        return trouble or _list(campus, troubles.scores(campus.sandbox, found, "resultScore"), RESULTS)

    @routes.get("/members")
    def members(context_id: str) -> Response:
        course = _admit(campus, context_id, id_token.NRPS_SCOPE, MEMBERS)
        return _members(campus, course)

    return routes


def _admit(campus: Campus, context_id: str, scope: str, media_type: str) -> Json:
    """The course, for a caller that may read it and asks for the one media type that there is."""
    require(campus, scope)
    troubles.of_lists(campus.sandbox, too_many=429)
    if request.headers.get("Accept") != media_type:
        refuse(406, {"errors": {"message": f"Accept must be {media_type}"}})
    try:
        return campus.world.course_by_context(context_id)
    except Unknown as error:
        refuse(404, {"errors": {"message": str(error)}})


def _items(course: Json) -> list[Json]:
    return [
        item for item in course["assignments"] if item["published"] and item["grading_type"] != "not_graded"
    ]


def _item(campus: Campus, course: Json, item_id: str) -> Json:
    try:
        return campus.world.assignment(course, item_id)
    except Unknown as error:
        refuse(404, {"errors": {"message": str(error)}})


def _url(course: Json, item: Json) -> str:
    return f"{id_token.service(course)}/line_items/{item['id']}"


def _line_item(course: Json, item: Json) -> Json:
    shown = {
        "id": _url(course, item),
        "label": item["title"],
        "scoreMaximum": item["maximum"],
        "tag": item["category"],
        "endDateTime": item["due_at"],
    }
    return {name: value for name, value in shown.items() if value is not None}


def _results(campus: Campus, course: Json, item: Json) -> list[Json]:
    """Who has no grade is left out, or listed without a score: AGS allows both, so every second one is."""
    found = []
    for position, user_id in enumerate(campus.world.student_ids(course)):
        submission = campus.world.submission(course, item["id"], user_id)
        row: Json = {
            "id": f"{_url(course, item)}/results/{user_id}",
            "scoreOf": _url(course, item),
            "userId": campus.world.person(user_id)["lti_id"],
        }
        if submission["score"] is not None and submission["posted"] and not submission["excused"]:
            found.append(
                row | {"resultScore": submission["score"], "resultMaximum": item["maximum"] or Decimal(1)}
            )
        elif position % 2:
            found.append(row)
    return found


def _members(campus: Campus, course: Json) -> Response:
    ids = list(dict.fromkeys(row["user_id"] for row in campus.world.enrollments(course, every_state=True)))
    members = [_member(campus, course, user_id) for user_id in ids]
    if request.args.get("role"):
        members = [m for m in members if any(r == request.args["role"] for r in m["roles"])]
    shown, links = page_of(campus.sandbox, troubles.people(campus.sandbox, members), _size(campus))
    context = {"id": context_of(course), "label": course["code"], "title": course["name"]}
    body = {"id": request.base_url, "context": context, "members": shown}
    return _json(body, MEMBERS, links)


def _member(campus: Campus, course: Json, user_id: int) -> Json:
    person = campus.world.person(user_id)
    active = [row for row in campus.world.enrollments(course) if row["user_id"] == user_id]
    kinds = [r["type"] for r in course["enrollments"] if r["user_id"] == user_id]
    shown = {
        "status": "Active" if active else "Inactive",
        "user_id": person["lti_id"],
        "roles": list(dict.fromkeys(role for kind in kinds for role in id_token.CONTEXT_ROLES[kind])),
        "lis_person_sourcedid": person["sis_id"],
        "ext_user_username": person["login"],
        **{name: person[name] for name in ("name", "given_name", "family_name", "email")},
    }
    return {name: value for name, value in shown.items() if value or name == "roles"}


def _list(campus: Campus, items: Sequence[Json], media_type: str) -> Response:
    whole = media_type == RESULTS
    items = troubles.shortened(campus.sandbox, items) if whole else items
    shown, links = page_of(campus.sandbox, items, _size(campus), results=whole)
    return _json(shown, media_type, links)


def _size(campus: Campus) -> int:
    asked = request.args.get("limit", "")
    return max(1, min(int(asked), 100)) if asked.isdigit() else campus.page_size


def _json(data: object, media_type: str, headers: dict[str, str]) -> Response:
    return Response(troubles.as_text(dumps(data)), 200, headers, mimetype=media_type)
