"""What the SIS says: records with whole references, pages with their headers, errors in one of five shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from gradesync_site.sandbox.control import Sandbox, answer
from gradesync_site.sandbox.sis.query import Page
from gradesync_site.sandbox.sis.shapes import REF_TYPES, SHAPES
from gradesync_site.sandbox.sis.store import Json, Refusal

SINGLE = {
    "orgs": "org",
    "academicSessions": "academicSession",
    "courses": "course",
    "classes": "class",
    "users": "user",
    "enrollments": "enrollment",
    "categories": "category",
    "scoreScales": "scoreScale",
    "lineItems": "lineItem",
    "results": "result",
    "assessmentLineItems": "assessmentLineItem",
    "assessmentResults": "assessmentResult",
}
ROSTER_REFS: dict[str, dict[str, str]] = {
    "orgs": {"parent": "orgs"},
    "academicSessions": {"parent": "academicSessions"},
    "courses": {"org": "orgs"},
    "classes": {"course": "courses", "school": "orgs", "terms": "academicSessions"},
    "users": {"primaryOrg": "orgs"},
    "enrollments": {"user": "users", "class": "classes", "school": "orgs"},
}
REFS: dict[str, Mapping[str, str]] = {
    **ROSTER_REFS,
    **{name: shape.refs for name, shape in SHAPES.items()},
}


@dataclass(frozen=True)
class Renderer:
    """Turns stored records into the JSON of one version. `v11`: the older binding, with one base for all."""

    rostering_path: str
    gradebook_path: str
    v11: bool = False

    def record(self, collection: str, stored: Json, *, sparse: bool = False) -> Json:
        body = dict(stored)
        for name, target in REFS[collection].items():
            if isinstance(body.get(name), list):
                body[name] = [self.ref(target, one, sparse) for one in body[name]]
            elif name in body:
                body[name] = self.ref(target, body[name], sparse)
        if collection == "users":
            body["roles"] = [role | {"org": self.ref("orgs", role["org"], sparse)} for role in body["roles"]]
        return _older(collection, body) if self.v11 else body

    def ref(self, target: str, sourced_id: str, sparse: bool) -> Json:
        if sparse:
            return {"sourcedId": sourced_id}
        path = self.rostering_path if target in ROSTER_REFS else self.gradebook_path
        href = f"{request.host_url.rstrip('/')}{path}/{target}/{sourced_id}"
        return {"href": href, "sourcedId": sourced_id, "type": REF_TYPES[target]}


def _older(collection: str, body: Json) -> Json:
    """OneRoster 1.1: a result must have a score and knows neither text nor flags; a user has one role."""
    if collection == "results":
        kept = ("sourcedId", "status", "dateLastModified", "metadata", "lineItem", "student", "scoreStatus")
        older = {name: body[name] for name in (*kept, "scoreDate", "comment") if name in body}
        return older | {"score": body.get("score", Decimal(0))}
    dropped = {
        "lineItems": ("school", "academicSession", "scoreScale", "learningObjectiveSet"),
        "categories": ("weight",),
        "users": ("roles", "primaryOrg"),
    }.get(collection, ())
    older = {name: value for name, value in body.items() if name not in dropped}
    if collection == "users":
        older |= {"role": body["roles"][0]["role"], "orgs": [role["org"] for role in body["roles"]]}
    return older


def only(body: Json, fields: Sequence[str]) -> Json:
    return {name: body[name] for name in fields if name in body} if fields else body


def page_answer(name: str, rows: Iterable[Json], page: Page, faults: frozenset[str]) -> Response:
    """A list under `name`, with X-Total-Count and Link as far as the faults leave them."""
    headers = {"Link": _links(page, other_host="next-link-other-host" in faults)}
    if "no-total-count" not in faults:
        headers["X-Total-Count"] = str(page.total)
    return answer({name: list(rows)}, 200, headers)


def _links(page: Page, *, other_host: bool) -> str:
    last = max(0, (page.total - 1) // page.limit) * page.limit
    places = {"first": 0, "last": last}
    if page.offset + page.limit < page.total:
        places["next"] = page.offset + page.limit
    if page.offset > 0:
        places["prev"] = max(0, page.offset - page.limit)
    links = []
    for rel, offset in places.items():
        query = urlencode({**request.args.to_dict(), "limit": page.limit, "offset": offset})
        base = "http://elsewhere.invalid" if other_host and rel == "next" else request.host_url.rstrip("/")
        links.append(f'<{base}{request.path}?{query}>; rel="{rel}"')
    return ", ".join(links)


def refusal_answer(sandbox: Sandbox, refusal: Refusal, *, v11: bool = False, shape: int = 0) -> Response:
    """An error: bare imsx_StatusInfo, unless dialect or a fault ask for another of the shapes that are met in the field."""
    if sandbox.strikes("html-error"):
        return html_answer(refusal.status)
    if sandbox.strikes("empty-bodies"):
        return Response(b"", refusal.status, refusal.headers)
    usual = shape or (3 if v11 else 1)
    number = next((n for n in range(1, 6) if sandbox.strikes(f"error-shape-{n}")), usual)
    return answer(error_body(number, refusal), refusal.status, refusal.headers)


def html_answer(status: int) -> Response:
    page = "<!doctype html><html><head><title>Gateway</title></head><body><h1>Something went wrong</h1></body></html>"
    return Response(page, status, mimetype="text/html")


def error_body(number: int, refusal: Refusal) -> Any:
    """The five shapes: the standard's, wrapped, that of 1.1, flat strings (Veracross' OpenAPI), and a mere sentence."""
    minor = {
        "imsx_codeMinorField": [
            {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": refusal.minor}
        ]
    }
    major = "unsupported" if refusal.status in (405, 501) else "failure"
    head = {"imsx_codeMajor": major, "imsx_severity": "error", "imsx_description": refusal.words}
    bare = head | ({"imsx_CodeMinor": minor} if refusal.minor else {})
    if number == 2:
        return {"imsx_StatusInfo": bare}
    if number == 3:
        older = OLDER_MINORS.get(refusal.minor, refusal.minor)
        return {
            "statusInfoSet": [head | {"imsx_operationRefIdentifier": "op-1", "imsx_codeMinor": older}],
        }
    if number == 4:
        minor_words = OLDER_MINORS.get(refusal.minor, "").replace("_", " ")
        return {"statusInfo": head | {"imsx_codeMinor": minor_words}, "error_id": "e-0001"}
    if number == 5:
        return {"error": refusal.words}
    return bare


OLDER_MINORS = {
    "invaliddata": "invalid_data",
    "unknownobject": "unknown object",
    "unauthorisedrequest": "unauthorized",
}
