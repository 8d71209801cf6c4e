"""Review and send: old value, new value, why; exactly the rows that she ticked go."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.utils.translation import gettext as _

from sync import engine, tasks
from sync.models import Run
from sync.views import reading, rows
from sync.views.asking import Request, action, course_of, page, run_of, show, to, told, who_of

DECISION = "decision:"


@action
def preview(request: Request, public_id: UUID) -> HttpResponse:
    """Have both sides read, then show what would be sent. Nothing is written to the SIS."""
    with told(request):
        return reading.begin(request)
    return to(request, "course")


@page
def review(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    run = run_of(request, run_id)
    if run.state != "review":
        return to(request, "run", run.pk)
    return show(
        request,
        "sync/review.html",
        run=run,
        review=rows.review_of(run),
        counts=rows.counts_of(run),
        report=run.report,
    )


@action
def send(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    """Approve exactly the posted rows and ring for a worker. A second click ends on the same run's page."""
    run = run_of(request, run_id)
    if run.approved_at is not None and run.state != "review":
        return to(request, "run", run.pk)
    with told(request):
        engine.approve(
            run,
            who_of(request),
            request.POST.getlist("digest"),
            override_stops=request.POST.get("override_stops") == "yes",
        )
        tasks.ring(run.pk)
        return to(request, "run", run.pk)
    return to(request, "review", run.pk)


@action
def decide(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    """Her words on grades that differ, and those she takes back; then a new list shows what follows from them."""
    run = run_of(request, run_id)
    if not _is_newest(run):
        messages.error(request, _("There is a newer list. Look at it, then decide."))
        return to(request, "run", run.pk)
    words = {
        name.removeprefix(DECISION): kind
        for name, kind in request.POST.items()
        if name.startswith(DECISION) and kind
    }
    lifted = request.POST.getlist("lift")
    if not words and not lifted:
        messages.info(request, _("Nothing was decided."))
        return to(request, "review", run.pk)
    with told(request):
        for key, kind in words.items():
            engine.decide(course_of(request), engine.parse_key(key), str(kind), who_of(request))
        for key in lifted:
            engine.lift(course_of(request), engine.parse_key(key), who_of(request))
        return reading.begin(request, anew=True)
    return to(request, "review", run.pk)


def _is_newest(run: Run) -> bool:
    """A decision is for the values that she saw, and the engine takes them from the newest report."""
    newest = Run.objects.filter(context=run.context).exclude(report={}).first()
    return newest is not None and newest.pk == run.pk
