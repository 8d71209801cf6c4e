"""A course speaks the language of the person's launch, its engine's sentences too; else the browser's."""

from __future__ import annotations

import pytest

from lti_tool.models import LtiUser
from tests.sync.pages import teacher, text_of
from tests.sync.worlds import make_course

pytestmark = pytest.mark.django_db


def test_pages_speak_the_language_of_the_launch() -> None:
    course = make_course(students=2, items=1)
    ada = teacher(course.context)
    LtiUser.objects.update(locale="es-MX")
    page = ada.get("students")
    assert '<html lang="es">' in page.content.decode()
    assert page["Content-Language"] == "es"
    assert "Estudiantes" in text_of(page)


def test_without_a_locale_the_browser_s_language_counts() -> None:
    course = make_course(students=2, items=1)
    ada = teacher(course.context)
    ada.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "fr"
    LtiUser.objects.update(locale="")
    assert '<html lang="fr">' in ada.get("students").content.decode()
    LtiUser.objects.update(locale="tlh")
    assert '<html lang="fr">' in ada.get("students").content.decode()


def test_what_the_engine_says_of_a_student_is_said_in_her_language() -> None:
    course = make_course(students=2, items=1)
    ada = teacher(course.context)
    course.lms.add_member("stranger", name="Nora Visitor")
    ada.post("look")
    LtiUser.objects.update(locale="es")
    page = text_of(ada.get("students"))
    assert "Nora Visitor" in page
    assert "identificador" in page and "identifiers" not in page
