"""A teacher enters what the SIS wants beside a grade: from the problem's row, for all students who need it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from lti_tool.models import LtiUser
from sync import engine
from sync.engine import extras
from sync.engine.errors import Changed
from sync.models import AuditEntry, GradeExtra
from sync.sis import records as sis
from sync.sis.memory import refuse
from sync.views.filtering import mark
from tests.sync.pages import Browser, person, teacher, text_of
from tests.sync.registry import days_ago, enter, letter, register
from tests.sync.registry import registrar as registrar
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(registrar: Course) -> Browser:
    engine.preview(registrar.context, registrar.who)
    return teacher(registrar.context)


def fields(course: Course, student: int, **values: Any) -> dict[str, Any]:
    """One grade's fields as the page posts them."""
    prefix = f"g-{mark(course.key(student, 1).text())}"
    return {f"{prefix}-there": "1"} | {f"{prefix}-{name}": str(value) for name, value in values.items()}


def test_the_problems_row_leads_to_the_students_fields(registrar: Course, ada: Browser) -> None:
    run = registrar.context.runs.latest("pk")
    place = mark(registrar.key(3, 1).text())
    review = ada.get("review", run.pk).content.decode()
    assert f'href="{ada.url("extras")}?grade={place}#g-{place}"' in review

    page = ada.get("extras", query={"grade": place})

    assert f'id="g-{place}"' in page.content.decode()
    text = text_of(page)
    assert "Student 3: F" in text and "Student 1" not in text
    assert "The SIS wants the student's last date of attendance with this grade." in text
    assert "Grade if the work is not finished" not in text


def test_what_she_entered_is_in_the_next_list_and_in_the_log(registrar: Course, ada: Browser) -> None:
    answer = ada.post("extras", **fields(registrar, 3, last_attended=days_ago(9)))
    assert "Saved for 1 grade." in text_of(answer)

    row = GradeExtra.objects.get()
    assert (row.key, row.last_attended, row.entered_by) == (registrar.key(3, 1), days_ago(9), "Ada Teacher")
    entry = AuditEntry.objects.get(action="entered")
    assert (entry.who, entry.context, entry.detail) == ("Ada Teacher", registrar.context, "i1 / s3")
    run = registrar.context.runs.filter(state="review").latest("pk")
    after = registrar.row(run, 3, 1).after
    assert after == letter("F", last_attended=days_ago(9)).as_json()
    assert "last attended" in text_of(ada.get("review", run.pk))


def test_what_was_entered_can_be_seen_corrected_and_taken_back(registrar: Course, ada: Browser) -> None:
    enter(registrar, 3, last_attended=days_ago(9))
    page = ada.get("extras").content.decode()
    assert f'value="{days_ago(9).isoformat()}"' in page and "Entered by Ada Teacher" in page
    ada.post("extras", **fields(registrar, 3, never_attended="on"))
    assert GradeExtra.objects.get().extras == sis.Extras(never_attended=True)
    ada.post("extras", **fields(registrar, 3))
    assert not GradeExtra.objects.exists()
    assert AuditEntry.objects.filter(action="entered").count() == 2


def test_the_grades_row_and_its_story_lead_back_to_what_was_entered(registrar: Course, ada: Browser) -> None:
    enter(registrar, 3, last_attended=days_ago(9))
    run = registrar.send()
    there = f'href="{ada.url("extras")}?grade={mark(registrar.key(3, 1).text())}#'
    assert there in ada.get("grade", registrar.row(run, 3, 1).pk).content.decode()
    assert there not in ada.get("grade", registrar.row(run, 1, 1).pk).content.decode()
    GradeExtra.objects.update(last_attended=days_ago(8))
    listed = engine.preview(registrar.context, registrar.who)
    assert there in ada.get("review", listed.pk).content.decode()


@pytest.mark.parametrize(
    ("days", "never", "said"),
    [
        (-3, "", "This day is still to come."),
        (9, "on", "Give the date, or say that there was none; not both."),
    ],
)
def test_what_makes_no_sense_is_said_beside_its_field(
    registrar: Course, ada: Browser, days: int, never: str, said: str
) -> None:
    answer = ada.post("extras", **fields(registrar, 3, last_attended=days_ago(days), never_attended=never))
    assert said in text_of(answer) and "Nothing was saved yet" in text_of(answer)
    assert not GradeExtra.objects.exists()


def incomplete(course: Course) -> None:
    """The F of this class is one that lapses, as an incomplete does."""
    allowed = (sis.AllowedGrade("F", last_attendance="required", lapses="required"),)
    register(course, "s3", allowed=allowed)
    engine.preview(course.context, course.who)


def test_an_incomplete_asks_for_all_of_it_at_once(registrar: Course, ada: Browser) -> None:
    incomplete(registrar)
    later = timezone.localdate() + timedelta(days=40)
    half = fields(registrar, 3, last_attended=days_ago(9), lapses_to="F")
    assert "The SIS wants both: the grade, and until when." in text_of(ada.post("extras", **half))
    over = fields(registrar, 3, lapses_to="F", extended_to=days_ago(1))
    assert "This day is over. Choose a later one." in text_of(ada.post("extras", **over))

    ada.post("extras", **half | fields(registrar, 3, lapses_to="F", extended_to=later))
    registrar.send()

    assert registrar.stored(3, 1) == letter("F", last_attended=days_ago(9), lapses_to="F", extended_to=later)


def test_a_date_that_is_over_by_now_is_no_fault_of_another_field(registrar: Course, ada: Browser) -> None:
    """She corrects the attendance of an incomplete whose time ended."""
    incomplete(registrar)
    enter(registrar, 3, lapses_to="F", extended_to=days_ago(1))
    same = {"lapses_to": "F", "extended_to": days_ago(1)}
    ada.post("extras", **fields(registrar, 3, last_attended=days_ago(9), **same))
    assert GradeExtra.objects.get().last_attended == days_ago(9)


def test_a_refusal_for_more_than_the_list_said_leads_there_too(registrar: Course, ada: Browser) -> None:
    registrar.sis.fault = refuse("extra_data_required", "Last attendance is missing.")
    registrar.send()
    registrar.sis.fault = None
    run = engine.preview(registrar.context, registrar.who)
    place = mark(registrar.key(1, 1).text())
    assert f"#g-{place}" in ada.get("review", run.pk).content.decode()
    text = text_of(ada.get("extras"))
    assert "Student 1" in text and "Last attendance is missing." in text
    ada.post("extras", **fields(registrar, 1, last_attended=days_ago(2)))
    assert GradeExtra.objects.get().key == registrar.key(1, 1)


def test_a_course_without_any_says_so(registrar: Course) -> None:
    course = make_course(students=1, items=1)
    page = text_of(teacher(course.context).get("extras"))
    assert "Nothing is missing for any grade of this course." in page


def test_saving_nothing_new_reads_nothing_anew(registrar: Course, ada: Browser) -> None:
    runs = registrar.context.runs.count()
    assert "Nothing was changed." in text_of(ada.post("extras", **fields(registrar, 3)))
    assert registrar.context.runs.count() == runs


# --- who may ---------------------------------------------------------------------------------------------------


def test_an_assistant_looks_and_cannot_enter(registrar: Course, ada: Browser) -> None:
    bo = person(registrar.context, "assistant", can_look=True)
    page = bo.get("extras").content.decode()
    assert re.search(r"<fieldset[^>]* disabled", page) and "Save and look again" not in page
    answer = bo.post("extras", follow=False, **fields(registrar, 3, never_attended="on"))
    assert answer.status_code == 403 and not GradeExtra.objects.exists()


def test_grades_of_another_course_are_not_to_be_reached(registrar: Course, ada: Browser) -> None:
    other = make_course(students=3, items=1)
    bo = teacher(other.context)
    bo.post("extras", **fields(registrar, 3, never_attended="on"))
    assert not GradeExtra.objects.exists()
    with pytest.raises(Changed):
        extras.enter(other.context, {registrar.key(3, 1): sis.Extras(never_attended=True)}, other.who)


def test_a_grade_that_is_not_asked_for_any_more_is_told(registrar: Course, ada: Browser) -> None:
    with pytest.raises(Changed):
        extras.enter(registrar.context, {registrar.key(2, 1): sis.Extras("F")}, registrar.who)


def test_the_database_holds_that_never_is_never(registrar: Course) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        enter(registrar, 3, last_attended=days_ago(1), never_attended=True)


# --- the page itself -------------------------------------------------------------------------------------------


def test_a_long_list_has_pages_and_the_link_finds_the_right_one(
    registrar: Course, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.views.extras.PER_PAGE", 1)
    for student in (1, 2, 3):
        enter(registrar, student, never_attended=True)
    last = extras.wanted(registrar.context)[-1]
    first = ada.get("extras")
    assert last.student not in text_of(first) and "&amp;page=2" in first.content.decode()
    page = ada.get("extras", query={"grade": mark(last.key.text())})
    assert last.student in text_of(page)


def test_the_page_and_its_errors_speak_her_language(registrar: Course, ada: Browser) -> None:
    LtiUser.objects.update(locale="fr")
    page = text_of(ada.get("extras"))
    assert "Dernière date de présence" in page and "attendance" not in page
    answer = ada.post("extras", **fields(registrar, 3, last_attended=days_ago(-3)))
    assert "still to come" not in text_of(answer)
