"""The pretend SIS against the official OpenAPI: every operation is there, every answer valid, every body judged alike."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from gradesync_site.sandbox.control import loads
from gradesync_site.sandbox.sis.shapes import SHAPES
from tests.sandbox import openapi
from tests.sandbox.bodies import category, line_item, new_result, ref, score_scale
from tests.sandbox_servers import SisServer

pytestmark = openapi.present

PLACES = {
    "classSourcedId": "ENG10-P2",
    "studentSourcedId": "S20201",
    "lineItemSourcedId": "li-eng10-essay1",
    "schoolSourcedId": "sch-north",
    "teacherSourcedId": "T1002",
    "userSourcedId": "S20201",
    "courseSourcedId": "crs-eng10",
    "termSourcedId": "term-fall",
    "academicSessionSourcedId": "term-fall",
}
SINGLES = {
    "academicSessions": "gp-q1",
    "terms": "term-fall",
    "gradingPeriods": "gp-q2",
    "orgs": "dst-north",
    "schools": "sch-north",
    "courses": "crs-eng10",
    "classes": "ENG10-P2",
    "users": "T1002",
    "students": "S20201",
    "teachers": "T1002",
    "enrollments": "enr-ENG10-P2-S20201",
    "categories": "cat-essays",
    "lineItems": "li-eng10-essay1",
    "scoreScales": "scale-ENG10-P2",
    "results": "res-li-alg1-homework1-S20001",
}

READS = [
    (service, path, operation)
    for service in ("rostering", "gradebook")
    for method, path, operation in openapi.operations(service)
    if method == "GET" and not path.startswith(("/demographics/", "/assessment"))
]


def filled(path: str) -> str:
    collection = path.split("/")[1]
    places = PLACES | {"sourcedId": SINGLES.get(collection, "none")}
    for name, value in places.items():
        path = path.replace("{" + name + "}", value)
    return path


@pytest.fixture(scope="module")
def seeded() -> Any:
    """One server for all reads: nothing is written to it."""
    from gradesync_site.sandbox.control import Options
    from gradesync_site.sandbox.serving import serve_in_thread
    from gradesync_site.sandbox.sis import make_app

    with serve_in_thread(make_app(Options())) as running:
        yield SisServer(running)


@pytest.mark.parametrize(
    ("service", "path", "operation"), READS, ids=[f"{service}{path}" for service, path, _ in READS]
)
def test_every_read_of_the_standard_is_served_and_valid(
    seeded: SisServer, service: str, path: str, operation: dict[str, Any]
) -> None:
    token = seeded.bearer("roster.readonly roster-demographics.readonly gradebook.readonly")
    prefix = "roster:" if service == "rostering" else ""
    response = seeded.ask("GET", prefix + filled(path), token=token)
    assert response.status_code == 200, response.text
    schema = openapi.schema_of(operation, "200")
    assert schema is not None
    assert openapi.complaints(service, schema, loads(response.content)) == []


@pytest.mark.parametrize("service", ["rostering", "gradebook"])
def test_every_operation_has_a_route_with_the_scopes_of_the_standard(
    sis_server: SisServer, service: str
) -> None:
    """Asked with a token for something else, each operation says 403; one that is not served would say 404 or 405."""
    other = sis_server.bearer("gradebook.delete" if service == "rostering" else "roster.readonly")
    prefix = "roster:" if service == "rostering" else ""
    for method, path, operation in openapi.operations(service):
        if path == "/demographics/{sourcedId}":
            continue
        where = prefix + filled(path)
        assert sis_server.ask(method, where, token=other).status_code == 403, f"{method} {path}"
        for scope in scopes_of(operation):
            answered = sis_server.ask(method, where, token=sis_server.bearer(scope)).status_code
            assert answered not in (401, 403, 405), f"{method} {path} with {scope}"


def scopes_of(operation: dict[str, Any]) -> set[str]:
    return {
        name.rpartition("/")[2] for way in operation["security"] for names in way.values() for name in names
    }


def test_errors_are_the_bare_status_info_of_the_standard(seeded: SisServer) -> None:
    schema = {"$ref": "#/components/schemas/imsx_StatusInfoDType"}
    for method, path, body, status in (
        ("GET", "/results/none", None, 404),
        ("GET", "/results?filter=nonsense='1'", None, 400),
        ("PUT", "/results/r-1", {"result": {}}, 422),
        ("PATCH", "/results/r-1", None, 405),
        ("GET", "/nowhere", None, 404),
    ):
        response = seeded.ask(method, path, body)
        assert response.status_code == status
        assert openapi.complaints("gradebook", schema, loads(response.content)) == []


def test_what_was_written_is_shown_valid(start_sis: Callable[..., SisServer]) -> None:
    server = start_sis()
    base = server.base_url
    assert server.ask("PUT", "/categories/c-1", {"category": category("c-1")}).status_code == 201
    assert server.ask("PUT", "/scoreScales/s-1", {"scoreScale": score_scale(base, "s-1")}).status_code == 201
    item = line_item(base, "li-1", scoreScale=ref(base, "scoreScales", "s-1"), resultValueMax=Decimal("12.5"))
    assert server.ask("PUT", "/lineItems/li-1", {"lineItem": item}).status_code == 201
    posted = server.ask("POST", "/lineItems/li-1/results", {"results": [new_result(base, "tmp-1", "li-1")]})
    pairs = openapi.schema_of(
        openapi.spec("gradebook")["paths"]["/lineItems/{lineItemSourcedId}/results"]["post"], "201"
    )
    assert pairs is not None
    assert openapi.complaints("gradebook", pairs, loads(posted.content)) == []
    for path, name in (("categories", "CategoriesSetDType"), ("results", "ResultSetDType")):
        schema = {"$ref": f"#/components/schemas/{name}"}
        assert openapi.complaints("gradebook", schema, loads(server.ask("GET", f"/{path}").content)) == []


BASE = "https://sis.example"
GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "results": (
        "ResultDType",
        new_result(
            BASE,
            "r-1",
            "li-1",
            textScore="B",
            comment="Well done",
            late="true",
            scoreScale=ref(BASE, "scoreScales", "s-1"),
            metadata={"x": 1},
        ),
    ),
    "lineItems": (
        "LineItemDType",
        line_item(
            BASE,
            "li-1",
            description="d",
            academicSession=ref(BASE, "academicSessions", "t"),
            gradingPeriod=ref(BASE, "academicSessions", "g"),
        ),
    ),
    "categories": ("CategoryDType", category("c-1", weight=Decimal("0.5"))),
    "scoreScales": ("ScoreScaleDType", score_scale(BASE, "s-1")),
}
WRONG: tuple[Any, ...] = (
    None,
    True,
    1,
    Decimal("1.5"),
    "",
    "x",
    "2025-01-31",
    "2025-01-31T10:00:00Z",
    [],
    {},
    "2025-02-30",
)


@pytest.mark.parametrize("collection", GOOD)
def test_a_body_is_judged_as_the_openapi_judges_it(collection: str) -> None:
    """Each property in turn is left out, and replaced by values of every type; an extra one is added."""
    name, good = GOOD[collection]
    schema = {"$ref": f"#/components/schemas/{name}"}
    variants = [good, good | {"extra": 1}]
    for field in good:
        variants.append({key: value for key, value in good.items() if key != field})
        variants += [good | {field: value} for value in WRONG]
    variants += broken_references(good)
    for body in variants:
        ours = SHAPES[collection].complaints(body, False)
        theirs = openapi.complaints("gradebook", schema, body)
        assert bool(ours) == bool(theirs), (body, ours, theirs)


def broken_references(good: dict[str, Any]) -> list[dict[str, Any]]:
    variants = []
    for field, value in good.items():
        if not isinstance(value, dict) or "sourcedId" not in value:
            continue
        for change in ({"type": "student"}, {"extra": 1}, {"sourcedId": 5}):
            variants.append(good | {field: value | change})
        for part in value:
            sparse = copy.deepcopy(value)
            del sparse[part]
            variants.append(good | {field: sparse})
    return variants
