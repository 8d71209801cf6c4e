"""The pages of history and undo: what a teacher sees of the past, and how she takes a run back."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sync import engine
from sync.engine import unattended
from sync.models import GradeChange, Run
from sync.sis import memory
from tests.sync.pages import Browser, teacher, text_of
from tests.sync.scene import number
from tests.sync.worlds import ADMIN, Course, make_course

pytestmark = pytest.mark.django_db


def undone_by_clicks(ada: Browser, run: Run) -> Run:
    """She asks for the list, ticks all of it and sends it; a worker does the rest."""
    ada.post("undo", run.pk)
    listed = Run.objects.get(undoes=run, state="review")
    page = ada.get("review", listed.pk).content.decode()
    ticked = re.findall(r'name="digest" value="(\w+)"', page)
    ada.post("send", listed.pk, digest=ticked)
    return engine.push(listed.pk)


# --- history --------------------------------------------------------------------------------------------------


def test_history_tells_who_did_what_and_what_became_of_it(course: Course) -> None:
    course.sis.fault = memory.once(memory.refuse("frozen", "closed"), course.sis)
    course.send()
    engine.reconcile(course.context, ADMIN)

    page = text_of(teacher(course.context).get("history"))

    assert "Grades sent Ada Teacher" in page
    assert "3 new, 1 refused" in page
    assert "Comparison an administrator" in page
    assert "1 difference" in page


def test_history_is_narrowed_by_kind_and_person(course: Course) -> None:
    course.send()
    engine.reconcile(course.context, ADMIN)
    ada = teacher(course.context)

    compared = text_of(ada.get("history", query={"part": "compared"}))
    assert "Comparison an administrator" in compared
    assert "Grades sent Ada" not in compared

    page = ada.get("history").content.decode()
    mark = re.findall(r'<option value="(\w+)">Ada Teacher', page)[0]
    hers = text_of(ada.get("history", query={"item": mark}))
    assert "Grades sent Ada" in hers
    assert "Comparison an" not in hers


def test_run_that_sent_a_part_stays_in_the_history_when_a_newer_list_replaces_it(course: Course) -> None:
    run = course.send()
    Run.objects.filter(pk=run.pk).update(state="review", finished_at=None)
    engine.preview(course.context, course.who)
    ada = teacher(course.context)

    assert "4 new" in text_of(ada.get("history"))

    change = run.changes.all()[0]
    assert ada.get("grade", change.pk).status_code == 200
    assert "Grades sent" in text_of(ada.get("grade", change.pk))
    assert ada.get("run", run.pk).status_code == 200


@pytest.mark.parametrize("part", ["", "sent", "compared", "undone", "by_schedule", "trouble", "nonsense"])
def test_every_kind_of_the_history_opens(course: Course, part: str) -> None:
    course.send()
    assert teacher(course.context).get("history", query={"part": part, "item": "none"}).status_code == 200


def test_run_with_several_refusals_is_one_entry(course: Course) -> None:
    course.sis.fault = memory.refuse("frozen", "closed")
    course.send()
    page = text_of(teacher(course.context).get("history", query={"part": "trouble"}))
    assert page.count("Grades sent") == 1
    assert "With trouble 1" in page


def test_history_of_a_course_without_runs_says_so(course: Course) -> None:
    assert "Nothing happened yet" in text_of(teacher(course.context).get("history"))


def test_history_is_paged_and_asks_no_more_for_more(course: Course) -> None:
    run = course.send()
    ada = teacher(course.context)

    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert ada.get("history").status_code == 200
        return len(asked)

    ada.get("history")
    before = cost()
    for _ in range(60):
        made = Run.objects.create(
            context=course.context, state="done", asked_name="Ada Teacher", approved_at=timezone.now()
        )
        GradeChange.objects.bulk_create(
            GradeChange(
                run=made, connection=course.connection, class_id="c1", line_item_id="i1", student_id=f"s{n}",
                digest="", state="accepted", sent_at=timezone.now(),
            )
            for n in range(20)
        )  # fmt: skip
    assert cost() == before
    assert "Page 1 of 3" in text_of(ada.get("history"))
    assert str(run.pk) not in re.findall(r"/runs/(\d+)/", ada.get("history").content.decode())
    assert str(run.pk) in re.findall(r"/runs/(\d+)/", ada.get("history", query={"page": 3}).content.decode())


def test_story_of_a_grade_tells_every_value_answer_and_decision(course: Course) -> None:
    first = course.send()
    course.sis.edit("i1", "s1", number("70"))
    engine.preview(course.context, course.who)
    engine.decide(course.context, course.key(1, 1), "lms_preferred", course.who)
    course.send()

    page = text_of(teacher(course.context).get("grade", course.row(first, 1, 1).pk))

    assert page.count("accepted by the SIS") == 2
    assert "the LMS's grade was chosen" in page
    assert "The LMS had 86.5, the SIS 70." in page
    assert "70 86.5" in page
    assert "approved" in page
    assert "86.5 points" in page or "Why" in page


def test_story_asks_no_more_for_a_longer_one(course: Course) -> None:
    ada = teacher(course.context)
    first = course.row(course.send(), 1, 1)

    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            ada.get("grade", first.pk)
        return len(asked)

    ada.get("grade", first.pk)
    before = cost()
    for score in (50, 60, 70):
        course.lms.grade("u1", "a1", score)
        course.send()
    assert cost() == before


# --- undo -----------------------------------------------------------------------------------------------------


def test_run_is_undone_by_its_button_and_both_runs_tell_of_it(course: Course) -> None:
    course.send()
    course.lms.grade("u1", "a1", Decimal(90))
    course.lms.grade("u3", "a2", Decimal(55))
    run = course.send()
    ada = teacher(course.context)
    assert "Undo this run" in text_of(ada.get("run", run.pk))

    ada.post("undo", run.pk)
    listed = Run.objects.get(undoes=run)
    review = text_of(ada.get("review", listed.pk))
    done = undone_by_clicks(ada, run)

    assert "Review, then undo" in review
    assert "90 86.5" in review
    assert "Put back in the SIS: 1" in review  # the removal waits for her tick
    assert "do not ask again" not in review
    assert done.report["in_sync"] is True
    assert (course.stored(1, 1), course.stored(3, 2)) == (number("86.5"), None)
    assert "Ada Teacher undid this run" in text_of(ada.get("run", run.pk))
    assert "This run puts back what stood in the SIS before the run of" in text_of(ada.get("run", done.pk))
    history = text_of(ada.get("history"))
    assert "Undo: the run of" in history
    assert "undone on" in history


def test_undone_grades_stand_in_the_review_and_are_lifted_there(course: Course) -> None:
    run = course.send()
    ada = teacher(course.context)
    undone_by_clicks(ada, run)

    ada.post("preview")
    listed = Run.objects.get(state="review")
    page = text_of(ada.get("review", listed.pk))
    assert "Left alone by your decision 4" in page
    assert "run undone" in page
    assert "the run was undone: Ada Teacher" in page
    assert "86.5 no grade run undone" in page

    ada.post("decide", listed.pk, lift=course.key(1, 1).text())

    newest = Run.objects.get(state="review")
    assert [row.key for row in newest.changes.all()] == [course.key(1, 1)]


def test_grade_edited_since_is_listed_on_the_undo_page(course: Course) -> None:
    run = course.send()
    course.sis.edit("i1", "s1", number("70"))
    ada = teacher(course.context)
    ada.post("undo", run.pk)

    page = text_of(ada.get("review", Run.objects.get(state="review").pk))

    assert "Left as they are" in page
    assert "changed it since" in page
    assert "Put back in the SIS: 0" in page


def test_run_that_sent_nothing_has_no_undo_button(course: Course) -> None:
    run = engine.reconcile(course.context, course.who)
    ada = teacher(course.context)
    assert "Undo this run" not in text_of(ada.get("run", run.pk))
    assert "nothing to undo" in text_of(ada.post("undo", run.pk))


def test_undo_whose_read_fails_can_be_asked_for_again(course: Course) -> None:
    run = course.send()
    ada = teacher(course.context)
    course.context.deployment.registration.lms_connections.update(active=False)
    ada.post("undo", run.pk)
    asked = Run.objects.get(undoes=run)
    assert asked.state == "failed"

    page = ada.get("run", asked.pk).content.decode()

    assert f"/runs/{run.pk}/undo/" in page


def test_long_undo_is_ticked_as_a_whole(settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(students=210, items=1)
    for student in range(1, 211):
        course.lms.grade(f"u{student}", "a1", 50)
    run = course.send()
    ada = teacher(course.context)
    ada.post("undo", run.pk)
    listed = Run.objects.get(state="review")
    assert "Tick all 210 grades of this list" in text_of(ada.get("review", listed.pk))

    ada.post("pick", listed.pk, all="on")

    assert listed.changes.filter(picked=True).count() == 210


def test_removal_in_an_ordinary_list_is_still_ticked_one_by_one(course: Course) -> None:
    course.send()
    course.lms.grade("u1", "a1", None)
    listed = engine.preview(course.context, course.who)
    ada = teacher(course.context)
    ada.post("pick", listed.pk, all="on")
    assert not listed.changes.filter(picked=True).exists()
    assert " checked" not in ada.get("review", listed.pk).content.decode().split('name="digest"')[1][:200]


def test_removal_in_an_undo_waits_for_her_tick(course: Course) -> None:
    run = course.send()
    ada = teacher(course.context)
    ada.post("undo", run.pk)
    listed = Run.objects.get(state="review")
    assert listed.changes.filter(withdraws=True).exists()
    page = ada.get("review", listed.pk).content.decode()
    assert not re.search(r'name="digest"[^>]*checked', page)
    # a whole table can be ticked by one box where a run is undone, not where grades vanished from the LMS
    assert "data-pick" in page


def test_grades_that_vanished_have_no_box_for_all(course: Course) -> None:
    course.send()
    course.lms.grade("u1", "a1", None)
    course.lms.grade("u2", "a1", None)
    listed = engine.preview(course.context, course.who)
    page = teacher(course.context).get("review", listed.pk).content.decode()
    assert page.count('name="digest"') == 2 and "data-pick" not in page


def test_assistant_sees_the_history_and_no_undo(course: Course) -> None:
    from tests.sync.pages import person

    run = course.send()
    assistant = person(course.context, "aide", can_look=True)
    assert "Grades sent" in text_of(assistant.get("history"))
    assert "Undo this run" not in text_of(assistant.get("run", run.pk))


def test_run_by_schedule_is_marked(course: Course) -> None:
    course.send()
    course.lms.grade("u1", "a1", 90)
    run, _ = unattended.ask(course.context, course.who)
    engine.read_run(run.pk)
    unattended.go_on(run.pk)
    engine.push(run.pk)
    Run.objects.filter(pk=run.pk).update(created_at=timezone.now() + timedelta(minutes=1))
    assert "by schedule" in text_of(teacher(course.context).get("history", query={"part": "by_schedule"}))
