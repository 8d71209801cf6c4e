"""Assignments: what speaks for a link is told before it is made, and what a changed link moves before it is changed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sync import engine
from sync.models import LineItemLink, Run, SentGrade
from sync.sis.records import Profile, Value
from tests.sync.pages import Browser, person, teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db
NOON, NIGHT = datetime(2026, 10, 5, 12, tzinfo=UTC), datetime(2026, 10, 5, 23, 59, tzinfo=UTC)


@pytest.fixture
def course() -> Course:
    return make_course(students=3, items=1)


@pytest.fixture
def ada(course: Course) -> Browser:
    return teacher(course.context)


def one(course: Course, item: str = "a9", **more: Any) -> dict[str, Any]:
    return {"class_link": course.class_link.pk, "item": item} | more


# --- evidence -------------------------------------------------------------------------------------------------


def test_suggestion_says_in_one_line_what_agrees(course: Course, ada: Browser) -> None:
    course.lms.add_item("a9", title="Cell essay", maximum=20, due_at=NOON)
    course.sis.add_item("c1", "i9", title="Essay: cell", maximum=25, due=NIGHT)
    course.sis.edit("i9", "s1", Value(Decimal(3)))
    page = text_of(ada.post("look", back="line_items"))
    assert "due the same day, maximum 25 there, 1 grade stands there already" in page
    assert "Link to “Essay: cell”" in page


def test_linking_by_title_is_offered_only_where_a_free_title_is_equal(course: Course, ada: Browser) -> None:
    course.lms.add_item("a9", title="Cell essay", maximum=20)
    course.sis.add_item("c1", "i9", title="Essay: cell", maximum=20)
    page = text_of(ada.post("look", back="line_items"))
    assert "Link all with equal titles" not in page and "Create missing ones in the SIS" in page
    course.sis.add_item("c1", "i10", title="Cell essay", maximum=20)
    assert "Link all with equal titles" in text_of(ada.post("look", back="line_items"))


def test_page_of_one_assignment_shows_both_sides(course: Course, ada: Browser) -> None:
    course.lms.add_item("a9", title="Cell essay", maximum=20, due_at=NOON)
    course.sis.add_item("c1", "i9", title="Essay: cell", maximum=25, due=NIGHT)
    ada.post("look")
    page = text_of(ada.get("line_item", query=one(course)))
    assert "Due date Oct. 5, 2026 Oct. 5, 2026 same" in page
    assert "Highest value 20 25 different" in page


def test_other_title_with_the_same_date_and_maximum_is_suggested(course: Course, ada: Browser) -> None:
    course.lms.add_item("a9", title="Photosynthesis", maximum=20, due_at=NOON)
    course.sis.add_item("c1", "i9", title="Plants", maximum=20, due=NIGHT)
    page = text_of(ada.post("look", back="line_items"))
    assert "Perhaps “Plants”: 60 of 100 alike, due the same day, same maximum" in page


def test_item_or_class_that_is_not_there_is_not_found(course: Course, ada: Browser) -> None:
    ada.post("look")
    assert ada.get("line_item", query=one(course, "nothing")).status_code == 404
    assert ada.get("line_item", query={"item": "a1", "class_link": "x"}).status_code == 404
    assert ada.get("line_item").status_code == 404


def test_assistant_sees_one_assignment_and_no_form(course: Course, ada: Browser) -> None:
    ada.post("look")
    assistant = person(course.context, "assistant", can_look=True)
    page = assistant.get("line_item", query=one(course, "a1")).content.decode()
    assert "Homework 1" in page
    assert "/assignments/link/" not in page
    assert "/unlink/" not in page


# --- changing a link ------------------------------------------------------------------------------------------


@pytest.fixture
def sent(course: Course) -> Course:
    """Two grades were sent to i1; a third came since; i7 is free and holds a grade of its own."""
    course.lms.grade("u1", "a1", 50)
    course.lms.grade("u2", "a1", 60)
    course.send()
    course.lms.grade("u3", "a1", 70)
    course.sis.add_item("c1", "i7", title="Homework one", maximum=50)
    course.sis.edit("i7", "s3", Value(Decimal(9)))
    engine.look(course.context)
    return course


def test_preview_tells_what_stays_and_what_goes_and_changes_nothing(sent: Course, ada: Browser) -> None:
    page = text_of(ada.get("line_item", query=one(sent, "a1", sis_id="i7")))
    assert "2 grades that stand in “Homework 1” stay there" in page
    assert "3 grades of the LMS will go to “Homework one”" in page
    assert "1 grade stands there already" in page
    assert "Highest value: 100 now, 50 there" in page
    assert LineItemLink.objects.get(lms_line_item_id="a1").line_item_id == "i1"


def test_preview_counts_the_grades_of_an_assignment_that_was_linked_after_the_read(
    sent: Course, ada: Browser
) -> None:
    sent.lms.add_item("a9", title="Essay")
    sent.lms.grade("u1", "a9", 5)
    sent.sis.add_item("c1", "i9", title="Essay")
    ada.post("look")
    ada.post("link_line_item", class_link=sent.class_link.pk, line_item_id="a9", sis_id="i9")
    page = text_of(ada.get("line_item", query=one(sent, "a9", sis_id="i7")))
    assert "1 grade of the LMS will go to “Homework one”" in page
    assert "No grade was sent to “Essay” yet" in page


def test_changed_link_leaves_what_was_sent_and_sends_to_the_other(sent: Course, ada: Browser) -> None:
    link = sent.links["i1"]
    page = text_of(ada.post("change_line_item", link.pk, sis_id="i7", was="i1"))
    assert "The link is changed" in page
    assert (sent.stored(1, 1), sent.stored(2, 1)) == (Value(Decimal(50)), Value(Decimal(60)))
    run = engine.preview(sent.context, sent.who)
    assert {(row.line_item_id, row.student_id) for row in run.changes.all()} == {("i7", "s1"), ("i7", "s2")}
    assert [one["why"] for one in run.report["held"]] == ["the item is no longer linked"] * 2
    assert [one["code"] for one in run.report["problems"]] == ["edited-in-sis"]
    assert SentGrade.objects.filter(line_item_id="i1").count() == 2


def test_going_back_finds_what_was_sent_there_before(sent: Course, ada: Browser) -> None:
    ada.post("change_line_item", sent.links["i1"].pk, sis_id="i7", was="i1")
    page = text_of(ada.get("line_item", query=one(sent, "a1", sis_id="i1")))
    assert "2 grades were sent to “Homework 1” before" in page
    assert "1 grade of the LMS will go to “Homework 1”" in page


def test_link_that_someone_else_changed_meanwhile_is_not_changed_again(sent: Course, ada: Browser) -> None:
    sent.sis.add_item("c1", "i8", title="Homework two")
    ada.post("change_line_item", sent.links["i1"].pk, sis_id="i7", was="i1")
    page = text_of(ada.post("change_line_item", sent.links["i1"].pk, sis_id="i8", was="i1"))
    assert "changed by someone else" in page
    assert LineItemLink.objects.get(lms_line_item_id="a1").line_item_id == "i7"


def test_link_is_not_changed_while_grades_are_being_sent(sent: Course, ada: Browser) -> None:
    run = engine.preview(sent.context, sent.who)
    engine.approve(run, sent.who, [row.digest for row in run.changes.all()])
    page = text_of(ada.post("change_line_item", sent.links["i1"].pk, sis_id="i7", was="i1"))
    assert "being sent just now" in page
    assert LineItemLink.objects.get(lms_line_item_id="a1").line_item_id == "i1"
    assert Run.objects.get(pk=run.pk).state == "approved"


def test_item_that_is_linked_elsewhere_or_gone_is_refused(sent: Course, ada: Browser) -> None:
    for sis_id in ("nowhere", "", "i1"):
        ada.post("change_line_item", sent.links["i1"].pk, sis_id=sis_id, was="i1")
        assert LineItemLink.objects.get(lms_line_item_id="a1").line_item_id == "i1"


def test_sis_that_cannot_be_read_is_not_said_to_be_empty(ada: Browser) -> None:
    blind = make_course(students=1, items=1, profile=Profile(read_back=False))
    blind.sis.add_item("c1", "i7", title="Other")
    engine.look(blind.context)
    page = text_of(teacher(blind.context).get("line_item", query=one(blind, "a1", sis_id="i7")))
    assert "cannot be read" in page
    assert "0 grades stand there" not in page


# --- a large course -------------------------------------------------------------------------------------------


def measured(course: Course, name: str, **query: Any) -> tuple[int, int]:
    ada = teacher(course.context)
    with CaptureQueriesContext(connection) as counted:
        page = ada.get(name, query=query)
    return len(counted), len(page.content)


def test_pages_stay_small_and_ask_the_database_as_often_for_many_assignments() -> None:
    small, big = make_course(students=2, items=2), make_course(students=2, items=40)
    for course, more in ((small, 1), (big, 40)):
        for number in range(100, 100 + more):
            course.lms.add_item(f"a{number}", title=f"Task {number} of the term")
            course.sis.add_item("c1", f"i{number}", title=f"Task no. {number}")
        engine.look(course.context)
    for name in ("line_items", "create_line_items"):
        assert measured(big, name)[0] == measured(small, name)[0]
        assert measured(big, name)[1] < 300_000
    single = [measured(one, "line_item", class_link=one.class_link.pk, item="a100") for one in (small, big)]
    assert single[0][0] == single[1][0]
