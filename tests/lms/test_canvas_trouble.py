"""What goes wrong on Canvas's side of the wire: said with who can help, and never taken for "nothing there"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import pytest
import requests
import responses

from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.base import Settings
from sync.lms.canvas import Canvas
from tests.lms.canvas_wire import ANA, BASE, COURSE, TOKEN, CanvasWire, canvas, course

Error = TypeVar("Error", bound=AdapterError)

SUBMISSIONS = f"{COURSE}/students/submissions"
LISTS = (
    "sections",
    "enrollments",
    "assignments",
    "students/submissions",
    "assignment_groups",
    "grading_periods",
    "late_policy",
)


def failure(kind: type[Error], asked: lms.Course | None = None) -> Error:
    with pytest.raises(kind) as caught:
        canvas().read_gradebook(asked or course())
    assert TOKEN not in str(caught.value) and ANA not in str(caught.value)
    return caught.value


# --- the whole course, or nothing ---


@pytest.mark.parametrize("name", LISTS)
def test_any_list_that_fails_fails_the_whole_read(wire: CanvasWire, name: str) -> None:
    wire.answers[f"{COURSE}/{name}"] = (500, {}, "")
    failure(TryLater)


def test_failure_on_a_later_page_fails_the_whole_read(wire: CanvasWire) -> None:
    broken = f"{BASE}/api/v1{SUBMISSIONS}-broken"
    wire.next_url = lambda path, start: broken
    wire.answers[f"{SUBMISSIONS}-broken"] = (502, {}, "<html>Bad gateway</html>")
    for path in list(wire.rows):
        wire.rows[path] = wire.rows[path][:3] if path != SUBMISSIONS else wire.rows[path]
    failure(TryLater)


def test_every_page_of_every_list_is_read(wire: CanvasWire) -> None:
    wire.page_size = 1
    assert len(canvas().read_gradebook(course()).results) == 2 * 6


def test_page_addresses_are_used_letter_for_letter(wire: CanvasWire) -> None:
    canvas().read_gradebook(course())
    assert any("page=bookmark:AbC3" in str(one.url) for one in wire.requests)


def test_next_link_to_another_host_is_not_followed(wire: CanvasWire, mock: responses.RequestsMock) -> None:
    mock.add(responses.GET, "https://elsewhere.example/next", json=[])
    wire.next_url = lambda path, start: "https://elsewhere.example/next"
    error = failure(Misconfigured)
    assert error.code == "next_link_other_host"
    mock.assert_call_count("https://elsewhere.example/next", 0)


def test_next_link_without_tls_is_not_followed(wire: CanvasWire) -> None:
    wire.next_url = lambda path, start: f"http://canvas.example/api/v1{path}?page=2"
    failure(Misconfigured)


def test_pages_that_lead_in_a_circle_end_the_read(wire: CanvasWire) -> None:
    wire.next_url = lambda path, start: f"{BASE}/api/v1{path}?page=bookmark:AbC0"
    assert "later" in str(failure(TryLater))


def test_page_that_repeats_is_not_taken_for_the_next_one(wire: CanvasWire) -> None:
    wire.next_url = lambda path, start: f"{BASE}/api/v1{path}?page=bookmark:AbC{start - 1}&again={start}"
    assert "same rows" in str(failure(TryLater))


def test_full_page_without_a_link_header_is_not_taken_for_all(wire: CanvasWire) -> None:
    rows = ",".join(f'{{"id":"{number}"}}' for number in range(100))
    wire.answers[f"{COURSE}/sections"] = (200, {}, f"[{rows}]")
    assert failure(Misconfigured).code == "link_header_missing"


def test_short_page_without_a_link_header_is_the_only_one(wire: CanvasWire) -> None:
    wire.answers[f"{COURSE}/sections"] = (200, {}, '[{"id":"1","name":"Only"}]')
    assert canvas().read_gradebook(course()).sections == (lms.Section("1", "", "Only"),)


@pytest.mark.parametrize("body", ["<html>Maintenance</html>", "", '{"id":'])
def test_page_instead_of_data_is_asked_for_again_later(wire: CanvasWire, body: str) -> None:
    wire.answers[SUBMISSIONS] = (200, {"Content-Type": "text/html"}, body)
    assert "administrator" in str(failure(TryLater))


@pytest.mark.parametrize("body", ['{"errors": []}', "[1, 2]", "null", '"text"'])
def test_json_of_another_shape_is_no_empty_list(wire: CanvasWire, body: str) -> None:
    wire.answers[SUBMISSIONS] = (200, {}, body)
    failure(TryLater)


@pytest.mark.parametrize(
    "error", [requests.ConnectTimeout(), requests.ReadTimeout(), requests.ConnectionError()]
)
def test_no_answer_in_time_is_tried_later(
    mock: responses.RequestsMock, error: requests.RequestException
) -> None:
    mock.add(responses.GET, f"{BASE}/api/v1{COURSE}", body=error)
    failure(TryLater)


# --- busy ---


@pytest.mark.parametrize(
    ("status", "headers", "body", "after"),
    [
        (403, {}, "403 Forbidden (Rate Limit Exceeded)", 10),
        (429, {}, "", 10),
        (429, {"Retry-After": "37"}, "", 37),
        (503, {"Retry-After": "120"}, "", 120),
        (500, {}, "", None),
    ],
)
def test_busy_canvas_is_asked_again_after_the_time_it_names(
    wire: CanvasWire,
    slept: list[int],
    status: int,
    headers: Mapping[str, str],
    body: str,
    after: int | None,
) -> None:
    wire.answers[SUBMISSIONS] = (status, headers, body)
    error = failure(TryLater)
    assert error.after == after


# --- refused ---


@pytest.mark.parametrize(
    ("status", "headers", "body", "code"),
    [
        (401, {}, '{"errors":[{"message":"Insufficient scopes on access token."}]}', "forbidden"),
        (
            401,
            {"WWW-Authenticate": "Bearer"},
            '{"errors":[{"message":"Invalid access token."}]}',
            "token_refused",
        ),
        (401, {}, '{"errors":[{"message":"Invalid access token."}]}', "token_refused"),
        (401, {}, "", "token_refused"),
        (401, {}, '{"status":"unauthorized","errors":[]}', "forbidden"),
        (403, {}, '{"status":"unauthorized","errors":[]}', "forbidden"),
        (404, {}, '{"errors":[]}', "course_unknown"),
        (302, {"Location": "https://login.example/"}, "", "unexpected_answer"),
        (400, {}, "", "unexpected_answer"),
    ],
)
def test_refusal_says_which_administrator_must_do_what(
    wire: CanvasWire, status: int, headers: Mapping[str, str], body: str, code: str
) -> None:
    wire.answers[COURSE] = (status, headers, body)
    error = failure(Misconfigured)
    assert error.code == code
    assert "administrator" in str(error)


def test_expired_token_names_the_token_and_missing_right_names_the_right(wire: CanvasWire) -> None:
    wire.answers[COURSE] = (401, {}, "")
    assert "expired" in str(failure(Misconfigured))
    wire.answers[COURSE] = (403, {}, "")
    assert "see all grades" in str(failure(Misconfigured))


# --- set up wrongly ---


def test_launch_without_the_course_id_says_which_parameter_to_add(wire: CanvasWire) -> None:
    error = failure(Misconfigured, lms.Course("context"))
    assert "canvas_course_id=$Canvas.course.id" in str(error)
    assert wire.requests == []


@pytest.mark.parametrize("stated", ["1/../2", "../accounts/1", "1?as_user_id=2", "1#", "..", "1 2", "%2e%2e"])
def test_course_id_that_would_lead_elsewhere_is_refused(wire: CanvasWire, stated: str) -> None:
    failure(Misconfigured, course(stated))
    assert wire.requests == []


@pytest.mark.parametrize(("base_url", "token"), [("", TOKEN), (BASE, "")])
def test_connection_without_address_or_token_says_so(base_url: str, token: str) -> None:
    with pytest.raises(Misconfigured, match="administrator must add it"):
        Canvas(Settings("canvas", base_url, token)).read_gradebook(course())


def test_plain_http_address_is_refused_before_the_token_leaves(mock: responses.RequestsMock) -> None:
    with pytest.raises(Misconfigured, match="https"):
        Canvas(Settings("canvas", "http://canvas.example", TOKEN)).read_gradebook(course())
    assert len(mock.calls) == 0
