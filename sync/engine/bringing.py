"""A person brings back what the SIS said of a file: its lines become the outcomes of that file's grades.

What the report leaves out stays delivered. A grade that was sent again since is left alone: the report is older.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from sync import planning, reported
from sync.engine import ledger, reporting, undo
from sync.engine.adapters import make_sis
from sync.engine.errors import EngineError, Who
from sync.models import AuditEntry, GradeChange, Run, RunDocument
from sync.sis import records as sis
from sync.sis.base import UnreadableReport

# states that such a report may settle; brought again, it may correct what it said
OPEN = ("delivered", "accepted", "rejected")


@dataclass(frozen=True, slots=True)
class Brought:
    """How many grades the report says are accepted and refused; lines of nobody in the file; grades sent again since."""

    accepted: int
    refused: int
    strangers: int
    older: int


def bring_report(document: RunDocument, content: bytes, who: Who) -> Brought:
    """Raises EngineError for a file that is no report, a run that is not over, or somebody who may not send."""
    who.must_be_able_to_send(document.run.context)
    rows = _rows(document)
    if document.run.is_open:
        raise EngineError("Grades of this run are still being sent. Bring the report when that is done.")
    if not rows:
        raise EngineError("This run has no grades of that file any more.")
    lines = _read(rows[0], content)
    if not lines:
        raise EngineError("This report says nothing of any student, so nothing was changed.")
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=document.run_id)
        return _take(run, _rows(document), lines, who)


def _rows(document: RunDocument) -> list[GradeChange]:
    of_file = {"class_id": document.class_id, "line_item_id": document.line_item_id}
    found = GradeChange.objects.filter(run=document.run_id, state__in=OPEN, **of_file)
    return list(found.exclude(sent_at=None).select_related("connection"))


def _read(row: GradeChange, content: bytes) -> list[sis.Reported]:
    adapter = make_sis(row.connection)
    try:
        return adapter.read_report(content)
    except UnreadableReport as error:
        raise EngineError(str(error)) from None
    finally:
        adapter.close()


def _take(run: Run, rows: Sequence[GradeChange], lines: Sequence[sis.Reported], who: Who) -> Brought:
    found = _by_student(rows)
    again = _sent_since(run, rows[0]) if rows else set()
    told: list[reported.Told] = []
    strangers = older = 0
    for line in lines:
        row = found.get(line.student_id) or found.get(line.student_id.lstrip("0"))
        if row is None:
            strangers += 1
        elif row.key in again:
            older += 1
        else:
            told.append(_settle(run, row, line.outcome))
    run.report = reported.account(run.report, told)
    run.discrepancies = run.report["counts"].get("discrepancies", 0)
    run.save(update_fields=["report", "discrepancies"])
    refused = sum(1 for one in told if one.state == "rejected")
    _note(run, who, len(told) - refused, refused)
    return Brought(len(told) - refused, refused, strangers, older)


def _sent_since(run: Run, of_file: GradeChange) -> set[sis.Key]:
    """Whatever a later run sent of this column, an undo of this one too: what stands there is not this run's."""
    later = GradeChange.objects.filter(
        connection=of_file.connection, class_id=of_file.class_id, line_item_id=of_file.line_item_id
    )
    return {row.key for row in later.filter(run__gt=run.pk).exclude(sent_at=None)}


def _by_student(rows: Sequence[GradeChange]) -> Mapping[str, GradeChange]:
    """By id, and by the id as a spreadsheet leaves it (without leading zeros) where that is one student's only."""
    bare: dict[str, list[GradeChange]] = {}
    for row in rows:
        bare.setdefault(row.student_id.lstrip("0"), []).append(row)
    alone = {short: several[0] for short, several in bare.items() if len(several) == 1}
    return alone | {row.student_id: row for row in rows}


def _settle(run: Run, row: GradeChange, outcome: sis.Outcome) -> reported.Told:
    former, accepted = row.state, outcome.state == "accepted"
    row.state, row.code, row.words = outcome.state, outcome.code, outcome.words[:500]
    row.answered_at = timezone.now()
    row.save(update_fields=["state", "code", "words", "answered_at"])
    _to_ledger(run, row, outcome)
    return reported.Told(
        row.key.text(),
        former,
        "accepted" if accepted else "rejected",
        created=row.before is None,
        withdraws=row.withdraws,
        difference=reporting.difference_of(row, "refused", row.words),
    )


def _to_ledger(run: Run, row: GradeChange, outcome: sis.Outcome) -> None:
    before, after = planning.value_of(row.before), planning.value_of(row.after)
    if outcome.state == "accepted":
        ledger.lapse([row.key], "refused")
        ledger.update(row.key, run.context, lambda sent: sent.taken(after))
        return
    ledger.update(row.key, run.context, lambda sent: sent.not_taken(before))
    undo.not_sent(run, row.key)
    if run.purpose != "undo":
        decision = planning.Decision("refused", after, before, outcome.code, outcome.words)
        ledger.decide(row.key, decision, run.context, "the SIS")


def _note(run: Run, who: Who, accepted: int, refused: int) -> None:
    AuditEntry.objects.create(
        institution=run.context.institution,
        who=who.name[:300],
        action="reported",
        about=str(run.context)[:500],
        detail=f"run {run.pk}: {accepted} / {refused}",
        context=run.context,
    )
