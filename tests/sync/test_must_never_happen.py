"""The eleven things that must never happen (design §6), one test each, through the whole engine.

The rooms test the same at their own depth; these say that the whole keeps the promise.
"""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from lti_tool import http
from sync import engine
from sync.errors import TryLater
from sync.models import Run
from sync.sis import memory
from sync.sis.records import Value
from tests.sync.scene import number, over
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


def test_01_grade_edited_in_the_sis_is_not_overwritten(course: Course) -> None:
    course.send()
    course.sis.edit("i1", "s1", number("77"))
    course.lms.grade("u1", "a1", 95)

    run = course.send(withdraw=True, override=True)

    assert course.stored(1, 1) == number("77")
    assert [one["code"] for one in run.report["problems"]] == ["edited-in-sis"]
    assert run.report["in_sync"] is False


def test_02_grade_never_reaches_another_student(course: Course) -> None:
    course.lms.change_member("u1", sis_id="s2")  # now two LMS students say that they are s2
    course.send()
    assert course.sis.journal == [] or {one.student_id for one in course.sis.journal} == {"s3"}

    course.lms.change_member("u1", sis_id="s1")
    course.send()
    truth = {("i1", "s1"): "86.5", ("i1", "s2"): "0", ("i2", "s1"): "9.257"}
    for (item, student), score in truth.items():
        assert course.sis.value(item, student) == number(score)


def test_03_not_graded_is_never_sent_as_zero_and_a_real_zero_is_never_dropped(course: Course) -> None:
    course.send()

    assert course.stored(2, 1) == number("0")
    assert course.stored(2, 2) is None and course.stored(3, 2) is None
    assert course.stored(3, 1) == Value(status="exempt"), "excused is neither a zero nor nothing"


def test_04_failed_or_short_read_problem_or_exclusion_withdraws_nothing(course: Course) -> None:
    course.send()
    before = dict(course.sis.results)

    def away(_: Any) -> None:
        raise TryLater("The LMS is away.")

    course.lms.on_read = away
    with pytest.raises(TryLater):
        engine.preview(course.context, course.who)
    course.lms.on_read = None
    course.lms.short = 2
    run = course.send(withdraw=True, override=True)
    assert run.report["counts"]["held"] == 2 and course.sis.results == before
    course.lms.short = 0
    engine.exclude_student(course.context, "u1", "on leave", course.who)
    course.lms.change_member("u2", sis_id="nobody")
    run = course.send(withdraw=True, override=True)

    assert run.report["counts"]["withdrawn"] == 0 and course.sis.results == before


def test_05_no_row_disappears(course: Course) -> None:
    course.lms.change_member("u2", sis_id="nobody")
    course.sis.edit("i2", "s1", number("1"))
    course.sis.fault = memory.once(memory.refuse("frozen"), course.sis)

    counts = course.send().report["counts"]

    buckets = ("created", "updated", "unchanged", "waiting", "rejected", "problems", "excluded", "not_graded")
    assert counts["pulled"] == 6 == sum(counts[name] for name in buckets)
    # refused; unmatched and edited in the SIS; the other one of s3 sent; two without a grade
    assert (counts["rejected"], counts["problems"], counts["created"]) == (1, 2, 1)


def test_06_one_bad_row_does_not_sink_the_class_and_a_half_known_batch_is_not_counted_as_sent(
    course: Course,
) -> None:
    def store_then_fall_silent(what: Any, store: Any) -> Any:
        if what.key.student_id == "s1":
            return memory.refuse("student_unknown")(what, store)
        return memory.store_nothing(what, store) if what.key.student_id == "s2" else store()

    course.sis.fault = store_then_fall_silent
    run = course.send()

    assert course.stored(3, 1) == Value(status="exempt")
    counts = run.report["counts"]
    assert (counts["rejected"], counts["waiting"], counts["created"]) == (2, 1, 1)
    assert run.report["in_sync"] is False


def test_07_grade_never_passes_through_a_binary_float(course: Course) -> None:
    course.lms.grade("u1", "a1", Decimal("0.1") + Decimal("0.2"))
    course.lms.grade("u1", "a2", Decimal("9.2570"))

    run = course.send()

    assert course.stored(1, 1) == number("0.3") and course.stored(1, 2) == number("9.257")
    assert course.row(run, 1, 1).after["score"] == "0.3"


def test_08_no_secret_name_or_grade_in_a_log_or_an_exception(course: Course, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    course.connection.client_secret = "the-secret"
    course.connection.save()
    course.lms.change_member("u1", name="Wilhelmina Quarrington")

    def bug(what: Any, store: Any) -> Any:
        raise RuntimeError("a bug in an adapter")

    course.sis.fault = memory.once(bug, course.sis)
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])

    run = engine.push(run.pk)

    assert run.state == "failed" and f"run {run.pk}" in caplog.text
    for secret in ("the-secret", "Quarrington", "86.5", "9.257"):
        assert secret not in caplog.text + run.message


def test_09_no_request_leaves_without_timeout_or_to_an_address_that_is_not_allowed(settings: Any) -> None:
    settings.OUTBOUND_ALLOW = frozenset()
    session = http.Session()

    assert session.read_s > 0 and session.deadline_s > 0
    for url in (
        "http://sis.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/",
        "https://10.0.0.1/",
    ):
        with pytest.raises(http.Refused):
            session.get(url)


def test_10_teacher_of_one_course_neither_sees_nor_moves_grades_of_another(course: Course) -> None:
    other = make_course()
    course.send()
    run = Run.objects.get(context=course.context)

    with pytest.raises(engine.EngineError):
        engine.preview(course.context, other.who)
    with pytest.raises(engine.EngineError):
        engine.retry(run, other.who)
    with pytest.raises(engine.LinkRefused):
        engine.link_class(other.context, course.connection, "c1", other.who)
    page = Client().get(f"/courses/{course.context.public_id}/", secure=True)
    assert page.status_code in (401, 403) and b"Student 1" not in page.content


def test_10_class_is_not_linked_without_proof(course: Course) -> None:
    course.sis.add_class("c2", students=["s9"], teachers=["somebody else"])

    with pytest.raises(engine.LinkRefused):
        engine.link_class(course.context, course.connection, "c2", course.who)

    course.sis.add_class("c3", teachers=["t1"])
    assert engine.link_class(course.context, course.connection, "c3", course.who).proof == "teacher"


@pytest.mark.parametrize("death", [memory.crash_before, memory.crash_after])
@pytest.mark.parametrize("point", range(4))
def test_11_worker_dies_and_no_grade_is_lost_doubled_or_stuck(
    course: Course, death: memory.Fault, point: int
) -> None:
    run = engine.preview(course.context, course.who)
    engine.approve(run, course.who, [row.digest for row in run.changes.all()])
    course.sis.fault = memory.once(death, course.sis, skip=point)
    with pytest.raises(memory.Crash):
        engine.push(run.pk)

    run = engine.push(over(run).pk)

    assert run.state == "done" and run.report["in_sync"] is True
    assert len(course.sis.results) == 4 == sum(one.made for one in course.sis.journal)
