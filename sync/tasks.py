"""Celery: a doorbell. A task carries a run's id and calls the engine; the rows decide what happens (design §4)."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from sync import engine
from sync.models import Run

log = logging.getLogger(__name__)


@shared_task(name="sync.tasks.push_run")
def push_run(run_id: int) -> None:
    """One go at a run. A pause is simply found again by `ring_due_runs` when it is over."""
    engine.push(run_id)


@shared_task(name="sync.tasks.ring_due_runs")
def ring_due_runs() -> None:
    """Find runs that nobody works on: approved ones whose message was lost, rested ones, a dead worker's."""
    for run_id in Run.objects.due(timezone.now()).order_by("id").values_list("pk", flat=True):
        ring(run_id)


def ring(run_id: int) -> None:
    """Ask a worker to go at a run. A broker that is away costs time, not grades: the run is found by its state."""
    try:
        push_run.delay(run_id)
    except (OperationalError, OSError):
        log.warning("the broker is away; run %s waits to be found by its state", run_id)
