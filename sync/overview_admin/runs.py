"""The last day's runs, and older ones that are not over: what became of them, and why some wait."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from sync.overview_admin import counting
from sync.overview_admin.desk import courses_of, looking, page_of, show
from sync.views import wording


@looking("sync.view_run")
def runs(request: HttpRequest) -> HttpResponse:
    rows = counting.of_last_day(courses_of(request))
    state = request.GET.get("state", "")
    states = counting.by_state(rows)
    if state in states:
        rows = rows.filter(state=state)
    page = page_of(request, rows.select_related("context"))
    return show(
        request,
        "runs.html",
        _("Runs of the last day"),
        page=page,
        runs=[(run, wording.RUN_STATES.get(run.state, run.state)) for run in page],
        states=[(name, wording.RUN_STATES.get(name, name), n) for name, n in states.items()],
        state=state,
    )
