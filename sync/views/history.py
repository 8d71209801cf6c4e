"""History: every run of a course, narrowed by what it did and by whom, and one grade's whole story."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from lti_tool.models import Context
from sync.models import Decision, GradeChange, Run
from sync.views import rows, wording
from sync.views.asking import Request, course_of, page, show
from sync.views.filtering import Filter, mark
from sync.views.review_list import Tab

PER_PAGE: Final = 25
SENT: Final = Q(state__in=("accepted", "delivered", "unchanged"), sent_at__isnull=False)
# what became of a run's grades, as it stands behind a number
COUNTED: Final = {
    "new": SENT & Q(withdraws=False, before__isnull=True),
    "changed": SENT & Q(withdraws=False, before__isnull=False),
    "removed": SENT & Q(withdraws=True),
    "refused": Q(state="rejected"),
    "unknown": Q(state__in=("unknown", "sending")),
    "moved_on": Q(state="changed"),
}
WITH_TROUBLE: Final = Q(state__in=("failed", "cancelled")) | Q(
    changes__state__in=("rejected", "unknown", "changed")
)
KINDS: Final = {
    "": Q(),
    "sent": Q(approved_at__isnull=False),
    "compared": Q(purpose="compare"),
    "undone": Q(purpose="undo"),
    "by_schedule": Q(unattended=True),
    "trouble": WITH_TROUBLE,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One run as the list tells it."""

    run: Run
    what: wording.Text
    state: wording.Text
    badge: str
    counts: Sequence[tuple[wording.Text, int]]
    undone_by: Run | None


class History:
    """A page of a course's runs. Lists that nobody approved and a newer one replaced are no history."""

    def __init__(self, context: Context, narrowed: Filter) -> None:
        self.narrowed = narrowed
        self._all = Run.objects.filter(context=context).exclude(state="replaced", approved_at=None)
        self._names = {
            mark(name): name for name in self._all.order_by().values_list("asked_name", flat=True).distinct()
        }
        self._kind = narrowed.part if narrowed.part in KINDS else ""
        found = self._all.filter(pk__in=self._all.filter(KINDS[self._kind]).order_by().values("pk"))
        if narrowed.item in self._names:
            found = found.filter(asked_name=self._names[narrowed.item])
        found = found.select_related("undoes").defer("report", "undoes__report")
        self.page: Page[Any] = Paginator(found, PER_PAGE).get_page(narrowed.page)
        self.entries = self._entries(list(self.page))

    def _entries(self, runs: Sequence[Run]) -> list[Entry]:
        counted, undone = _counted(runs), _undone(runs)
        return [
            Entry(
                run=run,
                what=_what(run),
                state=wording.RUN_STATES.get(run.state, run.state),
                badge=_badge(run, counted.get(run.pk, {})),
                counts=[
                    (text, n)
                    for name, text in wording.OUTCOMES
                    if (n := counted.get(run.pk, {}).get(name, 0))
                ],
                undone_by=undone.get(run.pk),
            )
            for run in runs
        ]

    @property
    def tabs(self) -> list[Tab]:
        wanted = {
            name or "all": Count("pk", filter=kind, distinct=True) for name, kind in KINDS.items() if name
        }
        counts = self._all.order_by().aggregate(all=Count("pk", distinct=True), **wanted)
        return [
            Tab(
                wording.HISTORY[name],
                counts[name or "all"],
                self.narrowed.link(part=name),
                self._kind == name,
            )
            for name in KINDS
            if counts[name or "all"] or name in ("", self._kind)
        ]

    @property
    def people(self) -> list[tuple[str, str, bool]]:
        """Those who asked for runs: mark, name, chosen. Names stand in no address."""
        found = sorted(self._names.items(), key=lambda one: one[1].casefold())
        return [(one, name, one == self.narrowed.item) for one, name in found]


def _counted(runs: Sequence[Run]) -> Mapping[int, Mapping[str, int]]:
    """One question for all runs of a page."""
    changes = GradeChange.objects.filter(run__in=[run.pk for run in runs]).order_by().values("run_id")
    found: Iterable[Any] = changes.annotate(
        **{name: Count("pk", filter=wanted) for name, wanted in COUNTED.items()}
    )
    return {one["run_id"]: one for one in found}


def _undone(runs: Sequence[Run]) -> Mapping[int, Run]:
    rows = Run.objects.filter(undoes__in=[run.pk for run in runs], approved_at__isnull=False).defer("report")
    return {row.undoes_id: row for row in rows.order_by("pk") if row.undoes_id is not None}


def _what(run: Run) -> wording.Text:
    if run.purpose in ("compare", "undo"):
        return wording.WHAT[run.purpose]
    return wording.WHAT["sent" if run.approved_at else "listed"]


def _badge(run: Run, counted: Mapping[str, int]) -> str:
    if run.state == "failed" or counted.get("refused"):
        return "problem"
    if run.state != "done" or run.in_sync is False or counted.get("unknown") or counted.get("moved_on"):
        return "notice"
    return "good"


@page
def history(request: Request, public_id: UUID) -> HttpResponse:
    found = History(course_of(request), Filter.of(request.GET))
    return show(request, "sync/history.html", history=found, page=found.page, narrowed=found.narrowed)


# --- one grade ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """One moment of a grade's story: a row of a run, or a word on it."""

    at: datetime
    row: rows.Row | None = None
    change: GradeChange | None = None
    what: wording.Text = ""
    decision: Decision | None = None
    text: wording.Text = ""
    lms: str = ""
    sis: str = ""


@page
def grade(request: Request, public_id: UUID, change_id: int) -> HttpResponse:
    """All runs' rows and all decisions of one grade in this course, newest first."""
    change = get_object_or_404(
        GradeChange.objects.select_related("run").defer("run__report"),
        pk=change_id,
        run__context=course_of(request),
    )
    key = GradeChange.key_fields(change.key)
    changes = GradeChange.objects.filter(run__context=course_of(request), **key).exclude(
        run__state="replaced", run__approved_at=None
    )
    told = changes.select_related("run").defer("run__report")
    decisions = Decision.objects.filter(context=course_of(request), **key)
    events = [*(_row(one) for one in told), *(_decision(one) for one in decisions)]
    return show(
        request,
        "sync/grade.html",
        row=rows.row_of(change, change.run),
        change=change,
        events=sorted(events, key=lambda event: event.at, reverse=True),
    )


def _row(change: GradeChange) -> Event:
    at = change.answered_at or change.sent_at or change.planned_at
    return Event(at=at, row=rows.row_of(change, change.run), change=change, what=_what(change.run))


def _decision(decision: Decision) -> Event:
    text: Any = wording.DECISIONS.get(decision.kind, decision.kind)
    return Event(
        at=decision.decided_at,
        decision=decision,
        text=text,
        lms=rows.words(decision.lms_value),
        sis=rows.words(decision.sis_value),
    )
