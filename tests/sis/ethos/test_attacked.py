"""What an Ethos tenant can do wrong, and what two people writing at once come to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from gradesync_site.sandbox.sis.ethos.seeds import FINAL, LETTER, MID1, guid
from sync.errors import Misconfigured, TryLater
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.ethos import Ethos
from tests.sandbox_servers import Server
from tests.sis.ethos.conftest import CLASS, NONE, adapter, key, pushed, registration, student

A, B, F = (sis.Value(text=letter) for letter in ("A", "B", "F"))
GRADES = "student-unverified-grades"
DAY = date(2026, 10, 14)


def stored(server: Server, type_id: str = FINAL) -> list[str]:
    """The letters that stand there, in no order."""
    texts = {row["id"]: row["grade"]["value"] for row in server.state["grade-definitions"].values()}
    return [
        texts[one["grade"]["id"]]
        for row in server.state[GRADES].values()
        for one in row["details"]["grades"]
        if one["type"]["id"] == type_id
    ]


def by_hand(server: Server, letter: str, type_id: str = FINAL) -> None:
    wish = {"grade": guid("grade", LETTER, letter)} if letter else {}
    server.control("result", registration=registration(), type=type_id, **wish)


# --- the key and its token ---


def test_a_wrong_key_is_for_the_sis_administrator(host: Server) -> None:
    of = Ethos(Settings("1", host.base_url, secret="not-the-key"))
    with pytest.raises(Misconfigured) as raised:
        of.students(CLASS)
    assert raised.value.code == "token_refused" and "not-the-key" not in str(raised.value)
    assert [one.ok for one in of.check()] == [False]
    of.close()


def test_an_ended_token_is_renewed_in_mid_run(host: Server) -> None:
    of = adapter(host)
    of.students(CLASS)
    host.faults.on("token-expired", count=1)
    assert pushed(of, key(FINAL), A).state == "accepted"
    assert [one["path"] for one in host.journal].count("/auth") == 2


def test_tokens_that_never_work_are_asked_for_once_more_and_no_further(start: Callable[..., Server]) -> None:
    host = start(token_seconds="0")
    with pytest.raises(Misconfigured) as raised:
        adapter(host).students(CLASS)
    assert raised.value.code == "token_refused"


def test_a_busy_or_broken_token_server_is_no_wrong_key(host: Server) -> None:
    host.faults.on("token-page")
    with pytest.raises(Misconfigured) as raised:
        adapter(host).students(CLASS)
    assert raised.value.code == "token_broken"


def test_a_key_that_may_not_read_a_resource_is_told_which(host: Server) -> None:
    host.faults.on("no-permission", path="section-registrations$")
    with pytest.raises(Misconfigured) as raised:
        adapter(host).students(CLASS)
    assert raised.value.code == "forbidden" and "section-registrations" in str(raised.value)


def test_a_key_that_may_not_submit_is_for_an_administrator(host: Server) -> None:
    host.faults.on("no-permission", method="POST")
    with pytest.raises(Misconfigured) as raised:
        pushed(adapter(host), key(FINAL), A)
    assert raised.value.code == "forbidden" and stored(host) == []


# --- what the SIS does not take ---


def test_a_grade_outside_of_the_students_own_list_is_refused_before_a_request(host: Server) -> None:
    of = adapter(host)
    outcome = pushed(of, key(FINAL), sis.Value(text="P"))
    assert (outcome.state, outcome.code) == ("rejected", "grade_not_in_scale")
    outcome = pushed(of, key(FINAL), sis.Value(Decimal("9.257")))
    assert (outcome.state, outcome.code) == ("rejected", "malformed")
    assert not [one for one in host.journal if one["method"] != "GET" and one["path"] != "/auth"]


def test_two_students_of_a_section_may_get_different_grades(start: Callable[..., Server]) -> None:
    host = start(plain=False)
    of = adapter(host, modes="Audit=hold")
    modes = {one.student_id: one for one in of.registrations(CLASS) if one.line_item_id.endswith(FINAL)}
    assert [modes[student(number)].mode for number in (0, 5, 6)] == [
        "Undergraduate letter",
        "Pass/No Pass",
        "audit",
    ]
    assert [one.text for one in modes[student(5)].allowed or ()] == ["P", "NP", "I"]
    assert [one.ours for one in modes[student(6)].allowed or ()] == [False]
    assert pushed(of, key(FINAL, 5), sis.Value(text="P")).state == "accepted"
    assert pushed(of, key(FINAL, 0), sis.Value(text="P")).code == "grade_not_in_scale"
    found = {one.student_id: one.value for one in of.results(CLASS)}
    assert found == {student(5): sis.Value(text="P")}


def test_a_grade_that_is_verified_already_is_frozen_beforehand_and_when_sent(host: Server) -> None:
    host.control("verify", registration=registration())
    of = adapter(host)
    refused = {one.refused for one in of.registrations(CLASS) if one.student_id == student()}
    assert refused == {"frozen"}
    outcome = pushed(of, key(FINAL), A)
    assert (outcome.state, outcome.code) == ("rejected", "frozen") and outcome.words
    assert stored(host) == []


def test_a_grade_rolled_between_reading_and_sending_is_frozen_and_the_rest_go_on(host: Server) -> None:
    of = adapter(host)
    of.registrations(CLASS)
    host.faults.on("rolled", student=student(1))
    changes = [sis.Change(key(FINAL, number), None, A, NONE) for number in range(3)]
    outcomes = {change.key: outcome for change, outcome in of.push(changes)}
    assert [outcomes[key(FINAL, number)].code for number in range(3)] == ["", "frozen", ""]
    assert stored(host) == ["A", "A"]


def test_a_closed_window_is_said_as_one(host: Server) -> None:
    host.state["closed"].append(FINAL)
    of = adapter(host)
    assert pushed(of, key(FINAL), A).code == "window_closed"
    assert pushed(of, key(MID1), A).state == "accepted"


def test_a_section_that_is_not_graded_takes_nothing(host: Server) -> None:
    host.state["ungraded"].append(CLASS)
    of = adapter(host)
    assert {one.refused for one in of.registrations(CLASS)} == {"not_gradable"}
    assert pushed(of, key(FINAL), A).code == "not_gradable"
    without = adapter(host, grade_options="no")
    assert pushed(without, key(FINAL), A).code == "not_gradable"


def test_a_student_who_left_is_not_enrolled(host: Server) -> None:
    row = host.state["section-registrations"][registration()]
    row["status"] = {"registrationStatus": "notRegistered", "sectionRegistrationStatusReason": "dropped"}
    of = adapter(host)
    assert student() not in {one.sourced_id for one in of.students(CLASS)}
    assert pushed(of, key(FINAL), A).code == "not_enrolled"


def test_a_student_listed_twice_is_not_chosen_for(host: Server) -> None:
    row = host.state["section-registrations"][registration()]
    twin = guid("registration", "twin")
    host.state["section-registrations"][twin] = row | {"id": twin}
    of = adapter(host)
    assert pushed(of, key(FINAL), A).code == "not_gradable"
    listed = [one for one in of.registrations(CLASS) if one.student_id == student()]
    assert len(listed) == 3 and {one.refused for one in listed} == {"not_gradable"}


def test_a_class_that_is_no_section_is_unknown(host: Server) -> None:
    of = adapter(host)
    assert of.get_class(guid("section", "nowhere")) is None
    change = key(FINAL)._replace(class_id="ALG1-P3", line_item_id=f"ALG1-P3#{FINAL}")
    assert pushed(of, change, A).code == "class_unknown"
    for call in (of.students, of.teachers, of.line_items, of.results, of.sessions, of.registrations):
        with pytest.raises(Misconfigured):
            call("ALG1-P3")


# --- what travels beside a grade ---


def test_a_failing_grade_goes_with_its_last_date_of_attendance(host: Server) -> None:
    of = adapter(host)
    assert pushed(of, key(FINAL), F).code == "extra_data_required"
    attended = sis.Value(text="F", extras=sis.Extras(last_attended=DAY))
    assert pushed(of, key(FINAL), attended).state == "accepted"
    never = sis.Value(text="F", extras=sis.Extras(never_attended=True))
    assert pushed(of, key(FINAL, 1), never).state == "accepted"
    found = {one.student_id: one.value for one in of.results(CLASS)}
    assert found == {student(0): attended, student(1): never}


def test_a_date_that_stands_beside_another_grade_is_no_difference(host: Server) -> None:
    of = adapter(host)
    attended = sis.Value(text="F", extras=sis.Extras(last_attended=DAY))
    pushed(of, key(FINAL), attended)
    assert pushed(of, key(FINAL), B, frozenset({attended})).state == "accepted"
    assert [one.value for one in of.results(CLASS)] == [B]
    seen = adapter(host, attendance="optional").results(CLASS)
    assert [one.value for one in seen] == [sis.Value(text="B", extras=sis.Extras(last_attended=DAY))]


def test_an_incomplete_goes_with_what_it_becomes_and_when(host: Server) -> None:
    of = adapter(host)
    extras = sis.Extras(lapses_to="D", extended_to=date(2027, 9, 1))
    assert pushed(of, key(FINAL), sis.Value(text="I")).code == "extra_data_required"
    value = sis.Value(text="I", extras=extras)
    assert pushed(of, key(FINAL), value).state == "accepted"
    assert [one.value for one in of.results(CLASS)] == [value]
    lists = {one.text: one for one in of.registrations(CLASS)[0].allowed or ()}
    assert (lists["I"].lapses, lists["A"].lapses, lists["F"].last_attendance) == (
        "required",
        "no",
        "required",
    )
    late = sis.Value(text="I", extras=sis.Extras(lapses_to="F", extended_to=date(2028, 9, 1)))
    outcome = pushed(of, key(FINAL, 1), late)
    assert (outcome.code, bool(outcome.words)) == ("extra_data_required", True)
    unknown = sis.Value(text="I", extras=sis.Extras(lapses_to="Z", extended_to=date(2027, 9, 1)))
    assert pushed(of, key(FINAL, 1), unknown).code == "grade_not_in_scale"


def test_what_an_incomplete_lapses_to_is_not_chosen_where_the_sis_forbids_it(host: Server) -> None:
    host.state["section-registrations"][registration()]["gradingOption"] = {
        "gradeScheme": {"id": guid("scheme", "Pass/No Pass")},
        "mode": "passFail",
    }
    of = adapter(host)
    until = date(2027, 9, 1)
    chosen = sis.Value(text="I", extras=sis.Extras(lapses_to="P", extended_to=until))
    assert pushed(of, key(FINAL), chosen).code == "grade_not_in_scale"
    default = sis.Value(text="I", extras=sis.Extras(lapses_to="NP", extended_to=until))
    assert pushed(of, key(FINAL), default).state == "accepted"


def test_only_the_final_grade_carries_extras(host: Server) -> None:
    of = adapter(host)
    assert pushed(of, key(MID1), F).state == "accepted"
    attended = sis.Value(text="F", extras=sis.Extras(last_attended=DAY))
    assert pushed(of, key(MID1, 1), attended).code == "malformed"
    lapsing = sis.Value(text="A", extras=sis.Extras(lapses_to="F", extended_to=DAY))
    assert pushed(of, key(FINAL, 1), lapsing).code == "malformed"
    assert stored(host, MID1) == ["F"] and stored(host) == []


def test_which_kind_of_grade_is_final_can_be_said_or_is_asked_for(host: Server) -> None:
    host.state["section-grade-types"][FINAL] |= {"code": "E", "title": "End of term"}
    finding = next(one for one in adapter(host).check() if one.title == "Kinds of grade")
    assert not finding.ok and "final_type" in finding.text
    attended = sis.Value(text="F", extras=sis.Extras(last_attended=DAY))
    assert pushed(adapter(host), key(FINAL), attended).code == "malformed"
    assert pushed(adapter(host, final_type="end of term"), key(FINAL), attended).state == "accepted"


# --- who submits ---


def test_the_submitter_is_nobody_the_primary_instructor_or_a_person(host: Server) -> None:
    teacher = guid("person", "T1001")
    assert pushed(adapter(host), key(FINAL, 0), A).state == "accepted"
    assert pushed(adapter(host, submitted_by="primary"), key(FINAL, 1), A).state == "accepted"
    assert pushed(adapter(host, submitted_by=teacher.upper()), key(FINAL, 2), A).state == "accepted"
    sent = [one["body"].get("submittedBy") for one in host.writes()]
    assert sent == [None, {"id": teacher}, {"id": teacher}]


def test_the_teacher_who_sends_is_found_by_her_sis_id(host: Server) -> None:
    of = adapter(host, submitted_by="sender")
    assert pushed(of, key(FINAL), A).code == "not_your_class"
    of.sender = "T1001"
    changes = [sis.Change(key(FINAL, number), None, A, NONE) for number in range(3)]
    assert {outcome.state for _, outcome in of.push(changes)} == {"accepted"}
    teacher = {"id": guid("person", "T1001")}
    assert [one["body"].get("submittedBy") for one in host.writes()] == [teacher] * 3
    assert sum("T1001" in one["query"] for one in host.journal) == 1


def test_a_submitter_who_does_not_teach_the_section_is_said_so(host: Server) -> None:
    outcome = pushed(adapter(host, submitted_by=student()), key(FINAL), A)
    assert (outcome.state, outcome.code) == ("rejected", "not_your_class")
    for row in host.state["section-instructors"].values():
        row.pop("instructorRole", None)
    outcome = pushed(adapter(host, submitted_by="primary"), key(FINAL), A)
    assert (outcome.state, outcome.code) == ("rejected", "not_your_class")


# --- two writers ---


def test_a_grade_edited_in_the_sis_is_not_overwritten(host: Server) -> None:
    of = adapter(host)
    pushed(of, key(FINAL), A)
    by_hand(host, "C")
    outcome = pushed(of, key(FINAL), B, frozenset({A}))
    assert (outcome.state, outcome.code, outcome.found) == (
        "rejected",
        "conflict_newer",
        sis.Value(text="C"),
    )
    assert stored(host) == ["C"]


def test_a_grade_edited_to_what_we_send_is_accepted_without_another_write(host: Server) -> None:
    of = adapter(host)
    pushed(of, key(FINAL), A)
    by_hand(host, "B")
    writes = len(host.writes())
    assert pushed(of, key(FINAL), B, frozenset({A})).state == "accepted"
    assert len(host.writes()) == writes


def test_a_grade_taken_away_meanwhile_is_not_put_back_unasked(host: Server) -> None:
    of = adapter(host)
    pushed(of, key(FINAL), A)
    by_hand(host, "")
    outcome = pushed(of, key(FINAL), B, frozenset({A}))
    assert (outcome.state, outcome.code) == ("rejected", "conflict_newer")
    host.state[GRADES].clear()
    outcome = pushed(of, key(FINAL), B, frozenset({A}))
    assert (outcome.state, outcome.code) == ("rejected", "conflict_newer")


def test_a_midterm_and_a_final_sent_together_share_one_record(host: Server) -> None:
    of = adapter(host)
    changes = [sis.Change(key(type_id), None, A, NONE) for type_id in (FINAL, MID1)]
    ids = {outcome.result_id for _, outcome in of.push(changes)}
    assert ids == set(host.state[GRADES]) and len(ids) == 1
    assert (stored(host), stored(host, MID1)) == (["A"], ["A"])


def test_a_record_that_lists_do_not_show_yet_is_not_doubled(host: Server) -> None:
    of = adapter(host)
    of.registrations(CLASS)
    host.faults.on("show-late", path=GRADES)
    assert pushed(of, key(MID1), A).state == "accepted"
    made = pushed(of, key(FINAL), A)
    assert made.result_id in host.state[GRADES] and len(host.state[GRADES]) == 1
    later = adapter(host)
    change = sis.Change(key(FINAL), A, B, frozenset({A, None}), result_id=made.result_id)
    assert [outcome.state for _, outcome in later.push([change])] == ["accepted"]
    assert len(host.state[GRADES]) == 1 and stored(host) == ["B"]


def test_a_record_that_is_really_gone_is_made_anew_where_nothing_was_expected(host: Server) -> None:
    gone = guid("unverified", "gone")
    change = sis.Change(key(FINAL), None, A, NONE, result_id=gone)
    (outcome,) = [outcome for _, outcome in adapter(host).push([change])]
    assert outcome.state == "accepted" and outcome.result_id in host.state[GRADES]


def test_a_record_taken_away_between_look_up_and_writing_is_not_made_anew(host: Server) -> None:
    of = adapter(host)
    pushed(of, key(FINAL), A)
    host.faults.on("vanish", method="PUT")
    outcome = pushed(of, key(FINAL), B, frozenset({A}))
    assert (outcome.state, outcome.code) == ("rejected", "conflict_newer")
    assert host.state[GRADES] == {}


def test_a_kind_of_grade_that_was_removed_is_missing_and_a_renamed_one_is_the_same(host: Server) -> None:
    of = adapter(host)
    assert pushed(of, key(FINAL), A).state == "accepted"
    host.state["section-grade-types"][FINAL]["title"] = "Final mark"
    renamed = adapter(host)
    assert renamed.line_items(CLASS)[0].title == "Final mark" and renamed.results(CLASS)[0].value == A
    del host.state["section-grade-types"][FINAL]
    outcome = pushed(adapter(host), key(FINAL), B, frozenset({A}))
    assert (outcome.state, outcome.code) == ("rejected", "line_item_missing")


def test_a_site_that_takes_no_new_records_is_for_an_administrator(host: Server) -> None:
    host.faults.on("not-served", method="POST")
    with pytest.raises(Misconfigured) as raised:
        pushed(adapter(host), key(FINAL), A)
    assert raised.value.code == "not_writable"


def test_a_failed_look_up_is_never_taken_for_no_record(host: Server) -> None:
    of = adapter(host)
    pushed(of, key(FINAL), A)
    host.faults.on("busy-503", retry_after=7, path=GRADES)
    with pytest.raises(TryLater) as raised:
        pushed(of, key(FINAL), B, frozenset({A}))
    assert raised.value.after == 7 and stored(host) == ["A"]


def test_several_records_of_one_registration_are_not_chosen_among(host: Server) -> None:
    of = adapter(host)
    pushed(of, key(FINAL), A)
    (row,) = host.state[GRADES].values()
    twin = guid("unverified", "twin")
    host.state[GRADES][twin] = row | {"id": twin}
    outcome = pushed(of, key(FINAL), B, frozenset({A}))
    assert (outcome.state, outcome.code) == ("rejected", "malformed")
    assert len(of.results(CLASS)) == 2


# --- answers that go wrong ---


@pytest.mark.parametrize("fault", ["busy-429", "busy-503"])
def test_a_busy_tenant_says_when(host: Server, fault: str) -> None:
    of = adapter(host)
    of.registrations(CLASS)
    host.faults.on(fault, retry_after=9)
    with pytest.raises(TryLater) as raised:
        pushed(of, key(FINAL), A)
    assert raised.value.after == 9


@pytest.mark.parametrize("fault", ["error-500-after-store", "lose-answer", "html-page"])
def test_a_submission_without_a_usable_answer_is_unknown(host: Server, fault: str) -> None:
    of = adapter(host)
    host.faults.on(fault, method="POST", path=GRADES)
    assert pushed(of, key(FINAL), A).state == "unknown"
    host.faults.off()
    assert [one.value for one in of.results(CLASS)] == [A]


def test_a_success_that_stored_nothing_shows_in_the_next_read(host: Server) -> None:
    of = adapter(host)
    host.faults.on("store-nothing")
    assert pushed(of, key(FINAL), A).state == "accepted"
    assert of.results(CLASS) == []


def test_the_sis_s_own_words_come_out_of_the_layers_around_them(host: Server) -> None:
    host.state["closed"].append(FINAL)
    host.faults.on("nested-errors")
    outcome = pushed(adapter(host), key(FINAL), A)
    assert (outcome.code, outcome.words) == ("window_closed", "Grading is not open for this period.")


def test_an_error_page_rejects_the_record_only(host: Server) -> None:
    host.state["closed"].append(FINAL)
    host.faults.on("html-error")
    outcome = pushed(adapter(host), key(FINAL), A)
    assert (outcome.state, outcome.code, outcome.words) == ("rejected", "malformed", "")


def test_a_page_in_place_of_a_list_is_no_empty_class(host: Server) -> None:
    host.faults.on("html-page")
    for call in (adapter(host).students, adapter(host).results):
        with pytest.raises(TryLater):
            call(CLASS)


# --- lists, versions, and what a site does not serve ---


def test_a_site_s_own_page_size_cuts_no_list_short(host: Server) -> None:
    host.faults.on("small-pages", most=2)
    assert len(adapter(host).students(CLASS)) == 12
    host.faults.off()
    host.faults.on("no-total")
    assert len(adapter(host, page_limit="5").students(CLASS)) == 12


@pytest.mark.parametrize("fault", ["page-repeats", "page-short"])
def test_a_list_that_does_not_hold_together_is_read_again_later(host: Server, fault: str) -> None:
    host.faults.on(fault)
    with pytest.raises(TryLater):
        adapter(host, page_limit="5").students(CLASS)


def test_rows_of_other_sections_are_left_out_where_a_filter_is_ignored(host: Server) -> None:
    of = adapter(host)
    pushed(of, key(FINAL), A)
    pushed(of, key(FINAL, 1), B)
    host.faults.on("ignore-filter")
    assert len(of.students(CLASS)) == 12
    assert len(of.results(CLASS)) == 2
    assert pushed(of, key(FINAL), B, frozenset({A})).state == "accepted"


@pytest.mark.parametrize("fault", ["not-served", "no-permission"])
def test_the_lists_of_each_student_are_missed_only_where_they_are_not_served(
    host: Server, fault: str
) -> None:
    host.faults.on(fault, path="grade-options")
    of = adapter(host, needs_attendance="F", needs_lapse="I")
    finding = next(one for one in of.check() if one.title == "What each student may get")
    assert finding.ok is (fault == "not-served")
    if fault == "no-permission":
        with pytest.raises(Misconfigured):
            of.registrations(CLASS)
        return
    lists = {one.text: one for one in of.registrations(CLASS)[0].allowed or ()}
    assert (lists["F"].last_attendance, lists["I"].lapses, lists["W"].ours) == ("required", "required", False)
    assert pushed(of, key(FINAL), A).state == "accepted"


def test_a_student_of_no_known_scheme_takes_nothing(host: Server) -> None:
    host.state["section-registrations"][registration()]["gradingOption"] = {}
    of = adapter(host, grade_options="no")
    (one,) = [
        one for one in of.registrations(CLASS) if one.student_id == student() and FINAL in one.line_item_id
    ]
    assert (one.refused, one.allowed) == ("not_gradable", ())


def test_a_resource_or_version_that_is_not_served_is_named(host: Server) -> None:
    host.faults.on("not-served", path="grade-definitions")
    with pytest.raises(Misconfigured) as raised:
        adapter(host).results(CLASS)
    assert raised.value.code == "resource_missing" and "grade-definitions" in str(raised.value)
    host.faults.off()
    with pytest.raises(Misconfigured) as raised:
        adapter(host, versions="sections=11").get_class(CLASS)
    assert raised.value.code == "resource_missing"
    host.faults.on("other-version")
    with pytest.raises(Misconfigured) as raised:
        adapter(host).get_class(CLASS)
    assert raised.value.code == "version_other"


def test_a_version_of_submissions_that_is_not_taken_is_for_an_administrator(host: Server) -> None:
    of = adapter(host, versions="student-unverified-grades-submissions=2")
    with pytest.raises(Misconfigured) as raised:
        pushed(of, key(FINAL), A)
    assert raised.value.code == "not_writable"
