"""A read that goes on, or failed, as every page of the course tells it: the page stays usable with what was last read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from lti_tool.models import Context
from sync.models import Asked, ContextState, Look, Run

CODED: Final = re.compile(r" \(\w+\)$", re.ASCII)
PHASES: Final[dict[str, str | Promise]] = {
    "waiting": _("Waiting for its turn"),
    "lms": _("Reading the LMS"),
    "sis": _("Reading the SIS, then comparing"),
}


@dataclass(frozen=True)
class Notice:
    """What stands above a page: a run's read or a look that goes on, or the last look's failure."""

    look: Look | None
    run: Run | None
    read_at: datetime | None

    @property
    def age(self) -> str:
        return age_of(self.read_at)


def notice_of(context: Context) -> Notice | None:
    """None where nothing is read now and the last look did not fail."""
    run = Run.objects.filter(context=context, state="reading").first()
    look = Look.objects.filter(
        context=context, about=Look.GRADEBOOKS, state__in=("reading", "failed")
    ).first()
    if run is None and look is None:
        return None
    read_at = last_read(context)
    overtaken = look is not None and look.finished_at and read_at and look.finished_at < read_at
    look = None if overtaken else look
    return Notice(look, run, read_at) if look or run else None


def last_read(context: Context) -> datetime | None:
    """When both sides were last read to the end."""
    return ContextState.objects.filter(context=context).values_list("read_at", flat=True).first()


def age_of(read_at: datetime | None) -> str:
    """How old what is shown is, in words; empty within the first minute."""
    if read_at is None or timezone.now() - read_at < timedelta(minutes=1):
        return ""
    return timesince(read_at)


def is_for_administrators(asked: Asked) -> bool:
    """Is it for somebody to mend, rather than for later? What is misconfigured ends with its code (engine.background)."""
    return CODED.search(asked.message) is not None


def phase_of(asked: Asked) -> str:
    # without a token nobody holds it: it rests until it is its turn
    if asked.lease_until is None or not asked.lease_token:
        return "waiting"
    return "sis" if "sis_students" in asked.read_so_far else "lms"


def is_silent(asked: Asked) -> bool:
    """Nobody took it up although the doorbell rang twice, or its worker did not renew its lease for half its time."""
    now = timezone.now()
    if asked.lease_until is None or not asked.lease_token:
        return asked.created_at < now - timedelta(seconds=2 * settings.DOORBELL_S)
    return asked.lease_until < now + timedelta(seconds=settings.LEASE_S / 2)


def lines_of(asked: Asked) -> list[str]:
    """What came so far, in words."""
    so_far = asked.read_so_far
    students, items = so_far.get("students", 0), so_far.get("items", 0)
    results, at_sis = so_far.get("results", 0), so_far.get("sis_students", 0)
    grades = so_far.get("sis_results", 0)
    lms = [
        ngettext("%(n)s student", "%(n)s students", students) % {"n": students},
        ngettext("%(n)s assignment", "%(n)s assignments", items) % {"n": items},
        ngettext("%(n)s result", "%(n)s results", results) % {"n": results},
    ]
    sis = [
        ngettext("%(n)s student", "%(n)s students", at_sis) % {"n": at_sis},
        ngettext("%(n)s grade", "%(n)s grades", grades) % {"n": grades},
    ]
    came = [text for name, text in zip(("students", "items", "results"), lms, strict=True) if name in so_far]
    there = [
        text for name, text in zip(("sis_students", "sis_results"), sis, strict=True) if so_far.get(name)
    ]
    found = [(_("LMS: %(what)s"), came), (_("SIS: %(what)s"), there)]
    return [str(text) % {"what": ", ".join(parts)} for text, parts in found if parts]
