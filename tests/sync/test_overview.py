"""The administrators' overview: what it shows, what it does, what it writes down; other institutions stay unseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from lti_tool.models import Context, Membership
from sync import engine, tasks
from sync.engine import pausing, unattended
from sync.models import AuditEntry, GradeChange, Pause, Run, SisConnection, StudentLink
from sync.overview_admin import counting
from sync.overview_admin.urls import urlpatterns
from tests.sync.pages import read_now, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db

FORMS = {
    "test", "pause", "pause_all", "resume", "run_now", "act_for", "search", "export_file", "revoke",
}  # fmt: skip
PAGES = {"front", "courses", "course", "runs", "grades", "export", "identities"}


@pytest.fixture
def mine() -> Course:
    return sent_course()


@pytest.fixture
def theirs() -> Course:
    return sent_course()


@pytest.fixture
def office(mine: Course) -> Client:
    """Ann, with every right, at the institution of `mine` alone."""
    return office_of(mine, Permission.objects.all())


def office_of(course: Course, rights: Any) -> Client:
    user = User.objects.create_user("ann", is_staff=True, first_name="Ann", last_name="Admin")
    user.user_permissions.set(rights)
    user.groups.add(Group.objects.get_or_create(name=course.context.institution.name)[0])
    client = Client()
    client.force_login(user)
    return client


def sent_course() -> Course:
    """One grade sent, and one student linked by a teacher's word."""
    course = make_course(students=2, items=1)
    course.lms.grade("u1", "a1", Decimal("73.25"))
    course.send()
    engine.link_student(course.context, "u2", course.class_link, "s2", course.who)
    return course


def ids_of(course: Course) -> dict[str, list[Any]]:
    """What each address of the overview names, taken from this course."""
    pause = Pause.objects.filter(institution=course.context.institution).first()
    teacher = Membership.objects.get(context=course.context)
    word = StudentLink.objects.filter(registration=course.context.registration).first()
    return {
        "test": ["sis", course.connection.pk],
        "pause": ["sis", course.connection.pk],
        "resume": [pause.pk if pause else 0],
        "course": [course.context.pk],
        "run_now": [course.context.pk],
        "act_for": [course.context.pk, teacher.pk],
        "revoke": [word.pk if word else 0],
    }


def address(name: str, course: Course) -> str:
    return reverse(f"overview:{name}", args=ids_of(course).get(name, []))


def look(client: Client, name: str, course: Course, **query: str) -> Any:
    return client.get(address(name, course), query)


def do(client: Client, name: str, course: Course, **fields: Any) -> Any:
    fields = {"institution": course.context.institution.pk} | fields
    return client.post(address(name, course), fields, follow=True)


def noted(action: str) -> AuditEntry:
    return AuditEntry.objects.get(action=action)


# --- who sees what ---


def test_every_address_is_told_apart() -> None:
    """A new one has to be named here as a page or a form."""
    assert {str(one.name) for one in urlpatterns} == PAGES | FORMS


def test_nothing_of_another_institution_is_seen(office: Client, mine: Course, theirs: Course) -> None:
    Context.objects.filter(pk=theirs.context.pk).update(title="Hidden Course")
    pausing.pause(theirs.context.institution, theirs.who, "hidden reason")
    for name in sorted(PAGES - {"course"}):
        answer = text_of(look(office, name, mine))
        assert theirs.connection.name not in answer, name
        assert theirs.context.institution.name not in answer, name
        assert "Hidden Course" not in answer and "hidden reason" not in answer, name
    assert look(office, "course", theirs).status_code == 404


def test_nothing_of_another_institution_is_moved(office: Client, theirs: Course) -> None:
    pausing.pause(theirs.context.institution, theirs.who)
    before = [Pause.objects.count(), Run.objects.count(), StudentLink.objects.count()]
    for name in sorted(FORMS - {"search", "export_file"}):
        assert (name, do(office, name, theirs).status_code) == (name, 404)
    for name in ("search", "export_file"):
        answer = do(office, name, theirs, student="s1", what="grades", first="2020-01-01", last="2100-01-01")
        assert "Select a valid choice" in text_of(answer), name
        assert "73.25" not in text_of(answer), name
    assert [Pause.objects.count(), Run.objects.count(), StudentLink.objects.count()] == before
    assert not AuditEntry.objects.exists()


def test_staff_without_rights_are_turned_away(mine: Course) -> None:
    pausing.pause(mine.context.institution, mine.who)
    client = office_of(mine, [])
    for name in sorted(PAGES):
        assert (name, look(client, name, mine).status_code) == (name, 403)
    for name in sorted(FORMS):
        assert (name, do(client, name, mine).status_code) == (name, 403)
    assert not AuditEntry.objects.exists() and Pause.objects.exists()


def test_right_to_look_is_none_to_act(mine: Course) -> None:
    pausing.pause(mine.context.institution, mine.who)
    client = office_of(mine, Permission.objects.filter(codename__startswith="view_"))
    for name in sorted(PAGES):
        assert (name, look(client, name, mine).status_code) == (name, 200)
    for name in sorted(FORMS - {"search", "export_file"}):
        assert (name, do(client, name, mine).status_code) == (name, 403)
    page = text_of(look(client, "course", mine))
    assert "Act for" not in page and "Run now" not in page
    assert not AuditEntry.objects.exists() and Pause.objects.exists()


def test_nobody_without_a_sign_in_comes_in(client: Client, mine: Course) -> None:
    for name in sorted(PAGES):
        assert "/admin/login/" in look(client, name, mine)["Location"]
    for name in sorted(FORMS):
        assert "/admin/login/" in client.post(address(name, mine))["Location"]


def test_forms_are_not_sent_by_a_look_or_another_site(office: Client, mine: Course) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = office.cookies
    for name in sorted(FORMS):
        assert (name, look(office, name, mine).status_code) == (name, 405)
        assert (name, strict.post(address(name, mine)).status_code) == (name, 403)
    assert not AuditEntry.objects.exists()


# --- the front page ---


def test_front_page_is_linked_from_the_admin(office: Client, mine: Course) -> None:
    assert address("front", mine) in office.get(reverse("admin:index")).content.decode()


def test_front_page_says_how_courses_stand(office: Client, mine: Course) -> None:
    fresh = Context.objects.create(deployment=mine.context.deployment, context_id="new", title="New")
    page = text_of(look(office, "front", mine))
    assert "1 In sync" in page and "1 Never sent or compared" in page and "0 Stopped" in page
    Run.objects.create(context=fresh, state="failed", message="The SIS refused the key.")
    page = text_of(look(office, "front", mine))
    assert "1 Stopped" in page and "The SIS refused the key." in page
    assert "1 stopped by an error" in page


def test_edit_in_the_sis_makes_a_course_one_with_differences(office: Client, mine: Course) -> None:
    mine.sis.edit("i1", "s1", None)
    mine.lms.grade("u1", "a1", Decimal(80))
    engine.reconcile(mine.context, mine.who)
    assert "1 With differences" in text_of(look(office, "front", mine))
    page = text_of(look(office, "courses", mine, standing="differences"))
    assert "1 course" in page and "(1 difference)" in page
    assert "0 courses" in text_of(look(office, "courses", mine, standing="in_sync"))


def test_stopped_preview_does_not_hide_where_a_course_stands(mine: Course) -> None:
    """A read that she stopped is not a run that was stopped."""
    Run.objects.create(context=mine.context, state="cancelled")
    courses = Context.objects.filter(pk=mine.context.pk)
    assert counting.by_standing(courses)["in_sync"] == 1
    Run.objects.create(context=mine.context, state="cancelled", approved_at=timezone.now())
    assert counting.by_standing(courses)["stopped"] == 1


def test_standings_add_up_and_each_lists_its_own(mine: Course) -> None:
    deployment = mine.context.deployment
    states = [("done", True), ("done", False), ("done", None), ("failed", None), (None, None)]
    for number, (state, in_sync) in enumerate(states * 2):
        made = Context.objects.create(deployment=deployment, context_id=f"c{number}")
        if state:
            Run.objects.create(context=made, state="failed")  # the newest one counts
            Run.objects.create(context=made, state=state, in_sync=in_sync)
    courses = Context.objects.filter(deployment=deployment)
    counted = counting.by_standing(courses)
    assert counted == {"in_sync": 3, "differences": 2, "unread": 2, "stopped": 2, "never": 2}
    for name, number in counted.items():
        assert counting.standing_so(courses, name).count() == number


def test_queue_tells_of_a_worker_that_does_not_answer(office: Client, mine: Course, settings: Any) -> None:
    assert "No worker answers" not in text_of(look(office, "front", mine))
    run = Run.objects.create(context=mine.context, state="approved", approved_at=timezone.now())
    assert "No worker answers" not in text_of(look(office, "front", mine))
    Run.objects.filter(pk=run.pk).update(approved_at=timezone.now() - timedelta(minutes=5))
    page = text_of(look(office, "front", mine))
    assert "No worker answers" in page and "1 runs waiting for a worker" in page
    soon = timezone.now() + timedelta(seconds=settings.LEASE_S)
    Run.objects.filter(pk=run.pk).update(lease_until=soon, state="pushing")
    page = text_of(look(office, "front", mine))
    assert "No worker answers" not in page and "1 being worked on" in page and "0 whose worker" in page
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() + timedelta(seconds=1))
    assert "1 whose worker is silent" in text_of(look(office, "front", mine))


def test_run_that_rested_for_the_sis_is_no_silent_worker(mine: Course) -> None:
    long_ago = timezone.now() - timedelta(hours=2)
    Run.objects.create(
        context=mine.context,
        state="paused",
        approved_at=long_ago,
        resume_at=timezone.now() - timedelta(seconds=1),
    )
    queue = counting.queue_of(Context.objects.filter(pk=mine.context.pk))
    assert queue.due == 1 and not queue.no_worker


@pytest.mark.parametrize("name", ["front", "courses", "runs", "identities"])
def test_queries_do_not_grow_with_courses(office: Client, mine: Course, name: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            database,
        ) as caught:
            assert look(office, name, mine).status_code == 200
        return len(caught)

    queries()  # content types and the like are remembered
    few = queries()
    more = [
        Context(deployment=mine.context.deployment, context_id=f"c{n}", title=f"C {n}") for n in range(120)
    ]
    made = Context.objects.bulk_create(more)
    states = ("failed", "done", "paused")
    Run.objects.bulk_create(Run(context=one, state=states[n % 3]) for n, one in enumerate(made))
    registration = mine.context.registration
    StudentLink.objects.bulk_create(
        StudentLink(
            registration=registration,
            connection=mine.connection,
            context=one,
            lms_user_id=f"x{one.pk}",
            student_id="s",
        )
        for one in made
    )
    assert queries() <= few + 1  # pages: the list's length


def test_long_lists_are_paged(office: Client, mine: Course) -> None:
    more = [
        Context(deployment=mine.context.deployment, context_id=f"c{n}", title=f"C {n:03}") for n in range(120)
    ]
    Context.objects.bulk_create(more)
    page = look(office, "courses", mine).content.decode()
    assert "Page 1 of 3" in page and "C 110" not in page
    last = look(office, "courses", mine, page="3").content.decode()
    assert "C 119" in last
    assert "1 course" in text_of(look(office, "courses", mine, q="C 077"))


# --- connections ---


def test_connection_is_tested_and_its_trouble_cleared(office: Client, mine: Course) -> None:
    SisConnection.objects.filter(pk=mine.connection.pk).update(trouble="The key was refused.")
    assert "The key was refused." in text_of(look(office, "front", mine))
    page = text_of(do(office, "test", mine))
    assert "Reading classes." in page and "The key was refused." not in page
    assert noted("test").who == "Ann Admin"


def test_trouble_found_by_a_test_stands_at_the_connection(office: Client, mine: Course) -> None:
    SisConnection.objects.filter(pk=mine.connection.pk).update(adapter="gone")
    assert "In trouble:" in text_of(do(office, "test", mine))
    mine.connection.refresh_from_db()
    assert mine.connection.trouble


def test_pause_and_resume_are_noted_and_teachers_read_the_reason(office: Client, mine: Course) -> None:
    page = text_of(do(office, "pause", mine, reason="Upgrade until noon."))
    assert "is paused: nothing is sent" in page and "Paused by Ann Admin." in page
    mine.lms.grade("u1", "a1", Decimal(80))
    assert mine.send().message == "Paused by your administrator. Upgrade until noon."
    assert "Paused." in text_of(look(office, "course", mine))
    assert "Upgrade until noon." in text_of(look(office, "runs", mine, state="paused"))
    assert "goes on" in text_of(do(office, "resume", mine))
    assert not Pause.objects.exists()
    entry = noted("pause")
    assert (entry.who, entry.about, entry.detail) == (
        "Ann Admin",
        mine.connection.name,
        "Upgrade until noon.",
    )
    assert noted("resume").institution == mine.context.institution


def test_whole_institution_is_paused_and_goes_on(office: Client, mine: Course) -> None:
    page = text_of(do(office, "pause_all", mine, reason="Exams."))
    assert f"All sending of {mine.context.institution} is paused by Ann Admin." in page and "Exams." in page
    do(office, "resume", mine)
    assert not Pause.objects.exists()


def test_unknown_kind_of_connection_is_not_found(office: Client, mine: Course) -> None:
    assert office.post(reverse("overview:pause", args=["lrs", mine.connection.pk])).status_code == 404


# --- run now ---


def test_run_now_sends_by_the_unattended_rules(office: Client, mine: Course) -> None:
    mine.lms.grade("u1", "a1", Decimal(80))
    assert "has begun" in text_of(do(office, "run_now", mine))
    run = Run.objects.get(unattended=True)
    assert (run.state, run.asked_name) == ("reading", "Ann Admin")
    read_now()
    assert unattended.go_on(run.pk)
    assert engine.push(run.pk).state == "done"
    assert mine.stored(1, 1) is not None and str(mine.stored(1, 1).score) == "80"  # type: ignore[union-attr]
    assert noted("run_now").context == mine.context


def test_run_now_with_nothing_to_send_is_over(office: Client, mine: Course) -> None:
    do(office, "run_now", mine)
    run = Run.objects.get(unattended=True)
    tasks.read_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.in_sync, run.message) == ("done", True, "Nothing was to be sent.")


def test_run_now_never_sends_first(office: Client) -> None:
    course = make_course(students=1, items=1)
    course.lms.grade("u1", "a1", Decimal(5))
    User.objects.get(username="ann").groups.add(Group.objects.create(name=course.context.institution.name))
    do(office, "run_now", course)
    run = Run.objects.get(context=course.context)
    tasks.read_run(run.pk)
    run.refresh_from_db()
    assert run.state == "review" and "Nothing was ever approved" in run.message
    assert course.sis.journal == []


def test_run_now_never_withdraws(office: Client, mine: Course) -> None:
    mine.lms.grade("u1", "a1", None)
    do(office, "run_now", mine)
    run = Run.objects.get(unattended=True)
    tasks.read_run(run.pk)
    run.refresh_from_db()
    assert run.state == "review" and "a person's decision" in run.message
    assert len(mine.sis.journal) == 1


def test_teacher_who_looks_while_it_is_read_takes_it_over(office: Client, mine: Course) -> None:
    mine.lms.grade("u1", "a1", Decimal(80))
    do(office, "run_now", mine)
    run, begun = engine.ask_run(mine.context, mine.who)
    assert not begun and run.asked_name == "Ada Teacher"
    tasks.read_run(run.pk)
    run.refresh_from_db()
    assert run.state == "review" and not run.changes.exclude(state="planned").exists()


def test_run_now_leaves_a_teachers_read_to_her(office: Client, mine: Course) -> None:
    run, _begun = engine.ask_run(mine.context, mine.who)
    assert "Ada Teacher has this course read just now" in text_of(do(office, "run_now", mine))
    assert Run.objects.get(state="reading") == run and not run.unattended


def test_worker_that_died_after_the_read_is_followed_by_one_that_goes_on(
    office: Client, mine: Course
) -> None:
    mine.lms.grade("u1", "a1", Decimal(80))
    do(office, "run_now", mine)
    read_now()
    run = Run.objects.get(unattended=True)
    Run.objects.filter(pk=run.pk).update(read_at=timezone.now() - timedelta(minutes=2))
    left = tasks.waiting_reads()
    assert [one.pk for one in left] == [run.pk]
    tasks.read_run(run.pk)
    run.refresh_from_db()
    assert run.state == "approved"


# --- a student's grades, exports, who is who ---


@pytest.mark.parametrize("words", ["s1", "s1 Test", "TEST"])
def test_students_grades_are_found_by_id_and_name(office: Client, mine: Course, words: str) -> None:
    answer = do(office, "search", mine, student=words)
    page = text_of(answer)
    assert "1 student found" in page and "Algebra" in page and "Homework 1" in page and "73.25" in page
    assert (answer.request["QUERY_STRING"], answer.request["PATH_INFO"]) == ("", address("search", mine))


def test_search_is_noted_without_a_grade(office: Client, mine: Course) -> None:
    do(office, "search", mine, student="s1")
    entry = noted("search")
    assert (entry.who, entry.about, entry.detail) == ("Ann Admin", "s1", "1 student found")
    assert "73.25" not in " ".join(map(str, AuditEntry.objects.values_list().get()))


def test_search_that_finds_nothing_is_noted_too(office: Client, mine: Course) -> None:
    assert "Nothing was ever sent" in text_of(do(office, "search", mine, student="nobody"))
    assert noted("search").detail == "0 students found"


def test_too_short_a_search_finds_nothing(office: Client, mine: Course) -> None:
    assert "73.25" not in text_of(do(office, "search", mine, student="s"))
    assert not AuditEntry.objects.exists()


def exported(client: Client, course: Course, **more: str) -> str:
    today = str(timezone.localdate())
    fields = {"institution": course.context.institution.pk, "first": today, "last": today} | more
    answer = client.post(address("export_file", course), fields)
    assert answer["Content-Type"].startswith("text/csv") and "no-store" in answer["Cache-Control"]
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]  # a streaming answer


def test_grades_of_a_period_are_exported(office: Client, mine: Course, theirs: Course) -> None:
    text = exported(office, mine, what="grades")
    assert len(text.strip().splitlines()) == 2
    assert '"Algebra"' in text and '"s1"' in text and '"73.25"' in text and theirs.connection.name not in text
    assert noted("export").about == "grades"
    assert len(exported(office, mine, what="grades", first="2020-01-01", last="2020-12-31").splitlines()) == 1


def test_runs_of_a_period_are_exported(office: Client, mine: Course) -> None:
    Run.objects.filter(context=mine.context).update(message="=cmd()")
    text = exported(office, mine, what="runs")
    assert '"Ada Teacher"' in text and '"\'=cmd()"' in text and '"True"' in text


def test_export_of_grades_needs_the_right_to_see_them(mine: Course) -> None:
    client = office_of(mine, Permission.objects.filter(codename="view_run"))
    today = str(timezone.localdate())
    answer = do(client, "export_file", mine, what="grades", first=today, last=today)
    assert answer.status_code == 403 and not AuditEntry.objects.exists()


def test_period_that_ends_before_it_begins_is_refused(office: Client, mine: Course) -> None:
    answer = do(office, "export_file", mine, what="runs", first="2026-02-01", last="2026-01-01")
    assert "The first day is after the last one." in text_of(answer)


def test_word_on_a_student_is_shown_with_its_evidence_and_taken_back(office: Client, mine: Course) -> None:
    page = text_of(look(office, "identities", mine))
    assert "u2" in page and "s2" in page and "Ada Teacher" in page and "sis_id: s2" in page
    assert "Taken back." in text_of(do(office, "revoke", mine))
    assert not StudentLink.objects.exists()
    entry = noted("revoke")
    assert (entry.about, entry.detail) == ("u2 → s2", "word of Ada Teacher")


def test_words_on_students_name_them_as_their_course_was_last_read(office: Client, mine: Course) -> None:
    mine.lms.change_member("u2", name="Nora Lind")
    mine.sis.roster["c1"]["s2"] = replace(
        mine.sis.roster["c1"]["s2"], given_name="Eleonora", family_name="Lind"
    )
    engine.look(mine.context)
    page = text_of(look(office, "identities", mine))
    assert "Nora Lind (u2)" in page and "Eleonora Lind (s2)" in page


def test_pages_need_no_inline_script_or_style(office: Client, mine: Course) -> None:
    for name in sorted(PAGES):
        page = look(office, name, mine).content.decode().split("<main", 1)[1]
        assert "style=" not in page and "<script>" not in page and " onclick" not in page, name


def test_grade_changes_of_a_removed_name_are_still_found_by_id(office: Client, mine: Course) -> None:
    GradeChange.objects.update(student_name="")
    assert "1 student found" in text_of(do(office, "search", mine, student="s1"))
