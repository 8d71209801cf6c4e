"""History: every run of a course, and one grade's whole story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from sync.models import Decision, GradeChange, Run
from sync.views import rows, wording
from sync.views.asking import Request, course_of, page, show

PER_PAGE = 50


@page
def history(request: Request, public_id: UUID) -> HttpResponse:
    runs = Run.objects.filter(context=course_of(request)).exclude(state="replaced")
    found = Paginator(runs, PER_PAGE).get_page(request.GET.get("page"))
    listed = [(one, wording.RUN_STATES.get(one.state, one.state)) for one in found]
    return show(request, "sync/history.html", page=found, runs=listed)


@dataclass(frozen=True, slots=True)
class Event:
    """One moment of a grade's story: a row of a run, or a word on it."""

    at: datetime
    row: rows.Row | None = None
    change: GradeChange | None = None
    decision: Decision | None = None
    text: wording.Text = ""
    lms: str = ""
    sis: str = ""


@page
def grade(request: Request, public_id: UUID, change_id: int) -> HttpResponse:
    """All runs' rows and all decisions of one grade in this course, newest first."""
    change = get_object_or_404(GradeChange, pk=change_id, run__context=course_of(request))
    key = GradeChange.key_fields(change.key)
    changes = GradeChange.objects.filter(run__context=course_of(request), **key).select_related("run")
    decisions = Decision.objects.filter(context=course_of(request), **key)
    events = [*(_row(one) for one in changes), *(_decision(one) for one in decisions)]
    return show(
        request,
        "sync/grade.html",
        row=rows.row_of(change),
        events=sorted(events, key=lambda event: event.at, reverse=True),
    )


def _row(change: GradeChange) -> Event:
    return Event(at=change.planned_at, row=rows.row_of(change), change=change)


def _decision(decision: Decision) -> Event:
    text: Any = wording.DECISIONS.get(decision.kind, decision.kind)
    return Event(
        at=decision.decided_at,
        decision=decision,
        text=text,
        lms=rows.words(decision.lms_value),
        sis=rows.words(decision.sis_value),
    )
