"""SentGrade and Decision rows as the values that `planning` speaks of."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from lti_tool.models import Context
from sync import planning
from sync.models import Decision, SentGrade
from sync.sis.records import Key, Value

# the namespace of every sourced_id that we derive; it must never change
NAMESPACE: Final = uuid.UUID("6f0b7f4e-52b5-5e3c-9d0b-8f5f2a1c7d41")


def derived_id(kind: str, *parts: str) -> str:
    """A stable UUID5 of what the record is: the same grade is the same record, however often it is written."""
    return str(uuid.uuid5(NAMESPACE, "\n".join((kind, *parts))))


def rows_of(context: Context, classes: Iterable[tuple[int, str]]) -> dict[Key, SentGrade]:
    """The ledger of this course: its own rows, and all of its linked classes (a link may have moved here)."""
    wanted = Q(context=context)
    for connection_id, class_id in classes:
        wanted |= Q(connection_id=connection_id, class_id=class_id)
    return {row.key: row for row in SentGrade.objects.filter(wanted)}


def sent_of(row: SentGrade) -> planning.Sent:
    return planning.Sent.from_json(row.ledger)


def observe_all(
    rows: Mapping[Key, SentGrade],
    shown: Collection[Key],
    existing: Mapping[Key, Value | None],
    desired: Mapping[Key, planning.Desired],
    result_ids: Mapping[Key, str],
    context: Context,
) -> dict[Key, planning.Sent]:
    """Let this read confirm what it can, and write it so. `rows` were loaded before the read began.

    A row that was written meanwhile (its version moved on) is not settled by this read: what it shows may be older
    than the send. Nor is one that this read does not show (`shown`: its class was not read, or it stands there twice):
    nothing seen is not nothing there. Grades that agree on both sides without ever being sent are taken into the ledger.
    """
    observed: dict[Key, planning.Sent] = {}
    with transaction.atomic():
        for key, row in rows.items():
            before = sent_of(row)
            if key not in shown:
                observed[key] = before
                continue
            after = planning.observe(before, existing.get(key), desired.get(key))
            observed[key] = after if _save_observed(row, before, after, result_ids.get(key, "")) else before
        _adopt(rows, existing, desired, result_ids, context, observed)
    return observed


def _save_observed(row: SentGrade, before: planning.Sent, after: planning.Sent, result_id: str) -> bool:
    found_id = result_id or row.result_id
    if after == before and found_id == row.result_id:
        return True
    settled = {"lost_at": None} if after != before else {}
    changed = SentGrade.objects.filter(pk=row.pk, version=row.version).update(
        ledger=after.as_json(), result_id=found_id, version=F("version") + 1, **settled
    )
    if changed:
        row.ledger, row.result_id, row.version = after.as_json(), found_id, row.version + 1
        row.lost_at = None if settled else row.lost_at
    return bool(changed)


def _adopt(
    rows: Mapping[Key, SentGrade],
    existing: Mapping[Key, Value | None],
    desired: Mapping[Key, planning.Desired],
    result_ids: Mapping[Key, str],
    context: Context,
    observed: dict[Key, planning.Sent],
) -> None:
    made = []
    for key, wanted in desired.items():
        if key in rows or not isinstance(wanted, Value) or existing.get(key) != wanted:
            continue
        observed[key] = planning.observe(planning.Sent(), wanted, wanted)
        made.append(
            SentGrade(
                **SentGrade.key_fields(key),
                context=context,
                result_id=result_ids.get(key, ""),
                ledger=observed[key].as_json(),
            )
        )
    SentGrade.objects.bulk_create(made, ignore_conflicts=True, batch_size=500)


def waiting_keys(
    rows: Mapping[Key, SentGrade], began: datetime, settle_s: Mapping[str, int]
) -> dict[Key, datetime]:
    """Keys whose lost create cannot yet be told from "not stored" (design §4), with the moment from which it can."""
    return {
        key: row.lost_at + timedelta(seconds=settle_s.get(key.connection, 60))
        for key, row in rows.items()
        if row.lost_at is not None
        and began < row.lost_at + timedelta(seconds=settle_s.get(key.connection, 60))
    }


def update(
    key: Key, context: Context, change: Callable[[planning.Sent], planning.Sent], **fields: object
) -> None:
    """Rewrite one ledger row under its own lock; creates it when this grade was never touched before."""
    row, _ = SentGrade.objects.select_for_update().get_or_create(
        **SentGrade.key_fields(key), defaults={"context": context, "ledger": planning.Sent().as_json()}
    )
    row.ledger = change(sent_of(row)).as_json()
    row.context = context
    row.version += 1
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()


# --- decisions ------------------------------------------------------------------------------------------------


def decisions_of(keys: Iterable[Key]) -> dict[Key, planning.Decision]:
    """The open decisions on these grades."""
    wanted_keys = set(keys)
    wanted = Q(pk__in=())
    for connection_id, class_id in {(int(key.connection), key.class_id) for key in wanted_keys}:
        wanted |= Q(connection_id=connection_id, class_id=class_id)
    rows = Decision.objects.filter(wanted, lapsed_at__isnull=True)
    return {row.key: _decision(row) for row in rows if row.key in wanted_keys}


def _decision(row: Decision) -> planning.Decision:
    return planning.Decision(
        kind=row.kind,  # type: ignore[arg-type]  # the model's choices are the same words
        lms=planning.value_of(row.lms_value),
        sis=planning.value_of(row.sis_value),
        code=row.code,
        words=row.words,
    )


@transaction.atomic
def decide(key: Key, decision: planning.Decision, context: Context, by: str) -> None:
    """Write one decision; an open one on the same grade lapses."""
    lapse([key])
    Decision.objects.create(
        **Decision.key_fields(key),
        context=context,
        kind=decision.kind,
        lms_value=planning.value_json(decision.lms),
        sis_value=planning.value_json(decision.sis),
        code=decision.code,
        words=decision.words[: planning.MOST_WORDS],
        decided_by=by[:300],
    )


def lapse(keys: Sequence[Key], kind: str = "") -> int:
    """End the open decisions on these keys (of one kind, where named)."""
    ended = 0
    for key in keys:
        rows = Decision.objects.filter(**Decision.key_fields(key), lapsed_at__isnull=True)
        ended += (rows.filter(kind=kind) if kind else rows).update(lapsed_at=timezone.now())
    return ended
