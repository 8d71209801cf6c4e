"""A SIS that takes files: a final grade travels from the LMS to a file that her teacher downloads, and nobody else."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sync import engine
from sync.models import RunDocument, SisConnection
from tests.sync.pages import teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    """A course whose totals go to a registrar's file; u2 has no SIS id."""
    course = make_course(students=2, items=1)
    course.lms.change_member("u1", sis_id="N00001")
    course.lms.change_member("u2", sis_id="")
    course.lms.add_item("course_total:final", "Course total (final)", 100, kind="course_total")
    course.lms.grade("u1", "course_total:final", Decimal(91))
    course.lms.grade("u2", "course_total:final", Decimal(82))
    SisConnection.objects.filter(pk=course.connection.pk).update(
        adapter="registrar_file", options={"columns": "ID=student_id; Grade=grade"}
    )
    course.class_link.delete()
    course.connection.refresh_from_db()
    return course


def link(course: Course) -> None:
    class_link = engine.link_class(
        course.context, course.connection, "202710/345", engine.Who("Ann"), as_admin=True
    )
    engine.look(course.context)
    engine.link_line_item(class_link, "course_total:final", "202710/345#final", engine.Who("Ann"))


def test_grades_are_delivered_in_a_file_that_the_teacher_downloads(course: Course) -> None:
    link(course)
    run = course.send()
    assert [row.state for row in run.changes.all()] == ["delivered"]
    (made,) = RunDocument.objects.all()
    assert bytes(made.content) == b"ID,Grade\r\nN00001,91\r\n"

    ada = teacher(course.context)
    page = text_of(ada.get("run", run.pk))
    assert "Files for the registrar" in page and "202710-345-final.csv" in page
    answer = ada.get("document", run.pk, made.pk)
    assert answer.content == b"ID,Grade\r\nN00001,91\r\n"
    assert answer["Content-Disposition"] == 'attachment; filename="202710-345-final.csv"'


def test_nobody_without_a_sis_id_is_in_the_file_and_she_is_a_problem(course: Course) -> None:
    link(course)
    run = engine.preview(course.context, course.who)
    assert [row.student_id for row in run.changes.all()] == ["N00001"]
    assert [one["user_id"] for one in run.report["problems"]] == ["u2"]


def test_a_file_of_another_course_is_not_to_be_had(course: Course) -> None:
    link(course)
    run = course.send()
    made = RunDocument.objects.get()
    other = make_course(students=1, items=1)
    assert teacher(other.context).get("document", run.pk, made.pk).status_code == 404


def test_a_second_send_without_changes_makes_no_second_file(course: Course) -> None:
    link(course)
    course.send()
    run = engine.preview(course.context, course.who)
    assert run.changes.count() == 0 and RunDocument.objects.count() == 1
