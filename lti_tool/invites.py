"""One-time invites: whoever holds one may register a platform. Only the token's hash is kept."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.utils import timezone

from lti_tool.models import Institution, Invite, Registration
from lti_tool.sessions import digest

VALID = timedelta(days=7)


def make(institution: Institution, *, pre_approved: bool = False, created_by: str = "") -> str:
    """A new invite's token; it cannot be shown again."""
    invite = Invite(institution=institution, pre_approved=pre_approved, created_by=created_by[:200])
    token = fill(invite)
    invite.save()
    return token


def fill(invite: Invite) -> str:
    """Give an unsaved invite its hash and its end; returns the token."""
    token = secrets.token_urlsafe(32)
    invite.token_hash, invite.expires_at = digest(token), timezone.now() + VALID
    return token


def find(token: str) -> Invite | None:
    """The invite while it is unused and valid."""
    rows = Invite.objects.select_related("institution")
    return rows.filter(token_hash=digest(token), used_at=None, expires_at__gt=timezone.now()).first()


def take(invite: Invite) -> bool:
    """Use it up; False when somebody else was faster."""
    now = timezone.now()
    unused = Invite.objects.filter(pk=invite.pk, used_at=None, expires_at__gt=now)
    return unused.update(used_at=now) == 1


def give_back(invite: Invite) -> None:
    """The platform did not register us: the invite may be tried again."""
    Invite.objects.filter(pk=invite.pk, registration=None).update(used_at=None)


def spent_on(invite: Invite, registration: Registration) -> None:
    Invite.objects.filter(pk=invite.pk).update(registration=registration)
