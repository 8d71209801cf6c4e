"""The figures of the overview: a few queries each, however many courses there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Case, CharField, Count, Min, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lti_tool.models import Context
from sync.models import Look, Run

Courses = QuerySet[Context]
DAY: Final = timedelta(days=1)

STANDINGS: Final[dict[str, str | Promise]] = {
    "in_sync": _("In sync"),
    "differences": _("With differences"),
    "unread": _("Sent, cannot be read back"),
    "stopped": _("Stopped"),
    "never": _("Never sent or compared"),
}
# how the newest run of a course that came to an end tells where the course stands
_STANDING: Final = Case(
    When(~Q(state="done"), then=Value("stopped")),
    When(in_sync=True, then=Value("in_sync")),
    When(in_sync=False, then=Value("differences")),
    default=Value("unread"),
    output_field=CharField(),
)


def newest_runs(courses: Courses) -> QuerySet[Any]:
    """Per course the newest run that came to an end, with its `standing` and without its report."""
    ended = Q(state__in=("done", "failed")) | Q(state="cancelled", approved_at__isnull=False)
    # course by course, from the newest run down: a grouped maximum would go through all runs that ever were
    last = Run.objects.filter(ended, context=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    newest = courses.order_by().annotate(last=Subquery(last)).values("last")
    return Run.objects.filter(pk__in=newest).annotate(standing=_STANDING).defer("report")


def by_standing(courses: Courses) -> dict[str, int]:
    """How many courses stand how; they add up to all."""
    rows = newest_runs(courses).order_by().values_list("standing").annotate(Count("pk"))
    found = dict(rows)
    return {name: found.get(name, 0) for name in STANDINGS} | {"never": courses.count() - sum(found.values())}


def standing_so(courses: Courses, standing: str) -> Courses:
    """Those courses that stand like this; all for a word that is none of `STANDINGS`."""
    if standing == "never":
        return courses.exclude(pk__in=newest_runs(courses).order_by().values("context"))
    if standing in STANDINGS:
        return courses.filter(
            pk__in=newest_runs(courses).filter(standing=standing).order_by().values("context")
        )
    return courses


def of_last_day(courses: Courses) -> QuerySet[Run]:
    """Runs begun within a day, and older ones that are not over; a list that a newer one replaced is none."""
    recent = Q(created_at__gte=timezone.now() - DAY), Q(state__in=Run.OPEN)
    return _within(courses, *recent).exclude(state="replaced").defer("report")


def _within(courses: Courses, few: Q, *more: Q) -> QuerySet[Run]:
    """The few runs that are so, or so, each found by its own index first; and of them those of the courses."""
    found, *others = (Run.objects.filter(one).order_by().values("pk") for one in (few, *more))
    return Run.objects.filter(pk__in=found.union(*others) if others else found, context__in=courses)


def by_state(runs: QuerySet[Run]) -> Mapping[str, int]:
    found = dict(runs.order_by().values_list("state").annotate(Count("pk")))
    return {name: found[name] for name, _text in Run.STATES if name in found}


@dataclass(frozen=True)
class Queue:
    """What waits for a worker, and whether one comes."""

    due: int
    reads: int
    working: int
    # leases that ran down by half: their workers have not been heard of
    silent: int
    oldest: datetime | None

    @property
    def no_worker(self) -> bool:
        """Something waits although the doorbell rang several times, and nothing is being worked on."""
        patience = timezone.now() - timedelta(seconds=4 * settings.DOORBELL_S)
        return self.oldest is not None and self.oldest < patience and self.working == 0


def queue_of(courses: Courses) -> Queue:
    now = timezone.now()
    runs: Any = _within(courses, Q(state__in=(*Run.OPEN, "reading")))
    reading = (runs.filter(state="reading"), Look.objects.filter(context__in=courses, state="reading"))
    idle, held = Q(lease_until=None) | Q(lease_until__lt=now), Q(lease_until__gte=now)
    half = Q(lease_until__lt=now + timedelta(seconds=settings.LEASE_S / 2), lease_until__isnull=False)
    since = Coalesce("lease_until", "resume_at", "approved_at")
    due = runs.due(now).aggregate(n=Count("pk"), since=Min(since))
    open_runs = runs.filter(state__in=Run.OPEN).aggregate(
        working=Count("pk", filter=held), silent=Count("pk", filter=half)
    )
    reads = [
        rows.aggregate(
            n=Count("pk", filter=idle), since=Min("created_at", filter=idle),
            working=Count("pk", filter=held), silent=Count("pk", filter=half),
        )
        for rows in reading
    ]  # fmt: skip
    return Queue(
        due=due["n"],
        reads=sum(one["n"] for one in reads),
        working=sum(one["working"] for one in (open_runs, *reads)),
        silent=sum(one["silent"] for one in (open_runs, *reads)),
        oldest=min((one["since"] for one in (due, *reads) if one["since"]), default=None),
    )
