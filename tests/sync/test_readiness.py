"""What a teacher should settle in the LMS before she sends."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import readiness
from sync.lms import records as lms
from sync.lms import registry
from sync.views import wording

ESSAY = lms.LineItem("essay", "Essay", Decimal(100))
TOTALS = (
    lms.LineItem(lms.COURSE_TOTAL_CURRENT, "Current", Decimal(100), kind="course_total"),
    lms.LineItem(lms.COURSE_TOTAL_FINAL, "Final", Decimal(100), kind="course_total"),
)
ADA, BEN = lms.Member("ada", sis_id="1"), lms.Member("ben", sis_id="2")
LETTERS = lms.GradeScheme("s", "Letters", (lms.SchemeEntry("A", Decimal("0.9")),), "the course")


def counts(book: lms.Gradebook, only: set[str] | None = None) -> dict[str, int]:
    return {one.code: one.count for one in readiness.checks(book, only)}


def book(
    *results: lms.Result,
    items: tuple[lms.LineItem, ...] = (ESSAY,),
    members: tuple[lms.Member, ...] = (ADA, BEN),
    complete: bool = True,
    state: lms.CourseState | None = None,
) -> lms.Gradebook:
    return lms.Gradebook(members, items, results, complete=complete, state=state or lms.CourseState())


def graded(
    user_id: str = "ada", item: str = "essay", score: str = "80", *, posted: bool = True
) -> lms.Result:
    return lms.Result(user_id, item, lms.Status.GRADED, Decimal(score), posted=posted)


def standing(status: lms.Status, user_id: str = "ada", item: str = "essay", **more: object) -> lms.Result:
    return lms.Result(user_id, item, status, **more)  # type: ignore[arg-type]  # plain keyword pass-through


def test_a_course_where_all_is_graded_and_posted_is_ready() -> None:
    assert readiness.checks(book(graded(), graded("ben"))) == []


def test_unposted_grades_are_counted() -> None:
    assert counts(book(graded(posted=False), graded("ben"))) == {"unposted": 1}


def test_each_result_without_a_grade_is_counted_once_by_what_it_is() -> None:
    results = (
        standing(lms.Status.NOT_GRADED),
        standing(lms.Status.MISSING, "ben"),
        standing(lms.Status.NOT_GRADED, "ben", score_error="not-a-number"),
        standing(lms.Status.PENDING, "ben", score=Decimal(40)),
        standing(lms.Status.NOT_GRADED, "ada", score_error="not-shown"),
        standing(lms.Status.EXCUSED, "ben"),
    )
    assert counts(book(*results)) == {
        **{"not-graded": 1, "missing": 1, "unreadable": 1},
        **{"pending": 1, "not-shown": 1, "excused": 1},
    }


def test_a_missing_policys_zero_is_a_grade() -> None:
    by_flag = lms.Result("ben", "essay", lms.Status.GRADED, Decimal(0), missing=True)
    by_status = lms.Result("ada", "essay", lms.Status.MISSING, Decimal(0))
    assert counts(book(by_flag, by_status)) == {}


def test_a_stray_score_beside_not_graded_is_no_grade() -> None:
    assert counts(book(standing(lms.Status.NOT_GRADED, score=Decimal(3)))) == {"not-graded": 1}


results_ = st.builds(
    lms.Result,
    user_id=st.sampled_from(["ada", "ben", "stranger"]),
    line_item_id=st.sampled_from(["essay", "other"]),
    status=st.sampled_from(lms.Status),
    score=st.none() | st.just(Decimal(5)),
    text=st.none() | st.just("A"),
    missing=st.booleans(),
    late=st.booleans(),
    score_error=st.sampled_from(["", "not-a-number", "repeated", "not-shown"]),
)


@given(st.lists(results_, max_size=12))
def test_counts_add_up(results: list[lms.Result]) -> None:
    """Of the course's students and the items in question, all that is neither a grade nor counted is nothing."""
    ours = [one for one in results if one.user_id in ("ada", "ben") and one.line_item_id == "essay"]
    found = counts(book(*results))
    codes = ("not-graded", "pending", "missing", "unreadable", "not-shown", "excused")
    apart = sum(found.get(code, 0) for code in codes)
    grades = [one for one in ours if _is_grade(one)]
    assert apart + len(grades) == len(ours)


def _is_grade(one: lms.Result) -> bool:
    has_grade = one.score is not None or bool(one.text)
    missing = one.status is lms.Status.MISSING and has_grade
    return not one.score_error and (one.status is lms.Status.GRADED or missing)


def test_of_a_student_who_finished_the_course_only_her_total_is_still_waited_for() -> None:
    done = replace(ADA, concluded=True)
    results = (standing(lms.Status.NOT_GRADED), standing(lms.Status.NOT_GRADED, item="course_total:final"))
    found = counts(book(*results, items=(ESSAY, TOTALS[1]), members=(done, BEN)))
    assert found == {"not-graded": 1}


def test_late_and_missing_work_counts_where_the_lms_takes_points_off() -> None:
    ruled = replace(ESSAY, late_policy=True)
    late = replace(graded(), late=True)
    missing = standing(lms.Status.MISSING, "ben")
    assert counts(book(late, missing, items=(ruled,))) == {"late-policy": 2, "missing": 1}
    assert counts(book(late, missing)) == {"missing": 1}
    typed = replace(late, overridden=True)
    excused = standing(lms.Status.EXCUSED, "ben", missing=True)
    assert "late-policy" not in counts(book(typed, excused, items=(ruled,)))


# --- totals ---


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


@pytest.mark.parametrize(("one", "other"), [("current", "final"), ("calculated", "adjusted")])
def test_two_words_for_one_total_are_compared_within_their_grading_period(one: str, other: str) -> None:
    ids = [lms.course_total(one, "p1"), lms.course_total(other, "p1"), lms.course_total(other, "p2")]
    items = tuple(lms.LineItem(name, name, Decimal(100), kind="course_total") for name in ids)
    same = (graded(item=ids[0]), graded(item=ids[1]), graded(item=ids[2], score="3"))
    assert counts(book(*same, items=items)) == {}
    differ = (graded(item=ids[0]), graded(item=ids[1], score="80.01"))
    assert counts(book(*differ, items=items)) == {"current-differs": 1}


def test_a_student_whose_totals_differ_in_two_periods_is_one_student() -> None:
    pairs = [(which, period) for period in ("p1", "p2") for which in ("current", "final")]
    ids = [lms.course_total(*pair) for pair in pairs]
    items = tuple(lms.LineItem(name, name, Decimal(100), kind="course_total") for name in ids)
    results = [graded(item=name, score=str(80 + number)) for number, name in enumerate(ids)]
    assert counts(book(*results, items=items)) == {"current-differs": 1}


def test_a_total_that_nobody_adjusted_does_not_differ() -> None:
    ids = [lms.course_total("calculated"), lms.course_total("adjusted")]
    items = tuple(lms.LineItem(name, name, Decimal(100), kind="course_total") for name in ids)
    results = (graded(item=ids[0]), standing(lms.Status.NOT_GRADED, item=ids[1]))
    assert "current-differs" not in counts(book(*results, items=items))


def test_columns_that_a_teacher_lets_the_lms_compute_are_no_two_words_for_one_total() -> None:
    """Blackboard's calculated columns: an average of quizzes beside a sum of homework."""
    ids = [lms.course_total("external"), lms.course_total("_12_1"), lms.course_total("_13_1")]
    items = tuple(lms.LineItem(name, name, Decimal(100), kind="course_total") for name in ids)
    results = [graded(item=name, score=str(80 + number)) for number, name in enumerate(ids)]
    assert counts(book(*results, items=items)) == {}


def test_nothing_graded_yet_and_a_final_zero_differ() -> None:
    results = (
        standing(lms.Status.NOT_GRADED, item=lms.COURSE_TOTAL_CURRENT),
        graded(item=lms.COURSE_TOTAL_FINAL, score="0"),
    )
    assert counts(book(*results, items=TOTALS))["current-differs"] == 1


def test_students_whose_grade_was_set_by_hand_are_counted_once() -> None:
    totals = [replace(graded(item=item.line_item_id), overridden=True) for item in TOTALS]
    assert counts(book(*totals, items=TOTALS)) == {"override": 1}
    assert counts(book(*totals, items=TOTALS), only={"essay"}) == {}


# --- line items ---


def test_items_without_a_usable_maximum_are_counted() -> None:
    items = (
        lms.LineItem("a", "A", None),
        lms.LineItem("b", "B", Decimal(0)),
        lms.LineItem("c", "C", None, grading_type="not_graded"),
        lms.LineItem("d", "D", None, published=False),
    )
    assert counts(book(items=items)) == {"without-maximum": 2}


def test_items_that_the_lms_leaves_out_of_its_total_are_counted() -> None:
    assert counts(book(items=(ESSAY, replace(ESSAY, line_item_id="x", omitted=True)))) == {"omitted": 1}


def test_lettered_items_and_totals_without_a_scheme_are_counted() -> None:
    lettered = replace(ESSAY, line_item_id="l", grading_type="letter", scheme_id="gone")
    gpa = replace(ESSAY, line_item_id="g", grading_type="gpa", scheme_id="s")
    total = replace(graded(item=lms.COURSE_TOTAL_FINAL), text="B")
    made = replace(book(total, items=(ESSAY, lettered, gpa, *TOTALS)), schemes={"s": LETTERS})
    assert counts(made) == {"scheme-missing": 2}
    assert counts(replace(made, schemes={})) == {"scheme-missing": 3}
    worded = replace(graded(), text="complete")
    assert counts(book(worded)) == {}


# --- students and the course ---


def test_students_without_a_sis_id_are_counted_and_others_are_not() -> None:
    members = (
        lms.Member("ada", sis_id=" "),
        lms.Member("teacher", is_student=False),
        lms.Member("tester", test=True),
        lms.Member("gone", active=False),
    )
    assert counts(lms.Gradebook(members, (ESSAY,), ())) == {"without-sis-id": 1}


def test_a_concluded_or_unpublished_course_is_said() -> None:
    assert counts(book(state=lms.CourseState(published=False, concluded=True))) == {
        "course-concluded": 1,
        "course-unpublished": 1,
    }
    assert counts(book(state=lms.CourseState(published=True, concluded=False))) == {}
    assert counts(book(state=lms.CourseState())) == {}, "an LMS that does not say is not taken for a no"


def test_an_incomplete_read_is_said() -> None:
    (one,) = readiness.checks(book(complete=False))
    assert (one.code, one.text) == (
        "incomplete",
        "The LMS was not read completely. What is there is sent; nothing is withdrawn.",
    )


def test_only_the_chosen_items_and_the_courses_students_count() -> None:
    results = (graded("stranger", posted=False), graded(item="other", posted=False), graded(posted=False))
    items = (ESSAY, lms.LineItem("other", "Other", None))
    assert counts(book(*results, items=items), {"essay"}) == {"unposted": 1}


# --- words ---


def test_every_check_says_what_to_do_and_where_in_this_lms() -> None:
    (one,) = readiness.checks(book(graded(posted=False)), places={"unposted": "Grades → Post"})
    assert one.text == "Grades that are hidden from students, so that they cannot see them yet: 1."
    assert (one.fix, one.where) == ("Post them in the LMS before you send them.", "Grades → Post")
    assert readiness.checks(book(graded(posted=False)))[0].where == ""


# what a reader must be able to see before a check can find it: what no reader says it sees needs no place
SEEN_BY = {
    "unposted": "hidden",
    "pending": "pending",
    "missing": "missing",
    "excused": "excused",
    "override": "overridden",
    "omitted": "omitted",
}
READERS = [name for name in registry.names() if name not in ("ags", "memory")]


@pytest.mark.parametrize("name", READERS)
def test_a_reader_names_a_place_for_each_check_that_may_find_something_there(name: str) -> None:
    reader = registry.get(name)
    assert set(reader.places) <= set(readiness.CODES)
    always = {"not-graded", "unreadable", "without-maximum", "scheme-missing", "without-sis-id"}
    able = {code for code, able in SEEN_BY.items() if able in reader.supports}
    assert always | able <= set(reader.places)
    assert not set(SEEN_BY) - able & set(reader.places), "what this LMS cannot tell is mended nowhere"


@pytest.mark.parametrize("name", READERS)
def test_menu_paths_are_all_written_with_the_same_sign(name: str) -> None:
    for path in registry.get(name).places.values():
        assert "→" not in path
        assert " > " in path or "course" in path or path.startswith("not in Moodle"), path


def test_pages_have_words_for_every_check_and_group() -> None:
    assert set(wording.READINESS) == set(readiness.CODES)
    assert len(set(readiness.CODES)) == len(readiness.CODES)
    every = replace(
        book(
            replace(graded(posted=False), overridden=True, text="A"),
            *(standing(status, "ben") for status in (lms.Status.NOT_GRADED, lms.Status.PENDING)),
            graded("ben", lms.COURSE_TOTAL_CURRENT),
            graded("ben", lms.COURSE_TOTAL_FINAL, "1"),
            items=(replace(ESSAY, omitted=True), *TOTALS),
            members=(replace(ADA, sis_id=""), BEN),
            state=lms.CourseState(concluded=True),
        )
    )
    groups = {one.group for one in readiness.checks(every)}
    assert groups == set(wording.READINESS_GROUPS)
