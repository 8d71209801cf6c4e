"""Brightspace's API of the pretend LMS, and the product's own reader against it over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import requests

from gradesync_site.sandbox.control import loads
from gradesync_site.sandbox.lms.keyring import Code
from sync.errors import Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.base import Settings, is_course_student
from sync.lms.brightspace import Brightspace
from sync.lms.contract import LmsContract, Story
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]

CALCULATED = "course_total:calculated"


def reader(server: Server, **options: str) -> Brightspace:
    return Brightspace(Settings("sandbox", server.base_url, server.hello["brightspace_token"], options))


def read(server: Server, course: str = "101", **options: str) -> lms.Gradebook:
    return reader(server, **options).read_gradebook(lms.Course(course))


def results(gradebook: lms.Gradebook) -> dict[tuple[str, str], lms.Result]:
    return {(one.user_id, one.line_item_id): one for one in gradebook.results}


def get(
    server: Server, path: str, token: str = "sandbox-brightspace-token", **query: Any
) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.get(f"{server.base_url}/d2l/api{path}", headers=headers, params=query, timeout=10)


class TestBrightspaceOverHttp(LmsContract):
    """The contract's story, told to the pretend LMS by its control API."""

    story = Story("9101", "9102", "9103", "9109", "9201", "9202")
    private = (*LmsContract.private, "sandbox-brightspace-token")

    @pytest.fixture(autouse=True)
    def _course(self, lms_server: Server) -> None:
        self.server = lms_server
        lms_server.control("course", **STORY)

    def make(self) -> Brightspace:
        return reader(self.server)

    def course(self) -> lms.Course:
        return lms.Course("9001")

    def fail_reads(self) -> None:
        self.server.faults.on("results-500", path="9202/values")

    def refuse_reads(self) -> None:
        self.server.faults.on("bearer-refused")


STORY: dict[str, Any] = {
    "id": "9001",
    "name": "Contract",
    "sis_id": "CONTRACT",
    "teachers": [{"id": "9109", "name": "Ada Teacher", "login": "ada9"}],
    "students": [
        {"id": "9101", "name": "Ana Alvarez", "sis_id": "SIS-1001"},
        {"id": "9102", "name": "Zoë Müller-Łukasz 李", "sis_id": "SIS-1002"},
        {"id": "9103", "name": "Gus Gone", "sis_id": "SIS-1003", "state": "inactive"},
    ],
    "line_items": [
        {"id": "9201", "title": "Homework 1", "maximum": 10},
        {"id": "9202", "title": "Essay", "maximum": 50},
    ],
    "grades": [
        {"student": "9101", "line_item": "9201", "score": 0},
        {"student": "9101", "line_item": "9202", "score": Decimal("9.257")},
        {"student": "9102", "line_item": "9202", "score": 52},
        {"student": "9103", "line_item": "9201", "score": 7},
    ],
}


# --- the reader ---


def test_reader_sees_every_telling_grade(lms_server: Server) -> None:
    found = results(read(lms_server))
    assert found["5001", "2001"].score == 0
    assert found["5002", "2001"].status is lms.Status.EXCUSED
    assert (found["5005", "2002"].score, found["5005", "2002"].maximum) == (104, 100)
    assert found["5006", "2001"].score == Decimal("9.257")
    assert found["5008", "2001"].status is lms.Status.NOT_GRADED


def test_reader_leaves_out_who_left_and_the_test_student(lms_server: Server) -> None:
    book = read(lms_server)
    names = {one.name for one in book.members if is_course_student(one)}
    assert "Nora Visitor" in names
    assert not names & {"Test Student", "Ada Okafor", "Tomás Rivera"}
    assert book.warnings == ()


def test_reader_finds_letters_and_their_schemes(lms_server: Server) -> None:
    book = read(lms_server, "103")
    (scheme,) = book.schemes.values()
    assert [(one.name, one.lower) for one in scheme.entries][-1] == ("A", Decimal("0.94"))
    letters = {one.text for one in book.results}
    assert letters - {None} <= {one.name for one in scheme.entries}
    assert letters - {None}


def test_reader_sees_words_of_pass_and_fail(lms_server: Server) -> None:
    words = {one.text for one in read(lms_server, "104").results if one.line_item_id == "2402"}
    assert words - {None} <= {"Pass", "Fail"}
    assert words - {None}


def test_reader_sees_both_sections_of_a_cross_listed_course(lms_server: Server) -> None:
    book = read(lms_server, "102")
    assert {one.sis_id for one in book.sections} == {"BIO-P1", "BIO-P2"}
    assert {len(one.section_ids) for one in book.members if is_course_student(one)} == {1}


def test_reader_sees_both_final_grades(lms_server: Server) -> None:
    book = read(lms_server)
    totals = [one.title for one in book.line_items if one.kind == "course_total"]
    assert totals == ["Final Calculated Grade", "Final Adjusted Grade"]
    one = results(book)["5006", CALCULATED]
    assert one.score is not None and one.maximum is not None and one.posted
    state = lms_server.state["courses"]["101"]
    own = [rows["5006"] for rows in state["submissions"].values() if "5006" in rows]
    assert one.score == sum(Decimal(str(row["score"])) for row in own if row["score"] is not None)


def test_reader_knows_due_times_categories_and_hidden_items(lms_server: Server) -> None:
    items = {one.line_item_id: one for one in read(lms_server).line_items}
    assert items["2001"].due_at is not None
    assert items["2001"].category == "Quizzes"
    assert items["2098"].grading_type == "not_graded"


def test_empty_course_is_read_as_empty(lms_server: Server) -> None:
    book = read(lms_server, "105")
    assert (book.results, [one for one in book.members if one.is_student]) == ((), [])
    assert book.complete


def test_large_course_is_read_in_its_pages(start_lms: Callable[..., Server]) -> None:
    server = start_lms(students=230, line_items=3)
    book = read(server)
    students = [one for one in book.members if is_course_student(one)]
    assert len(book.results) == len(students) * 5
    assert len(students) > 230


def test_check_is_well(lms_server: Server) -> None:
    assert [one.ok for one in reader(lms_server).check()] == [True, True]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("results-500", TryLater),
        ("html-instead-of-json", TryLater),
        ("bearer-refused", Misconfigured),
        ("wrong-scope", Misconfigured),
        ("course-gone", Misconfigured),
    ],
)
def test_reader_raises_rather_than_return_part(
    lms_server: Server, fault: str, error: type[Exception]
) -> None:
    lms_server.faults.on(fault, path="values" if fault == "results-500" else "")
    with pytest.raises(error):
        read(lms_server)


def test_reader_keeps_the_quiet_that_is_asked_for(lms_server: Server) -> None:
    lms_server.faults.on("rate-limit", path="classlist", retry_after=45)
    with pytest.raises(TryLater) as caught:
        read(lms_server)
    assert caught.value.after == 45


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("results-page-repeats", TryLater),
        ("next-link-loops", TryLater),
        ("next-link-other-host", Misconfigured),
    ],
)
def test_reader_notices_pages_that_go_astray(
    start_lms: Callable[..., Server], fault: str, error: type[Exception]
) -> None:
    server = start_lms(students=210, line_items=1, faults=(fault,))
    with pytest.raises(error):
        read(server)


@pytest.mark.parametrize("fault", ["score-not-a-number", "score-nan"])
def test_reader_turns_what_is_no_number_into_a_problem_of_one_result(lms_server: Server, fault: str) -> None:
    lms_server.faults.on(fault, path="2001/values")
    errors = [one.score_error for one in read(lms_server).results if one.score_error]
    assert errors == ["not-a-number"]


# --- the pretend LMS ---


def test_versions_are_told_to_everybody(lms_server: Server) -> None:
    found = get(lms_server, "/versions/", token="").json()
    assert {one["ProductCode"] for one in found} == {"lp", "le"}
    assert all(one["LatestVersion"] == one["SupportedVersions"][-1] for one in found)


def test_token_that_a_teacher_allowed_is_good_until_it_ends(lms_server: Server) -> None:
    keyring = lms_server.running.app.extensions["campus"].keyring
    token = keyring.issue(keyring.begin(Code("brightspace", "11", "https://tool.example/back")))
    granted = Brightspace(Settings("sandbox", lms_server.base_url, token))
    assert granted.read_gradebook(lms.Course("102")).results
    keyring.expire()
    with pytest.raises(Misconfigured) as caught:
        granted.read_gradebook(lms.Course("102"))
    assert caught.value.code == "token_refused"


@pytest.mark.parametrize("token", ["", "another"])
def test_other_tokens_are_refused(lms_server: Server, token: str) -> None:
    assert get(lms_server, "/le/1.99/101/grades/", token=token).status_code == 401


def test_token_is_an_option(start_lms: Callable[..., Server]) -> None:
    server = start_lms(extra={"brightspace_token": "mine"})
    assert server.hello["brightspace_token"] == "mine"
    assert get(server, "/le/1.99/101/grades/", token="mine").status_code == 200


@pytest.mark.parametrize(
    "path", ["/le/9.9/101/grades/", "/le/1.99/9999/grades/", "/le/1.99/101/grades/1/values/"]
)
def test_what_is_not_there_is_not_found(lms_server: Server, path: str) -> None:
    assert get(lms_server, path).status_code == 404


def test_pages_are_twenty_rows_unless_asked_and_two_hundred_at_most(start_lms: Callable[..., Server]) -> None:
    server = start_lms(students=230)
    path = "/le/1.99/101/grades/2001/values/"
    assert len(get(server, path).json()["Objects"]) == 20
    assert len(get(server, path, pageSize=1000).json()["Objects"]) == 200


def test_next_page_keeps_what_was_asked(lms_server: Server) -> None:
    first = get(lms_server, "/le/1.99/101/classlist/paged/", onlyShowShownInGrades="true", pageSize=5).json()
    assert "onlyShowShownInGrades=true" in first["Next"]
    assert {row["ClasslistRoleDisplayName"] for row in first["Objects"]} == {"Student"}


def test_numbers_are_written_digit_for_digit(lms_server: Server) -> None:
    rows = loads(get(lms_server, "/le/1.99/101/grades/2001/values/", pageSize=200).content)["Objects"]
    values = {row["User"]["Identifier"]: row["GradeValue"] for row in rows}
    assert str(values["5006"]["PointsNumerator"]) == "9.257"
    assert values["5002"] is None


def test_answers_tell_what_a_request_costs(lms_server: Server) -> None:
    assert get(lms_server, "/le/1.99/101/grades/").headers["X-Request-Cost"] == "10"
