"""The page of both course totals; and that a column which the SIS computes itself is compared and never written."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sync import engine, totals
from sync.engine.errors import LinkRefused
from sync.lms import records as lms
from sync.models import ContextState, LineItemLink
from sync.sis.records import Value
from sync.views.totals import STEPS
from tests.sync.pages import Browser, person, teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db
FINAL = lms.COURSE_TOTAL_FINAL


@pytest.fixture
def course() -> Course:
    """The SIS computes plain points; the LMS weighs its two assignments 20 to 80. The second is not graded for u3."""
    made = make_course(students=3, items=2)
    made.lms.state = lms.CourseState(weighted=True, total_rule="Groups count by their weights.")
    made.lms.categories += [lms.Category("e", "E", Decimal(20)), lms.Category("q", "Q", Decimal(80))]
    made.lms.change_item("a1", category_id="e")
    made.lms.change_item("a2", category_id="q")
    made.lms.add_item(FINAL, title="Total", kind="course_total")
    made.sis.add_item("c1", "own", title="Year", computed=True)
    scores = {"u1": (80, 50, "56", "65"), "u2": (70, 70, "70", "70"), "u3": (90, None, "18", "90")}
    for user, (first, second, total, own) in scores.items():
        made.lms.grade(user, "a1", first)
        made.lms.grade(user, "a2", second)
        made.lms.grade(user, FINAL, Decimal(total))
        made.sis.edit("own", f"s{user[1:]}", Value(Decimal(own)))
    made.send()
    return made


@pytest.fixture
def ada(course: Course) -> Browser:
    engine.look(course.context)
    return teacher(course.context)


def test_both_totals_stand_side_by_side_with_what_makes_them_differ(ada: Browser) -> None:
    page = text_of(ada.get("totals"))
    assert "1 student has the same total on both sides." in page
    assert "2 students have totals that differ, and it is explained why." in page
    assert "Student 1 56 65 +9 +9: the LMS weighs groups of assignments" in page
    assert "Student 2 70 70 0 The same" in page
    assert "How the LMS makes its total: Groups count by their weights." in page
    assert "Compared with this total of the LMS: Total How the LMS makes" in page
    reasons = "+27: the LMS weighs groups of assignments +45: work without a grade counts as zero in the LMS"
    assert f"Student 3 18 90 +72 {reasons}" in page


def test_what_is_not_explained_is_said_and_comes_first(course: Course, ada: Browser) -> None:
    course.sis.edit("own", "s2", Value(Decimal("12.5")))
    ada.post("look")
    page = text_of(ada.get("totals"))
    assert "1 student has totals that differ in a way that is not explained." in page
    unknown = "not explained: the SIS makes its total by a rule that is not known here"
    assert f"Why Student 2 70 12.5 −57.5 −57.5: {unknown} Student 1" in page


def test_totals_in_letters_are_shown_without_a_reckoning(course: Course) -> None:
    course.sis.edit("own", "s1", Value(text="B"))
    engine.look(course.context)
    page = text_of(teacher(course.context).get("totals"))
    assert "Student 1 56 B – they are no numbers on both sides" in page


def test_the_scale_page_leads_there_only_where_the_sis_computes_a_total(course: Course, ada: Browser) -> None:
    assert "Compare both totals" in text_of(ada.get("schemes"))
    course.sis.items["own"] = course.sis.add_item("c1", "own", title="Year")
    ada.post("look")
    assert "Compare both totals" not in text_of(ada.get("schemes"))
    assert "The SIS shows no course total that it computes itself" in text_of(ada.get("totals"))


def test_before_any_read_the_page_says_so() -> None:
    page = text_of(teacher(make_course().context).get("totals"))
    assert "The SIS shows no course total" in page


def test_an_assistant_sees_them_and_a_class_that_no_longer_stands_shows_nothing(
    course: Course, ada: Browser
) -> None:
    assistant = person(course.context, "assistant", can_look=True)
    assert "Student 1 56 65" in text_of(assistant.get("totals"))
    course.class_link.lapsed = "gone"
    course.class_link.save()
    assert "Student 1" not in text_of(ada.get("totals"))


def test_excluded_students_are_not_compared(course: Course, ada: Browser) -> None:
    engine.exclude_student(course.context, "u1", "auditor", course.who)
    ada.post("look")
    assert "Student 1" not in text_of(ada.get("totals"))


def test_every_step_has_words() -> None:
    assert tuple(STEPS) == totals.CODES


# --- such a column is never written ---


def test_a_column_that_the_sis_computes_is_neither_offered_nor_linked(course: Course, ada: Browser) -> None:
    course.lms.change_item(FINAL, title="Year")
    ada.post("look")
    snapshot = ContextState.objects.get(context=course.context).snapshot
    assert "own" not in {one["id"] for one in snapshot["sis_items"][str(course.class_link.pk)]}
    assert engine.link_exact_titles(course.context, course.who) == []
    with pytest.raises(LinkRefused, match="computes this assignment itself"):
        engine.link_line_item(course.class_link, FINAL, "own", course.who)


def test_a_link_of_before_sends_nothing_to_it_and_removes_nothing(course: Course) -> None:
    course.sis.add_item("c1", "own", title="Year")
    engine.link_line_item(course.class_link, FINAL, "own", course.who)
    for student in (1, 2, 3):
        course.sis.edit("own", f"s{student}", None)
    course.send()
    assert course.sis.value("own", "s1") == Value(Decimal(56))
    course.sis.add_item("c1", "own", title="Year", computed=True)
    course.sis.edit("own", "s1", Value(Decimal(65)))
    course.lms.grade("u1", FINAL, 99)
    run = course.send(withdraw=True)
    assert course.sis.value("own", "s1") == Value(Decimal(65))
    (problem,) = [one for one in run.report["problems"] if one["code"] == "line-item-computed"]
    assert problem["results"] == 3
    page = text_of(teacher(course.context).get("totals"))
    assert "Student 1 99 65" in page, "it is compared all the same"
    assert LineItemLink.objects.filter(line_item_id="own").exists()


def test_a_large_course_is_compared_in_a_moment_and_shown_in_pages(course: Course) -> None:
    big = make_course(students=120, items=10)
    big.lms.add_item(FINAL, title="Total", kind="course_total")
    big.sis.add_item("c1", "own", title="Year", computed=True)
    for user in range(1, 121):
        for item in range(1, 11):
            big.lms.grade(f"u{user}", f"a{item}", (user + item) % 101)
        big.lms.grade(f"u{user}", FINAL, user % 101)
        big.sis.edit("own", f"s{user}", Value(Decimal(user % 97)))
    engine.look(big.context)
    page = teacher(big.context).get("totals")
    assert "Page 1 of 3 (1–50 of 120)" in text_of(page)
    assert len(page.content) < 120_000
