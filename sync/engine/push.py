"""Push: read and plan again, send what was approved and is still the same, record each answer, read back (design §4).

Rows are the truth. A worker that dies leaves `sending` rows behind; whoever takes over waits until their request
must be over, reads, and goes on from what the SIS shows.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from sync import planning
from sync.engine import ledger, pausing, reporting, snapshots, stops, undo
from sync.engine.errors import EngineError
from sync.engine.freshness import Links, links_of, moved
from sync.engine.lease import Lease, LeaseLost, leave_slot
from sync.engine.reading import LmsMisconfigured, Reading, read
from sync.errors import AdapterError, GrantNeeded, Misconfigured, TryLater, Unreachable
from sync.models import GradeChange, LineItemLink, LmsConnection, Run, RunDocument, SisConnection
from sync.sis import records as sis
from sync.sis.base import Sis

log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 3  # of one row within one run; then it stays unknown, and the next run settles it
MAX_PAUSE_S: Final = 3600  # the longest single pause, whatever a SIS asks for


class _Stale(Exception):
    """The read is older than fresh_s, or a person changed a link since: read and plan again before going on."""


class _Cancelled(Exception):
    """A person asked this run to stop."""


def push(run_id: int) -> Run:
    """One worker's go at a run. Returns it as it then stands; another worker's run is returned untouched."""
    lease = Lease.claim(run_id)
    if lease is None:
        return Run.objects.get(pk=run_id)
    try:
        with lease:
            _work(run_id, lease)
    except LeaseLost:
        log.info("run %s was taken over by another worker", run_id)
    return Run.objects.get(pk=run_id)


def push_here(run_id: int, *, patience_s: float = 300, sleep: Callable[[float], None] = time.sleep) -> Run:
    """Push in the foreground: sleeps over pauses and over a dead worker's lease, as long as `patience_s`."""
    until = time.monotonic() + patience_s
    while True:
        run = push(run_id)
        if not run.is_open or time.monotonic() > until:
            return run
        wait_for = max(run.resume_at or timezone.now(), run.lease_until or timezone.now()) - timezone.now()
        sleep(min(max(wait_for.total_seconds() + 0.05, 0.2), 5.0))


def _work(run_id: int, lease: Lease) -> None:
    run = Run.objects.select_related("context", "asked_by", "schedule").get(pk=run_id)
    try:
        _wait_for_requests_in_flight(run, lease)
        lease.set(state="pushing", started_at=run.started_at or timezone.now(), resume_at=None, message="")
        _rounds(run, lease)
    except (TryLater, Unreachable, pausing.Held) as error:
        _rest(run, lease, error)
    except GrantNeeded as error:
        _wait_for_grant(run, lease, error)
    except _Cancelled:
        _end(run, lease, "cancelled", "Stopped by a person.")
    except Misconfigured as error:
        _flag(run, error)
        _end(run, lease, "failed", f"{error} ({error.code})")
    except EngineError as error:
        _end(run, lease, "failed", error.text)
    except (LeaseLost, KeyboardInterrupt, SystemExit):
        raise
    except Exception:
        # a bug: the rows keep their last state; the run says so; the trace goes to the log with the run's id only
        log.exception("run %s failed", run_id)
        _end(
            run,
            lease,
            "failed",
            f"An unexpected error stopped this run. Tell your administrator: run {run_id}.",
        )


def _wait_for_grant(run: Run, lease: Lease, error: GrantNeeded) -> None:
    """Her run goes on once she has connected again. A schedule's has nobody before it: it ends, and the schedule stops."""
    if run.schedule is None or error.code == "grant_refused":
        _rest(run, lease, error)
        return
    _end(run, lease, "failed", str(error))
    stops.without_grant(run)


def _rest(run: Run, lease: Lease, error: AdapterError | pausing.Held) -> None:
    """Pause as the other side asks, or an administrator; an approval older than a day is not sent any more without a new look."""
    if run.approved_at and timezone.now() - run.approved_at > timedelta(days=1):
        _end(run, lease, "failed", f"{error} It was so for a day, so this run ends. Look again, then send.")
        return
    asked = error.after if isinstance(error, TryLater) else None
    pause = min(settings.RETRY_S if asked is None else max(asked, 1), MAX_PAUSE_S)
    _pause(lease, timezone.now() + timedelta(seconds=pause), str(error))


def _wait_for_requests_in_flight(run: Run, lease: Lease) -> None:
    """A dead worker's last request may still arrive: wait its deadline out, then call its rows unknown."""
    rows = GradeChange.objects.filter(run=run, state="sending")
    latest: datetime | None = rows.aggregate(latest=Max("sent_at"))["latest"]
    if latest is None:
        return
    over_at = latest + timedelta(seconds=settings.HTTP_DEADLINE_S)
    while (left := (over_at - timezone.now()).total_seconds()) > 0:
        lease.renew()
        time.sleep(min(left, 1.0))
    lease.renew()
    rows.filter(run__lease_token=lease.token).update(state="unknown")


@dataclass
class _Round:
    """What one read says of the run's rows."""

    send: list[tuple[GradeChange, sis.Change]] = field(default_factory=list)
    wait_until: datetime | None = None
    links: Links = field(default_factory=dict)


def _rounds(run: Run, lease: Lease) -> None:
    while True:
        _check_cancelled(run)
        pausing.check_all(run)
        lease.renew()
        links = links_of(run.context, GradeChange.objects.filter(run=run, state__in=("approved", "unknown")))
        reading = read(run.context, run.asked_by, left=undo.left_for(run))
        try:
            current = _sort_rows(run, reading, lease)
            current.links = links
            if current.send and reading.stops and not _stops_were_seen(run, reading):
                _back_to_review(run, reading, lease)
                return
            if not current.send:
                _finish(run, reading, lease, current.wait_until)
                return
            _send_round(run, reading, lease, current)
        finally:
            reading.close()


def _sort_rows(run: Run, reading: Reading, lease: Lease) -> _Round:
    """Settle what this read settles, and find the approved rows that are still the same."""
    planned = {change.key: change for change in reading.to_send.changes}
    current = _Round()
    for row in GradeChange.objects.filter(run=run, state__in=("approved", "unknown")).order_by(
        "connection_id", "class_id", "line_item_id", "student_id"
    ):
        change = planned.get(row.key)
        if row.key in reading.waiting:
            until = reading.waiting[row.key]
            current.wait_until = max(current.wait_until or until, until)
        elif change is not None and planning.digest(change) == row.digest:
            if row.attempts < MAX_ATTEMPTS and not _may_stand_unseen(row, reading):
                current.send.append((row, change))
        else:
            _settle(row, reading, lease)
    return current


def _may_stand_unseen(row: GradeChange, reading: Reading) -> bool:
    """A lost write at a SIS that can neither be read nor be written twice safely: a person decides (design §4)."""
    profile = reading.sides[row.key.connection].profile
    return row.state == "unknown" and not profile.read_back and not profile.idempotent


def _settle(row: GradeChange, reading: Reading, lease: Lease) -> None:
    """A row that is not to be sent (again): it stands there, or it changed since she looked."""
    shown = row.key in reading.to_send.unchanged
    if row.state == "unknown" and shown:
        state = "accepted"
    elif shown:
        state = "unchanged"
    else:
        state = "changed" if row.state == "approved" else "unknown"
    if state != row.state:
        _row_update(lease, [row.pk], state=state, answered_at=timezone.now())


def _row_update(lease: Lease, ids: Sequence[int], **fields: object) -> int:
    """Update rows only while the run's lease is ours. Raises LeaseLost otherwise."""
    changed = GradeChange.objects.filter(pk__in=ids, run__lease_token=lease.token).update(**fields)
    if ids and not changed:
        lease.renew()  # raises when the lease is the reason
    return changed


def _stops_were_seen(run: Run, reading: Reading) -> bool:
    """Overridden means: these very warnings stood on the page. New ones ask again."""
    seen = {stop["code"] for stop in run.report.get("stops", [])}
    return run.stops_overridden and {stop.code for stop in reading.stops} <= seen


def _back_to_review(run: Run, reading: Reading, lease: Lease) -> None:
    with transaction.atomic():
        GradeChange.objects.filter(run=run, state="approved").update(state="planned", approved_at=None)
        reporting.write(run, reading, before=True)
        lease.set(state="review", message="Held back: look at the warnings, then send again.")
        leave_slot(run)


def _send_round(run: Run, reading: Reading, lease: Lease, current: _Round) -> None:
    """Send this round's rows, one connection after the other. A stale read or a short pause ends the round early.

    What waits for an administrator comes last, so that it keeps nothing else waiting.
    """
    rows = {change.key: row for row, change in current.send}
    pauses = pausing.pauses_of(run.context)
    for name, side in sorted(reading.sides.items(), key=lambda one: pauses.of(one[0]) is not None):
        changes = [change for _, change in current.send if change.key.connection == name]
        if not changes:
            continue
        try:
            side.adapter.people = {who.sourced_id: who for one in side.classes for who in one.students}
            side.adapter.sender = run.asked_by.sis_id.strip() if run.asked_by else ""
            _send(run, reading, lease, side.adapter, changes, rows, current.links)
        except _Stale:
            return


def _send(
    run: Run,
    reading: Reading,
    lease: Lease,
    adapter: Sis,
    changes: list[sis.Change],
    rows: dict[sis.Key, GradeChange],
    links: Links,
) -> None:
    gives_ids = not adapter.profile.idempotent

    def starting(batch: Sequence[sis.Change]) -> Sequence[sis.Change]:
        _check_cancelled(run)
        pausing.check(run.context, adapter.settings.name)
        mine = [rows[change.key] for change in batch]
        if timezone.now() > reading.stale_at or moved(links, run.context, mine):
            raise _Stale
        lease.renew()
        _note_intent(run, lease, batch, mine, gives_ids, reading)
        return batch

    try:
        for change, outcome in adapter.push(changes, starting):
            _keep_documents(run, adapter)
            _record(run, lease, rows[change.key], change, outcome, blind=not adapter.profile.read_back)
    except (TryLater, Misconfigured):
        # by the seam's contract nothing of what has no answer was stored: those rows are simply not sent yet
        _take_back(run, lease, [(row, change) for change in changes if (row := rows[change.key])])
        raise


def _keep_documents(run: Run, adapter: Sis) -> None:
    """Before a grade is noted as delivered the file that delivers it must be there."""
    made, adapter.documents = adapter.documents, []
    RunDocument.objects.bulk_create(
        RunDocument(
            run=run,
            class_id=one.class_id[:300],
            line_item_id=one.line_item_id[:300],
            name=one.name[:200],
            media_type=one.media_type,
            content=one.content,
        )
        for one in made
    )


def _take_back(run: Run, lease: Lease, sent: Sequence[tuple[GradeChange, sis.Change]]) -> None:
    states = dict(GradeChange.objects.filter(run=run, state="sending").values_list("pk", "attempts"))
    with transaction.atomic():
        for row, change in sent:
            if row.pk in states:
                row.attempts = max(0, states[row.pk] - 1)
                _row_update(lease, [row.pk], state="approved", sent_at=None, attempts=row.attempts)
                ledger.update(change.key, run.context, _without(change.after), lost_at=None)
                undo.not_sent(run, change.key)


def _without(value: sis.Value | None) -> Callable[[planning.Sent], planning.Sent]:
    return lambda sent: sent.refused(value)


def _with(value: sis.Value | None) -> Callable[[planning.Sent], planning.Sent]:
    return lambda sent: sent.sending(value)


def _note_intent(
    run: Run,
    lease: Lease,
    batch: Sequence[sis.Change],
    rows: Sequence[GradeChange],
    gives_ids: bool,
    reading: Reading,
) -> None:
    """Intent first: the rows say `sending`, and the ledger expects the value, before the request leaves."""
    now = timezone.now()
    with transaction.atomic():
        for change in batch:
            lost = now if gives_ids and not change.result_id else None
            ledger.update(
                change.key,
                run.context,
                _with(change.after),
                sent_at=now,
                lost_at=lost,
                score_date=change.score_date,
            )
        if reading.undo is not None:
            undo.note(run, reading, [change.key for change in batch])
        for row in rows:
            row.attempts += 1
            _row_update(
                lease, [row.pk], state="sending", sent_at=now, attempts=row.attempts, answered_at=None
            )


def _record(
    run: Run, lease: Lease, row: GradeChange, change: sis.Change, outcome: sis.Outcome, *, blind: bool
) -> None:
    """One answer, into the row and the ledger at once."""
    with transaction.atomic():
        _row_update(
            lease,
            [row.pk],
            state=outcome.state,
            code=outcome.code,
            words=_words(outcome),
            http_status=outcome.http_status,
            answered_at=None if outcome.state == "unknown" else timezone.now(),
        )
        _to_ledger(run, change, outcome, blind)


def _words(outcome: sis.Outcome) -> str:
    if outcome.code == "conflict_newer" and outcome.found is not None:
        return f"The SIS holds {outcome.found.words()}, entered there meanwhile."[:500]
    return outcome.words[:500]


def _to_ledger(run: Run, change: sis.Change, outcome: sis.Outcome, blind: bool) -> None:
    if outcome.state == "unknown":
        return
    if outcome.state == "rejected":
        ledger.update(change.key, run.context, _without(change.after), lost_at=None)
        undo.not_sent(run, change.key)
        # what a person entered meanwhile is asked about by the next plan; a refused undo leaves the LMS's grade wanted
        if outcome.code != "conflict_newer" and run.purpose != "undo":
            decision = planning.Decision("refused", change.after, change.before, outcome.code, outcome.words)
            ledger.decide(change.key, decision, run.context, "the SIS")
        return
    known = {"result_id": outcome.result_id} if outcome.result_id else {}
    ledger.update(
        change.key,
        run.context,
        # a SIS that cannot be read will never show it: what it took last is all that can be known
        lambda sent: sent.taken(change.after) if blind else sent.accepted(change.after),
        scheme_version=change.scheme_version,
        lost_at=None,
        **known,
    )


def _finish(run: Run, reading: Reading, lease: Lease, wait_until: datetime | None) -> None:
    """Nothing left to send: this very read is the reconciliation. Rows that wait make the run rest first."""
    if wait_until is not None:
        _pause(lease, wait_until, "Some grades are not confirmed yet; this is settled by the next read.")
        return
    lease.set(state="reconciling")
    with transaction.atomic():
        lease.renew()
        undo.settle(run, reading)
        reporting.write(run, reading, before=False)
        if reading.undo is None:
            _remember_items(run, reading)
        snapshots.save(reading)
        _unflag(reading)
        lease.set(state="done", finished_at=timezone.now(), resume_at=None, message="")
        leave_slot(run)


def _remember_items(run: Run, reading: Reading) -> None:
    """Maximum and scheme as they were at this send: a later change of them stops the next one."""
    items = {item.line_item_id: item for item in reading.gradebook.line_items}
    versions = {
        (key.connection, key.line_item_id): wanted.scheme_version
        for key, wanted in reading.account.wanted.items()
    }
    sent = set(
        GradeChange.objects.filter(run=run).exclude(sent_at=None).values_list("lms_line_item_id", flat=True)
    )
    for link in LineItemLink.objects.filter(class_link__context=run.context, lms_line_item_id__in=sent):
        item = items.get(link.lms_line_item_id)
        if item is None:
            continue
        link.lms_maximum = "" if item.maximum is None else sis.plain(item.maximum)
        link.scheme_version = versions.get((str(link.connection_id), link.line_item_id or ""), "")
        link.save(update_fields=["lms_maximum", "scheme_version"])


def _check_cancelled(run: Run) -> None:
    if Run.objects.filter(pk=run.pk, cancel_asked=True).exists():
        raise _Cancelled


def _pause(lease: Lease, resume_at: datetime, why: str) -> None:
    lease.set(state="paused", resume_at=resume_at, message=why[:500])


def _end(run: Run, lease: Lease, state: str, message: str) -> None:
    with transaction.atomic():
        lease.set(state=state, finished_at=timezone.now(), message=message[:500])
        leave_slot(run)


def _flag(run: Run, error: Misconfigured) -> None:
    """The connections of this course show what went wrong until a run works again."""
    if isinstance(error, LmsMisconfigured):
        rows = LmsConnection.objects.filter(registration=run.context.registration, active=True)
        rows.update(trouble=str(error)[:500])
    else:
        SisConnection.objects.filter(class_links__context=run.context).update(trouble=str(error)[:500])


def _unflag(reading: Reading) -> None:
    working = [side.connection.pk for side in reading.sides.values()]
    SisConnection.objects.filter(pk__in=working).exclude(trouble="").update(trouble="")
    readers = LmsConnection.objects.filter(registration=reading.context.registration, active=True)
    readers.exclude(trouble="").update(trouble="")
