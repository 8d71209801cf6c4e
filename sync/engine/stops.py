"""A schedule that stops: written once, for whoever finds out why it may not go on."""

from __future__ import annotations

import logging

from django.utils import timezone

from sync.models import Run, Schedule

log = logging.getLogger(__name__)


def stop(schedule: Schedule, why: str) -> None:
    """It stands still until a teacher sets it anew or takes it over. The mails about it are found by this state."""
    stopped = {"stopped": why, "stopped_at": timezone.now(), "stop_told": False, "claimed_until": None}
    rows = Schedule.objects.filter(pk=schedule.pk, stopped="", owner_id=schedule.owner_id)
    if rows.update(**stopped):
        log.warning("the schedule of course %s stopped: %s", schedule.context_id, why)


def without_grant(run: Run) -> None:
    """The access that this run reads with is gone: so is the schedule's, unless it changed hands since."""
    schedule = run.schedule
    if schedule is not None and schedule.owner_id == run.asked_by_id:
        stop(schedule, "no_grant")
