"""Celery: a doorbell. A task carries a run's id and calls the engine; the rows decide what happens (design §4)."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from celery import shared_task
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from sync import engine, mails
from sync.engine import connecting, kept, schedules, unattended
from sync.models import Look, Run

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
    for asked in waiting_reads():
        ring_reading(asked)


@shared_task(name="sync.tasks.read_run")
def read_run(run_id: int) -> None:
    """An unattended run goes on by its rules; all others wait for a person."""
    engine.read_run(run_id)
    if unattended.go_on(run_id):
        ring(run_id)


@shared_task(name="sync.tasks.ring_schedules")
def ring_schedules() -> None:
    """Each minute: schedules whose time has come. A minute missed is made up by the next one."""
    for schedule_id in schedules.claim_due(timezone.now()):
        _ring(start_schedule, schedule_id)


@shared_task(name="sync.tasks.start_schedule")
def start_schedule(schedule_id: int) -> None:
    """May it go on? Then a run begins, as if its teacher had asked for it."""
    run = schedules.start(schedule_id)
    if run is not None:
        ring_reading(run)


@shared_task(name="sync.tasks.send_mails")
def send_mails() -> None:
    """Each minute: mails of runs that ended and schedules that stopped. A mail server that is away costs only time."""
    mails.write_due(timezone.now())
    mails.send_due(timezone.now())


@shared_task(name="sync.tasks.forget_kept_reads")
def forget_kept_reads() -> None:
    """Each hour: what no read will start from any more."""
    kept.forget_old(timezone.now())


@shared_task(name="sync.tasks.sweep_grants")
def sweep_grants() -> None:
    """Each hour: attempts to connect that nobody finished."""
    connecting.sweep()


@shared_task(name="sync.tasks.read_look")
def read_look(look_id: int) -> None:
    engine.read_look(look_id)


def ring(run_id: int) -> None:
    """Ask a worker to go at a run. A broker that is away costs time, not grades: the run is found by its state."""
    _ring(push_run, run_id)


def ring_reading(asked: Run | Look) -> None:
    """Ask a worker to read what was asked for."""
    _ring(read_run if isinstance(asked, Run) else read_look, asked.pk)


def waiting_reads() -> list[Run | Look]:
    """Reads whose message was lost, or whose worker died."""
    idle = Q(lease_until__isnull=True) | Q(lease_until__lt=timezone.now())
    # read, but its worker died before it went on by the rules
    left = Q(state="review", unattended=True, approved_at=None, message="")
    left &= Q(read_at__lt=timezone.now() - timedelta(seconds=60))
    runs = Run.objects.filter(idle, Q(state="reading") | left).defer("report")
    return [*runs, *Look.objects.filter(idle, state="reading")]


def _ring(task: Any, row_id: int) -> None:
    try:
        task.delay(row_id)
    except (OperationalError, OSError):
        log.warning("the broker is away; %s %s waits to be found by its state", task.name, row_id)
