"""The review page: what is ticked is what goes, on lists of any length, with two teachers and with values that move."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse

from lti_tool.models import LtiUser, Membership
from sync import engine
from sync.engine import picks
from sync.lms.records import CourseState
from sync.models import Decision, Run
from sync.sis.records import Value
from tests.sync.pages import Browser, person, teacher, text_of, word
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    made = make_course(students=4, items=2)
    for student in range(1, 5):
        for item in (1, 2):
            made.lms.grade(f"u{student}", f"a{item}", Decimal(60 + 10 * item + student))
    return made


@pytest.fixture
def ada(course: Course) -> Browser:
    return teacher(course.context)


@pytest.fixture
def bob(course: Course) -> Browser:
    """A second teacher of the course."""
    user = LtiUser.objects.create(registration=course.context.registration, sub="bob", name="Bob Second")
    made = Membership.objects.create(context=course.context, user=user, can_send=True, can_look=True)
    return Browser(made)


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows on a page, so that eight rows are a long list."""
    monkeypatch.setattr(picks, "WHOLE", 3)


def listed(course: Course) -> Run:
    return engine.preview(course.context, course.who)


def fields(page: Any) -> dict[str, Any]:
    """What the form that sends would post from this page, as it stands."""
    html = page.content.decode()
    boxes = re.findall(r'name="digest" value="(\w+)"[^>]*?( checked)?\s*aria-label', html)
    return {
        "digest": [digest for digest, ticked in boxes if ticked],
        "shown": re.findall(r'name="shown" value="([^"]*)"', html)[0],
        "elsewhere": re.findall(r'name="elsewhere" value="([^"]*)"', html)[0],
    }


def approved(run: Run) -> int:
    return run.changes.filter(state="approved").count()


# --- ticks ----------------------------------------------------------------------------------------------------


def test_button_counts_what_is_ticked(course: Course, ada: Browser) -> None:
    course.send()
    course.lms.grade("u1", "a1", Decimal(99))
    course.lms.grade("u2", "a1", None)
    page = text_of(ada.get("review", listed(course).pk))
    assert "Send grades to SIS: 1 Ticked of 2: 0 new, 1 changed, 0 to be removed" in page


def test_tick_taken_away_stays_away_when_the_page_is_opened_again(course: Course, ada: Browser) -> None:
    run = listed(course)
    before = fields(ada.get("review", run.pk))
    dropped = before["digest"][0]
    answer = ada.post("pick", run.pk, quiet="yes", digest=before["digest"][1:], shown=before["shown"])
    assert answer.status_code == 204
    after = fields(ada.get("review", run.pk))
    assert dropped not in after["digest"]
    assert len(after["digest"]) == 7


def test_tick_taken_away_stays_away_on_the_next_list_of_the_same_grades(course: Course, ada: Browser) -> None:
    run = listed(course)
    before = fields(ada.get("review", run.pk))
    ada.post("pick", run.pk, quiet="yes", digest=before["digest"][1:], shown=before["shown"])
    ada.post("preview")
    newer = Run.objects.filter(context=course.context, state="review").get()
    assert fields(ada.get("review", newer.pk))["digest"] == before["digest"][1:]


def test_long_list_has_nothing_ticked_before_she_says_so(
    course: Course, ada: Browser, short_pages: None
) -> None:
    run = listed(course)
    page = ada.get("review", run.pk)
    assert fields(page)["digest"] == []
    assert "Tick all 8 grades of this list" in text_of(page)
    assert "No row was picked" in text_of(ada.post("send", run.pk, **fields(page)))


def test_all_of_a_long_list_go_when_she_ticks_all(course: Course, ada: Browser, short_pages: None) -> None:
    run = listed(course)
    page = ada.post("pick", run.pk, all="on")
    assert "Send grades to SIS: 8" in text_of(page)
    ada.post("send", run.pk, **fields(page))
    assert approved(run) == 8


def test_ticks_of_other_pages_go_with_those_of_this_one(
    course: Course, ada: Browser, short_pages: None
) -> None:
    run = listed(course)
    second = ada.get("review", run.pk, query={"page": 2})
    digests = re.findall(r'name="digest" value="(\w+)"', second.content.decode())
    ada.post("pick", run.pk, quiet="yes", digest=digests[:2], shown=fields(second)["shown"])
    first = ada.get("review", run.pk)
    assert "2 of them on other pages" in text_of(first)
    ada.post("send", run.pk, **fields(first))
    assert set(run.changes.filter(state="approved").values_list("digest", flat=True)) == set(digests[:2])


def test_ticks_that_somebody_changed_on_another_page_are_not_sent(
    course: Course, ada: Browser, bob: Browser, short_pages: None
) -> None:
    run = listed(course)
    ada.post("pick", run.pk, all="on")
    first = ada.get("review", run.pk)
    last = bob.get("review", run.pk, query={"page": 3})
    bob.post("pick", run.pk, quiet="yes", digest=[], shown=fields(last)["shown"])

    answer = ada.post("send", run.pk, **fields(first))

    assert "changed meanwhile" in text_of(answer)
    assert approved(run) == 0
    ada.post("send", run.pk, **fields(answer))
    assert approved(run) == 6


def test_what_she_sees_ticked_goes_whatever_another_teacher_ticked_on_that_page(
    course: Course, ada: Browser, bob: Browser
) -> None:
    run = listed(course)
    seen = fields(ada.get("review", run.pk))
    bob.post("pick", run.pk, quiet="yes", digest=seen["digest"][:1], shown=seen["shown"])
    ada.post("send", run.pk, **seen)
    assert approved(run) == 8


def test_withdrawal_is_never_ticked_with_all_the_others(
    course: Course, ada: Browser, short_pages: None
) -> None:
    course.send()
    for student in range(1, 5):
        course.lms.grade(f"u{student}", "a1", Decimal(student))
    course.lms.grade("u1", "a2", None)
    run = listed(course)
    ada.post("pick", run.pk, all="on")
    assert run.changes.get(withdraws=True).picked is None
    assert run.changes.filter(picked=True).count() == 4


def test_grade_that_may_stand_there_unseen_is_never_ticked_with_all_the_others(
    course: Course, ada: Browser, short_pages: None
) -> None:
    run = listed(course)
    run.changes.filter(student_id="s1").update(code=engine.UNANSWERED)
    ada.post("pick", run.pk, all="on")
    assert run.changes.filter(picked=True).count() == 6


def test_only_the_narrowed_list_is_ticked(course: Course, ada: Browser, short_pages: None) -> None:
    run = listed(course)
    page = ada.get("review", run.pk).content.decode()
    (item,) = re.findall(r'<option value="(\w+)">Homework 2', page)
    ada.post("pick", run.pk, all="on", item=item)
    assert set(run.changes.filter(picked=True).values_list("line_item_id", flat=True)) == {"i2"}
    ada.post("pick", run.pk, all="off")
    assert not run.changes.filter(picked=True).exists()


def test_ticks_for_a_list_that_was_sent_lead_to_the_run(course: Course, ada: Browser) -> None:
    run = listed(course)
    seen = fields(ada.get("review", run.pk))
    ada.post("send", run.pk, **seen)
    answer = ada.post("pick", run.pk, quiet="yes", **seen)
    assert ada.url("run", run.pk) in answer["HX-Location"]
    assert approved(run) == 8


def test_ticks_outlive_a_send_that_was_held_back(course: Course, ada: Browser) -> None:
    run = listed(course)
    Run.objects.filter(pk=run.pk).update(report=run.report | {"stops": [{"code": "x", "text": "Why?"}]})
    seen = fields(ada.get("review", run.pk))
    answer = ada.post("send", run.pk, **(seen | {"digest": seen["digest"][:3]}))
    assert "second look" in text_of(answer)
    assert fields(answer)["digest"] == seen["digest"][:3]


# --- narrowing ------------------------------------------------------------------------------------------------


def test_search_finds_a_student_and_no_name_stands_in_the_address(course: Course, ada: Browser) -> None:
    run = listed(course)
    answer = ada.post("find", run.pk, follow=False, words="S3 TEST")
    address, sealed = answer["Location"].split("?")
    assert address == ada.url("review", run.pk)
    assert re.fullmatch(r"find=gAAAA[\w%-]{80,}#rows", sealed), "encrypted, as other secrets at rest are"
    page: Any = ada.client.get(answer["Location"])
    assert len(fields(page)["digest"]) == 2
    assert "s3 Test" in text_of(page)
    assert "s1 Test" not in text_of(page)


def test_search_narrows_problems_too(course: Course, ada: Browser) -> None:
    course.lms.add_member("u8", name="Una Matched")
    course.lms.grade("u8", "a1", 50)
    run = listed(course)
    assert "Una Matched" in text_of(ada.post("find", run.pk, words="una"))
    assert "Una Matched" not in text_of(ada.post("find", run.pk, words="Test"))


def test_search_token_that_we_did_not_make_narrows_nothing(course: Course, ada: Browser) -> None:
    run = listed(course)
    page = ada.get("review", run.pk, query={"find": "gAAAA-made-up", "page": "9" * 30, "part": "nonsense"})
    assert len(fields(page)["digest"]) == 8


def test_assistant_may_search(course: Course) -> None:
    run = listed(course)
    assistant = person(course.context, "assistant", can_look=True)
    page = text_of(assistant.post("find", run.pk, words="s3"))
    assert "s3 Test" in page and "s1 Test" not in page


def test_part_of_the_list_is_shown_alone(course: Course, ada: Browser) -> None:
    course.send()
    course.sis.edit("i1", "s1", Value(Decimal(5)))
    course.lms.grade("u2", "a2", Decimal(1))
    run = listed(course)
    page = text_of(ada.get("review", run.pk, query={"part": "edited"}))
    assert "Someone entered or changed these grades" in page and "To be sent" not in page
    page = text_of(ada.get("review", run.pk, query={"part": "changed"}))
    assert "Someone entered or changed these grades" not in page and "To be sent" in page


def test_grade_that_stood_in_the_sis_before_is_said_to_be_never_sent(course: Course, ada: Browser) -> None:
    course.sis.edit("i1", "s1", Value(Decimal(5)))
    page = text_of(ada.get("review", listed(course).pk, query={"part": "edited"}))
    assert "they are not what was sent from here" in page
    assert "5 never later" in page


def test_narrowed_list_still_sends_all_that_is_ticked_and_says_how_much(course: Course, ada: Browser) -> None:
    run = listed(course)
    page = ada.post("find", run.pk, words="s3")
    assert "Send grades to SIS: 8" in text_of(page) and "6 of them on other pages" in text_of(page)
    ada.post("send", run.pk, **fields(page))
    assert approved(run) == 8


# --- decisions ------------------------------------------------------------------------------------------------


@pytest.fixture
def edited(course: Course) -> Course:
    """Three grades that somebody changed in the SIS."""
    course.send()
    for student in (1, 2, 3):
        course.sis.edit("i1", f"s{student}", Value(Decimal(student)))
    return course


def group_digest(page: HttpResponse) -> str:
    (found,) = re.findall(r'name="all_digest" value="([^"]+)"', page.content.decode())
    return str(found)


def kinds() -> dict[str, str]:
    rows = Decision.objects.filter(lapsed_at=None).order_by("student_id")
    return dict(rows.values_list("student_id", "kind"))


def test_edits_are_decided_all_at_once_but_for_those_she_chose(edited: Course, ada: Browser) -> None:
    run = listed(edited)
    page = ada.get("review", run.pk)
    own = word(edited.context, edited.key(2, 1).text(), "sis_kept")
    ada.post("decide", run.pk, all_edited="lms_preferred", all_digest=group_digest(page), **own)
    assert kinds() == {"s1": "lms_preferred", "s2": "sis_kept", "s3": "lms_preferred"}
    newer = Run.objects.get(context=edited.context, state="review")
    assert sorted(newer.changes.values_list("student_id", flat=True)) == ["s1", "s3"]


def test_all_of_them_means_those_that_she_saw(edited: Course, ada: Browser) -> None:
    run = listed(edited)
    page = text_of(ada.post("decide", run.pk, all_edited="lms_preferred", all_digest="of another group"))
    assert "changed since you looked, so nothing was decided" in page
    assert kinds() == {}


def test_decision_on_values_that_she_did_not_see_is_refused_and_the_others_stand(
    edited: Course, ada: Browser
) -> None:
    run = listed(edited)
    first, second = edited.key(1, 1).text(), edited.key(2, 1).text()
    stale = word(edited.context, first, "lms_preferred") | {f"pair:{first}": "another pair"}
    page = text_of(ada.post("decide", run.pk, **stale, **word(edited.context, second, "sis_kept")))
    assert "1 grade changed since you looked" in page
    assert kinds() == {"s2": "sis_kept"}


def test_decision_without_its_pair_is_refused(edited: Course, ada: Browser) -> None:
    run = listed(edited)
    field: dict[str, Any] = {f"decision:{edited.key(1, 1).text()}": "lms_preferred"}
    ada.post("decide", run.pk, **field)
    assert kinds() == {}


def test_decision_shows_who_took_it(edited: Course, ada: Browser, bob: Browser) -> None:
    run = listed(edited)
    bob.post("decide", run.pk, **word(edited.context, edited.key(1, 1).text(), "sis_kept"))
    newer = Run.objects.get(context=edited.context, state="review")
    assert "the SIS's grade was kept: Bob Second" in text_of(ada.get("review", newer.pk))


def test_edited_grade_tells_when_it_was_sent_last(edited: Course, ada: Browser) -> None:
    page = text_of(ada.get("review", listed(edited).pk))
    assert re.search(r"71 1 71 \d", page)  # LMS, SIS, last sent and its date


# --- two teachers, and values that move -----------------------------------------------------------------------


def test_second_teacher_is_told_who_sent_the_list(course: Course, ada: Browser, bob: Browser) -> None:
    run = listed(course)
    seen = fields(bob.get("review", run.pk))
    ada.post("send", run.pk, **seen)
    assert "Ada Teacher sent this list before you" in text_of(bob.post("send", run.pk, **seen))
    assert approved(run) == 8


def test_second_teacher_is_told_who_asked_for_the_newer_list(
    course: Course, ada: Browser, bob: Browser
) -> None:
    old = listed(course)
    bob.post("preview")
    assert "by Bob Second" in text_of(ada.get("review", old.pk, follow=True))
    answer = ada.post("decide", old.pk, lift=course.key(1, 1).text())
    assert "newer list, asked for by Bob Second" in text_of(answer)


def test_row_that_changed_meanwhile_comes_back_and_the_rest_goes(course: Course, ada: Browser) -> None:
    run = listed(course)
    seen = fields(ada.get("review", run.pk))
    course.lms.grade("u1", "a1", Decimal(3))
    ada.post("send", run.pk, **seen)
    engine.push(run.pk)
    page = text_of(ada.get("run", run.pk))
    assert "changed since you looked, not sent" in page
    assert course.stored(1, 1) is None
    assert course.stored(2, 1) == Value(Decimal(72))


# --- what the page says ---------------------------------------------------------------------------------------


def test_counts_add_up_and_say_so(course: Course, ada: Browser) -> None:
    course.lms.grade("u4", "a2", None)
    page = text_of(ada.get("review", listed(course).pk))
    assert "7 new + 1 not graded yet = 8 results" in page
    parts = re.search(r"assignments\. ((?:\d+ [a-z ]+ \+ )+\d+ [a-z ]+) = (\d+) results", page)
    assert parts is not None
    assert sum(map(int, re.findall(r"\d+", parts[1]))) == int(parts[2])


def test_what_is_not_ready_in_the_lms_is_said_with_what_to_do(course: Course, ada: Browser) -> None:
    course.lms.grade("u1", "a1", Decimal(70), posted=False)
    course.lms.grade("u2", "a2", None)
    page = text_of(ada.get("review", listed(course).pk))
    assert "2 things to look at in the LMS first" in page
    assert "cannot see them yet: 1 . Post them in the LMS's gradebook" in page
    assert "Results without a grade; they are not sent, and never as a zero: 1" in page


def test_file_of_a_list_holds_the_grades_that_its_rows_tell_of(course: Course, ada: Browser) -> None:
    table = ada.get("reconciliation_csv", listed(course).pk).content.decode()
    assert table.count("not sent") == 8


# --- size -----------------------------------------------------------------------------------------------------


def big(students: int, items: int) -> Course:
    made = make_course(students=students, items=items)
    for student in range(1, students + 1):
        for item in range(1, items + 1):
            made.lms.grade(f"u{student}", f"a{item}", Decimal(student % 100))
    return made


def test_pages_ask_the_database_as_often_for_a_big_course_as_for_a_small_one(
    django_assert_num_queries: Any,
) -> None:
    small, large = big(21, 10), big(90, 10)
    seen = []
    for made in (small, large):
        run, browser = listed(made), teacher(made.context, worker=False)
        with django_assert_num_queries(12):
            page = browser.get("review", run.pk)
        seen.append(len(page.content))
        engine.approve(run, made.who, [row.digest for row in run.changes.all()])
        with django_assert_num_queries(12):
            seen.append(len(browser.get("run", run.pk).content))
        with django_assert_num_queries(3):
            browser.get("progress", run.pk, headers={"HX-Request": "true"})
    assert max(seen) < 300_000
    assert abs(seen[0] - seen[2]) < 5_000


def test_many_edits_are_shown_page_by_page_and_still_decided_at_once(django_assert_num_queries: Any) -> None:
    made = big(60, 2)
    made.send()
    for student in range(1, 61):
        for item in (1, 2):
            made.sis.edit(f"i{item}", f"s{student}", Value(Decimal("0.5")))
    ada, run = teacher(made.context), listed(made)
    assert "Show all 120 of these" in text_of(ada.get("review", run.pk))
    page = ada.get("review", run.pk, query={"part": "edited", "page": 2})
    assert "101–120 of 120" in text_of(page)
    ada.post("decide", run.pk, all_edited="sis_kept", all_digest=group_digest(page))
    assert Decision.objects.filter(kind="sis_kept", lapsed_at=None).count() == 120


def test_what_to_settle_in_the_lms_stands_in_groups_with_where(course: Course, ada: Browser) -> None:
    course.lms.grade("u1", "a1", None)
    course.lms.change_item("a2", omitted=True)
    course.lms.state = CourseState(concluded=True)
    page = text_of(ada.get("review", listed(course).pk))
    assert "3 things to look at in the LMS first" in page
    assert "The course The course is concluded in the LMS: its grades are final there. Nothing, if" in page
    assert "Grades Results without a grade; they are not sent, and never as a zero: 1 ." in page
    assert page.count("where in the LMS it is settled, by its menus in English.") == 1
    assert "in the LMS's gradebook. Gradebook" in page
    assert "Assignments Assignments that the LMS leaves out of its course total: 1 ." in page


def test_a_report_of_before_there_were_groups_is_shown(course: Course, ada: Browser) -> None:
    run = listed(course)
    run.report["readiness"] = [
        {"code": "missing", "text": "t", "count": 2, "fix": "f"},
        {"code": "of-an-adapter", "text": "Something else: 3.", "count": 3, "fix": "Do it."},
    ]
    run.save()
    page = text_of(ada.get("review", run.pk))
    assert "Results that are marked missing and have no score: 2 ." in page
    assert "Do it." in page
