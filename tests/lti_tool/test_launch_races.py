"""Launches at the very same moment, on a database that lets them: one token counts once, one course is one course."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory

from lti_tool import sessions, tickets
from lti_tool.models import Context, LtiSession, LtiUser, Membership
from tests.lti_tool.forging import Form, Lms, browser

AT_ONCE = 6


@pytest.fixture(autouse=True)
def _many_writers(transactional_db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets only one write at a time")


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """All of them begin together, each with a connection of its own to the database."""
    start, answers = threading.Barrier(len(acts)), list[Any]()

    def run(act: Callable[[], Any]) -> None:
        try:
            start.wait(30)
            answers.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == len(acts), "one of them raised; its reason stands above"
    return answers


def prepared(lms: Lms, **claims: Any) -> Callable[[], Any]:
    """A launch of a browser of its own, up to the last post."""
    lms.browser = browser()
    fields, client = lms.begin(set=claims), lms.browser
    return lambda: lms.post(fields, client)


def test_one_launch_posted_many_times_at_once_opens_one_session(lms: Lms) -> None:
    fields: Form = lms.begin()

    def again() -> Any:
        client = browser()
        client.cookies.update(lms.browser.cookies)
        return lms.post(fields, client)

    answers = at_once([again] * AT_ONCE)
    assert sorted(answer.status_code for answer in answers) == [302, *[400] * (AT_ONCE - 1)]
    assert LtiSession.objects.count() == 1


def test_teachers_who_open_a_new_course_at_once_meet_in_one(lms: Lms) -> None:
    answers = at_once([prepared(lms, sub=f"teacher-{number}") for number in range(AT_ONCE)])
    page = f"/courses/{Context.objects.get().public_id}/"
    assert [answer.headers.get("Location") for answer in answers] == [page] * AT_ONCE
    assert LtiUser.objects.count() == Membership.objects.count() == LtiSession.objects.count() == AT_ONCE


def test_teacher_who_opens_several_new_courses_at_once_is_one_person(lms: Lms) -> None:
    answers = at_once([prepared(lms, context={"id": f"course-{number}"}) for number in range(AT_ONCE)])
    assert {answer.status_code for answer in answers} == {302}
    assert LtiUser.objects.count() == 1
    assert Context.objects.count() == Membership.objects.count() == AT_ONCE


def test_one_handle_used_many_times_at_once_opens_one_session(lms: Lms) -> None:
    arrived = sessions.open_session(
        _teacher(lms), RequestFactory().get("/"), origins=[], return_url="", by_cookie=False
    )
    headers = {"X-GradeSync-Resume": arrived.resume}
    answers = at_once([lambda: browser().post("/lti/resume/", headers=headers)] * AT_ONCE)
    assert sorted(answer.status_code for answer in answers) == [200, *[403] * (AT_ONCE - 1)]
    assert LtiSession.objects.count() == 2


def test_one_link_to_a_file_taken_many_times_at_once_gives_it_once(lms: Lms, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.lti_tool.test_sessions_attacked"
    member = _teacher(lms)
    arrived = sessions.open_session(member, RequestFactory().get("/"), origins=[], return_url="")
    file = RequestFactory().post(sessions.course_page(member.context) + "file.csv")
    address = tickets.answer(file, arrived.session).headers["Location"]
    answers = at_once([lambda: browser().get(address)] * AT_ONCE)
    assert sorted(answer.status_code for answer in answers) == [200, *[404] * (AT_ONCE - 1)]


def _teacher(lms: Lms) -> Membership:
    lms.launch()
    LtiSession.objects.all().delete()
    return Membership.objects.get()


def test_key_set_is_asked_for_once_by_launches_that_come_together(lms: Lms) -> None:
    answers = at_once([prepared(lms) for _number in range(AT_ONCE)])
    assert {answer.status_code for answer in answers} == {302}
    assert lms.asked("/lti/jwks") == 1
