"""What an audit entry says in words."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from sync.models import AuditEntry
from sync.views.wording import Text

DEEDS: Final[dict[str, Text]] = {
    "pause": _("paused sending"),
    "resume": _("let sending go on"),
    "test": _("tested the connection"),
    "run_now": _("started a run"),
    "approve": _("answered a request"),
    "revoke": _("took back a word on who is who"),
    "take_back": _("took back a teacher's access to the LMS"),
    "act_for": _("began to act for a teacher"),
    "acted": _("sent a form for a teacher"),
    "looked": _("looked at a page for a teacher"),
    "search": _("searched for a student's grades"),
    "export": _("exported"),
    "entered": _("entered what the SIS wants beside a grade"),
    "reported": _("brought the SIS's report about a file"),
}


def in_words(entry: AuditEntry) -> Text:
    return DEEDS.get(entry.action, entry.action)
