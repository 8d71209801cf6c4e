"""A run that no person looks at: it sends by the unattended rules (design §4), or waits at review and says why.

No withdrawal, no edit settled, no safety stop passed over, nothing that a person left unticked, and no first send
without one run that a person approved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from lti_tool.models import Context
from sync import planning
from sync.engine.background import ask_run
from sync.engine.errors import EngineError, Who
from sync.engine.picks import UNANSWERED
from sync.engine.preview import approve, cancel
from sync.models import GradeChange, Run, Schedule

_PAUSED: Final = "The schedule was paused or set anew meanwhile, so nothing was sent."
_STOPPED: Final = "A warning needs a person's look, so nothing was sent."
_BY_HAND: Final = "What is left needs a person's decision, so nothing was sent."


class FirstSend(EngineError):
    """Nothing was ever approved by a person in this course."""


class TooMany(EngineError):
    """More would change than a schedule may change by itself."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a schedule adds to them: which grades may go, and the share of changes above which a person looks first."""

    sends_new: bool = True
    sends_changes: bool = True
    most_changed: int = 100


def may_begin(context: Context) -> bool:
    """Was one run of this course approved by a person? Nothing is sent by itself before that."""
    return Run.objects.filter(context=context, unattended=False, approved_at__isnull=False).exists()


def ask(context: Context, who: Who, schedule: Schedule | None = None) -> tuple[Run, bool]:
    """A run that a worker reads for and then sends by the rules, and whether this call began it.

    Where a person's read goes on already, that one is returned: it stays hers. Raises as `ask_run` does.
    """
    return ask_run(context, who, unattended=True, schedule=schedule)


def approve_by_rules(run: Run, who: Who, rules: Rules | None = None) -> int:
    """Approve what may go without a look; the caller rings or pushes. 0: nothing is, and the list waits at review.

    Raises FirstSend, TooMany, and what `approve` raises.
    """
    if run.report.get("stops"):
        return 0
    rules = rules or Rules()
    rows = run.changes.filter(state="planned", withdraws=False).exclude(code=UNANSWERED)
    if not rules.sends_new:
        rows = rows.filter(before__isnull=False)
    if not rules.sends_changes:
        rows = rows.filter(before__isnull=True)
    left = _left_unticked(run)
    changed = set(rows.filter(before__isnull=False).values_list("digest", flat=True)) - left
    _check_share(run, len(changed), rules)
    digests = set(rows.values_list("digest", flat=True)) - left
    if not digests:
        return 0
    if not may_begin(run.context):
        raise FirstSend("Nothing was ever approved for this course, so nothing is sent unattended.")
    return approve(run, who, digests, unattended=True)


def _left_unticked(run: Run) -> set[str]:
    """Rows that a person saw and left unticked, by the last word on each: they wait until she sends them, or they change."""
    digests = run.changes.filter(state="planned").values("digest")
    lists = Run.objects.filter(context=run.context_id, purpose="review")
    seen = GradeChange.objects.filter(run__in=lists, picked__isnull=False, digest__in=digests)
    last = dict(seen.order_by("pk").values_list("digest", "picked"))
    return {digest for digest, picked in last.items() if not picked}


def _check_share(run: Run, changed: int, rules: Rules) -> None:
    counts = run.report.get("counts", {})
    standing = sum(counts.get(name, 0) for name in ("unchanged", "updated", "withdrawn"))
    if planning.is_above_share(changed, standing, rules.most_changed):
        raise TooMany(
            f"{changed} of {standing} grades in the SIS would change. That is more than the {rules.most_changed} % "
            "that the schedule allows, so nothing was sent."
        )


def rules_of(schedule: Schedule) -> Rules:
    return Rules(schedule.sends_new, schedule.sends_changes, schedule.most_changed)


def go_on(run_id: int) -> bool:
    """After the read of an unattended run: approve by the rules (True: ring it), or write why it waits, or that it is over."""
    runs = Run.objects.select_related("schedule").filter(unattended=True, state="review", approved_at=None)
    run = runs.filter(pk=run_id, message="").first()
    if run is None:
        return False
    if run.schedule is not None and not run.schedule.is_running:
        _say(run, _PAUSED)
        return False
    try:
        rules = rules_of(run.schedule) if run.schedule is not None else None
        who = Who(run.asked_name, run.asked_by)
        if approve_by_rules(run, who, rules):
            return not _paused_meanwhile(run, who)
    except EngineError as error:
        _say(run, error.text)
        return False
    if run.changes.exists() or run.report.get("stops"):
        _say(run, _STOPPED if run.report.get("stops") else _BY_HAND)
    else:
        _say(run, "Nothing was to be sent.", state="done", finished_at=timezone.now())
    return False


def _paused_meanwhile(run: Run, who: Who) -> bool:
    """Whoever pauses stops the runs that she sees as approved; this one may have become so a moment later."""
    if run.schedule is None or Schedule.objects.running().filter(pk=run.schedule.pk).exists():
        return False
    cancel(run, who)
    return True


def _say(run: Run, message: str, **fields: object) -> None:
    Run.objects.filter(pk=run.pk, state="review").update(message=message[:500], **fields)
