"""What an Ed-Fi host can do wrong, and what two people writing at once come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import requests

from gradesync_site.sandbox.sis.edfi import seeds
from gradesync_site.sandbox.sis.edfi.app import Host, Problem
from lti_tool import http
from sync.errors import AdapterError, Misconfigured, Rejected, TryLater
from sync.sis import records as sis
from sync.sis.edfi import EdFi, errors
from sync.sis.edfi.dialect import standard_of
from sync.sis.edfi.keys import section_in
from tests.sandbox_servers import Server
from tests.sis.edfi.conftest import adapter

NONE: frozenset[sis.Value | None] = frozenset({None})
SEVEN, NINE = sis.Value(Decimal(7)), sis.Value(Decimal(9))


def class_of(server: Server) -> str:
    row = next(one for one in server.state["sections"].values() if one["sectionIdentifier"] == "ALG1-P3")
    return section_in({**row["courseOfferingReference"], "sectionIdentifier": "ALG1-P3"}).text


def key_of(of: EdFi, server: Server, student: int = 0) -> sis.Key:
    class_id = class_of(server)
    return sis.Key(
        "1", class_id, of.line_items(class_id)[0].sourced_id, of.students(class_id)[student].sourced_id
    )


def pushed(
    of: EdFi,
    key: sis.Key,
    value: sis.Value | None,
    expected: frozenset[sis.Value | None] = NONE,
    result_id: str = "",
) -> sis.Outcome:
    before = next((one for one in expected if one is not None), None)
    change = sis.Change(key, before, value, expected, result_id=result_id, new_id="derived")
    return next(outcome for _, outcome in of.push([change]))


def stored(server: Server) -> list[object]:
    return [one.get("pointsEarned") for one in server.state["studentGradebookEntries"].values()]


def edit(server: Server, points: int) -> None:
    record = next(iter(server.state["studentGradebookEntries"].values()))
    kept = {name: value for name, value in record.items() if name not in ("id", "_etag")}
    server.control("result", **{**kept, "pointsEarned": points})


# --- two writers ---


def test_a_grade_edited_since_it_was_read_is_not_written_over(host: Server) -> None:
    of = adapter(host)
    key = key_of(of, host)
    pushed(of, key, SEVEN)
    (known,) = of.results(key.class_id)
    edit(host, 3)
    outcome = pushed(of, key, NINE, frozenset({SEVEN}), known.sourced_id)
    assert (outcome.state, outcome.code, outcome.found) == (
        "rejected",
        "conflict_newer",
        sis.Value(Decimal(3)),
    )
    assert stored(host) == [3]


def test_a_grade_edited_to_what_we_send_is_accepted_without_another_write(host: Server) -> None:
    of = adapter(host)
    key = key_of(of, host)
    pushed(of, key, SEVEN)
    (known,) = of.results(key.class_id)
    edit(host, 9)
    writes = len(host.writes())
    assert pushed(of, key, NINE, frozenset({SEVEN}), known.sourced_id).state == "accepted"
    assert len(host.writes()) == writes


def test_what_others_wrote_into_the_record_survives_our_write(host: Server) -> None:
    of = adapter(host)
    key = key_of(of, host)
    pushed(of, key, SEVEN)
    record = next(iter(host.state["studentGradebookEntries"].values()))
    record["diagnosticStatement"] = "Needs practice with fractions."
    (known,) = of.results(key.class_id)
    pushed(of, key, NINE, frozenset({SEVEN}), known.sourced_id)
    (after,) = host.state["studentGradebookEntries"].values()
    assert after["diagnosticStatement"] == "Needs practice with fractions." and after["pointsEarned"] == 9


def test_a_letter_that_gives_way_to_points_does_not_stay_beside_them(host: Server) -> None:
    of = adapter(host)
    key = key_of(of, host)
    pushed(of, key, sis.Value(text="B+"))
    (known,) = of.results(key.class_id)
    pushed(of, key, NINE, frozenset({known.value}), known.sourced_id)
    (after,) = of.results(key.class_id)
    assert after.value == NINE


def test_a_record_deleted_meanwhile_is_not_made_anew_unasked(host: Server) -> None:
    of = adapter(host)
    key = key_of(of, host)
    pushed(of, key, SEVEN)
    (known,) = of.results(key.class_id)
    host.state["studentGradebookEntries"].clear()
    outcome = pushed(adapter(host), key, NINE, frozenset({SEVEN}), known.sourced_id)
    assert (outcome.state, outcome.code) == ("rejected", "conflict_newer")
    assert pushed(of, key, None, frozenset({SEVEN}), known.sourced_id).state == "unchanged"
    assert stored(host) == []


# --- refusals ---


def test_a_student_without_a_relationship_does_not_sink_the_others(host: Server) -> None:
    of = adapter(host)
    keys = [key_of(of, host, number) for number in range(3)]
    host.faults.on("no-relationship", student=keys[1].student_id)
    answers = {c.key: o for c, o in of.push([sis.Change(one, None, SEVEN, NONE) for one in keys])}
    assert [answers[one].state for one in keys] == ["accepted", "rejected", "accepted"]
    assert answers[keys[1]].code == "forbidden"


def test_a_claim_set_without_the_action_is_for_an_administrator(host: Server) -> None:
    of = adapter(host)
    key = key_of(of, host)
    host.faults.on("wrong-scope", method="POST")
    with pytest.raises(Misconfigured) as raised:
        pushed(of, key, SEVEN)
    assert raised.value.code == "forbidden"


def test_a_descriptor_of_another_namespace_is_for_an_administrator(host: Server) -> None:
    of = adapter(host, descriptors="uri://nowhere.example")
    with pytest.raises(Misconfigured) as raised:
        pushed(of, key_of(of, host), SEVEN)
    assert raised.value.code == "descriptor_unknown"


@pytest.mark.parametrize("fault", ["old-errors", "html-error"])
def test_older_and_broken_errors_still_reject_the_record_only(host: Server, fault: str) -> None:
    of = adapter(host)
    stranger = key_of(of, host)._replace(student_id="nobody")
    host.faults.on(fault)
    outcome = pushed(of, stranger, SEVEN)
    assert outcome.state == "rejected"
    assert outcome.code == ("student_unknown" if fault == "old-errors" else "malformed")


@pytest.mark.parametrize("fault", ["busy-429", "busy-503"])
def test_a_busy_host_says_when(host: Server, fault: str) -> None:
    of = adapter(host)
    key = key_of(of, host)
    host.faults.on(fault, retry_after=9)
    with pytest.raises(TryLater) as raised:
        pushed(of, key, SEVEN)
    assert raised.value.after == 9


@pytest.mark.parametrize("fault", ["error-500-after-store", "lose-answer"])
def test_a_write_without_an_answer_is_unknown(host: Server, fault: str) -> None:
    of = adapter(host)
    key = key_of(of, host)
    host.faults.on(fault, method="POST", path="/ed-fi/")
    assert pushed(of, key, SEVEN).state == "unknown"
    assert stored(host) == [7]


def test_an_ended_token_is_renewed_in_mid_run(host: Server) -> None:
    of = adapter(host)
    key = key_of(of, host)
    host.faults.on("token-expired", count=1)
    assert pushed(of, key, SEVEN).state == "accepted"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (
            409,
            {
                "type": "urn:ed-fi:api:data-conflict:unresolved-reference",
                "detail": "The referenced 'Section' item does not exist.",
            },
            "class_unknown",
        ),
        (409, {"type": "urn:ed-fi:api:data-conflict:non-unique-identity", "detail": "Two."}, "malformed"),
        (404, {}, "line_item_missing"),
        (412, {}, "conflict_newer"),
        (400, {"validationErrors": {"$.letterGradeEarned": ["Too long."], "$.x": "odd"}}, "malformed"),
        (400, [], "malformed"),
    ],
)
def test_refusals_become_the_codes_that_all_adapters_share(status: int, body: object, code: str) -> None:
    response = requests.Response()
    response.status_code, response._content = status, http.dumps(body).encode()
    error = errors.rejected(response)
    assert isinstance(error, Rejected) and error.code == code


def test_a_status_that_says_nothing_is_tried_later() -> None:
    response = requests.Response()
    response.status_code, response._content = 418, b""
    assert isinstance(errors.rejected(response), TryLater)


def test_a_record_that_changes_under_each_write_ends_in_a_conflict(
    host: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody saves the same value again and again: the ETag never fits."""
    of = adapter(host)
    key = key_of(of, host)
    pushed(of, key, SEVEN)
    (known,) = of.results(key.class_id)
    monkeypatch.setattr(Host, "_check_etag", _never_fits)
    outcome = pushed(of, key, NINE, frozenset({SEVEN}), known.sourced_id)
    assert (outcome.state, outcome.code) == ("rejected", "conflict_newer")


def _never_fits(_host: Host, _former: object) -> None:
    raise Problem(412, "optimistic-lock-failed", "The item has been modified by another user.")


def test_a_record_deleted_while_it_is_written_is_not_made_anew_unasked(host: Server) -> None:
    of = adapter(host)
    key = key_of(of, host)
    pushed(of, key, SEVEN)
    (known,) = of.results(key.class_id)
    edit(host, 7)  # the same value under a new ETag, then gone
    host.state["studentGradebookEntries"].clear()
    outcome = pushed(of, key, NINE, frozenset({SEVEN}), known.sourced_id)
    assert outcome.state == "rejected"
    assert pushed(of, key, None, frozenset({SEVEN}), known.sourced_id).state == "unchanged"


def test_a_value_found_by_its_id_is_compared_before_it_is_written_over(host: Server) -> None:
    """This worker has not read the class itself."""
    of = adapter(host)
    key = key_of(of, host)
    made = pushed(of, key, SEVEN).result_id
    edit(host, 3)
    outcome = pushed(adapter(host), key, NINE, frozenset({SEVEN}), made)
    assert (outcome.state, outcome.found) == ("rejected", sis.Value(Decimal(3)))
    assert pushed(adapter(host), key, NINE, frozenset({sis.Value(Decimal(3))}), made).state == "accepted"


def test_a_grade_that_vanished_may_be_sent_anew_where_nothing_was_expected(host: Server) -> None:
    of = adapter(host)
    key = key_of(of, host)
    made = pushed(of, key, SEVEN).result_id
    host.state["studentGradebookEntries"].clear()
    assert pushed(adapter(host), key, NINE, frozenset({None, SEVEN}), made).state == "accepted"
    assert stored(host) == [9]


def test_nothing_to_withdraw_is_unchanged(host: Server) -> None:
    of = adapter(host)
    assert pushed(of, key_of(of, host), None).state == "unchanged"


def test_ids_of_another_form_are_refused_record_by_record(host: Server) -> None:
    of = adapter(host)
    key = key_of(of, host)
    assert pushed(of, key._replace(class_id="ALG1-P3"), SEVEN).code == "class_unknown"
    assert pushed(of, key._replace(line_item_id="a/b/c"), SEVEN).code == "line_item_missing"
    with pytest.raises(Rejected):
        of.create_line_item(replace(new_item(key.class_id), class_id="ALG1-P3"))


def new_item(class_id: str) -> sis.NewLineItem:
    day = datetime(2026, 2, 20, tzinfo=UTC)
    return sis.NewLineItem("x", "X", class_id, "", "", day, day)


# --- reading ---


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("token-refused", Misconfigured),
        ("wrong-scope", Misconfigured),
        ("html-page", TryLater),
        ("page-repeats", TryLater),
        ("busy-503", TryLater),
        ("discovery-elsewhere", Misconfigured),
    ],
)
def test_a_read_that_fails_raises_and_returns_nothing(
    start: Callable[..., Server], fault: str, error: type[AdapterError]
) -> None:
    server = start(students=20)
    server.faults.on(fault, path="/ed-fi/" if fault in ("html-page", "busy-503") else "")
    with pytest.raises(error):
        adapter(server, page_limit="10").students(class_of(server))


def test_who_left_is_no_student_and_who_came_back_is_graded_on_her_last_association(
    start: Callable[..., Server],
) -> None:
    server = start("3.3")
    of, class_id = adapter(server), class_of(server)
    gone, back = sorted(one.sourced_id for one in of.students(class_id))[:2]
    rows = server.state["studentSectionAssociations"]
    for row in list(rows.values()):
        who = row["studentReference"]["studentUniqueId"]
        if row["sectionReference"]["sectionIdentifier"] == "ALG1-P3" and who in (gone, back):
            row["endDate"] = "2025-10-01"
            if who == back:
                again = {name: row[name] for name in ("sectionReference", "studentReference")} | {
                    "beginDate": "2025-11-03"
                }
                seeds.put(server.state, "3.3", "studentSectionAssociations", again)
    of = adapter(server)
    assert gone not in {one.sourced_id for one in of.students(class_id)}
    key = key_of(of, server)._replace(student_id=back)
    assert pushed(of, key, SEVEN).state == "accepted"
    (made,) = server.state["studentGradebookEntries"].values()
    assert made["studentSectionAssociationReference"]["beginDate"] == "2025-11-03"
    assert pushed(of, key._replace(student_id=gone), SEVEN).code == "not_enrolled"


def test_a_score_rounded_by_the_host_reads_as_its_rounding(host: Server) -> None:
    of = adapter(host, decimals="4")
    key = key_of(of, host)
    sent = sis.Value(Decimal("9.257"))
    pushed(of, key, sent)
    (found,) = of.results(key.class_id)
    assert found.value == sis.Value(Decimal("9.26"))
    assert sis.is_rounding_of(sent, found.value)


def test_a_class_may_be_named_by_a_section_that_is_the_only_one_of_its_id(host: Server) -> None:
    found = adapter(host).get_class("ALG1-P3")
    assert found is not None and found.sourced_id == class_of(host)
    row = next(one for one in host.state["sections"].values() if one["sectionIdentifier"] == "ALG1-P3")
    host.state["sections"]["twin"] = {**row, "id": "f" * 32}
    assert adapter(host).get_class("ALG1-P3") is None


def test_a_link_that_names_no_section_is_never_read_as_an_empty_class(host: Server) -> None:
    of = adapter(host)
    for call in (of.students, of.teachers, of.line_items, of.results, of.sessions):
        with pytest.raises(Misconfigured):
            call("ALG1-P3")


def test_a_teachers_classes_are_those_she_teaches_now(host: Server) -> None:
    of = adapter(host)
    teacher = of.teachers(class_of(host))[0].sourced_id
    assert class_of(host) in {one.sourced_id for one in of.classes_of_teacher(teacher)}
    for row in host.state["staffSectionAssociations"].values():
        row["endDate"] = "2025-09-01"
    assert of.classes_of_teacher(teacher) == [] and of.teachers(class_of(host)) == []


def test_course_grades_are_offered_only_where_an_administrator_named_their_types(host: Server) -> None:
    class_id = class_of(host)
    plain = adapter(host)
    assert {one.kind for one in plain.line_items(class_id)} == {"assignment"}
    assert plain.profile.kinds == {"assignment"}
    of = adapter(host, grade_types="Final", names="no")
    totals = [one for one in of.line_items(class_id) if one.kind == "course_total"]
    assert [one.title for one in totals] == [
        "Final (First Nine Weeks, First Nine Weeks)",
        "Final (Second Nine Weeks, Second Nine Weeks)",
    ]
    key = sis.Key("1", class_id, totals[0].sourced_id, of.students(class_id)[0].sourced_id)
    value = sis.Value(Decimal(91), "A-")
    assert pushed(of, key, value).state == "accepted"
    assert [(one.line_item_id, one.value) for one in of.results(class_id)] == [(totals[0].sourced_id, value)]
    excused = pushed(of, key, sis.Value(status=sis.ScoreStatus.EXEMPT))
    assert (excused.state, excused.code) == ("rejected", "malformed")
    assert of.students(class_id)[0].name == ""


def test_the_check_says_what_the_host_speaks_and_what_fails(host: Server) -> None:
    findings = adapter(host).check()
    assert all(one.ok for one in findings) and "5.0" in findings[0].text
    host.faults.on("wrong-scope", path="gradebookEntries")
    assert [one.title for one in adapter(host).check() if not one.ok] == ["Gradebook"]
    host.faults.on("token-refused")
    assert not adapter(host).check()[1].ok


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ("3.3.1-b", "3.3"),
        ("3.2.0-c", "3.3"),
        ("4.0.0", "4.0"),
        ("5.2.0", "5.0"),
        ("2.0", None),
        ("3.1.0", None),
        ("", None),
        ("6", None),
    ],
)
def test_versions_are_taken_for_a_standard_that_is_spoken_or_for_none(stated: str, found: str | None) -> None:
    assert standard_of(stated) == found


def test_a_host_that_says_too_little_of_itself_is_for_an_administrator(
    host: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Host, "root", lambda _host: "{}")
    host.running.app.view_functions["root"] = lambda: "{}"
    with pytest.raises(Misconfigured) as raised:
        adapter(host).students(class_of(host))
    assert raised.value.code == "discovery_incomplete"
    host.running.app.view_functions["root"] = lambda: "[]"
    with pytest.raises(TryLater):
        adapter(host).students(class_of(host))


def test_an_address_that_serves_no_resources_is_no_empty_class(host: Server) -> None:
    of = adapter(host, data_url=f"{host.base_url}/data/v9")
    with pytest.raises(Misconfigured) as raised:
        of.students(class_of(host))
    assert raised.value.code == "address_wrong"
    of.close()


def test_options_that_make_no_sense_are_said(host: Server) -> None:
    for options in ({"decimals": "9"}, {"parallel": "none"}, {"page_limit": "501"}):
        with pytest.raises(Misconfigured):
            adapter(host, **options)
    with pytest.raises(Misconfigured) as raised:
        adapter(host, data_standard="2.0").students("1/2/a/b/c")
    assert raised.value.code == "standard_unknown"
