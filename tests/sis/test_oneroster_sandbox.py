"""The adapter against a strict SIS over real HTTP, with each of its faults switched on."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from sync.errors import Misconfigured, TryLater
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.oneroster import OneRoster, results
from tests.sandbox_servers import SisServer
from tests.sis.onerosterwire import change, key, number

CLASS, ITEM = "BIO-P2", "quiz"
GRADES = ("9.257", "0", "86.5", "100", "33.3333", "71")


@pytest.fixture
def server(start_sis: Callable[..., SisServer]) -> SisServer:
    results._FRAGILE.clear()
    made = start_sis()
    made.control("line-item", sourcedId=ITEM, **{"class": CLASS}, title="Quiz", resultValueMax=Decimal(100))
    return made


def adapter(server: SisServer, **options: str) -> OneRoster:
    hello = server.hello
    settings = Settings(
        "1", server.base_url, hello["token_url"], hello["client_id"], hello["client_secret"], options
    )
    return OneRoster(settings)


def changes(server: SisServer, grades: tuple[str, ...] = GRADES) -> list[sis.Change]:
    students = sorted(one.sourced_id for one in adapter(server).students(CLASS))
    place = key()._replace(class_id=CLASS, line_item_id=ITEM)
    return [
        change(student, number(grade), key=place._replace(student_id=student))
        for student, grade in zip(students, grades, strict=True)
    ]


def push(of: OneRoster, rows: list[sis.Change]) -> dict[sis.Key, sis.Outcome]:
    return {one.key: outcome for one, outcome in of.push(rows)}


def states(of: OneRoster, rows: list[sis.Change]) -> list[str]:
    found = push(of, rows)
    return [found[row.key].state for row in rows]


def shown(of: OneRoster) -> dict[str, sis.Value | None]:
    return {one.student_id: one.value for one in of.results(CLASS) if one.line_item_id == ITEM}


def wanted(rows: list[sis.Change]) -> dict[str, sis.Value | None]:
    return {row.key.student_id: row.after for row in rows}


def test_a_class_goes_in_one_request_and_is_stored_digit_for_digit(server: SisServer) -> None:
    of, rows = adapter(server), changes(server)
    assert states(of, rows) == ["accepted"] * 6
    assert shown(of) == wanted(rows)
    assert len(server.writes()) == 1
    assert {str(one["score"]) for one in server.results(ITEM).values()} == set(GRADES)


@pytest.mark.parametrize("fault", ["lose-answer", "error-500-after-store", "empty-bodies"])
def test_stored_without_an_answer_is_unknown_and_the_read_settles_it(server: SisServer, fault: str) -> None:
    of, rows = adapter(server), changes(server)
    server.faults.on(fault, method="POST", path="results")
    assert states(of, rows) == ["unknown"] * 6
    server.faults.off()
    assert shown(of) == wanted(rows)


@pytest.mark.parametrize("fault", ["lose-request", "store-nothing"])
def test_what_was_not_stored_is_not_shown(server: SisServer, fault: str) -> None:
    of, rows = adapter(server), changes(server)
    server.faults.on(fault, method="POST", path="results")
    assert set(states(of, rows)) == {"unknown" if fault == "lose-request" else "accepted"}
    server.faults.off()
    assert shown(of) == {}


@pytest.mark.parametrize(("fault", "stored"), [("fewer-pairs", 6), ("partial-batch", 3)])
def test_a_half_known_batch_is_never_counted_as_sent(server: SisServer, fault: str, stored: int) -> None:
    of, rows = adapter(server), changes(server)
    server.faults.on(fault)
    found = states(of, rows)
    assert (found.count("accepted"), found.count("unknown")) == (3, 3)
    assert len(shown(of)) == stored


def test_one_bad_row_does_not_sink_the_class_and_nothing_is_doubled(server: SisServer) -> None:
    of, rows = adapter(server), changes(server, ("9.257", "0", "100.5", "100", "33.3333", "71"))
    found = push(of, rows)
    refused = [row for row in rows if found[row.key].state == "rejected"]
    assert [(row.after, found[row.key].code) for row in refused] == [(number("100.5"), "over_max")]
    assert len(of.results(CLASS)) == 5


@pytest.mark.parametrize(
    "shape", ["error-shape-1", "error-shape-2", "error-shape-3", "error-shape-4", "error-shape-5"]
)
def test_every_error_shape_leads_to_the_same_code(server: SisServer, shape: str) -> None:
    of, rows = adapter(server, create="put"), changes(server)
    server.faults.on(shape)
    (outcome,) = push(of, [change(key=rows[0].key, after=number("101"))]).values()
    assert (outcome.state, outcome.code) == ("rejected", "over_max")
    assert "greatest" in outcome.words


@pytest.mark.parametrize("fault", ["html-error", "empty-bodies"])
def test_a_refusal_without_words_is_told_by_looking(server: SisServer, fault: str) -> None:
    of, rows = adapter(server, create="put"), changes(server)
    server.faults.on(fault)
    (outcome,) = push(of, [change(key=rows[0].key, after=number("101"))]).values()
    assert (outcome.state, outcome.code, outcome.words) == ("rejected", "over_max", "")


@pytest.mark.parametrize("fault", ["busy-429", "busy-503"])
def test_a_busy_sis_loses_nothing_that_was_answered(server: SisServer, fault: str) -> None:
    of, rows = adapter(server, create="put", parallel="1"), changes(server)
    server.faults.on(fault, after=2, method="PUT", retry_after=7)
    answered = []
    with pytest.raises(TryLater) as caught:
        answered.extend(of.push(rows))
    assert caught.value.after == 7
    assert {one.key.student_id for one, _ in answered} == set(shown(of)) and len(answered) == 2


def test_a_token_that_ends_in_mid_push_is_renewed(server: SisServer) -> None:
    of, rows = adapter(server, create="put"), changes(server)
    server.faults.on("token-expired", count=1, after=2, method="PUT")
    assert states(of, rows) == ["accepted"] * 6


def test_a_key_that_may_not_write_stops_the_run_and_refuses_no_grade(server: SisServer) -> None:
    of, rows = adapter(server), changes(server)
    server.faults.on("wrong-scope", method="PUT,POST", path="results")
    with pytest.raises(Misconfigured):
        push(of, rows)
    server.faults.off()
    assert shown(of) == {}


def test_a_refused_client_stops_before_anything_is_sent(server: SisServer) -> None:
    rows = changes(server)
    server.faults.on("token-refused")
    with pytest.raises(Misconfigured):
        push(adapter(server), rows)


def test_a_right_to_put_alone_is_enough(server: SisServer) -> None:
    server.control("client", scopes=["roster.readonly", "gradebook.readonly", "gradebook.createput"])
    of, rows = adapter(server), changes(server)
    assert states(of, rows) == ["accepted"] * 6
    assert shown(of) == wanted(rows)
    assert [one.ok for one in of.check()] == [True] * 4


def test_without_post_the_derived_ids_are_used(server: SisServer) -> None:
    of, rows = adapter(server), changes(server)
    server.faults.on("post-unsupported")
    assert {outcome.result_id for outcome in push(of, rows).values()} == {row.new_id for row in rows}
    assert shown(of) == wanted(rows)


def test_a_sis_that_rounds_is_seen_to_round(server: SisServer) -> None:
    of, rows = adapter(server), changes(server)
    server.faults.on("round-2")
    push(of, rows)
    stored = shown(of)
    for row in rows:
        assert stored[row.key.student_id] == row.after or sis.is_rounding_of(
            row.after, stored[row.key.student_id]
        )


def test_pre_created_records_without_a_grade_are_written_over(server: SisServer) -> None:
    of, rows = adapter(server), changes(server)
    for row in rows[:3]:
        server.control("result", lineItem=ITEM, student=row.key.student_id, comment="Absent on the day")
    assert states(of, rows) == ["accepted"] * 6
    assert shown(of) == wanted(rows)
    assert [one.comment for one in of.results(CLASS)].count("Absent on the day") == 3


def test_a_persons_grade_is_not_overwritten_by_a_new_one(server: SisServer) -> None:
    of, rows = adapter(server), changes(server)
    server.control("result", lineItem=ITEM, student=rows[0].key.student_id, score=Decimal("55.5"))
    found = push(of, rows)
    assert (found[rows[0].key].code, found[rows[0].key].found) == ("conflict_newer", number("55.5"))
    assert [found[row.key].state for row in rows[1:]] == ["accepted"] * 5
    assert shown(of)[rows[0].key.student_id] == number("55.5")


def test_a_put_that_always_conflicts_ends_and_changes_nothing(server: SisServer) -> None:
    of, rows = adapter(server, create="put"), changes(server)
    server.faults.on("put-409")
    assert set(states(of, rows)) == {"rejected"}
    assert shown(of) == {}


def test_a_value_shown_late_is_not_shown_and_then_is(server: SisServer) -> None:
    of, rows = adapter(server), changes(server)
    server.faults.on("show-late", reads=1)
    assert states(of, rows) == ["accepted"] * 6
    server.faults.off()
    assert (shown(of), shown(of)) == ({}, wanted(rows))


@pytest.mark.parametrize("fault", ["results-page-repeats", "short-page", "html-page"])
def test_a_list_that_is_not_whole_is_no_list(server: SisServer, fault: str) -> None:
    of = adapter(server, page_limit="2")
    push(of, changes(server))
    server.faults.on(fault, path="results")
    with pytest.raises(TryLater):
        of.results(CLASS)


def test_a_list_that_goes_on_at_another_host_is_refused(server: SisServer) -> None:
    of = adapter(server, page_limit="2")
    push(of, changes(server))
    server.faults.on("next-link-other-host")
    with pytest.raises(Misconfigured):
        of.results(CLASS)


def test_a_line_item_that_is_gone_is_said_so_for_each_row(server: SisServer) -> None:
    of, rows = adapter(server), changes(server)
    server.faults.on("line-item-gone", id=ITEM)
    assert {outcome.code for outcome in push(of, rows).values()} == {"line_item_missing"}


def test_a_class_that_is_gone_is_none_and_its_lists_are_no_empty_lists(server: SisServer) -> None:
    server.faults.on("class-gone")
    of = adapter(server)
    assert of.get_class(CLASS) is None
    for read in (of.students, of.line_items, of.results):
        with pytest.raises(Misconfigured) as caught:
            read(CLASS)
        assert caught.value.code == "class_unknown"


def test_flags_and_letters_come_back_as_they_were_sent(server: SisServer) -> None:
    of, rows = adapter(server), changes(server)
    values: list[sis.Value] = [
        number("50", flags=frozenset({"late"})),
        sis.Value(status=sis.ScoreStatus.NOT_SUBMITTED, flags=frozenset({"missing"})),
        sis.Value(status=sis.ScoreStatus.EXEMPT),
        sis.Value(text="B+"),
    ]
    sent = [
        change(key=row.key, after=value, new_id=row.new_id) for row, value in zip(rows, values, strict=False)
    ]
    assert states(of, sent) == ["accepted"] * 4
    assert shown(of) == wanted(sent)


def test_a_letter_outside_the_items_scale_is_refused_by_name_of_the_reason(server: SisServer) -> None:
    of = adapter(server)
    item = of.line_items("ENG10-P2")[0]
    assert item.score_scale_id and of.score_scales("ENG10-P2")
    student = of.students("ENG10-P2")[0].sourced_id
    place = sis.Key("1", "ENG10-P2", item.sourced_id, student)
    (outcome,) = push(of, [change(key=place, after=sis.Value(text="Splendid"))]).values()
    assert outcome.code == "grade_not_in_scale"


def test_a_teachers_classes_and_a_classs_sessions_are_found(server: SisServer) -> None:
    of = adapter(server)
    teacher: Any = of.teachers(CLASS)[0]
    assert CLASS in [one.sourced_id for one in of.classes_of_teacher(teacher.sourced_id)]
    assert of.classes_of_teacher("nobody") == []
    assert [one.kind for one in of.sessions(CLASS)] == ["gradingPeriod", "gradingPeriod", "term"]
