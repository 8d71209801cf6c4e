"""Undo a run: it goes back as it was, only where the SIS still holds what the run left, and stays out afterwards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sync import engine, planning
from sync.engine import picks
from sync.models import ClassLink, Decision, LineItemLink, Run, SentGrade
from sync.sis import memory
from sync.sis.records import Profile, Value
from tests.sync.scene import number, over
from tests.sync.worlds import ADMIN, Course, make_course


def undone(course: Course, run: Run) -> Run:
    """The run is undone: every row of the list is approved and sent."""
    listed = engine.undo_run(run, course.who)
    engine.approve(listed, course.who, [row.digest for row in listed.changes.all()])
    return engine.push(listed.pk)


def corrected(course: Course) -> Run:
    """The course was sent; then a run corrected one grade, and sent one that was new. Returns that run."""
    course.send()
    course.lms.grade("u1", "a1", Decimal(90))
    course.lms.grade("u3", "a2", Decimal(55))
    return course.send()


def test_undo_puts_back_the_former_grade_and_takes_out_the_new_one(course: Course) -> None:
    run = corrected(course)
    listed = engine.undo_run(run, course.who)
    before = course.stored(1, 1)

    rows = {(row.student_id, row.line_item_id): row for row in listed.changes.all()}

    assert set(rows) == {("s1", "i1"), ("s3", "i2")}
    assert planning.value_of(rows["s1", "i1"].after) == number("86.5")
    assert rows["s3", "i2"].withdraws
    assert course.stored(1, 1) == before, "a list writes nothing"
    done = undone(course, run)
    assert course.stored(1, 1) == number("86.5")
    assert course.stored(3, 2) is None
    assert done.state == "done"
    assert done.undoes == run


def test_course_is_in_sync_after_an_undo_and_what_was_undone_stays_out(course: Course) -> None:
    done = undone(course, corrected(course))

    later = engine.preview(course.context, course.who)
    compared = engine.reconcile(course.context, course.who)

    assert done.report["in_sync"] is True
    assert {one["why"] for one in done.report["kept"]} == {"run undone"}
    assert not later.changes.exists()
    assert compared.report["in_sync"] is True


def test_undone_grade_goes_again_once_the_lms_grade_changes(course: Course) -> None:
    undone(course, corrected(course))
    course.lms.grade("u1", "a1", Decimal(91))

    run = course.send()

    assert course.stored(1, 1) == number("91")
    assert [row.student_id for row in run.changes.all()] == ["s1"]
    course.lms.grade("u1", "a1", Decimal(90))
    assert engine.preview(course.context, course.who).changes.count() == 1, "its time is over for good"


def test_undone_grade_goes_again_once_she_lifts_it(course: Course) -> None:
    undone(course, corrected(course))
    engine.lift(course.context, course.key(3, 2), course.who)

    course.send()

    assert course.stored(3, 2) == number("55")
    assert course.stored(1, 1) == number("86.5")


def test_grade_edited_since_is_listed_and_left_alone(course: Course) -> None:
    run = corrected(course)
    course.sis.edit("i1", "s1", number("77"))

    listed = engine.undo_run(run, course.who)

    assert [row.student_id for row in listed.changes.all()] == ["s3"]
    assert [one["code"] for one in listed.report["problems"]] == ["changed-since"]
    undone(course, run)
    assert course.stored(1, 1) == number("77")


def test_grade_edited_after_she_looked_is_not_overwritten(course: Course) -> None:
    listed = engine.undo_run(corrected(course), course.who)
    engine.approve(listed, course.who, [row.digest for row in listed.changes.all()])
    course.sis.edit("i1", "s1", number("77"))

    run = engine.push(listed.pk)

    assert course.row(run, 1, 1).state == "changed"
    assert course.stored(1, 1) == number("77")
    assert not Decision.objects.filter(kind="undone", student_id="s1", lapsed_at=None).exists()


def test_later_run_is_undone_first(course: Course) -> None:
    first = course.send()
    course.lms.grade("u1", "a1", Decimal(90))
    second = course.send()

    assert [one["code"] for one in engine.undo_run(first, course.who).report["problems"]] == ["changed-since"]
    undone(course, second)
    undone(course, first)

    assert all(course.stored(student, item) is None for student in (1, 2, 3) for item in (1, 2))


def test_value_that_a_later_run_sent_again_is_that_runs(course: Course) -> None:
    """Sent, corrected, corrected back: the first run is not what put it there."""
    first = course.send()
    course.lms.grade("u1", "a1", Decimal(90))
    course.send()
    course.lms.grade("u1", "a1", Decimal("86.5"))
    course.send()

    listed = engine.undo_run(first, course.who)

    assert [one["code"] for one in listed.report["problems"]] == ["changed-since"]
    assert not listed.changes.filter(student_id="s1", line_item_id="i1").exists()
    assert listed.changes.count() == 3


def test_run_is_undone_once_more_after_its_undo_was_undone(course: Course) -> None:
    run = corrected(course)
    undone(course, undone(course, run))
    assert course.stored(1, 1) == number("90")

    undone(course, run)

    assert course.stored(1, 1) == number("86.5")


def test_undo_is_undone(course: Course) -> None:
    first = undone(course, corrected(course))

    second = undone(course, first)

    assert course.stored(1, 1) == number("90")
    assert course.stored(3, 2) == number("55")
    assert second.report["in_sync"] is True
    assert not Decision.objects.filter(kind="undone", lapsed_at=None).exists()


def test_only_ticked_rows_go_back(course: Course) -> None:
    listed = engine.undo_run(corrected(course), course.who)
    one = course.row(listed, 1, 1)
    engine.approve(listed, course.who, [one.digest])

    engine.push(listed.pk)

    assert course.stored(1, 1) == number("86.5")
    assert course.stored(3, 2) == number("55")
    assert [row.student_id for row in Decision.objects.filter(kind="undone")] == ["s1"]


def test_grades_of_an_item_that_is_not_linked_any_more_can_be_undone(course: Course) -> None:
    run = course.send()
    LineItemLink.objects.filter(line_item_id="i2").delete()

    done = undone(course, run)

    assert course.stored(1, 2) is None
    row = course.row(done, 1, 2)
    assert (row.student_name, row.item_title, row.lms_user_id) == ("s1 Test", "Homework 2", "u1")


def test_grade_that_went_to_a_wrong_student_can_be_undone_after_the_match_was_mended(course: Course) -> None:
    run = course.send()
    engine.exclude_student(course.context, "u1", "was somebody else", course.who)

    undone(course, run)

    assert course.stored(1, 1) is None


def test_grade_of_a_class_that_is_not_linked_any_more_is_held(course: Course) -> None:
    run = course.send()
    course.sis.add_class("c2", students=["s1"], teachers=["t1"])
    ClassLink.objects.filter(pk=course.class_link.pk).update(class_id="c2")

    listed = engine.undo_run(run, course.who)

    assert not listed.changes.exists()
    assert {one["why"] for one in listed.report["held"]} == {"the SIS class could not be read"}


def test_grade_that_another_course_sends_now_is_held(course: Course) -> None:
    run = course.send()
    other = make_course()
    SentGrade.objects.filter(student_id="s1").update(context=other.context)

    listed = engine.undo_run(run, course.who)

    assert {row.student_id for row in listed.changes.all()} == {"s2", "s3"}
    assert {one["why"] for one in listed.report["held"]} == {"another course sends this grade now"}


def test_refused_undo_leaves_the_grade_and_its_decisions_as_they_were(course: Course) -> None:
    run = corrected(course)
    course.sis.fault = memory.refuse("frozen", "closed")

    done = undone(course, run)

    assert {row.state for row in done.changes.all()} == {"rejected"}
    assert not Decision.objects.filter(lapsed_at=None).exists()
    course.sis.fault = None
    assert not engine.preview(course.context, course.who).changes.exists()
    assert undone(course, run).report["in_sync"] is True


def test_lost_answer_of_an_undo_is_settled_by_the_read(course: Course) -> None:
    run = corrected(course)
    course.sis.fault = memory.once(memory.lose_answer, course.sis)

    done = undone(course, run)

    assert {row.state for row in done.changes.all()} == {"accepted"}
    assert course.stored(1, 1) == number("86.5")
    assert done.report["in_sync"] is True


def test_worker_that_dies_in_an_undo_leaves_nothing_that_a_later_run_sends_again(course: Course) -> None:
    listed = engine.undo_run(corrected(course), course.who)
    engine.approve(listed, course.who, [row.digest for row in listed.changes.all()])
    course.sis.fault = memory.once(memory.crash_after, course.sis)
    with pytest.raises(memory.Crash):
        engine.push(listed.pk)

    put_back = [row for row in listed.changes.all() if row.state in {"sending", "unknown"}]
    later = engine.preview(course.context, ADMIN)

    assert put_back
    assert not later.changes.filter(student_id__in=[row.student_id for row in put_back]).exists()


def test_undo_needs_no_second_look_because_it_changes_much(db: None, settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(students=12, items=1)
    for student in range(1, 13):
        course.lms.grade(f"u{student}", "a1", 50)
    run = course.send()

    done = undone(course, run)

    assert done.state == "done"
    assert all(course.stored(student, 1) is None for student in range(1, 13))


def test_sis_that_cannot_be_read_takes_back_what_it_was_last_sent(db: None, settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    course = make_course(profile=Profile(read_back=False))
    course.lms.grade("u1", "a1", 10)
    course.send()
    course.lms.grade("u1", "a1", 20)
    run = course.send()

    undone(course, run)

    assert course.stored(1, 1) == Value(Decimal(10))
    assert not engine.preview(course.context, course.who).changes.exists()


def test_run_that_sent_nothing_or_goes_on_is_not_undone(course: Course) -> None:
    listed = engine.preview(course.context, course.who)
    with pytest.raises(engine.EngineError, match="over"):
        engine.undo_run(listed, course.who)
    compared = engine.reconcile(course.context, course.who)
    with pytest.raises(engine.EngineError, match="sent nothing"):
        engine.undo_run(compared, course.who)


def test_who_does_not_teach_the_course_undoes_nothing(course: Course) -> None:
    run = course.send()
    course.context.memberships.update(can_send=False)
    with pytest.raises(engine.EngineError, match="teacher"):
        engine.undo_run(run, course.who)


def test_undo_is_read_in_the_background_once(course: Course) -> None:
    run, other = course.send(), corrected(course)
    asked, hers = engine.ask_undo(other, course.who)
    again, second = engine.ask_undo(other, course.who)
    with pytest.raises(engine.EngineError, match="Another run"):
        engine.ask_undo(run, course.who)

    engine.read_run(asked.pk)
    asked.refresh_from_db()

    assert (hers, second) == (True, False)
    assert again == asked
    assert asked.state == "review"
    assert asked.changes.count() == 2


def test_undo_of_a_run_that_is_not_kept_any_more_ends_in_words(course: Course) -> None:
    asked, _ = engine.ask_undo(corrected(course), course.who)
    Run.objects.filter(pk=asked.pk).update(undoes=None)

    engine.read_run(asked.pk)
    asked.refresh_from_db()

    assert asked.state == "failed"
    assert "not kept" in asked.message


def test_ticks_of_an_undo_tick_no_removal_of_an_ordinary_list(course: Course) -> None:
    """ "All of these" ticks removals where a run is undone; elsewhere a removal is ticked one by one."""
    run = course.send()
    listed = engine.undo_run(run, course.who)
    picks.tick_all(listed, course.who, picks.open_rows(listed), on=True)
    course.lms.grade("u1", "a1", None)

    ordinary = engine.preview(course.context, course.who)

    row = course.row(ordinary, 1, 1)
    assert row.withdraws
    assert row.picked is None
    assert list(picks.picked(ordinary, untouched=True)) == []


def test_ticks_outlive_an_undo_that_was_only_looked_at(course: Course) -> None:
    run = course.send()
    course.lms.grade("u1", "a1", Decimal(90))
    first = engine.preview(course.context, course.who)
    picks.tick(first, course.who, [course.row(first, 1, 1).pk], [])
    engine.undo_run(run, course.who)

    again = engine.preview(course.context, course.who)

    assert course.row(again, 1, 1).picked is False


def test_undo_that_the_sis_shows_late_is_not_sent_again(course: Course) -> None:
    run = corrected(course)
    course.sis.fault = memory.show_late(course.sis)
    undone(course, run)
    course.sis.fault = None
    course.sis.show()
    assert course.stored(1, 1) == number("86.5")

    later = engine.preview(course.context, course.who)

    assert not later.changes.exists()
    assert {one["why"] for one in later.report["kept"]} == {"run undone"}


def test_grade_edited_while_an_undo_was_lost_is_asked_about(course: Course) -> None:
    run = corrected(course)
    listed = engine.undo_run(run, course.who)
    engine.approve(listed, course.who, [course.row(listed, 1, 1).digest])
    course.sis.fault = memory.lose_request
    engine.push(listed.pk)
    course.sis.edit("i1", "s1", number("77"))
    course.sis.fault = None
    engine.push(over(listed).pk)

    later = engine.preview(course.context, course.who)

    assert course.stored(1, 1) == number("77")
    assert not later.changes.exists()


def test_undo_that_the_sis_accepted_and_did_not_store_is_no_proof(course: Course) -> None:
    """The grades in both gradebooks agree, and yet it is the very grade that she wanted out."""
    run = corrected(course)
    course.sis.fault = memory.store_nothing

    done = undone(course, run)

    assert course.stored(1, 1) == number("90")
    assert done.in_sync is False
    assert {one["cause"] for one in done.report["differences"]} == {"accepted, not shown"}
    assert done.discrepancies == 2


def test_undo_without_an_answer_is_not_called_confirmed(course: Course) -> None:
    run = corrected(course)
    course.sis.fault = memory.lose_request

    done = undone(course, run)

    assert done.in_sync is False
    assert {one["cause"] for one in done.report["differences"]} == {"not confirmed yet"}


def test_run_that_sent_a_part_before_it_was_held_back_and_replaced_can_be_undone(course: Course) -> None:
    run = corrected(course)
    Run.objects.filter(pk=run.pk).update(state="review", finished_at=None)
    engine.preview(course.context, course.who)
    run.refresh_from_db()
    assert run.state == "replaced"

    undone(course, run)

    assert course.stored(1, 1) == number("86.5")
    assert course.stored(3, 2) is None


def test_other_range_in_the_sis_sends_no_undone_grade(course: Course) -> None:
    undone(course, corrected(course))
    course.sis.add_item("c1", "i2", title="Homework 2", maximum=200)
    LineItemLink.objects.filter(line_item_id="i2").update(maximum=Decimal(200))

    later = engine.preview(course.context, course.who)

    assert ("s3", "i2") not in {(row.student_id, row.line_item_id) for row in later.changes.all()}
    assert Decision.objects.filter(kind="undone", student_id="s3", lapsed_at=None).exists()
