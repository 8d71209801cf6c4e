"""Schoology that refuses, is busy, sends nonsense, or pages that go astray: an error, never part of a gradebook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import responses
from requests import PreparedRequest

from lti_tool import http
from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms import rest
from sync.lms.base import Settings
from sync.lms.schoology import Schoology
from tests.lms.schoology_wire import (
    ANA,
    ANA_ENROLLED,
    BASE,
    KEY,
    SECRET,
    SECTION,
    SHORT,
    Answer,
    SchoologyWire,
    course,
    schoology,
)


@pytest.fixture
def wire(mock: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch) -> SchoologyWire:
    monkeypatch.setattr(rest.time, "sleep", lambda seconds: None)
    wire = SchoologyWire()
    wire.serve(mock)
    return wire


def failure(kind: type[AdapterError], **options: str) -> AdapterError:
    with pytest.raises(kind) as caught:
        schoology(**options).read_gradebook(course())
    assert not [word for word in (KEY, SECRET, ANA, "Alvarez", "9.257") if word in repr(caught.value)]
    return caught.value


PATHS = [
    SECTION,
    *(f"{SECTION}/{name}" for name in ("enrollments", "grade_items", "grades", "grading_scales")),
    *(f"{SECTION}/{name}" for name in ("grading_categories", "grading_periods")),
]


# --- what is missing in the connection ---


@pytest.mark.parametrize(("key", "secret"), [("", SECRET), (KEY, "")])
def test_connection_without_key_or_secret_says_so(key: str, secret: str) -> None:
    reader = Schoology(Settings("schoology", client_id=key, secret=secret))
    with pytest.raises(Misconfigured, match="consumer key and secret"):
        reader.read_gradebook(course())


@pytest.mark.parametrize(
    ("section", "code"),
    [("", "course_id_missing"), ("1/../users", "course_unknown"), ("٣", "course_unknown")],
)
def test_launch_that_names_no_section_asks_for_the_parameter(section: str, code: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        schoology().read_gradebook(course(section))
    assert caught.value.code == code
    assert "schoology_section_id" in str(caught.value)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "/etc", "a\0b"])
def test_zone_that_does_not_exist_is_named(wire: SchoologyWire, zone: str) -> None:
    error = failure(Misconfigured, time_zone=zone)
    assert isinstance(error, Misconfigured) and error.code == "time_zone_unknown"


# --- refusals ---


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, Misconfigured, "token_refused"),
        (403, Misconfigured, "forbidden"),
        (404, Misconfigured, "course_unknown"),
        (410, Misconfigured, "unexpected_answer"),
        (500, TryLater, ""),
        (503, TryLater, ""),
    ],
)
def test_any_request_that_is_refused_ends_the_read(
    wire: SchoologyWire, path: str, status: int, kind: type[AdapterError], code: str
) -> None:
    wire.answers[path] = (status, {}, "")
    error = failure(kind)
    assert getattr(error, "code", "") == code


def test_refused_key_says_that_it_must_be_an_apps(wire: SchoologyWire) -> None:
    wire.answers[f"{SECTION}/grades"] = (401, {}, "")
    text = str(failure(Misconfigured))
    assert "installed for the school" in text and "administrator" in text


def test_person_who_cannot_be_read_now_is_not_taken_for_one_without_a_login(wire: SchoologyWire) -> None:
    wire.users[ANA]["code"] = 500
    failure(TryLater)


# --- patience ---


def once(wire: SchoologyWire, path: str, answer: Answer) -> None:
    def first(request: PreparedRequest) -> Answer:
        del wire.answers[path]
        return answer

    wire.answers[path] = first


class Resting:
    """A pace that remembers how long it was told to rest."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.wanted: list[int] = []

    @contextmanager
    def streams(self, wanted: int) -> Iterator[int]:
        self.wanted.append(wanted)
        yield wanted

    def rest(self, seconds: int) -> None:
        self.told.append(seconds)


@pytest.mark.parametrize(
    ("answer", "rested"),
    [
        ((429, {"Retry-After": "4"}, ""), 4),
        ((429, {}, ""), 10),
        ((401, {}, '"Duplicate timestamp/nonce combination, possible replay attack. Request rejected."'), 5),
    ],
)
def test_busy_schoology_is_asked_again_and_all_workers_rest(
    wire: SchoologyWire, answer: Answer, rested: int
) -> None:
    once(wire, f"{SECTION}/grades", answer)
    pace = Resting()
    settings = Settings("schoology", client_id=KEY, secret=SECRET)
    assert Schoology(settings, pace=pace).read_gradebook(course()).results
    assert (pace.told, pace.wanted) == ([rested], [1])


def test_schoology_that_stays_busy_is_left_for_later(wire: SchoologyWire) -> None:
    wire.answers[f"{SECTION}/grades"] = (429, {"Retry-After": "25"}, "")
    error = failure(TryLater)
    assert isinstance(error, TryLater) and error.after == 25


def test_clock_that_schoology_refuses_is_named(wire: SchoologyWire) -> None:
    wire.answers[SECTION] = (401, {}, '"Invalid timestamp"')
    assert "clock" in str(failure(TryLater))


def test_no_answer_in_time_is_tried_later(mock: responses.RequestsMock) -> None:
    mock.add(responses.GET, f"{BASE}/v1{SECTION}", body=requests.ReadTimeout())
    failure(TryLater)


# --- nonsense ---


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", ["<html>Log in</html>", "", "[]", "null", '"text"', '{"id": "4318461"', "5"])
def test_page_instead_of_data_is_asked_for_again_later(wire: SchoologyWire, path: str, body: str) -> None:
    wire.answers[path] = (200, {}, body)
    failure(TryLater)


@pytest.mark.parametrize("path", PATHS[1:])
def test_section_instead_of_a_list_is_not_taken_for_an_empty_one(wire: SchoologyWire, path: str) -> None:
    """Schoology answers a path that it does not know with the section itself."""
    wire.answers[path] = (200, {}, http.dumps(wire.section))
    failure(TryLater)


def test_another_section_is_not_taken_for_this_one(wire: SchoologyWire) -> None:
    wire.section["id"] = "1"
    failure(TryLater)


@pytest.mark.parametrize(
    "grades", [{"grades": 5}, {"grades": {"grade": 5}}, {"grades": {"grade": [5]}}, {"grades": {"other": []}}]
)
def test_grades_of_another_shape_are_refused(wire: SchoologyWire, grades: dict[str, Any]) -> None:
    wire.answers[f"{SECTION}/grades"] = (200, {}, http.dumps(grades | {"final_grade": []}))
    failure(TryLater)


@pytest.mark.parametrize("grades", [None, [], {"grade": []}, {"grade": None}])
def test_section_without_grades_is_read(wire: SchoologyWire, grades: object) -> None:
    wire.answers[f"{SECTION}/grades"] = (200, {}, http.dumps(wire.grades | {"grades": grades}))
    book = schoology().read_gradebook(course())
    assert {one.score for one in book.results if one.line_item_id == SHORT} == {None}


def test_values_of_wrong_types_everywhere_spoil_no_more_than_themselves(wire: SchoologyWire) -> None:
    wrong: list[Any] = [None, True, 5, "x", [], {}]
    for name in (
        "title",
        "due",
        "max_points",
        "published",
        "grading_period",
        "grade_item_id",
        "grading_scale",
    ):
        for value in wrong:
            wire.item("5699940", **{name: value})
            assert schoology().read_gradebook(course()).complete
    for name in ("school_uid", "name_display", "admin", "status"):
        for value in wrong:
            wire.enrolled("48291", **{name: value})
            wire.answers[f"{SECTION}/enrollments"] = (
                200,
                {},
                http.dumps({"enrollment": wire.rows["enrollments"], "links": {}}),
            )
            assert schoology().read_gradebook(course()).complete
    for name in ("exception", "override", "pending", "timestamp", "max_points"):
        for value in wrong:
            wire.grade(ANA_ENROLLED, SHORT, **{name: value})
            assert schoology().read_gradebook(course()).complete


# --- pages ---


def test_all_pages_of_every_list_are_read(wire: SchoologyWire) -> None:
    wire.cap = 1
    book = schoology().read_gradebook(course())
    assert len(book.members) == 4 and len(wire.queries(f"{SECTION}/enrollments")) == 4
    assert [one["start"] for one in wire.queries(f"{SECTION}/grades")] == ["0", "1", "2", "3", "4"]


def test_pages_by_http_addresses_are_read_by_https(wire: SchoologyWire) -> None:
    schoology().read_gradebook(course())
    assert {str(one.url).partition(":")[0] for one in wire.requests} == {"https"}


def test_list_of_grades_without_pages_is_read_once_more_to_be_sure(wire: SchoologyWire) -> None:
    wire.grades_paged = False
    book = schoology().read_gradebook(course())
    assert [one for one in book.results if str(one.score) == "9.257"]
    assert [one.get("start") for one in wire.queries(f"{SECTION}/grades")] == ["0", "4", None]


def test_list_of_grades_longer_than_was_asked_for_is_whole(wire: SchoologyWire) -> None:
    wire.grades_paged = False
    for number in range(300):
        wire.grade(ANA_ENROLLED, str(6_000_000 + number), grade=1)
    schoology().read_gradebook(course())
    assert len(wire.queries(f"{SECTION}/grades")) == 1


def test_page_of_grades_that_repeats_is_not_taken_for_the_end(wire: SchoologyWire) -> None:
    first = wire.grade_rows[:2]

    def stuck(request: PreparedRequest) -> Answer:
        limit = 1 if "limit=1" in str(request.url).split("&") or str(request.url).endswith("limit=1") else 2
        return 200, {}, http.dumps(wire.grades | {"grades": {"grade": first[:limit]}})

    wire.answers[f"{SECTION}/grades"] = stuck
    failure(TryLater)


def test_pages_of_grades_that_overlap_are_refused(wire: SchoologyWire) -> None:
    def shifted(request: PreparedRequest) -> Answer:
        start = 1 if "start=2" in str(request.url) else 0
        rows = wire.grade_rows[start : start + 2]
        return 200, {}, http.dumps(wire.grades | {"grades": {"grade": rows}})

    wire.answers[f"{SECTION}/grades"] = shifted
    failure(TryLater)


def enrolled_page(wire: SchoologyWire, rows: int, **more: Any) -> Answer:
    return 200, {}, http.dumps({"enrollment": wire.rows["enrollments"][:rows], **more})


def test_list_that_ends_before_its_total_is_refused(wire: SchoologyWire) -> None:
    wire.answers[f"{SECTION}/enrollments"] = enrolled_page(wire, 2, total="4", links={"self": "x"})
    failure(TryLater)


def test_list_that_says_how_many_there_are_needs_no_links(wire: SchoologyWire) -> None:
    wire.answers[f"{SECTION}/enrollments"] = enrolled_page(wire, 4, total=4)
    assert len(schoology().read_gradebook(course()).members) == 4
    assert len(wire.queries(f"{SECTION}/enrollments")) == 1


def test_next_page_that_is_the_same_page_is_refused(wire: SchoologyWire) -> None:
    link = f"{BASE}/v1{SECTION}/enrollments?start=0&limit=2"
    wire.answers[f"{SECTION}/enrollments"] = enrolled_page(wire, 2, total="4", links={"next": link})
    failure(TryLater)


def test_empty_pages_without_end_are_refused(wire: SchoologyWire) -> None:
    def on_and_on(request: PreparedRequest) -> Answer:
        number = len(wire.requests)
        link = f"{BASE}/v1{SECTION}/enrollments?start={number % 3}&limit=2"
        return 200, {}, http.dumps({"enrollment": [], "links": {"next": link}})

    wire.answers[f"{SECTION}/enrollments"] = on_and_on
    failure(TryLater)


def test_next_page_on_another_host_is_refused_and_never_asked(wire: SchoologyWire) -> None:
    link = "https://elsewhere.example/v1/sections/1/enrollments?start=2&limit=2"
    wire.answers[f"{SECTION}/enrollments"] = enrolled_page(wire, 2, total="4", links={"next": link})
    error = failure(Misconfigured)
    assert isinstance(error, Misconfigured) and error.code == "next_link_other_host"


@pytest.mark.parametrize("total", ["9" * 5000, "-1", "many", [], None, True])
def test_total_that_is_none_ends_nothing_early(wire: SchoologyWire, total: object) -> None:
    wire.answers[f"{SECTION}/enrollments"] = enrolled_page(wire, 4, total=total, links={})
    assert len(schoology().read_gradebook(course()).members) == 4


def test_final_grades_that_change_from_page_to_page_are_read_again_later(wire: SchoologyWire) -> None:
    def changing(request: PreparedRequest) -> Answer:
        start = 0 if "start=0" in str(request.url) else 2
        if start:
            wire.grades["final_grade"][0]["period"][2]["grade"] = 99
        return 200, {}, http.dumps(wire.grades | {"grades": {"grade": wire.grade_rows[start : start + 2]}})

    wire.answers[f"{SECTION}/grades"] = changing
    failure(TryLater)


# --- redirects ---


def test_redirect_is_followed_on_this_host_only(wire: SchoologyWire) -> None:
    wire.answers[SECTION] = (303, {"Location": "https://elsewhere.example/v1/sections/1"}, "")
    failure(Misconfigured)
    assert wire.paths() == [SECTION]


def test_redirects_that_lead_in_a_circle_are_refused(wire: SchoologyWire) -> None:
    wire.answers[SECTION] = (303, {"Location": f"/v1{SECTION}"}, "")
    failure(TryLater)


def test_redirect_to_nowhere_is_an_unexpected_answer(wire: SchoologyWire) -> None:
    wire.answers[SECTION] = (303, {}, "")
    error = failure(Misconfigured)
    assert isinstance(error, Misconfigured) and error.code == "unexpected_answer"
