"""The LMS's own section ids suggest and prove a class, where an administrator ticked that teachers cannot change them."""

from __future__ import annotations

import pytest

from lti_tool.models import Registration
from sync import engine
from sync.lms import memory
from sync.lms import records as lms
from sync.models import ClassLink, ContextState, SisConnection
from tests.sync.pages import teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    """Nothing is linked; c2 is another teacher's class, and the LMS calls a section of this course so."""
    made = make_course(students=1, items=1)
    made.class_link.delete()
    made.sis.add_class("c2", students=["s1"], teachers=["t9"])
    made.lms.sections.append(lms.Section("7", "c2", "Section 7"))
    return made


def trust(course: Course) -> None:
    Registration.objects.update(section_ids_trusted=True)
    course.context.refresh_from_db()
    course.context.deployment.registration.refresh_from_db()


def suggested(course: Course) -> dict[str, str]:
    return {one.class_id: one.proof for one in engine.suggest_classes(course.context, course.who)}


def test_a_section_of_the_lms_proves_its_class_once_it_was_read(course: Course) -> None:
    trust(course)
    assert suggested(course) == {"c1": "teacher"}
    engine.look(course.context)
    assert suggested(course) == {"c1": "teacher", "c2": "section"}
    link = engine.link_class(course.context, course.connection, "c2", course.who)
    assert (link.proof, link.proof_source) == ("section", "c2")


def test_without_the_administrators_tick_it_proves_nothing(course: Course) -> None:
    engine.look(course.context)
    assert suggested(course) == {"c1": "teacher"}
    with pytest.raises(engine.LinkRefused):
        engine.link_class(course.context, course.connection, "c2", course.who)


def test_the_page_of_a_new_course_has_the_sections_read_by_itself(course: Course) -> None:
    trust(course)
    page = text_of(teacher(course.context).get("classes"))
    assert "Link “Class c2”" in page
    assert "the LMS's own section id is this class's" in page


def test_an_lms_that_does_not_answer_leaves_the_other_proofs(course: Course) -> None:
    trust(course)
    course.lms.on_read = memory.try_later()
    page = text_of(teacher(course.context).get("classes"))
    assert "Link “Class c1”" in page
    assert "Link “Class c2”" not in page


def test_a_section_that_the_lms_no_longer_has_ends_the_link_at_the_next_read(course: Course) -> None:
    trust(course)
    engine.look(course.context)
    engine.link_class(course.context, course.connection, "c2", course.who)
    course.lms.sections.clear()
    engine.look(course.context)
    assert ClassLink.objects.get(class_id="c2").lapsed
    assert ContextState.objects.get(context=course.context).snapshot["sections"] == []


def test_a_section_proves_nothing_at_another_institutions_sis(course: Course) -> None:
    trust(course)
    engine.look(course.context)
    theirs = make_course()
    theirs.sis.add_class("c2", students=["s1"], teachers=["t9"])
    trust(theirs)
    assert SisConnection.objects.count() == 2
    assert suggested(theirs) == {}
