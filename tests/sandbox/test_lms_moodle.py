"""Moodle's web services of the pretend LMS, and the product's own reader against them over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import requests

from gradesync_site.sandbox.control import loads
from sync.errors import Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.base import Settings, is_course_student
from sync.lms.canvas import Canvas
from sync.lms.contract import LmsContract, Story
from sync.lms.moodle import Moodle, functions
from tests.sandbox_servers import Server

pytest_plugins = ["tests.sandbox_servers"]

CURRENT = lms.COURSE_TOTAL_CURRENT


def call(server: Server, function: str, **arguments: object) -> Any:
    form = {
        "wstoken": server.hello["moodle_token"],
        "wsfunction": function,
        "moodlewsrestformat": "json",
        **arguments,
    }
    response = requests.post(f"{server.base_url}/webservice/rest/server.php", data=form, timeout=10)
    assert response.status_code == 200, response.text
    return loads(response.content)


def reader(server: Server, **options: str) -> Moodle:
    return Moodle(Settings("sandbox", server.base_url, server.hello["moodle_token"], options))


def read(server: Server, course: str = "101", **options: str) -> lms.Gradebook:
    return reader(server, **options).read_gradebook(lms.Course(course, "Algebra 1"))


def results(book: lms.Gradebook) -> dict[tuple[str, str], lms.Result]:
    return {(one.user_id, one.line_item_id): one for one in book.results}


class TestMoodleOverHttp(LmsContract):
    """The whole contract, on a course that the control API made."""

    story = Story("9001", "9002", "9003", "9009", "701", "702")

    @pytest.fixture(autouse=True)
    def _course(self, lms_server: Server) -> None:
        self.server = lms_server
        people = (
            (9001, "Ana Alvarez", "SIS-1001"),
            (9002, "Zoë Müller-Łukasz 李", "SIS-1002"),
            (9003, "Gus", ""),
        )
        lms_server.control(
            "course",
            id=901,
            name="Contract",
            sis_id="C-1",
            students=[{"id": number, "name": name, "sis_id": sis_id} for number, name, sis_id in people],
            teachers=[{"id": 9009, "name": "Tess"}],
            line_items=[
                {"id": 701, "title": "Homework 1", "maximum": 10},
                {"id": 702, "title": "Test", "maximum": 50},
            ],
            grades=[
                {"user": "9001", "assignment": "701", "score": 0},
                {"user": "9001", "assignment": "702", "score": Decimal("9.257")},
                {"user": "9002", "assignment": "702", "score": 52},
                {"user": "9003", "assignment": "701", "score": 5},
            ],
        )
        requests.delete(
            f"{lms_server.base_url}/_sandbox/student",
            json={"course": "901", "user": "9003", "state": "inactive"},
            timeout=10,
        ).raise_for_status()

    def make(self) -> Moodle:
        return reader(self.server)

    def course(self) -> lms.Course:
        return lms.Course("901", "Contract")

    def fail_reads(self) -> None:
        self.server.faults.on("results-500")

    def refuse_reads(self) -> None:
        self.server.faults.on("bearer-refused")


# --- what is read ---


def test_reader_sees_every_telling_grade(lms_server: Server) -> None:
    book = read(lms_server)
    found = results(book)
    assert found["5001", "2001"].score == 0
    # Moodle knows neither excused nor missing
    assert found["5002", "2001"].status is found["5003", "2001"].status is lms.Status.NOT_GRADED
    assert (found["5005", "2002"].score, found["5005", "2002"].maximum) == (104, 100)
    assert found["5006", "2001"].score == Decimal("9.257")
    assert found["5008", "2001"].status is lms.Status.NOT_GRADED
    assert book.complete and book.warnings == ()


def test_both_readers_see_the_same_students_with_the_same_grades(lms_server: Server) -> None:
    """Moodle has no statuses but graded and not graded, and its course total is another one."""
    other = Canvas(Settings("sandbox", lms_server.base_url, lms_server.hello["canvas_token"]))
    canvas = other.read_gradebook(lms.Course("context", custom={"canvas_course_id": "101"}))
    moodle = read(lms_server)
    for name in ("name", "sis_id", "login", "email"):
        assert {one.user_id: getattr(one, name) for one in moodle.members if is_course_student(one)} == {
            one.user_id: getattr(one, name) for one in canvas.members if is_course_student(one)
        }
    items = {
        one.line_item_id
        for one in canvas.line_items
        if one.kind == "assignment" and one.published and one.grading_type != "not_graded"
    }
    scores = {key: one.score for key, one in results(canvas).items() if key[1] in items}
    assert scores == {key: one.score for key, one in results(moodle).items() if key in scores}


def test_staff_is_told_from_students(lms_server: Server) -> None:
    book = read(lms_server)
    assert {one.user_id for one in book.members if one.is_teacher} == {"11", "13"}
    assert book.sections[0].sis_id == "ALG1-P3"


def test_student_by_student_says_the_same_as_one_answer(lms_server: Server) -> None:
    assert read(lms_server, read_by="student", streams="3") == read(lms_server, read_by="course")


def test_hidden_activity_is_read_and_not_posted(lms_server: Server) -> None:
    """Canvas lists it as unpublished; Moodle's report only says that its grades are hidden."""
    hidden = {one["id"] for one in lms_server.state["courses"]["101"]["assignments"] if not one["published"]}
    assert hidden
    found = [one for one in read(lms_server).results if one.line_item_id in map(str, hidden)]
    assert found and not any(one.posted for one in found)


def test_pass_fail_is_a_scale_with_its_words_as_scheme(lms_server: Server) -> None:
    book = read(lms_server, "104")
    item = next(one for one in book.line_items if one.line_item_id == "2402")
    words = {one.text for one in book.results if one.line_item_id == "2402" and one.text}
    assert words == {"complete", "incomplete"}
    assert [one.name for one in book.schemes[item.scheme_id].entries] == ["complete", "incomplete"]


def test_letters_come_where_the_course_shows_them(lms_server: Server) -> None:
    texts = {one.text for one in read(lms_server, "103").results if one.line_item_id == CURRENT}
    assert texts and texts <= {"A", "A-", "B+", "B", "B-", "C+", "C", "C-", "D", "F"}
    assert {one.text for one in read(lms_server, "101").results} == {None}


def test_due_dates_are_those_of_the_world(lms_server: Server) -> None:
    stated = {str(one["id"]): one["due_at"] for one in lms_server.state["courses"]["101"]["assignments"]}
    found = {one.line_item_id: one.due_at for one in read(lms_server).line_items if one.kind == "assignment"}
    assert found and all(due and f"{due:%Y-%m-%dT%H:%M:%SZ}" == stated[name] for name, due in found.items())


def test_categories_hold_their_items(lms_server: Server) -> None:
    lms_server.control("line_item", course="101", title="Lab 1", maximum=10, category="Labs")
    book = read(lms_server)
    assert {one.title for one in book.categories} >= {"Labs"}
    assert next(one for one in book.line_items if one.title == "Lab 1").category == "Labs"


def test_grade_edited_by_a_teacher_is_read_at_once(lms_server: Server) -> None:
    lms_server.control("grade", course="101", user="5001", assignment="2001", score=Decimal("7.125"))
    assert results(read(lms_server))["5001", "2001"].score == Decimal("7.125")


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("results-500", TryLater),
        ("results-short", TryLater),
        ("moodle-maintenance", TryLater),
        ("moodle-exception", TryLater),
        ("html-instead-of-json", TryLater),
        ("moodle-off", Misconfigured),
        ("moodle-setting-off", Misconfigured),
        ("bearer-refused", Misconfigured),
        ("wrong-scope", Misconfigured),
        ("course-gone", Misconfigured),
    ],
)
@pytest.mark.parametrize("read_by", ["course", "student"])
def test_reader_raises_rather_than_return_part(
    lms_server: Server, fault: str, error: type[Exception], read_by: str
) -> None:
    lms_server.faults.on(fault)
    with pytest.raises(error):
        read(lms_server, read_by=read_by)


def test_setting_that_is_off_is_named(lms_server: Server) -> None:
    lms_server.faults.on("moodle-setting-off", setting="grade")
    with pytest.raises(Misconfigured, match="“Show grades” is off"):
        read(lms_server)


@pytest.mark.parametrize("setting", ["weight", "percentage", "feedback"])
def test_settings_that_do_not_matter_may_be_off(lms_server: Server, setting: str) -> None:
    before = read(lms_server)
    lms_server.faults.on("moodle-setting-off", setting=setting)
    assert read(lms_server) == before


def test_right_that_is_missing_keeps_an_assignment_back_and_withdraws_nothing(lms_server: Server) -> None:
    lms_server.faults.on("moodle-right-missing")
    book = read(lms_server)
    assert "2001" not in {one.line_item_id for one in book.line_items}
    assert not book.complete
    assert [text for text in book.warnings if "moodle/grade:viewhidden" in text]


def test_hidden_grade_of_one_student_is_not_taken_for_none(lms_server: Server) -> None:
    lms_server.faults.on("moodle-hidden-grade")
    errors = [one for one in read(lms_server).results if one.score_error]
    assert [(one.line_item_id, one.score_error) for one in errors] == [("2001", "not-shown")]


def test_function_outside_the_service_is_named(lms_server: Server) -> None:
    lms_server.faults.on("moodle-exception", errorcode="accessexception", path=functions.STUDENTS)
    with pytest.raises(Misconfigured, match=functions.STUDENTS):
        read(lms_server)


def test_function_that_is_not_needed_may_be_outside_the_service(lms_server: Server) -> None:
    before = read(lms_server)
    lms_server.faults.on("moodle-exception", errorcode="accessexception", path=functions.TREE)
    assert read(lms_server).results == before.results


@pytest.mark.parametrize("fault", ["score-not-a-number", "score-nan"])
def test_what_is_no_number_is_a_problem_of_one_result(lms_server: Server, fault: str) -> None:
    lms_server.faults.on(fault)
    errors = [one.score_error for one in read(lms_server).results if one.score_error]
    assert errors == ["not-a-number"]


def test_check_knows_the_sandbox_for_a_moodle(lms_server: Server) -> None:
    assert all(one.ok for one in reader(lms_server).check())


def test_large_course_comes_whole_with_few_requests(start_lms: Callable[..., Server]) -> None:
    server = start_lms(students=60, line_items=20)
    book = read(server)
    students = [one for one in book.members if is_course_student(one)]
    assert len(students) >= 60
    assert len(book.results) == len(students) * len(book.line_items)
    asked = [one["body"]["wsfunction"] for one in server.journal]
    assert len(asked) == 7 and asked.count(functions.REPORT) == 1


# --- the wire itself ---


def test_failures_come_with_status_200(lms_server: Server) -> None:
    for arguments in ({"wstoken": "wrong"}, {"wsfunction": "core_nothing"}):
        found = call(lms_server, functions.SITE, **arguments)
        assert set(found) == {"exception", "errorcode", "message"}
    assert call(lms_server, functions.REPORT, courseid="999")["errorcode"] == "invalidrecord"


def test_token_is_not_in_the_journal(lms_server: Server) -> None:
    call(lms_server, functions.SITE)
    assert lms_server.hello["moodle_token"] not in str(lms_server.journal)


def test_without_json_asked_for_the_answer_is_xml(lms_server: Server) -> None:
    form = {"wstoken": lms_server.hello["moodle_token"], "wsfunction": functions.SITE}
    answer = requests.post(f"{lms_server.base_url}/webservice/rest/server.php", data=form, timeout=10)
    assert answer.headers["Content-Type"].startswith("application/xml")


def test_report_of_one_student_holds_one(lms_server: Server) -> None:
    found = call(lms_server, functions.REPORT, courseid="101", userid="5001")
    assert [one["userid"] for one in found["usergrades"]] == [5001]


def test_total_is_out_of_what_was_graded(lms_server: Server) -> None:
    rows = call(lms_server, functions.REPORT, courseid="101")["usergrades"]
    totals = [next(one for one in row["gradeitems"] if one["itemtype"] == "course") for row in rows]
    assert len({one["grademax"] for one in totals}) > 1


def test_tree_is_a_text_that_holds_json(lms_server: Server) -> None:
    text = call(lms_server, functions.TREE, courseid="101")
    assert isinstance(text, str) and loads(text)["iscategory"] is True


def test_suspended_people_come_unless_only_active_ones_are_asked_for(lms_server: Server) -> None:
    everybody = call(lms_server, functions.STUDENTS, courseid="101")["users"]
    active = call(lms_server, functions.STUDENTS, courseid="101", onlyactive=1)["users"]
    assert len(everybody) > len(active)
    asked = {"options[0][name]": "onlyactive", "options[0][value]": "1"}
    assert len(call(lms_server, functions.PEOPLE, courseid="101", **asked)) < len(
        call(lms_server, functions.PEOPLE, courseid="101")
    )
