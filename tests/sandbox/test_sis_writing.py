"""What the pretend SIS stores and what it refuses: PUT, bulk POST, DELETE, over a real socket."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from gradesync_site.sandbox.control import loads
from tests.sandbox.bodies import category, line_item, new_result, ref
from tests.sandbox_servers import SisServer

HOMEWORK = "li-alg1-homework1"


def put(server: SisServer, body: dict[str, Any]) -> Any:
    return server.ask("PUT", f"/results/{body['sourcedId']}", {"result": body})


def minor(response: Any) -> str:
    fields = loads(response.content)["imsx_CodeMinor"]["imsx_codeMinorField"]
    return str(fields[0]["imsx_codeMinorFieldValue"])


def test_put_creates_then_replaces_the_whole_record_without_a_body(sis_server: SisServer) -> None:
    first = put(sis_server, new_result(sis_server.base_url, "r-1", comment="Good", late="true"))
    second = put(sis_server, new_result(sis_server.base_url, "r-1", score=9))
    assert (first.status_code, first.content, second.status_code) == (201, b"", 201)
    stored = sis_server.results(HOMEWORK)["S20004"]
    assert stored["score"] == 9
    assert "comment" not in stored
    assert "late" not in stored


@pytest.mark.parametrize("digits", ["9.257", "33.333333333333333333", "0.1", "0", "49.99999999999999999999"])
def test_a_score_is_kept_digit_for_digit(sis_server: SisServer, digits: str) -> None:
    put(sis_server, new_result(sis_server.base_url, "r-1", score=Decimal(digits)))
    shown = sis_server.ask("GET", "/results/r-1")
    assert f'"score":{digits}' in shown.text


def test_bulk_post_allocates_ids_and_answers_pairs(sis_server: SisServer) -> None:
    rows = [new_result(sis_server.base_url, f"tmp-{n}", student_id=f"S2000{n}") for n in (4, 5, 6)]
    response = sis_server.ask("POST", f"/lineItems/{HOMEWORK}/results", {"results": rows})
    pairs = response.json()["sourcedIdPairs"]
    stored = sis_server.results(HOMEWORK)
    assert response.status_code == 201
    assert [pair["suppliedSourcedId"] for pair in pairs] == ["tmp-4", "tmp-5", "tmp-6"]
    assert [pair["allocatedSourcedId"] for pair in pairs] == [
        stored[student]["sourcedId"] for student in ("S20004", "S20005", "S20006")
    ]


def test_one_bad_row_refuses_the_whole_batch(sis_server: SisServer) -> None:
    rows = [
        new_result(sis_server.base_url, "tmp-4"),
        new_result(sis_server.base_url, "tmp-5", student_id="S20005", score=51),
    ]
    before = dict(sis_server.results(HOMEWORK))
    response = sis_server.ask("POST", f"/lineItems/{HOMEWORK}/results", {"results": rows})
    assert response.status_code == 422
    assert sis_server.results(HOMEWORK) == before
    assert sis_server.writes() == []


def test_a_second_result_for_the_same_student_and_item_is_409(sis_server: SisServer) -> None:
    base = sis_server.base_url
    put(sis_server, new_result(base, "r-1"))
    again = put(sis_server, new_result(base, "r-2", score=1))
    posted = sis_server.ask(
        "POST", f"/lineItems/{HOMEWORK}/results", {"results": [new_result(base, "r-1", score=2)]}
    )
    twice = [new_result(base, f"tmp-{n}", student_id="S20005") for n in (1, 2)]
    both = sis_server.ask("POST", f"/lineItems/{HOMEWORK}/results", {"results": twice})
    assert [again.status_code, posted.status_code, both.status_code] == [409, 409, 409]
    assert loads(again.content)["imsx_codeMajor"] == "failure"
    assert sis_server.results(HOMEWORK)["S20004"]["score"] == 8
    assert "S20005" not in sis_server.results(HOMEWORK)


def test_a_precreated_empty_result_also_counts_as_there(sis_server: SisServer) -> None:
    """The seed holds "not submitted" results; a client must adopt their ids."""
    assert put(sis_server, new_result(sis_server.base_url, "r-1", student_id="S20001")).status_code == 409
    own_id = f"res-{HOMEWORK}-S20001"
    assert put(sis_server, new_result(sis_server.base_url, own_id, student_id="S20001")).status_code == 201
    assert sis_server.results(HOMEWORK)["S20001"]["score"] == 8


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"student_id": "S99999"}, 422, "unknownobject"),
        ({"student_id": "S20101"}, 422, "invaliddata"),
        ({"line_item_id": "li-none"}, 422, "unknownobject"),
        ({"score": 51}, 422, "invaliddata"),
        ({"score": -1}, 422, "invaliddata"),
        ({"scoreDate": "2025-10-01T12:00:00Z"}, 422, "invaliddata"),
        ({"scoreDate": "2025-02-30"}, 422, "invaliddata"),
        ({"late": True}, 422, "invaliddata"),
        ({"grade": "A"}, 422, "invaliddata"),
        ({"scoreStatus": "graded"}, 422, "invaliddata"),
        ({"lineItem": {"sourcedId": HOMEWORK}}, 422, "invaliddata"),
        ({"status": "inactive"}, 422, "invaliddata"),
    ],
)
def test_a_result_that_the_standard_or_the_school_forbids_is_refused(
    sis_server: SisServer, change: dict[str, Any], status: int, code: str
) -> None:
    response = put(sis_server, new_result(sis_server.base_url, "r-1", **change))
    assert (response.status_code, minor(response)) == (status, code)
    assert "S20004" not in sis_server.results(HOMEWORK)


def test_an_existing_result_cannot_be_moved_to_another_student(sis_server: SisServer) -> None:
    put(sis_server, new_result(sis_server.base_url, "r-1"))
    moved = put(sis_server, new_result(sis_server.base_url, "r-1", student_id="S20005"))
    assert moved.status_code == 422
    assert sis_server.results(HOMEWORK)["S20004"]["sourcedId"] == "r-1"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"result": {}, "x": 1}', b'{"result": NaN}', b'"r"'])
def test_a_body_that_is_not_the_one_wrapped_object_is_refused(sis_server: SisServer, body: bytes) -> None:
    import requests

    token = sis_server.bearer()
    response = requests.put(
        f"{sis_server.hello['gradebook_base']}/results/r-1",
        data=body,
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert response.status_code == 422


def test_the_id_in_the_address_must_be_that_of_the_body(sis_server: SisServer) -> None:
    body = {"result": new_result(sis_server.base_url, "r-1")}
    assert sis_server.ask("PUT", "/results/r-2", body).status_code == 422


def test_letters_must_be_in_the_score_scale_of_the_line_item(sis_server: SisServer) -> None:
    def letter(text: str) -> Any:
        body = new_result(sis_server.base_url, "r-1", "li-eng10-essay1", "S20201", score=None, textScore=text)
        return put(sis_server, body).status_code

    assert [letter("B+"), letter("E"), letter("A")] == [201, 422, 201]
    assert sis_server.results("li-eng10-essay1")["S20201"]["textScore"] == "A"


def test_deleted_results_stay_listed_as_such_and_make_room(sis_server: SisServer) -> None:
    base = sis_server.base_url
    put(sis_server, new_result(base, "r-1"))
    assert sis_server.ask("DELETE", "/results/r-1").status_code == 204
    assert sis_server.ask("DELETE", "/results/r-1").status_code == 404
    assert sis_server.ask("GET", "/results/r-1").json()["result"]["status"] == "tobedeleted"
    assert put(sis_server, new_result(base, "r-2")).status_code == 201


def test_line_items_are_put_with_all_that_the_standard_requires(sis_server: SisServer) -> None:
    base = sis_server.base_url
    good = line_item(base, "li-new", resultValueMax=Decimal("12.5"))
    assert sis_server.ask("PUT", "/lineItems/li-new", {"lineItem": good}).status_code == 201
    assert sis_server.state["lineItems"]["li-new"]["resultValueMax"] == Decimal("12.5")
    for change in (
        {"category": ref(base, "categories", "cat-none")},
        {"class": ref(base, "classes", "none")},
        {"school": ref(base, "orgs", "dst-north")},
        {"title": " "},
        {"resultValueMax": 0},
        {"dueDate": "2025-10-08"},
    ):
        body = {"lineItem": line_item(base, "li-bad", **change)}
        assert sis_server.ask("PUT", "/lineItems/li-bad", body).status_code == 422, change
    assert "li-bad" not in sis_server.state["lineItems"]


def test_line_items_are_posted_to_a_class_or_a_school(sis_server: SisServer) -> None:
    body = {"lineItems": [line_item(sis_server.base_url, "tmp-1")]}
    to_class = sis_server.ask("POST", "/classes/ALG1-P3/lineItems", body)
    to_school = sis_server.ask("POST", "/schools/sch-north/lineItems", body)
    elsewhere = sis_server.ask("POST", "/classes/BIO-P1/lineItems", body)
    nowhere = sis_server.ask("POST", "/classes/NONE/lineItems", body)
    answered = [to_class.status_code, to_school.status_code, elsewhere.status_code, nowhere.status_code]
    assert answered == [201, 201, 422, 404]
    allocated = to_class.json()["sourcedIdPairs"][0]["allocatedSourcedId"]
    assert sis_server.state["lineItems"][allocated]["title"] == "Unit 1 Test"


def test_results_can_be_posted_for_a_class_and_a_session(sis_server: SisServer) -> None:
    body = {"results": [new_result(sis_server.base_url, "tmp-1")]}
    response = sis_server.ask("POST", "/classes/ALG1-P3/academicSessions/gp-q1/results", body)
    assert response.status_code == 201
    assert sis_server.results(HOMEWORK)["S20004"]["score"] == 8


def test_what_still_has_grades_cannot_be_deleted(sis_server: SisServer) -> None:
    refused = sis_server.ask("DELETE", "/lineItems/li-alg1-attendance")
    assert (refused.status_code, minor(refused)) == (422, "deletefailure")
    assert sis_server.ask("DELETE", f"/lineItems/{HOMEWORK}").status_code == 204
    assert sis_server.ask("DELETE", "/categories/cat-tests").status_code == 204
    assert sis_server.ask("PUT", "/categories/c-9", {"category": category("c-9")}).status_code == 201


def test_lenient_takes_what_the_market_sends_and_shows_what_the_standard_says(
    start_sis: Callable[..., SisServer],
) -> None:
    server = start_sis(lenient=True)
    body = {
        "sourcedId": "r-1",
        "lineItem": {"sourcedId": HOMEWORK},
        "student": {"sourcedId": "S20004", "type": "student"},
        "scoreStatus": "fully graded",
        "scoreDate": "2025-10-01T12:00:00Z",
        "score": Decimal("50.5"),
        "late": True,
        "vendorExtra": "x",
    }
    assert put(server, body).status_code == 201
    shown = loads(server.ask("GET", "/results/r-1").content)["result"]
    assert (shown["score"], shown["late"], shown["scoreDate"]) == (Decimal("50.5"), "true", "2025-10-01")
    assert shown["status"] == "active"
    assert shown["lineItem"]["type"] == "lineItem"
    assert "vendorExtra" not in shown
