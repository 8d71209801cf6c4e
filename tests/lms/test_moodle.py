"""A whole Moodle course, read over the wire: people, line items, grades, scales, the course total."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import responses

from lti_tool import http
from sync import scales
from sync.lms import records as lms
from sync.lms.base import Settings, is_course_student
from sync.lms.contract import LmsContract, Story
from sync.lms.moodle import Moodle, functions, structure
from tests.lms.moodle_wire import (
    ANA,
    GUS,
    HELPER,
    HOMEWORK,
    LAB,
    MASTERY,
    PARTICIPATION,
    QUIZ,
    TEACHER,
    TOKEN,
    TOTAL,
    ZOE,
    MoodleWire,
    course,
    moodle,
)

CURRENT = lms.COURSE_TOTAL_CURRENT


@pytest.fixture
def wire(mock: responses.RequestsMock) -> MoodleWire:
    wire = MoodleWire()
    wire.serve(mock)
    return wire


class MoodleContract(LmsContract):
    story = Story(ANA, ZOE, GUS, TEACHER, str(HOMEWORK), str(QUIZ))
    private = (*LmsContract.private, TOKEN, "Alvarez")
    options: dict[str, str] = {}

    @pytest.fixture(autouse=True)
    def _course(self, wire: MoodleWire) -> None:
        self.wire = wire

    def make(self) -> Moodle:
        return moodle(**self.options)

    def course(self) -> lms.Course:
        return course()

    def fail_reads(self) -> None:
        self.wire.answers[functions.REPORT] = (503, {}, "<html>Ana Alvarez 9.257</html>")

    def refuse_reads(self) -> None:
        for name in self.wire.data:
            self.wire.answers[name] = (200, {}, http.dumps({"exception": "x", "errorcode": "invalidtoken"}))


class TestMoodle(MoodleContract):
    pass


class TestMoodleByStudent(MoodleContract):
    options = {"read_by": "student"}


def read(**options: str) -> lms.Gradebook:
    return moodle(**options).read_gradebook(course())


def result(book: lms.Gradebook, user_id: str, item_id: int | str) -> lms.Result:
    return next(one for one in book.results if (one.user_id, one.line_item_id) == (user_id, str(item_id)))


def item(book: lms.Gradebook, item_id: int | str) -> lms.LineItem:
    return next(one for one in book.line_items if one.line_item_id == str(item_id))


def member(book: lms.Gradebook, user_id: str) -> lms.Member:
    return next(one for one in book.members if one.user_id == user_id)


def changed(wire: MoodleWire, **changes: Any) -> lms.Result:
    """Ana's Homework 1 after these changes to her row."""
    wire.row(ANA, HOMEWORK).update(changes)
    return result(read(), ANA, HOMEWORK)


# --- requests ---


def test_a_course_is_eight_requests_and_a_scale_one_more(wire: MoodleWire) -> None:
    read()
    asked = [form["wsfunction"] for form in wire.forms]
    assert sorted(asked) == sorted([*functions.REQUIRED, *functions.OPTIONAL])
    assert len(asked) == 8


def test_token_and_format_are_in_the_form_and_the_course_is_the_launchs_context(wire: MoodleWire) -> None:
    read()
    [form] = wire.asked(functions.REPORT)
    assert form == {
        "wstoken": TOKEN,
        "wsfunction": functions.REPORT,
        "moodlewsrestformat": "json",
        "courseid": "2",
    }


def test_address_may_be_given_with_the_services_path(wire: MoodleWire) -> None:
    reader = Moodle(Settings("m", "https://moodle.example/webservice/rest/server.php/", TOKEN))
    assert reader.read_gradebook(course()).members


def test_student_by_student_says_what_the_whole_report_says(wire: MoodleWire) -> None:
    whole = read(read_by="course")
    assert read(read_by="student") == whole
    asked = [form.get("userid") for form in wire.asked(functions.REPORT)]
    assert (asked[0], sorted(filter(None, asked))) == (None, sorted([ANA, ZOE]))  # the students side by side


def test_a_very_large_course_comes_student_by_student(
    wire: MoodleWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.lms.moodle.reading.MOST_IN_ONE_ANSWER", 11)
    whole = read(read_by="course")
    assert read() == whole
    asked = [form.get("userid") for form in wire.asked(functions.REPORT)]
    assert (asked[0], sorted(filter(None, asked))) == (None, sorted([ANA, ZOE]))  # the students side by side


def test_progress_is_told_while_students_are_read(wire: MoodleWire) -> None:
    told: list[tuple[str, int]] = []
    reader = moodle(read_by="student")
    reader.heard = lambda what, count: told.append((what, count))
    reader.read_gradebook(course())
    assert told == [("students", 2), ("items", 5), ("results", 12)]


# --- people ---


def test_student_has_her_numbers_names_login_and_email(wire: MoodleWire) -> None:
    zoe = member(read(), ZOE)
    assert (zoe.name, zoe.given_name, zoe.family_name) == ("Zoë Müller-Łukasz 李", "Zoë", "Müller-Łukasz 李")
    assert (zoe.sis_id, zoe.login, zoe.email) == ("SIS-1002", "stu2", "zoe@school.example")
    assert zoe.roles == ("student",)


def test_teachers_and_non_editing_teachers_teach_and_others_do_not(wire: MoodleWire) -> None:
    book = read()
    assert {one.user_id for one in book.members if one.is_teacher} == {TEACHER, HELPER}
    assert {one.user_id for one in book.members if is_course_student(one)} == {ANA, ZOE}
    assert not member(book, "8").is_student


def test_roles_that_teach_may_be_named(wire: MoodleWire) -> None:
    book = read(teacher_roles="observer,editingteacher")
    assert {one.user_id for one in book.members if one.is_teacher} == {TEACHER, "8"}


def test_suspended_enrolments_are_left_out(wire: MoodleWire) -> None:
    assert GUS not in {one.user_id for one in read().members}


def test_account_that_may_not_ask_for_active_people_gets_all_and_gus_is_not_active(wire: MoodleWire) -> None:
    wire.answers[functions.PEOPLE] = lambda form: (
        (200, {}, http.dumps({"exception": "required_capability_exception", "errorcode": "nopermissions"}))
        if "onlyactive" in form.values()
        else None
    )
    gus = member(read(), GUS)
    assert gus.is_student and not gus.active


def test_suspended_student_whom_the_report_still_lists_has_no_results(wire: MoodleWire) -> None:
    gus = http.loads(http.dumps(wire.student(ANA))) | {"userid": 6, "userfullname": "Gus Gone"}
    wire.report.append(gus)
    book = read()
    assert not member(book, GUS).active and member(book, GUS).is_student
    assert GUS not in {one.user_id for one in book.results}
    assert book.complete and book.warnings == ()


def test_student_whose_whole_account_is_suspended_is_not_asked_for(wire: MoodleWire) -> None:
    wire.people(functions.STUDENTS)[0]["suspended"] = True
    by_student = read(read_by="student")
    assert not member(by_student, ANA).active and member(by_student, ANA).is_student
    assert [form["userid"] for form in wire.asked(functions.REPORT)] == [ZOE]
    assert {one.user_id for one in read().results} == {one.user_id for one in by_student.results} == {ZOE}


def test_teacher_who_was_a_student_is_a_teacher(wire: MoodleWire) -> None:
    wire.people()[0]["roles"].append({"roleid": 5, "shortname": "student"})
    tess = member(read(), TEACHER)
    assert tess.is_teacher and tess.active and not tess.is_student


def test_the_course_is_one_section_with_its_id_number(wire: MoodleWire) -> None:
    book = read()
    assert book.sections == (lms.Section("2", "SEC-ALG1-P3", "Algebra 1 - Period 3"),)
    assert member(book, ANA).section_ids == ("2",)


def test_student_without_an_id_number_has_no_sis_id(wire: MoodleWire) -> None:
    wire.student(ANA)["useridnumber"] = wire.people(functions.STUDENTS)[0]["idnumber"] = ""
    assert member(read(), ANA).sis_id == ""


def test_odd_roles_are_no_roles(wire: MoodleWire) -> None:
    wire.people()[0]["roles"] = None
    wire.people()[3]["roles"] = ["teacher", {"shortname": None}]
    assert [one.user_id for one in read().members if one.is_teacher] == []


def test_list_of_people_that_lacks_students_is_mentioned(wire: MoodleWire) -> None:
    del wire.people()[1]
    book = read()
    assert member(book, ANA).active
    assert [text for text in book.warnings if "teachers may be missing" in text]


# --- line items ---


def test_titles_come_as_the_teacher_wrote_them(wire: MoodleWire) -> None:
    assert item(read(), QUIZ).title == 'Quiz <1> & "Review"'


def test_items_have_position_due_time_and_category(wire: MoodleWire) -> None:
    book = read()
    due = item(book, HOMEWORK).due_at
    assert due is not None and due.isoformat() == "2026-10-05T23:59:59+00:00"
    assert item(book, QUIZ).due_at is None
    assert (item(book, LAB).category, item(book, LAB).category_id) == ("Labs", "3")
    assert (item(book, HOMEWORK).category, item(book, HOMEWORK).category_id) == ("", "")
    assert book.categories == (lms.Category("3", "Labs", position=1),)
    assert [one.position for one in book.line_items] == [1, 2, 3, 4, 5, 6]


def test_categories_are_no_line_items(wire: MoodleWire) -> None:
    assert "5" not in {one.line_item_id for one in read().line_items}


def test_categories_within_categories_are_found_and_nonsense_is_not(wire: MoodleWire) -> None:
    inner = {"id": 9, "name": "Inner &amp; more", "iscategory": True, "children": None}
    outer = {"id": 8, "name": "Outer", "iscategory": True, "children": [inner, 5, {"iscategory": True}]}
    wire.data[functions.TREE] = http.dumps({"id": 2, "name": "Course", "children": [outer]})
    assert [(one.category_id, one.title) for one in read().categories] == [
        ("8", "Outer"),
        ("9", "Inner & more"),
    ]


@pytest.mark.parametrize("tree", ["no JSON", "[]", "null", {"children": []}])
def test_tree_that_is_none_means_no_categories(wire: MoodleWire, tree: object) -> None:
    wire.data[functions.TREE] = tree
    assert read().categories == ()


def test_item_that_is_set_to_no_grade_is_not_graded(wire: MoodleWire) -> None:
    wire.data[functions.ITEMS]["gradeItems"] = [
        one for one in wire.data[functions.ITEMS]["gradeItems"] if one["id"] != str(PARTICIPATION)
    ]
    for row in wire.rows(PARTICIPATION):
        row["graderaw"] = None
    book = read()
    assert item(book, PARTICIPATION).grading_type == "not_graded"
    assert book.complete and book.warnings == ()


def test_item_that_appeared_between_two_requests_keeps_its_grades(wire: MoodleWire) -> None:
    del wire.data[functions.ITEMS]["gradeItems"][-1]
    assert item(read(), PARTICIPATION).grading_type == "points"


def test_item_without_a_name_takes_it_from_the_other_list(wire: MoodleWire) -> None:
    for row in wire.rows(HOMEWORK):
        row["itemname"] = None
    assert item(read(), HOMEWORK).title == "Homework 1"


def test_maximum_is_the_items_own_where_some_were_graded_by_an_older_one(wire: MoodleWire) -> None:
    wire.row(ANA, HOMEWORK).update(grademax=20)
    book = read()
    assert item(book, HOMEWORK).maximum == Decimal(10)
    assert result(book, ANA, HOMEWORK).maximum == Decimal(20)


def test_without_due_dates_the_course_is_read_and_says_so(wire: MoodleWire) -> None:
    wire.answers[functions.ASSIGNMENTS] = (
        200,
        {},
        http.dumps({"exception": "webservice_access_exception", "errorcode": "accessexception"}),
    )
    book = read()
    assert item(book, HOMEWORK).due_at is None
    assert [text for text in book.warnings if "mod_assign_get_assignments" in text]
    assert book.complete


@pytest.mark.parametrize("duedate", [None, "tomorrow", True, -1, 10**15])
def test_due_date_that_is_none_is_none(wire: MoodleWire, duedate: object) -> None:
    wire.data[functions.ASSIGNMENTS]["courses"][0]["assignments"][0]["duedate"] = duedate
    assert item(read(), HOMEWORK).due_at is None


def test_odd_lists_of_assignments_give_no_due_dates(wire: MoodleWire) -> None:
    wire.data[functions.ASSIGNMENTS]["courses"] = [{"assignments": None}, {"assignments": ["x"]}, {}]
    assert {one.due_at for one in read().line_items} == {None}


# --- grades ---


def test_time_of_grading_is_read_and_of_totals_it_is_not(wire: MoodleWire) -> None:
    book = read()
    graded_at = result(book, ANA, HOMEWORK).graded_at
    assert graded_at is not None and graded_at.isoformat() == "2026-11-23T03:17:08+00:00"
    assert result(book, ANA, CURRENT).graded_at is None


def test_overridden_grade_is_the_grade(wire: MoodleWire) -> None:
    found = changed(wire, graderaw=Decimal("7.33333"), gradeisoverridden=True)
    assert (found.score, found.overridden) == (Decimal("7.33333"), True)


def test_hidden_grade_that_the_account_sees_is_a_grade_that_is_not_posted(wire: MoodleWire) -> None:
    found = changed(wire, gradeishidden=True)
    assert (found.score, found.posted, found.status) == (Decimal(0), False, lms.Status.GRADED)
    assert read().complete


def test_locked_grade_is_a_grade(wire: MoodleWire) -> None:
    assert changed(wire, locked=True, gradeislocked=True).score == 0


def test_points_have_no_text(wire: MoodleWire) -> None:
    assert result(read(), ANA, QUIZ).text is None


def test_grades_out_of_the_total_are_sent_and_mentioned(wire: MoodleWire) -> None:
    wire.row(ANA, HOMEWORK).update(weightraw=0, status="dropped")
    wire.row(ZOE, HOMEWORK).update(weightraw=0, status="novalue")
    book = read()
    assert result(book, ANA, HOMEWORK).status is lms.Status.GRADED
    assert [text for text in book.warnings if "do not count in Moodle's totals: 1." in text]


@pytest.mark.parametrize("raw", ["45", "NaN", True, [], {}, "45,5"])
def test_grade_that_is_no_number_is_said_and_not_guessed(wire: MoodleWire, raw: object) -> None:
    found = changed(wire, graderaw=raw)
    assert (found.status, found.score, found.score_error) == (lms.Status.NOT_GRADED, None, "not-a-number")


def test_nan_spoils_that_one_grade_only(wire: MoodleWire) -> None:
    wire.raw = lambda body: body.replace('"graderaw":9.257', '"graderaw":NaN')
    book = read()
    assert result(book, ANA, QUIZ).score_error == "not-a-number"
    assert result(book, ANA, HOMEWORK).score == 0


@pytest.mark.parametrize("bounds", [{"grademin": None}, {"grademax": "ten"}])
def test_grade_without_usable_bounds_is_not_read(wire: MoodleWire, bounds: dict[str, object]) -> None:
    assert changed(wire, **bounds).score_error == "not-a-number"


def test_points_count_from_a_minimum_other_than_zero_as_moodles_percentage_does(wire: MoodleWire) -> None:
    for row in wire.rows(QUIZ):
        row.update(grademin=10, grademax=60)
    wire.row(ANA, QUIZ)["graderaw"] = Decimal("19.257")
    book = read()
    assert result(book, ANA, QUIZ).score == Decimal("9.257")
    assert (result(book, ANA, QUIZ).maximum, item(book, QUIZ).maximum) == (Decimal(50), Decimal(50))
    assert [text for text in book.warnings if "minimum other than zero in Moodle: 1." in text]


def test_minimum_below_zero_moves_the_points_up(wire: MoodleWire) -> None:
    found = changed(wire, grademin=-5, grademax=5, graderaw=0)
    assert (found.score, found.maximum) == (Decimal(5), Decimal(10))


def test_numbers_of_very_many_digits_stay_exact(wire: MoodleWire) -> None:
    found = changed(wire, grademin=1, graderaw=Decimal("9." + "1" * 60))
    assert found.score == Decimal("8." + "1" * 60)


# --- scales ---


def test_scale_word_is_the_text_and_its_place_the_score(wire: MoodleWire) -> None:
    book = read()
    ana, zoe = result(book, ANA, MASTERY), result(book, ZOE, MASTERY)
    assert (ana.text, ana.score, ana.maximum) == ("Mastery", Decimal(2), Decimal(2))
    assert (zoe.text, zoe.score, zoe.maximum) == ("Beginning", Decimal(0), Decimal(2))
    assert item(book, MASTERY).grading_type == "letter"
    assert item(book, MASTERY).maximum == Decimal(2)


def test_scale_is_the_items_scheme_and_gives_every_word_back(wire: MoodleWire) -> None:
    book = read()
    scheme = book.schemes[item(book, MASTERY).scheme_id]
    assert [one.name for one in scheme.entries] == ["Mastery", "Developing", "Beginning"]
    for user_id, word in ((ANA, "Mastery"), (ZOE, "Beginning")):
        made = scales.convert(
            result(book, user_id, MASTERY), item(book, MASTERY), scheme, scales.Target("letter")
        )
        assert isinstance(made, scales.Converted) and made.value.text == word


@pytest.mark.parametrize("length", [2, 3, 4, 7, 8, 12, 30, 100])
def test_every_word_of_every_scale_is_found_by_its_place(length: int) -> None:
    words = tuple(f"word {at}" for at in range(length))
    scheme = structure.scheme_of("5", words)
    shown = lms.LineItem("7", "Check", Decimal(length - 1), grading_type="letter")
    for place, word in enumerate(words):
        graded = lms.Result("u", "7", lms.Status.GRADED, Decimal(place), Decimal(length - 1), word)
        made = scales.convert(graded, shown, scheme, scales.Target("letter"))
        assert isinstance(made, scales.Converted) and made.value.text == word


def test_words_come_from_the_scale_also_where_the_gradebook_shows_percentages(wire: MoodleWire) -> None:
    wire.row(ANA, MASTERY).update(gradeformatted="100.00 %", percentageformatted="100.00 %")
    assert result(read(), ANA, MASTERY).text == "Mastery"


def without_scale_function(wire: MoodleWire) -> None:
    wire.answers[functions.SCALE] = (200, {}, http.dumps({"exception": "x", "errorcode": "accessexception"}))


def test_without_the_scale_the_word_is_the_one_that_moodle_shows(wire: MoodleWire) -> None:
    without_scale_function(wire)
    wire.row(ANA, MASTERY)["gradeformatted"] = (
        '<i class="icon fa fa-check" title="Pass"></i>Mastery &amp; more'
    )
    book = read()
    assert result(book, ANA, MASTERY).text == "Mastery & more"
    assert (item(book, MASTERY).scheme_id, item(book, MASTERY).grading_type) == ("", "letter")


@pytest.mark.parametrize("shown", ["100.00 %", "Mastery (100.00 %)", "3.00 (100.00 %)", "2.0", "-"])
def test_numbers_that_the_gradebook_shows_instead_of_words_are_no_words(wire: MoodleWire, shown: str) -> None:
    without_scale_function(wire)
    wire.row(ANA, MASTERY).update(gradeformatted=shown, percentageformatted="100.00 %")
    found = result(read(), ANA, MASTERY)
    assert (found.text, found.score) == (None, Decimal(2))


def test_scale_of_a_manual_item_is_known_by_its_range(wire: MoodleWire) -> None:
    for row in wire.rows(PARTICIPATION):
        row.update(grademin=1, grademax=2, graderaw=2, rangeformatted="No&ndash;Yes", gradeformatted="Yes")
    book = read()
    assert (item(book, PARTICIPATION).grading_type, item(book, PARTICIPATION).scheme_id) == ("letter", "")
    assert (result(book, ANA, PARTICIPATION).text, result(book, ANA, PARTICIPATION).score) == (
        "Yes",
        Decimal(1),
    )


def test_outcome_of_an_activity_does_not_take_the_activitys_scale(wire: MoodleWire) -> None:
    for row in wire.rows(MASTERY):
        row.update(
            itemnumber=1000, outcomeid=7, scaleid=7, rangeformatted="Bad&ndash;Good", gradeformatted="Good"
        )
    book = read()
    assert result(book, ANA, MASTERY).text == "Good"
    assert item(book, MASTERY).scheme_id == ""


@pytest.mark.parametrize(
    "words",
    [
        [{"id": 1, "name": "Only"}],
        [{"id": 1, "name": "A"}, {"id": 3, "name": "B"}],
        [{"id": 1, "name": "A"}, {"id": 2, "name": ""}],
        [],
    ],
)
def test_scale_that_is_not_whole_is_no_scheme(wire: MoodleWire, words: list[dict[str, Any]]) -> None:
    wire.data[functions.SCALE] = words
    book = read()
    assert (book.schemes, item(book, MASTERY).scheme_id) == ({}, "")


def test_place_outside_the_scale_takes_no_word_of_it(wire: MoodleWire) -> None:
    wire.row(ANA, MASTERY).update(graderaw=Decimal("2.5"), gradeformatted="2.50", percentageformatted="")
    assert result(read(), ANA, MASTERY).text is None


# --- letters ---


def show_letters(wire: MoodleWire) -> None:
    for item_id, letter in ((TOTAL, "D+"), (QUIZ, "F"), (HOMEWORK, "-")):
        for row in wire.rows(item_id):
            row["lettergradeformatted"] = letter


def test_letter_is_passed_through_where_the_course_shows_letters(wire: MoodleWire) -> None:
    show_letters(wire)
    book = read()
    assert (result(book, ANA, QUIZ).text, result(book, ANA, CURRENT).text) == ("F", "D+")
    assert result(book, ANA, HOMEWORK).text is None
    assert item(book, QUIZ).grading_type == "points"


def test_no_scheme_is_assumed_for_letters(wire: MoodleWire) -> None:
    show_letters(wire)
    assert {scheme.source for scheme in read().schemes.values()} == {
        "the scale that the assignment uses in Moodle"
    }


def test_boundaries_that_an_administrator_states_are_a_scheme_of_hers(wire: MoodleWire) -> None:
    book = read(letters="A=93, B = 85.5 %; C+=77,F=0")
    scheme = book.schemes[item(book, QUIZ).scheme_id]
    assert [(one.name, one.lower) for one in scheme.entries] == [
        ("A", Decimal("0.93")),
        ("B", Decimal("0.855")),
        ("C+", Decimal("0.77")),
        ("F", Decimal(0)),
    ]
    assert "administrator entered" in scheme.source
    assert (scheme.places, scheme.below_all, scheme.clamped) == (None, "none", True)
    assert item(book, CURRENT).scheme_id == scheme.scheme_id != item(book, MASTERY).scheme_id


# --- the course total ---


def test_course_total_is_each_students_own_share(wire: MoodleWire) -> None:
    book = read()
    ana, zoe = result(book, ANA, CURRENT), result(book, ZOE, CURRENT)
    assert (ana.score, ana.maximum) == (Decimal("118.757"), Decimal(183))
    assert (zoe.score, zoe.maximum) == (Decimal(53), Decimal(53))
    total = item(book, CURRENT)
    assert (total.kind, total.maximum, total.grading_type) == ("course_total", Decimal(100), "percent")


def test_total_without_a_grade_is_not_graded(wire: MoodleWire) -> None:
    wire.row(ANA, TOTAL)["graderaw"] = None
    found = result(read(), ANA, CURRENT)
    assert (found.status, found.maximum) == (lms.Status.NOT_GRADED, Decimal(100))


def test_totals_can_be_switched_off(wire: MoodleWire) -> None:
    book = read(course_totals="no")
    assert all(one.kind == "assignment" for one in book.line_items)
    assert book.warnings == ()


def test_what_decides_the_total_is_said(wire: MoodleWire) -> None:
    assert "Moodle does not tell it" in read().state.total_rule


# --- the course ---


def test_course_says_whether_it_is_hidden_or_over(wire: MoodleWire) -> None:
    state = read().state
    assert (state.published, state.concluded) == (True, False)
    wire.data[functions.COURSES]["courses"][0].update(visible=0, enddate=1000)
    state = read().state
    assert (state.published, state.concluded) == (False, True)


@pytest.mark.parametrize("courses", [[], [{"id": 9, "visible": 0, "enddate": 5}], [{"id": 2}]])
def test_course_that_says_nothing_of_itself_is_not_known(wire: MoodleWire, courses: list[Any]) -> None:
    wire.data[functions.COURSES]["courses"] = courses
    state = read().state
    assert (state.published, state.concluded) == (None, None)


def test_course_without_students_is_read_as_one(wire: MoodleWire) -> None:
    wire.data[functions.REPORT]["usergrades"] = []
    wire.data[functions.STUDENTS]["users"] = []
    book = read()
    assert (book.line_items, book.results, book.complete) == ((), (), True)
    assert [text for text in book.warnings if "no students" in text]
