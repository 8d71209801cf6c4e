"""Review and send: old value, new value, why; exactly the rows that she ticked go."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_htmx.http import HttpResponseLocation

from sync import engine, tasks
from sync.engine import deciding, picks, reporting
from sync.models import Run
from sync.views import reading, rows, wording
from sync.views.asking import Request, action, course_of, page, run_of, show, to, told, who_of
from sync.views.decisions import Posted, posted
from sync.views.filtering import Filter
from sync.views.review_list import Review, rows_for


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
    narrowed = Filter.of(request.GET)
    readiness = rows.readiness_of(run)
    return show(
        request,
        "sync/review.html",
        run=run,
        narrowed=narrowed,
        review=Review(run, narrowed),
        counts=rows.counts_of(run),
        limits=wording.limits(run.report.get("limits", ()), "review"),
        report=run.report,
        readiness=readiness,
        things=sum(len(checks) for _title, checks in readiness),
        has_places=any(one.where for _title, checks in readiness for one in checks),
    )


@action
def pick(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    """Keep the ticks of the page that she sees, or tick all rows of the list that she narrowed."""
    run, narrowed = run_of(request, run_id), Filter.of(request.POST)
    quiet = "quiet" in request.POST
    if run.state != "review":
        return _whole_page(request, run) if quiet else to(request, "run", run.pk)
    with told(request):
        if "all" in request.POST:
            titles = run.changes.order_by().values_list("item_title", flat=True).distinct()
            wanted = rows_for(run, narrowed, list(titles))
            picks.tick_all(run, who_of(request), wanted, on=request.POST["all"] == "on")
        else:
            picks.tick(run, who_of(request), _shown(request), request.POST.getlist("digest"))
    if quiet:
        return HttpResponse(status=204)
    answer = to(request, "review", run.pk)
    answer["Location"] += narrowed.query + "#rows"
    return answer


def _whole_page(request: Request, run: Run) -> HttpResponse:
    address = reverse("sync:run", args=[course_of(request).public_id, run.pk])
    return HttpResponseLocation(address, target="body", swap="innerHTML")


def _shown(request: Request) -> list[int]:
    """The rows that her page showed: never more than a page holds."""
    posted = request.POST.get("shown", "").split(",")[: picks.WHOLE]
    return [int(one) for one in posted if one.isdecimal() and len(one) < 19]


@action
def send(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    """Approve exactly the rows that she ticked, and ring for a worker. A second click ends on the same run's page."""
    run, who = run_of(request, run_id), who_of(request)
    if run.approved_at is not None and run.state != "review":
        _say_who_sent(request, run)
        return to(request, "run", run.pk)
    shown, ticked = _shown(request), request.POST.getlist("digest")
    with told(request):
        picks.tick(run, who, shown, ticked)
        digests = picks.approved_by(run, shown, ticked, request.POST.get("elsewhere", ""))
        engine.approve(run, who, digests, override_stops=request.POST.get("override_stops") == "yes")
        tasks.ring(run.pk)
        return to(request, "run", run.pk)
    answer = to(request, "review", run.pk)
    answer["Location"] += Filter.of(request.POST).query
    return answer


def _say_who_sent(request: Request, run: Run) -> None:
    if run.asked_by != request.lti.user:
        text = _("%(name)s sent this list before you. Your click sent nothing.")
        messages.info(request, text % {"name": run.asked_name})


@action
def decide(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    """Her words on grades that differ, and those she takes back; then a new list shows what follows from them."""
    run = run_of(request, run_id)
    newest = reporting.newest_list(run.context)
    if newest is None or newest.pk != run.pk:
        messages.error(request, _there_is_a_newer(newest))
        return to(request, "run", run.pk)
    with told(request):
        words = posted(request, run)
        if words.is_stale:
            messages.error(
                request, _("These grades changed since you looked, so nothing was decided. Look again.")
            )
        elif not words:
            messages.info(request, _("Nothing was decided."))
        else:
            _write(request, words)
            return reading.begin(request, anew=True)
    return to(request, "review", run.pk)


def _there_is_a_newer(newest: Run | None) -> str:
    text = _("There is a newer list, asked for by %(name)s. Look at it, then decide.")
    return text % {"name": newest.asked_name if newest else ""}


def _write(request: Request, words: Posted) -> None:
    changed = deciding.decide_seen(course_of(request), words.wishes, who_of(request))
    for key in words.lifted:
        engine.lift(course_of(request), key, who_of(request))
    if changed:
        text = ngettext(
            "%(n)s grade changed since you looked: nothing was decided on it. It stands in the new list.",
            "%(n)s grades changed since you looked: nothing was decided on them. They stand in the new list.",
            len(changed),
        )
        messages.warning(request, text % {"n": len(changed)})
