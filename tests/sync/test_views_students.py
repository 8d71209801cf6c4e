"""The students' page: what speaks for a match stands beside it, her words are told, and a large course stays short."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from lti_tool.models import Context, LtiUser, Membership
from sync import engine
from sync.models import ClassLink, StudentLink
from sync.sis import records as sis
from tests.sync.pages import Browser, person, teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    return make_course(students=3, items=1)


@pytest.fixture
def ada(course: Course) -> Browser:
    return teacher(course.context)


def stranger(course: Course) -> None:
    """Nora is in the LMS under one id, and in the SIS under another."""
    course.lms.add_member("u9", name="Nora Lind", sis_id="77", email="nora@example.org")
    enrol(course, sis.Person("s9", "Nora", "Lind", identifier="88", email="Nora@example.org"))


def enrol(course: Course, student: sis.Person) -> None:
    course.sis.roster["c1"][student.sourced_id] = student


def lines(page: HttpResponse) -> list[list[str]]:
    """The lines of the tables of evidence, as read."""
    tables = re.findall(r'<table class="evidence">(.*?)</table>', page.content.decode(), re.S)
    rows = [row for table in tables for row in re.findall(r"<tr><th scope=.row.>.*?</tr>", table)]
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


def test_suggestion_shows_both_sides_and_says_in_words_what_agrees(course: Course, ada: Browser) -> None:
    stranger(course)
    page = ada.post("look", back="students")
    assert ["Name", "Nora Lind", "Nora Lind", "same"] in lines(page)
    assert ["SIS id", "77", "s9 (id), 88 (school number)", "different"] in lines(page)
    assert ["e-mail", "nora@example.org", "Nora@example.org", "same"] in lines(page)
    assert not [line for line in lines(page) if line[0] == "login"]


def test_student_of_whom_most_agrees_is_suggested_first(course: Course, ada: Browser) -> None:
    """Twins share an e-mail: the one with her own name and id stands above her sister."""
    course.lms.add_member("u9", name="Nora Lind", sis_id="s9", email="lind@example.org")
    enrol(course, sis.Person("s8", "Nele", "Lind", email="lind@example.org"))
    enrol(course, sis.Person("s9", "Nora", "Lind", email="lind@example.org"))
    page = text_of(ada.post("look", back="students"))
    assert page.index("Yes, this is Nora Lind") < page.index("Yes, this is Nele Lind")


def test_id_that_agrees_with_one_of_the_fields_it_stands_for_agrees(course: Course, ada: Browser) -> None:
    enrol(course, sis.Person("s8", "Nora", "Lind", identifier="88", username="nl"))
    course.lms.add_member("u9", name="Nora Lind", sis_id="88", login="other")
    ada.post("look")
    page = ada.post("consider_student", user_id="u9", student=f"{course.class_link.pk}:s8")
    assert ["SIS id", "88", "s8 (id), 88 (school number)", "same"] in lines(page)
    assert ["login", "other", "nl", "different"] in lines(page)


def test_id_that_one_side_does_not_give_says_nothing(course: Course, ada: Browser) -> None:
    ada.post("look")
    course.lms.add_member("u9", name="Nora Lind")
    ada.post("look")
    page = ada.post("consider_student", user_id="u9", student=f"{course.class_link.pk}:s1")
    assert [line[3] for line in lines(page) if line[0] == "SIS id"] == ["one side is empty"]


def test_any_student_of_the_roster_is_compared_before_she_is_confirmed(course: Course, ada: Browser) -> None:
    stranger(course)
    ada.post("look")
    page = ada.post("consider_student", user_id="u9", student=f"{course.class_link.pk}:s9")
    assert "Is this Nora Lind in Class c1?" in text_of(page)
    assert ["SIS id", "77", "s9 (id), 88 (school number)", "different"] in lines(page)
    assert not StudentLink.objects.exists()


def test_student_who_is_matched_already_is_confirmed_only_with_a_warning(
    course: Course, ada: Browser
) -> None:
    stranger(course)
    ada.post("look")
    page = text_of(ada.post("consider_student", user_id="u9", student=f"{course.class_link.pk}:s1"))
    assert "matched with someone else of your course already" in page


def test_choice_in_an_address_is_sealed_and_a_forged_one_shows_nothing(course: Course, ada: Browser) -> None:
    stranger(course)
    ada.post("look")
    answer = ada.post("consider_student", user_id="u9", student=f"{course.class_link.pk}:s9", follow=False)
    assert "s9" not in answer["Location"]
    for forged in ("1:s9", "x", "", f"{course.class_link.pk}:nobody"):
        page = ada.get("settle_student", query={"student": "u9", "find": forged})
        assert "Is this" not in text_of(page)
    nobody = ada.post("consider_student", user_id="u9", student="9" * 40 + ":s9")
    assert "Is this" not in text_of(nobody)


def test_roster_of_a_class_whose_link_fell_is_not_compared_with(course: Course, ada: Browser) -> None:
    stranger(course)
    ada.post("look")
    ClassLink.objects.update(lapsed="gone")
    page = ada.post("consider_student", user_id="u9", student=f"{course.class_link.pk}:s9")
    assert "Is this" not in text_of(page)
    assert "Nora@example.org" not in text_of(page)


# --- words ----------------------------------------------------------------------------------------------------


def confirmed(course: Course, ada: Browser) -> None:
    stranger(course)
    ada.post("look")
    ada.post("link_student", user_id="u9", student=f"{course.class_link.pk}:s9")


def test_her_own_word_is_told_and_can_be_taken_back(course: Course, ada: Browser) -> None:
    confirmed(course, ada)
    assert "confirmed by you" in text_of(ada.get("students"))
    assert "Take back my word" in text_of(ada.get("settle_student", query={"student": "u9"}))
    ada.post("forget_student", user_id="u9")
    assert "confirmed by you" not in text_of(ada.get("students"))


def test_her_word_of_another_course_holds_here_and_says_where_it_comes_from(
    course: Course, ada: Browser
) -> None:
    confirmed(course, ada)
    other = Context.objects.create(deployment=course.context.deployment, context_id="other", title="Biology")
    StudentLink.objects.update(confirmed_in=other)
    assert "confirmed by you in another course" in text_of(ada.get("students"))


def test_word_of_a_colleague_bears_her_name_and_is_hers_to_take_back(course: Course, ada: Browser) -> None:
    confirmed(course, ada)
    bea = LtiUser.objects.create(registration=course.context.registration, sub="bea", name="Bea")
    colleague = Browser(
        Membership.objects.create(context=course.context, user=bea, can_send=True, can_look=True)
    )
    assert "confirmed by Ada Teacher" in text_of(colleague.get("students"))
    page = text_of(colleague.get("settle_student", query={"student": "u9"}))
    assert "Only Ada Teacher or an administrator can take it back" in page
    assert "Take back my word" not in page


def test_word_that_fell_says_that_an_id_changed(course: Course, ada: Browser) -> None:
    confirmed(course, ada)
    course.lms.add_member("u9", name="Nora Lind", sis_id="99", email="nora@example.org")
    page = text_of(ada.post("look", back="students"))
    assert "ended because an id changed" in page


def test_student_left_out_says_who_left_her_out(course: Course, ada: Browser) -> None:
    ada.post("look")
    ada.post("exclude_student", user_id="u1", reason="auditing")
    assert "Reason: auditing Left out by Ada Teacher on" in text_of(ada.get("students"))


# --- who is new -----------------------------------------------------------------------------------------------


def test_first_look_has_no_news(course: Course, ada: Browser) -> None:
    assert "among the students" not in text_of(ada.post("look", back="students"))


def test_drop_and_add_are_told_with_the_place_where_they_were_seen(course: Course, ada: Browser) -> None:
    engine.look(course.context)
    course.lms.add_member("u7", name="Ida New", sis_id="s7")
    del course.sis.roster["c1"]["s2"]
    page = text_of(ada.post("look", back="students"))
    assert "2 recent changes among the students" in page
    assert "added Ida New – course in the LMS" in page
    assert "dropped s2 Test – Class c1" in page


def test_news_count_from_the_last_send(course: Course, ada: Browser) -> None:
    engine.look(course.context)
    course.lms.add_member("u7", name="Ida New", sis_id="s7")
    course.lms.grade("u1", "a1", 5)
    course.send()
    page = text_of(ada.get("students"))
    assert "0 changes among the students since grades were last sent" in page
    course.lms.add_member("u8", name="Oda Newer", sis_id="s8")
    page = text_of(ada.post("look", back="students"))
    assert "1 change among the students since grades were last sent" in page


# --- a large course -------------------------------------------------------------------------------------------


def test_large_course_is_paged_and_searched_without_a_name_in_an_address() -> None:
    big = make_course(students=90, items=1)
    ada = teacher(big.context)
    ada.post("look")
    assert "Page 1 of 3" in text_of(ada.get("students"))
    assert "Page 3 of 3 (81–90 of 90)" in text_of(ada.get("students", query={"page": "3"}))
    answer = ada.post("find_student", words="student 77", follow=False)
    assert "77" not in re.sub(r"find=[^&]+", "", answer["Location"].partition("?")[2])
    page = text_of(ada.client.get(answer["Location"]))
    assert "1 student fits your search" in page
    assert "Student 77" in page
    assert "Student 78" not in page


def test_parts_narrow_the_list(course: Course, ada: Browser) -> None:
    stranger(course)
    ada.post("look")
    page = text_of(ada.get("students", query={"part": "problem"}))
    assert "Nora Lind" in page
    assert "Student 1" not in page
    assert "Nobody." in text_of(ada.get("students", query={"part": "excluded"}))


def test_assistant_may_search_and_settles_nothing(course: Course, ada: Browser) -> None:
    stranger(course)
    ada.post("look")
    assistant = person(course.context, "assistant", can_look=True)
    assert "1 student fits" in text_of(assistant.post("find_student", words="nora"))
    assert "Yes, this is" not in text_of(assistant.get("students"))


def queries_of(course: Course) -> int:
    ada = teacher(course.context)
    ada.post("look")
    with CaptureQueriesContext(connection) as counted:
        assert ada.get("students").status_code == 200
    return len(counted)


def test_queries_of_the_page_do_not_grow_with_the_course() -> None:
    small, big = make_course(students=2, items=1), make_course(students=60, items=1)
    for number in range(100, 120):
        for one in (small, big)[number > 101 :]:
            one.lms.add_member(f"u{number}", name=f"Test s{number - 90}", sis_id="unknown")
    assert queries_of(small) == queries_of(big)
