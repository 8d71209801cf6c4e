"""Answers that are seldom met: what they come to, on the faked wire."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests
import responses

from sync.errors import Misconfigured, Rejected, TryLater
from sync.sis import records as sis
from sync.sis.oneroster import client, results
from sync.sis.oneroster import wire as reading
from tests.sis.oneroster.test_switches import config
from tests.sis.onerosterwire import (
    GRADEBOOK,
    HOST,
    ROSTERING,
    V11,
    Wire,
    adapter,
    change,
    number,
    outcomes,
    pairs,
    status_info,
    stored,
    withdrawal,
)

DAY = datetime(2026, 2, 1, 8, tzinfo=UTC)
POST_URL = f"{GRADEBOOK}/lineItems/i1/results"
ITEM = f"{GRADEBOOK}/lineItems/i1"
PAIR = f"{GRADEBOOK}/classes/c1/students/s1/results"
SEVEN = number("7")


def result_url(result_id: str, base: str = GRADEBOOK) -> str:
    return f"{base}/results/{result_id}"


def facts(wire: Wire, *students: str) -> None:
    wire.answer("GET", ITEM, json={"lineItem": {"sourcedId": "i1", "resultValueMax": 100}})
    wire.lists(
        f"{ROSTERING}/classes/c1/students", "users", [{"sourcedId": one} for one in students or ("s1",)]
    )


def update(**fields: Any) -> sis.Change:
    return change(**({"before": SEVEN, "expected": frozenset({SEVEN}), "result_id": "r1"} | fields))


# --- results ----------------------------------------------------------------------------------------------------


def test_a_refusal_that_hides_a_persons_grade_shows_it_and_one_that_cannot_be_read_stays_a_refusal(
    wire: Wire,
) -> None:
    wire.answer("PUT", result_url("r1"), 422, json=status_info("No."))
    facts(wire)
    wire.lists(PAIR, "results", [stored(score=55)])
    found = outcomes(adapter(), update())["s1"]
    assert (found.code, found.found, found.words) == ("conflict_newer", number("55"), "No.")
    wire.mock.replace("GET", PAIR, status=403)
    again = outcomes(adapter(), update())["s1"]
    assert (again.code, again.found, again.words) == ("malformed", None, "No.")


def test_a_refusal_to_store_what_stands_there_already_is_no_refusal(wire: Wire) -> None:
    wire.answer("PUT", result_url("new-s1"), 422, json=status_info("Entered by a teacher."))
    facts(wire)
    wire.lists(PAIR, "results", [stored(result_id="hers", score=9.257)])
    found = outcomes(adapter(create="put"), change())["s1"]
    assert (found.state, found.result_id) == ("accepted", "hers")


def test_what_is_expected_there_does_not_hide_a_refusal(wire: Wire) -> None:
    wire.answer("PUT", result_url("r1"), 422, json=status_info("No."))
    facts(wire)
    wire.lists(PAIR, "results", [stored(score=7)])
    assert outcomes(adapter(), update())["s1"].code == "malformed"


def test_a_grade_thought_to_stand_there_and_not_found_is_made_new(wire: Wire) -> None:
    wire.lists(PAIR, "results", [])
    wire.answer("PUT", result_url("new-s1"), 201)
    found = outcomes(adapter(create="put"), change(before=SEVEN, expected=frozenset({SEVEN})))
    assert found["s1"].state == "accepted"


def test_a_record_that_is_gone_is_made_anew_by_put_where_that_was_said(wire: Wire) -> None:
    wire.answer("PUT", result_url("r1"), 404, json=status_info("?", "unknownobject"))
    facts(wire)
    wire.answer("PUT", result_url("new-s1"), 201)
    gone = update(expected=frozenset({SEVEN, None}))
    assert outcomes(adapter(create="put"), gone)["s1"].result_id == "new-s1"


def test_a_connection_that_takes_nothing_back_says_so_before_it_asks(wire: Wire) -> None:
    found = outcomes(adapter(withdraw="none"), withdrawal(result_id="r1"))["s1"]
    assert found.state == "rejected" and wire.sent("PUT") == wire.sent("DELETE") == []


def test_a_sis_that_cannot_delete_names_the_option(wire: Wire) -> None:
    wire.answer("DELETE", result_url("r1", V11), 405)
    with pytest.raises(Misconfigured, match="withdraw=clear"):
        outcomes(adapter(version="1.1"), withdrawal(result_id="r1"))


def test_a_refused_deletion_is_a_refusal(wire: Wire) -> None:
    wire.answer("DELETE", result_url("r1", V11), 423)
    assert outcomes(adapter(version="1.1"), withdrawal(result_id="r1"))["s1"].code == "frozen"


def test_clearing_a_record_that_is_gone_is_done(wire: Wire) -> None:
    wire.answer("PUT", result_url("r1"), 404, json=status_info("?", "unknownobject"))
    facts(wire)
    assert outcomes(adapter(), withdrawal(result_id="r1"))["s1"].state == "unchanged"


def test_a_class_that_is_gone_is_said_of_each_row_and_a_shut_roster_stops(wire: Wire) -> None:
    wire.answer("PUT", result_url("r1"), 404, json=status_info("?", "unknownobject"))
    wire.answer("GET", ITEM, json={"lineItem": {"sourcedId": "i1"}})
    roster = f"{ROSTERING}/classes/c1/students"
    wire.answer("GET", roster, 404, json=status_info("?", "unknownobject"))
    assert outcomes(adapter(), update())["s1"].code == "class_unknown"
    wire.mock.replace("GET", roster, status=403)
    with pytest.raises(Misconfigured) as caught:
        outcomes(adapter(), update())
    assert caught.value.code == "forbidden"


def test_a_refusal_that_cannot_be_looked_into_keeps_the_siss_words(wire: Wire) -> None:
    wire.answer("PUT", result_url("r1"), 422, json=status_info("Nein."))
    wire.answer("GET", ITEM, 503)
    wire.answer("GET", PAIR, 503)
    found = outcomes(adapter(), update())["s1"]
    assert (found.code, found.words) == ("malformed", "Nein.")


def test_a_refused_withdrawal_and_a_scale_that_is_gone_are_no_reason(wire: Wire) -> None:
    wire.answer("PUT", result_url("r1"), 422, json=status_info("Nein."))
    facts(wire)
    wire.lists(PAIR, "results", [])
    assert outcomes(adapter(), withdrawal(result_id="r1"))["s1"].code == "malformed"
    item = {"sourcedId": "i1", "scoreScale": {"sourcedId": "sc"}}
    wire.mock.replace("GET", ITEM, json={"lineItem": item})
    wire.answer("GET", f"{GRADEBOOK}/scoreScales/sc", 404, json=status_info("?"))
    wire.answer("PUT", result_url("r2"), 422, json=status_info("Nein."))
    wire.lists(PAIR.replace("s1", "s2"), "results", [])
    wire.lists(f"{ROSTERING}/classes/c1/students", "users", [{"sourcedId": "s1"}, {"sourcedId": "s2"}])
    letters = [
        change(one, sis.Value(text="A"), result_id=result_id, expected=frozenset({SEVEN}))
        for one, result_id in (("s1", "r1"), ("s2", "r2"))
    ]
    found = outcomes(adapter(parallel="1"), *letters)
    assert {one.code for one in found.values()} == {"malformed"}
    assert wire.sent("GET").count("/scoreScales/sc") == 1  # looked at once per run


def test_without_post_a_refused_row_and_a_lost_one_are_told_apart(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 405)
    wire.answer("PUT", result_url("new-s1"), 423)
    wire.lost("PUT", result_url("new-s2"))
    wire.answer("PUT", result_url("new-s3"), 201)
    found = outcomes(adapter(parallel="1"), *(change(one) for one in ("s1", "s2", "s3")))
    assert [found[one].state for one in ("s1", "s2", "s3")] == ["rejected", "unknown", "accepted"]


def test_once_post_is_known_to_be_missing_it_is_not_tried_again(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 405)
    for one in ("s1", "s2"):
        wire.answer("PUT", result_url(f"new-{one}"), 201)
    of = adapter(batch="1", parallel="1")
    assert outcomes(of, change("s1"), change("s2"))["s2"].state == "accepted"
    assert len(wire.sent("POST")) == 1
    # what was batched before it was known
    assert [one.state for _, one in of._results._post([change("s1"), change("s2")])] == ["accepted"] * 2


def test_a_lost_answer_within_a_batch_taken_apart_is_unknown(wire: Wire) -> None:
    wire.answer("POST", POST_URL, 422, json=status_info("No."))
    wire.lists(f"{GRADEBOOK}/classes/c1/lineItems/i1/results", "results", [])
    wire.lost("POST", POST_URL)
    wire.answer("POST", POST_URL, 201, json={"sourcedIdPairs": pairs(("new-s2", "B"))})
    found = outcomes(adapter(), change("s1"), change("s2"))
    assert [found[one].state for one in ("s1", "s2")] == ["unknown", "accepted"]


def test_nothing_is_sent_of_a_batch_of_what_cannot_be_said(wire: Wire) -> None:
    made = results.Results(adapter()._client, config(version="1.1", letters="metadata", letters_key="k"))
    assert [one.state for _, one in made.send([change(after=sis.Value(text="B+"))])] == ["rejected"]
    assert wire.sent("PUT") == []


# --- line items -------------------------------------------------------------------------------------------------


def new(**fields: Any) -> sis.NewLineItem:
    given = {"sourced_id": "new", "title": "Essay", "class_id": "c1", "school_id": "o1", "session_id": "g1"}
    return sis.NewLineItem(**(given | {"category_title": "Work", "assigned": DAY, "due": DAY} | fields))


@pytest.fixture
def category(wire: Wire) -> None:
    wire.lists(f"{GRADEBOOK}/classes/c1/categories", "categories", [{"sourcedId": "k1", "title": "Work"}])


def refused(**options: str) -> Rejected:
    with pytest.raises(Rejected) as caught:
        adapter(**options).create_line_item(new(description="What it is about"))
    return caught.value


def period(begins: str, ends: str) -> dict[str, Any]:
    return {"academicSession": {"sourcedId": "g1", "startDate": begins, "endDate": ends}}


@pytest.mark.usefixtures("category")
@pytest.mark.parametrize(
    ("session", "code"),
    [
        ({"json": {"academicSession": {"sourcedId": "g1"}}}, "malformed"),
        ({"status": 404, "json": status_info("?")}, "malformed"),
        ({"status": 503}, "malformed"),
        ({"json": period("2026-01-01", "2026-01-31")}, "window_closed"),
        ({"json": period("2026-01-01", "2026-06-30")}, "malformed"),
    ],
)
def test_a_refused_line_item_is_a_closed_window_only_where_its_session_says_so(
    wire: Wire, session: dict[str, Any], code: str
) -> None:
    wire.answer("PUT", f"{GRADEBOOK}/lineItems/new", 422, json=status_info("No."))
    wire.answer("GET", f"{ROSTERING}/academicSessions/g1", **session)
    assert (refused().code, refused().words) == (code, "No.")
    assert wire.bodies("PUT")[0]["lineItem"]["description"] == "What it is about"


@pytest.mark.usefixtures("category")
def test_a_line_item_refused_by_post_or_in_a_class_that_cannot_be_seen(wire: Wire) -> None:
    wire.answer("POST", f"{GRADEBOOK}/classes/c1/lineItems", 404, json=status_info("No."))
    wire.answer("GET", f"{ROSTERING}/classes/c1", 503)
    wire.answer("GET", f"{ROSTERING}/academicSessions/g1", 503)
    assert refused(line_items="post").code == "malformed"


@pytest.mark.usefixtures("category")
def test_a_sis_without_line_items_by_put_names_the_option(wire: Wire) -> None:
    wire.answer("PUT", f"{GRADEBOOK}/lineItems/new", 405)
    with pytest.raises(Misconfigured, match="line_items=post"):
        adapter().create_line_item(new())


@pytest.mark.usefixtures("category")
def test_a_connection_that_makes_no_line_items_says_where_they_are_made(wire: Wire) -> None:
    assert "in the SIS" in refused(line_items="none").words and wire.sent("PUT") == []


# --- reading ----------------------------------------------------------------------------------------------------


def test_a_request_that_did_not_leave_was_surely_not_stored(wire: Wire) -> None:
    wire.mock.add(responses.PUT, result_url("r1"), body=requests.exceptions.ConnectTimeout())
    with pytest.raises(TryLater):
        outcomes(adapter(), update())


def test_a_list_that_does_not_end_is_given_up(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_PAGES", 1)
    wire.answer("GET", f"{GRADEBOOK}/classes/c1/lineItems", json={"lineItems": [{"sourcedId": "i1"}]})
    with pytest.raises(TryLater, match="does not end"):
        adapter().line_items("c1")


def test_null_for_a_list_of_none_is_an_empty_list(wire: Wire) -> None:
    url = f"{GRADEBOOK}/classes/c1/lineItems"
    wire.answer("GET", url, json={"lineItems": None}, headers={"X-Total-Count": "0"})
    assert adapter().line_items("c1") == []


def test_a_score_that_no_decimals_can_hold_is_a_text() -> None:
    score = Decimal(f"{'9' * 16}.{'9' * 13}")
    assert reading.value_of({"score": score}, config(decimals="12")) == sis.Value(text=str(score))


def test_a_reference_is_read_from_a_list_of_one_or_of_none() -> None:
    assert [reading.ref_id(one) for one in ([], None, [{"sourcedId": "x"}])] == ["", "", "x"]


def test_an_error_in_a_list_with_an_odd_code_gives_its_words(wire: Wire) -> None:
    minor = {"imsx_codeMinorField": ["odd", {"imsx_codeMinorFieldValue": "forbidden"}]}
    body = [{"imsx_description": "Not yours.", "imsx_CodeMinor": minor}]
    wire.answer("PUT", result_url("r1"), 403, json=body)
    found = outcomes(adapter(), update())["s1"]
    assert (found.code, found.words) == ("forbidden", "Not yours.")


def test_closing_lets_go_of_both_connections() -> None:
    of = adapter(HOST)
    of.close()
    of.close()
