"""Reconcile without a push: read both sides once more, and say what differs (step 8 of the flow)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from lti_tool.models import Context
from sync.engine import reporting, snapshots
from sync.engine.errors import Who
from sync.engine.reading import read
from sync.models import Run


def reconcile(context: Context, who: Who) -> Run:
    """A run in state `done` that sent nothing: its report is the reconciliation. Raises what a read raises."""
    reading = read(context)
    try:
        with transaction.atomic():
            now = timezone.now()
            run = Run.objects.create(
                context=context, state="done", asked_by=who.user, asked_name=who.name, started_at=reading.began,
                finished_at=now, message="Compared only; nothing was sent.",
            )  # fmt: skip
            reporting.write(run, reading, before=False)
        snapshots.save(reading)
    finally:
        reading.close()
    return run
