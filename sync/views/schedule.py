"""A course's schedule: when grades are sent without a person, whose word that is, and what may be sent then."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from sync import mail_texts
from sync.engine import schedules, unattended
from sync.forms import ScheduleForm
from sync.models import Run, Schedule
from sync.timetable import is_zone
from sync.views import wording
from sync.views.asking import Request, action, by_method, course_of, page, show, to, told, who_of


@page
def _look(request: Request, public_id: UUID) -> HttpResponse:
    return _shown(request, ScheduleForm(_schedule_of(request)))


@action
def _set(request: Request, public_id: UUID) -> HttpResponse:
    form = ScheduleForm(_schedule_of(request), request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was changed: see the marked fields."))
        return _shown(request, form)
    with told(request):
        schedule = schedules.set_schedule(course_of(request), form.wish(), who_of(request))
        messages.success(request, str(wording.SCHEDULED["off" if schedule.kind == "off" else "on"]))
    return to(request, "schedule")


schedule = by_method(_look, _set)


@action
def pause(request: Request, public_id: UUID) -> HttpResponse:
    on = request.POST.get("on") == "yes"
    with told(request):
        schedules.pause(course_of(request), who_of(request), on=on)
        messages.success(request, str(wording.SCHEDULED["paused" if on else "resumed"]))
    return to(request, "schedule")


@action
def take_over(request: Request, public_id: UUID) -> HttpResponse:
    with told(request):
        schedules.take_over(course_of(request), who_of(request))
        messages.success(request, _("The schedule is yours now, and goes on."))
    return to(request, "schedule")


def _schedule_of(request: Request) -> Schedule | None:
    return Schedule.objects.filter(context=course_of(request)).select_related("owner").first()


def _shown(request: Request, form: ScheduleForm) -> HttpResponse:
    found = form.schedule
    return show(
        request,
        "sync/schedule.html",
        form=form,
        schedule=found,
        may_begin=unattended.may_begin(course_of(request)),
        is_hers=found is not None and found.owner_id == request.lti.user.pk,
        last_run=_last_run(request),
        **(_told(found) if found is not None else {}),
    )


def _last_run(request: Request) -> Run | None:
    runs = Run.objects.filter(context=course_of(request), schedule__isnull=False).exclude(state="replaced")
    return runs.defer("report").first()


def _told(found: Schedule) -> dict[str, Any]:
    why = mail_texts.STOPS.get(found.stopped, "")
    return {
        "next_at": local(found, found.next_at) if found.is_running else None,
        "last_at": local(found, found.last_at),
        "why": str(why) % {"name": found.owner_name} if why else "",
        "when": wording.KINDS_OF_SCHEDULE[found.kind],
    }


def local(found: Schedule, moment: datetime | None) -> datetime | None:
    """The moment on the schedule's own clock; templates show it as it is."""
    if moment is None or not is_zone(found.time_zone):
        return moment
    return moment.astimezone(ZoneInfo(found.time_zone)).replace(tzinfo=None)
