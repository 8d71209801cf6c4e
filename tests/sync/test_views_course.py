"""The course page says where things stand in one look; the set-up guide says what is missing, and comes back to it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sync import engine
from sync.engine import pausing
from sync.models import ContextState, LineItemLink, Run, SisConnection
from sync.sis.records import Profile, Value
from tests.sync.pages import Browser, person, teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    made = make_course(students=3, items=2)
    for student in (1, 2, 3):
        made.lms.grade(f"u{student}", "a1", Decimal(70 + student))
    return made


@pytest.fixture
def ada(course: Course) -> Browser:
    return teacher(course.context)


def shown(browser: Browser, name: str = "course") -> str:
    return text_of(browser.get(name))


def standing(page: str) -> str:
    """The sentence at the top, and the line on what waits."""
    return page[page.index("Grades to SIS") :]


# --- where things stand ---------------------------------------------------------------------------------------


def test_grades_that_wait_are_counted_by_kind(course: Course, ada: Browser) -> None:
    course.send()
    course.lms.grade("u1", "a1", Decimal(1))
    course.lms.grade("u2", "a1", None)
    course.lms.grade("u1", "a2", Decimal(5))
    course.sis.edit("i1", "s3", Value(Decimal(99)))
    engine.look(course.context)
    page = shown(ada)
    assert (
        "4 grades wait for you: 1 edited in the SIS, 1 new to the SIS, 1 changed in the LMS, 1 gone" in page
    )
    assert "Review grades" in page


def test_in_sync_says_since_when(course: Course, ada: Browser) -> None:
    first = course.send()
    engine.reconcile(course.context, course.who)
    when = timezone.now().replace(year=2020)
    Run.objects.filter(pk=first.pk).update(finished_at=when)
    page = shown(ada)
    assert "LMS and SIS agree." in page
    assert "So it has been since" in page
    assert "2020" in page


def test_in_sync_counts_from_the_last_difference(course: Course, ada: Browser) -> None:
    first = course.send()
    course.sis.edit("i1", "s1", Value(Decimal(99)))
    engine.reconcile(course.context, course.who)
    course.sis.edit("i1", "s1", Value(Decimal(71)))
    engine.reconcile(course.context, course.who)
    Run.objects.filter(pk=first.pk).update(finished_at=timezone.now().replace(year=2020))
    page = shown(ada)
    assert "LMS and SIS agree." in page
    assert "2020" not in page


def test_a_sis_that_cannot_be_read_is_never_said_to_agree() -> None:
    course = make_course(students=1, items=1, profile=Profile(read_back=False))
    course.lms.grade("u1", "a1", Decimal(5))
    course.send()
    page = shown(teacher(course.context))
    assert "All grades were delivered." in page
    assert "cannot be read back" in page
    assert "LMS and SIS agree" not in page


def test_a_run_that_goes_on_is_the_one_thing_to_look_at(course: Course, ada: Browser) -> None:
    course.send()
    course.lms.grade("u1", "a1", Decimal(1))
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    page = shown(ada)
    assert "Grades are being sent: see how far" in page
    assert "Review grades" not in page


def test_students_and_items_to_settle_are_counted(course: Course, ada: Browser) -> None:
    course.lms.add_member("u9", sis_id="nobody", name="New Student")
    course.lms.add_item("a9", title="Not linked", maximum=Decimal(10))
    course.send()
    page = shown(ada)
    assert "3 matched, 1 to settle, 0 left out" in page
    assert "2 linked, 1 not linked" in page


def test_a_failed_run_is_not_said_to_differ(course: Course, ada: Browser) -> None:
    course.send()
    now = timezone.now()
    failed = {
        "state": "failed",
        "message": "The SIS refused the key.",
        "approved_at": now,
        "finished_at": now,
    }
    Run.objects.create(context=course.context, asked_name="Ada", **failed)
    page = shown(ada)
    assert "stopped by an error" in page
    assert "The SIS refused the key." in page


def test_a_first_run_that_failed_is_told_beside_the_guide(course: Course, ada: Browser) -> None:
    failed = {"state": "failed", "message": "The SIS refused the key.", "approved_at": timezone.now()}
    Run.objects.create(context=course.context, asked_name="Ada", **failed)
    page = shown(ada)
    assert "The last run was stopped by an error. The SIS refused the key." in page
    assert "Set up this course" in page


def test_links_changed_since_the_last_read_are_said_to_be(course: Course, ada: Browser) -> None:
    course.send()
    assert "Links were changed since" not in shown(ada)
    engine.set_scale(course.links["i1"], "percent", course.who)
    assert "Links were changed since" in shown(ada)
    engine.look(course.context)
    assert "Links were changed since" not in shown(ada)


def test_a_pause_by_the_administrator_is_said_with_her_reason(course: Course, ada: Browser) -> None:
    course.send()
    pausing.pause(course.context.institution, engine.Who("root"), "The SIS is being moved.")
    page = shown(ada)
    assert "root, your administrator, paused it." in page
    assert "The SIS is being moved." in page
    theirs = make_course()
    assert "paused it" not in shown(teacher(theirs.context))


# --- the map --------------------------------------------------------------------------------------------------


def test_map_names_each_state_with_its_students_and_stands_as_a_table_too(
    course: Course, ada: Browser
) -> None:
    course.send()
    course.lms.grade("u2", "a1", Decimal(1))
    engine.look(course.context)
    html = ada.get("course").content.decode()
    assert "<title>changed in the LMS: Student 2</title>" in html
    assert 'aria-label="Homework 1: 1 changed in the LMS, 2 the same in the SIS"' in html
    assert "Student 2 changed in the LMS not graded yet" in text_of(ada.get("course"))


def test_map_tells_nothing_of_a_class_that_is_no_longer_linked(course: Course, ada: Browser) -> None:
    course.send()
    course.class_link.lapsed = "gone"
    course.class_link.save()
    html = ada.get("course").content.decode()
    assert "the same in the SIS" not in html
    assert 'class="s-' not in html


def test_names_and_titles_are_text_and_never_markup(course: Course, ada: Browser) -> None:
    evil = '"><script>alert(1)</script>'
    course.lms.add_member("u1", sis_id="s1", name=evil)
    course.lms.add_item("a1", title=evil, maximum=Decimal(100))
    engine.look(course.context)
    assert "<script>alert" not in ada.get("course").content.decode()


def filled(students: int, items: int) -> Browser:
    """A course whose snapshot shows every state."""
    made = make_course(students=1, items=1)
    made.send()
    letters = "prencwuhs-"
    users = [f"user-{number:032}" for number in range(students)]
    snapshot = ContextState.objects.get(context=made.context).snapshot
    titles = [f"Assignment {number}: a title of usual length" for number in range(items)]
    person = snapshot["students"][0]
    snapshot["students"] = [
        person | {"user_id": one, "name": f"Student Longername {one[-4:]}"} for one in users
    ]
    snapshot["items"] = [snapshot["items"][0] | {"line_item_id": one, "title": one} for one in titles]
    rows = ["".join(letters[(place + row * 7) % 10] for place in range(items)) for row in range(students)]
    snapshot["map"] = {"students": users, "items": titles, "rows": rows}
    ContextState.objects.filter(context=made.context).update(snapshot=snapshot)
    return teacher(made.context)


@pytest.mark.parametrize("size", [(500, 40), (80, 50), (2000, 5), (30, 130)])
def test_page_stays_small_however_large_the_course(size: tuple[int, int]) -> None:
    page = filled(*size).get("course").content
    assert len(page) < 300_000
    assert page.count(b'role="img"') == size[1]
    assert set(re.findall(rb'class="s-(\w+)"', page)) >= {b"problem", b"new", b"changed", b"edited", b"same"}


def test_number_of_queries_does_not_grow_with_the_course() -> None:
    costs = []
    for size in ((2, 2), (300, 30)):
        browser = filled(*size)
        with CaptureQueriesContext(connection) as asked:
            browser.get("course")
        costs.append(len(asked))
    assert costs[0] == costs[1]


# --- the set-up guide -----------------------------------------------------------------------------------------


def steps(browser: Browser, name: str = "setup") -> dict[str, str]:
    """Each step's state by its title."""
    html = browser.get(name).content.decode()
    found = re.findall(r'<li class="(\w+)"[^>]*>\s*<h3>(.*?) <span', html)
    return {title: state for state, title in found}


@pytest.fixture
def bare(course: Course) -> Course:
    """Nothing linked, nothing read."""
    course.class_link.delete()
    return course


def test_guide_begins_with_the_class_and_the_rest_waits_for_it(bare: Course, ada: Browser) -> None:
    assert steps(ada) == {
        "SIS class": "open", "Students": "blocked", "Assignments": "blocked", "Scale": "blocked",
        "First review": "blocked",
    }  # fmt: skip
    assert steps(ada, "course") == steps(ada)
    assert "Link the SIS class" in shown(ada)


def test_guide_says_who_can_help_where_no_sis_is_connected(bare: Course, ada: Browser) -> None:
    SisConnection.objects.update(active=False)
    assert "Your GradeSync administrator can connect it." in shown(ada, "setup")


def test_guide_goes_on_where_the_course_is(bare: Course, ada: Browser) -> None:
    bare.lms.add_member("u9", sis_id="nobody", name="New Student")
    ada.post("link_class", connection=bare.connection.pk, class_id="c1")
    engine.look(bare.context)
    assert list(steps(ada).values()) == ["done", "open", "open", "blocked", "blocked"]
    assert "1 is to settle" in shown(ada, "setup")

    engine.exclude_student(bare.context, "u9", "auditor", bare.who)
    engine.link_exact_titles(bare.context, bare.who)
    engine.look(bare.context)
    assert list(steps(ada).values()) == ["done", "done", "done", "open", "open"]
    assert "points (2)" in shown(ada, "setup")

    ada.post("pass_step", step="scale")
    assert steps(ada)["Scale"] == "done"
    assert "4 of 5 steps are done." in shown(ada)

    bare.send()
    assert "All steps are done." in shown(ada, "setup")
    assert steps(ada, "course") == {}, "the course page shows the guide no longer"


def test_she_may_go_on_without_students_that_nobody_can_settle(course: Course, ada: Browser) -> None:
    course.lms.add_member("u9", sis_id="nobody", name="New Student")
    engine.look(course.context)
    assert steps(ada)["Students"] == "open"
    ada.post("pass_step", step="students")
    assert steps(ada)["Students"] == "done"
    assert "1 is to settle" in shown(ada, "setup"), "it is still said"


def test_her_co_teacher_comes_back_to_the_same_step(course: Course, ada: Browser) -> None:
    engine.look(course.context)
    ada.post("pass_step", step="scale")
    ben = person(course.context, "ben", can_send=True, can_look=True)
    assert steps(ben) == steps(ada)


def test_a_step_cannot_be_passed_by_word_where_something_must_be_there(bare: Course, ada: Browser) -> None:
    for step in ("class", "review", "nonsense", ""):
        assert ada.post("pass_step", step=step).status_code == 400
    ada.post("pass_step", step="items")
    assert steps(ada)["Assignments"] == "blocked", "a word given too early passes nothing"


def test_no_step_offers_an_assistant_what_she_may_not_do(course: Course) -> None:
    engine.look(course.context)
    assistant = person(course.context, "assistant", can_look=True)
    html = assistant.get("setup").content.decode()
    assert "<form" not in html[html.index('class="guide"') : html.index("</ol>")]


def test_pages_of_the_set_up_lead_back_to_the_guide_until_something_was_sent(
    course: Course, ada: Browser
) -> None:
    places = ("classes", "students", "line_items", "schemes")
    assert all("Back to the set-up guide" in shown(ada, name) for name in places)
    course.send()
    assert not any("Back to the set-up guide" in shown(ada, name) for name in places)


def test_guide_comes_back_when_no_class_is_linked_any_more(course: Course, ada: Browser) -> None:
    course.send()
    assert steps(ada, "course") == {}
    LineItemLink.objects.all().delete()
    course.class_link.delete()
    assert steps(ada, "course")["SIS class"] == "open"
