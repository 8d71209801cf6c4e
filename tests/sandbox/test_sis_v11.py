"""OneRoster 1.1 at the pretend SIS: one base, PUT only, a score in every result, errors in the older form."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import requests

from gradesync_site.sandbox.control import loads
from tests.sandbox_servers import SisServer

SCOPE = "https://purl.imsglobal.org/spec/or/v1p1/scope/"
AT = "2025-10-01T12:00:00Z"
HOMEWORK = "li-alg1-homework1"


@pytest.fixture
def older(sis_server: SisServer) -> SisServer:
    sis_server.token = sis_server.bearer(
        "roster.readonly gradebook.readonly gradebook.createput gradebook.delete", SCOPE
    )
    return sis_server


def ask(server: SisServer, method: str, path: str, body: object = None) -> requests.Response:
    return server.ask(method, f"{server.hello['v11_base']}{path}", body)


def ref(server: SisServer, collection: str, sourced_id: str, kind: str) -> dict[str, str]:
    href = f"{server.hello['v11_base']}/{collection}/{sourced_id}"
    return {"href": href, "sourcedId": sourced_id, "type": kind}


def result(server: SisServer, **change: Any) -> dict[str, Any]:
    body = {
        "sourcedId": "r-1",
        "status": "active",
        "dateLastModified": AT,
        "lineItem": ref(server, "lineItems", HOMEWORK, "lineItem"),
        "student": ref(server, "users", "S20004", "user"),
        "score": Decimal("9.257"),
        "scoreStatus": "fully graded",
        "scoreDate": "2025-10-01",
        **change,
    }
    return {"result": {name: value for name, value in body.items() if value is not None}}


def test_a_result_is_put_and_shown_without_what_1_1_does_not_know(older: SisServer) -> None:
    assert ask(older, "PUT", "/results/r-1", result(older)).status_code == 201
    shown = loads(ask(older, "GET", "/results/r-1").content)["result"]
    assert shown["score"] == Decimal("9.257")
    assert shown.keys().isdisjoint({"class", "late", "textScore", "scoreScale"})
    assert shown["student"]["href"].startswith(f"{older.base_url}/ims/oneroster/v1p1/users/")


@pytest.mark.parametrize(
    "change", [{"score": None}, {"textScore": "A"}, {"late": "true"}, {"class": {"sourcedId": "ALG1-P3"}}]
)
def test_a_result_without_score_or_with_newer_fields_is_refused_in_the_older_form(
    older: SisServer, change: dict[str, Any]
) -> None:
    refused = ask(older, "PUT", "/results/r-1", result(older, **change))
    assert refused.status_code == 422
    assert refused.json()["statusInfoSet"][0]["imsx_codeMinor"] == "invalid_data"


def test_a_result_without_score_is_shown_with_zero_and_its_status(older: SisServer) -> None:
    results = ask(older, "GET", f"/classes/ALG1-P3/lineItems/{HOMEWORK}/results").json()["results"]
    assert {(one["score"], one["scoreStatus"]) for one in results} == {(0, "not submitted")}


def test_a_line_item_needs_a_grading_period_and_a_range_and_no_school(older: SisServer) -> None:
    good = {
        "sourcedId": "li-1",
        "status": "active",
        "dateLastModified": AT,
        "title": "Quiz",
        "assignDate": AT,
        "dueDate": AT,
        "class": ref(older, "classes", "ALG1-P3", "class"),
        "category": ref(older, "categories", "cat-tests", "category"),
        "gradingPeriod": ref(older, "gradingPeriods", "gp-q1", "academicSession"),
        "resultValueMin": 0,
        "resultValueMax": 10,
    }
    assert ask(older, "PUT", "/lineItems/li-1", {"lineItem": good}).status_code == 201
    for name in ("gradingPeriod", "resultValueMin", "resultValueMax"):
        short = {key: value for key, value in good.items() if key != name}
        assert ask(older, "PUT", "/lineItems/li-1", {"lineItem": short}).status_code == 422, name
    shown = ask(older, "GET", "/classes/ALG1-P3/lineItems").json()["lineItems"]
    assert "li-1" in {one["sourcedId"] for one in shown}
    assert all("school" not in one for one in shown)
    assert (
        older.ask("GET", "/lineItems/li-1", token=older.bearer()).json()["lineItem"]["school"]["type"]
        == "org"
    )


def test_there_is_no_bulk_post_and_no_score_scale(older: SisServer) -> None:
    refused = [
        ask(older, "POST", f"/lineItems/{HOMEWORK}/results", {"results": []}).status_code,
        ask(older, "POST", "/classes/ALG1-P3/lineItems", {"lineItems": []}).status_code,
        ask(older, "GET", "/scoreScales").status_code,
        ask(older, "GET", "/classes/ALG1-P3/categories").status_code,
    ]
    assert refused == [404, 405, 404, 404]


def test_users_have_one_role_and_orgs(older: SisServer) -> None:
    users = ask(older, "GET", "/classes/ALG1-P3/students").json()["users"]
    assert {user["role"] for user in users} == {"student"}
    assert users[0]["orgs"][0]["sourcedId"] == "sch-north"


def test_a_token_for_1_2_does_not_open_1_1(sis_server: SisServer) -> None:
    assert ask(sis_server, "GET", "/results").status_code == 403
