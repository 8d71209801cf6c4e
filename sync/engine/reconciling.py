"""Reconcile without a push: read both sides once more, and say what differs (step 8 of the flow)."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from lti_tool.models import Context
from sync.engine import reporting, snapshots
from sync.engine.errors import Who
from sync.engine.reading import Reading, read
from sync.models import Run


def reconcile(context: Context, who: Who) -> Run:
    """A run in state `done` that sent nothing: its report is the reconciliation. Raises what a read raises."""
    reading = read(context, who.user)
    try:
        with transaction.atomic():
            run = Run.objects.create(context=context, asked_by=who.user, asked_name=who.name, **done(reading))
            reporting.write(run, reading, before=False)
        snapshots.save(reading)
    finally:
        reading.close()
    return run


def done(reading: Reading) -> dict[str, Any]:
    """How a run stands that only compared."""
    return {
        "purpose": "compare",
        "state": "done",
        "started_at": reading.began,
        "finished_at": timezone.now(),
        "message": "Compared only; nothing was sent.",
    }
