"""Reading: rosters by pages and counts, teachers, and answers that must never be taken for an empty class."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import requests

from gradesync_site.sandbox.sis.powerschool import seeds, tables
from gradesync_site.sandbox.sis.powerschool.gradebook import PART_FIELDS, SCORE_FIELDS
from lti_tool import http
from sync.errors import AdapterError, Misconfigured, Rejected, TryLater
from sync.sis import records as sis
from sync.sis.powerschool import errors, wire
from tests.sandbox_servers import Server
from tests.sis.powerschool.conftest import adapter
from tests.sis.powerschool.scene import class_of, key_of, pushed


def enrolments(server: Server) -> list[dict[str, Any]]:
    rows = server.state["enrolments"].values()
    return [one for one in rows if str(one["section_id"]) == class_of(server)]


def test_a_class_is_named_as_people_there_name_it(host: Server) -> None:
    found = adapter(host).get_class(class_of(host))
    assert found is not None and (found.title, found.code) == ("Algebra 1", "ALG1.P3")
    assert [one.sourced_id for one in adapter(host).sessions(class_of(host))] == list(found.session_ids)
    assert adapter(host).score_scales(class_of(host)) == []


@pytest.mark.parametrize("class_id", ["ALG1-P3", "4777", "../staff/1", "４００１"])
def test_a_class_id_of_no_section_is_none_and_asks_for_nothing_odd(host: Server, class_id: str) -> None:
    assert adapter(host).get_class(class_id) is None
    assert {one["path"] for one in host.journal} <= {"/oauth/access_token/", "/ws/v1/section/4777"}


def test_a_student_carries_what_the_lms_may_know_her_by(host: Server) -> None:
    first = min(adapter(host).students(class_of(host)), key=lambda one: one.sourced_id)
    row = host.state["students"][first.sourced_id]
    assert (first.given_name, first.family_name) == (row["name"]["first_name"], row["name"]["last_name"])
    assert (first.identifier, first.username) == (str(row["local_id"]), row["student_username"])
    assert first.email == row["contact_info"]["email"]


def test_who_left_or_was_dropped_is_no_student_and_who_came_back_is_one(host: Server) -> None:
    first, second, third = enrolments(host)[:3]
    first["dropped"] = True
    second["exit_date"] = "2025-10-01"
    third["exit_date"] = "2025-10-01"
    again = seeds.new_id(host.state)
    host.state["enrolments"][str(again)] = {**third, "id": again, "exit_date": None}
    found = {one.sourced_id for one in adapter(host).students(class_of(host))}
    assert not {str(first["student_id"]), str(second["student_id"])} & found
    assert str(third["student_id"]) in found


def test_a_class_keeps_its_students_after_its_term() -> None:
    row = {"exit_date": "2026-06-13", "dropped": False}
    assert wire.is_in(row, date(2026, 7, 1), date(2026, 6, 12))
    assert not wire.is_in(row, date(2026, 7, 1), date(2026, 12, 18))


def test_a_class_of_one_student_is_no_list_and_read_all_the_same(host: Server) -> None:
    for row in enrolments(host)[1:]:
        del host.state["enrolments"][str(row["id"])]
    assert len(adapter(host).students(class_of(host))) == 1


def test_a_student_whose_record_is_gone_is_known_by_her_dcid(host: Server) -> None:
    gone = str(enrolments(host)[0]["student_id"])
    del host.state["students"][gone]
    assert [one.name for one in adapter(host).students(class_of(host)) if one.sourced_id == gone] == [""]


def test_co_teachers_prove_a_class_too_and_writes_go_in_the_lead_teachers_name(host: Server) -> None:
    state, of = host.state, adapter(host)
    row = state["sections"][class_of(host)]
    other = next(one for one in state["staff"] if int(one) != row["teacher"])
    state["sectionteacher"].append({"sectionid": row["id"], "teacherid": int(other)})
    assert sorted(one.identifier for one in of.teachers(class_of(host))) == ["T1001", "T1002"]
    pushed(of, key_of(host))
    lead = state["staff"][str(row["teacher"])]["users_dcid"]
    assert f"users_dcid={lead}" in host.writes()[-1]["query"]


def test_who_taught_the_class_before_proves_nothing_and_the_lead_teacher_always_does(host: Server) -> None:
    state, of = host.state, adapter(host)
    row = state["sections"][class_of(host)]
    former = next(one for one in state["staff"] if int(one) != row["teacher"])
    lead = next(one for one in state["sectionteacher"] if one["sectionid"] == row["id"])
    lead["end_date"] = "2025-10-01"
    dates = {"start_date": "2025-08-25", "end_date": "2025-10-01"}
    state["sectionteacher"].append({"sectionid": row["id"], "teacherid": int(former), **dates})
    assert [one.identifier for one in of.teachers(class_of(host))] == ["T1001"]
    later = {"start_date": "9999-01-01"}
    state["sectionteacher"][-1] = {"sectionid": row["id"], "teacherid": int(former), **later}
    assert [one.identifier for one in adapter(host).teachers(class_of(host))] == ["T1001"]


def test_a_teachers_classes_are_found_by_her_number_or_her_dcid(host: Server) -> None:
    of = adapter(host)
    user = next(one for one in of.teachers(class_of(host)) if one.identifier == "T1001")
    by_number = {one.sourced_id for one in of.classes_of_teacher("T1001")}
    assert class_of(host) in by_number
    assert {one.sourced_id for one in of.classes_of_teacher(user.sourced_id)} == by_number
    assert of.classes_of_teacher("T9999") == [] and of.classes_of_teacher("x==1;y==2") == []


def test_classes_of_former_years_are_not_offered(host: Server) -> None:
    sections = host.state["sections"]
    mine = [one for one in sections.values() if one["teacher"] == sections[class_of(host)]["teacher"]]
    for number, year in enumerate((36, 34, 33)):
        twin = {**mine[0], "dcid": 4900 + number, "id": 14900 + number, "termid": year * 100}
        sections[str(twin["dcid"])] = twin
    sections["4950"] = {**mine[0], "dcid": 4950, "id": 14950, "termid": None}
    found = {one.sourced_id for one in adapter(host).classes_of_teacher("T1001")}
    assert found == {str(one["dcid"]) for one in mine} | {"4900"}


def test_a_class_link_that_names_no_section_is_never_read_as_an_empty_class(host: Server) -> None:
    of = adapter(host)
    for call in (of.students, of.teachers, of.line_items, of.results, of.sessions, of.categories):
        with pytest.raises(Misconfigured) as raised:
            call("4777")
        assert raised.value.code == "class_unknown"


@pytest.mark.parametrize("missing", ["teacher", "term"])
def test_a_section_without_teacher_or_term_is_for_an_administrator(host: Server, missing: str) -> None:
    row = host.state["sections"][class_of(host)]
    if missing == "teacher":
        host.state["staff"][str(row["teacher"])]["users_dcid"] = None
    else:
        row["termid"] = None
    with pytest.raises(Misconfigured) as raised:
        adapter(host).line_items(class_of(host))
    assert raised.value.code == "section_incomplete"


@pytest.mark.parametrize(
    ("fault", "how", "error"),
    [
        ("wrong-scope", {}, Misconfigured),
        ("html-page", {}, TryLater),
        ("page-repeats", {}, TryLater),
        ("short-list", {}, TryLater),
        ("busy-503", {}, TryLater),
        ("odd-json", {"body": []}, TryLater),
        ("odd-json", {"body": {"count": "many"}}, TryLater),
        ("odd-json", {"body": {"count": 3, "section_enrollments": [1, 2, 3]}}, TryLater),
    ],
)
def test_a_read_that_fails_raises_and_returns_nothing(
    host: Server, fault: str, how: dict[str, Any], error: type[AdapterError]
) -> None:
    of = adapter(host)
    host.faults.on("small-pages", rows=5)
    host.faults.on(fault, path="section_enrollment", **how)
    with pytest.raises(error):
        of.students(class_of(host))


@pytest.mark.parametrize("fault", ["page-repeats", "short-list", "html-page"])
def test_scores_that_come_short_are_no_deleted_scores(host: Server, fault: str) -> None:
    of = adapter(host, page_limit="1")
    key = key_of(host)
    pushed(of, key)
    pushed(of, key._replace(student_id=of.students(key.class_id)[1].sourced_id))
    host.faults.on(fault, path="assignmentscore")
    with pytest.raises(TryLater):
        of.results(key.class_id)


def test_two_sections_of_one_dcid_are_no_answer(host: Server) -> None:
    host.state["sections"]["twin"] = dict(host.state["sections"][class_of(host)])
    with pytest.raises(TryLater):
        adapter(host).line_items(class_of(host))


def test_scores_that_may_not_be_read_are_for_an_administrator_with_both_ways_out(host: Server) -> None:
    host.faults.on("field-not-readable")
    with pytest.raises(Misconfigured) as raised:
        adapter(host).results(class_of(host))
    assert raised.value.code == "field_not_granted"
    assert "assignmentscore.scorepoints" in str(raised.value) and "read_back" in str(raised.value)


def test_a_server_that_serves_no_gradebook_is_no_empty_gradebook(host: Server) -> None:
    of = adapter(host)
    of.teachers(class_of(host))
    host.running.app.view_functions["powerschool.GET/xte/section/assignment/"] = lambda: ("", 404)
    with pytest.raises(Misconfigured) as raised:
        of.line_items(class_of(host))
    assert raised.value.code == "address_wrong"


def test_a_question_that_is_not_taken_is_for_an_administrator(host: Server) -> None:
    of = adapter(host)
    of.teachers(class_of(host))
    host.running.app.view_functions["powerschool.GET/xte/section/assignment/"] = lambda: ("{}", 400)
    with pytest.raises(Misconfigured) as raised:
        of.line_items(class_of(host))
    assert raised.value.code == "question_refused"


# --- the plugin and the connection ---


def test_the_plugin_that_we_hand_out_asks_for_all_that_is_read_and_written() -> None:
    granted = tables.grants()
    read = {
        "sections": (*wire.SECTION_FIELDS, "teacher"),
        "sectionteacher": wire.TEACHING_FIELDS,
        "schoolstaff": wire.STAFF_FIELDS,
        "users": wire.USER_FIELDS,
        "assignmentscore": wire.SCORE_FIELDS,
    }
    asked = {f"{table}.{field}" for table, fields in read.items() for field in fields}
    assert asked <= granted.keys()
    part, score = _own(PART_FIELDS), _own(SCORE_FIELDS) - {"scoretype"}  # that one is the assignment's
    written = {f"assignmentsection.{one}" for one in part} | {f"assignmentscore.{one}" for one in score}
    assert {granted.get(one) for one in written} == {"FullAccess"}
    assert granted["assignment.createdbyplugin"] == "FullAccess"


def _own(fields: set[str]) -> set[str]:
    return {one for one in fields if not one.startswith("_")}


def test_the_check_says_what_works_and_names_the_field_that_is_missing(host: Server) -> None:
    assert all(one.ok for one in adapter(host).check())
    host.faults.on("field-not-readable", field="users.email_addr")
    (wrong,) = [one for one in adapter(host).check() if not one.ok]
    assert wrong.title == "Table users" and "users.email_addr" in wrong.text
    blind = next(one for one in adapter(host, read_back="no").check() if one.title == "Reading scores back")
    assert blind.ok and "not seen" in blind.text
    host.faults.on("token-refused")
    assert [one.ok for one in adapter(host).check()] == [False]


def test_options_that_make_no_sense_are_said(host: Server) -> None:
    for options in ({"decimals": "7"}, {"batch": "0"}, {"parallel": "x"}, {"page_limit": "101"}):
        with pytest.raises(Misconfigured) as raised:
            adapter(host, **options)
        assert raised.value.code == "option_unusable"


def test_connections_are_let_go(host: Server) -> None:
    of = adapter(host)
    of.students(class_of(host))
    of.close()
    assert of.students(class_of(host))  # a session that was closed opens anew


# --- small translations ---


@pytest.mark.parametrize(
    ("stated", "found"),
    [("9.50", "9.50"), (9, "9"), (True, None), (None, None), ("", None), ("NaN", None), ("B+", None)],
)
def test_numbers_are_read_as_they_come_and_nothing_else_is(stated: object, found: str | None) -> None:
    assert wire.decimal_of(stated) == (None if found is None else Decimal(found))


def test_an_assignment_without_category_or_date_is_read() -> None:
    (found,) = wire.columns_of(
        [{"_assignmentsections": [{"sectionsdcid": 1, "assignmentsectionid": 2}]}], "1"
    )
    assert (found.item.category_id, found.item.due, found.item.maximum) == ("", None, None)
    assert wire.read_class({"id": 1}, None).title == ""


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (403, b'{"errors": [{"code": "No access to the field", "field": "dcid"}]}', "field_not_granted"),
        (403, b"No access to field 'assignment.createdbyplugin'", "field_not_granted"),
        (403, b'{"message": "No.", "errors": [{"code": "Other", "field": "dcid"}]}', "forbidden"),
        (403, b"<h1>Forbidden</h1>", "forbidden"),
    ],
)
def test_a_403_names_the_field_where_powerschool_names_it(status: int, body: bytes, code: str) -> None:
    found = errors.forbidden(answered(status, body), writing=False)
    assert isinstance(found, Misconfigured) and found.code == code


def test_odd_refusals_become_the_codes_that_all_adapters_share() -> None:
    assert isinstance(errors.assignment_refused(answered(412, b"")), TryLater)
    for status, body, code in ((404, b"", "class_unknown"), (400, b"[1]", "malformed")):
        found = errors.assignment_refused(answered(status, body))
        assert isinstance(found, Rejected) and found.code == code
    params = http.dumps({"errors": [{"message": "Is locked.", "params": {"student_dcid": "81"}}, "odd"]})
    (named,) = errors._culprits(answered(409, params.encode()), [change("81")]).values()
    assert named.code == "frozen"
    assert errors._culprits(answered(409, b'{"errors": [{"params": []}]}'), [change("81")]) == {}


def change(student: str) -> sis.Change:
    return sis.Change(sis.Key("1", "4001", "77", student), None, sis.Value(Decimal(1)), frozenset({None}))


def answered(status: int, body: bytes) -> requests.Response:
    response = requests.Response()
    response.status_code, response._content = status, body
    return response
