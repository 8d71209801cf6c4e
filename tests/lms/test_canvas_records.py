"""What a Canvas course says beside scores: groups, periods, late policy, its state, overrides, attempts, statuses."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sync.errors import Misconfigured
from sync.lms import records as lms
from sync.lms.base import SUPPORT
from sync.lms.canvas import Canvas
from sync.lms.canvas import course as of_course
from tests.lms.canvas_wire import ANA, COURSE, GUS, TEST_STUDENT, ZOE, CanvasWire, course, fixture
from tests.lms.test_canvas import canvas, item, member, read, result

FORBIDDEN = (403, {}, '{"status":"unauthorized","errors":[]}')
PAST, NOW = "41", "42"


# --- assignment groups ---


def test_groups_are_categories_and_items_name_theirs(wire: CanvasWire) -> None:
    wire.assignment("602", assignment_group_id="78")
    book = read()
    assert [(one.category_id, one.title, one.position) for one in book.categories] == [
        ("77", "Homework", 1),
        ("78", "Exams", 2),
    ]
    assert (item(book, "601").category_id, item(book, "601").category) == ("77", "Homework")
    assert (item(book, "602").category_id, item(book, "602").category) == ("78", "Exams")


def test_groups_have_a_weight_only_where_the_course_weighs_by_them(wire: CanvasWire) -> None:
    assert {one.weight for one in read().categories} == {None}
    wire.course["apply_assignment_group_weights"] = True
    assert [one.weight for one in read().categories] == [Decimal(40), Decimal(60)]


def test_weights_over_a_hundred_are_kept_as_canvas_has_them(wire: CanvasWire) -> None:
    wire.course["apply_assignment_group_weights"] = True
    wire.rows[f"{COURSE}/assignment_groups"][0]["group_weight"] = Decimal("150.5")
    assert [one.weight for one in read().categories] == [Decimal("150.5"), Decimal(60)]


def test_drop_rules_are_read_and_may_be_missing(wire: CanvasWire) -> None:
    wire.rows[f"{COURSE}/assignment_groups"][1]["rules"] = None
    assert [(one.drop_lowest, one.drop_highest) for one in read().categories] == [(1, 0), (0, 0)]


@pytest.mark.parametrize("stated", [True, "1", -1, None, [], Decimal("1.5")])
def test_drop_rule_that_is_no_count_drops_nothing(wire: CanvasWire, stated: object) -> None:
    wire.rows[f"{COURSE}/assignment_groups"][0]["rules"] = {"drop_lowest": stated}
    assert read().categories[0].drop_lowest == 0


def test_item_of_a_group_that_is_not_listed_has_no_category(wire: CanvasWire) -> None:
    wire.assignment("601", assignment_group_id="999")
    assert (item(read(), "601").category_id, item(read(), "601").category) == ("", "")


def test_item_left_out_of_the_total_says_so(wire: CanvasWire) -> None:
    wire.assignment("601", omit_from_final_grade=True)
    book = read()
    assert (item(book, "601").omitted, item(book, "602").omitted) == (True, False)


# --- late policy ---


def set_policy(wire: CanvasWire, **changes: Any) -> None:
    policy = fixture("late_policy")
    policy["late_policy"].update(changes)
    wire.one[f"{COURSE}/late_policy"] = policy


def test_course_without_a_late_policy_has_none(wire: CanvasWire) -> None:
    book = read()
    assert (book.state.late_policy, item(book, "601").late_policy, book.warnings) == (False, False, ())


def test_policy_that_takes_points_off_is_marked_on_what_it_can_reach(wire: CanvasWire) -> None:
    set_policy(wire)
    wire.assignment("601", submission_types=["online_upload"])
    wire.assignment("602", submission_types=["on_paper"])
    book = read()
    assert book.state.late_policy is True
    marked = {one.line_item_id for one in book.line_items if one.late_policy}
    # 603 is complete or incomplete, 605 is not graded, and totals have no due date
    assert marked == {"601", "604"}


def test_policy_with_both_deductions_off_is_no_policy(wire: CanvasWire) -> None:
    set_policy(wire, missing_submission_deduction_enabled=False, late_submission_deduction_enabled=False)
    book = read()
    assert (book.state.late_policy, item(book, "601").late_policy) == (False, False)


def test_policy_that_the_account_may_not_see_is_unknown_and_said(wire: CanvasWire) -> None:
    wire.answers[f"{COURSE}/late_policy"] = FORBIDDEN
    book = read()
    assert (book.state.late_policy, item(book, "601").late_policy) == (None, False)
    assert [text for text in book.warnings if "may not see the course's late policy" in text]


# --- state ---


@pytest.mark.parametrize(
    ("stated", "published", "concluded"),
    [
        ({"workflow_state": "available"}, True, False),
        ({"workflow_state": "unpublished"}, False, False),
        ({"workflow_state": "completed"}, True, True),
        ({"workflow_state": "available", "concluded": True}, True, True),
        ({"workflow_state": None}, None, None),
        ({"workflow_state": ["available"]}, None, None),
    ],
)
def test_state_of_the_course(
    wire: CanvasWire, stated: dict[str, Any], published: bool | None, concluded: bool | None
) -> None:
    wire.course.update(stated)
    state = read().state
    assert (state.published, state.concluded) == (published, concluded)


@pytest.mark.parametrize(("weighted", "drops"), [(False, False), (True, False), (False, True), (True, True)])
def test_rule_of_the_total_tells_of_weights_and_drops(wire: CanvasWire, weighted: bool, drops: bool) -> None:
    wire.course["apply_assignment_group_weights"] = weighted
    wire.rows[f"{COURSE}/assignment_groups"][0]["rules"] = {"drop_highest": 1} if drops else {}
    state = read().state
    assert state.weighted is weighted
    assert ("weighted" in state.total_rule, "drop" in state.total_rule) == (weighted, drops)
    assert state.total_rule == of_course.RULES[weighted, drops]


def test_course_whose_term_has_ended_still_has_its_students(wire: CanvasWire) -> None:
    wire.course["concluded"] = True
    for row in wire.enrollments:
        row["enrollment_state"] = "completed"
    found = member(read(), ANA)
    assert (found.active, found.concluded) == (True, True)


def test_student_who_finished_one_section_and_sits_in_another_has_not_concluded(wire: CanvasWire) -> None:
    wire.enrollment(ZOE)["enrollment_state"] = "completed"
    assert not member(read(), ZOE).concluded


# --- grading periods ---


def in_period(score: object, **more: Any) -> dict[str, Any]:
    return {"current_score": score, "current_grade": None, "final_score": score, "final_grade": None} | more


def test_periods_come_with_their_dates(wire: CanvasWire) -> None:
    wire.open_periods()
    first, second = read().periods
    assert (first.period_id, first.title, first.closed) == (PAST, "Quarter 1", True)
    assert (second.starts_at, second.closed) == (datetime(2026, 10, 31, 6, tzinfo=UTC), False)


def test_item_is_in_the_period_that_its_submissions_name(wire: CanvasWire) -> None:
    wire.open_periods()
    for row in wire.submissions:
        row["grading_period_id"] = PAST if row["assignment_id"] == "601" else None
    wire.submission(ANA, "602")["grading_period_id"] = PAST
    wire.submission(ZOE, "602")["grading_period_id"] = NOW
    wire.submission(ANA, "603")["grading_period_id"] = "999"
    book = read()
    assert (item(book, "601").period_id, item(book, "602").period_id, item(book, "603").period_id) == (
        PAST,
        "",
        "",
    )


def test_each_period_has_totals_of_its_own(wire: CanvasWire) -> None:
    wire.open_periods()
    wire.period_grades = {PAST: {ANA: in_period(Decimal("91.25")), ZOE: in_period(None)}}
    book = read()
    total = item(book, lms.course_total("current", PAST))
    assert (total.title, total.kind, total.period_id) == (
        "Course total (current), Quarter 1",
        "course_total",
        PAST,
    )
    assert result(book, ANA, total.line_item_id).score == Decimal("91.25")
    assert result(book, ZOE, total.line_item_id).status is lms.Status.NOT_GRADED
    assert result(book, ANA, lms.course_total("final", NOW)).status is lms.Status.NOT_GRADED
    assert result(book, ANA, lms.COURSE_TOTAL_CURRENT).score == Decimal("15.43")
    positions = [one.position for one in book.line_items if one.kind == "course_total"]
    assert len(set(positions)) == len(positions) == 6


def test_period_totals_can_be_switched_off_and_are_not_read_then(wire: CanvasWire) -> None:
    wire.open_periods()
    book = canvas(period_totals="no").read_gradebook(course())
    assert [one.period_id for one in book.line_items if one.kind == "course_total"] == ["", ""]
    assert not [one for one in wire.requests if "grading_period_id" in str(one.url)]
    assert len(book.periods) == 2


def test_without_course_totals_no_period_is_asked_for_either(wire: CanvasWire) -> None:
    wire.open_periods()
    read(course_totals="no")
    assert not [one for one in wire.requests if "grading_period_id" in str(one.url)]


@pytest.mark.parametrize("answer", [(404, {}, "{}"), (200, {}, '{"grading_periods":[]}')])
def test_course_without_periods_has_none(wire: CanvasWire, answer: Any) -> None:
    wire.answers[f"{COURSE}/grading_periods"] = answer
    assert (read().periods, read().warnings) == ((), ())


def test_periods_that_cannot_be_read_for_another_reason_fail_the_read(wire: CanvasWire) -> None:
    wire.answers[f"{COURSE}/grading_periods"] = (400, {}, "")
    with pytest.raises(Misconfigured):
        read()


def test_periods_that_the_account_may_not_see_are_said(wire: CanvasWire) -> None:
    wire.answers[f"{COURSE}/grading_periods"] = FORBIDDEN
    book = read()
    assert book.periods == ()
    assert [text for text in book.warnings if "may not see the grading periods" in text]


# --- overrides and other totals ---


@pytest.mark.parametrize("beside", [False, True])
def test_override_has_a_total_of_its_own_where_canvas_shows_it(wire: CanvasWire, beside: bool) -> None:
    for user_id, score in ((ANA, Decimal("91.5")), (ZOE, None)):
        for row in (one for one in wire.enrollments if one["user_id"] == user_id):
            place = row if beside else row["grades"]
            place |= {"override_score": score, "override_grade": "A-" if score else None}
    book = read()
    own = lms.course_total("override")
    assert item(book, own).title == "Course total (override)"
    assert (result(book, ANA, own).score, result(book, ANA, own).text) == (Decimal("91.5"), "A-")
    assert result(book, ANA, lms.COURSE_TOTAL_FINAL).overridden
    assert result(book, ZOE, own).status is lms.Status.NOT_GRADED
    assert not result(book, ZOE, lms.COURSE_TOTAL_FINAL).overridden


def test_without_overrides_there_is_no_such_total(wire: CanvasWire) -> None:
    assert lms.course_total("override") not in {one.line_item_id for one in read().line_items}


@pytest.mark.parametrize("stated", ["91.5", True, []])
def test_override_that_is_no_number_is_said_and_the_computed_one_not_sent_instead(
    wire: CanvasWire, stated: object
) -> None:
    wire.enrollment(ANA)["grades"].update(override_score=stated, override_grade=None)
    found = result(read(), ANA, lms.COURSE_TOTAL_FINAL)
    assert (found.status, found.score, found.score_error) == (lms.Status.NOT_GRADED, None, "not-a-number")


def test_totals_that_leave_out_unposted_grades_are_mentioned_once_for_each_student(wire: CanvasWire) -> None:
    for row in wire.enrollments:
        if "grades" in row and row["user_id"] in (ZOE, GUS):
            row["grades"]["unposted_final_score"] = 100
    assert [text for text in read().warnings if text.startswith("The course totals of 1 students leave out")]


# --- submissions ---


def test_attempt_is_read(wire: CanvasWire) -> None:
    wire.submission(ANA, "601")["attempt"] = 3
    book = read()
    assert (result(book, ANA, "601").attempt, result(book, ANA, "602").attempt) == (3, None)


@pytest.mark.parametrize("stated", [0, -1, True, "2", None])
def test_attempt_that_is_no_count_is_none(wire: CanvasWire, stated: object) -> None:
    wire.submission(ANA, "601")["attempt"] = stated
    assert result(read(), ANA, "601").attempt is None


def test_quiz_with_an_open_question_waits_and_has_no_grade_yet(wire: CanvasWire) -> None:
    wire.submission(ANA, "601").update(fixture("pending_quiz")["submission"])
    found = result(read(), ANA, "601")
    assert (found.status, found.score, found.text) == (lms.Status.PENDING, None, None)
    assert (found.attempt, found.posted) == (2, True)


def test_excused_comes_before_waiting(wire: CanvasWire) -> None:
    wire.submission(ANA, "601").update(fixture("pending_quiz")["submission"], excused=True)
    assert result(read(), ANA, "601").status is lms.Status.EXCUSED


def test_cleared_grade_is_none_although_canvas_still_calls_it_graded(wire: CanvasWire) -> None:
    wire.submission(ANA, "602").update(score=None, grade=None, workflow_state="graded")
    found = result(read(), ANA, "602")
    assert (found.status, found.score) == (lms.Status.NOT_GRADED, None)


def test_custom_statuses_are_counted_and_the_grade_stands(wire: CanvasWire) -> None:
    wire.submission(ANA, "602")["custom_grade_status_id"] = "12"
    book = read()
    assert result(book, ANA, "602").score == Decimal("9.257")
    assert [text for text in book.warnings if "status of your institution's own in Canvas: 1." in text]


def test_what_is_met_with_people_who_are_no_students_is_not_counted(wire: CanvasWire) -> None:
    row = wire.submission(ANA, "602")
    for number, user_id in enumerate((GUS, TEST_STUDENT)):
        wire.submissions.append(
            row
            | {
                "id": f"99{number}",
                "user_id": user_id,
                "assignment_id": "602",
                "custom_grade_status_id": "12",
            }
        )
    assert read().warnings == ()


# --- what it says of itself ---


def test_everything_but_reading_on_is_supported() -> None:
    assert SUPPORT - Canvas.supports == {"incremental"}


def test_every_place_is_a_path_of_names() -> None:
    assert all(path and path[0].isupper() for path in Canvas.places.values())


def test_scopes_name_each_address_that_a_read_asks(wire: CanvasWire) -> None:
    wire.open_periods()
    wire.course["grading_standard_id"] = "77"
    for row in wire.enrollments:
        del row["user"]["email"]
    wire.rows[f"{COURSE}/users"] = []
    read()
    assert Canvas.flow is not None
    patterns = {"/api/v1" + _pattern(path) for path in wire.paths()}
    stated = {_pattern(scope.partition("|")[2]) for scope in Canvas.flow.scopes}
    assert patterns <= stated
    assert {scope.partition("|")[0] for scope in Canvas.flow.scopes} == {"url:GET"}


def _pattern(path: str) -> str:
    parts = path.split("/")
    return "/".join(":id" if part.isdigit() or part.startswith(":") else part for part in parts)
