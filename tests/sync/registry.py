"""A course whose totals go to a registrar's SIS as letters: registrations with modes and lists of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from sync.lms import records as lms
from sync.models import GradeExtra, LineItemLink
from sync.sis import records as sis
from sync.sis.modes import modes_of
from tests.sync.worlds import Course, make_course

LETTERS = lms.GradeScheme(
    "scheme",
    "Letters",
    tuple(lms.SchemeEntry(name, Decimal(low)) for name, low in (("A", "0.9"), ("B", "0.8"), ("F", "0"))),
    "course settings",
)
ALLOWED = (
    sis.AllowedGrade("A"),
    sis.AllowedGrade("B"),
    sis.AllowedGrade("F", last_attendance="required"),
    sis.AllowedGrade("I", lapses="required"),
    sis.AllowedGrade("W", ours=False),
)
PROFILE = sis.Profile(
    scores=False,
    exempt=False,
    preflight=True,
    kinds=frozenset({"course_total"}),
    extras=frozenset({"last_attendance", "incomplete"}),
    own_codes=frozenset({"W"}),
    modes=modes_of("Letter=send; Pass/No Pass=convert A:P, B:P, F:NP; Audit=hold"),
)


@pytest.fixture
def registrar(db: None, settings: Any) -> Course:
    """Grades A, B and F, of which F wants a last date of attendance; the term began sixty days ago."""
    settings.HTTP_DEADLINE_S, settings.RETRY_S = 0, 30
    return make_registrar()


def make_registrar(profile: sis.Profile = PROFILE, students: int = 3) -> Course:
    course = make_course(students=students, items=1, profile=profile)
    course.lms.schemes["scheme"] = LETTERS
    course.lms.change_item("a1", title="Course total", kind="course_total", scheme_id="scheme")
    course.sis.items["i1"] = sis.LineItem("i1", "Final grade", "c1", kind="course_total")
    LineItemLink.objects.filter(pk=course.links["i1"].pk).update(
        scale="letter", kind="course_total", lms_title="Course total", title="Final grade"
    )
    today = timezone.localdate()
    course.sis.sessions.append(
        sis.Session("term", "Fall", begins=today - timedelta(days=60), ends=today + timedelta(days=60))
    )
    for number, score in zip(range(1, students + 1), (95, 85, 20), strict=False):
        register(course, f"s{number}")
        course.lms.grade(f"u{number}", "a1", score)
    return course


def register(course: Course, student_id: str, **fields: Any) -> None:
    """The SIS's registration of this student in the class, as these fields say."""
    one = sis.Registration("c1", student_id, mode="Letter", allowed=ALLOWED)
    others = [one for one in course.sis.registrations.get("c1", []) if one.student_id != student_id]
    course.sis.registrations["c1"] = [*others, replace(one, **fields)]


def letter(text: str, **extras: Any) -> sis.Value:
    return sis.Value(text=text, extras=sis.Extras(**extras) if extras else None)


def enter(course: Course, student: int, **fields: Any) -> GradeExtra:
    key = course.key(student, 1)
    return GradeExtra.objects.create(
        **GradeExtra.key_fields(key), context=course.context, entered_by="Ada Teacher", **fields
    )


def days_ago(days: int) -> date:
    return timezone.localdate() - timedelta(days=days)
