"""Random histories against a simple model of what may be true (design §1 and §4).

The machine plays everybody: the LMS teacher, a person in the SIS, the network, a SIS that lies, workers that die, and
the teacher who reviews. It watches every write that reaches the SIS:

- a grade that a person entered in the SIS, and that can be told from ours, is never overwritten unless she said so;
- nothing is written that was not approved, for another student, or that the LMS never held for that very grade;
- no grade is made twice as new, and none is withdrawn unless ticked;
- an undone run puts back only what it found, and only where nobody changed it since;
- whatever happened, once faults end and people decide, the course settles: in sync, both sides equal.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from sync import engine, planning
from sync.engine import reporting
from sync.models import GradeChange, Run, SentGrade
from sync.sis import memory
from sync.sis.records import Change, Profile, ScoreStatus, Value, is_rounding_of, quantised
from tests.sync.worlds import Course, make_course

STUDENTS, ITEMS = 3, 2
FULL = bool(os.environ.get("GRADESYNC_FULL"))
cells = st.tuples(st.integers(1, STUDENTS), st.integers(1, ITEMS))
scores = st.sampled_from(["0", "50", "86.5", "9.257", "9.256", "100", "72.125"]).map(Decimal)
grades = st.one_of(scores, st.sampled_from(["excused", None]))
faults = st.sampled_from(
    [
        "lose_answer",
        "lose_request",
        "store_nothing",
        "refuse",
        "busy",
        "crash_before",
        "crash_after",
        "show_late",
    ]
)


def value_of(grade: Any) -> Value | None:
    if grade is None:
        return None
    if grade == "excused":
        return Value(status=ScoreStatus.EXEMPT)
    return Value(quantised(grade, 4))


class Course_(RuleBasedStateMachine):  # noqa: N801 - Course is taken
    course: Course

    @initialize(
        gives_ids=st.booleans(),
        rounding=st.sampled_from([None, 2, 1, 0]),
        unique=st.booleans(),
        start=st.lists(grades, min_size=STUDENTS * ITEMS, max_size=STUDENTS * ITEMS),
    )
    def open_course(self, gives_ids: bool, rounding: int | None, unique: bool, start: list[Any]) -> None:
        profile = Profile(idempotent=not gives_ids, settle_s=0, over_max=True)
        self.course = make_course(STUDENTS, ITEMS, profile)
        self.course.sis.rounding, self.course.sis.unique = rounding, unique
        self.gives_ids = gives_ids
        self.truth: dict[tuple[int, int], Any] = {}
        self.held_by_lms: dict[tuple[int, int], set[Value | None]] = {}
        self.human: dict[
            tuple[int, int], Value | None
        ] = {}  # entered in the SIS by a person, not ours to touch
        self.allowed: dict[tuple[int, int], set[Value | None]] = {}  # approved in the run at hand
        self.run: Run | None = None
        self.preferred: dict[tuple[int, int], set[Value | None]] = {}  # SIS values she said to overwrite
        self.put_back: dict[tuple[int, int], set[Value | None]] = {}  # what undone runs had found there
        self.wrongs: list[str] = []
        self.course.sis.fault = self._watch(None)
        for cell, grade in zip(self._cells(), start, strict=True):
            self.teacher_grades(cell, grade)

    # --- watching every write ---------------------------------------------------------------------------

    def _watch(self, fault: memory.Fault | None) -> memory.Fault:
        def watched(change: Change, store: Callable[[], Any]) -> Any:
            def checked() -> Any:
                cell = (int(change.key.student_id[1:]), int(change.key.line_item_id[1:]))
                standing = self.course.stored(*cell)
                answer = store()
                if self.course.stored(*cell) != standing:
                    self._check_write(cell, change, standing)
                return answer

            return fault(change, checked) if fault else checked()

        return watched

    def _check_write(self, cell: tuple[int, int], change: Change, standing: Value | None) -> None:
        """Noted, not raised: the engine would take an error of ours for a bug of the adapter."""
        if change.after not in self.allowed.get(cell, set()):
            self.wrongs.append(f"{cell}: written without approval")
        if change.after not in self.held_by_lms.get(cell, set()) | self.put_back.get(cell, set()) | {None}:
            self.wrongs.append(f"{cell}: the LMS never held this for her")
        if cell in self.human and standing == self.human[cell]:
            self.wrongs.append(f"{cell}: a person's grade was overwritten without being asked")

    # --- the LMS, the SIS, the network --------------------------------------------------------------------

    @rule(cell=cells, grade=grades)
    def teacher_grades(self, cell: tuple[int, int], grade: Any) -> None:
        self.truth[cell] = grade
        self.held_by_lms.setdefault(cell, set()).add(value_of(grade))
        if self.human.get(cell, object()) == value_of(grade):
            del self.human[cell]  # both sides agree: from now on it is as good as ours
        if grade == "excused":
            self.course.lms.excuse(f"u{cell[0]}", f"a{cell[1]}")
        else:
            self.course.lms.grade(f"u{cell[0]}", f"a{cell[1]}", grade)

    @rule(cell=cells, grade=grades)
    def person_edits_sis(self, cell: tuple[int, int], grade: Any) -> None:
        value = value_of(grade)
        row = SentGrade.objects.filter(**SentGrade.key_fields(self.course.key(*cell))).first()
        sent = planning.Sent.from_json(row.ledger) if row else planning.Sent()
        self.course.sis.edit(f"i{cell[1]}", f"s{cell[0]}", value)
        entered = self.course.stored(*cell)
        # the same value entered anew cannot be told from the one that she spoke of
        ours = sent.expected | {value_of(self.truth.get(cell))} | self.preferred.get(cell, set())
        if entered in ours or any(is_rounding_of(one, entered) for one in ours):
            self.human.pop(cell, None)  # nobody can tell this from a value of ours
        else:
            self.human[cell] = entered

    @rule(fault=faults, skip=st.integers(0, 3))
    def something_goes_wrong(self, fault: str, skip: int) -> None:
        if fault == "show_late" and self.gives_ids:
            return  # hidden creates of a SIS that gives the ids: settle_s is what that is for, tested apart
        made: dict[str, memory.Fault] = {
            "lose_answer": memory.lose_answer,
            "lose_request": memory.lose_request,
            "store_nothing": memory.store_nothing,
            "refuse": memory.refuse("frozen", "closed"),
            "busy": memory.try_later(1),
            "crash_before": memory.crash_before,
            "crash_after": memory.crash_after,
            "show_late": memory.show_late(self.course.sis),
        }
        left = [skip]
        chosen = made[fault]

        def first(change: Change, store: Callable[[], Any]) -> Any:
            if left[0]:
                left[0] -= 1
                return store()
            self.course.sis.fault = self._watch(None)
            return chosen(change, store)

        self.course.sis.fault = self._watch(first)

    @rule()
    def sis_shows_all(self) -> None:
        self.course.sis.show()

    # --- the teacher in GradeSync --------------------------------------------------------------------------

    @rule()
    def look(self) -> None:
        self._preview()

    @rule(skip=st.sampled_from([0, 0, 0, 1, 2]), tick_withdrawals=st.booleans(), old_list=st.booleans())
    def send(self, skip: int, tick_withdrawals: bool, old_list: bool) -> None:
        run = self.run
        if run is None or run.state != "review" or not old_list:
            run = self._preview()
        rows = [row for row in run.changes.order_by("pk") if tick_withdrawals or not row.withdraws]
        if rows[skip:]:
            self._send(run, rows[skip:])

    @rule(cell=cells, grade=grades, edited=cells, edit=grades, fault=faults, skip=st.integers(0, 3))
    def a_busy_friday(self, cell: Any, grade: Any, edited: Any, edit: Any, fault: str, skip: int) -> None:
        """Everything at once: a corrected grade, an edit in the SIS after she looked, and a failing wire."""
        self.teacher_grades(cell, grade)
        run = self._preview()
        self.person_edits_sis(edited, edit)
        self.teacher_grades(edited, grade)
        self.something_goes_wrong(fault, skip)
        rows = [row for row in run.changes.all() if not row.withdraws]
        if rows:
            self._send(run, rows)

    @rule(cell=cells, kind=st.sampled_from(["sis_kept", "lms_preferred", "withdrawal_declined"]))
    def decide(self, cell: tuple[int, int], kind: str) -> None:
        self._decide(cell, kind)

    @rule(cell=cells)
    def lift(self, cell: tuple[int, int]) -> None:
        key = self.course.key(*cell)
        try:
            engine.lift(self.course.context, key, self.course.who)
        except engine.Changed:
            return

    @rule(which=st.integers(0, 3), skip=st.sampled_from([0, 0, 1]), fault=st.one_of(st.none(), faults))
    def undo(self, which: int, skip: int, fault: str | None) -> None:
        """One of the last runs that sent anything goes back, perhaps over a failing wire."""
        ended = Run.objects.filter(context=self.course.context, state__in=("done", "failed", "cancelled"))
        sent = list(ended.filter(changes__sent_at__isnull=False).distinct()[which : which + 1])
        try:
            listed = engine.undo_run(sent[0], self.course.who) if sent else None
        except engine.EngineError:  # nothing of it was taken
            return
        rows = list(listed.changes.order_by("pk")) if listed else []
        if listed is None or not rows[skip:]:
            return
        for row in rows[skip:]:
            cell = (int(row.student_id[1:]), int(row.line_item_id[1:]))
            self.put_back.setdefault(cell, set()).add(planning.value_of(row.after))
        if fault:
            self.something_goes_wrong(fault, skip)
        self._send(listed, rows[skip:])

    @rule(student=st.integers(1, STUDENTS))
    def exclude_or_take_back(self, student: int) -> None:
        before = {cell: self.course.stored(*cell) for cell in self._cells()}
        engine.exclude_student(self.course.context, f"u{student}", "on leave", self.course.who)
        run = self._preview()
        assert not run.changes.filter(student_id=f"s{student}").exists(), (
            "an excluded student's grade was planned"
        )
        engine.forget_student(self.course.context, f"u{student}", self.course.who)
        assert before == {cell: self.course.stored(*cell) for cell in self._cells()}

    # --- helpers -------------------------------------------------------------------------------------------

    def _cells(self) -> list[tuple[int, int]]:
        return [(student, item) for student in range(1, STUDENTS + 1) for item in range(1, ITEMS + 1)]

    def _preview(self) -> Run:
        self.run = engine.preview(self.course.context, self.course.who)
        return self.run

    def _send(self, run: Run, rows: list[GradeChange]) -> None:
        for row in rows:
            cell = (int(row.student_id[1:]), int(row.line_item_id[1:]))
            self.allowed.setdefault(cell, set()).add(planning.value_of(row.after))
        try:
            engine.approve(run, self.course.who, [row.digest for row in rows], override_stops=True)
        except engine.CourseBusy:
            return
        self._work_until_over(run)
        self.allowed.clear()
        assert not self.wrongs

    def _work_until_over(self, run: Run) -> None:
        for _ in range(20):
            with contextlib.suppress(memory.Crash):  # the worker is gone; its lease ends some time later
                run = engine.push(run.pk)
            Run.objects.filter(pk=run.pk, state__in=Run.OPEN).update(
                lease_until=timezone.now() - timedelta(seconds=1), resume_at=None
            )
            run.refresh_from_db()
            if not run.is_open:
                return
        raise AssertionError(f"the run never ends: {run.state}")

    def _decide(self, cell: tuple[int, int], kind: str) -> None:
        try:
            engine.decide(self.course.context, self.course.key(*cell), kind, self.course.who)
        except engine.Changed:
            return
        if kind == "lms_preferred":
            pair = reporting.seen_pair(self.course.context, self.course.key(*cell))
            assert pair is not None
            seen = pair[1]
            self.preferred.setdefault(cell, set()).add(seen)
            if self.human.get(cell, object()) == seen:
                del self.human[cell]

    def teardown(self) -> None:
        """Every history settles: faults end, people decide, and both sides are equal."""
        if not hasattr(self, "course"):
            return
        self.course.sis.fault = self._watch(None)
        self._try_all_anew()
        for _ in range(6):
            self.course.sis.show()
            self._settle_all()
            run = self._preview()
            rows = list(run.changes.all())
            if not rows:
                break
            self._send(run, rows)
        run = engine.reconcile(self.course.context, self.course.who)
        assert run.report["in_sync"] is True, run.report["differences"]
        for cell in self._cells():
            wanted, stands = value_of(self.truth.get(cell)), self.course.stored(*cell)
            if wanted is None and cell not in self.held_by_lms:
                continue  # never graded in the LMS: whatever stands in the SIS is not ours
            equal = wanted == stands or is_rounding_of(wanted, stands)
            untouched = (
                wanted is None
                and not SentGrade.objects.filter(**SentGrade.key_fields(self.course.key(*cell))).exists()
            )
            assert equal or untouched, f"{cell}: {wanted} and {stands}"
        pairs = [(one.line_item_id, one.student_id) for one in self.course.sis.results.values()]
        assert len(pairs) == len(set(pairs)), "a grade was made twice as new"

    def _try_all_anew(self) -> None:
        for row in SentGrade.objects.filter(context=self.course.context):
            row.ledger = planning.Sent.from_json(row.ledger).retried().as_json()
            row.save()

    def _settle_all(self) -> None:
        for cell in self._cells():
            key = self.course.key(*cell)
            with contextlib.suppress(engine.Changed):
                engine.lift(self.course.context, key, self.course.who)
        run = self._preview()
        for problem in run.report["problems"]:
            if problem["code"] == "edited-in-sis":
                key = engine.parse_key(problem["key"])
                self._decide((int(key.student_id[1:]), int(key.line_item_id[1:])), "lms_preferred")


@pytest.mark.django_db
def test_no_history_loses_doubles_or_overwrites_a_grade(settings_of_engine: None) -> None:
    run_state_machine_as_test(
        Course_,
        settings=settings(
            max_examples=200 if FULL else 30,
            stateful_step_count=30 if FULL else 12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def settings_of_engine(settings: Any) -> None:
    settings.HTTP_DEADLINE_S = 0
    settings.LEASE_S = 90
    settings.RETRY_S = 1
