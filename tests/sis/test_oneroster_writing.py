"""Writing grades: by POST and PUT, and what every answer, or none, means for every single row."""

from __future__ import annotations

from typing import Any

import pytest

from sync.errors import Misconfigured, TryLater
from sync.sis import records as sis
from tests.sis.onerosterwire import (
    GRADEBOOK,
    NAME,
    ROSTERING,
    V11,
    Wire,
    adapter,
    change,
    key,
    number,
    outcomes,
    pairs,
    status_info,
    stored,
    withdrawal,
)

POST_URL = f"{GRADEBOOK}/lineItems/i1/results"
ITEM_RESULTS = f"{GRADEBOOK}/classes/c1/lineItems/i1/results"
PAIR = f"{GRADEBOOK}/classes/c1/students/s1/results"
ITEM = {"sourcedId": "i1", "title": "Essay", "resultValueMin": 0, "resultValueMax": 100}
FORMER = number("7")


def result_url(result_id: str) -> str:
    return f"{GRADEBOOK}/results/{result_id}"


def update(student: str = "s1", result_id: str = "r1", **fields: Any) -> sis.Change:
    given = {"before": FORMER, "expected": frozenset({FORMER}), "result_id": result_id, **fields}
    return change(student, **given)


def facts(
    wire: Wire, item: dict[str, Any] | None = ITEM, students: tuple[str, ...] = ("s1", "s2", "s3")
) -> None:
    """What a refusal is looked up against: the line item and the roster."""
    status = 200 if item else 404
    wire.answer(
        "GET", f"{GRADEBOOK}/lineItems/i1", status, json={"lineItem": item} if item else status_info("?")
    )
    wire.lists(f"{ROSTERING}/classes/c1/students", "users", [{"sourcedId": one} for one in students])


# --- new results by POST ----------------------------------------------------------------------------------------


def test_new_results_of_one_line_item_go_in_one_post_and_keep_the_ids_that_the_sis_gives(wire: Wire) -> None:
    given = pairs(("new-s2", "B"), ("new-s1", "A"))
    wire.answer("POST", POST_URL, 201, json={"sourcedIdPairs": given})
    found = outcomes(adapter(), change("s1"), change("s2"))
    assert {student: one.result_id for student, one in found.items()} == {"s1": "A", "s2": "B"}
    (body,) = wire.bodies("POST")
    assert [one["sourcedId"] for one in body["results"]] == ["new-s1", "new-s2"]


def test_batches_are_as_long_as_the_option_says_and_of_one_line_item(wire: Wire) -> None:
    for item in ("i1", "i2"):
        wire.answer("POST", f"{GRADEBOOK}/lineItems/{item}/results", 201)
    changes = [change(f"s{n}") for n in range(5)] + [change("s9", key=key("s9", "i2"))]
    outcomes(adapter(batch="2", parallel="1"), *changes)
    assert [len(body["results"]) for body in wire.bodies("POST")] == [2, 2, 1, 1]


def test_a_pair_as_one_object_is_understood(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 201, json={"sourcedIdPairs": pairs(("new-s1", "A"))[0]})
    assert outcomes(adapter(), change())["s1"].result_id == "A"


@pytest.mark.parametrize(
    "body", ["", "{}", "<html/>", '{"sourcedIdPairs": []}', '{"sourcedIdPairs": [null]}']
)
def test_a_row_absent_from_the_answer_is_unknown_never_sent(wire: Wire, body: str) -> None:
    wire.answer("POST", POST_URL, 201, body=body)
    assert {one.state for one in outcomes(adapter(), change("s1"), change("s2")).values()} == {"unknown"}


def test_fewer_pairs_than_rows_leave_the_missing_ones_unknown(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 201, json={"sourcedIdPairs": pairs(("new-s2", "B"), ("stranger", "X"))})
    found = outcomes(adapter(), change("s1"), change("s2"))
    assert (found["s1"].state, found["s2"].state) == ("unknown", "accepted")


def test_one_bad_row_does_not_sink_the_class(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 422, json=status_info("batch refused"))
    wire.lists(ITEM_RESULTS, "results", [])
    facts(wire)
    wire.answer("POST", POST_URL, 201, json={"sourcedIdPairs": pairs(("new-s1", "A"))})
    wire.answer("POST", POST_URL, 422, json=status_info("101 is too much"))
    wire.answer("POST", POST_URL, 201, json={"sourcedIdPairs": pairs(("new-s3", "C"))})
    found = outcomes(adapter(), change("s1"), change("s2", after=number("101")), change("s3"))
    assert [found[one].state for one in ("s1", "s2", "s3")] == ["accepted", "rejected", "accepted"]
    assert (found["s2"].code, found["s2"].words) == ("over_max", "101 is too much")


def test_rows_that_a_refused_batch_stored_are_not_posted_again(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 422, json=status_info("partly"))
    there = [stored("s1", "A", score=9.257), stored("s2", "B", score=3)]
    wire.lists(ITEM_RESULTS, "results", there)
    wire.answer("POST", POST_URL, 201, json={"sourcedIdPairs": pairs(("new-s3", "C"))})
    found = outcomes(adapter(), change("s1"), change("s2"), change("s3"))
    assert (found["s1"].state, found["s1"].result_id) == ("accepted", "A")
    assert (found["s2"].code, found["s2"].found) == ("conflict_newer", number("3"))
    assert [len(body["results"]) for body in wire.bodies("POST")] == [3, 1]


def test_a_refused_batch_whose_line_item_cannot_be_read_is_unknown_and_not_posted_again(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 422)
    wire.answer("GET", ITEM_RESULTS, 503)
    assert {one.state for one in outcomes(adapter(), change("s1"), change("s2")).values()} == {"unknown"}
    assert len(wire.bodies("POST")) == 1


@pytest.mark.parametrize("status", [405, 501])
def test_a_sis_without_post_is_written_by_put_with_the_derived_id(wire: Wire, status: int) -> None:
    wire.answer("POST", POST_URL, status)
    for student in ("s1", "s2"):
        wire.answer("PUT", result_url(f"new-{student}"), 201)
    of = adapter()
    found = outcomes(of, change("s1"), change("s2"))
    assert {one.result_id for one in found.values()} == {"new-s1", "new-s2"}
    outcomes(of, change("s1"))
    assert len(wire.sent("POST")) == 1


def test_404_to_a_post_where_the_line_item_exists_means_no_post(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 404)
    facts(wire)
    wire.answer("PUT", result_url("new-s1"), 201)
    assert outcomes(adapter(), change())["s1"].result_id == "new-s1"


def test_404_to_a_post_where_the_line_item_is_gone_is_said_so(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 404, json=status_info("Unknown Object", "unknownobject"))
    facts(wire, item=None)
    wire.lists(ITEM_RESULTS, "results", [])
    found = outcomes(adapter(), change("s1"), change("s2"))
    assert {one.code for one in found.values()} == {"line_item_missing"}


def test_a_missing_right_to_post_falls_back_to_put(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 403, json=status_info("insufficient scope", "forbidden"))
    wire.answer("PUT", result_url("new-s1"), 201)
    assert outcomes(adapter(), change())["s1"].state == "accepted"


def test_a_right_refused_with_401_falls_back_to_put_too(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 401)
    wire.answer("PUT", result_url("new-s1"), 201)
    assert outcomes(adapter(), change())["s1"].state == "accepted"


def test_a_token_that_ends_in_mid_push_is_renewed_and_the_same_request_goes_again(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 401)
    wire.answer("POST", POST_URL, 201, json={"sourcedIdPairs": pairs(("new-s1", "A"))})
    assert outcomes(adapter(), change())["s1"].result_id == "A"
    first, second = wire.bodies("POST")
    assert first["results"][0]["sourcedId"] == second["results"][0]["sourcedId"]


@pytest.mark.parametrize("how", ["timeout", 500, 502, 504])
def test_no_answer_or_a_server_error_is_unknown(wire: Wire, how: Any) -> None:
    if how == "timeout":
        wire.lost("POST", POST_URL)
    else:
        wire.answer("POST", POST_URL, how)
    assert {one.state for one in outcomes(adapter(), change("s1"), change("s2")).values()} == {"unknown"}


def test_after_a_failed_batch_the_rows_of_that_line_item_go_singly(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 500)
    outcomes(adapter(), change("s1"), change("s2"))
    wire.mock.replace("POST", POST_URL, status=201, json={})
    outcomes(adapter(parallel="1"), change("s1"), change("s2"))
    assert [len(body["results"]) for body in wire.bodies("POST")] == [2, 1, 1]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_sis_stops_the_push_with_its_own_pace(wire: Wire, status: int) -> None:
    wire.answer("POST", POST_URL, status, headers={"Retry-After": "33"})
    with pytest.raises(TryLater) as caught:
        outcomes(adapter(), change())
    assert caught.value.after == 33


# --- writing over -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body"), [(200, "{}"), (201, ""), (204, ""), (200, '{"result": {"sourcedId": "r1"}}')]
)
def test_a_change_is_a_put_of_the_whole_record(wire: Wire, status: int, body: str) -> None:
    wire.answer("PUT", result_url("r1"), status, body=body)
    found = outcomes(adapter(), update())["s1"]
    assert (found.state, found.result_id, found.http_status) == ("accepted", "r1", status)
    assert str(wire.bodies("PUT")[0]["result"]["score"]) == "9.257"


def test_a_comment_in_the_sis_survives(wire: Wire) -> None:
    of = adapter()
    wire.lists(f"{GRADEBOOK}/classes/c1/results", "results", [stored(score=7, comment="Handed in by mail")])
    wire.answer("PUT", result_url("r1"), 200)
    of.results("c1")
    outcomes(of, update())
    assert wire.bodies("PUT")[0]["result"]["comment"] == "Handed in by mail"


def test_a_record_that_a_person_deleted_is_made_anew_when_she_said_so(wire: Wire) -> None:
    wire.answer("PUT", result_url("r1"), 404)
    facts(wire)
    wire.answer("POST", POST_URL, 201, json={"sourcedIdPairs": pairs(("new-s1", "A"))})
    found = outcomes(adapter(), update(before=None, expected=frozenset({None})))["s1"]
    assert (found.state, found.result_id) == ("accepted", "A")


def test_a_record_that_a_person_deleted_meanwhile_is_asked_about(wire: Wire) -> None:
    wire.answer("PUT", result_url("r1"), 404)
    facts(wire)
    found = outcomes(adapter(), update())["s1"]
    assert (found.state, found.code, found.found) == ("rejected", "conflict_newer", None)
    assert wire.sent("POST") == []


def test_a_grade_whose_record_nobody_named_is_looked_up_never_posted(wire: Wire) -> None:
    wire.lists(PAIR, "results", [stored("s1", "theirs", score=7)])
    wire.answer("PUT", result_url("theirs"), 201)
    found = outcomes(adapter(), update(result_id=""))["s1"]
    assert (found.state, found.result_id) == ("accepted", "theirs")
    assert wire.sent("POST") == []


@pytest.mark.parametrize(("student_known", "code"), [(True, "not_enrolled"), (False, "student_unknown")])
def test_404_to_a_put_tells_a_gone_student_by_looking(wire: Wire, student_known: bool, code: str) -> None:
    wire.answer("PUT", result_url("r1"), 404, json=status_info("Unknown Object", "unknownobject"))
    facts(wire, students=("s2",))
    user = {"user": {"sourcedId": "s1"}}
    wire.answer(
        "GET", f"{ROSTERING}/users/s1", 200 if student_known else 404, json=user if student_known else {}
    )
    wire.answer("PUT", result_url("r2"), 201)
    found = outcomes(adapter(), update("s1"), update("s2", "r2"))
    assert (found["s1"].code, found["s2"].state) == (code, "accepted")


def test_a_sis_that_makes_nothing_by_put_says_which_option_helps(wire: Wire) -> None:
    wire.answer("PUT", result_url("new-s1"), 404)
    facts(wire)
    with pytest.raises(Misconfigured, match="create=post"):
        outcomes(adapter(create="put"), change())


@pytest.mark.parametrize(
    ("after", "code"),
    [
        (number("100.5"), "over_max"),
        (sis.Value(text="Q"), "grade_not_in_scale"),
        (sis.Value(text="A"), "malformed"),
        (number("50"), "malformed"),
    ],
)
def test_a_refused_value_is_told_by_the_facts_not_by_phrases(wire: Wire, after: sis.Value, code: str) -> None:
    wire.answer("PUT", result_url("r1"), 422, json=status_info("Nein."))
    facts(wire, ITEM | {"scoreScale": {"sourcedId": "sc"}})
    scale = {"sourcedId": "sc", "scoreScaleValue": [{"itemValueLHS": "A", "itemValueRHS": "4"}]}
    wire.answer("GET", f"{GRADEBOOK}/scoreScales/sc", json={"scoreScale": scale})
    found = outcomes(adapter(), update(after=after))["s1"]
    assert (found.state, found.code, found.words) == ("rejected", code, "Nein.")


def test_a_locked_record_is_frozen(wire: Wire) -> None:
    wire.answer("PUT", result_url("r1"), 423)
    assert outcomes(adapter(), update())["s1"].code == "frozen"


def test_403_for_one_record_refuses_that_record_and_the_rest_go_on(wire: Wire) -> None:
    wire.answer("PUT", result_url("r1"), 403, json=status_info("Not your class", "forbidden"))
    wire.answer("PUT", result_url("r2"), 201)
    found = outcomes(adapter(), update("s1"), update("s2", "r2"))
    assert (found["s1"].code, found["s2"].state) == ("forbidden", "accepted")


@pytest.mark.parametrize("answer", [{"body": "<html>"}, {"json": status_info("Scope missing", "forbidden")}])
def test_403_about_the_key_refuses_no_grade_but_stops_the_run(wire: Wire, answer: dict[str, Any]) -> None:
    wire.answer("PUT", result_url("r1"), 403, **answer)
    with pytest.raises(Misconfigured):
        outcomes(adapter(), update())


def test_a_lost_answer_to_a_put_is_unknown_and_the_rest_go_on(wire: Wire) -> None:
    wire.lost("PUT", result_url("r1"))
    wire.answer("PUT", result_url("r2"), 201)
    found = outcomes(adapter(), update("s1"), update("s2", "r2"))
    assert (found["s1"].state, found["s2"].state) == ("unknown", "accepted")


# --- conflicts --------------------------------------------------------------------------------------------------


def conflict(wire: Wire, *there: dict[str, Any]) -> None:
    wire.answer("POST", POST_URL, 409, json=status_info("exists"))
    wire.lists(PAIR, "results", [stored("s1", "other", item="i2", score=1), *there])


def test_409_with_our_value_there_adopts_the_record(wire: Wire) -> None:
    conflict(wire, stored("s1", "theirs", score=9.257))
    found = outcomes(adapter(), change())["s1"]
    assert (found.state, found.result_id) == ("accepted", "theirs")
    assert wire.sent("PUT") == []


@pytest.mark.parametrize("there", [{"scoreStatus": "not submitted"}, {"score": 7}])
def test_409_with_nothing_or_an_expected_value_there_is_written_over(
    wire: Wire, there: dict[str, Any]
) -> None:
    conflict(wire, stored("s1", "theirs", **there))
    wire.answer("PUT", result_url("theirs"), 201)
    found = outcomes(adapter(), change(expected=frozenset({None, FORMER})))["s1"]
    assert (found.state, found.result_id) == ("accepted", "theirs")


def test_409_with_a_persons_grade_there_overwrites_nothing_and_shows_it(wire: Wire) -> None:
    conflict(wire, stored("s1", "theirs", score=55))
    found = outcomes(adapter(), change())["s1"]
    assert (found.state, found.code, found.found) == ("rejected", "conflict_newer", number("55"))
    assert wire.sent("PUT") == []


def test_409_with_several_records_there_chooses_none(wire: Wire) -> None:
    conflict(wire, stored("s1", "a", score=1), stored("s1", "b", score=2))
    found = outcomes(adapter(), change())["s1"]
    assert found.code == "conflict_newer" and "a, b" in found.words
    assert wire.sent("PUT") == []


def test_409_over_a_deleted_record_revives_it(wire: Wire) -> None:
    conflict(wire, stored("s1", "old", score=55, status="tobedeleted"))
    wire.answer("PUT", result_url("old"), 201)
    assert outcomes(adapter(), change())["s1"].result_id == "old"


def test_409_where_nothing_can_be_found_is_asked_about(wire: Wire) -> None:
    conflict(wire)
    assert outcomes(adapter(), change())["s1"].code == "conflict_newer"


def test_409_to_a_put_reads_the_pair_by_line_item_where_it_is_not_served_by_student(wire: Wire) -> None:
    wire.answer("PUT", result_url("new-s1"), 409)
    wire.answer("GET", PAIR, 404)
    wire.lists(ITEM_RESULTS, "results", [stored("s2", "x", score=1), stored("s1", "theirs", score=9.257)])
    assert outcomes(adapter(create="put"), change())["s1"].result_id == "theirs"


def test_a_second_409_is_not_settled_again(wire: Wire) -> None:
    conflict(wire, stored("s1", "theirs", scoreStatus="not submitted"))
    wire.answer("PUT", result_url("theirs"), 409, json=status_info("still"))
    facts(wire)
    assert outcomes(adapter(), change())["s1"].state == "rejected"
    assert len(wire.sent("PUT")) == 1


# --- withdrawing ------------------------------------------------------------------------------------------------


def test_a_withdrawal_clears_the_record(wire: Wire) -> None:
    wire.answer("PUT", result_url("r1"), 201)
    assert outcomes(adapter(), withdrawal(result_id="r1"))["s1"].state == "accepted"
    (body,) = wire.bodies("PUT")
    assert body["result"]["scoreStatus"] == "not submitted" and "score" not in body["result"]


@pytest.mark.parametrize("status", [200, 204, 404])
def test_in_11_a_withdrawal_deletes_the_record(wire: Wire, status: int) -> None:
    wire.answer("DELETE", f"{V11}/results/r1", status)
    assert outcomes(adapter(version="1.1"), withdrawal(result_id="r1"))["s1"].state == "accepted"


def test_a_withdrawal_without_a_known_id_reads_the_pair_first(wire: Wire) -> None:
    wire.lists(PAIR, "results", [stored("s1", "theirs", score=55)])
    refused = outcomes(adapter(), withdrawal(expected=frozenset({FORMER})))["s1"]
    assert (refused.code, refused.found) == ("conflict_newer", number("55"))
    wire.mock.replace("GET", PAIR, json={"results": []}, headers={"X-Total-Count": "0"})
    assert outcomes(adapter(), withdrawal(expected=frozenset({FORMER})))["s1"].state == "unchanged"


# --- words ------------------------------------------------------------------------------------------------------

SHAPES = [
    status_info(f"{NAME} is not there", "unknownobject"),
    {"imsx_StatusInfo": status_info(f"{NAME} is not there", "unknownobject")},
    {"statusInfoSet": [{"imsx_description": f"{NAME} is not there", "imsx_codeMinor": "invalid_data"}]},
    {
        "statusInfo": {"imsx_description": f"{NAME} is not there", "imsx_codeMinor": "unknown object"},
        "error_id": 5,
    },
    {"error": f"{NAME} is not there"},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_all_five_error_shapes_give_the_sis_words_to_the_teacher_and_to_no_error(
    wire: Wire, shape: Any
) -> None:
    wire.answer("PUT", result_url("r1"), 422, json=shape)
    facts(wire)
    found = outcomes(adapter(), update())["s1"]
    assert (found.state, found.code, found.words) == ("rejected", "malformed", f"{NAME} is not there")


def test_a_web_page_gives_no_words(wire: Wire) -> None:
    wire.answer("PUT", result_url("r1"), 422, body="<html><b>Oops</b></html>")
    facts(wire)
    assert outcomes(adapter(), update())["s1"].words == ""


def test_a_vendors_machine_code_is_understood(wire: Wire) -> None:
    info = {"imsx_description": "Line item has a grading scale.", "imsx_codeMinor": "LineItemHasGradingScale"}
    wire.answer("PUT", result_url("r1"), 400, json={"statusInfoSet": [info]})
    assert outcomes(adapter(), update())["s1"].code == "grade_not_in_scale"


# --- order ------------------------------------------------------------------------------------------------------


def test_each_batch_is_announced_just_before_its_own_request_and_may_be_thinned(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 201, json={"sourcedIdPairs": pairs(("new-s1", "A"))})
    seen: list[tuple[list[str], int]] = []

    def starting(batch: Any) -> Any:
        seen.append(([one.key.student_id for one in batch], len(wire.sent("POST"))))
        return [one for one in batch if one.key.student_id != "s2"]

    answers = dict(adapter(parallel="1").push([change("s1"), change("s2")], starting))
    assert seen == [(["s1", "s2"], 0)]
    assert [one.key.student_id for one in answers] == ["s1"]
    assert len(wire.bodies("POST")[0]["results"]) == 1
