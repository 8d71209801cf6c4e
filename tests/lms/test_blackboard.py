"""A whole Blackboard course, read over the wire: people, sections, columns, grades of every scale, the external grade."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import responses

from lti_tool import http
from sync.lms import records as lms
from sync.lms.base import is_course_student
from sync.lms.blackboard import Blackboard
from sync.lms.contract import LmsContract, Story
from tests.lms.blackboard_wire import (
    ANA,
    AVERAGE,
    CATEGORIES,
    CHILDREN,
    COURSE,
    ESSAY,
    EXTERNAL,
    GUS,
    HOMEWORK,
    MEMBERS,
    NOTATIONS,
    OVERALL,
    PARTICIPATION,
    PERIODS,
    PREVIEW,
    SCHEMAS,
    SECRET,
    TEACHER,
    TEST,
    TOKEN,
    TRIP,
    V2,
    ZOE,
    BlackboardWire,
    blackboard,
    course,
    grades_path,
    refused,
)

COMPUTED = lms.course_total(AVERAGE)


@pytest.fixture
def wire(mock: responses.RequestsMock) -> BlackboardWire:
    wire = BlackboardWire()
    wire.serve(mock)
    return wire


class TestBlackboard(LmsContract):
    story = Story(ANA, ZOE, GUS, TEACHER, HOMEWORK, TEST)
    private = (*LmsContract.private, TOKEN, SECRET, "Alvarez")

    @pytest.fixture(autouse=True)
    def _course(self, wire: BlackboardWire) -> None:
        self.wire = wire

    def make(self) -> Blackboard:
        return blackboard()

    def course(self) -> lms.Course:
        return course()

    def fail_reads(self) -> None:
        self.wire.answers[grades_path(AVERAGE)] = refused(503)

    def refuse_reads(self) -> None:
        for path in (COURSE, *self.wire.rows):
            self.wire.answers[path] = refused(401)


class TestBlackboardByOneRequestAtATime(TestBlackboard):
    def make(self) -> Blackboard:
        return blackboard(at_once="1")


def read(**options: str) -> lms.Gradebook:
    return blackboard(**options).read_gradebook(course())


def result(book: lms.Gradebook, user_id: str, item_id: str) -> lms.Result:
    return next(one for one in book.results if (one.user_id, one.line_item_id) == (user_id, item_id))


def item(book: lms.Gradebook, item_id: str) -> lms.LineItem:
    return next(one for one in book.line_items if one.line_item_id == item_id)


def member(book: lms.Gradebook, user_id: str) -> lms.Member:
    return next(one for one in book.members if one.user_id == user_id)


# --- people and sections ---


def test_person_carries_all_identifiers(wire: BlackboardWire) -> None:
    found = member(read(), ANA)
    assert (found.given_name, found.family_name, found.login) == ("Ana", "Alvarez", "ana")
    assert (found.sis_id, found.email, found.roles) == ("SIS-1001", "ana.alvarez@example.edu", ("Student",))


def test_sis_id_may_be_the_student_id(wire: BlackboardWire) -> None:
    assert member(read(sis_id="studentId"), ANA).sis_id == "200041"


def test_preview_user_is_the_test_student(wire: BlackboardWire) -> None:
    book = read()
    assert member(book, PREVIEW).test
    assert PREVIEW not in {one.user_id for one in book.results}


@pytest.mark.parametrize("place", ["membership", "account"])
@pytest.mark.parametrize("word", ["No", "Disabled"])
def test_who_is_unavailable_is_no_student_any_more(wire: BlackboardWire, place: str, word: str) -> None:
    row = wire.member(ZOE)
    (row if place == "membership" else row["user"])["availability"] = {"available": word}
    assert not is_course_student(member(read(), ZOE))


def test_only_instructors_and_facilitators_teach(wire: BlackboardWire) -> None:
    assert {one.user_id for one in read().members if one.is_teacher} == {TEACHER}


def test_role_of_the_institution_is_named_by_an_option(wire: BlackboardWire) -> None:
    wire.member(ZOE)["courseRoleId"] = "AUDITOR"
    book = read()
    assert not member(book, ZOE).is_student
    assert any("course role of this institution's own: 1." in one for one in book.warnings)
    book = read(student_roles="Student, AUDITOR")
    assert member(book, ZOE).is_student and book.warnings == ()


def test_only_the_fields_that_are_used_are_asked_of_people(wire: BlackboardWire) -> None:
    read()
    asked = next(one for one in wire.requests if MEMBERS in str(one.url))
    assert "expand=user" in str(asked.url)
    assert "birthDate" not in str(asked.url) and "user.contact.email" in str(asked.url)


def test_account_that_sees_no_sis_id_is_told_so(wire: BlackboardWire) -> None:
    for row in wire.rows[MEMBERS]:
        row["user"].pop("externalId", None)
    assert any("shows no SIS id" in one for one in read().warnings)


def test_course_is_its_own_section(wire: BlackboardWire) -> None:
    assert read().sections == (lms.Section("_4711_1", "ALG1-P3", "Algebra 1"),)
    assert CHILDREN not in wire.paths()


def test_merged_course_has_its_children_as_sections(wire: BlackboardWire) -> None:
    wire.merge()
    book = read()
    assert {(one.section_id, one.sis_id) for one in book.sections} == {
        ("_4711_1", "XL-ALG1"),
        ("_4801_1", "ALG1-P1"),
        ("_4802_1", "ALG1-P2"),
    }
    assert member(book, ANA).section_ids == ("_4801_1",)
    assert member(book, TEACHER).section_ids == ("_4711_1",)


def test_parent_in_which_nobody_sits_is_no_section(wire: BlackboardWire) -> None:
    wire.merge()
    for row in wire.rows[MEMBERS]:
        row["childCourseId"] = "_4801_1"
    assert {one.section_id for one in read().sections} == {"_4801_1", "_4802_1"}


def test_children_that_may_not_be_seen_have_no_sis_id_and_are_said(wire: BlackboardWire) -> None:
    wire.merge()
    wire.answers[CHILDREN] = refused(403)
    book = read()
    assert {(one.section_id, one.sis_id) for one in book.sections} == {
        ("_4711_1", "XL-ALG1"),
        ("_4801_1", ""),
        ("_4802_1", ""),
    }
    assert any("merged from several" in one for one in book.warnings)


def test_course_that_does_not_say_whether_it_is_merged_is_asked(wire: BlackboardWire) -> None:
    wire.merge()
    del wire.course["hasChildren"]
    assert len(read().sections) == 3


def test_course_stands_as_blackboard_says(wire: BlackboardWire) -> None:
    state = read().state
    assert (state.published, state.concluded) == (True, False)
    assert "external grade" in state.total_rule
    wire.merge()
    assert (read().state.published, read().state.concluded) == (None, True)
    wire.course["availability"]["available"] = "Disabled"
    assert read().state.published is False


# --- columns ---


def test_columns_are_line_items(wire: BlackboardWire) -> None:
    found = item(read(), HOMEWORK)
    assert (found.title, found.maximum, found.grading_type, found.position) == ("Homework 1", 10, "points", 1)
    assert (found.category, found.category_id, found.omitted) == ("Homework", "_61_1", False)
    assert found.due_at == datetime(2026, 9, 20, 21, 59, 59, 999000, UTC)


def test_title_is_the_one_that_the_gradebook_shows(wire: BlackboardWire) -> None:
    assert item(read(), ESSAY).title == "Essay"


def test_schema_says_what_a_column_shows(wire: BlackboardWire) -> None:
    book = read()
    kinds = {one.line_item_id: one.grading_type for one in book.line_items}
    assert (kinds[TEST], kinds[ESSAY], kinds[PARTICIPATION], kinds[TRIP]) == (
        *("points", "letter", "percent", "pass_fail"),
    )


def test_column_outside_the_calculation_is_omitted(wire: BlackboardWire) -> None:
    assert item(read(), PARTICIPATION).omitted


def test_external_grade_and_computed_columns_are_course_totals(wire: BlackboardWire) -> None:
    totals = {one.line_item_id: one.title for one in read().line_items if one.kind == "course_total"}
    assert totals == {EXTERNAL: "Overall Grade", COMPUTED: "Quiz average"}


def test_external_grade_may_be_a_column_that_is_filled_by_hand(wire: BlackboardWire) -> None:
    wire.column(OVERALL, externalGrade=False)
    wire.column(HOMEWORK, externalGrade=True)
    book = read()
    assert item(book, EXTERNAL).title == "Homework 1"
    assert result(book, ANA, EXTERNAL).score == 0
    assert item(book, lms.course_total(OVERALL)).kind == "course_total"


def test_two_external_grades_are_none(wire: BlackboardWire) -> None:
    wire.column(HOMEWORK, externalGrade=True)
    assert EXTERNAL not in {one.line_item_id for one in read().line_items}


def test_without_totals_their_grades_are_not_asked_for(wire: BlackboardWire) -> None:
    book = read(course_totals="no")
    assert all(one.kind == "assignment" for one in book.line_items)
    assert grades_path(OVERALL) not in wire.paths()


def test_periods_are_listed(wire: BlackboardWire) -> None:
    autumn, whenever = read().periods
    assert (autumn.title, autumn.starts_at) == ("Autumn", datetime(2026, 9, 1, tzinfo=UTC))
    assert whenever.ends_at is None


@pytest.mark.parametrize("status", [403, 404])
def test_lists_that_are_kept_back_are_done_without(wire: BlackboardWire, status: int) -> None:
    for path in (CATEGORIES, PERIODS):
        wire.answers[path] = refused(status)
    book = read()
    assert book.categories == book.periods == ()
    assert {one.category_id for one in book.line_items} == {""}


@pytest.mark.parametrize("status", [403, 404])
def test_schemas_that_are_kept_back_are_said(wire: BlackboardWire, status: int) -> None:
    wire.answers[SCHEMAS] = refused(status)
    book = read()
    assert book.schemes == {} and item(book, ESSAY).scheme_id == ""
    assert result(book, ANA, ESSAY).text == "B"
    assert any("letters Blackboard does not tell" in one for one in book.warnings)


def test_letters_without_their_symbols_are_said(wire: BlackboardWire) -> None:
    del wire.rows[SCHEMAS][2]["symbols"]
    assert any(one.startswith("Columns with a grading schema") and ": 1." in one for one in read().warnings)


# --- schemas ---


def scheme(book: lms.Gradebook) -> lms.GradeScheme:
    return book.schemes[item(book, ESSAY).scheme_id]


def test_symbols_are_entries_with_both_bounds(wire: BlackboardWire) -> None:
    found = scheme(read())
    assert [(one.name, one.lower, one.upper) for one in found.entries] == [
        ("A", Decimal("0.9"), 1),
        ("B", Decimal("0.8"), Decimal("0.9")),
        ("C", Decimal("0.70125"), Decimal("0.8")),
        ("F", 0, Decimal("0.70125")),
    ]
    assert (found.places, found.below_all, found.clamped) == (None, "none", False)


def test_gap_between_symbols_is_kept(wire: BlackboardWire) -> None:
    wire.rows[SCHEMAS][2]["symbols"][1]["upperBound"] = Decimal("89.5")
    assert scheme(read()).entries[1].upper == Decimal("0.895")


@pytest.mark.parametrize("bound", ["ninety", None, True, [], {}])
def test_bound_that_is_no_number_spoils_the_scheme_and_not_the_read(wire: BlackboardWire, bound: Any) -> None:
    wire.rows[SCHEMAS][2]["symbols"][0]["lowerBound"] = bound
    assert scheme(read()).entries[0].lower.is_nan()


def test_symbol_without_an_upper_bound_has_none(wire: BlackboardWire) -> None:
    del wire.rows[SCHEMAS][2]["symbols"][0]["upperBound"]
    wire.rows[SCHEMAS][2]["symbols"].append("no symbol")
    entries = scheme(read()).entries
    assert entries[0].upper is None and entries[-1].name == ""


# --- grades ---


def test_score_may_stand_in_the_displayed_grade_alone(wire: BlackboardWire) -> None:
    found = result(read(), ANA, TEST)
    assert (found.score, found.maximum, found.overridden) == (Decimal("9.257"), 50, False)
    assert found.text is None and found.graded_at is None


def test_override_says_so_and_when(wire: BlackboardWire) -> None:
    found = result(read(), ZOE, TEST)
    assert found.overridden
    assert found.graded_at == datetime(2026, 10, 3, 10, tzinfo=UTC)


def test_what_is_typed_into_a_manual_column_overrides_nothing(wire: BlackboardWire) -> None:
    assert not result(read(), ANA, HOMEWORK).overridden


def test_displayed_percentage_is_out_of_a_hundred_whatever_the_points(wire: BlackboardWire) -> None:
    found = result(read(), ANA, PARTICIPATION)
    assert (found.score, found.maximum) == (Decimal("86.5"), 100)


def test_column_that_students_do_not_see_is_not_posted(wire: BlackboardWire) -> None:
    book = read()
    assert not result(book, ANA, PARTICIPATION).posted
    assert result(book, ANA, HOMEWORK).posted


def test_exempt_is_excused(wire: BlackboardWire) -> None:
    found = result(read(), ZOE, PARTICIPATION)
    assert (found.status, found.score, found.text) == (lms.Status.EXCUSED, None, None)


def test_exempt_with_nonsense_is_excused_all_the_same(wire: BlackboardWire) -> None:
    wire.grade(ZOE, PARTICIPATION).update(score="n/a", gradeNotationId="_81_1")
    found = result(read(), ZOE, PARTICIPATION)
    assert (found.status, found.score_error) == (lms.Status.EXCUSED, "")


def test_score_that_needs_grading_is_pending(wire: BlackboardWire) -> None:
    found = result(read(), ZOE, ESSAY)
    assert (found.status, found.score, found.text) == (lms.Status.PENDING, 12, None)


def test_submission_without_a_score_is_not_graded(wire: BlackboardWire) -> None:
    row = wire.grade(ZOE, ESSAY)
    row.clear()
    row.update({"userId": ZOE, "columnId": ESSAY, "status": "NeedsGrading", "exempt": False})
    assert result(read(), ZOE, ESSAY).status is lms.Status.NOT_GRADED


def test_letter_comes_with_its_points(wire: BlackboardWire) -> None:
    found = result(read(), ANA, ESSAY)
    assert (found.text, found.score, found.maximum) == ("B", 34, 40)


@pytest.mark.parametrize(
    ("score", "letter", "expected"),
    [
        # 85 of 40 is an A, 85 % is a B
        ("85", "B", (Decimal(85), 100)),
        ("34", "B", (Decimal(34), 40)),
        # 38 of 40 and 38 %: neither is a C
        ("38", "C", (None, 40)),
        # 10 of 40 and 10 %: both are an F
        ("10", "F", (None, 40)),
        ("36", "Great", (None, 40)),
    ],
)
def test_displayed_number_beside_a_letter_counts_where_the_letter_proves_it(
    wire: BlackboardWire, score: str, letter: str, expected: tuple[Decimal | None, int]
) -> None:
    wire.grade(ANA, ESSAY)["displayGrade"] |= {"score": Decimal(score), "text": letter}
    found = result(read(), ANA, ESSAY)
    assert found.status is lms.Status.GRADED
    assert (found.text, (found.score, found.maximum)) == (letter, expected)


def test_displayed_number_out_of_a_hundred_is_both(wire: BlackboardWire) -> None:
    wire.grade(ANA, ESSAY)["displayGrade"] |= {"score": Decimal("70.5"), "possible": 100, "text": "C"}
    found = result(read(), ANA, ESSAY)
    assert (found.score, found.maximum) == (Decimal("70.5"), 100)


def test_number_of_an_unknown_scale_without_a_word_is_no_grade(wire: BlackboardWire) -> None:
    wire.grade(ANA, TRIP)["displayGrade"] = {"scaleType": "Something", "score": 3, "possible": 5}
    found = result(read(), ANA, TRIP)
    assert (found.status, found.score, found.score_error) == (lms.Status.NOT_GRADED, None, "unclear")


def test_complete_is_a_word(wire: BlackboardWire) -> None:
    found = result(read(), ANA, TRIP)
    assert (found.status, found.text) == (lms.Status.GRADED, "Complete")


def test_word_may_stand_beside_the_displayed_grade(wire: BlackboardWire) -> None:
    row = wire.grade(ANA, TRIP)
    row.update(displayGrade=None, text="Incomplete", score=0)
    found = result(read(), ANA, TRIP)
    assert (found.text, found.score, found.maximum) == ("Incomplete", 0, 5)


def test_external_grade_without_a_status_is_graded(wire: BlackboardWire) -> None:
    found = result(read(), ANA, EXTERNAL)
    assert (found.status, found.score, found.maximum) == (lms.Status.GRADED, Decimal("96.54116"), 100)


def test_points_of_a_computed_column_are_out_of_what_counts_for_this_student(wire: BlackboardWire) -> None:
    found = result(read(), ZOE, COMPUTED)
    assert (found.score, found.maximum) == (13, 16)


def test_column_that_blackboard_could_not_compute_is_said(wire: BlackboardWire) -> None:
    found = result(read(), ANA, COMPUTED)
    assert (found.status, found.score_error) == (lms.Status.NOT_GRADED, "corrupt")


def test_notation_stands_in_place_of_the_grade_by_its_code(wire: BlackboardWire) -> None:
    found = result(read(), ZOE, EXTERNAL)
    assert (found.text, found.score, found.overridden) == ("W", None, True)
    assert found.status is lms.Status.GRADED


@pytest.mark.parametrize("answer", [refused(403), refused(404)])
def test_notation_without_its_code_has_its_description(wire: BlackboardWire, answer: Any) -> None:
    wire.answers[NOTATIONS] = answer
    assert result(read(), ZOE, EXTERNAL).text == "Withdrawn"


def test_notations_are_asked_for_only_where_one_is_used(wire: BlackboardWire) -> None:
    del wire.grade(ZOE, OVERALL)["gradeNotationId"]
    assert result(read(), ZOE, EXTERNAL).score == 70
    assert NOTATIONS not in wire.paths()


def test_grades_of_who_left_are_not_results(wire: BlackboardWire) -> None:
    book = read()
    assert GUS not in {one.user_id for one in book.results}
    assert book.warnings == ()


def test_read_tells_how_far_it_came(wire: BlackboardWire) -> None:
    told: list[tuple[str, int]] = []
    reader = blackboard(at_once="1")
    reader.heard = lambda what, count: told.append((what, count))
    reader.read_gradebook(course())
    assert told[:2] == [("students", 2), ("items", 7)]
    assert told[-1] == ("results", sum(len(wire.rows[grades_path(one["id"])]) for one in wire.rows[V2]))


def test_requests_are_no_more_than_the_pages_there_are(wire: BlackboardWire) -> None:
    wire.page_size = 200
    read()
    lists = 1 + len((MEMBERS, V2, SCHEMAS, CATEGORIES, PERIODS, NOTATIONS))
    assert len(wire.requests) == lists + len(wire.rows[V2])
    assert all(str(one.url).count("limit=200") == 1 for one in wire.requests if "users" in str(one.url))


def test_application_is_admitted_once(wire: BlackboardWire, mock: responses.RequestsMock) -> None:
    read()
    asked = [call for call in mock.calls if "oauth2" in str(call.request.url)]
    assert len(asked) == 1
    assert SECRET not in str(asked[0].request.url)


def test_check_names_the_version(wire: BlackboardWire) -> None:
    findings = blackboard().check()
    assert all(one.ok for one in findings)
    assert "3900.112.0" in findings[0].text


@pytest.mark.parametrize("answer", [refused(403), refused(404), (200, {}, http.dumps({"learn": None}))])
def test_check_does_without_the_version(wire: BlackboardWire, answer: Any) -> None:
    wire.answers["/learn/api/public/v1/system/version"] = answer
    assert "of an unknown version" in blackboard().check()[0].text


def test_places_are_named_for_what_blackboard_knows() -> None:
    unknown_here = {"late-policy", "missing", "current-differs"}
    assert all(Blackboard.places.values())
    assert not unknown_here & Blackboard.places.keys()
    assert {"unposted", "pending", "override", "scheme-missing", "without-sis-id"} <= Blackboard.places.keys()
