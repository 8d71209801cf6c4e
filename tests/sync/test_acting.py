"""An administrator acts for a teacher under her own name: both names on all she does, and no more than the teacher may."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from lti_tool import cookies, sessions, zones
from lti_tool.acting import ACTING_MAX_S
from lti_tool.models import Institution, LtiSession, LtiUser, Membership
from sync.models import AuditEntry, Run, StudentLink
from tests.sync import test_views_access as views
from tests.sync.pages import Browser, read_now, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    made = make_course(students=2, items=1)
    made.lms.grade("u1", "a1", Decimal("73.25"))
    return made


@pytest.fixture
def ann(course: Course) -> User:
    user = User.objects.create_user("ann", is_staff=True, first_name="Ann", last_name="Admin")
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["act_for_teacher", "view_run", "view_auditentry"])
    )
    course.context.institution.staff.add(user)
    return user


class Window(Browser):
    """Ann's own browser: signed in to the admin, then acting by the form of the overview."""

    def __init__(self, course: Course, ann: User) -> None:
        self.context, self.worker, self.client = course.context, True, Client()
        self.client.force_login(ann)
        self.acting: dict[str, str] = {}

    def act(self, course: Course) -> Any:
        teacher = Membership.objects.get(context=course.context)
        answer = self.client.post(reverse("overview:act_for", args=[course.context.pk, teacher.pk]))
        name = cookies.full_name(sessions.cookie_name(course.context.public_id))
        if name in self.client.cookies:
            self.acting = {sessions.HEADER: sessions.acting_of(self.client.cookies[name].value)}
        return answer


@pytest.fixture
def window(course: Course, ann: User) -> Window:
    made = Window(course, ann)
    made.act(course)
    return made


def test_administrator_sees_the_teachers_pages_and_that_she_acts(course: Course, window: Window) -> None:
    page = text_of(window.get("course"))
    assert "Algebra" in page and "You act for Ada Teacher" in page and "Ann Admin" in page


def test_teacher_sees_no_such_line(course: Course) -> None:
    teacher = Browser(Membership.objects.get(context=course.context))
    assert "You act for" not in text_of(teacher.get("course"))


def test_her_browser_s_clock_does_not_become_the_teacher_s(course: Course, window: Window) -> None:
    LtiUser.objects.update(time_zone="Europe/Madrid")
    window.get("course", headers=window.acting | {zones.HEADER: "Asia/Tokyo"})
    assert LtiUser.objects.get(pk=course.teacher.pk).time_zone == "Europe/Madrid"


def test_both_names_stand_on_what_she_sends(course: Course, window: Window) -> None:
    window.post("preview")
    run = Run.objects.get(state="review")
    assert (run.asked_name, run.asked_by) == ("Ann Admin for Ada Teacher", course.teacher)
    assert "Ann Admin for Ada Teacher" in text_of(window.get("history"))


def test_both_names_stand_on_her_word_on_a_student(course: Course, window: Window) -> None:
    window.post("link_student", user_id="u2", student=f"{course.class_link.pk}:s2")
    link = StudentLink.objects.get()
    assert link.confirmed_name == "Ann Admin for Ada Teacher" and link.confirmed_by == course.teacher


def test_what_she_looks_at_and_does_is_noted_with_both_names(course: Course, window: Window) -> None:
    window.get("students")
    window.post("exclude_student", follow=False, user_id="u2", reason="guest")
    entries = list(AuditEntry.objects.order_by("pk").values_list("action", "detail", "who", "on_behalf_of"))
    both = ("Ann Admin", "Ada Teacher")
    assert entries == [("act_for", "", *both), ("looked", "students", *both), ("acted", "exclude", *both)]
    assert (
        AuditEntry.objects.filter(context=course.context, institution=course.context.institution).count() == 3
    )


def test_files_that_she_takes_are_noted_with_their_run(course: Course, window: Window) -> None:
    run = course.send()
    assert window.get("receipt_csv", run.pk).status_code == 200
    assert AuditEntry.objects.get(action="looked").detail == f"receipt_csv {run.pk}"
    address = window.client.post(window.url("receipt_csv", run.pk), headers=window.acting)["Location"]
    assert window.client.get(address).status_code == 200
    assert AuditEntry.objects.filter(action="looked").count() == 1  # the same file, within five minutes


def test_live_part_of_a_page_is_noted_once(course: Course, window: Window) -> None:
    for _ in range(3):
        window.get("history")
    assert AuditEntry.objects.filter(action="looked").count() == 1


def test_teachers_own_pages_note_nothing(course: Course) -> None:
    teacher = Browser(Membership.objects.get(context=course.context))
    teacher.get("students")
    teacher.post("exclude_student", user_id="u2", reason="guest")
    read_now()
    assert not AuditEntry.objects.exists()


def test_cookie_alone_changes_nothing_for_her_either(course: Course, window: Window) -> None:
    window.acting = {}
    assert window.post("exclude_student", follow=False, user_id="u2", reason="x").status_code == 403
    assert not StudentLink.objects.exists()


def test_her_window_is_framed_by_no_lms(course: Course, window: Window) -> None:
    answer = window.get("course")
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"


def test_session_lasts_an_hour_and_its_answer_is_kept_by_no_cache(course: Course, ann: User) -> None:
    answer = Window(course, ann).act(course)
    session = LtiSession.objects.get()
    assert (session.expires_at - session.created_at).total_seconds() <= ACTING_MAX_S + 1
    assert "no-store" in answer["Cache-Control"] and session.acting_admin == ann


def take_right(ann: User, course: Course) -> None:
    ann.user_permissions.clear()


def take_institution(ann: User, course: Course) -> None:
    Institution.objects.get(pk=course.context.institution.pk).staff.clear()


def switch_off(ann: User, course: Course) -> None:
    User.objects.filter(pk=ann.pk).update(is_active=False)


def no_longer_staff(ann: User, course: Course) -> None:
    User.objects.filter(pk=ann.pk).update(is_staff=False)


def demote_the_teacher(ann: User, course: Course) -> None:
    course.context.memberships.update(can_send=False)


@pytest.mark.parametrize(
    "end", [take_right, take_institution, switch_off, no_longer_staff, demote_the_teacher]
)
def test_it_ends_with_her_right_or_the_teachers(course: Course, ann: User, window: Window, end: Any) -> None:
    assert window.get("course").status_code == 200
    end(ann, course)
    assert window.get("course").status_code == 403
    assert window.post("exclude_student", follow=False, user_id="u2", reason="x").status_code == 403


def test_session_of_one_course_opens_no_other(course: Course, window: Window) -> None:
    other = make_course()
    window.context = other.context
    assert window.get("course").status_code == 403


def test_teacher_of_another_institution_is_not_acted_for(course: Course, ann: User) -> None:
    other = make_course()
    assert Window(other, ann).act(other).status_code == 404
    assert not LtiSession.objects.exists() and not AuditEntry.objects.exists()


def test_membership_of_another_course_is_not_found_under_this_one(course: Course, ann: User) -> None:
    other = make_course()
    window = Window(course, ann)
    stranger = Membership.objects.get(context=other.context)
    address = reverse("overview:act_for", args=[course.context.pk, stranger.pk])
    assert window.client.post(address).status_code == 404


def test_nobody_acts_for_an_assistant(course: Course, ann: User) -> None:
    course.context.memberships.update(can_send=False, can_look=True)
    assert Window(course, ann).act(course).status_code == 404


def test_right_to_look_is_none_to_act(course: Course, ann: User) -> None:
    ann.user_permissions.set(Permission.objects.filter(codename="view_run"))
    assert Window(course, ann).act(course).status_code == 403
    assert not LtiSession.objects.exists()


def test_course_of_a_switched_off_lms_is_not_opened(course: Course, ann: User) -> None:
    registration = course.context.registration
    registration.active = False
    registration.save()
    Window(course, ann).act(course)
    assert not LtiSession.objects.exists()


def test_she_leaves_and_is_led_back_to_the_overview(course: Course, window: Window) -> None:
    answer = window.client.post(
        reverse("lti_tool:leave", args=[course.context.public_id]), headers=window.acting
    )
    assert reverse("overview:course", args=[course.context.pk]) in answer.content.decode()
    assert not LtiSession.objects.exists()


def test_every_page_and_form_of_a_course_is_noted(ann: User, course: Course) -> None:
    """A page that forgets it would let an administrator look or act unseen."""
    every = views.filled()
    every.context.institution.staff.add(ann)
    window = Window(every, ann)
    window.act(every)
    leading_on = views.SEARCHES | {"find"}  # these show nothing, and lead to a page that is noted
    for name in sorted(views.PAGES.keys() - leading_on):
        point = transaction.savepoint()
        AuditEntry.objects.all().delete()
        views.open_page(window, name, views.args_of(name, every), every)
        wanted = "acted" if name in views.CHANGES else "looked"
        assert (name, AuditEntry.objects.filter(action=wanted).exists()) == (name, True)
        assert not AuditEntry.objects.exclude(who="Ann Admin", on_behalf_of="Ada Teacher").exists()
        transaction.savepoint_rollback(point)
