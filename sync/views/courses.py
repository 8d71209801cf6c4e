"""The course page: where things stand, and the one thing to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.http import HttpResponse

from sync.models import ClassLink, LineItemLink, Run
from sync.views import reading, rows, wording
from sync.views.asking import Request, action, class_links_of, course_of, page, show, state_of, to, told
from sync.views.seen import Seen


@dataclass
class Standing:
    """Where a course stands, in figures. `next` names the step that its main button takes."""

    links: list[ClassLink]
    seen: Seen
    students: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    open_run: Run | None = None
    review_run: Run | None = None
    last_run: Run | None = None

    @property
    def lapsed(self) -> list[ClassLink]:
        return [link for link in self.links if link.lapsed]

    @property
    def troubles(self) -> list[str]:
        return sorted({link.connection.trouble for link in self.links if link.connection.trouble})

    @property
    def next(self) -> str:
        if self.open_run is not None:
            return "run"
        if not self.seen.standing:
            return "class"
        if not self.seen.snapshot:
            return "look"
        return "preview" if self.items["linked"] else "items"


@page
def course(request: Request, public_id: UUID) -> HttpResponse:
    standing = standing_of(request)
    last = standing.last_run
    return show(
        request,
        "sync/course.html",
        standing=standing,
        counts=rows.counts_of(last) if last else None,
        run_states=wording.RUN_STATES,
    )


def standing_of(request: Request) -> Standing:
    links = class_links_of(request)
    standing = Standing(links, Seen(state_of(request), links))
    if standing.seen.standing:
        standing.students = Counter(row["state"] for row in standing.seen.students)
    item_links = LineItemLink.objects.filter(class_link__in=standing.seen.standing)
    standing.items = count_items(standing.seen, list(item_links))
    newest = Run.objects.filter(context=course_of(request))
    standing.open_run = newest.filter(state__in=Run.OPEN).first()
    standing.review_run = newest.filter(state="review").first()
    standing.last_run = newest.filter(state__in=("done", "failed", "cancelled")).exclude(report={}).first()
    return standing


def count_items(seen: Seen, links: Sequence[LineItemLink]) -> Counter[str]:
    """Items per state over all classes; `open` ones wait for a word, course totals only when linked."""
    counted = Counter(link.state for link in links)
    items = seen.items(links)
    counted["open"] = sum(1 for item in items if item.is_open and item.data["kind"] != "course_total")
    return counted


@action
def look(request: Request, public_id: UUID) -> HttpResponse:
    """Have both sides read, and come back to the page that asked."""
    with told(request):
        return reading.begin_look(request, request.POST.get("back", ""))
    return to(request, "course")
