"""A run that no person looks at: it sends by the unattended rules (design §4), or waits at review and says why.

No withdrawal, no edit settled, no safety stop passed over, and no first send without one run that a person approved.
"""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from lti_tool.models import Context
from sync.engine.background import ask_run
from sync.engine.errors import EngineError, Who
from sync.engine.picks import UNANSWERED
from sync.engine.preview import approve
from sync.models import Run

_STOPPED: Final = "A warning needs a person's look, so nothing was sent."
_BY_HAND: Final = "What is left needs a person's decision, so nothing was sent."


class FirstSend(EngineError):
    """Nothing was ever approved by a person in this course."""


def ask(context: Context, who: Who) -> tuple[Run, bool]:
    """A run that a worker reads for and then sends by the rules, and whether this call began it.

    Where a person's read goes on already, that one is returned: it stays hers. Raises as `ask_run` does.
    """
    return ask_run(context, who, unattended=True)


def approve_by_rules(run: Run, who: Who) -> int:
    """Approve what may go without a look; the caller rings or pushes. 0: nothing is, and the list waits at review.

    Raises FirstSend, and what `approve` raises.
    """
    if run.report.get("stops"):
        return 0
    rows = run.changes.filter(state="planned", withdraws=False).exclude(code=UNANSWERED)
    digests = set(rows.values_list("digest", flat=True))
    if not digests:
        return 0
    if not Run.objects.filter(
        context_id=run.context_id, unattended=False, approved_at__isnull=False
    ).exists():
        raise FirstSend("Nothing was ever approved for this course, so nothing is sent unattended.")
    return approve(run, who, digests, unattended=True)


def go_on(run_id: int) -> bool:
    """After the read of an unattended run: approve by the rules (True: ring it), or write why it waits, or that it is over."""
    run = Run.objects.filter(pk=run_id, unattended=True, state="review", approved_at=None, message="").first()
    if run is None:
        return False
    try:
        if approve_by_rules(run, Who(run.asked_name, run.asked_by)):
            return True
    except EngineError as error:
        _say(run, error.text)
        return False
    if run.changes.exists() or run.report.get("stops"):
        _say(run, _STOPPED if run.report.get("stops") else _BY_HAND)
    else:
        _say(run, "Nothing was to be sent.", state="done", finished_at=timezone.now())
    return False


def _say(run: Run, message: str, **fields: object) -> None:
    Run.objects.filter(pk=run.pk, state="review").update(message=message[:500], **fields)
