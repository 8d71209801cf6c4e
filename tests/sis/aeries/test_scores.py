"""Scores: two writers, arrays that one student sinks, answers that show something else, and what cannot be said there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sync.errors import Misconfigured, TryLater
from sync.sis import records as sis
from tests.sandbox_servers import Server
from tests.sis.aeries.conftest import adapter
from tests.sis.aeries.scene import (
    NINE,
    NONE,
    SEVEN,
    book_of,
    class_of,
    edit,
    key_of,
    keys_of,
    push_all,
    pushed,
    score_posts,
    stored,
)

# --- two writers ---


def test_a_grade_edited_since_it_was_read_is_not_written_over(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    made = pushed(of, key).result_id
    edit(host, key, "3", 3)
    outcome = pushed(of, key, NINE, frozenset({SEVEN}), made)
    assert (outcome.state, outcome.code, outcome.found) == (
        "rejected",
        "conflict_newer",
        sis.Value(Decimal(3)),
    )
    assert stored(host) == [3]


def test_a_grade_edited_to_what_we_send_is_accepted_without_another_write(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    edit(host, key, "9", 9)
    assert pushed(of, key, NINE).state == "accepted"
    assert score_posts(host) == []


def test_an_edited_grade_and_a_refused_array_are_each_answered_once(host: Server) -> None:
    of = adapter(host)
    keys = keys_of(host, 4)
    edit(host, keys[0], "3", 3)
    host.faults.on("odd-student", student=keys[1].student_id)
    changes = [sis.Change(key, None, SEVEN, NONE) for key in keys]
    answers = [(one.key, outcome.code) for one, outcome in of.push(changes)]
    assert sorted(answers) == sorted(zip(keys, ("conflict_newer", "malformed", "", ""), strict=True))
    assert sorted(stored(host)) == [3, 7, 7]


def test_a_score_that_vanished_since_it_was_read_is_not_made_anew_unasked(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    made = pushed(of, key).result_id
    host.state["scores"].clear()
    assert pushed(of, key, NINE, frozenset({SEVEN}), made).code == "conflict_newer"
    assert pushed(of, key, NINE, frozenset({None, SEVEN}), made).state == "accepted"


def test_the_same_score_again_is_the_same_row(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    made = pushed(of, key).result_id
    assert pushed(of, key, NINE, frozenset({SEVEN}), made).result_id == made
    assert [(one.sourced_id, one.value) for one in of.results(key.class_id)] == [(made, NINE)]


# --- what a mark says ---


@pytest.mark.parametrize(
    ("mark", "score", "value"),
    [
        ("18.0000", 18, sis.Value(Decimal(18))),
        ("95%", 19, sis.Value(Decimal(19))),
        ("0", 0, sis.Value(Decimal(0))),
        ("NA", 0, sis.Value(status=sis.ScoreStatus.EXEMPT)),
        ("TX", 0, sis.Value(text="TX")),
        ("AD", 19, sis.Value(text="AD")),
    ],
)
def test_a_mark_is_read_for_what_it_is_and_never_written_over_unasked(
    host: Server, mark: str, score: int, value: sis.Value
) -> None:
    of = adapter(host)
    key = key_of(host)
    edit(host, key, mark, score)
    assert [one.value for one in of.results(key.class_id)] == [value]
    assert (pushed(of, key).code, pushed(of, key).found) == ("conflict_newer", value)


def test_an_empty_mark_is_no_zero_though_the_number_beside_it_is_one(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    edit(host, key, "", 0)
    assert [one.value for one in of.results(key.class_id)] == [None]
    assert pushed(of, key).state == "accepted"
    assert stored(host) == [7]


def test_a_zero_is_sent_and_stays_a_zero(host: Server) -> None:
    of = adapter(host)
    key, zero = key_of(host), sis.Value(Decimal(0))
    assert pushed(of, key, zero).state == "accepted"
    assert [one.value for one in of.results(key.class_id)] == [zero]


def test_a_day_of_completion_is_said_only_where_the_connection_says_so(host: Server) -> None:
    key = key_of(host)
    change = sis.Change(key, None, SEVEN, NONE, score_date=date(2026, 2, 17))
    of = adapter(host, date_completed="yes")
    for one, value in ((adapter(host), SEVEN), (of, NINE)):
        list(one.push([replace(change, after=value, expected=frozenset({None, SEVEN}))]))
    plain, dated = (post["body"][0] for post in score_posts(host))
    assert plain == {"StudentID": int(key.student_id), "NumberCorrect": 7}
    assert dated == plain | {"NumberCorrect": 9, "DateCompleted": "2026-02-17"}
    assert [one.score_date for one in of.results(key.class_id)] == [date(2026, 2, 17)]


def test_a_score_rounded_by_aeries_is_accepted_and_reads_as_its_rounding(host: Server) -> None:
    of = adapter(host)
    key, sent = key_of(host), sis.Value(Decimal("9.257"))
    host.faults.on("round-2")
    assert pushed(of, key, sent).state == "accepted"
    (found,) = of.results(key.class_id)
    assert found.value == sis.Value(Decimal("9.26")) and sis.is_rounding_of(sent, found.value)


@pytest.mark.parametrize(
    "value",
    [
        sis.Value(text="B+"),
        sis.Value(status=sis.ScoreStatus.EXEMPT),
        sis.Value(Decimal(7), flags=frozenset({"late"})),
        sis.Value(Decimal(7), extras=sis.Extras(never_attended=True)),
        None,
    ],
)
def test_what_aeries_takes_from_no_tool_is_refused_before_a_request(
    host: Server, value: sis.Value | None
) -> None:
    of = adapter(host)
    outcome = pushed(of, key_of(host), value)
    assert (outcome.state, outcome.code) == ("rejected", "malformed") and outcome.words
    assert score_posts(host) == []


@pytest.mark.parametrize(
    "field", [{"InputScoresByStandard": True}, {"RubricAssignment": True}, {"NarrativeGradeSetID": 1640411}]
)
def test_an_assignment_that_is_not_scored_in_numbers_takes_none_from_here(
    host: Server, field: dict[str, Any]
) -> None:
    key = key_of(host)
    host.state["assignments"][key.line_item_id].update(field)
    outcome = pushed(adapter(host), key)
    assert (outcome.state, outcome.code) == ("rejected", "not_gradable") and outcome.words
    assert score_posts(host) == []


def test_a_score_above_the_maximum_goes_or_is_refused_as_the_district_has_it(host: Server) -> None:
    of = adapter(host)
    keys = keys_of(host, 3)
    maximum = host.state["assignments"][keys[0].line_item_id]["NumberCorrectPossible"]
    above = sis.Value(Decimal(maximum) + 1)
    assert pushed(of, keys[0], above).state == "accepted"
    host.faults.on("no-over-max")
    changes = [sis.Change(keys[1], None, above, NONE), sis.Change(keys[2], None, SEVEN, NONE)]
    codes = {one.key: (outcome.state, outcome.code) for one, outcome in of.push(changes)}
    assert codes == {keys[1]: ("rejected", "over_max"), keys[2]: ("accepted", "")}
    assert not adapter(host, over_max="no").profile.over_max


# --- arrays ---


def test_a_student_whose_score_is_refused_does_not_sink_the_class(host: Server) -> None:
    """Aeries names nobody: so each goes alone."""
    of = adapter(host)
    keys = keys_of(host, 3)
    host.faults.on("odd-student", student=keys[1].student_id)
    answers = push_all(of, keys)
    assert [answers[one].code for one in keys] == ["", "malformed", ""]
    assert answers[keys[1]].words == "The score could not be saved."
    assert [one["status"] for one in score_posts(host)] == [400, 200, 400, 200]


def test_a_student_who_is_not_in_the_gradebook_is_never_sent_for(host: Server) -> None:
    """Aeries would leave her out without a word."""
    keys = keys_of(host, 2)
    book_of(host)["inactive"].append(keys[0].student_id)
    answers = push_all(adapter(host), keys)
    assert [answers[one].code for one in keys] == ["not_enrolled", ""]
    assert stored(host) == [7]


@pytest.mark.parametrize("fault", ["omit-student", "store-nothing", "empty-answer"])
def test_what_the_answer_does_not_show_is_unknown_and_not_counted_as_sent(host: Server, fault: str) -> None:
    of = adapter(host)
    keys = keys_of(host, 2)
    host.faults.on(fault, method="POST", student=keys[0].student_id)
    answers = push_all(of, keys)
    assert answers[keys[0]].state == "unknown"
    assert answers[keys[1]].state == ("accepted" if fault == "omit-student" else "unknown")


def test_an_answer_that_shows_the_former_score_is_no_proof_of_the_new_one(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    pushed(of, key)
    host.faults.on("store-nothing")
    assert pushed(of, key, NINE, frozenset({SEVEN})).state == "unknown"


def test_a_batch_never_carries_more_than_the_option_allows(host: Server) -> None:
    of = adapter(host, batch="2", parallel="1")
    push_all(of, keys_of(host, 5))
    assert [len(one["body"]) for one in score_posts(host)] == [2, 2, 1]


@pytest.mark.parametrize("students", [1, 3])
def test_a_locked_gradebook_is_frozen_for_all_in_one_request(host: Server, students: int) -> None:
    of = adapter(host)
    keys = keys_of(host, students)
    host.state["locked"].append(book_of(host)["GradebookNumber"])
    answers = push_all(of, keys)
    assert {one.code for one in answers.values()} == {"frozen"}
    assert len(score_posts(host)) == 1 and stored(host) == []


def test_a_gradebook_out_of_its_dates_is_a_closed_window(host: Server) -> None:
    of = adapter(host)
    host.faults.on("out-of-dates")
    assert {one.code for one in push_all(of, keys_of(host, 2)).values()} == {"window_closed"}


@pytest.mark.parametrize("read_before", [True, False])
def test_a_deleted_assignment_is_missing_and_nothing_is_made_anew(host: Server, read_before: bool) -> None:
    of = adapter(host)
    keys = keys_of(host, 2)
    if read_before:
        of.line_items(class_of(host))
    host.state["assignments"].clear()
    assert {one.code for one in push_all(of, keys).values()} == {"line_item_missing"}
    assert score_posts(host) == [] and host.state["assignments"] == {}


@pytest.mark.parametrize("students", [1, 2])
def test_an_assignment_deleted_under_the_write_is_missing(host: Server, students: int) -> None:
    of = adapter(host)
    keys = keys_of(host, students)
    host.running.app.view_functions["aeries.POST/gradebooks/assignments/<unique>/Scores"] = _gone
    assert {one.code for one in push_all(of, keys).values()} == {"line_item_missing"}


def _gone(unique: str) -> tuple[str, int]:
    return "{}", 404


def test_a_renumbered_and_renamed_assignment_still_takes_its_scores(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    host.state["assignments"][key.line_item_id] |= {"AssignmentNumber": 99, "Description": "Another name"}
    assert pushed(of, key).state == "accepted"


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("class_id", "994-1777", "class_unknown"),
        ("class_id", "ALG1-P3", "class_unknown"),
        ("line_item_id", "../../x", "line_item_missing"),
        ("line_item_id", "0" * 36, "line_item_missing"),
        ("student_id", "nobody", "not_enrolled"),
    ],
)
def test_ids_of_another_form_are_refused_before_a_request(
    host: Server, field: str, text: str, code: str
) -> None:
    of = adapter(host)
    key = key_of(host)._replace(**{field: text})
    assert pushed(of, key).code == code
    assert score_posts(host) == []


# --- the certificate, the server ---


def test_a_certificate_withdrawn_in_mid_run_is_for_an_administrator(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    host.faults.on("certificate-refused", method="POST")
    with pytest.raises(Misconfigured) as raised:
        pushed(of, key)
    assert raised.value.code == "token_refused" and stored(host) == []


def test_a_certificate_without_update_is_for_an_administrator(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    host.faults.on("not-granted", method="POST")
    with pytest.raises(Misconfigured) as raised:
        pushed(of, key)
    assert raised.value.code == "forbidden" and "update" in str(raised.value)


@pytest.mark.parametrize("fault", ["busy-429", "busy-503"])
def test_a_busy_server_says_when(host: Server, fault: str) -> None:
    of = adapter(host)
    key = key_of(host)
    host.faults.on(fault, method="POST", retry_after=9)
    with pytest.raises(TryLater) as raised:
        pushed(of, key)
    assert raised.value.after == 9 and stored(host) == []


@pytest.mark.parametrize("fault", ["error-500-after-store", "lose-answer", "html-answer"])
def test_a_write_without_a_readable_answer_is_unknown(host: Server, fault: str) -> None:
    of = adapter(host)
    key = key_of(host)
    host.faults.on(fault, method="POST")
    assert pushed(of, key).state == "unknown"
    assert stored(host) == [7]


def test_an_error_page_says_nothing_of_it(host: Server) -> None:
    of = adapter(host)
    keys = keys_of(host, 2)
    host.faults.on("out-of-dates")
    host.faults.on("html-error", method="POST")
    assert {(one.code, one.words) for one in push_all(of, keys).values()} == {("malformed", "")}


def test_scores_may_be_sent_by_a_worker_that_has_not_read_the_class(host: Server) -> None:
    key = key_of(host)
    assert pushed(adapter(host), key).state == "accepted"
    other = sis.Change(key, SEVEN, NINE, frozenset({SEVEN}))
    assert [outcome.state for _, outcome in adapter(host).push([other])] == ["accepted"]
    assert class_of(host) == key.class_id
