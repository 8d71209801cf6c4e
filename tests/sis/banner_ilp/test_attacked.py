"""What ILP and the Banner behind it can say or do wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sync.errors import REJECTION_CODES, Misconfigured, Rejected, TryLater
from sync.sis import records as sis
from sync.sis.banner_ilp import BannerIlp, wire
from sync.sis.base import Settings
from tests.sandbox_servers import Server
from tests.sis.banner_ilp.conftest import CLASS, NONE, adapter, key, pushed

A, B, F = (sis.Value(text=letter) for letter in ("A", "B", "F"))


def section(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.state["sections"][CLASS]
    return found


def finals(server: Server) -> dict[str, str]:
    held = section(server)["students"].items()
    return {student: one["FinalGrade"] for student, one in held if "FinalGrade" in one}


def push(of: BannerIlp, *numbers: int) -> list[sis.Outcome]:
    """An A for each of these students, in their order."""
    changes = [sis.Change(key("final", number), None, A, NONE) for number in numbers]
    found = {change.key: outcome for change, outcome in of.push(changes)}
    return [found[change.key] for change in changes]


# --- one exchange for many ---


def test_many_students_go_in_one_exchange_and_kinds_apart(host: Server) -> None:
    of = adapter(host, students="2")
    assert {one.state for one in push(of, 0, 1, 2)} == {"accepted"}
    assert [len(one["body"]["StudentGrades"]) for one in host.journal] == [2, 1]
    assert pushed(of, B, key("midterm-1")).state == "accepted"
    assert section(host)["students"]["S20001"] == {"FinalGrade": "A", "MidtermGrade1": "B"}


def test_one_student_s_refusal_leaves_the_others_alone(host: Server) -> None:
    section(host)["rolled"].append("S20002")
    assert [one.code for one in push(adapter(host), 0, 1, 2)] == ["", "frozen", ""]
    assert finals(host) == {"S20001": "A", "S20003": "A"}


def test_a_student_of_whom_the_answer_says_nothing_is_unknown(host: Server) -> None:
    host.faults.on("omit", student="S20002")
    assert [one.state for one in push(adapter(host), 0, 1, 2)] == ["accepted", "unknown", "accepted"]
    host.faults.off()
    again = push(adapter(host), 1)
    assert [one.state for one in again] == ["unchanged"]


def test_a_status_of_another_kind_is_unknown(host: Server) -> None:
    host.faults.on("odd-status", student="S20001")
    assert [one.state for one in push(adapter(host), 0, 1)] == ["unknown", "accepted"]


def test_an_exchange_refused_whole_is_sent_again_one_by_one_and_once(host: Server) -> None:
    host.faults.on("refuse-batch", student="S20002")
    found = push(adapter(host), 0, 1, 2)
    assert [(one.state, one.code) for one in found] == [
        ("accepted", ""),
        ("rejected", "malformed"),
        ("accepted", ""),
    ]
    assert len(host.journal) == 4


def test_the_same_grade_again_changes_nothing(host: Server) -> None:
    of = adapter(host)
    push(of, 0)
    assert [one.state for one in push(of, 0)] == ["unchanged"]
    assert len(host.writes()) == 1


def test_dates_beside_a_grade_that_banner_had_already_are_not_said_to_be_there(host: Server) -> None:
    of = adapter(host)
    attended = sis.Value(text="F", extras=sis.Extras(last_attended=date(2026, 10, 14)))
    assert (pushed(of, attended).state, pushed(of, attended).words[:31]) == (
        "accepted",
        "Banner had this grade already, ",
    )
    push(of, 1)
    assert push(of, 1)[0].words == ""


# --- Banner's refusals ---


@pytest.mark.parametrize(
    ("what", "value", "code"),
    [
        ("gradable", False, "not_gradable"),
        ("instructors", ["T1002"], "not_your_class"),
        ("ungradable", ["S20001"], "not_gradable"),
        ("components", ["FinalGrade"], "not_gradable"),
        ("rolled", ["S20001"], "frozen"),
        ("closed", ["FinalGrade"], "window_closed"),
        ("students", {}, "not_enrolled"),
    ],
)
def test_what_banner_refuses_is_said_in_the_shared_words(
    host: Server, what: str, value: Any, code: str
) -> None:
    section(host)[what] = value
    outcome = pushed(adapter(host), A)
    assert (outcome.state, outcome.code) == ("rejected", code) and outcome.words
    assert finals(host) == {}


def test_a_grade_student_or_section_that_banner_does_not_know_is_told_apart(host: Server) -> None:
    of = adapter(host)
    assert pushed(of, sis.Value(text="Q")).code == "grade_not_in_scale"
    assert pushed(of, A, key()._replace(student_id="N0")).code == "student_unknown"
    elsewhere = key()._replace(class_id="X.202710", line_item_id="X.202710#final")
    assert pushed(of, A, elsewhere).code == "class_unknown"


def test_every_code_of_the_published_table_has_a_meaning() -> None:
    codes = {f"GE{number:02}" for number in range(1, 12)} | {"InstructorNotFound", "NoGradesFound"}
    assert codes == set(wire.CODES) | {wire.SAME}
    assert set(wire.CODES.values()) <= REJECTION_CODES


@pytest.mark.parametrize(
    ("text", "prop", "code"),
    [
        ("Cannot override it.", "DefaultIncompleteGrade", "extra_data_required"),
        ("A last attend date is required for this grade.", "FinalGrade", "extra_data_required"),
        ("Something is odd.", "FinalGrade", "malformed"),
        ("GE99 of tomorrow.", None, "malformed"),
        ("Instructor ID does not exist. InstructorNotFound", None, "not_your_class"),
    ],
)
def test_a_failure_without_a_known_code_goes_by_its_field_and_words(
    text: str, prop: str | None, code: str
) -> None:
    message = {"message": text, "data": {"studentId": "N1", "status": "failure", "property": prop}}
    outcome = wire.outcome_of([message])
    assert (outcome.state, outcome.code, outcome.words) == ("rejected", code, text)


def test_of_several_messages_one_failure_decides() -> None:
    fine = {"message": "Fine. (GE00)", "data": {"studentId": "N1", "status": "success"}}
    bad = {"message": "No. (GE08)", "data": {"studentId": "N1", "status": "failure"}}
    assert wire.outcome_of([fine, bad]).code == "grade_not_in_scale"
    assert wire.messages_of({"messages": [fine, "odd", {"message": "x"}, bad]}) == {"N1": [fine, bad]}
    assert wire.messages_of({"messages": "none"}) == {}


# --- what travels beside a grade ---


def test_days_are_sent_as_midnight_of_banner_s_own_zone(host: Server) -> None:
    of = adapter(host, time_zone="America/Detroit")
    extras = sis.Extras("F", date(2027, 9, 1), date(2026, 10, 14))
    assert pushed(of, sis.Value(text="I", extras=extras)).state == "accepted"
    assert section(host)["students"]["S20001"] == {
        "FinalGrade": "I",
        "DefaultIncompleteGrade": "F",
        "FinalGradeExpirationDate": "2027-09-01T00:00:00-04:00",
        "LastAttendanceDate": "2026-10-14T00:00:00-04:00",
    }


def test_what_banner_misses_beside_a_grade_is_asked_for(host: Server) -> None:
    of = adapter(host)
    assert pushed(of, F).code == "extra_data_required"
    outside = sis.Value(text="F", extras=sis.Extras(last_attended=date(2020, 1, 1)))
    outcome = pushed(of, outside)
    assert outcome.code == "extra_data_required" and "between section start" in outcome.words
    assert pushed(of, sis.Value(text="I")).code == "extra_data_required"
    late = sis.Value(text="I", extras=sis.Extras("F", date(2029, 1, 1)))
    assert pushed(of, late).code == "extra_data_required"


def test_what_ilp_cannot_hold_is_refused_before_a_request(host: Server) -> None:
    of = adapter(host)
    never = sis.Value(text="F", extras=sis.Extras(never_attended=True))
    lapsing = sis.Value(text="I", extras=sis.Extras("F", date(2027, 9, 1)))
    assert pushed(of, never).code == "malformed"
    assert pushed(of, lapsing, key("midterm-1")).code == "malformed"
    assert pushed(of, A, key("midterm-2")).code == "line_item_missing"
    assert pushed(of, sis.Value(Decimal("9.257"))).code == "malformed"
    assert pushed(of, None).code == "malformed"
    assert host.journal == []


def test_grades_go_in_the_sender_s_name_or_in_none(host: Server) -> None:
    of = adapter(host, modified_by="")
    assert pushed(of, A).code == "not_your_class" and host.journal == []
    of.sender = "T1001"
    assert pushed(of, A).state == "accepted"
    assert host.journal[0]["body"]["ModifiedBy"] == "T1001"


# --- answers that go wrong ---


@pytest.mark.parametrize("fault", ["error-500-after-store", "lose-answer", "html-page"])
def test_an_exchange_without_a_usable_answer_is_unknown_and_may_go_again(host: Server, fault: str) -> None:
    of = adapter(host)
    host.faults.on(fault, count=1)
    assert [one.state for one in push(of, 0, 1)] == ["unknown", "unknown"]
    assert [one.state for one in push(of, 0, 1)] == ["unchanged", "unchanged"]
    assert of.profile.idempotent and not of.profile.read_back


def test_a_success_that_stored_nothing_is_believed_because_nothing_can_be_read(host: Server) -> None:
    host.faults.on("store-nothing")
    assert [one.state for one in push(adapter(host), 0)] == ["accepted"]
    assert finals(host) == {}


@pytest.mark.parametrize("fault", ["busy-429", "busy-503"])
def test_a_busy_ilp_says_when(host: Server, fault: str) -> None:
    host.faults.on(fault, retry_after=9)
    with pytest.raises(TryLater) as raised:
        push(adapter(host), 0)
    assert raised.value.after == 9


def test_a_banner_out_of_reach_pauses_or_leaves_unknown_what_it_did_not_speak_of(host: Server) -> None:
    host.faults.on("no-connection", count=1)
    with pytest.raises(TryLater):
        push(adapter(host), 0, 1)
    host.faults.on("half-connection")
    assert [one.state for one in push(adapter(host), 0, 1)] == ["accepted", "unknown"]


def test_a_request_that_never_arrived_stores_nothing(host: Server) -> None:
    host.faults.on("lose-request")
    assert [one.state for one in push(adapter(host), 0)] == ["unknown"]
    assert finals(host) == {}


def test_an_error_page_rejects_without_words(host: Server) -> None:
    host.faults.on("html-error")
    (outcome,) = push(adapter(host), 0)
    assert (outcome.state, outcome.code, outcome.words) == ("rejected", "malformed", "")


@pytest.mark.parametrize(
    ("fault", "code"), [("password-refused", "token_refused"), ("forbidden", "forbidden")]
)
def test_a_password_that_is_not_taken_is_for_an_administrator(host: Server, fault: str, code: str) -> None:
    host.faults.on(fault)
    with pytest.raises(Misconfigured) as raised:
        push(adapter(host), 0)
    assert raised.value.code == code
    assert [one.ok for one in adapter(host).check()] == [False]
    assert len(host.journal) == 2


def test_another_address_is_for_an_administrator(host: Server) -> None:
    of = BannerIlp(Settings("1", f"{host.base_url}/ilp", client_id="u", secret="p"))
    (finding,) = of.check()
    assert not finding.ok and "404" in finding.text
    of.close()
    adapter(host).close()


def test_the_check_sends_nothing_and_says_what_it_cannot_know(host: Server) -> None:
    (finding,) = adapter(host).check()
    assert finding.ok and "first push" in finding.text
    assert host.writes() == []


# --- the connection ---


@pytest.mark.parametrize(
    "options",
    [
        {"grades": "quarterly"},
        {"grades": ","},
        {"students": "0"},
        {"students": "many"},
        {"time_zone": "Middle/Earth"},
        {"time_zone": "America"},
        {"time_zone": "../../etc"},
    ],
)
def test_options_that_make_no_sense_are_said(options: Mapping[str, str]) -> None:
    with pytest.raises(Misconfigured):
        BannerIlp(Settings("1", "https://ilp.example", options=options))


def test_a_connection_without_a_password_is_incomplete() -> None:
    for settings in (Settings("1", "https://ilp.example"), Settings("1", "", client_id="u", secret="p")):
        (finding,) = BannerIlp(settings).check()
        assert not finding.ok and "administrator" in finding.text


def test_what_ilp_does_not_show_is_empty_and_kinds_are_those_of_the_option(host: Server) -> None:
    of = adapter(host, grades="midterm-2, final")
    assert [one.title for one in of.line_items(CLASS)] == ["Final grade", "Midterm grade 2"]
    assert of.classes_of_teacher("T1001") == of.teachers(CLASS) == of.sessions(CLASS) == []
    assert of.score_scales(CLASS) == of.categories(CLASS) == []
    with pytest.raises(Rejected):
        of.create_line_item(None)  # type: ignore[arg-type]  # no kind can be made, whatever is asked for
