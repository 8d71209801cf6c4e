"""A course's schedule: set, paused and taken over by its teachers; started by the clock, once each time (design §4).

The database is the clock's memory: a due schedule is claimed by a conditional update, and its next time moves on in
the transaction that makes its run. A missed time is made up once; two beats, or two workers, make one run.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from lti_tool.models import Context, LtiSession
from sync.engine import grants, pausing, staffing, unattended
from sync.engine.errors import EngineError, Who
from sync.engine.preview import cancel
from sync.engine.stops import stop
from sync.errors import TryLater
from sync.models import Run, Schedule
from sync.timetable import Times, is_zone

log = logging.getLogger(__name__)

CLAIM: Final = timedelta(minutes=5)  # within which a worker that was asked begins
LATER: Final = timedelta(minutes=15)  # when something is in the way
LOOKED_AT: Final = timedelta(hours=1)  # a list that a teacher asked for is not replaced so soon
MOST_FAILURES: Final = 3


@dataclass(frozen=True, slots=True)
class Wish:
    """What a teacher sets; the fields are the model's."""

    kind: str
    time_zone: str = "UTC"
    at: time = time(2, 0)
    from_hour: int = 7
    to_hour: int = 18
    sends_new: bool = True
    sends_changes: bool = True
    most_changed: int = 30

    def fields(self) -> Mapping[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


def times_of(schedule: Schedule) -> Times:
    """A zone that this machine does not know any more is taken for UTC, as its pages and mails do: grades still go."""
    zone = schedule.time_zone if is_zone(schedule.time_zone) else "UTC"
    return Times(schedule.kind, zone, schedule.at, schedule.from_hour, schedule.to_hour)


# --- a teacher's word -----------------------------------------------------------------------------------------


def set_schedule(context: Context, wish: Wish, who: Who) -> Schedule:
    """It belongs to her from now on. Raises EngineError for what makes no sense, or before the first approved run."""
    who.must_be_able_to_send(context)
    if who.user is None:
        raise EngineError("Only a teacher of this course can set its schedule: it acts in her name.")
    if wish.kind not in dict(Schedule.KINDS) or wish.most_changed not in Schedule.SHARES:
        raise EngineError("There is no such schedule.")
    if not is_zone(wish.time_zone) or not {wish.from_hour, wish.to_hour} <= set(range(24)):
        raise EngineError("There is no such time.")
    if wish.kind != "off" and not unattended.may_begin(context):
        raise EngineError("Send grades once yourself first. From then on a schedule can go on.")
    if wish.kind != "off":
        _must_have_granted(context, who)
    if wish.kind != "off" and not (wish.sends_new or wish.sends_changes):
        raise EngineError("Choose what may be sent: new grades, changed grades, or both.")
    values = dict(wish.fields()) | _owned_by(who) | {"paused": False, "paused_by": ""}
    schedule, _ = Schedule.objects.update_or_create(context=context, defaults=values)
    if wish.kind == "off":
        _stop_its_runs(context, who)
    return _begin_anew(schedule)


def take_over(context: Context, who: Who) -> Schedule:
    """A co-teacher answers for it from now on; it goes on where it was stopped."""
    who.must_be_able_to_send(context)
    schedule = Schedule.objects.filter(context=context).first()
    if schedule is None or who.user is None:
        raise EngineError("There is no schedule to take over.")
    _must_have_granted(context, who)
    Schedule.objects.filter(pk=schedule.pk).update(**_owned_by(who))
    return _begin_anew(schedule)


def _must_have_granted(context: Context, who: Who) -> None:
    """A schedule reads with its owner's own access, where teachers grant it."""
    standing = grants.standing_of(context, who.user)
    if standing is not None and standing.must_connect:
        raise EngineError(f"Connect to {standing.product} first: the schedule reads it with your access.")


def pause(context: Context, who: Who, *, on: bool) -> None:
    """Nothing is sent by itself until a teacher of the course lets it go on: what it sends just now ends too."""
    who.must_be_able_to_send(context)
    Schedule.objects.filter(context=context).update(paused=on, paused_by=who.name[:300] if on else "")
    if on:
        _stop_its_runs(context, who)
    for schedule in Schedule.objects.filter(context=context):
        _begin_anew(schedule)


def _stop_its_runs(context: Context, who: Who) -> None:
    """One that is approved in this very moment looks for the pause itself (`unattended.go_on`)."""
    its = Run.objects.filter(context=context, unattended=True, schedule__isnull=False, state__in=Run.OPEN)
    for run in its.defer("report"):
        cancel(run, who)


def _owned_by(who: Who) -> dict[str, object]:
    return {
        "owner": who.user,
        "owner_name": who.name[:300],
        "set_at": timezone.now(),
        "stopped": "",
        "stopped_at": None,
        "stop_told": False,
        "failures": 0,
        "message": "",
    }


def _begin_anew(schedule: Schedule) -> Schedule:
    """The next time counts from now: what was missed while it was off or paused is not made up."""
    schedule.refresh_from_db()
    schedule.next_at = times_of(schedule).next_after(timezone.now())
    schedule.claimed_until = None
    schedule.save(update_fields=["next_at", "claimed_until"])
    return schedule


# --- the clock ------------------------------------------------------------------------------------------------


def claim_due(now: datetime) -> list[int]:
    """Schedules whose time has come, each claimed for the worker that is rung for it. Of two beats one gets it."""
    due = Schedule.objects.due(now).order_by("next_at").values_list("pk", flat=True)
    return [pk for pk in due if Schedule.objects.due(now).filter(pk=pk).update(claimed_until=now + CLAIM)]


def start(schedule_id: int) -> Run | None:
    """One worker's go at a due schedule: a run to be read for, or None with the reason written. The caller rings."""
    rows = Schedule.objects.running().filter(pk=schedule_id, next_at__lte=timezone.now())
    schedule = rows.select_related("context__deployment__registration", "owner").first()
    if schedule is None:
        return None
    try:
        return _go(schedule)
    except (TryLater, EngineError) as error:
        _later(schedule, str(error), trouble=True)
    except Exception:
        # a bug: the trace goes to the log with the row's id only
        log.exception("schedule %s could not begin", schedule.pk)
        name = f"schedule {schedule.pk}"
        text = f"An unexpected error stopped this read. Tell your administrator: {name}."
        _later(schedule, text, trouble=True)
    return None


def _go(schedule: Schedule) -> Run | None:
    in_the_way = _in_the_way(schedule)
    if in_the_way or not times_of(schedule).holds(timezone.now()):
        _later(schedule, in_the_way)
        return None
    held = pausing.why_all_wait(schedule.context)
    if held:
        _later(schedule, held, trouble=True)
        return None
    why = staffing.why_not(schedule)
    if why:
        stop(schedule, why)
        return None
    return _begin(schedule)


def _in_the_way(schedule: Schedule) -> str:
    """Nothing is begun beside a run that sends, or over a list that a teacher works on."""
    runs = Run.objects.filter(context=schedule.context).defer("report")
    if runs.filter(Q(state__in=Run.OPEN) | Q(state="reading")).exists():
        return "Another run of this course goes on."
    return "A teacher has a list of this course open to review." if _is_reviewed(schedule.context) else ""


def _is_reviewed(context: Context) -> bool:
    """Did a teacher ask for the list within the hour, or is one in the tool just now while it waits for her?"""
    now = timezone.now()
    lists = Run.objects.filter(context=context, state="review")
    if lists.filter(unattended=False, created_at__gt=now - LOOKED_AT).exists():
        return True
    here = LtiSession.objects.filter(membership__context=context, membership__can_send=True)
    return here.filter(seen_at__gt=now - LATER).exists() and lists.filter(changes__state="planned").exists()


def _later(schedule: Schedule, why: str, *, trouble: bool = False) -> None:
    """It is tried again soon. Where its next regular time comes first, this one is missed: teachers are told of trouble."""
    now, times = timezone.now(), times_of(schedule)
    again, regular = now + LATER, times.next_after(now)
    missed = regular is not None and (regular <= again or not times.holds(again))
    with transaction.atomic():
        moved = Schedule.objects.filter(pk=schedule.pk, next_at=schedule.next_at).update(
            next_at=regular if missed else again, claimed_until=None, message=why[:500]
        )
        if moved and missed and trouble:
            _note_missed(schedule, why)


def _note_missed(schedule: Schedule, why: str) -> None:
    """A run that never began stands in the history, and is told by mail as one that failed."""
    Run.objects.create(
        context=schedule.context,
        state="failed",
        unattended=True,
        schedule=schedule,
        asked_by=schedule.owner,
        asked_name=schedule.owner_name,
        finished_at=timezone.now(),
        message=why[:500],
    )


def _begin(schedule: Schedule) -> Run | None:
    """The next time moves on in the transaction that makes the run: whoever moves it is the one who begins it."""
    now = timezone.now()
    moved = {
        "next_at": times_of(schedule).next_after(now),
        "last_at": now,
        "claimed_until": None,
        "message": "",
    }
    with transaction.atomic():
        mine = Schedule.objects.running().filter(pk=schedule.pk, next_at=schedule.next_at)
        if not mine.update(**moved):
            return None
        who = Who(schedule.owner_name, schedule.owner)
        run, begun = unattended.ask(schedule.context, who, schedule)
        if begun:
            return run
        transaction.set_rollback(True)
    _later(schedule, "Another run of this course goes on.")
    return None


def note_end(run: Run) -> None:
    """How a scheduled run ended: after three errors in a row a person must look first."""
    schedule = run.schedule
    if schedule is None:
        return
    if run.state != "failed":
        Schedule.objects.filter(pk=schedule.pk).update(failures=0)
        return
    if not run.read_tries:  # it never began: it goes on by itself once the LMS is back
        return
    Schedule.objects.filter(pk=schedule.pk).update(failures=F("failures") + 1)
    schedule.refresh_from_db()
    if schedule.failures >= MOST_FAILURES:
        stop(schedule, "failures")
