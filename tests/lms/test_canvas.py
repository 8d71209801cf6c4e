"""A whole Canvas course, read over the wire: people, line items, every status, course totals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from lti_tool import http
from sync.lms import records as lms
from sync.lms.base import Settings, is_course_student
from sync.lms.canvas import Canvas
from sync.lms.contract import LmsContract, Story
from tests.lms.canvas_wire import (
    ANA,
    ASSISTANT,
    COURSE,
    GUS,
    TEACHER,
    TEST_STUDENT,
    TOKEN,
    ZOE,
    CanvasWire,
    canvas,
    course,
)


class TestCanvas(LmsContract):
    story = Story(ANA, ZOE, GUS, TEACHER, "601", "602")
    private = (*LmsContract.private, TOKEN, ANA, "Alvarez")

    @pytest.fixture(autouse=True)
    def _course(self, wire: CanvasWire) -> None:
        self.wire = wire

    def make(self) -> Canvas:
        return canvas()

    def course(self) -> lms.Course:
        return course()

    def fail_reads(self) -> None:
        self.wire.answers[f"{COURSE}/students/submissions"] = (503, {}, "Ana Alvarez 9.257")

    def refuse_reads(self) -> None:
        body = '{"errors":[{"message":"Invalid access token."}]}'
        self.wire.answers[COURSE] = (401, {"WWW-Authenticate": 'Bearer realm="canvas-lms"'}, body)


def read(**options: str) -> lms.Gradebook:
    return canvas(**options).read_gradebook(course())


def result(book: lms.Gradebook, user_id: str, item_id: str) -> lms.Result:
    return next(one for one in book.results if (one.user_id, one.line_item_id) == (user_id, item_id))


def member(book: lms.Gradebook, user_id: str) -> lms.Member:
    return next(one for one in book.members if one.user_id == user_id)


def item(book: lms.Gradebook, item_id: str) -> lms.LineItem:
    return next(one for one in book.line_items if one.line_item_id == item_id)


# --- requests ---


def test_all_students_submissions_are_asked_for_in_full_pages(wire: CanvasWire) -> None:
    read()
    url = next(str(one.url) for one in wire.requests if "submissions" in str(one.url))
    assert parse_qsl(urlsplit(url).query) == [("student_ids[]", "all"), ("per_page", "100")]


def test_enrolments_of_every_state_are_asked_for(wire: CanvasWire) -> None:
    read()
    url = next(str(one.url) for one in wire.requests if "enrollments" in str(one.url))
    asked = [value for name, value in parse_qsl(urlsplit(url).query) if name == "state[]"]
    assert asked == ["active", "invited", "completed", "inactive"]


def test_course_id_comes_from_the_parameter_that_the_option_names(wire: CanvasWire) -> None:
    other = lms.Course("context", custom={"course_nr": "210000000000004711"})
    assert canvas(course_id_param="course_nr").read_gradebook(other).members


def test_address_may_be_given_with_its_api_path(wire: CanvasWire) -> None:
    reader = Canvas(Settings("canvas", "https://canvas.example/api/v1/", TOKEN))
    assert reader.read_gradebook(course()).members


# --- people ---


def test_two_sections_of_one_student_make_one_member(wire: CanvasWire) -> None:
    zoe = member(read(), ZOE)
    assert zoe.section_ids == ("501", "502")
    assert (zoe.given_name, zoe.family_name) == ("Zoë", "Müller-Łukasz 李")
    assert (zoe.sis_id, zoe.login, zoe.email) == ("SIS-1002", "zoe", "zoe@school.example")


def test_test_student_inactive_student_and_staff_are_told_apart(wire: CanvasWire) -> None:
    book = read()
    assert member(book, TEST_STUDENT).test
    assert not member(book, GUS).active
    assert member(book, TEACHER).is_teacher and not member(book, TEACHER).is_student
    assert not member(book, ASSISTANT).is_teacher
    assert {one.user_id for one in book.members if is_course_student(one)} == {ANA, ZOE}


def test_student_who_moved_is_in_her_present_section_only(wire: CanvasWire) -> None:
    wire.enrollment(ZOE)["enrollment_state"] = "completed"
    zoe = member(read(), ZOE)
    assert (zoe.active, zoe.section_ids) == (True, ("502",))


def test_completed_student_of_a_running_course_is_not_active(wire: CanvasWire) -> None:
    wire.enrollment(ANA)["enrollment_state"] = "completed"
    assert not member(read(), ANA).active


def test_concluded_course_still_has_its_students_because_grades_are_due(wire: CanvasWire) -> None:
    wire.course["workflow_state"] = "completed"
    for row in wire.enrollments:
        row["enrollment_state"] = "completed"
    book = read()
    assert member(book, ANA).active
    assert result(book, ANA, "602").score == Decimal("9.257")


def test_sections_carry_the_sis_id_that_canvas_itself_says(wire: CanvasWire) -> None:
    assert read().sections == (
        lms.Section("501", "ALG1-P3", "Period 3"),
        lms.Section("502", "ALG1-P4", "Period 4"),
    )


def test_email_is_read_from_the_users_where_enrolments_do_not_say_it(wire: CanvasWire) -> None:
    for row in wire.enrollments:
        del row["user"]["email"]
    wire.rows[f"{COURSE}/users"] = [{"id": ANA, "name": "Ana Alvarez", "email": "ana@old.example"}]
    book = read()
    assert (member(book, ANA).email, member(book, ZOE).email) == ("ana@old.example", "")


def test_users_are_not_read_where_enrolments_say_the_email(wire: CanvasWire) -> None:
    read()
    assert f"{COURSE}/users" not in wire.paths()


def test_hidden_sis_ids_are_mentioned(wire: CanvasWire) -> None:
    for row in wire.enrollments:
        del row["sis_user_id"], row["user"]["sis_user_id"]
    book = read()
    assert member(book, ANA).sis_id == ""
    assert any("may not see SIS ids" in text for text in book.warnings)


def test_members_without_any_sis_id_are_no_reason_to_suspect_the_token(wire: CanvasWire) -> None:
    for row in wire.enrollments:
        row["sis_user_id"] = row["user"]["sis_user_id"] = None
    assert read().warnings == ()


# --- line items ---


@pytest.mark.parametrize(
    ("stated", "ours"),
    [
        ("points", "points"),
        ("percent", "percent"),
        ("letter_grade", "letter"),
        ("gpa_scale", "gpa"),
        ("pass_fail", "pass_fail"),
        ("not_graded", "not_graded"),
    ],
)
def test_grading_types_come_in_our_words(wire: CanvasWire, stated: str, ours: str) -> None:
    wire.assignment("601", grading_type=stated)
    assert item(read(), "601").grading_type == ours


def test_line_item_has_its_due_time_and_position(wire: CanvasWire) -> None:
    found = item(read(), "601")
    assert found.due_at is not None
    assert (found.due_at.isoformat(), found.position) == ("2026-10-05T06:59:59+00:00", 1)


def test_unpublished_assignment_is_listed_and_has_no_results(wire: CanvasWire) -> None:
    book = read()
    assert not item(book, "604").published
    assert "604" not in {one.line_item_id for one in book.results}


def test_assignment_without_points_has_no_maximum(wire: CanvasWire) -> None:
    wire.assignment("601", points_possible=None)
    assert item(read(), "601").maximum is None


# --- results ---


def changed(wire: CanvasWire, **changes: Any) -> lms.Result:
    """Ana's Homework 1 after these changes to her submission."""
    wire.submission(ANA, "601").update(changes)
    return result(read(), ANA, "601")


def test_excused_is_no_grade_and_no_zero(wire: CanvasWire) -> None:
    found = changed(wire, excused=True, score=None, grade="EX")
    assert (found.status, found.score, found.text) == (lms.Status.EXCUSED, None, None)


def test_excused_stays_excused_where_an_old_score_is_still_stored(wire: CanvasWire) -> None:
    found = changed(wire, excused=True, score=7, grade="EX")
    assert (found.status, found.score) == (lms.Status.EXCUSED, None)


def test_missing_without_a_score_is_missing(wire: CanvasWire) -> None:
    found = changed(wire, missing=True, score=None, grade=None, workflow_state="unsubmitted")
    assert (found.status, found.score) == (lms.Status.MISSING, None)


def test_missing_policys_zero_is_a_grade_that_is_marked_missing(wire: CanvasWire) -> None:
    found = changed(wire, missing=True, score=0, grade="0", late_policy_status="missing")
    assert (found.status, found.score, found.missing) == (lms.Status.GRADED, Decimal(0), True)


def test_late_and_time_of_grading_are_read(wire: CanvasWire) -> None:
    found = result(read(), ANA, "602")
    assert found.late and found.graded_at is not None
    assert found.graded_at.isoformat() == "2026-10-06T14:00:00+00:00"


def test_grade_hidden_from_the_student_is_marked_not_posted(wire: CanvasWire) -> None:
    assert result(read(), ANA, "601").posted
    assert not changed(wire, posted_at=None).posted


def test_score_after_the_late_penalty_counts_and_not_the_entered_one(wire: CanvasWire) -> None:
    found = changed(wire, score=Decimal("7.5"), entered_score=9, points_deducted=Decimal("1.5"), late=True)
    assert found.score == Decimal("7.5")


def test_pass_fail_comes_as_canvas_word(wire: CanvasWire) -> None:
    book = read()
    assert (result(book, ANA, "603").text, result(book, ANA, "603").score) == ("complete", Decimal(1))
    assert (result(book, ZOE, "603").text, result(book, ZOE, "603").score) == ("incomplete", Decimal(0))


def test_points_have_no_text(wire: CanvasWire) -> None:
    assert result(read(), ANA, "602").text is None


def test_letter_grade_has_its_score_and_its_letter(wire: CanvasWire) -> None:
    wire.assignment("601", grading_type="letter_grade")
    found = changed(wire, score=Decimal("8.7"), grade="B+")
    assert (found.score, found.text) == (Decimal("8.7"), "B+")


def test_letter_on_an_assignment_without_points_is_a_grade(wire: CanvasWire) -> None:
    wire.assignment("601", grading_type="letter_grade", points_possible=0)
    found = changed(wire, score=None, grade="A-")
    assert (found.status, found.text) == (lms.Status.GRADED, "A-")


def test_resubmitted_work_keeps_its_old_grade_and_is_mentioned(wire: CanvasWire) -> None:
    wire.submission(ANA, "602").update(workflow_state="submitted", grade_matches_current_submission=False)
    book = read()
    assert result(book, ANA, "602").score == Decimal("9.257")
    assert [text for text in book.warnings if "newer submission came: 1." in text]


def test_quiz_that_waits_for_review_is_not_graded_yet_and_is_mentioned(wire: CanvasWire) -> None:
    wire.submission(ANA, "602")["workflow_state"] = "pending_review"
    book = read()
    found = result(book, ANA, "602")
    assert (found.status, found.score) == (lms.Status.PENDING, None)
    assert [text for text in book.warnings if "review in Canvas: 1." in text]


@pytest.mark.parametrize("score", ["86.5", "NaN", "", True, [], {}])
def test_score_that_is_not_a_number_is_said_and_not_guessed(wire: CanvasWire, score: object) -> None:
    found = changed(wire, score=score)
    assert (found.score, found.score_error, found.status) == (None, "not-a-number", lms.Status.NOT_GRADED)


def test_nan_in_the_json_spoils_that_one_score_only(wire: CanvasWire) -> None:
    wire.page_size = 100
    body = http.dumps(wire.submissions).replace('"score":0,', '"score":NaN,', 1)
    wire.answers[f"{COURSE}/students/submissions"] = (200, {}, body)
    book = read()
    assert result(book, ANA, "601").score_error == "not-a-number"
    assert result(book, ANA, "602").score == Decimal("9.257")


def test_one_bad_score_leaves_all_others(wire: CanvasWire) -> None:
    wire.submission(ANA, "601")["score"] = "ten"
    assert result(read(), ANA, "602").score == Decimal("9.257")


def test_negative_score_is_kept_as_it_is(wire: CanvasWire) -> None:
    assert changed(wire, score=-3).score == Decimal(-3)


def test_two_submissions_that_differ_are_not_chosen_among(wire: CanvasWire) -> None:
    wire.submissions.append(wire.submission(ANA, "601") | {"id": "999", "score": 9})
    found = result(read(), ANA, "601")
    assert (found.score, found.score_error) == (None, "repeated")


def test_student_without_a_submission_row_counts_as_not_graded(wire: CanvasWire) -> None:
    wire.submissions.remove(wire.submission(ZOE, "602"))
    assert result(read(), ZOE, "602").status is lms.Status.NOT_GRADED


def test_results_of_people_who_are_not_listed_are_left_out_and_counted(wire: CanvasWire) -> None:
    wire.submissions.append(wire.submission(ANA, "602") | {"id": "998", "user_id": "77"})
    book = read()
    assert "77" not in {one.user_id for one in book.results}
    assert [
        text for text in book.warnings if "people who are not listed in this course (any more): 1." in text
    ]


def test_anonymous_assignment_is_held_back_instead_of_read_as_ungraded(wire: CanvasWire) -> None:
    for row in wire.submissions:
        if row["assignment_id"] == "602":
            del row["user_id"]
            row["anonymous_id"] = f"x{row['id'][-3:]}"
    book = read()
    assert not item(book, "602").published
    assert "602" not in {one.line_item_id for one in book.results}
    assert [text for text in book.warnings if "students are anonymous: 1." in text]


# --- course totals ---


def test_current_and_final_course_total_are_line_items_of_their_own(wire: CanvasWire) -> None:
    book = read()
    current, final = item(book, lms.COURSE_TOTAL_CURRENT), item(book, lms.COURSE_TOTAL_FINAL)
    assert (current.kind, final.kind, final.maximum) == ("course_total", "course_total", Decimal(100))
    assert result(book, ANA, lms.COURSE_TOTAL_CURRENT).score == Decimal("15.43")
    assert result(book, ANA, lms.COURSE_TOTAL_FINAL).score == Decimal("12.34")


def test_total_without_a_score_is_not_graded(wire: CanvasWire) -> None:
    wire.enrollment(ANA)["grades"].update(current_score=None, current_grade=None)
    assert result(read(), ANA, lms.COURSE_TOTAL_CURRENT).status is lms.Status.NOT_GRADED


def test_total_has_its_letter_where_the_course_shows_one(wire: CanvasWire) -> None:
    wire.enrollment(ANA)["grades"].update(final_grade="F")
    assert result(read(), ANA, lms.COURSE_TOTAL_FINAL).text == "F"


def test_teachers_override_stands_instead_of_the_computed_totals(wire: CanvasWire) -> None:
    wire.enrollment(ANA)["grades"].update(override_score=Decimal("91.5"), override_grade="A-")
    book = read()
    for total in (lms.COURSE_TOTAL_CURRENT, lms.COURSE_TOTAL_FINAL):
        assert (result(book, ANA, total).score, result(book, ANA, total).text) == (Decimal("91.5"), "A-")


def test_totals_of_two_sections_that_disagree_are_not_chosen_among(wire: CanvasWire) -> None:
    wire.enrollment(ZOE)["grades"]["final_score"] = 1
    found = result(read(), ZOE, lms.COURSE_TOTAL_FINAL)
    assert (found.score, found.score_error) == (None, "repeated")


def test_totals_that_the_token_may_not_see_are_not_offered_and_not_zero(wire: CanvasWire) -> None:
    for row in wire.enrollments:
        if "grades" in row:
            row["grades"] = {"html_url": row["grades"]["html_url"]}
    book = read()
    assert all(one.kind == "assignment" for one in book.line_items)
    assert [text for text in book.warnings if "may not see course totals" in text]


def test_totals_can_be_switched_off(wire: CanvasWire) -> None:
    book = read(course_totals="no")
    assert all(one.kind == "assignment" for one in book.line_items)
    assert book.warnings == ()


def test_empty_course_is_read_as_an_empty_course(wire: CanvasWire) -> None:
    for path in wire.rows:
        wire.rows[path] = []
    book = read()
    assert (book.members, book.results, book.complete) == ((), (), True)
