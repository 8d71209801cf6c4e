"""Creating assignments in the SIS from the page: asked for one by one, once each."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sync import engine
from sync.models import LineItemLink
from tests.sync.pages import Browser, teacher, text_of
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


def new_item(course: Course, ada: Browser) -> tuple[str, dict[str, str]]:
    """The prefix of the one proposed form, and all its fields as the page shows them."""
    (form,) = ada.get("create_line_items").context["forms"]
    return form.prefix, {form.add_prefix(name): str(form[name].value() or "") for name in form.fields}


def test_new_assignment_is_created_only_when_ticked(course: Course, ada: Browser) -> None:
    course.lms.add_item("a9", title="Essay", maximum=40)
    ada.post("look")
    prefix, fields = new_item(course, ada)
    assert "Tick the assignments" in text_of(
        ada.post("create_line_items", **fields | {f"{prefix}-create": ""})
    )
    assert len(course.sis.items) == 2
    ada.post("create_line_items", **fields | {f"{prefix}-create": "on", f"{prefix}-title": "My essay"})
    made = next(item for item in course.sis.items.values() if item.title == "My essay")
    assert made.maximum == Decimal(40)
    assert LineItemLink.objects.get(lms_line_item_id="a9").state == "linked"


def test_range_proposed_for_an_assignment_without_points_can_be_sent_as_it_is(
    course: Course, ada: Browser
) -> None:
    course.lms.add_item("survey", title="Survey", maximum=Decimal(0))
    engine.look(course.context)

    (form,) = ada.get("create_line_items").context["forms"]

    assert (form.initial["minimum"], form.initial["maximum"]) == (0, 100)


def test_double_click_on_create_makes_one_assignment(course: Course, ada: Browser) -> None:
    course.lms.add_item("a9", title="Essay")
    ada.post("look")
    prefix, fields = new_item(course, ada)
    for _click in range(2):
        ada.post("create_line_items", **fields | {f"{prefix}-create": "on"})
    assert len(course.sis.items) == 3


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("maximum", "0", "above the lowest"),
        ("maximum", "NaN", "number"),
        ("due", "1999-01-01", "before the date"),
    ],
)
def test_nonsense_for_a_new_assignment_is_marked_and_nothing_created(
    course: Course, ada: Browser, field: str, value: str, words: str
) -> None:
    course.lms.add_item("a9", title="Essay")
    ada.post("look")
    prefix, fields = new_item(course, ada)
    page = text_of(
        ada.post("create_line_items", **fields | {f"{prefix}-create": "on", f"{prefix}-{field}": value})
    )
    assert words in page
    assert len(course.sis.items) == 2
