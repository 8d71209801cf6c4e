"""Mails about runs and stopped schedules: who gets one, when, in which language, and never a grade or a student."""

from __future__ import annotations

import smtplib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail as outbox_of
from django.core.mail.backends.locmem import EmailBackend
from django.db.models import QuerySet
from django.test import RequestFactory
from django.utils import timezone

from lti_tool import sessions
from lti_tool.models import LtiSession, LtiUser, Membership
from sync import engine, mail_texts, mails
from sync.engine import schedules, unattended
from sync.engine.schedules import Wish
from sync.models import ContextState, Mail, Run, Schedule
from sync.sis import memory
from sync.sis.records import Profile
from tests.sync.scene import number
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def taught(course: Course) -> Course:
    """Its teacher and a co-teacher who reads Spanish have addresses; a schedule is set."""
    LtiUser.objects.filter(pk=course.teacher.pk).update(email="ada@school.example", locale="en-GB")
    course.teacher.refresh_from_db()
    bo = LtiUser.objects.create(
        registration=course.context.registration,
        sub="bo",
        name="Bo Lind",
        email="bo@school.example",
        locale="es-MX",
    )
    Membership.objects.create(context=course.context, user=bo, can_send=True, can_look=True)
    for sub, rights in (("aide", {"can_look": True}), ("gone", {})):
        user = LtiUser.objects.create(registration=bo.registration, sub=sub, email=f"{sub}@school.example")
        Membership.objects.create(context=course.context, user=user, **rights)
    course.send()
    Run.objects.update(mailed=True)
    schedules.set_schedule(course.context, Wish("nightly", time_zone="Europe/Madrid"), course.who)
    return course


def by_schedule(course: Course) -> Run:
    run, _ = unattended.ask(course.context, course.who, Schedule.objects.get(context=course.context))
    engine.read_run(run.pk)
    if unattended.go_on(run.pk):
        engine.push(run.pk)
    return Run.objects.get(pk=run.pk)


def minutes_later(minutes: int = 2) -> list[Any]:
    """The mails that a beat at that time sends."""
    before = len(outbox_of.outbox)
    now = timezone.now() + timedelta(minutes=minutes)
    mails.write_due(now)
    mails.send_due(now)
    return outbox_of.outbox[before:]


# --- three outcomes -------------------------------------------------------------------------------------------


def test_done_run_is_told_to_all_teachers_each_in_her_language(taught: Course) -> None:
    taught.lms.grade("u1", "a1", 90)
    taught.lms.grade("u3", "a2", 55)
    by_schedule(taught)

    sent = {one.to[0]: one for one in minutes_later()}

    assert set(sent) == {"ada@school.example", "bo@school.example"}
    ada, bo = sent["ada@school.example"], sent["bo@school.example"]
    assert ada.subject == "Algebra: grades are in the SIS"
    assert "1 new grade\n" in ada.body
    assert "1 changed grade\n" in ada.body
    assert "By the schedule of Ada Teacher" in ada.body
    assert "(CET)" in ada.body or "(CEST)" in ada.body
    assert bo.subject == "Algebra: las calificaciones están en el SIS"
    assert ada.extra_headers["Auto-Submitted"] == "auto-generated"


def test_refused_grade_makes_it_partly(taught: Course) -> None:
    taught.lms.grade("u1", "a1", 90)
    taught.lms.grade("u3", "a2", 55)
    taught.sis.fault = memory.once(memory.refuse("frozen", "locked since Monday"), taught.sis)
    by_schedule(taught)

    ada = minutes_later()[0]

    assert ada.subject == "Algebra: some grades need you"
    assert "1 grade refused by the SIS" in ada.body


def test_grade_edited_in_the_sis_makes_it_partly(taught: Course) -> None:
    taught.sis.edit("i1", "s1", number("70"))
    taught.lms.grade("u3", "a2", 55)
    by_schedule(taught)

    ada = minutes_later()[0]

    assert ada.subject == "Algebra: some grades need you"
    assert "1 thing to settle first" in ada.body


def test_gradebook_that_cannot_be_read_makes_it_failed(taught: Course) -> None:
    taught.lms.grade("u1", "a1", 90)
    taught.context.deployment.active = False
    taught.context.deployment.save()
    run = by_schedule(taught)

    ada = minutes_later()[0]

    assert run.state == "failed"
    assert ada.subject == "Algebra: grades could not be sent"
    assert "switched off" in ada.body


def test_list_that_waits_for_a_person_says_why(taught: Course) -> None:
    taught.lms.grade("u1", "a1", None)
    by_schedule(taught)

    ada = minutes_later()[0]

    assert ada.subject == "Algebra: grades could not be sent"
    assert "No grade was sent" in ada.body
    assert "needs a person's decision" in ada.body


def test_mail_names_no_grade_and_no_student(taught: Course) -> None:
    taught.lms.grade("u1", "a1", Decimal("90.25"))
    taught.sis.fault = memory.refuse("frozen", "Student 1 is locked at 90.25")
    by_schedule(taught)

    for one in minutes_later():
        text = one.subject + one.body + str(one.message())
        assert not [word for word in ("Student", "s1", "90.25", "Homework", "86.5") if word in text]


# --- when -----------------------------------------------------------------------------------------------------


def test_night_with_nothing_to_send_is_not_told(taught: Course) -> None:
    run = by_schedule(taught)
    assert run.state == "done"
    assert minutes_later() == []


def test_night_that_finds_only_a_grade_that_it_may_not_send_is_told_once(taught: Course) -> None:
    """Nobody opens the tool while a schedule works: a grade that stays out must not stay out unseen."""
    taught.sis.edit("i1", "s1", number("70"))
    by_schedule(taught)

    ada = minutes_later()[0]

    assert ada.subject == "Algebra: some grades need you"
    assert "No grade was sent" in ada.body
    assert "1 thing to settle first" in ada.body
    by_schedule(taught)
    assert minutes_later(5) == []
    taught.sis.edit("i1", "s2", number("5"))
    by_schedule(taught)
    assert "2 things to settle first" in minutes_later(8)[0].body


def test_run_is_told_once(taught: Course) -> None:
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    assert len(minutes_later()) == 2
    assert minutes_later(3) == []
    assert minutes_later(60) == []


def test_same_trouble_is_told_once_a_day(taught: Course) -> None:
    taught.lms.grade("u1", "a1", None)
    by_schedule(taught)
    assert len(minutes_later()) == 2
    by_schedule(taught)
    assert minutes_later() == []
    Mail.objects.update(created_at=timezone.now() - timedelta(days=2))
    by_schedule(taught)
    assert len(minutes_later()) == 2


def test_run_that_ended_days_ago_is_no_news(taught: Course) -> None:
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    Run.objects.update(finished_at=timezone.now() - timedelta(days=2))
    assert minutes_later() == []


def attended(course: Course, *, clicked: int, ended: int) -> Run:
    """A run that she sent; her last click and its end, in minutes after that."""
    course.lms.grade("u1", "a1", 90)
    membership = Membership.objects.get(context=course.context, user=course.teacher)
    sessions.open_session(membership, RequestFactory().get("/"), origins=[], return_url="")
    run = course.send()
    begun = timezone.now() - timedelta(hours=2)
    LtiSession.objects.update(seen_at=begun + timedelta(minutes=clicked))
    Run.objects.filter(pk=run.pk).update(approved_at=begun, finished_at=begun + timedelta(minutes=ended))
    return run


def test_run_whose_end_she_saw_is_not_told(taught: Course) -> None:
    attended(taught, clicked=0, ended=2)
    assert minutes_later() == []


def test_run_that_ended_after_she_left_is_told(taught: Course) -> None:
    attended(taught, clicked=1, ended=40)
    ada = minutes_later()[0]
    assert "Begun by Ada Teacher" in ada.body


def test_long_run_that_she_stayed_for_is_not_told(taught: Course) -> None:
    attended(taught, clicked=38, ended=40)
    assert minutes_later() == []


def test_run_that_a_person_stopped_is_not_told(taught: Course) -> None:
    run = attended(taught, clicked=0, ended=40)
    Run.objects.filter(pk=run.pk).update(state="cancelled")
    assert minutes_later() == []


def test_run_of_the_command_line_with_a_person_before_it_is_not_told(taught: Course) -> None:
    run = attended(taught, clicked=0, ended=40)
    Run.objects.filter(pk=run.pk).update(asked_by=None)
    assert minutes_later() == []


def held_back(course: Course) -> Run:
    """She sent her list and left; a warning that came up after her look stopped it."""
    for student in range(4, 14):
        course.lms.add_member(f"u{student}", sis_id=f"s{student}", name=f"Student {student}")
    listed = engine.preview(course.context, course.who)
    engine.approve(listed, course.who, [row.digest for row in listed.changes.filter(withdraws=False)])
    ContextState.objects.update(last_students=40)
    run = engine.push(listed.pk)
    long_ago = timezone.now() - timedelta(hours=2)
    Run.objects.filter(pk=run.pk).update(approved_at=long_ago)
    return run


def test_list_that_was_held_back_after_she_left_is_told(taught: Course) -> None:
    taught.lms.grade("u1", "a1", 90)
    run = held_back(taught)
    assert run.state == "review"

    ada = minutes_later()[0]

    assert ada.subject == "Algebra: grades could not be sent"
    assert "No grade was sent" in ada.body
    assert minutes_later(3) == []


def test_run_that_sent_a_part_and_was_then_held_back_is_not_called_unsent(taught: Course) -> None:
    taught.lms.grade("u1", "a1", 90)
    run = held_back(taught)
    run.changes.update(state="accepted", sent_at=timezone.now())

    ada = minutes_later()[0]

    assert ada.subject == "Algebra: some grades need you"
    assert "Grades were sent to the SIS. Some need a person." in ada.body


def test_list_that_waited_is_told_again_when_the_person_who_sent_it_left(taught: Course) -> None:
    taught.lms.grade("u1", "a1", None)
    waiting = by_schedule(taught)
    assert len(minutes_later()) == 2
    engine.approve(waiting, taught.who, [row.digest for row in waiting.changes.all()])
    run = engine.push(waiting.pk)
    Run.objects.filter(pk=run.pk).update(approved_at=timezone.now() - timedelta(hours=2))

    ada = minutes_later()[0]

    assert "1 grade removed" in ada.body


# --- what goes wrong ------------------------------------------------------------------------------------------


class Away(EmailBackend):
    """A mail server that does not answer."""

    def send_messages(self, messages: Any) -> int:
        raise smtplib.SMTPServerDisconnected("no answer for ada@school.example")


class RefusesAda(EmailBackend):
    """A mail server that does not know one address."""

    def send_messages(self, messages: Any) -> int:
        if messages[0].to == ["ada@school.example"]:
            raise smtplib.SMTPRecipientsRefused({"ada@school.example": (550, b"unknown")})
        return super().send_messages(messages)


AWAY = f"{__name__}.Away"
HERE = "django.core.mail.backends.locmem.EmailBackend"


def test_mail_server_that_is_away_fails_no_run_and_is_tried_again(
    taught: Course, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    taught.lms.grade("u1", "a1", 90)
    run = by_schedule(taught)
    settings.EMAIL_BACKEND = AWAY
    assert minutes_later() == []
    assert "school.example" not in caplog.text

    settings.EMAIL_BACKEND = HERE
    assert [one.to for one in minutes_later(3)] == [["bo@school.example"]]
    assert [one.to for one in minutes_later(8)] == [["ada@school.example"]]
    run.refresh_from_db()
    assert run.state == "done"


def test_mail_server_that_is_away_keeps_no_worker_waiting_for_each_mail(
    taught: Course, settings: Any
) -> None:
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    settings.EMAIL_BACKEND = AWAY
    minutes_later()

    assert sorted(Mail.objects.values_list("tries", flat=True)) == [0, 1]


def test_mail_server_that_refuses_one_address_gets_the_others(taught: Course, settings: Any) -> None:
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    settings.EMAIL_BACKEND = f"{__name__}.RefusesAda"
    assert [one.to for one in minutes_later()] == [["bo@school.example"]]


def test_slow_mail_server_ends_a_beats_work_before_its_claims_end(
    taught: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim counts from the beat's own time: past it another worker would send the same mail."""
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    clock = iter(range(0, 10_000, 45))
    monkeypatch.setattr(mails, "monotonic", lambda: float(next(clock)))
    assert len(minutes_later()) == 1
    assert len(minutes_later(3)) == 1


def test_address_that_became_none_is_given_up_and_holds_up_nobody(taught: Course) -> None:
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    mails.write_due(timezone.now() + timedelta(minutes=2))
    LtiUser.objects.filter(sub="teacher").update(email="ada@school.example\nBcc: all@school.example")

    assert [one.to for one in minutes_later()] == [["bo@school.example"]]

    assert Mail.objects.get(user=taught.teacher).state == "given_up"


def test_teacher_who_is_none_any_more_when_the_mail_leaves_gets_none(taught: Course) -> None:
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    mails.write_due(timezone.now() + timedelta(minutes=2))
    Membership.objects.filter(user=taught.teacher).update(can_send=False)
    assert [one.to for one in minutes_later()] == [["bo@school.example"]]


def test_mail_that_cannot_be_made_holds_up_no_other_and_is_given_up(
    taught: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    text_of = mail_texts.text_of

    def broken(mail: Mail) -> tuple[str, str]:
        if mail.user == taught.teacher:
            raise KeyError(mail.pk)
        return text_of(mail)

    monkeypatch.setattr(mail_texts, "text_of", broken)
    assert [one.to for one in minutes_later()] == [["bo@school.example"]]
    for hour in range(1, 100, 7):
        minutes_later(hour * 60)
    assert Mail.objects.get(user=taught.teacher).state == "given_up"


def test_mail_is_tried_over_a_weekend_and_then_given_up(taught: Course, settings: Any) -> None:
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    settings.EMAIL_BACKEND = AWAY
    for hour in range(70):
        minutes_later(2 + hour * 60)
    assert set(Mail.objects.values_list("state", flat=True)) == {"waiting"}
    for hour in range(73, 90):
        minutes_later(2 + hour * 60)
        minutes_later(3 + hour * 60)
    assert set(Mail.objects.values_list("state", flat=True)) == {"given_up"}


def test_worker_that_died_while_it_sent_is_followed_by_one_that_sends_the_rest(
    taught: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """She who was claimed gets hers when the claim is over, under the same message id."""
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    now = timezone.now() + timedelta(minutes=2)
    mails.write_due(now)
    first = Mail.objects.order_by("pk")[0]
    ids = [mails.message_of(first).message()["Message-ID"] for _ in range(2)]

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(outbox_of.EmailMessage, "send", die)
        with pytest.raises(KeyboardInterrupt):
            mails.send_due(now)

    assert [one.to for one in minutes_later(3)] == [["bo@school.example"]]
    assert [one.to for one in minutes_later(14)] == [["ada@school.example"]]
    assert ids[0] == ids[1]


def test_two_workers_send_one_mail(taught: Course) -> None:
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    now = timezone.now() + timedelta(minutes=2)
    mails.write_due(now)
    one = Mail.objects.order_by("pk")[0]
    assert [mails.send(one.pk, now), mails.send(one.pk, now)] == [True, False]


def test_two_beats_write_the_mails_of_a_run_once(taught: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    now = timezone.now() + timedelta(minutes=2)
    seen_by_both = mails._ended(now)
    monkeypatch.setattr(mails, "_ended", lambda _now: seen_by_both)
    mails.write_due(now)
    mails.write_due(now)
    assert Mail.objects.count() == 2


def test_run_whose_mails_cannot_be_written_holds_up_no_other(
    taught: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught.lms.grade("u1", "a1", 90)
    first = by_schedule(taught)
    taught.lms.grade("u1", "a1", 91)
    by_schedule(taught)
    is_news = mails.is_news

    def broken(run: Run, now: datetime) -> bool:
        if run == first:
            raise KeyError(run.pk)
        return is_news(run, now)

    monkeypatch.setattr(mails, "is_news", broken)
    assert len(minutes_later()) == 2


def test_what_is_no_address_gets_no_mail(taught: Course) -> None:
    taught.lms.grade("u1", "a1", 90)
    LtiUser.objects.filter(sub="bo").update(email="bo@school.example\nBcc: all@school.example")
    by_schedule(taught)
    assert [one.to for one in minutes_later()] == [["ada@school.example"]]


def test_title_of_a_course_breaks_no_header(taught: Course) -> None:
    taught.context.title = "Algebra\nBcc: all@school.example"
    taught.context.save()
    taught.lms.grade("u1", "a1", 90)
    by_schedule(taught)
    mail = minutes_later()[0]
    assert "\n" not in mail.message()["Subject"]
    assert str(mail.body).startswith("Algebra Bcc: all@school.example\n\n"), "and no line of its own"


def test_course_without_mail_addresses_is_no_trouble(course: Course) -> None:
    course.send()
    schedules.set_schedule(course.context, Wish("nightly"), course.who)
    course.lms.grade("u1", "a1", 90)
    by_schedule(course)
    assert minutes_later() == []


def test_sis_that_cannot_be_read_is_not_called_compared(db: None, settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(profile=Profile(read_back=False))
    LtiUser.objects.update(email="ada@school.example")
    course.lms.grade("u1", "a1", 10)
    course.send()
    schedules.set_schedule(course.context, Wish("nightly"), course.who)
    course.lms.grade("u1", "a1", 20)
    by_schedule(course)
    assert minutes_later()[0].subject == "Algebra: grades are in the SIS"


# --- a schedule that stopped ----------------------------------------------------------------------------------


def test_stopped_schedule_is_told_to_co_teachers_and_the_institutions_administrator(taught: Course) -> None:
    ours = User.objects.create(username="ann", email="ann@school.example", is_staff=True)
    taught.context.institution.staff.add(ours)
    User.objects.create(username="other", email="other@elsewhere.example", is_staff=True)
    schedules.stop(Schedule.objects.get(), "not_staff")

    sent = {one.to[0]: one for one in minutes_later()}

    assert set(sent) == {"bo@school.example", "ann@school.example"}
    assert sent["ann@school.example"].subject == "Algebra: the schedule stopped"
    assert "does not show Ada Teacher" in sent["ann@school.example"].body
    assert "administer" in sent["ann@school.example"].body
    assert minutes_later(5) == []


def test_stop_for_another_reason_is_told_to_its_teacher_too(taught: Course) -> None:
    boss = User.objects.create(username="boss", email="boss@school.example", is_staff=True, is_superuser=True)
    schedules.stop(Schedule.objects.get(), "failures")
    assert {one.to[0] for one in minutes_later()} == {"ada@school.example", "bo@school.example", boss.email}


def test_schedule_that_stops_again_is_told_again(taught: Course) -> None:
    schedules.stop(Schedule.objects.get(), "failures")
    assert len(minutes_later()) == 2
    schedules.take_over(taught.context, taught.who)
    schedules.stop(Schedule.objects.get(), "failures")
    assert len(minutes_later(5)) == 2


def test_scheduled_run_that_fails_three_times_stops_the_schedule(taught: Course) -> None:
    taught.context.deployment.active = False
    taught.context.deployment.save()
    for _ in range(3):
        by_schedule(taught)
    minutes_later()
    assert Schedule.objects.get().stopped == "failures"


def test_each_beat_asks_little_when_nothing_waits(taught: Course, django_assert_num_queries: Any) -> None:
    rows: QuerySet[Mail] = Mail.objects.all()
    assert not rows
    with django_assert_num_queries(3):
        minutes_later()
