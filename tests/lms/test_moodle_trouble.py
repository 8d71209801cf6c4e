"""What goes wrong on Moodle's side of the wire, and what it keeps back in silence: said, never taken for "nothing there"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import pytest
import requests
import responses

from lti_tool import http
from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.base import Settings
from sync.lms.moodle import Moodle, functions
from tests.lms.moodle_wire import (
    ANA,
    BASE,
    HOMEWORK,
    LAB,
    PARTICIPATION,
    QUIZ,
    TOKEN,
    TOTAL,
    URL,
    ZOE,
    MoodleWire,
    course,
    exception,
    moodle,
)

CURRENT = lms.COURSE_TOTAL_CURRENT
Error = TypeVar("Error", bound=AdapterError)


@pytest.fixture
def wire(mock: responses.RequestsMock) -> MoodleWire:
    wire = MoodleWire()
    wire.serve(mock)
    return wire


def failure(kind: type[Error], asked: lms.Course | None = None, **options: str) -> Error:
    with pytest.raises(kind) as caught:
        moodle(**options).read_gradebook(asked or course())
    text = str(caught.value)
    assert TOKEN not in text and "Alvarez" not in text and "SIS-1001" not in text
    return caught.value


def read(**options: str) -> lms.Gradebook:
    return moodle(**options).read_gradebook(course())


def result(book: lms.Gradebook, user_id: str, item_id: int | str) -> lms.Result:
    return next(one for one in book.results if (one.user_id, one.line_item_id) == (user_id, str(item_id)))


def ids(book: lms.Gradebook) -> set[str]:
    return {one.line_item_id for one in book.line_items}


# --- what the account may not see: assignments ---


@pytest.mark.parametrize("read_by", ["course", "student"])
def test_assignment_that_the_report_leaves_out_is_named_and_nothing_is_withdrawn(
    wire: MoodleWire, read_by: str
) -> None:
    wire.take_out(LAB)
    book = read(read_by=read_by)
    assert str(LAB) not in ids(book)
    assert not book.complete
    [text] = [one for one in book.warnings if "out of its report" in one]
    assert "“Lab report”" in text and "moodle/grade:viewhidden" in text and "mod/…:view" in text


def test_only_the_first_titles_of_many_are_named(wire: MoodleWire) -> None:
    rows = wire.data[functions.ITEMS]["gradeItems"]
    rows += [{"id": str(900 + at), "itemname": f"Extra {at}"} for at in range(7)]
    [text] = [one for one in read().warnings if "out of its report" in one]
    assert "“Extra 4” and 2 more" in text


def test_total_is_not_offered_while_assignments_are_kept_back(wire: MoodleWire) -> None:
    wire.take_out(LAB)
    book = read()
    assert CURRENT not in ids(book) | {one.line_item_id for one in book.results}
    assert [text for text in book.warnings if text.startswith("The course total is not offered")]


def test_total_stands_where_the_account_surely_sees_what_is_hidden(wire: MoodleWire) -> None:
    wire.take_out(LAB)
    wire.row(ANA, QUIZ)["gradeishidden"] = True
    book = read()
    assert result(book, ANA, CURRENT).score is not None
    assert not book.complete


def test_total_that_nobody_asked_for_is_not_missed(wire: MoodleWire) -> None:
    wire.take_out(LAB)
    assert not [text for text in read(course_totals="no").warnings if "total" in text]


# --- what the account may not see: single grades ---


@pytest.mark.parametrize("read_by", ["course", "student"])
def test_grade_that_is_left_out_for_one_student_is_not_taken_for_none(wire: MoodleWire, read_by: str) -> None:
    wire.take_out(QUIZ, ANA)
    book = read(read_by=read_by)
    ana = result(book, ANA, QUIZ)
    assert (ana.status, ana.score, ana.score_error) == (lms.Status.NOT_GRADED, None, "not-shown")
    assert result(book, ZOE, QUIZ).score == 52
    assert not book.complete and CURRENT not in ids(book)
    assert [
        text
        for text in book.warnings
        if text.startswith("Hidden grades that Moodle keeps") and ": 1." in text
    ]


def test_hidden_grade_without_its_number_is_not_taken_for_none(wire: MoodleWire) -> None:
    """The report shows hidden items, and the account may not see hidden grades: then null comes instead of a number."""
    wire.row(ANA, QUIZ).update(graderaw=None, gradeishidden=True)
    book = read()
    assert result(book, ANA, QUIZ).score_error == "not-shown"
    assert not book.complete


def test_hidden_item_without_a_grade_is_not_graded(wire: MoodleWire) -> None:
    wire.row(ZOE, HOMEWORK).update(gradeishidden=True)
    book = read()
    assert (result(book, ZOE, HOMEWORK).status, result(book, ZOE, HOMEWORK).score_error) == (
        lms.Status.NOT_GRADED,
        "",
    )
    assert book.complete


def test_feedback_on_a_hidden_item_shows_that_the_account_sees_what_is_hidden(wire: MoodleWire) -> None:
    wire.row(ANA, QUIZ).update(graderaw=None, gradeishidden=True, feedback="Come and see me")
    book = read()
    assert result(book, ANA, QUIZ).score_error == ""
    assert book.complete


def test_grade_that_shows_only_its_date_is_not_taken_for_none(wire: MoodleWire) -> None:
    wire.row(ANA, QUIZ).update(
        graderaw=None, gradeishidden=True, gradehiddenbydate=True, gradedategraded=None
    )
    assert result(read(), ANA, QUIZ).score_error == "not-shown"


def test_one_hidden_grade_with_its_number_does_not_outweigh_what_is_kept_back(wire: MoodleWire) -> None:
    """As when a right is granted, or taken away, while students are read one by one."""
    wire.row(ANA, HOMEWORK)["gradeishidden"] = True
    wire.row(ZOE, QUIZ).update(graderaw=None, gradeishidden=True)
    wire.take_out(LAB, ANA)
    book = read(read_by="student")
    kept_back = {(one.user_id, one.line_item_id) for one in book.results if one.score_error == "not-shown"}
    assert kept_back == {(ZOE, str(QUIZ)), (ANA, str(LAB))}


def test_total_that_is_left_out_for_one_student_is_offered_to_nobody(wire: MoodleWire) -> None:
    wire.take_out(TOTAL, ANA)
    assert CURRENT not in ids(read())


def test_hidden_grade_of_somebody_suspended_concerns_nobody(wire: MoodleWire) -> None:
    gus = http.loads(http.dumps(wire.student(ANA))) | {"userid": 6}
    wire.report.append(gus)
    wire.take_out(QUIZ, "6")
    assert read().complete


# --- display settings: absent is not null ---


@pytest.mark.parametrize(
    ("fields", "setting"),
    [
        (("graderaw", "gradeneedsupdate", "gradeishidden", "gradeisoverridden"), "“Show grades”"),
        (("grademin", "grademax", "rangeformatted"), "“Show ranges”"),
        (("graderaw", "grademin", "grademax"), "“Show grades” and “Show ranges”"),
    ],
)
def test_field_that_a_setting_takes_away_names_the_setting_and_is_no_empty_gradebook(
    wire: MoodleWire, fields: tuple[str, ...], setting: str
) -> None:
    for user in wire.report:
        for row in user["gradeitems"]:
            for name in fields:
                row.pop(name)
    error = failure(Misconfigured)
    assert error.code == "grades_not_shown"
    assert f"{setting} is off" in str(error)
    assert "administrator" in str(error)


def test_other_display_settings_may_be_off(wire: MoodleWire) -> None:
    before = read()
    for user in wire.report:
        for row in user["gradeitems"]:
            for name in ("percentageformatted", "feedback", "feedbackformat", "weightraw", "weightformatted"):
                row.pop(name)
    assert read() == before


# --- grades that Moodle could not compute ---


def test_item_that_moodle_could_not_compute_is_held_back(wire: MoodleWire) -> None:
    for row in wire.rows(LAB):
        row.update(gradeneedsupdate=True, graderaw=None, gradeformatted="Error")
    book = read()
    assert not next(one for one in book.line_items if one.line_item_id == str(LAB)).published
    assert str(LAB) not in {one.line_item_id for one in book.results}
    assert [text for text in book.warnings if "could not compute (its gradebook shows “Error”): 1." in text]


def test_total_that_moodle_could_not_compute_is_not_offered(wire: MoodleWire) -> None:
    for row in wire.rows(TOTAL):
        row.update(gradeneedsupdate=True, graderaw=None)
    book = read()
    assert CURRENT not in ids(book) | {one.line_item_id for one in book.results}
    assert [text for text in book.warnings if "could not compute the course total" in text]


# --- the whole course, or nothing ---


@pytest.mark.parametrize("name", [*functions.REQUIRED, functions.TREE, functions.COURSES])
def test_any_list_that_fails_fails_the_whole_read(wire: MoodleWire, name: str) -> None:
    wire.answers[name] = (500, {}, "")
    failure(TryLater)


@pytest.mark.parametrize("read_by", ["course", "student"])
def test_report_without_a_student_of_the_course_is_not_taken_for_all(wire: MoodleWire, read_by: str) -> None:
    del wire.report[0]
    text = str(failure(TryLater, read_by=read_by))
    assert "moodle/site:accessallgroups" in text or read_by == "student"


def test_failure_at_a_later_student_fails_the_whole_read(wire: MoodleWire) -> None:
    wire.answers[functions.REPORT] = lambda form: (502, {}, "<html>") if form["userid"] == ZOE else None
    failure(TryLater, read_by="student")


def test_grades_of_another_student_than_was_asked_for_are_not_taken(wire: MoodleWire) -> None:
    answer = http.dumps({"usergrades": [wire.student(ANA)], "warnings": []})
    wire.answers[functions.REPORT] = (200, {}, answer)
    failure(TryLater, read_by="student")


def test_student_who_comes_twice_ends_the_read(wire: MoodleWire) -> None:
    wire.report.append(wire.student(ANA))
    failure(TryLater)


@pytest.mark.parametrize("name", [functions.STUDENTS, functions.PEOPLE])
def test_person_who_is_listed_twice_ends_the_read(wire: MoodleWire, name: str) -> None:
    wire.people(name).append(wire.people(name)[0])
    failure(TryLater)


@pytest.mark.parametrize("row", [{"id": HOMEWORK}, {"id": None}, "row", None, {}])
def test_row_that_is_no_item_of_its_own_ends_the_read(wire: MoodleWire, row: object) -> None:
    wire.student(ANA)["gradeitems"].append(row)
    failure(TryLater)


@pytest.mark.parametrize("change", [{"userid": None}, {"gradeitems": None}, {"gradeitems": {}}])
def test_grades_of_nobody_end_the_read(wire: MoodleWire, change: dict[str, object]) -> None:
    wire.student(ANA).update(change)
    failure(TryLater)


@pytest.mark.parametrize(
    "body",
    [
        "<html>Maintenance</html>",
        "",
        '{"usergrades":',
        "<br />\n<b>Notice</b>: x{}",
        "[]",
        "null",
        '"x"',
        "{}",
    ],
)
@pytest.mark.parametrize("name", [functions.REPORT, functions.ITEMS])
def test_page_instead_of_data_is_no_empty_course(wire: MoodleWire, name: str, body: str) -> None:
    wire.answers[name] = (200, {"Content-Type": "text/html"}, body)
    assert "administrator" in str(failure(TryLater))


def test_warnings_beside_the_report_are_not_passed_over(wire: MoodleWire) -> None:
    wire.data[functions.REPORT]["warnings"] = [
        {"item": "user", "itemid": 4, "warningcode": "1", "message": "Ana"}
    ]
    book = read()
    assert not book.complete
    assert [text for text in book.warnings if text.startswith("Moodle adds warnings")]


@pytest.mark.parametrize(
    "error", [requests.ConnectTimeout(), requests.ReadTimeout(), requests.ConnectionError()]
)
def test_no_answer_in_time_is_tried_later(
    mock: responses.RequestsMock, error: requests.RequestException
) -> None:
    mock.add(responses.POST, URL, body=error)
    failure(TryLater)


# --- exceptions, which come with status 200 ---


@pytest.mark.parametrize(
    ("errorcode", "code", "said"),
    [
        ("invalidtoken", "token_refused", "administrator"),
        ("accessexception", "function_missing", functions.REPORT),
        ("nopermissions", "forbidden", "moodle/grade:viewall"),
        ("nopermissiontoviewgrades", "forbidden", "moodle/grade:viewall"),
        ("requireloginerror", "forbidden", "moodle/course:viewhiddencourses"),
        ("errorcoursecontextnotvalid", "forbidden", "moodle/course:view"),
        ("notingroup", "forbidden", "moodle/site:accessallgroups"),
        ("invalidrecord", "course_unknown", "4.3"),
        ("invalidparameter", "unexpected_answer", "administrator of this tool"),
        ("usernotfullysetup", "account_unusable", "account is locked"),
        ("servicenotavailable", "web_services_off", "external service"),
    ],
)
def test_exception_says_which_administrator_must_do_what(
    wire: MoodleWire, errorcode: str, code: str, said: str
) -> None:
    wire.answers[functions.REPORT] = exception(errorcode)
    error = failure(Misconfigured)
    assert error.code == code
    assert said in str(error) and "administrator" in str(error)


@pytest.mark.parametrize(
    "errorcode", ["sitemaintenance", "dmlreadexception", "somethingnew", "Ana Alvarez", ""]
)
def test_exception_that_may_pass_is_tried_later(wire: MoodleWire, errorcode: str) -> None:
    wire.answers[functions.REPORT] = exception(errorcode)
    failure(TryLater)


@pytest.mark.parametrize(
    "body", ['{"exception":"x"', '["exception"]', '{"exception":"x"}', '{"exception":"x","errorcode":5}']
)
def test_exception_without_its_code_is_one_all_the_same(wire: MoodleWire, body: str) -> None:
    wire.answers[functions.ITEMS] = (200, {}, body)
    failure(TryLater)


@pytest.mark.parametrize("errorcode", ["accessexception", "nopermissions", "invalidrecord"])
@pytest.mark.parametrize("name", functions.OPTIONAL)
def test_course_is_read_without_a_function_that_it_can_do_without(
    wire: MoodleWire, name: str, errorcode: str
) -> None:
    wire.answers[name] = exception(errorcode)
    book = read()
    assert result(book, ANA, QUIZ).score is not None and book.complete


@pytest.mark.parametrize("name", functions.OPTIONAL)
def test_token_that_is_refused_in_between_is_not_passed_over(wire: MoodleWire, name: str) -> None:
    wire.answers[name] = exception("invalidtoken")
    assert failure(Misconfigured).code == "token_refused"


def test_people_that_may_not_be_listed_at_all_fail_the_read(wire: MoodleWire) -> None:
    wire.answers[functions.PEOPLE] = exception("nopermissions")
    assert "moodle/course:viewparticipants" in str(failure(Misconfigured))
    wire.answers[functions.PEOPLE] = exception("accessexception")
    assert failure(Misconfigured).code == "function_missing"


def test_feedback_that_looks_like_an_exception_is_feedback(wire: MoodleWire) -> None:
    wire.row(ANA, QUIZ)["feedback"] = '{"exception":"x","errorcode":"invalidtoken"}'
    wire.row(ANA, HOMEWORK)["exception"] = "x"
    assert read().complete


def test_token_that_can_be_renewed_is_renewed_once(wire: MoodleWire) -> None:
    class Renewing:
        spent: list[str] = []

        def token(self) -> str:
            return "old"

        def renew(self, spent: str) -> str:
            self.spent.append(spent)
            return TOKEN

    account = Renewing()
    reader = Moodle(Settings("moodle", BASE, "", {"streams": "1"}), account=account)
    assert reader.read_gradebook(course()).complete
    assert account.spent == ["old"]


# --- statuses ---


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "web_services_off"),
        (404, "unexpected_answer"),
        (303, "unexpected_answer"),
        (401, "token_refused"),
        (400, "unexpected_answer"),
    ],
)
def test_status_says_who_must_act(wire: MoodleWire, status: int, code: str) -> None:
    wire.answers[functions.REPORT] = (status, {"Location": "https://elsewhere.example/"}, "")
    error = failure(Misconfigured)
    assert error.code == code and "administrator" in str(error)


@pytest.mark.parametrize(
    ("status", "headers", "after"), [(503, {}, None), (503, {"Retry-After": "120"}, 120), (500, {}, None)]
)
def test_maintenance_and_breakdown_are_tried_later(
    wire: MoodleWire, status: int, headers: Mapping[str, str], after: int | None
) -> None:
    wire.answers[functions.REPORT] = (status, headers, "<html>Down for maintenance</html>")
    assert failure(TryLater).after == after


# --- set up wrongly ---


@pytest.mark.parametrize("stated", ["", "opaque-context", "2/../3", "0", "2 3", "-2", "2&userid=4"])
def test_course_that_is_no_moodle_course_is_refused(wire: MoodleWire, stated: str) -> None:
    failure(Misconfigured, course(stated))
    assert wire.forms == []


@pytest.mark.parametrize(("base_url", "token"), [("", TOKEN), (BASE, "")])
def test_connection_without_address_or_token_says_so(base_url: str, token: str) -> None:
    with pytest.raises(Misconfigured, match="administrator must add it"):
        Moodle(Settings("moodle", base_url, token)).read_gradebook(course())


def test_plain_http_address_is_refused_before_the_token_leaves(mock: responses.RequestsMock) -> None:
    with pytest.raises(Misconfigured, match="https"):
        Moodle(Settings("moodle", "http://moodle.example", TOKEN)).read_gradebook(course())
    assert len(mock.calls) == 0


@pytest.mark.parametrize(
    "options",
    [
        {"streams": "0"},
        {"streams": "9"},
        {"streams": "many"},
        {"wait_s": "29"},
        {"wait_s": "1" * 9},
        {"letters": "A"},
        {"letters": "A=x"},
        {"letters": "=90"},
        {"letters": "A=101"},
        {"letters": "A=-1"},
        {"letters": "A=NaN"},
        {"letters": "A=1e-999999999"},
        {"letters": "A=93.123456"},
        {"letters": "A=90,A=80"},
        {"letters": "A=90,B=90.0"},
    ],
)
def test_option_that_cannot_be_used_is_refused_and_named(wire: MoodleWire, options: dict[str, str]) -> None:
    error = failure(Misconfigured, **options)
    assert error.code == "option_unusable"
    assert f"“{next(iter(options))}”" in str(error)
    assert wire.forms == []


# --- the connection's check ---


def test_check_says_version_functions_and_rights(wire: MoodleWire) -> None:
    found = moodle().check()
    assert all(one.ok for one in found)
    assert "4.5.6" in found[0].text
    assert "moodle/grade:viewall" in found[-1].text


def test_check_names_the_functions_that_the_service_lacks(wire: MoodleWire) -> None:
    site: dict[str, Any] = wire.data[functions.SITE]
    site["functions"] = [
        one for one in site["functions"] if one["name"] not in (functions.STUDENTS, functions.TREE)
    ]
    needed, further = moodle().check()[1:3]
    assert not needed.ok and "core_grades_get_gradable_users (students)" in needed.text
    assert further.ok and "core_grades_get_grade_tree (categories)" in further.text


@pytest.mark.parametrize("rows", [None, {}, [1, None]])
def test_check_of_a_site_that_lists_nothing_finds_everything_missing(wire: MoodleWire, rows: object) -> None:
    wire.data[functions.SITE] = {"functions": rows}
    assert [one.ok for one in moodle().check()] == [True, False, True, True]


def test_check_tells_a_bad_token_and_a_bad_option(wire: MoodleWire) -> None:
    wire.answers[functions.SITE] = exception("invalidtoken")
    [found] = moodle().check()
    assert not found.ok and "expired" in found.text
    [found] = moodle(letters="A").check()
    assert not found.ok and "“letters”" in found.text


def test_check_of_a_busy_moodle_is_not_a_finding(wire: MoodleWire) -> None:
    wire.answers[functions.SITE] = (503, {}, "")
    with pytest.raises(TryLater):
        moodle().check()


def test_participation_without_a_row_stays_listed(wire: MoodleWire) -> None:
    for row in wire.rows(PARTICIPATION):
        row["graderaw"] = None
    assert str(PARTICIPATION) in ids(read())
