"""Names as nobody should have them, and forms as no page sends them: shown as text, stored or refused, on every database."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from sync import engine
from sync.models import GradeChange, Run
from tests.sync.pages import Browser, teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db

HOSTILE = {
    "html": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "quotes": """O'Brien "Bobby" & Sons `${7*7}` {{ 7 }} {% now %}""",
    "bidi": "Ana\u202e lageN \u2066\u200f",
    "formula": '=HYPERLINK("https://attacker.example","Ana")',
    "long": "x" * 10_000,
    "emoji": "Ana \U0001f600",
    "lines": "Ana\r\nX-Header: 1\tB",
    "blank": "   ",
}


@pytest.fixture(params=HOSTILE)
def course(request: pytest.FixtureRequest) -> Course:
    """One student and one assignment that are named so on both sides, and one student whom nothing matches."""
    text = HOSTILE[request.param]
    made = make_course(students=2, items=1)
    for user in ("u1", "u2"):
        made.lms.change_member(user, name=text, login=text, email=text)
    made.lms.change_member("u2", sis_id="nobody")
    made.lms.change_item("a1", title=text)
    roster = made.sis.roster["c1"]
    for one in list(roster.values()):
        roster[one.sourced_id] = replace(one, given_name=text, family_name=text)
    made.lms.grade("u1", "a1", 50)
    made.lms.grade("u2", "a1", 60)
    return made


PAGES = ("course", "students", "line_items", "create_line_items", "schemes", "history", "classes")


def test_hostile_names_are_sent_and_shown_as_text(course: Course) -> None:
    run = course.send()
    assert run.report["counts"]["created"] == 1
    engine.preview(course.context, course.who)
    browser = teacher(course.context)
    change = GradeChange.objects.get(run=run)
    review = Run.objects.filter(context=course.context, state="review").get()
    pages = [browser.get(name) for name in PAGES]
    pages += [browser.get("run", run.pk), browser.get("review", review.pk), browser.get("grade", change.pk)]
    pages.append(browser.get("settle_student", query={"student": "u2"}))
    for answer in pages:
        assert answer.status_code == 200
        assert b"<script>alert" not in answer.content and b"<img src=x" not in answer.content


def test_no_cell_of_a_download_is_run_by_a_spreadsheet(course: Course) -> None:
    run = course.send()
    for name in ("reconciliation_csv", "receipt_csv"):
        text = teacher(course.context).get(name, run.pk).content.decode().removeprefix("\ufeff")
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [cell for cell in cells if cell.lstrip().startswith(("=", "@", "+"))]


@pytest.fixture
def browser() -> Browser:
    made = make_course(students=1, items=1)
    made.lms.grade("u1", "a1", 50)
    engine.preview(made.context, made.who)
    return teacher(made.context)


NONSENSE = [
    "\x00",
    "a\x00b",
    "x" * 10_000,
    "²/c1/i1/s1",
    "9" * 30 + "/c1/i1/s1",
    "1/\x00/i1/s1",
    "1/c1/i1/s1",
    "",
]
FORMS: list[tuple[str, list[str]]] = [
    ("link_class", ["connection", "class_id"]),
    ("link_student", ["user_id", "student"]),
    ("exclude_student", ["user_id", "reason"]),
    ("forget_student", ["user_id"]),
    ("link_line_item", ["class_link", "line_item_id", "sis_id", "scale"]),
    ("exclude_line_item", ["class_link", "line_item_id", "reason"]),
    ("create_line_items", ["pick"]),
]


@pytest.mark.parametrize("value", NONSENSE)
@pytest.mark.parametrize(("name", "fields"), FORMS, ids=[name for name, _ in FORMS])
def test_nonsense_in_a_form_is_told_and_breaks_nothing(
    browser: Browser, name: str, fields: list[str], value: str
) -> None:
    answer = browser.post(name, **dict.fromkeys(fields, value))
    assert answer.status_code in {200, 400, 404}


@pytest.mark.parametrize("value", NONSENSE)
def test_nonsense_on_the_review_page_is_told_and_sends_nothing(browser: Browser, value: str) -> None:
    run = Run.objects.get(state="review")
    more: dict[str, Any] = {f"decision:{value[:200]}": value, "lift": value}
    assert browser.post("decide", run.pk, **more).status_code in {200, 400}
    newest = Run.objects.filter(state="review").get()
    assert browser.post("send", newest.pk, digest=value).status_code in {200, 400}
    assert not GradeChange.objects.exclude(state="planned").exists()


def test_page_of_a_student_that_no_database_could_name_is_not_found(browser: Browser) -> None:
    assert browser.get("settle_student", query={"student": "\x00"}).status_code == 404
    assert text_of(browser.get("history", query={"page": "\x00"}))
    assert browser.client.get(browser.url("run", 10**30)).status_code == 404


def test_two_thousand_students_are_planned_and_shown() -> None:
    made = make_course(students=2000, items=1)
    for number in range(1, 2001):
        made.lms.grade(f"u{number}", "a1", number % 101)
    run = engine.preview(made.context, made.who)
    assert run.report["counts"]["created"] == run.changes.count() == 2000
    ada = teacher(made.context)
    answer = ada.get("review", run.pk)
    assert answer.status_code == 200 and answer.content.count(b'name="digest"') == 200
    assert "Page 1 of 10" in answer.content.decode() and len(answer.content) < 300_000
    assert "Send grades to SIS: <span" in ada.post("pick", run.pk, all="on").content.decode()
    assert run.changes.filter(picked=True).count() == 2000


def test_approval_of_a_very_large_course_arrives_whole(browser: Browser) -> None:
    run = Run.objects.get(state="review")
    wanted = run.changes.get().digest
    # 2,000 students with 40 assignments, all ticked
    ticked = [wanted, *(f"{number:064x}" for number in range(79_999))]
    body = urlencode([("digest", digest) for digest in ticked])
    answer = browser.client.post(
        browser.url("send", run.pk),
        body,
        content_type="application/x-www-form-urlencoded",
        headers=browser.acting,
    )
    assert answer.status_code == 302
    assert run.changes.get().state == "approved"
