"""Each fault of the pretend SIS does what its name says, to the client and to what is stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import requests

from gradesync_site.sandbox.control import loads
from gradesync_site.sandbox.faults import Faults, UnknownFault
from gradesync_site.sandbox.sis.catalogue import CATALOGUE
from tests.sandbox.bodies import new_result
from tests.sandbox_servers import SisServer

HOMEWORK = "li-alg1-homework1"


def put(server: SisServer, number: int = 4, **change: Any) -> requests.Response:
    body = new_result(server.base_url, f"r-{number}", student_id=f"S2000{number}", **change)
    return server.ask("PUT", f"/results/r-{number}", {"result": body})


def post(server: SisServer, *numbers: int) -> requests.Response:
    rows = [new_result(server.base_url, f"tmp-{n}", student_id=f"S2000{n}") for n in numbers]
    return server.ask("POST", f"/lineItems/{HOMEWORK}/results", {"results": rows})


def stored(server: SisServer) -> set[str]:
    """Who of the class has a result beyond the three empty ones of the seed."""
    return set(server.results(HOMEWORK)) - {"S20001", "S20002", "S20003"}


def test_store_nothing_says_yes_and_keeps_nothing(sis_server: SisServer) -> None:
    sis_server.faults.on("store-nothing")
    assert (put(sis_server).status_code, post(sis_server, 5).status_code) == (201, 201)
    assert stored(sis_server) == set()
    assert sis_server.writes() == []
    assert sis_server.journal[-1]["faults"] == ["store-nothing"]


def test_lose_answer_stores_and_cuts_the_connection(sis_server: SisServer) -> None:
    sis_server.faults.on("lose-answer", count=1)
    with pytest.raises(requests.ConnectionError):
        put(sis_server)
    assert stored(sis_server) == {"S20004"}
    assert sis_server.journal[-1]["answered"] is False
    assert put(sis_server).status_code == 201


def test_lose_request_cuts_the_connection_and_stores_nothing(sis_server: SisServer) -> None:
    sis_server.faults.on("lose-request", count=1)
    with pytest.raises(requests.ConnectionError):
        put(sis_server)
    assert stored(sis_server) == set()
    assert sis_server.ask("GET", "/results").status_code == 200


def test_error_500_after_store(sis_server: SisServer) -> None:
    sis_server.faults.on("error-500-after-store", count=1)
    assert put(sis_server).status_code == 500
    assert stored(sis_server) == {"S20004"}


@pytest.mark.parametrize(("name", "status"), [("busy-429", 429), ("busy-503", 503)])
def test_busy_says_when_to_come_back(sis_server: SisServer, name: str, status: int) -> None:
    sis_server.faults.on(name, count=1, retry_after=7)
    refused = put(sis_server)
    assert (refused.status_code, refused.headers["Retry-After"]) == (status, "7")
    assert stored(sis_server) == set()
    assert put(sis_server).status_code == 201


def test_token_refused_token_expired_and_wrong_scope(sis_server: SisServer) -> None:
    sis_server.token = sis_server.bearer()
    sis_server.faults.on("token-expired", count=1)
    assert put(sis_server).status_code == 401
    sis_server.faults.on("wrong-scope", count=1)
    refused = put(sis_server)
    assert (refused.status_code, "scope" in refused.text) == (403, True)
    sis_server.faults.on("token-refused", count=1)
    answered = requests.post(sis_server.hello["token_url"], timeout=5)
    assert (answered.status_code, answered.json()) == (401, {"error": "invalid_client"})


@pytest.mark.parametrize(("name", "kept"), [("round-2", "9.26"), ("round-1", "9.3"), ("round-0", "9")])
def test_rounding_keeps_fewer_decimals(sis_server: SisServer, name: str, kept: str) -> None:
    sis_server.faults.on(name)
    put(sis_server, score=Decimal("9.257"))
    assert sis_server.results(HOMEWORK)["S20004"]["score"] == Decimal(kept)


def test_fewer_pairs_stores_all_and_answers_half(sis_server: SisServer) -> None:
    sis_server.faults.on("fewer-pairs")
    assert len(post(sis_server, 4, 5, 6, 7).json()["sourcedIdPairs"]) == 2
    assert stored(sis_server) == {"S20004", "S20005", "S20006", "S20007"}


def test_partial_batch_stores_and_answers_half(sis_server: SisServer) -> None:
    sis_server.faults.on("partial-batch")
    pairs = post(sis_server, 4, 5, 6, 7).json()["sourcedIdPairs"]
    assert [pair["suppliedSourcedId"] for pair in pairs] == ["tmp-4", "tmp-5"]
    assert stored(sis_server) == {"S20004", "S20005"}


def test_pairs_as_object_and_empty_bodies(sis_server: SisServer) -> None:
    sis_server.faults.on("pairs-as-object")
    assert post(sis_server, 4).json()["sourcedIdPairs"]["suppliedSourcedId"] == "tmp-4"
    sis_server.faults.on("empty-bodies")
    assert post(sis_server, 5).content == b""
    refused = put(sis_server, score=51)
    assert (refused.status_code, refused.content) == (422, b"")


def test_html_error_and_html_page(sis_server: SisServer) -> None:
    sis_server.faults.on("html-error")
    refused = put(sis_server, score=51)
    assert (refused.status_code, refused.headers["Content-Type"][:9]) == (422, "text/html")
    sis_server.faults.on("html-page")
    page = sis_server.ask("GET", "/results")
    assert (page.status_code, page.text[:15]) == (200, "<!doctype html>")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("error-shape-1", lambda body: body["imsx_description"]),
        ("error-shape-2", lambda body: body["imsx_StatusInfo"]["imsx_description"]),
        ("error-shape-3", lambda body: body["statusInfoSet"][0]["imsx_description"]),
        ("error-shape-4", lambda body: body["statusInfo"]["imsx_description"]),
        ("error-shape-5", lambda body: body["error"]),
    ],
)
def test_five_shapes_of_errors_with_the_same_status_and_words(
    sis_server: SisServer, name: str, words: Callable[[Any], str]
) -> None:
    sis_server.faults.on(name)
    refused = put(sis_server, score=51)
    assert refused.status_code == 422
    assert words(loads(refused.content)) == "The score is above the greatest value of the line item."


def test_sparse_refs_are_a_sourced_id_alone(sis_server: SisServer) -> None:
    sis_server.faults.on("sparse-refs")
    results = sis_server.ask("GET", "/classes/ALG1-P3/results").json()["results"]
    users = sis_server.ask("GET", "roster:/users").json()["users"]
    assert results[0]["student"] == {"sourcedId": "S20001"}
    assert users[0]["roles"][0]["org"] == {"sourcedId": "sch-north"}


def shown(server: SisServer) -> set[str]:
    results = server.ask("GET", "/classes/ALG1-P3/results").json()["results"]
    return {one["student"]["sourcedId"] for one in results if one["lineItem"]["sourcedId"] == HOMEWORK}


def test_show_late_shows_a_new_result_after_some_reads(sis_server: SisServer) -> None:
    sis_server.faults.on("show-late", reads=2)
    put(sis_server)
    assert [("S20004" in shown(sis_server)) for _ in range(3)] == [False, False, True]


def test_show_late_goes_on_showing_the_former_value_of_a_changed_one(sis_server: SisServer) -> None:
    put(sis_server, score=8)
    sis_server.faults.on("show-late", reads=1)
    put(sis_server, score=9)
    scores = [loads(sis_server.ask("GET", "/results/r-4").content)["result"]["score"] for _ in range(2)]
    assert scores == [8, 9]


def test_show_late_can_wait_for_the_clock(sis_server: SisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    sis_server.faults.on("show-late", seconds=3600)
    put(sis_server)
    assert "S20004" not in shown(sis_server)
    later = time.time() + 3601
    monkeypatch.setattr(time, "time", lambda: later)
    assert "S20004" in shown(sis_server)


def test_a_result_not_yet_shown_still_refuses_a_second_one(sis_server: SisServer) -> None:
    sis_server.faults.on("show-late", reads=50)
    put(sis_server)
    assert post(sis_server, 4).status_code == 409


def test_results_page_repeats_gives_the_first_page_for_ever(sis_server: SisServer) -> None:
    sis_server.faults.on("results-page-repeats")
    pages = [sis_server.ask("GET", "/classes/ALG1-P3/results", limit=3, offset=at).json() for at in (0, 3)]
    assert pages[0] == pages[1]


def test_next_link_no_total_and_short_page(sis_server: SisServer) -> None:
    sis_server.faults.on("next-link-other-host")
    page = sis_server.ask("GET", "/classes/ALG1-P3/results", limit=3)
    assert page.links["next"]["url"].startswith("http://elsewhere.invalid/")
    sis_server.faults.on("no-total-count")
    assert "X-Total-Count" not in sis_server.ask("GET", "/results").headers
    sis_server.faults.off()
    sis_server.faults.on("short-page")
    short = sis_server.ask("GET", "/classes/ALG1-P3/results")
    assert (len(short.json()["results"]), short.headers["X-Total-Count"]) == (6, "7")


def test_a_line_item_or_a_class_is_gone_with_all_that_hangs_on_it(sis_server: SisServer) -> None:
    sis_server.faults.on("line-item-gone", id=HOMEWORK)
    assert sis_server.ask("GET", f"/lineItems/{HOMEWORK}").status_code == 404
    assert put(sis_server).status_code == 422
    assert post(sis_server, 4).status_code == 404
    assert shown(sis_server) == set()
    assert sis_server.ask("GET", "/lineItems/li-alg1-attendance").status_code == 200
    sis_server.faults.on("class-gone", id="BIO-P1")
    assert sis_server.ask("GET", "roster:/classes/BIO-P1/students").status_code == 404
    assert sis_server.ask("GET", "roster:/classes/BIO-P2/students").status_code == 200


def test_post_unsupported_and_put_409(sis_server: SisServer) -> None:
    sis_server.faults.on("post-unsupported")
    refused = post(sis_server, 4)
    assert (refused.status_code, refused.json()["imsx_codeMajor"]) == (405, "unsupported")
    sis_server.faults.on("put-409", count=1)
    assert [put(sis_server).status_code, put(sis_server).status_code] == [409, 201]


def test_slow_waits_before_it_answers(sis_server: SisServer) -> None:
    sis_server.token = sis_server.bearer()
    sis_server.faults.on("slow", seconds=0.3)
    with pytest.raises(requests.ReadTimeout):
        requests.get(
            f"{sis_server.hello['gradebook_base']}/results",
            headers={"Authorization": f"Bearer {sis_server.token}"},
            timeout=0.1,
        )


def test_faults_narrow_to_a_path_skip_occasions_and_run_out() -> None:
    faults = Faults(CATALOGUE)
    faults.on("busy-429", count=2, after=1, method="PUT", path="/results/")
    struck = [
        faults.strikes("busy-429", method, path) is not None
        for method, path in (
            ("GET", "/results/1"),
            ("PUT", "/lineItems/1"),
            ("PUT", "/results/1"),
            ("PUT", "/results/2"),
            ("PUT", "/results/3"),
            ("PUT", "/results/4"),
        )
    ]
    assert struck == [False, False, False, True, True, False]


def test_the_chance_of_a_fault_is_the_same_for_the_same_seed() -> None:
    def history(seed: int) -> list[bool]:
        faults = Faults(CATALOGUE, seed)
        faults.on("lose-answer", probability=0.5)
        return [faults.strikes("lose-answer") is not None for _ in range(40)]

    assert history(1) == history(1)
    assert history(1) != history(2)
    assert 0 < sum(history(1)) < 40


def test_an_unknown_fault_is_refused_with_the_list() -> None:
    with pytest.raises(UnknownFault, match="lose-answer"):
        Faults(CATALOGUE).on("lose-everything")
