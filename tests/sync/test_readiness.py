"""What a teacher should settle in the LMS before she sends."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from sync import readiness
from sync.lms import records as lms

ESSAY = lms.LineItem("essay", "Essay", Decimal(100))
TOTALS = (
    lms.LineItem(lms.COURSE_TOTAL_CURRENT, "Current", Decimal(100), kind="course_total"),
    lms.LineItem(lms.COURSE_TOTAL_FINAL, "Final", Decimal(100), kind="course_total"),
)
ADA, BEN = lms.Member("ada", sis_id="1"), lms.Member("ben", sis_id="2")


def counts(book: lms.Gradebook, only: set[str] | None = None) -> dict[str, int]:
    return {one.code: one.count for one in readiness.checks(book, only)}


def book(
    *results: lms.Result, items: tuple[lms.LineItem, ...] = (ESSAY,), complete: bool = True
) -> lms.Gradebook:
    return lms.Gradebook((ADA, BEN), items, results, complete=complete)


def graded(
    user_id: str = "ada", item: str = "essay", score: str = "80", *, posted: bool = True
) -> lms.Result:
    return lms.Result(user_id, item, lms.Status.GRADED, Decimal(score), posted=posted)


def test_a_course_where_all_is_graded_and_posted_is_ready() -> None:
    assert readiness.checks(book(graded(), graded("ben"))) == []


def test_unposted_grades_are_counted() -> None:
    assert counts(book(graded(posted=False), graded("ben"))) == {"unposted": 1}


def test_ungraded_missing_and_unreadable_results_are_counted_apart() -> None:
    results = (
        lms.Result("ada", "essay", lms.Status.NOT_GRADED),
        lms.Result("ben", "essay", lms.Status.MISSING),
        lms.Result("ben", "essay", lms.Status.NOT_GRADED, score_error="not-a-number"),
    )
    assert counts(book(*results)) == {"not-graded": 1, "missing": 1, "unreadable": 1}


def test_excused_results_and_a_missing_policys_zero_are_ready() -> None:
    results = (
        lms.Result("ada", "essay", lms.Status.EXCUSED),
        lms.Result("ben", "essay", lms.Status.GRADED, Decimal(0), missing=True),
    )
    assert counts(book(*results)) == {}


def test_students_whose_current_and_final_total_differ_are_counted() -> None:
    current, final = lms.COURSE_TOTAL_CURRENT, lms.COURSE_TOTAL_FINAL
    results = (
        graded("ada", current, "91.2"),
        graded("ada", final, "84"),
        graded("ben", current),
        graded("ben", final),
    )
    assert counts(book(*results, items=TOTALS)) == {"current-differs": 1}
    assert counts(book(graded("ada", current), items=TOTALS)) == {}


def test_students_whose_course_grade_was_overridden_are_counted_once() -> None:
    totals = [replace(graded(item=item.line_item_id), overridden=True) for item in TOTALS]
    assert counts(book(*totals, items=TOTALS)) == {"override": 1}
    assert counts(book(*totals, items=TOTALS), only={"essay"}) == {}


def test_items_without_a_usable_maximum_are_counted() -> None:
    items = (
        lms.LineItem("a", "A", None),
        lms.LineItem("b", "B", Decimal(0)),
        lms.LineItem("c", "C", None, grading_type="not_graded"),
        lms.LineItem("d", "D", None, published=False),
    )
    assert counts(book(items=items)) == {"without-maximum": 2}


def test_students_without_a_sis_id_are_counted_and_others_are_not() -> None:
    members = (
        lms.Member("ada", sis_id=" "),
        lms.Member("teacher", is_student=False),
        lms.Member("tester", test=True),
        lms.Member("gone", active=False),
    )
    assert counts(lms.Gradebook(members, (ESSAY,), ())) == {"without-sis-id": 1}


def test_an_incomplete_read_is_said() -> None:
    assert counts(book(complete=False)) == {"incomplete": 1}


def test_only_the_chosen_items_and_the_courses_students_count() -> None:
    results = (graded("stranger", posted=False), graded(item="other", posted=False), graded(posted=False))
    items = (ESSAY, lms.LineItem("other", "Other", None))
    assert counts(book(*results, items=items), {"essay"}) == {"unposted": 1}


def test_every_check_says_what_to_do() -> None:
    (one,) = readiness.checks(book(graded(posted=False)))
    assert one.text == "Grades that are not posted, so that students cannot see them yet: 1."
    assert one.fix == "Post them in the LMS before you send them."
