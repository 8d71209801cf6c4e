"""The page of the scale: schemes with their source and date, examples of her own students, and rules that are true."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sync import engine
from sync.lms import records as lms
from sync.models import ContextState, GradeScheme, LineItemLink
from sync.sis.records import Profile, Value
from sync.views.scale import rules
from tests.sync.pages import Browser, person, teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db
ENTRIES = (
    lms.SchemeEntry("A", Decimal("0.9"), Decimal(4)),
    lms.SchemeEntry("B", Decimal("0.8"), Decimal(3)),
    lms.SchemeEntry("F", Decimal(0), Decimal(0)),
)


@pytest.fixture
def course() -> Course:
    made = make_course(students=3, items=1)
    made.lms.schemes["1"] = lms.GradeScheme("1", "House letters", ENTRIES, "set in this course")
    made.lms.change_item("a1", scheme_id="1", grading_type="letter")
    for number, score in enumerate(("95", "85.5", "12"), start=1):
        made.lms.grade(f"u{number}", "a1", Decimal(score))
    return made


@pytest.fixture
def ada(course: Course) -> Browser:
    return teacher(course.context)


def test_scheme_stands_there_with_its_source_and_date(course: Course, ada: Browser) -> None:
    engine.preview(course.context, course.who)
    page = text_of(ada.get("schemes"))
    assert "House letters set in this course" in page
    assert "A 90 % 4" in page
    assert "Fetched from the LMS on" in page
    assert "The same since" in page
    assert "Used by: Homework 1" in page


def test_examples_are_her_own_students_before_and_after(course: Course, ada: Browser) -> None:
    page = text_of(ada.post("look", back="schemes"))
    assert "Student 2 85.5 85.5 85.5 of 100" in page


def test_saved_scale_shows_at_once_what_becomes_of_the_grades(course: Course, ada: Browser) -> None:
    ada.post("look")
    page = text_of(ada.post("set_scale", course.links["i1"].pk, scale="letter", back="schemes"))
    assert "Student 2 85.5 B 85.5 of 100 = 85.5 %; B from 80 %" in page
    assert "A 1 B 1 F 1" in page


def test_scale_that_no_read_has_seen_shows_no_old_examples(course: Course, ada: Browser) -> None:
    ada.post("look")
    LineItemLink.objects.update(scale="letter")
    page = text_of(ada.get("schemes"))
    assert "Read again to see examples" in page
    assert "85.5" not in page


def test_grade_that_cannot_be_converted_is_told_with_who_can_settle_it(course: Course, ada: Browser) -> None:
    course.lms.grade("u1", "a1", Decimal(120))
    page = text_of(ada.post("look", back="schemes"))
    assert "1 result: The score is above the maximum" in page
    assert "You can settle this" in page
    assert "2 grades can be sent. Among all results: 1 to settle" in page


def test_grade_edited_in_the_sis_is_no_matter_of_the_scale(course: Course, ada: Browser) -> None:
    course.send()
    course.sis.edit("i1", "s1", Value(Decimal(1)))
    page = text_of(ada.post("look", back="schemes"))
    assert "3 grades can be sent" in page
    assert "1 result:" not in page


def test_course_total_says_which_one_is_sent(course: Course, ada: Browser) -> None:
    total = "course_total:final"
    course.lms.add_item(total, title="Course total (final)", kind="course_total")
    course.lms.add_item("course_total:current", title="Course total (current)", kind="course_total")
    course.sis.add_item("c1", "total", title="Total")
    ada.post("look")
    assert "No course total is sent" in text_of(ada.get("schemes"))
    ada.post("link_line_item", class_link=course.class_link.pk, line_item_id=total, sis_id="total")
    page = text_of(ada.get("schemes"))
    assert "Course total (final): The final score: work that is not handed in counts as zero." in page


def test_of_a_total_that_stands_alone_only_the_rule_of_the_lms_says_what_counts(
    course: Course, ada: Browser
) -> None:
    course.lms.state = lms.CourseState(total_rule="Whether ungraded work counts is set in the gradebook.")
    course.lms.add_item("course_total:current", title="Course total", kind="course_total")
    course.sis.add_item("c1", "total", title="Total")
    ada.post("look")
    listed = text_of(ada.get("line_items"))
    ada.post(
        "link_line_item", class_link=course.class_link.pk, line_item_id="course_total:current", sis_id="total"
    )
    for page in (listed, text_of(ada.get("schemes"))):
        assert "Course total" in page
        assert "How the LMS makes its total: Whether ungraded work counts" in page
        assert "graded work only" not in page
        assert "A class takes one of them" not in page


def test_a_total_of_a_grading_period_or_of_another_word_says_what_it_is(course: Course, ada: Browser) -> None:
    course.lms.periods.append(lms.GradingPeriod("p1", "Quarter 1"))
    course.lms.state = lms.CourseState(total_rule="Ungraded work is left out.")
    course.lms.add_item(lms.course_total("current", "p1"), title="Current", kind="course_total")
    words = {
        lms.course_total("final", "p1"): "as zero. Only of the grading period “Quarter 1”.",
        lms.course_total("calculated"): "The calculated grade: as the LMS computes it from the grades.",
        lms.course_total("_9_1", "p2"): "Total 2: Only of the grading period “p2”.",
    }
    for number, total in enumerate(words):
        course.lms.add_item(total, title=f"Total {number}", kind="course_total")
        course.sis.add_item("c1", f"t{number}", title=f"T {number}")
    ada.post("look")
    for number, total in enumerate(words):
        link = {"class_link": course.class_link.pk, "line_item_id": total, "sis_id": f"t{number}"}
        ada.post("link_line_item", **link)
    page = text_of(ada.get("schemes"))
    for text in words.values():
        assert text in page
    assert "How the LMS makes its total: Ungraded work is left out." in page


def test_a_class_takes_one_total_for_each_grading_period(course: Course, ada: Browser) -> None:
    totals = [lms.course_total("final"), lms.course_total("final", "p1"), lms.course_total("current", "p1")]
    for number, total in enumerate(totals):
        course.lms.add_item(total, title=f"Total {number}", kind="course_total")
        course.sis.add_item("c1", f"t{number}", title=f"T {number}")
    ada.post("look")
    told = []
    for number, total in enumerate(totals):
        link = {"class_link": course.class_link.pk, "line_item_id": total, "sis_id": f"t{number}"}
        told.append(text_of(ada.post("link_line_item", **link)))
    linked = LineItemLink.objects.filter(kind="course_total")
    assert set(linked.values_list("lms_line_item_id", flat=True)) == set(totals[:2])
    assert "The other course total is linked in this class" in told[-1]


def test_ranges_of_their_own_and_how_the_lms_applies_them_stand_there(course: Course, ada: Browser) -> None:
    entries = (
        lms.SchemeEntry("A", Decimal("0.9"), upper=Decimal(1)),
        lms.SchemeEntry("B", Decimal("0.8"), upper=Decimal("0.895")),
        lms.SchemeEntry("F", Decimal("0.1"), upper=Decimal("0.8")),
    )
    course.lms.schemes["1"] = lms.GradeScheme(
        "1", "Ranges", entries, "this course", points_based=True, places=None, below_all="none", clamped=True
    )
    engine.preview(course.context, course.who)
    page = text_of(ada.get("schemes"))
    assert "Up to, and below" in page
    assert "A 90 % 100 % itself B 80 % 89.5 %" in page
    assert "No grade stands between 89.5 % and 90 %" in page
    assert "Below the lowest bound there is no grade" in page
    assert "A score below 0 % or above 100 % counts as 0 % or 100 %." in page
    assert "The LMS writes the bounds as points" in page
    kept = GradeScheme.objects.get(context=course.context)
    assert kept.entries == [["A", "0.9", "1"], ["B", "0.8", "0.895"], ["F", "0.1", "0.8"]]
    assert kept.rules == {"places": None, "below_all": "none", "clamped": True}


def test_a_usual_scheme_is_kept_and_shown_as_before(course: Course, ada: Browser) -> None:
    engine.preview(course.context, course.who)
    kept = GradeScheme.objects.get(context=course.context)
    assert (kept.entries[0], kept.rules) == (["A", "0.9"], {})
    page = text_of(ada.get("schemes"))
    assert "Up to, and below" not in page
    assert "not sent. Fetched" not in page


def test_a_snapshot_of_the_release_before_is_shown(course: Course, ada: Browser) -> None:
    """Until the next read the page stands on what was kept then: no rules, gaps, periods or state."""
    engine.look(course.context)
    state = ContextState.objects.get(context=course.context)
    for scheme in state.snapshot["schemes"]:
        for name in ("points_based", "rules", "gaps"):
            del scheme[name]
        for entry in scheme["entries"]:
            del entry["upper"]
    for name in ("periods", "state"):
        del state.snapshot[name]
    for one in state.snapshot["conversions"].values():
        del one["counts"]["pending"]
    state.save()
    assert "A 90 % 4" in text_of(ada.get("schemes"))


def test_a_score_in_a_gap_is_told_and_the_others_go(course: Course, ada: Browser) -> None:
    entries = (
        lms.SchemeEntry("A", Decimal("0.9"), upper=Decimal(1)),
        lms.SchemeEntry("F", Decimal(0), upper=Decimal("0.855")),
    )
    course.lms.schemes["1"] = lms.GradeScheme("1", "R", entries, "x", places=None, below_all="none")
    LineItemLink.objects.update(scale="letter")
    page = text_of(ada.post("look", back="schemes"))
    assert "1 result: The LMS's grading scheme has no grade for this score" in page
    assert "2 grades can be sent. Among all results: 1 to settle" in page


def test_assistant_sees_the_scale_and_cannot_set_it(course: Course, ada: Browser) -> None:
    ada.post("look")
    page = person(course.context, "assistant", can_look=True).get("schemes").content.decode()
    assert "Sent as points" in " ".join(page.split())
    assert "/scale/" not in page


# --- the rules are true ---------------------------------------------------------------------------------------


def rule(course: Course, title: str) -> str:
    engine.look(course.context)
    page = teacher(course.context).get("schemes")
    ((_link, lines),) = page.context["rules"]
    return str(dict(lines)[title])


def sent(course: Course, user: int = 1) -> Value | None:
    """What stands in the SIS for this student after everything that can go was sent."""
    course.send()
    return course.stored(user, 1)


@pytest.mark.parametrize("carries", [True, False])
def test_rule_for_missing_work_is_what_is_sent(carries: bool) -> None:
    made = make_course(1, 1, Profile(flags=frozenset({"missing"} if carries else ())))
    made.lms.miss("u1", "a1")
    assert rule(made, "Missing, without a score").startswith(
        "Sent as missing" if carries else "Nothing is sent"
    )
    assert (sent(made) is not None) is carries


@pytest.mark.parametrize("carries", [True, False])
def test_rule_for_late_work_is_what_is_sent(carries: bool) -> None:
    made = make_course(1, 1, Profile(flags=frozenset({"late"} if carries else ())))
    made.lms.grade("u1", "a1", 70, late=True)
    assert ("marked as late" in rule(made, "Late")) is carries
    assert sent(made) == Value(Decimal(70), flags=frozenset({"late"} if carries else ()))


@pytest.mark.parametrize("takes", [True, False])
def test_rule_for_a_score_above_the_maximum_is_what_is_sent(takes: bool) -> None:
    made = make_course(1, 1, Profile(over_max=takes))
    made.lms.grade("u1", "a1", 104)
    assert rule(made, "Above the maximum").startswith("Sent as it is" if takes else "Not sent")
    assert sent(made) == (Value(Decimal(104)) if takes else None)


def test_rule_for_excused_ungraded_zero_and_hidden_is_what_is_sent() -> None:
    made = make_course(4, 1)
    made.lms.excuse("u1", "a1")
    made.lms.grade("u3", "a1", 0)
    made.lms.grade("u4", "a1", 50, posted=False)
    assert rule(made, "Excused") == "Sent as excused, without a score."
    made.send()
    assert made.stored(1, 1) == Value(status="exempt")
    assert made.stored(2, 1) is None
    assert made.stored(3, 1) == Value(Decimal(0))
    assert made.stored(4, 1) == Value(Decimal(50))


@pytest.mark.parametrize(
    ("decimals", "words", "stored"), [(0, "whole number", "9"), (2, "2 decimals", "8.67")]
)
def test_rule_for_rounding_is_what_is_sent(decimals: int, words: str, stored: str) -> None:
    made = make_course(1, 1, Profile(decimals=decimals))
    made.lms.grade("u1", "a1", Decimal("8.665"))
    assert words in rule(made, "Rounding")
    assert sent(made) == Value(Decimal(stored))


def test_every_rule_has_words_for_every_kind_of_sis() -> None:
    for yes in (True, False):
        profile: dict[str, Any] = {"flags": ["late", "missing"] if yes else [], "decimals": 1}
        profile |= dict.fromkeys(("over_max", "texts", "read_back", "withdraw"), yes)
        told = rules(profile)
        assert len(dict(told)) == len(told) == 13
        assert all(text for _title, text in told)


# --- a large course -------------------------------------------------------------------------------------------


def measured(course: Course) -> tuple[int, int]:
    engine.preview(course.context, course.who)
    ada = teacher(course.context)
    with CaptureQueriesContext(connection) as counted:
        page = ada.get("schemes")
    return len(counted), len(page.content)


def test_page_stays_small_and_asks_the_database_as_often_for_a_large_course() -> None:
    small, big = make_course(students=2, items=2), make_course(students=40, items=25)
    for course, students, items in ((small, 2, 2), (big, 40, 25)):
        for user in range(1, students + 1):
            for item in range(1, items + 1):
                course.lms.grade(f"u{user}", f"a{item}", 10 + user)
    queries, size = measured(big)
    assert queries == measured(small)[0]
    assert size < 300_000


def test_a_scheme_is_read_from_its_highest_grade_down(course: Course, ada: Browser) -> None:
    entries = (
        lms.SchemeEntry("F", Decimal(0)),
        lms.SchemeEntry("?", Decimal("NaN")),
        lms.SchemeEntry("A", Decimal("0.9")),
        lms.SchemeEntry("D", Decimal("0.6")),
    )
    course.lms.schemes["1"] = lms.GradeScheme("1", "Upward", entries, "this course")
    ada.post("look")
    (scheme,) = ada.get("schemes").context["schemes"]
    assert [row["name"] for row in scheme["rows"]] == ["A", "D", "F", "?"]
