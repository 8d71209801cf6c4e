"""Undo a run: a new run that puts back what was there before it, reviewed and sent like any other (design §1).

Each grade that goes back gets the decision "undone" in the moment its request leaves, so that no later run sends it
again until the LMS grade changes or a person lifts the decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django.db.models import QuerySet

from sync import planning, undoing
from sync.engine import ledger
from sync.engine.errors import EngineError, Who
from sync.engine.reading import Reading
from sync.models import GradeChange, Run
from sync.sis import records as sis

# one that was held back half-way, and then replaced by a newer list, sent a part too
ENDED: Final = ("done", "failed", "cancelled", "replaced")
# rows whose value stands in the SIS, or may
STANDING: Final = ("accepted", "delivered", "unchanged", "unknown", "sending")

Left = Mapping[sis.Key, undoing.Left]


def check(run: Run, who: Who) -> None:
    """Raises EngineError unless she may undo this run and it left anything to undo."""
    who.must_be_able_to_send(run.context)
    if run.state not in ENDED:
        raise EngineError("Only a run that is over can be undone.")
    if not sent_rows(run).exists():
        raise EngineError("This run sent nothing, so there is nothing to undo.")


def sent_rows(run: Run) -> QuerySet[GradeChange]:
    return GradeChange.objects.filter(run=run, state__in=STANDING).exclude(sent_at=None)


def left_by(run: Run) -> Left:
    """What this run found and what it left, by key."""
    since = _sent_since(run)
    return {
        row.key: undoing.Left(
            planning.value_of(row.before), planning.value_of(row.after), sent_since=row.key in since
        )
        for row in sent_rows(run)
    }


def _sent_since(run: Run) -> set[sis.Key]:
    """Grades that a later run sent, also where it was the same value; a later run and its undo make none."""
    later = GradeChange.objects.filter(run__context=run.context_id, run__gt=run.pk, state__in=STANDING)
    later = later.exclude(sent_at=None).exclude(run__undoes=run.pk).order_by("-run_id")
    found, undone = set[sis.Key](), set[tuple[sis.Key, int]]()
    for row in later.select_related("run").defer("run__report"):
        if (row.key, row.run_id) in undone:
            continue
        if row.run.undoes_id is not None and row.run.undoes_id > run.pk:
            undone.add((row.key, row.run.undoes_id))
        else:
            found.add(row.key)
    return found


def left_for(run: Run) -> Left | None:
    """The same of the run that this one undoes; None where it undoes none. Raises EngineError when that one is gone."""
    if run.purpose != "undo":
        return None
    if run.undoes is None:
        raise EngineError("The run that this list would undo is not kept any more. Nothing was sent.")
    return left_by(run.undoes)


def name_rows(run: Run, rows: Iterable[GradeChange]) -> None:
    """Students and items that this read does not name are called as the undone run called them."""
    former = {row.key: row for row in sent_rows(run.undoes)} if run.undoes else {}
    for row in rows:
        known = former.get(row.key)
        if known is not None:
            row.student_name, row.item_title = known.student_name, known.item_title
            row.lms_user_id = row.lms_user_id or known.lms_user_id
            row.lms_line_item_id = row.lms_line_item_id or known.lms_line_item_id


def note(run: Run, reading: Reading, keys: Iterable[sis.Key]) -> None:
    """Within the transaction that notes the intent to send: these grades stay out from now on."""
    for key in keys:
        decision = undoing.decision(
            reading.account.desired.get(key), reading.left[key], reading.account.wanted.get(key)
        )
        if decision is None:
            ledger.lapse([key])
        else:
            ledger.decide(key, decision, run.context, run.asked_name)


def not_sent(run: Run, key: sis.Key) -> None:
    """It did not go back after all."""
    if run.purpose == "undo":
        ledger.lapse([key], "undone")


def settle(run: Run, reading: Reading) -> None:
    """At the end: what somebody changed meanwhile is not undone. What is not shown yet may still come: it stays out."""
    if reading.undo is None:
        return
    changed = {problem.key for problem in reading.undo.problems}
    rows = GradeChange.objects.filter(run=run).exclude(sent_at=None)
    ledger.lapse([row.key for row in rows if row.key in changed], "undone")
