"""A teacher of one course neither sees nor moves anything of another; students see nothing; assistants only look."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import models, transaction
from django.http import HttpResponse

from sync import engine
from sync.engine import schedules
from sync.models import (
    ClassLink,
    ClassRequest,
    ContextState,
    Decision,
    GradeChange,
    LineItemLink,
    Run,
    RunDocument,
    Schedule,
    StudentLink,
)
from sync.sis.records import Value
from sync.urls import pages
from tests.sync.pages import Browser, person, teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db

PAGES = {str(page.name): page for page in pages}
CHANGES = {
    "look", "link_class", "unlink_class", "link_student", "exclude_student", "forget_student", "link_line_item",
    "link_exact", "exclude_line_item", "unlink_line_item", "change_line_item", "set_scale", "preview", "decide", "send", "cancel", "retry",
    "pick", "reconcile", "bring_report", "stop_reading", "ask_for_class", "take_back_request", "pass_step",
    "undo", "pause_schedule", "take_over_schedule", "start_connecting", "finish_connecting", "disconnect",
}  # fmt: skip
# forms that change nothing: whoever may look may search
SEARCHES = {"find_student", "consider_student"}
BOTH = {"create_line_items", "schedule", "extras"}
QUERY = {"student": "u1", "item": "a1"}
WITH_ID = sorted(name for name, page in PAGES.items() if page.pattern.converters)


@pytest.fixture
def mine() -> Course:
    return filled()


@pytest.fixture
def theirs() -> Course:
    return filled()


def filled() -> Course:
    """A course with a sent grade that was edited in the SIS, and a list to review."""
    made = make_course(students=2, items=1)
    made.lms.grade("u1", "a1", Decimal(71))
    made.send()
    made.sis.edit("i1", "s1", Value(Decimal(99)))
    made.lms.grade("u2", "a1", Decimal(72))
    schedules.set_schedule(made.context, schedules.Wish("nightly"), made.who)
    run = engine.preview(made.context, made.who)
    RunDocument.objects.create(run=run, name="file.csv", media_type="text/csv", content=b"s1,99")
    engine.ask_for_class(made.context, made.connection, "c9", "", made.who)
    return made


def args_of(name: str, course: Course) -> list[int]:
    """The id that this page's URL wants after the course's own, taken from `course`."""
    run = Run.objects.get(context=course.context, state="done" if name == "undo" else "review")
    item = course.links["i1"].pk
    ids = {
        "run_id": run.pk,
        "request_id": ClassRequest.objects.get(context=course.context).pk,
        "document_id": RunDocument.objects.filter(run__context=course.context).values_list("pk", flat=True)[
            0
        ],
        "change_id": run.changes.get().pk,
        "link_id": item
        if name in {"unlink_line_item", "change_line_item", "set_scale"}
        else course.class_link.pk,
    }
    return [ids[wanted] for wanted in PAGES[name].pattern.converters]


def open_page(browser: Browser, name: str, args: list[int], course: Course) -> HttpResponse:
    """The page as its form would ask for it, with ids of `course` in every field."""
    if name not in CHANGES | SEARCHES:
        return browser.get(name, *args, query=QUERY | {"class_link": course.class_link.pk})
    run = Run.objects.get(context=course.context, state="review")
    fields: dict[str, Any] = {
        "digest": [row.digest for row in run.changes.all()],
        f"decision:{course.key(1, 1).text()}": "lms_preferred",
        "connection": course.connection.pk,
        "class_id": "c1",
        "class_link": course.class_link.pk,
        "line_item_id": "a1",
        "sis_id": "i1",
        "was": "i1",
        "scale": "percent",
        "user_id": "u1",
        "student": f"{course.class_link.pk}:s2",
        "reason": "because",
        "step": "scale",
        "on": "yes",
    }
    return browser.post(name, *args, follow=False, **fields)


def everything(course: Course) -> list[Any]:
    """All rows of a course and all that its SIS was sent: to see that nothing moved."""
    context = course.context
    tables: list[models.QuerySet[Any]] = [
        ClassLink.objects.filter(context=context),
        LineItemLink.objects.filter(class_link__context=context),
        StudentLink.objects.filter(registration=context.registration),
        Run.objects.filter(context=context),
        GradeChange.objects.filter(run__context=context),
        Decision.objects.filter(context=context),
        ContextState.objects.filter(context=context),
        ClassRequest.objects.filter(context=context),
        Schedule.objects.filter(context=context),
    ]
    return [*(list(table.order_by("pk").values()) for table in tables), len(course.sis.attempts)]


def test_every_page_is_told_apart() -> None:
    """A new page has to be named here as one that reads or one that changes."""
    reads = {
        "course",
        "setup",
        "classes",
        "students",
        "settle_student",
        "line_items",
        "line_item",
        "schemes",
        "totals",
        "review",
        "run",
        "progress",
    }
    reads |= {"connect", "reading", "reading_part", "reading_notice", "run_reading", "class_suggestions"}
    reads |= {
        "reconciliation_csv",
        "receipt_csv",
        "report_json",
        "history",
        "grade",
        "receipt",
        "find",
        "document",
    }
    assert set(PAGES) == reads | CHANGES | SEARCHES | BOTH


def test_teacher_of_another_course_sees_and_moves_nothing(mine: Course, theirs: Course) -> None:
    before = everything(theirs)
    browser = teacher(mine.context)
    browser.context = theirs.context  # her own session, the other course's address
    for name in sorted(PAGES):
        answer = open_page(browser, name, args_of(name, theirs), theirs)
        assert (name, answer.status_code) == (name, 403)
        assert "Homework" not in text_of(answer)
    assert everything(theirs) == before


def test_id_of_another_course_is_not_found_under_her_own(mine: Course, theirs: Course) -> None:
    before = everything(theirs)
    browser = teacher(mine.context)
    for name in WITH_ID:
        answer = open_page(browser, name, args_of(name, theirs), theirs)
        assert (name, answer.status_code) == (name, 404)
    assert everything(theirs) == before


def test_ids_of_another_course_in_the_fields_of_her_own_move_nothing_there(
    mine: Course, theirs: Course
) -> None:
    before = everything(theirs)
    browser = teacher(mine.context)
    for name in sorted(CHANGES):
        point = transaction.savepoint()
        open_page(browser, name, args_of(name, mine), theirs)
        assert everything(theirs) == before, name
        assert not ClassLink.objects.filter(context=mine.context, connection=theirs.connection).exists()
        assert not StudentLink.objects.filter(connection=theirs.connection).exists()
        transaction.savepoint_rollback(point)


def test_student_sees_nothing_and_moves_nothing(mine: Course) -> None:
    before = everything(mine)
    student = person(mine.context, "student")
    for name in sorted(PAGES):
        answer = open_page(student, name, args_of(name, mine), mine)
        assert (name, answer.status_code) == (name, 403)
        assert "Homework" not in text_of(answer)
    assert everything(mine) == before


def test_assistant_changes_nothing(mine: Course) -> None:
    before = everything(mine)
    assistant = person(mine.context, "assistant", can_look=True)
    for name in sorted(CHANGES):
        answer = open_page(assistant, name, args_of(name, mine), mine)
        assert (name, answer.status_code) == (name, 403)
    for name in BOTH:
        assert assistant.post(name, follow=False).status_code == 403
    assert everything(mine) == before


def test_without_a_launch_there_is_no_page(mine: Course) -> None:
    browser = teacher(mine.context)
    browser.client.cookies.clear()
    browser.acting.clear()
    for name in sorted(PAGES):
        answer = open_page(browser, name, args_of(name, mine), mine)
        assert (name, answer.status_code) in {(name, 401), (name, 403)}
        assert "Homework" not in text_of(answer)


def test_looking_at_the_address_of_a_form_changes_nothing(mine: Course) -> None:
    before = everything(mine)
    browser = teacher(mine.context)
    for name in sorted(CHANGES | SEARCHES):
        assert (name, browser.get(name, *args_of(name, mine)).status_code) == (name, 302)
    assert everything(mine) == before


def test_demoted_teacher_can_no_longer_send(mine: Course) -> None:
    browser = teacher(mine.context)
    browser.context.memberships.update(can_send=False)
    answer = open_page(browser, "send", args_of("send", mine), mine)
    assert answer.status_code == 403
    assert not Run.objects.filter(state__in=Run.OPEN).exists()


def test_form_of_another_site_is_not_accepted(mine: Course) -> None:
    before = everything(mine)
    browser = teacher(mine.context)
    for headers in (
        {},
        {"X-GradeSync-Session": "guessed"},
        browser.acting | {"Origin": "https://evil.example"},
    ):
        browser.acting = headers
        answer = open_page(browser, "send", args_of("send", mine), mine)
        assert answer.status_code == 403
    assert everything(mine) == before


@pytest.mark.parametrize("name", sorted(CHANGES | SEARCHES))
def test_no_form_needs_a_cookie(mine: Course, name: str) -> None:
    browser = teacher(mine.context, strict=True)
    browser.client.cookies.clear()
    assert open_page(browser, name, args_of(name, mine), mine).status_code != 403


def test_links_name_no_person(mine: Course) -> None:
    browser = teacher(mine.context)
    for name in ("course", "students", "review", "history"):
        page = browser.get(name, *args_of(name, mine)).content.decode()
        links = [part.split('"')[0] for part in page.split('href="')[1:]]
        assert links
        assert not [link for link in links if "Student" in link or "s1" in link]


def test_pages_need_no_inline_script_or_style(mine: Course) -> None:
    browser = teacher(mine.context)
    for name in sorted(
        PAGES.keys() - CHANGES - SEARCHES - {"report_json", "receipt_csv", "reconciliation_csv"}
    ):
        page = browser.get(
            name, *args_of(name, mine), query=QUERY | {"class_link": mine.class_link.pk}
        ).content.decode()
        assert "style=" not in page, name
        assert "<script>" not in page, name
        assert " onclick" not in page, name


def test_no_cache_keeps_a_page(mine: Course) -> None:
    browser = teacher(mine.context)
    for name in ("course", "review", "reconciliation_csv"):
        assert "no-store" in browser.get(name, *args_of(name, mine))["Cache-Control"]
