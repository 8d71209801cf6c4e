"""Lists come whole or not at all, however the SIS pages, fails or spells them."""

from __future__ import annotations

from typing import Any

import pytest
from responses.matchers import query_param_matcher

from sync.errors import AdapterError, Misconfigured, TryLater
from tests.sis.onerosterwire import (
    GRADEBOOK,
    NAME,
    ROSTERING,
    SECRET,
    V11,
    Wire,
    adapter,
    number,
    status_info,
    stored,
)

RESULTS = f"{GRADEBOOK}/classes/c1/results"
STUDENTS = f"{ROSTERING}/classes/c1/students"


def rows(*numbers: int) -> list[dict[str, Any]]:
    return [stored(f"s{one}", f"r{one}", score=one) for one in numbers]


def page(wire: Wire, offset: int, found: list[dict[str, Any]], limit: int = 2, **headers: str) -> None:
    matches = [query_param_matcher({"limit": str(limit), "offset": str(offset)})]
    headers = {name.replace("_", "-"): text for name, text in headers.items()}
    wire.answer("GET", RESULTS, json={"results": found}, headers=headers, match=matches)


def read(**options: str) -> list[str]:
    return [one.sourced_id for one in adapter(page_limit="2", **options).results("c1")]


def test_pages_are_read_by_offset_up_to_the_total(wire: Wire) -> None:
    for offset, found in ((0, rows(1, 2)), (2, rows(3, 4)), (4, rows(5))):
        page(wire, offset, found, X_Total_Count="5")
    assert read() == ["r1", "r2", "r3", "r4", "r5"]


def test_pages_are_read_by_their_links(wire: Wire) -> None:
    link = f'<{RESULTS}?cursor=AbC%3D>; rel="next", <{RESULTS}>; rel="first"'
    page(wire, 0, rows(1, 2), Link=link)
    last = {"Link": f'<{RESULTS}>; rel="first"'}
    matches = [query_param_matcher({"cursor": "AbC="})]
    wire.answer("GET", RESULTS, json={"results": rows(3)}, headers=last, match=matches)
    assert read() == ["r1", "r2", "r3"]


def test_without_total_and_link_a_page_cut_off_by_the_server_is_not_the_end(wire: Wire) -> None:
    for offset, found in ((0, rows(1)), (1, rows(2)), (2, [])):
        page(wire, offset, found)
    assert read() == ["r1", "r2"]


def test_a_link_over_http_behind_a_proxy_is_followed_on_our_own_scheme(wire: Wire) -> None:
    page(wire, 0, rows(1, 2), Link=f"<{RESULTS.replace('https', 'http')}?p=2>; rel=next")
    wire.answer("GET", RESULTS, json={"results": rows(3)}, match=[query_param_matcher({"p": "2"})])
    assert read() == ["r1", "r2", "r3"]


@pytest.mark.parametrize("found", [rows(1, 2), rows(2, 3)])
def test_a_page_that_repeats_rows_is_never_taken_for_the_rest(
    wire: Wire, found: list[dict[str, Any]]
) -> None:
    page(wire, 0, rows(1, 2), X_Total_Count="4")
    page(wire, 2, found, X_Total_Count="4")
    with pytest.raises(TryLater, match="same rows"):
        read()


def test_fewer_rows_than_the_total_are_never_a_list(wire: Wire) -> None:
    page(wire, 0, rows(1, 2), X_Total_Count="4")
    page(wire, 2, [], X_Total_Count="4")
    with pytest.raises(TryLater, match="fewer rows"):
        read()


def test_a_next_link_to_another_host_is_refused_and_sees_no_token(wire: Wire) -> None:
    page(wire, 0, rows(1, 2), Link='<https://elsewhere.example/more>; rel="next"')
    with pytest.raises(Misconfigured, match="another host"):
        read()
    assert not any("elsewhere" in str(call.request.url) for call in wire.mock.calls)


def test_an_empty_page_that_says_more_follow_is_refused(wire: Wire) -> None:
    page(wire, 0, [], Link=f'<{RESULTS}?p=2>; rel="next"')
    with pytest.raises(TryLater):
        read()


def test_a_failure_on_the_second_page_loses_the_whole_list(wire: Wire) -> None:
    page(wire, 0, rows(1, 2), X_Total_Count="4")
    wire.answer(
        "GET",
        RESULTS,
        503,
        headers={"Retry-After": "17"},
        match=[query_param_matcher({"limit": "2", "offset": "2"})],
    )
    with pytest.raises(TryLater) as caught:
        read()
    assert caught.value.after == 17


def test_a_sis_that_does_not_page_is_read_whole_when_told_so(wire: Wire) -> None:
    wire.answer("GET", RESULTS, json={"results": rows(1, 2, 3)}, match=[query_param_matcher({})])
    assert read(paging="off") == ["r1", "r2", "r3"]


def test_a_student_listed_twice_for_two_enrolments_stands_once(wire: Wire) -> None:
    wire.lists(STUDENTS, "users", [{"sourcedId": "s1"}, {"sourcedId": "s2"}, {"sourcedId": "s1"}])
    assert [one.sourced_id for one in adapter().students("c1")] == ["s1", "s2"]


def test_two_results_for_one_pair_are_both_returned(wire: Wire) -> None:
    wire.lists(RESULTS, "results", [stored("s1", "r1", score=1), stored("s1", "r2", score=2)])
    assert [one.sourced_id for one in adapter().results("c1")] == ["r1", "r2"]


# --- tolerance --------------------------------------------------------------------------------------------------


def test_deleted_records_are_not_there_and_no_status_means_active(wire: Wire) -> None:
    found = [
        stored("s1", "r1", status="tobedeleted"),
        stored("s2", "r2", status="inactive"),
        stored("s3", "r3", score=1),
    ]
    del found[2]["status"]
    wire.lists(RESULTS, "results", found)
    assert [one.sourced_id for one in adapter().results("c1")] == ["r3"]


@pytest.mark.parametrize(
    "body", [{"results": rows(1)}, {"result": rows(1)}, rows(1), {"results": rows(1)[0]}]
)
def test_a_list_is_found_under_whatever_key_it_stands(wire: Wire, body: Any) -> None:
    wire.answer("GET", RESULTS, json=body, headers={"X-Total-Count": "1"})
    assert [one.value for one in adapter().results("c1")] == [number("1")]


@pytest.mark.parametrize("answer", [{"status": 204}, {"status": 200, "headers": {"X-Total-Count": "0"}}])
def test_an_empty_class_is_an_empty_list(wire: Wire, answer: dict[str, Any]) -> None:
    wire.answer("GET", RESULTS, **answer)
    assert adapter().results("c1") == []


@pytest.mark.parametrize(
    "body", ["", "{}", "[1]", '{"results": null}', "<html>Log in</html>", '{"results": [{}]}']
)
def test_what_is_no_list_is_never_taken_for_an_empty_one(wire: Wire, body: str) -> None:
    wire.answer("GET", RESULTS, body=body)
    with pytest.raises(TryLater):
        adapter().results("c1")


def test_people_are_read_with_every_identifier(wire: Wire) -> None:
    person = {
        "sourcedId": "s1",
        "givenName": "Zoë",
        "familyName": "Ångström",
        "identifier": "1001",
        "username": "zoe",
        "email": None,
        "enabledUser": "false",
        "userIds": [{"type": "LDAP", "identifier": "za"}],
    }
    wire.lists(STUDENTS, "users", [person])
    (found,) = adapter().students("c1")
    assert (found.name, found.identifier, found.email, found.active) == (NAME, "1001", "", False)
    assert found.user_ids == (("LDAP", "za"),)


def test_a_class_that_is_gone_or_marked_deleted_is_none(wire: Wire) -> None:
    wire.answer("GET", f"{ROSTERING}/classes/gone", 404, json=status_info("Unknown Object", "unknownobject"))
    deleted = {"sourcedId": "old", "status": "tobedeleted"}
    wire.answer("GET", f"{ROSTERING}/classes/old", json={"class": deleted})
    assert adapter().get_class("gone") is None and adapter().get_class("old") is None


def test_a_class_is_read_with_school_and_terms(wire: Wire) -> None:
    raw = {
        "sourcedId": "c1",
        "title": "Algebra",
        "school": {"sourcedId": "o1"},
        "terms": [{"sourcedId": "t1"}],
    }
    wire.answer("GET", f"{ROSTERING}/classes/c1", json={"class": raw})
    found = adapter().get_class("c1")
    assert found and (found.title, found.school_id, found.session_ids) == ("Algebra", "o1", ("t1",))


@pytest.mark.parametrize(
    "body", [{"classes": [{"sourcedId": "c1"}]}, {"sourcedId": "c1"}, [{"sourcedId": "c1"}]]
)
def test_a_class_is_found_under_whatever_key_it_stands(wire: Wire, body: Any) -> None:
    wire.answer("GET", f"{ROSTERING}/classes/c1", json=body)
    assert adapter().get_class("c1") is not None


@pytest.mark.parametrize("body", [{}, [], {"a": 1, "b": 2}, "text"])
def test_an_answer_without_a_class_is_not_a_missing_class(wire: Wire, body: Any) -> None:
    wire.answer("GET", f"{ROSTERING}/classes/c1", json=body)
    with pytest.raises(TryLater):
        adapter().get_class("c1")


def test_a_web_page_instead_of_a_class_is_a_wrong_address_not_a_missing_class(wire: Wire) -> None:
    wire.answer("GET", f"{ROSTERING}/classes/c1", 404, body="<html>Not here</html>")
    with pytest.raises(Misconfigured, match="address"):
        adapter().get_class("c1")


def test_line_items_keep_their_own_range_exactly(wire: Wire) -> None:
    body = (
        '{"lineItems": [{"sourcedId": "i1", "title": "Quiz", "resultValueMin": 0, "resultValueMax": 12.5}]}'
    )
    wire.answer("GET", f"{GRADEBOOK}/classes/c1/lineItems", body=body, headers={"X-Total-Count": "1"})
    (found,) = adapter().line_items("c1")
    assert (str(found.minimum), str(found.maximum), found.class_id) == ("0", "12.5", "c1")


@pytest.mark.parametrize("name", ["i2", "Year total"])
def test_the_column_that_the_sis_computes_is_marked_by_its_id_or_title(wire: Wire, name: str) -> None:
    rows = [
        {"sourcedId": "i1", "title": "Quiz"},
        {"sourcedId": "i2", "title": " Year total ", "resultValueMax": 100},
    ]
    wire.lists(f"{GRADEBOOK}/classes/c1/lineItems", "lineItems", rows)
    reader = adapter(own_total=name)
    assert [one.computed for one in reader.line_items("c1")] == [False, True]
    assert not any(one.computed for one in adapter().line_items("c1"))


def test_score_scales_are_those_of_the_class_and_none_where_they_are_not_served(wire: Wire) -> None:
    url = f"{GRADEBOOK}/classes/c1/scoreScales"
    values = [{"itemValueLHS": "A", "itemValueRHS": "4.0"}, {"itemValueLHS": "B", "itemValueRHS": "3.0"}]
    wire.lists(url, "scoreScales", [{"sourcedId": "sc", "title": "Letters", "scoreScaleValue": values}])
    wire.answer("GET", f"{GRADEBOOK}/classes/c2/scoreScales", 404, json=status_info("no"))
    (scale,) = adapter().score_scales("c1")
    assert scale.entries == (("A", "4.0"), ("B", "3.0"))
    assert adapter().score_scales("c2") == []


def test_categories_are_all_of_the_sis_where_they_are_not_listed_by_class(wire: Wire) -> None:
    wire.answer("GET", f"{GRADEBOOK}/classes/c1/categories", 404)
    wire.lists(f"{GRADEBOOK}/categories", "categories", [{"sourcedId": "k1", "title": "Homework"}])
    assert [one.title for one in adapter().categories("c1")] == ["Homework"]


def test_grading_periods_come_before_terms(wire: Wire) -> None:
    raw = {"sourcedId": "c1", "title": "Algebra", "terms": [{"sourcedId": "t1"}]}
    wire.answer("GET", f"{ROSTERING}/classes/c1", json={"class": raw})
    period = {
        "sourcedId": "g1",
        "title": "Q1",
        "type": "gradingPeriod",
        "startDate": "2025-09-01",
        "endDate": "2025-11-01",
    }
    wire.lists(f"{ROSTERING}/terms/t1/gradingPeriods", "academicSessions", [period])
    term = {"sourcedId": "t1", "title": "Fall", "type": "term"}
    wire.answer("GET", f"{ROSTERING}/academicSessions/t1", json={"academicSession": term})
    assert [one.sourced_id for one in adapter().sessions("c1")] == ["g1", "t1"]


def test_version_11_reads_everything_at_one_base(wire: Wire) -> None:
    wire.lists(f"{V11}/classes/c1/students", "users", [{"sourcedId": "s1"}])
    wire.lists(f"{V11}/classes/c1/results", "results", rows(1))
    old = adapter(version="1.1")
    assert [one.sourced_id for one in old.students("c1")] == ["s1"]
    assert [one.value for one in old.results("c1")] == [number("1")]
    assert old.score_scales("c1") == []


# --- failing reads ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Misconfigured),
        (403, Misconfigured),
        (404, Misconfigured),
        (301, Misconfigured),
        (429, TryLater),
        (500, TryLater),
        (502, TryLater),
    ],
)
def test_each_failing_status_says_who_can_act(wire: Wire, status: int, kind: type[AdapterError]) -> None:
    wire.answer("GET", RESULTS, status, json=status_info(f"{NAME} has 86.5"))
    with pytest.raises(kind) as caught:
        adapter().results("c1")
    assert NAME not in repr(caught.value) + str(caught.value) and "86.5" not in str(caught.value)


def test_no_answer_to_a_read_is_a_reason_to_try_later(wire: Wire) -> None:
    wire.lost("GET", RESULTS)
    with pytest.raises(TryLater) as caught:
        adapter().results("c1")
    assert SECRET not in str(caught.value) and "c1" not in str(caught.value)


def test_an_address_that_is_not_allowed_is_for_the_administrator(wire: Wire) -> None:
    with pytest.raises(Misconfigured, match="https"):
        adapter("http://sis.example").get_class("c1")


def test_an_ended_token_is_asked_for_once_more(wire: Wire) -> None:
    wire.answer("GET", RESULTS, 401)
    wire.lists(RESULTS, "results", rows(1))
    assert [one.sourced_id for one in adapter().results("c1")] == ["r1"]


def test_a_token_refused_twice_stops(wire: Wire) -> None:
    wire.answer("GET", RESULTS, 401)
    with pytest.raises(Misconfigured, match="401"):
        adapter().results("c1")
    assert len([call for call in wire.mock.calls if call.request.method == "POST"]) == 2
