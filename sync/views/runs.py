"""A run: how far it is, what became of each grade, and what still differs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseLocation

from sync import engine
from sync.engine.bringing import Brought
from sync.forms import ReportForm
from sync.models import Run
from sync.views import reading, rows, wording
from sync.views.asking import Request, action, course_of, page, run_of, show, to, told, who_of
from sync.views.filtering import Filter
from sync.views.lines import Book
from sync.views.lines import who_of as who_settles
from sync.views.outcomes import Outcomes, progress_of


@page
def run(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    found = run_of(request, run_id)
    if found.state == "review":
        return to(request, "review", found.pk)
    if reading.is_about(found):
        return reading.page_of(request, found)
    narrowed = Filter.of(request.GET)
    book = Book(found, narrowed)
    problems = [line for line in book.lines if line.kind == "problem"]
    differences = [line for line in book.lines if line.kind != "problem"]
    return show(
        request,
        "sync/run.html",
        undone_by=None if found.is_open else _undone_by(found),
        **_how_far(found),
        narrowed=narrowed,
        outcomes=Outcomes(found, narrowed),
        newer=Run.objects.filter(context=course_of(request), pk__gt=found.pk).defer("report").first(),
        counts=rows.counts_of(found),
        documents=found.documents.defer("content"),
        report=found.report,
        differences=book.part("differences", differences, wording.CAUSES, lambda line: line.cause),
        problems=book.part("problems", problems, wording.WHO, who_settles),
    )


def _undone_by(found: Run) -> Run | None:
    return Run.objects.filter(undoes=found, approved_at__isnull=False).defer("report").first()


@page
def progress(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    """The part of the run's page that asks again every other second; when the run is over, the page loads anew."""
    # without the report, which may be long: this is asked for every other second
    runs = Run.objects.defer("report")
    found = get_object_or_404(runs, pk=run_id, context=course_of(request))
    if not found.is_open:
        return _whole_page(request, found) if request.htmx else to(request, "run", found.pk)
    if not request.htmx:
        return to(request, "run", found.pk)
    values = _how_far(found)
    moved = request.GET.get("step") != str(values["progress"].step)
    return show(request, "sync/progress.html", moved=moved, **values)


def _whole_page(request: Request, found: Run) -> HttpResponse:
    address = reverse("sync:run", args=[course_of(request).public_id, found.pk])
    return HttpResponseLocation(address, target="body", swap="innerHTML")


def _how_far(found: Run) -> dict[str, Any]:
    return {
        "run": found,
        "run_state": wording.RUN_STATES.get(found.state, found.state),
        "progress": progress_of(found),
        "silent": _is_silent(found),
    }


def _is_silent(found: Run) -> bool:
    """A live worker renews its lease each third of it: one that ran down by half was not renewed."""
    half = timedelta(seconds=settings.LEASE_S / 2)
    return found.lease_until is not None and found.lease_until < timezone.now() + half


@action
def cancel(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    found = run_of(request, run_id)
    with told(request):
        engine.cancel(found, who_of(request))
        if not reading.is_about(found):
            text = _("It stops: what is under way is still recorded, the rest is not sent.")
            messages.info(request, text)
    return to(request, "run", found.pk)


@action
def bring_report(request: Request, public_id: UUID, run_id: int, document_id: int) -> HttpResponse:
    """What the SIS said of a file: its lines become the outcomes of that file's grades."""
    found = run_of(request, run_id)
    document = get_object_or_404(found.documents, pk=document_id)
    form = ReportForm(request.POST, request.FILES)
    if not form.is_valid():
        first = next(iter(form.errors["report"]), "")
        messages.error(request, str(first))
        return to(request, "run", found.pk)
    with told(request):
        brought = engine.bring_report(document, form.cleaned_data["report"].read(), who_of(request))
        _say_brought(request, brought)
        reading.look_again(request)
    return to(request, "run", found.pk, anchor="rows")


def _say_brought(request: Request, brought: Brought) -> None:
    text = _(
        "The report is taken over: %(accepted)s accepted, %(refused)s refused. The others stay delivered."
    )
    counts = {"accepted": brought.accepted, "refused": brought.refused}
    messages.success(request, text % counts)
    if brought.strangers:
        text = _("Lines about students who are not in this file: %(n)s. Nothing was done for them.")
        messages.warning(request, text % {"n": brought.strangers})
    if brought.older:
        text = _(
            "Lines about grades that were sent again since: %(n)s. The report is older, so they are left alone."
        )
        messages.warning(request, text % {"n": brought.older})


@action
def retry(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    """Refusals lapse, and a new list shows those grades again."""
    found = run_of(request, run_id)
    with told(request):
        engine.free(found, who_of(request))
        if found.undoes is not None:
            return reading.begin_undo(request, found.undoes)
        return reading.begin(request, anew=True)
    return to(request, "run", found.pk)


@action
def reconcile(request: Request, public_id: UUID) -> HttpResponse:
    """Read the SIS back and compare; nothing is sent."""
    with told(request):
        return reading.begin(request, "compare")
    return to(request, "course")
