"""What became of a run's grades: how far it is, how fast, and each outcome, failures first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, IntegerField, Min, Q, Value, When
from django.utils import timezone

from sync.engine import picks
from sync.engine.undo import STANDING
from sync.models import GradeChange, Run
from sync.views import wording
from sync.views.filtering import Filter, titles_of
from sync.views.review_list import Tab, choices, of_students
from sync.views.rows import Row, row_of, state_text

PER_PAGE: Final = 100
RECENT: Final = timedelta(seconds=60)  # what the rate is measured over
LEAST: Final = 5  # answers from which a rate means anything
NO_ANSWER: Final = ("approved", "sending", "unknown")
AGAIN: Final = ("rejected", "unknown", "changed")
WORST_FIRST: Final = Case(
    *(When(state=state, then=Value(place)) for place, state in enumerate(wording.ROW_STATES)),
    default=Value(len(wording.ROW_STATES)),
    output_field=IntegerField(),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: of the rows that were picked, how many have an answer, and how fast answers came lately."""

    done: int
    total: int
    failed: int
    per_minute: int = 0
    minutes_left: int = 0

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0

    @property
    def step(self) -> int:
        """What is read out to those who do not see the bar: each tenth, not each answer."""
        return self.percent // 10 * 10


def progress_of(run: Run) -> Progress:
    """One question to the database. No rate is told before five answers came, nor while the run rests."""
    now = timezone.now()
    recent = Q(answered_at__gt=now - RECENT) & ~Q(state__in=NO_ANSWER)
    found = run.changes.exclude(state="planned").aggregate(
        total=Count("pk"),
        pending=Count("pk", filter=Q(state__in=NO_ANSWER)),
        failed=Count("pk", filter=Q(state="rejected")),
        lately=Count("pk", filter=recent),
        first=Min("answered_at", filter=recent),
    )
    per_minute = _rate(run, now, found["lately"], found["first"])
    minutes = -(-found["pending"] // per_minute) if per_minute else 0
    return Progress(
        done=found["total"] - found["pending"],
        total=found["total"],
        failed=found["failed"],
        per_minute=per_minute,
        minutes_left=minutes,
    )


def _rate(run: Run, now: datetime, lately: int, first: datetime | None) -> int:
    if run.state != "pushing" or first is None or lately < LEAST:
        return 0
    seconds = max((now - first).total_seconds(), 1.0)
    return int(lately * 60 / seconds)


class Outcomes:
    """The run's rows, narrowed and page by page, failures first."""

    def __init__(self, run: Run, narrowed: Filter) -> None:
        self.run, self.narrowed = run, narrowed
        counted = run.changes.order_by().values_list("state").annotate(n=Count("pk"))
        self.counts: Mapping[str, int] = dict(counted)
        self._titles = set(run.changes.order_by().values_list("item_title", flat=True).distinct())
        rows = self._narrow(GradeChange.objects.filter(run=run))
        rows = rows.annotate(rank=WORST_FIRST).order_by("rank", "item_title", "student_name", "pk")
        # the page's number may be that of the lines below
        number = 1 if narrowed.part in {"differences", "problems"} else narrowed.page
        self.page: Page[Any] = Paginator(rows, PER_PAGE).get_page(number)
        self.rows: Sequence[Row] = [row_of(change, run) for change in self.page]

    def _narrow(self, rows: picks.Rows) -> picks.Rows:
        if self.narrowed.part in self.counts:
            rows = rows.filter(state=self.narrowed.part)
        if self.narrowed.item:
            rows = rows.filter(item_title__in=titles_of(self.narrowed.item, self._titles))
        return of_students(rows, self.narrowed)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def can_retry(self) -> bool:
        states = AGAIN if self.run.is_open else (*AGAIN, "approved")
        return any(self.counts.get(state) for state in states)

    @property
    def can_undo(self) -> bool:
        """Does anything of it stand in the SIS, or may it?"""
        return any(self.counts.get(state) for state in STANDING)

    @property
    def tabs(self) -> list[Tab]:
        states = [one for one in wording.ROW_STATES if self.counts.get(one)]
        links = [
            Tab(
                state_text(one, self.run),
                self.counts[one],
                self.narrowed.link(part=one),
                self.narrowed.part == one,
            )
            for one in states
        ]
        is_all = self.narrowed.part not in self.counts
        return [Tab(wording.PARTS[""], self.total, self.narrowed.link(part=""), is_all), *links]

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        return choices(self.narrowed, self._titles)
