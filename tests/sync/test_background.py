"""Reads by a worker: one at a time, found again by their state, ended at once, never half written."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from sync import engine, tasks
from sync.engine import background
from sync.lms.memory import misconfigured, once, try_later
from sync.models import ContextState, GradeChange, LineItemLink, Look, Run
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


def asked(course: Course, purpose: str = "review") -> Run:
    run, _hers = engine.ask_run(course.context, course.who, purpose)
    return run


def looked(course: Course) -> Look:
    look, _hers = engine.ask_look(course.context, course.who)
    return look


def again(row: Any) -> Any:
    row.refresh_from_db()
    return row


def lease_over(row: Run | Look) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


# --- what comes of it -----------------------------------------------------------------------------------------


def test_run_asked_for_is_read_into_the_same_list_as_in_the_foreground(course: Course) -> None:
    foreground = engine.preview(course.context, course.who)
    run = asked(course)
    assert run.state == "reading"
    assert course.lms.reads == 1, "asking reads nothing"

    engine.read_run(run.pk)

    assert again(run).state == "review"
    assert run.digest == foreground.digest
    assert run.report == foreground.report
    assert again(foreground).state == "replaced"
    assert (run.lease_token, run.lease_until) == ("", None)


def test_list_stays_to_be_sent_while_a_newer_one_is_read(course: Course) -> None:
    run = engine.preview(course.context, course.who)
    asked(course)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    assert engine.push(run.pk).state == "done"


def test_comparison_asked_for_ends_as_one(course: Course) -> None:
    course.send()
    run = asked(course, "compare")
    engine.read_run(run.pk)
    assert again(run).state == "done"
    assert run.report["in_sync"] is True
    assert run.finished_at is not None


def test_look_brings_the_pages_up_to_date(course: Course) -> None:
    look = looked(course)
    engine.read_look(look.pk)
    assert again(look).state == "done"
    assert len(ContextState.objects.get(context=course.context).snapshot["students"]) == 3


def test_classes_that_she_could_link_are_kept_for_her_alone(course: Course) -> None:
    look, _hers = engine.ask_classes(course.context, course.who)
    other, _hers = engine.ask_classes(course.context, engine.Who("an administrator"))
    engine.read_look(look.pk)
    assert [one["class_id"] for one in again(look).found["classes"]] == ["c1"]
    assert look.pk != other.pk
    assert again(other).found == {}


def test_row_says_what_came_so_far(course: Course) -> None:
    seen: list[dict[str, int]] = []
    run = asked(course)
    course.sis.on_read = lambda *_: seen.append(again(run).read_so_far)
    engine.read_run(run.pk)
    assert seen[0] == {"students": 3, "items": 2, "results": 4, "sis_students": 0}, "before the SIS answers"
    assert again(run).read_so_far == {
        "students": 3, "items": 2, "results": 4, "sis_students": 3, "sis_results": 0,
    }  # fmt: skip


# --- one reading ----------------------------------------------------------------------------------------------


def test_two_clicks_and_two_teachers_are_one_reading(course: Course) -> None:
    first, hers = engine.ask_run(course.context, course.who)
    second, theirs = engine.ask_run(course.context, engine.Who("Ben Teacher"))
    assert (first.pk, hers, theirs) == (second.pk, True, False)
    assert second.asked_name == "Ada Teacher"
    look, hers = engine.ask_look(course.context, course.who)
    assert engine.ask_look(course.context, engine.Who("Ben Teacher")) == (look, False)


@pytest.mark.django_db(transaction=True)
def test_asking_at_the_same_moment_is_one_reading() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets only one write at a time")
    course = make_course()
    together = threading.Barrier(4)
    got: list[tuple[int, int]] = []

    def ask() -> None:
        with contextlib.closing(connection):
            together.wait(timeout=30)
            run, _hers = engine.ask_run(course.context, course.who, anew=True)
            look, _hers = engine.ask_look(course.context, course.who, anew=True)
            got.append((run.pk, look.pk))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert len(got) == 4
    assert len(set(got)) == 1


def test_second_worker_leaves_a_read_under_way_alone(course: Course) -> None:
    run, look = asked(course), looked(course)

    def meanwhile(_course: Any) -> None:
        engine.read_run(run.pk)
        engine.read_look(look.pk)

    course.lms.on_read = once(meanwhile, course.lms)
    engine.read_run(run.pk)
    assert course.lms.reads == 2, "one for the run, one for the look"
    assert (again(run).state, again(look).state) == ("review", "done")


def test_worker_that_was_taken_over_writes_nothing_more(course: Course) -> None:
    run = asked(course)

    def meanwhile(_course: Any) -> None:
        lease_over(run)
        engine.read_run(run.pk)
        course.lms.grade("u2", "a1", 55)

    course.lms.on_read = once(meanwhile, course.lms)
    engine.read_run(run.pk)
    assert again(run).state == "review"
    assert GradeChange.objects.count() == 4
    kept = GradeChange.objects.get(student_id="s2").after or {}
    assert kept["score"] == "0", "the second worker's read stands"


def test_read_of_a_dead_worker_is_found_by_its_state(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(_course: Any) -> None:
        raise Killed

    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(tasks.read_run, "delay", lambda pk: rung.append(("run", pk)))
    monkeypatch.setattr(tasks.read_look, "delay", lambda pk: rung.append(("look", pk)))
    run, look = asked(course), looked(course)
    course.lms.on_read = die
    for go, row in ((engine.read_run, run), (engine.read_look, look)):
        with pytest.raises(Killed):
            go(row.pk)
        assert again(row).state == "reading"
    tasks.ring_due_runs()
    assert rung == [], "their leases still run"
    lease_over(run)
    lease_over(look)
    tasks.ring_due_runs()
    assert rung == [("run", run.pk), ("look", look.pk)]
    course.lms.on_read = None
    engine.read_run(run.pk)
    assert again(run).state == "review"


def test_read_that_kills_every_worker_is_given_up_with_words(course: Course) -> None:
    run = asked(course)
    Run.objects.filter(pk=run.pk).update(read_tries=background.MAX_TRIES)
    engine.read_run(run.pk)
    assert again(run).state == "failed"
    assert "Tell your administrator" in run.message
    assert course.lms.reads == 0


def test_next_ask_after_a_failure_begins_with_all_its_tries(course: Course) -> None:
    look = looked(course)
    Look.objects.update(read_tries=background.MAX_TRIES)
    engine.read_look(look.pk)
    assert again(look).state == "failed"
    engine.read_look(looked(course).pk)
    assert again(look).state == "done"


# --- what changes meanwhile -----------------------------------------------------------------------------------


def test_decision_during_a_read_makes_it_begin_anew(course: Course) -> None:
    run = asked(course)

    def meanwhile(_course: Any) -> None:
        LineItemLink.objects.filter(lms_line_item_id="a2").delete()
        assert engine.ask_run(course.context, course.who, anew=True) == (run, False)

    course.lms.on_read = once(meanwhile, course.lms)
    engine.read_run(run.pk)
    assert course.lms.reads == 2
    assert again(run).state == "review"
    assert not run.read_again
    assert run.read_tries == 1, "beginning anew is no death"
    assert not run.changes.filter(line_item_id="i2").exists()


def at_the_very_end(course: Course, what: Any) -> None:
    """Once, when all is read but the last list of a second class: no step looks at the row after it."""
    course.sis.add_class("c2", students=["s8"], teachers=["t1"])
    engine.link_class(course.context, course.connection, "c2", engine.Who("an administrator"), as_admin=True)

    def meanwhile(method: str, class_id: str) -> None:
        if (method, class_id) == ("score_scales", "c2"):
            course.sis.on_read = None
            what()

    course.sis.on_read = meanwhile


def test_change_at_the_very_end_of_a_read_makes_it_begin_anew(course: Course) -> None:
    run = asked(course)
    at_the_very_end(course, lambda: engine.ask_run(course.context, course.who, anew=True))
    engine.read_run(run.pk)
    assert course.lms.reads == 2
    assert again(run).state == "review"
    assert run.changes.count() == 4


def test_stop_at_the_very_end_of_a_read_leaves_no_list(course: Course) -> None:
    run = asked(course)
    at_the_very_end(course, lambda: engine.cancel(run, course.who))
    engine.read_run(run.pk)
    assert again(run).state == "cancelled"
    assert run.report == {}
    assert GradeChange.objects.count() == 0


def test_stop_ends_a_read_at_once_and_its_worker_writes_nothing(course: Course) -> None:
    run, look = asked(course), looked(course)

    def meanwhile(_course: Any) -> None:
        engine.cancel(run, course.who)
        engine.stop_look(look, course.who)

    course.lms.on_read = once(meanwhile, course.lms)
    engine.read_run(run.pk)
    assert (again(run).state, run.message) == ("cancelled", "Stopped by a person.")
    assert GradeChange.objects.count() == 0
    engine.read_look(look.pk)
    assert again(look).state == "cancelled"
    assert course.lms.reads == 1
    assert asked(course).pk != run.pk, "the next one begins anew"


# --- trouble --------------------------------------------------------------------------------------------------


def away(_course: Any) -> None:
    raise RuntimeError("a secret of a student")


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (try_later(), "The LMS is busy."),
        (misconfigured("token-expired"), "(token-expired)"),
        (away, "An unexpected error stopped this read. Tell your administrator"),
    ],
)
def test_trouble_of_each_kind_becomes_words_and_leaves_the_last_state(
    course: Course, hook: Any, words: str
) -> None:
    engine.look(course.context)
    before = ContextState.objects.get(context=course.context).snapshot
    former = engine.preview(course.context, course.who)
    course.lms.on_read = hook
    for row in (asked(course), looked(course)):
        (engine.read_run if isinstance(row, Run) else engine.read_look)(row.pk)
        assert again(row).state == "failed"
        assert words in row.message
        assert "secret" not in row.message
        assert (row.lease_token, row.lease_until) == ("", None)
    assert ContextState.objects.get(context=course.context).snapshot["students"] == before["students"]
    assert again(former).state == "review", "the last list stays usable"


def test_teacher_who_lost_her_role_meanwhile_gets_no_list(course: Course) -> None:
    run = asked(course)
    course.context.memberships.update(can_send=False)
    engine.read_run(run.pk)
    assert again(run).state == "failed"
    assert "Only a teacher" in run.message
    assert course.lms.reads == 0


def test_course_without_a_class_is_refused_before_anything_is_saved(course: Course) -> None:
    course.class_link.delete()
    with pytest.raises(engine.NothingLinked):
        asked(course)
    assert not Run.objects.exists()


def test_one_course_does_not_wait_for_another(course: Course) -> None:
    other = make_course()
    assert asked(course).pk != asked(other).pk
