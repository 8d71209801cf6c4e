"""Creating assignments in the SIS from the page: asked for one by one, once each."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from sync import engine
from sync.forms import NewItemForm
from sync.models import LineItemLink
from sync.sis.memory import refuse
from sync.sis.records import Category, Profile, Session
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


# --- what is proposed -----------------------------------------------------------------------------------------


def proposed(course: Course, ada: Browser) -> NewItemForm:
    ada.post("look")
    (form,) = ada.get("create_line_items").context["forms"]
    return form


def test_long_title_is_proposed_within_the_limit_and_said_so(course: Course, ada: Browser) -> None:
    course.sis.profile = Profile(title_limit=12)
    course.lms.add_item("a9", title="The very long essay")
    form = proposed(course, ada)
    assert form.initial["title"] == "The very lo…"
    assert "takes 12 letters" in text_of(ada.get("create_line_items"))
    prefix, fields = new_item(course, ada)
    page = text_of(
        ada.post("create_line_items", **fields | {f"{prefix}-create": "on", f"{prefix}-title": "x" * 13})
    )
    assert "at most 12 characters" in page
    assert len(course.sis.items) == 2


def test_title_that_stands_in_the_class_is_proposed_with_a_number(course: Course, ada: Browser) -> None:
    course.lms.add_item("a9", title="homework 1")
    assert proposed(course, ada).initial["title"] == "homework 1 (2)"


def test_two_new_ones_of_one_title_are_proposed_apart(course: Course, ada: Browser) -> None:
    course.lms.add_item("a8", title="Essay")
    course.lms.add_item("a9", title="Essay")
    ada.post("look")
    forms = ada.get("create_line_items").context["forms"]
    assert [form.initial["title"] for form in forms] == ["Essay", "Essay (2)"]


def test_title_of_an_existing_assignment_is_marked(course: Course, ada: Browser) -> None:
    course.lms.add_item("a9", title="Essay")
    ada.post("look")
    prefix, fields = new_item(course, ada)
    page = ada.post(
        "create_line_items", **fields | {f"{prefix}-create": "on", f"{prefix}-title": "Homework 1"}
    )
    assert "has an assignment of this title" in text_of(page)
    assert len(course.sis.items) == 2


def test_due_date_is_proposed_inside_a_grading_period_and_kept_there(course: Course, ada: Browser) -> None:
    course.sis.sessions = [Session("t1", "Fall", "term", date(2026, 9, 1), date(2026, 12, 20))]
    course.lms.add_item("a9", title="Essay", due_at=datetime(2027, 1, 5, tzinfo=UTC))
    form = proposed(course, ada)
    assert (form.initial["session"], form.initial["due"]) == ("t1", date(2026, 12, 20))
    assert "outside the SIS's grading periods" in text_of(ada.get("create_line_items"))
    prefix, fields = new_item(course, ada)
    page = ada.post("create_line_items", **fields | {f"{prefix}-create": "on", f"{prefix}-due": "2027-01-05"})
    assert "must be in the grading period" in text_of(page)
    ada.post("create_line_items", **fields | {f"{prefix}-create": "on"})
    made = next(item for item in course.sis.items.values() if item.title == "Essay")
    assert made.due is not None
    assert made.due.date() == date(2026, 12, 20)


def test_categories_of_the_sis_are_offered(course: Course, ada: Browser) -> None:
    course.sis.kinds["c1"] = [Category("k1", "Lab work")]
    course.lms.add_item("a9", title="Essay")
    ada.post("look")
    assert '<option value="Lab work">' in ada.get("create_line_items").content.decode()


def test_sis_that_takes_no_new_assignments_says_so(course: Course, ada: Browser) -> None:
    course.sis.profile = Profile(create_line_items=False)
    course.lms.add_item("a9", title="Essay")
    ada.post("look")
    assert "takes no new assignments from here" in text_of(ada.get("create_line_items"))
    assert "Create missing ones" not in text_of(ada.get("line_items"))
    one = {"class_link": course.class_link.pk, "item": "a9"}
    assert "create a new one" not in text_of(ada.get("line_item", query=one))


def test_sis_of_letters_is_linked_as_letters_and_numbers_are_told_before_sending(
    course: Course, ada: Browser
) -> None:
    course.sis.profile = Profile(scores=False)
    course.lms.add_item("a9", title="Essay", maximum=20)
    course.lms.grade("u1", "a9", Decimal(18))
    course.sis.add_item("c1", "i9", title="Essay")
    made = engine.link_line_item(course.class_link, "a9", "i9", course.who)
    assert made.scale == "letter"
    engine.set_scale(made, "points", course.who)
    run = engine.preview(course.context, course.who)
    assert "takes letters or codes only" in text_of(ada.get("review", run.pk))
    assert not run.changes.filter(line_item_id="i9").exists()


def test_only_one_course_total_is_created_for_a_class(course: Course, ada: Browser) -> None:
    for name in ("current", "final"):
        course.lms.add_item(f"course_total:{name}", title=f"Total ({name})", kind="course_total")
    ada.post("look")
    forms = ada.get("create_line_items").context["forms"]
    fields = {form.add_prefix(name): str(form[name].value() or "") for form in forms for name in form.fields}
    ticked = {form.add_prefix("create"): "on" for form in forms}
    assert "A class takes one course total: choose one of them." in text_of(
        ada.post("create_line_items", **fields | ticked)
    )
    assert len(course.sis.items) == 2


def test_what_the_sis_refused_stands_there_as_it_was_filled_in(course: Course, ada: Browser) -> None:
    course.lms.add_item("a8", title="Essay", maximum=40)
    course.lms.add_item("a9", title="Poem", maximum=40)
    ada.post("look")
    forms = ada.get("create_line_items").context["forms"]
    sent = {form.add_prefix(name): str(form[name].value() or "") for form in forms for name in form.fields}
    sent |= {form.add_prefix("create"): "on" for form in forms}
    sent |= {form.add_prefix("title"): f"{form.item.data['title']} of Cells" for form in forms}
    course.sis.item_fault = refuse("extra_data_required", "A category is wanted.")
    page = ada.post("create_line_items", **sent)
    assert text_of(page).count("A category is wanted.") == 2
    assert [form["title"].value() for form in page.context["forms"]] == ["Essay of Cells", "Poem of Cells"]


def test_course_total_is_not_created_where_the_sis_takes_none(course: Course, ada: Browser) -> None:
    course.sis.profile = Profile(kinds=frozenset({"assignment"}))
    course.lms.add_item("course_total:final", title="Total", kind="course_total")
    course.lms.add_item("a9", title="Essay")
    ada.post("look")
    (form,) = ada.get("create_line_items").context["forms"]
    assert form.item.data["title"] == "Essay"
