"""What a SIS cannot do is said where it matters: to the administrator in full, to the teacher in a sentence."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse

from sync import capabilities, engine
from sync.models import SisConnection
from sync.sis import records as sis
from sync.views import wording
from tests.sync.pages import teacher, text_of
from tests.sync.registry import PROFILE
from tests.sync.registry import registrar as registrar
from tests.sync.worlds import Course, make_course

BLIND = "This SIS cannot be read back, so what it holds, and edits made there, cannot be seen."
LETTERS = "This SIS takes letters or codes only, no numbers."


def test_each_capability_has_words_for_having_and_for_lacking_it() -> None:
    codes = [one.code for one in capabilities.of(sis.Profile())]
    assert sorted(codes) == sorted(wording.CAPABILITIES)
    assert capabilities.FOR_TEACHERS.keys() <= set(codes)


def test_what_the_profile_lacks_is_a_limit() -> None:
    assert capabilities.limits(sis.Profile()) == ["over_max", "per_student", "last_attendance", "incomplete"]
    assert capabilities.limits(replace(PROFILE, asynchronous=True, roster=False)) == [
        *("scores", "numbers", "excused", "over_max", "answers", "roster"),
    ]


def test_a_page_tells_the_limits_that_matter_there_the_weightiest_first() -> None:
    lacking = ["over_max", "numbers", "roster", "read_back"]
    assert capabilities.on_page(lacking, "classes") == ["read_back", "roster", "numbers"]
    assert capabilities.on_page(lacking, "line_items") == ["numbers"]
    assert capabilities.on_page(lacking, "review") == ["read_back"]


@pytest.mark.django_db
def test_a_teacher_reads_on_her_pages_what_her_sis_cannot(registrar: Course) -> None:
    registrar.sis.profile = replace(PROFILE, read_back=False)
    run = engine.preview(registrar.context, registrar.who)
    ada = teacher(registrar.context)
    classes, items, review = (
        text_of(ada.get("classes")),
        text_of(ada.get("line_items")),
        text_of(ada.get("review", run.pk)),
    )
    assert BLIND in classes and LETTERS in classes
    assert LETTERS in items and BLIND not in items
    assert BLIND in review and LETTERS not in review


@pytest.mark.django_db
def test_a_sis_that_can_all_of_it_is_not_spoken_of() -> None:
    course = make_course(students=1, items=1)
    engine.look(course.context)
    assert "This SIS" not in text_of(teacher(course.context).get("line_items"))


@pytest.mark.django_db
def test_check_connection_says_what_it_can_and_what_it_cannot(registrar: Course) -> None:
    out = StringIO()
    call_command("check_connection", registrar.connection.name, stdout=out)
    said = out.getvalue()
    assert f"cannot   {LETTERS}" in said and "can      It can be read back" in said
    assert said.index("It takes course totals.") < said.index(LETTERS)


@pytest.mark.django_db
def test_the_admin_page_of_a_connection_lists_them(registrar: Course, client: Any) -> None:
    client.force_login(User.objects.create_superuser("root"))
    page = client.get(reverse("admin:sync_sisconnection_change", args=[registrar.connection.pk]))
    assert "✓ It takes course totals." in text_of(page) and f"✗ {LETTERS}" in text_of(page)
    assert client.get(reverse("admin:sync_sisconnection_add")).status_code == 200


@pytest.mark.django_db
def test_options_that_cannot_be_read_are_told_in_place_of_them(registrar: Course, client: Any) -> None:
    client.force_login(User.objects.create_superuser("root"))
    SisConnection.objects.update(adapter="registrar_file", options={})
    page = client.get(reverse("admin:sync_sisconnection_change", args=[registrar.connection.pk]))
    assert "The option “columns” of the connection cannot be used" in text_of(page)
