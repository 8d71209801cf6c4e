"""Where a course stands, in figures and in one sentence: what its front page and the set-up guide show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from django.db.models import F
from django.utils import timezone

from lti_tool.models import Context
from sync import course_map
from sync.engine import pausing
from sync.models import ClassLink, ClassRequest, ContextState, LineItemLink, Pause, Run, Schedule
from sync.views.asking import Request, class_links_of, course_of, state_of
from sync.views.class_requests import open_requests
from sync.views.seen import Seen

OPEN_STATES: Final = ("problem", "refused", "edited", "new", "changed", "withdrawn", "waiting")
MOST_COMPARED: Final = 50  # runs looked back through for "since"


@dataclass
class Standing:
    """`next` names the step that the main button takes; `verdict` the sentence at the top."""

    state: ContextState
    links: list[ClassLink]
    seen: Seen
    requests: list[ClassRequest] = field(default_factory=list)
    item_links: list[LineItemLink] = field(default_factory=list)
    students: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    open_run: Run | None = None
    review_run: Run | None = None
    last_run: Run | None = None
    compared: list[tuple[datetime | None, bool | None]] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    schedule: Schedule | None = None

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

    @property
    def is_set_up(self) -> bool:
        """Once something was sent or compared the guide has done its work; it comes back when no class is linked."""
        return bool(self.seen.standing) and bool(self.compared)

    @cached_property
    def grades(self) -> Mapping[str, int]:
        """How many grades are in each state, as of the last read; empty before it."""
        return course_map.counts(self.seen.map()[2])

    @property
    def is_fresh(self) -> bool:
        read_at = self.seen.read_at
        return read_at is not None and timezone.now() - read_at < timedelta(minutes=1)

    @property
    def is_outdated(self) -> bool:
        """Was a link of an assignment or a class made or changed since the last read?"""
        read_at = self.seen.read_at
        changed = [link.updated_at for link in self.item_links] + [link.proved_at for link in self.links]
        return read_at is not None and any(moment > read_at for moment in changed)

    @property
    def open_grades(self) -> int:
        return sum(self.grades.get(state, 0) for state in OPEN_STATES)

    @property
    def verdict(self) -> str:
        """open: something waits to be sent or settled; agree; blind: the SIS cannot be read; unknown: never compared."""
        if self.open_run is not None:
            return "sending"
        if not self.grades:
            return "unknown"
        if self.open_grades:
            return "open"
        blind = bool(self.compared) and self.compared[0][1] is None
        return "blind" if blind else "agree"

    @property
    def since(self) -> datetime | None:
        """From when on every comparison said that both sides agree; None where the newest one does not."""
        earliest = None
        for finished_at, in_sync in self.compared:
            if not in_sync:
                break
            earliest = finished_at
        return earliest


def standing_of(request: Request) -> Standing:
    """Reads the course's own rows, in a number of queries that does not grow with the course."""
    context, links, state = course_of(request), class_links_of(request), state_of(request)
    standing = Standing(state, links, Seen(state, links), open_requests(context))
    if standing.seen.standing:
        standing.students = Counter(row["state"] for row in standing.seen.students)
    standing.item_links = list(LineItemLink.objects.filter(class_link__in=standing.seen.standing))
    standing.items = count_items(standing.seen, standing.item_links)
    runs = Run.objects.filter(context=context)
    short = runs.defer("report")  # it names every grade
    standing.open_run = short.filter(state__in=Run.OPEN).first()
    standing.review_run = short.filter(state="review").first()
    # a read that failed says so itself, above the page; the last run stays the last that read both sides
    ended = short.filter(state__in=("done", "failed", "cancelled")).exclude(report={}, approved_at=None)
    standing.last_run = _with_counts(ended.annotate(counted=F("report__counts")).first())
    done = runs.filter(state="done").values_list("finished_at", "in_sync")
    standing.compared = list(done[:MOST_COMPARED])
    standing.schedule = Schedule.objects.filter(context=context).exclude(kind="off").first()
    standing.pauses = _pauses(context, standing.seen.standing)
    return standing


def _with_counts(run: Run | None) -> Run | None:
    """A run with that part of its report which the page shows."""
    if run is not None:
        run.report = {"counts": getattr(run, "counted", None) or {}}
    return run


def _pauses(context: Context, links: Sequence[ClassLink]) -> list[Pause]:
    """What an administrator paused of that which this course's grades go through, each once."""
    pauses = pausing.pauses_of(context)
    found = {pause.pk: pause for link in links if (pause := pauses.of(link.connection_id))}
    return list(found.values())


def count_items(seen: Seen, links: Sequence[LineItemLink]) -> Counter[str]:
    """Items per state over all classes; `open` ones wait for a word, course totals only when linked."""
    counted = Counter(link.state for link in links)
    items = seen.items(links)
    counted["open"] = sum(1 for item in items if item.is_open and item.data["kind"] != "course_total")
    return counted
