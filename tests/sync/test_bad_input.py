"""Bad input that only the whole engine can meet: a clear word on what to do and who can, the rest goes on."""

from __future__ import annotations

import pytest

from sync import engine
from sync.models import LmsConnection
from tests.sync.pages import teacher, text_of
from tests.sync.scene import number
from tests.sync.worlds import ADMIN, Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    made = make_course(students=2, items=2)
    for user, item in (("u1", "a1"), ("u2", "a1"), ("u1", "a2")):
        made.lms.grade(user, item, 50)
    return made


def test_class_that_the_sis_no_longer_knows_is_told_and_the_other_class_goes_on(course: Course) -> None:
    course.sis.add_class("c2", ["s9"])
    engine.link_class(course.context, course.connection, "c2", ADMIN, as_admin=True)
    del course.sis.classes["c2"]

    run = course.send()

    (problem,) = [one for one in run.report["problems"] if one["code"] == "class-unknown"]
    assert problem["who"] == "sis_admin" and "Link the class again" in problem["text"]
    assert run.report["counts"]["created"] == 3


def test_line_item_that_is_gone_from_the_sis_is_told_and_the_others_go_on(course: Course) -> None:
    del course.sis.items["i2"]

    run = course.send()

    assert "line-item-gone" in {one["code"] for one in run.report["problems"]}
    assert all(one["text"] and one["who"] for one in run.report["problems"])
    assert course.stored(1, 1) == course.stored(2, 1) == number("50")
    assert run.report["counts"]["problems"] and course.stored(1, 2) is None


def test_course_whose_launch_named_no_grade_service_says_what_to_do_and_who_can(course: Course) -> None:
    LmsConnection.objects.filter(registration=course.context.registration).update(active=False)
    assert not course.context.lineitems_url

    page = text_of(teacher(course.context).post("look"))

    assert "administrator" in page and "grade" in page
    assert course.sis.journal == []
