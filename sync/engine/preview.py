"""Preview, approval and the teacher's decisions: step 5 of the flow."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from lti_tool.models import Context
from sync import cutoffs, planning, scales
from sync.engine import ledger, picks, reporting, snapshots, undo
from sync.engine.errors import Changed, CourseBusy, EngineError, Who
from sync.engine.lease import stop_reading
from sync.engine.names import Names
from sync.engine.picks import UNANSWERED
from sync.engine.reading import Reading, read
from sync.lms import records as lms
from sync.models import ContextState, GradeChange, GradeScheme, Mail, Run
from sync.sis import records as sis

_UNANSWERED: Final = (
    "It was sent before and not answered. The SIS may hold it already: look there before sending it again."
)


def look(context: Context, who: Who | None = None) -> dict[str, object]:
    """Read both sides and keep what the pages show. Works before any class is linked. Returns the snapshot."""
    reading = read(context, who.user if who else None, need_class=False)
    try:
        return snapshots.save(reading)
    finally:
        reading.close()


def preview(context: Context, who: Who, *, unattended: bool = False) -> Run:
    """What a push would do, as rows to review. Replaces a preview that nobody approved. Writes nothing to the SIS."""
    who.must_be_able_to_send(context) if not unattended else None
    return _listed(Run(context=context, unattended=unattended), who)


def undo_run(run: Run, who: Who) -> Run:
    """A list to review that puts back what stood in the SIS before `run`. Raises EngineError where nothing can be undone."""
    undo.check(run, who)
    return _listed(Run(context=run.context, purpose="undo", undoes=run), who)


def _listed(run: Run, who: Who) -> Run:
    reading = read(run.context, who.user, left=undo.left_for(run))
    try:
        with transaction.atomic():
            run.asked_by, run.asked_name = who.user, who.name
            run.save()
            write_list(run, reading)
        snapshots.save(reading)
    finally:
        reading.close()
    return run


def write_list(run: Run, reading: Reading) -> None:
    """The run becomes the course's list to review; one that nobody approved is replaced by it."""
    Run.objects.filter(context_id=run.context_id, state="review").exclude(pk=run.pk).update(
        state="replaced", finished_at=timezone.now()
    )
    write_rows(run, reading)
    keep_schemes(reading)
    reporting.write(run, reading, before=True)


def write_rows(run: Run, reading: Reading) -> None:
    """One planned row per change of the plan; the run's digest names them all (withdrawals apart)."""
    names = Names.of(reading)
    rows = [row_of(run, reading, names, change) for change in reading.to_send.changes]
    if reading.undo is not None:
        undo.name_rows(run, rows)
    picks.carry_over(run, rows)
    GradeChange.objects.bulk_create(rows, batch_size=500)
    run.digest = planning.digest_of_all([row.digest for row in rows if not row.withdraws])
    run.save(update_fields=["digest"])


def row_of(run: Run, reading: Reading, names: Names, change: sis.Change) -> GradeChange:
    user_id, item_id = reading.account.owner.get(change.key, ("", ""))
    unanswered = change.key in reading.unanswered
    return GradeChange(
        run=run,
        **GradeChange.key_fields(change.key),
        lms_user_id=user_id,
        lms_line_item_id=item_id,
        student_name=names.student(change.key)[:300],
        item_title=names.item(change.key)[:500],
        before=planning.value_json(change.before),
        after=planning.value_json(change.after),
        withdraws=change.after is None,
        why=change.why[:500],
        scheme_version=change.scheme_version,
        digest=planning.digest(change),
        code=UNANSWERED if unanswered else "",
        words=_UNANSWERED if unanswered else "",
    )


def keep_schemes(reading: Reading) -> None:
    """Each scheme version that grades were made by stays readable."""
    for scheme in reading.gradebook.schemes.values():
        GradeScheme.objects.get_or_create(
            context=reading.context,
            scheme_id=scheme.scheme_id[:300],
            version=scales.scheme_version(scheme),
            defaults={
                "title": scheme.title[:300],
                "source": scheme.source[:300],
                "entries": [_kept_entry(entry) for entry in scheme.entries],
                "rules": cutoffs.rules_of(scheme),
            },
        )


def _kept_entry(entry: lms.SchemeEntry) -> list[str]:
    bounds = [entry.lower] if entry.upper is None else [entry.lower, entry.upper]
    return [entry.name, *(cutoffs.digits(one) for one in bounds)]


def approve(
    run: Run, who: Who, digests: Collection[str], *, override_stops: bool = False, unattended: bool = False
) -> int:
    """Approve exactly these rows and take the course's slot. The caller then rings `sync.tasks.ring`.

    `unattended`: no person looked, so no grade is withdrawn and none is repeated that may stand there unseen.

    Raises Changed when this list was replaced, CourseBusy when another run is sending, EngineError when a safety
    stop was not overridden or none of the digests is on the list. Returns how many rows were approved.
    """
    who.must_be_able_to_send(run.context)
    with transaction.atomic():
        locked = Run.objects.select_for_update().get(pk=run.pk)
        if locked.state != "review":
            raise Changed("This list was replaced by a newer one, or sent already. Look at the newest list.")
        if locked.report.get("stops") and not override_stops:
            raise EngineError("This list needs a second look first: see the warnings above it.")
        rows = GradeChange.objects.filter(run=locked, state="planned")
        if unattended:
            rows = rows.exclude(withdraws=True).exclude(code=UNANSWERED)
        approved = _approve_rows(rows, list(digests))
        if not approved:
            raise EngineError("No row was picked, so nothing is sent.")
        _take_slot(locked)
        locked.state, locked.approved_at, locked.stops_overridden = "approved", timezone.now(), override_stops
        locked.asked_by, locked.asked_name = who.user, who.name
        # whoever approves makes it attended, and a wish to stop an earlier go at it is over
        locked.unattended, locked.cancel_asked = unattended, False
        # that it waited may have been told: how it ends is told of anew
        locked.mailed = False
        Mail.objects.filter(run=locked).delete()
        locked.save()
    run.refresh_from_db()
    return approved


def _approve_rows(rows: QuerySet[GradeChange], digests: list[str]) -> int:
    """In portions: a database takes only so many values in one statement."""
    now = timezone.now()
    return sum(
        rows.filter(digest__in=digests[first : first + 500]).update(state="approved", approved_at=now)
        for first in range(0, len(digests), 500)
    )


def _take_slot(run: Run) -> None:
    """Under the row's lock: a condition that looks at another table would be judged by what stood before the wait."""
    ContextState.objects.get_or_create(context=run.context)
    state = ContextState.objects.select_for_update().get(context=run.context)
    if state.slot is not None and state.slot.is_open:
        raise CourseBusy(
            f"Grades of this course are being sent just now ({state.slot.asked_name}). Wait until that is done."
        )
    state.slot = run
    state.save(update_fields=["slot"])


def cancel(run: Run, who: Who) -> None:
    """Ask a run to stop: what is in flight is still recorded, the rest is not sent. A read ends at once."""
    who.must_be_able_to_send(run.context)
    stop_reading(run)
    Run.objects.filter(pk=run.pk, state__in=Run.OPEN).update(cancel_asked=True, stopped_by=who.name[:300])
    # nobody works on it: it ends here
    idle = Q(lease_until=None) | Q(lease_until__lt=timezone.now() - timedelta(seconds=1))
    Run.objects.filter(idle, pk=run.pk, state__in=("approved", "paused")).update(
        state="cancelled", finished_at=timezone.now(), message="Stopped by a person."
    )
    run.refresh_from_db()


def retry(run: Run, who: Who) -> Run:
    """What the SIS refused or never showed, in this run or before it as its report tells, is tried anew: a new preview."""
    free(run, who)
    return preview(run.context, who)


def free(run: Run, who: Who) -> None:
    """The first half of `retry`: the next list shows again what was refused or never shown."""
    who.must_be_able_to_send(run.context)
    ledger.lapse(sorted(_keys(run, {"rejected"}, "refused")), "refused")
    for key in sorted(_keys(run, {"accepted", "unknown"}, "accepted, not shown")):
        with transaction.atomic():
            ledger.update(key, run.context, lambda sent: sent.retried())


def _keys(run: Run, states: Collection[str], cause: str) -> set[sis.Key]:
    """The run's rows in these states, and what its report lists under this cause."""
    told = [one for one in run.report.get("differences", []) if one["cause"] == cause]
    rows = GradeChange.objects.filter(run=run, state__in=states)
    return {row.key for row in rows} | {parse_key(one["key"]) for one in told}


def decide(context: Context, key: sis.Key, kind: str, who: Who) -> None:
    """Her word on one grade that differs, for the pair of values that she saw (the newest report's)."""
    who.must_be_able_to_send(context)
    if kind not in {"sis_kept", "lms_preferred", "withdrawal_declined"}:
        raise EngineError("There is no such decision.")
    pair = reporting.seen_pair(context, key)
    if pair is None:
        raise Changed("This grade changed since you looked. Look again, then decide.")
    decision = planning.Decision(kind, lms=pair[0], sis=pair[1])  # type: ignore[arg-type]  # checked above
    ledger.decide(key, decision, context, who.name)
    if kind == "lms_preferred":  # she asks for it anew, also where the SIS never showed it
        with transaction.atomic():
            ledger.update(key, context, lambda sent: sent.retried())


def lift(context: Context, key: sis.Key, who: Who) -> None:
    """Take back the open decision on one grade of this course."""
    who.must_be_able_to_send(context)
    if not reporting.belongs(context, key):
        raise Changed("This grade is not one of this course.")
    ledger.lapse([key])


def parse_key(text: str) -> sis.Key:
    """The inverse of `Key.text()`. Raises EngineError when it is not one."""
    if text.count("/") != 3 or not re.match("[0-9]{1,18}/", text):
        raise EngineError("This is not the key of a grade.")
    return sis.Key.parse(text)
