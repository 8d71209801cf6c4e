"""The course page: where things stand, and the one thing to do next."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse

from sync import engine
from sync.views import drawing, reading, rows, wording
from sync.views.asking import Request, action, course_of, page, show, to, told
from sync.views.schedule import local
from sync.views.setup import guide_of
from sync.views.standing import OPEN_STATES, Standing, standing_of


@page
def course(request: Request, public_id: UUID) -> HttpResponse:
    standing = standing_of(request)
    last = standing.last_run
    guide = None
    if not standing.is_set_up:
        guide = guide_of(standing, connected=bool(engine.connections_for(course_of(request))))
    return show(
        request,
        "sync/course.html",
        standing=standing,
        next_at=local(standing.schedule, standing.schedule.next_at) if standing.schedule else None,
        guide=guide,
        waiting=_waiting(standing),
        map=drawing.drawing_of(standing.seen),
        counts=rows.counts_of(last) if last else None,
        last_state=wording.RUN_STATES.get(last.state, last.state) if last else "",
    )


def _waiting(standing: Standing) -> list[drawing.Key]:
    """Grades that wait to be sent or settled, by kind."""
    open_ones = {state: count for state, count in standing.grades.items() if state in OPEN_STATES}
    return drawing.legend(open_ones)


@action
def look(request: Request, public_id: UUID) -> HttpResponse:
    """Have both sides read, and come back to the page that asked."""
    with told(request):
        return reading.begin_look(request, request.POST.get("back", ""))
    return to(request, "course")
