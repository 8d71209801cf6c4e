"""Scores: two writers, batches that one student sinks, answers that say too little, and what cannot be said there."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from sync.errors import Misconfigured, TryLater
from sync.sis import records as sis
from tests.sandbox_servers import Server
from tests.sis.powerschool.conftest import adapter
from tests.sis.powerschool.scene import (
    NINE,
    NONE,
    SEVEN,
    class_of,
    edit,
    key_of,
    keys_of,
    part_of,
    push_all,
    pushed,
    stored,
)

EXCUSED = sis.Value(status=sis.ScoreStatus.EXEMPT)


def score_writes(server: Server) -> list[dict[str, object]]:
    return [one for one in server.journal if (one["method"], one["path"]) == ("PUT", "/ws/xte/score")]


# --- two writers ---


def test_a_grade_edited_since_it_was_read_is_not_written_over(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    pushed(of, key)
    (known,) = of.results(key.class_id)
    edit(host, key, scorepoints=3, actualscoreentered="3")
    outcome = pushed(of, key, NINE, frozenset({SEVEN}), known.sourced_id)
    assert (outcome.state, outcome.code, outcome.found) == (
        "rejected",
        "conflict_newer",
        sis.Value(Decimal(3)),
    )
    assert stored(host) == [3]


def test_a_grade_edited_to_what_we_send_is_accepted_without_another_write(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    edit(host, key, scorepoints=9, actualscoreentered="9")
    assert pushed(of, key, NINE).state == "accepted"
    assert score_writes(host) == []


def test_one_edited_grade_of_a_batch_is_kept_and_the_others_go(host: Server) -> None:
    of = adapter(host)
    keys = keys_of(host, 3)
    edit(host, keys[1], scorepoints=3)
    answers = push_all(of, keys)
    assert [answers[one].code for one in keys] == ["", "conflict_newer", ""]
    assert sorted(stored(host), key=str) == [3, 7, 7]


def test_an_edited_grade_and_a_refused_batch_are_each_answered_once(host: Server) -> None:
    of = adapter(host)
    keys = keys_of(host, 4)
    edit(host, keys[0], scorepoints=3)
    host.faults.on("not-associated", student=keys[1].student_id)
    changes = [sis.Change(key, None, SEVEN, NONE) for key in keys]
    answers = [(one.key, outcome.code) for one, outcome in of.push(changes)]
    assert sorted(answers) == sorted(zip(keys, ("conflict_newer", "not_enrolled", "", ""), strict=True))


def test_a_score_deleted_since_it_was_read_is_not_made_anew_unasked(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    pushed(of, key)
    (known,) = of.results(key.class_id)
    host.state["scores"].clear()
    outcome = pushed(of, key, NINE, frozenset({SEVEN}), known.sourced_id)
    assert (outcome.state, outcome.code) == ("rejected", "conflict_newer")
    assert pushed(of, key, NINE, frozenset({None, SEVEN}), known.sourced_id).state == "accepted"
    assert stored(host) == [9]


def test_without_read_back_the_last_one_to_write_wins_as_the_option_says(host: Server) -> None:
    of = adapter(host, read_back="no")
    key = key_of(host)
    edit(host, key, scorepoints=3)
    assert pushed(of, key).state == "accepted"
    assert stored(host) == [7] and of.results(key.class_id) == []
    assert not [one for one in host.journal if "assignmentscore" in str(one["path"])]


def test_the_same_score_again_is_the_same_row_though_no_answer_named_it(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    assert pushed(of, key).result_id == ""
    (first,) = of.results(key.class_id)
    pushed(of, key, NINE, frozenset({SEVEN}), first.sourced_id)
    assert [one.sourced_id for one in of.results(key.class_id)] == [first.sourced_id]


def test_what_we_do_not_carry_survives_our_write(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    edit(host, key, iscollected=True)
    pushed(of, key)
    (row,) = host.state["scores"].values()
    assert row["iscollected"] is True and row["scorepoints"] == 7


# --- what a score says ---


@pytest.mark.parametrize(
    "value",
    [
        sis.Value(Decimal(0)),
        sis.Value(Decimal("9.5"), flags=frozenset({"late"})),
        sis.Value(status=sis.ScoreStatus.NOT_SUBMITTED, flags=frozenset({"missing"})),
        sis.Value(Decimal(3), flags=frozenset({"incomplete", "late"})),
        EXCUSED,
    ],
)
def test_a_value_with_its_marks_is_read_as_it_was_sent(host: Server, value: sis.Value) -> None:
    of = adapter(host)
    key = key_of(host)
    assert pushed(of, key, value).state == "accepted"
    assert [one.value for one in of.results(key.class_id)] == [value]


def test_a_mark_that_is_gone_does_not_stay(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    late = sis.Value(Decimal(7), flags=frozenset({"late"}))
    pushed(of, key, late)
    pushed(of, key, SEVEN, frozenset({late}))
    assert [one.value for one in of.results(key.class_id)] == [SEVEN]


def test_a_score_above_the_maximum_is_extra_credit(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    maximum = of.line_items(key.class_id)[0].maximum
    assert maximum is not None and of.profile.over_max
    above = sis.Value(maximum + 1)
    assert pushed(of, key, above).state == "accepted"
    assert [one.value for one in of.results(key.class_id)] == [above]


def test_a_score_rounded_by_powerschool_reads_as_its_rounding(host: Server) -> None:
    of = adapter(host, decimals="4")
    key, sent = key_of(host), sis.Value(Decimal("9.257"))
    host.faults.on("round-2")
    pushed(of, key, sent)
    (found,) = of.results(key.class_id)
    assert found.value == sis.Value(Decimal("9.26")) and sis.is_rounding_of(sent, found.value)


@pytest.mark.parametrize(
    "value",
    [
        sis.Value(text="B+"),
        sis.Value(Decimal(7), flags=frozenset({"inProgress"})),
        sis.Value(Decimal(7), extras=sis.Extras(lapses_to="F")),
        None,
    ],
)
def test_what_powerschool_cannot_hold_is_refused_before_a_request(
    host: Server, value: sis.Value | None
) -> None:
    of = adapter(host)
    outcome = pushed(of, key_of(host), value)
    assert (outcome.state, outcome.code) == ("rejected", "malformed") and outcome.words
    assert score_writes(host) == []


@pytest.mark.parametrize("field", [{"scoretype": "GRADESCALE"}, {"weight": 2}])
def test_an_assignment_that_is_not_plain_points_takes_no_scores_from_here(
    host: Server, field: dict[str, object]
) -> None:
    key = key_of(host)
    part_of(host, key.line_item_id).update(field)
    outcome = pushed(adapter(host), key)
    assert (outcome.state, outcome.code) == ("rejected", "not_gradable") and outcome.words
    assert score_writes(host) == []


def test_a_letter_that_a_teacher_entered_is_seen_and_kept(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    edit(host, key, actualscoreentered="B+", scorepoints=None)
    outcome = pushed(of, key)
    assert (outcome.code, outcome.found) == ("conflict_newer", sis.Value(text="B+"))


# --- batches ---


def test_a_student_without_association_does_not_sink_the_class(host: Server) -> None:
    of = adapter(host)
    keys = keys_of(host, 4)
    host.faults.on("not-associated", student=keys[2].student_id)
    answers = push_all(of, keys)
    assert [answers[one].code for one in keys] == ["", "", "not_enrolled", ""]
    assert stored(host) == [7, 7, 7]
    assert [one["status"] for one in score_writes(host)] == [409, 200]


def test_a_student_whose_score_is_refused_is_told_with_powerschools_words(host: Server) -> None:
    of = adapter(host)
    keys = keys_of(host, 3)
    host.faults.on("odd-student", student=keys[0].student_id)
    answers = push_all(of, keys)
    assert (answers[keys[0]].code, answers[keys[0]].words) == ("malformed", "Value is not valid.")
    assert stored(host) == [7, 7]


def test_a_student_that_the_answer_leaves_out_is_unknown_and_not_counted_as_sent(host: Server) -> None:
    of = adapter(host)
    keys = keys_of(host, 3)
    host.faults.on("omit-student", student=keys[1].student_id)
    answers = push_all(of, keys)
    assert [answers[one].state for one in keys] == ["accepted", "unknown", "accepted"]


def test_an_error_within_a_200_is_no_success(host: Server) -> None:
    of = adapter(host)
    host.faults.on("error-within-200")
    assert pushed(of, key_of(host)).code == "malformed"


def test_resubmit_is_done_once_and_then_later(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    host.faults.on("resubmit-412", count=1)
    assert pushed(of, key).state == "accepted"
    assert [one["status"] for one in score_writes(host)] == [412, 200]
    host.faults.on("resubmit-412")
    with pytest.raises(TryLater):
        pushed(of, key, NINE, frozenset({SEVEN}))
    assert stored(host) == [7]


def test_a_locked_term_is_frozen_for_all_in_one_request(host: Server) -> None:
    of = adapter(host)
    keys = keys_of(host, 3)
    host.state["locked"].append(3501)
    answers = push_all(of, keys)
    assert {one.code for one in answers.values()} == {"frozen"}
    assert len(score_writes(host)) == 1 and stored(host) == []


def test_a_deleted_assignment_is_missing_and_nothing_is_made_anew(host: Server) -> None:
    """PowerSchool answers 500 for it, after which other writes would be unknown."""
    of = adapter(host)
    keys = keys_of(host, 2)
    of.line_items(class_of(host))
    host.state["assignments"].clear()
    answers = push_all(of, keys)
    assert {(one.state, one.code) for one in answers.values()} == {("rejected", "line_item_missing")}
    assert [one["status"] for one in score_writes(host)] == [500]
    assert host.state["assignments"] == {}


def test_a_class_that_is_no_section_takes_no_scores(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)._replace(class_id="4777")
    assert pushed(of, key).code == "class_unknown"


def test_a_renamed_assignment_still_takes_scores(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    part_of(host, key.line_item_id)["name"] = "Another name"
    assert pushed(of, key).state == "accepted"


def test_a_batch_never_carries_more_than_the_option_allows(host: Server) -> None:
    of = adapter(host, batch="2", parallel="1")
    push_all(of, keys_of(host, 5))
    sizes = [len(one["body"]["assignment_scores"]) for one in score_writes(host)]  # type: ignore[index]  # JSON
    assert sizes == [2, 2, 1]


# --- the key, the server ---


def test_a_teacher_who_left_the_class_is_not_its_teacher(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    host.state["sectionteacher"].clear()
    assert pushed(of, key).code == "not_your_class"


@pytest.mark.parametrize(
    ("fault", "code"), [("field-not-granted", "field_not_granted"), ("wrong-scope", "forbidden")]
)
def test_a_plugin_without_the_right_is_for_an_administrator(host: Server, fault: str, code: str) -> None:
    of = adapter(host)
    key = key_of(host)
    host.faults.on(fault, method="PUT")
    with pytest.raises(Misconfigured) as raised:
        pushed(of, key)
    assert raised.value.code == code
    assert fault == "wrong-scope" or "assignment.createdbyplugin" in str(raised.value)


@pytest.mark.parametrize("fault", ["busy-429", "busy-503"])
def test_a_busy_server_says_when(host: Server, fault: str) -> None:
    of = adapter(host)
    key = key_of(host)
    host.faults.on(fault, method="PUT", retry_after=9)
    with pytest.raises(TryLater) as raised:
        pushed(of, key)
    assert raised.value.after == 9 and stored(host) == []


@pytest.mark.parametrize("fault", ["error-500-after-store", "lose-answer", "html-answer"])
def test_a_write_without_a_readable_answer_is_unknown(host: Server, fault: str) -> None:
    of = adapter(host)
    key = key_of(host)
    host.faults.on(fault, method="PUT")
    assert pushed(of, key).state == "unknown"
    assert stored(host) == [7]


def test_a_200_that_stored_nothing_shows_at_the_next_read(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    host.faults.on("store-nothing")
    assert pushed(of, key).state == "accepted"
    assert of.results(key.class_id) == []


def test_an_error_page_refuses_one_by_one_and_says_nothing_of_it(host: Server) -> None:
    of = adapter(host)
    keys = keys_of(host, 2)
    host.state["locked"].append(3501)
    host.faults.on("html-error", method="PUT")
    answers = push_all(of, keys)
    assert {(one.code, one.words) for one in answers.values()} == {("malformed", "")}


def test_an_ended_token_is_renewed_in_mid_run(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    host.faults.on("token-expired", count=1, method="PUT")
    assert pushed(of, key).state == "accepted"


def test_a_wrong_key_is_for_an_administrator(host: Server) -> None:
    host.faults.on("token-refused")
    with pytest.raises(Misconfigured) as raised:
        adapter(host).students(class_of(host))
    assert raised.value.code == "token_refused"


def test_many_scores_go_by_pages_of_the_servers_own_size(start: Callable[..., Server]) -> None:
    server = start(students=25)
    of = adapter(server)
    server.faults.on("small-pages", rows=7)
    keys = keys_of(server, 25)
    assert {one.state for one in push_all(of, keys).values()} == {"accepted"}
    assert len(of.results(class_of(server))) == 25
