"""Reading Canvas two requests at a time: in parts that are exact, no faster than Canvas likes, for whose account it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from requests import PreparedRequest

from lti_tool import http
from sync.errors import Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.access import Unpaced
from sync.lms.base import Settings
from sync.lms.canvas import Canvas, reading
from tests.lms.canvas_wire import ANA, BASE, COURSE, TOKEN, CanvasWire, canvas, course

SUBMISSIONS = f"{COURSE}/students/submissions"


class Alone(Unpaced):
    """Others use the account: one stream is left."""

    wanted = 0
    given_back = False

    @contextmanager
    def streams(self, wanted: int) -> Iterator[int]:
        self.wanted = wanted
        yield 1
        self.given_back = True


@pytest.fixture
def parted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the course had more submissions than one page holds."""
    monkeypatch.setattr(reading, "WORTH_PARTS", 1)


def asked_items(wire: CanvasWire) -> list[list[str]]:
    queries = [parse_qs(urlsplit(str(one.url)).query) for one in wire.requests if SUBMISSIONS in str(one.url)]
    return [query.get("assignment_ids[]", []) for query in queries if "page" not in query]


# --- in parts ---


def test_submissions_that_fit_one_page_are_asked_for_at_once(wire: CanvasWire) -> None:
    canvas().read_gradebook(course())
    assert asked_items(wire) == [[]]


def test_many_submissions_are_read_in_two_parts_that_say_the_same_together(
    wire: CanvasWire, parted: None
) -> None:
    wire.open_periods()
    whole = Canvas(Settings("canvas", BASE, TOKEN), pace=Alone()).read_gradebook(course())
    assert asked_items(wire) == [[]]
    wire.requests.clear()
    assert canvas().read_gradebook(course()) == whole
    assert sorted(sorted(one) for one in asked_items(wire)) == [["601", "603"], ["602", "605"]]


def test_no_address_names_more_assignments_than_servers_bear(
    wire: CanvasWire, parted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "NAMED_AT_ONCE", 1)
    assert len(canvas().read_gradebook(course()).results) == 2 * 6
    assert sorted(asked_items(wire)) == [["601"], ["602"], ["603"], ["605"]]


def test_assignment_that_is_removed_while_the_course_is_read_is_not_taken_for_ungraded(
    wire: CanvasWire, parted: None
) -> None:
    wire.answers[SUBMISSIONS] = (403, {}, '{"error":"invalid assignment ids requested"}')
    with pytest.raises(TryLater, match="removed in Canvas while"):
        canvas().read_gradebook(course())


def test_one_part_that_fails_fails_the_whole_read(wire: CanvasWire, parted: None) -> None:
    def answer(request: PreparedRequest) -> Any:
        if "601" in str(request.url):
            return 500, {}, ""
        return 200, {"Link": ""}, http.dumps([])

    wire.answers[SUBMISSIONS] = answer
    with pytest.raises(TryLater):
        canvas().read_gradebook(course())


# --- whose account, and how much of it ---


def test_reads_with_the_streams_it_is_given_and_gives_them_back(wire: CanvasWire) -> None:
    pace = Alone()
    Canvas(Settings("canvas", BASE, TOKEN), pace=pace).read_gradebook(course())
    assert (pace.wanted, pace.given_back) == (2, True)


def test_what_is_heard_is_told_in_the_thread_that_reads(wire: CanvasWire, parted: None) -> None:
    heard: list[tuple[str, int, bool]] = []
    reader, here = canvas(), threading.get_ident()
    reader.heard = lambda what, count: heard.append((what, count, threading.get_ident() == here))
    reader.read_gradebook(course())
    assert all(one[2] for one in heard)
    last = {what: count for what, count, _ in heard}
    assert last == {"students": 3, "items": 5, "results": len(wire.submissions)}


def test_engine_can_stop_a_read_while_it_is_told(wire: CanvasWire, parted: None) -> None:
    class Stop(Exception):
        pass

    def stop(what: str, count: int) -> None:
        if what == "results":
            raise Stop

    reader = canvas()
    reader.heard = stop
    with pytest.raises(Stop):
        reader.read_gradebook(course())


def test_grant_that_expires_in_the_midst_is_renewed_and_the_read_goes_on(wire: CanvasWire) -> None:
    class Grant:
        renewed = 0

        def token(self) -> str:
            return TOKEN

        def renew(self, spent: str) -> str:
            self.renewed += 1
            assert spent == TOKEN
            return TOKEN

    refused: list[int] = []

    def answer(request: PreparedRequest) -> Any:
        if not refused:
            refused.append(1)
            return 401, {"WWW-Authenticate": 'Bearer realm="canvas-lms"'}, ""
        del wire.answers[SUBMISSIONS]
        return wire._answer(request)

    wire.answers[SUBMISSIONS] = answer
    grant = Grant()
    book = Canvas(Settings("canvas", BASE), account=grant).read_gradebook(course())
    assert (grant.renewed, len(book.results)) == (1, 12)


def test_missing_scope_is_no_reason_to_renew_the_token(wire: CanvasWire) -> None:
    wire.answers[SUBMISSIONS] = (401, {}, '{"errors":[{"message":"Insufficient scopes on access token."}]}')
    with pytest.raises(Misconfigured, match="scope") as caught:
        canvas().read_gradebook(course())
    assert caught.value.code == "forbidden"


# --- going slower ---


def with_bucket(wire: CanvasWire, remaining: str) -> None:
    rows = wire.rows[f"{COURSE}/sections"]
    wire.answers[f"{COURSE}/sections"] = (200, {"X-Rate-Limit-Remaining": remaining}, http.dumps(rows))


@pytest.mark.parametrize(
    ("remaining", "seconds"),
    [
        ("600.0", 0),
        ("150", 0),
        ("49.6", 10),
        ("0.0", 15),
        ("-30.5", 15),
        ("", 0),
        ("many", 0),
        ("NaN", 0),
        ("Infinity", 0),
    ],
)
def test_bucket_that_runs_low_slows_the_read_down_before_canvas_refuses(
    wire: CanvasWire, slept: list[int], remaining: str, seconds: int
) -> None:
    with_bucket(wire, remaining)
    canvas().read_gradebook(course())
    assert sum(slept) == seconds


def test_bucket_that_never_recovers_does_not_make_a_read_endless(wire: CanvasWire, slept: list[int]) -> None:
    wire.page_size = 1
    plain = wire._page

    def low(path: str, query: Any) -> Any:
        status, headers, body = plain(path, query)
        return status, {**headers, "X-Rate-Limit-Remaining": "0.0"}, body

    wire._page = low  # type: ignore[method-assign]
    canvas().read_gradebook(course())
    # both streams may see the last of it at once
    assert sum(slept) <= 120 + 15


@pytest.mark.parametrize(
    "refusal", [(403, {}, "403 Forbidden (Rate Limit Exceeded)\n"), (429, {"Retry-After": "3"}, "")]
)
def test_throttled_request_is_done_again_and_nothing_is_lost(
    wire: CanvasWire, slept: list[int], refusal: Any
) -> None:
    whole = canvas().read_gradebook(course())
    left = [refusal, refusal]

    def answer(request: PreparedRequest) -> Any:
        if left:
            return left.pop()
        del wire.answers[SUBMISSIONS]
        return wire._answer(request)

    wire.answers[SUBMISSIONS] = answer
    assert canvas().read_gradebook(course()) == whole
    assert sum(slept) == (6 if refusal[0] == 429 else 20)


# --- hostile ---


@pytest.mark.parametrize("wrong", [None, 7, "text", [], {}, True, Decimal("1.5")])
@pytest.mark.parametrize(
    "name", ["user_id", "assignment_id", "score", "grade", "graded_at", "workflow_state", "attempt"]
)
def test_wrong_type_anywhere_in_a_submission_spoils_no_other_row(
    wire: CanvasWire, name: str, wrong: object
) -> None:
    wire.submission(ANA, "601")[name] = wrong
    book = canvas().read_gradebook(course())
    found = next(one for one in book.results if (one.user_id, one.line_item_id) == (ANA, "602"))
    if not (name == "user_id" and "602" not in {one.line_item_id for one in book.results}):
        assert found.score == Decimal("9.257")


@pytest.mark.parametrize("wrong", [None, 7, "text", [], {}, True])
@pytest.mark.parametrize("path", ["enrollments", "assignments", "sections", "assignment_groups"])
def test_rows_that_hold_nothing_but_wrong_types_end_in_an_error_or_in_what_is_left(
    wire: CanvasWire, path: str, wrong: object
) -> None:
    row = dict.fromkeys(wire.rows[f"{COURSE}/{path}"][0], wrong)
    wire.rows[f"{COURSE}/{path}"].append(row | {"id": "77777"})
    book = canvas().read_gradebook(course())
    found = next(one for one in book.results if (one.user_id, one.line_item_id) == (ANA, "602"))
    assert found.score == Decimal("9.257")


@pytest.mark.parametrize("body", ["[]", '{"late_policy":7}', '{"late_policy":null}', "7", "<html>"])
def test_late_policy_of_another_shape_is_not_taken_for_none(wire: CanvasWire, body: str) -> None:
    wire.answers[f"{COURSE}/late_policy"] = (200, {}, body)
    with pytest.raises(TryLater):
        canvas().read_gradebook(course())


@pytest.mark.parametrize(
    "body", ["[]", '{"grading_periods":7}', '{"grading_periods":[1]}', '{"other":[]}', "null"]
)
def test_grading_periods_of_another_shape_are_not_taken_for_none(wire: CanvasWire, body: str) -> None:
    wire.answers[f"{COURSE}/grading_periods"] = (200, {}, body)
    with pytest.raises(TryLater):
        canvas().read_gradebook(course())


def test_more_grading_periods_than_a_page_holds_are_not_cut_off(wire: CanvasWire) -> None:
    periods = [{"id": str(number), "title": "Week"} for number in range(100)]
    wire.one[f"{COURSE}/grading_periods"] = {"grading_periods": periods}
    with pytest.raises(TryLater, match="more grading periods"):
        canvas().read_gradebook(course())


def test_reader_and_its_errors_keep_the_token_to_themselves(wire: CanvasWire, parted: None) -> None:
    wire.answers[SUBMISSIONS] = (418, {}, TOKEN)
    with pytest.raises(Misconfigured) as caught:
        canvas().read_gradebook(course())
    assert TOKEN not in f"{caught.value!r} {canvas()!r} {lms.Course('x')!r}"
