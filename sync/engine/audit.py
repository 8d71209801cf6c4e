"""What administrators do and look up is written down before it is done. No grade is in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from lti_tool.models import Context, Institution
from lti_tool.sessions import Lti
from lti_tool.staff import name_of
from sync.models import AuditEntry

LOOKED_AGAIN: Final = timedelta(minutes=5)


def note(
    institution: Institution,
    user: Any,
    action: str,
    about: object = "",
    *,
    detail: str = "",
    on_behalf_of: str = "",
    context: Context | None = None,
) -> AuditEntry:
    """One entry: this member of staff (`request.user`) did that (`AuditEntry.ACTIONS`) at her institution."""
    return AuditEntry.objects.create(
        institution=institution,
        user=user,
        who=name_of(user)[:300],
        on_behalf_of=on_behalf_of[:300],
        action=action,
        about=str(about)[:500],
        detail=detail[:300],
        context=context,
    )


def note_acting(lti: Lti, action: str, page: str) -> None:
    """The same on a course's pages, where an administrator acts for a teacher.

    A page that she keeps looking at (its live parts ask every other second) is noted once in five minutes.
    """
    teacher, course = str(lti.user)[:300], lti.context
    if action == "looked":
        lately = timezone.now() - LOOKED_AGAIN
        seen = AuditEntry.objects.filter(user=lti.acting_admin, context=course, on_behalf_of=teacher)
        if seen.filter(at__gt=lately, action=action, detail=page[:300]).exists():
            return
    note(
        course.institution,
        lti.acting_admin,
        action,
        course,
        detail=page,
        on_behalf_of=teacher,
        context=course,
    )
