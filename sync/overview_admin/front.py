"""The front page: connections and their health, courses by state, the last day's runs, the queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from lti_tool.staff import institutions_of
from sync.models import LmsConnection, Pause, SisConnection
from sync.overview_admin import counting
from sync.overview_admin.desk import courses_of, looking, show
from sync.overview_admin.grades import InstitutionForm
from sync.views import wording

RIGHT = "sync.view_run"
MOST_CONNECTIONS = 100
MOST_TROUBLES = 20


@dataclass(frozen=True)
class Connected:
    """One connection as the page shows it."""

    row: SisConnection | LmsConnection
    kind: str
    pause: Pause | None


@looking(RIGHT)
def front(request: HttpRequest) -> HttpResponse:
    courses = courses_of(request)
    runs = counting.of_last_day(courses)
    troubled = runs.filter(state__in=("failed", "paused")).select_related("context")
    return show(
        request,
        "front.html",
        _("Overview"),
        connections=connections_of(request),
        institutions=InstitutionForm(request.user),
        pauses=Pause.objects.filter(
            institution__in=institutions_of(request.user), connection=None, reader=None
        ).select_related("institution"),
        standings=[(name, counting.STANDINGS[name], n) for name, n in counting.by_standing(courses).items()],
        states=[(name, wording.RUN_STATES.get(name, name), n) for name, n in counting.by_state(runs).items()],
        troubled=[(run, wording.RUN_STATES[run.state]) for run in troubled[:MOST_TROUBLES]],
        queue=counting.queue_of(courses),
    )


def connections_of(request: HttpRequest) -> list[Connected]:
    """Those in trouble first; the admin's own lists show all where there are very many."""
    kinds: tuple[tuple[str, QuerySet[Any], str], ...] = (
        ("sis", SisConnection.objects.all(), "sync.view_sisconnection"),
        ("lms", LmsConnection.objects.all(), "sync.view_lmsconnection"),
    )
    mine = institutions_of(request.user)
    found = []
    for kind, rows, right in kinds:
        if request.user.has_perm(right):
            sorted_rows = rows.filter(institution__in=mine).order_by(F("trouble").desc(), "name")
            listed = sorted_rows.select_related("institution", "pause")[:MOST_CONNECTIONS]
            found += [Connected(row, kind, getattr(row, "pause", None)) for row in listed]
    return found
