"""A registration's end, without losing what its courses sent: ended access, archive, revival."""

from __future__ import annotations

from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from lti_tool import http, services
from lti_tool.models import Context, LoginState, LtiSession, Registration
from lti_tool.tokens import AccessTokens

SCOPES = (services.LINE_ITEM_SCOPES, services.RESULT_SCOPES, services.MEMBER_SCOPES)


def has_history(registration: Registration) -> bool:
    """Has anything been kept that refers to it? Then it is archived instead of deleted."""
    return Context.objects.filter(deployment__registration=registration).exists()


def remove(registration: Registration) -> bool:
    """Delete it, or archive it where courses or connections refer to it. True: it was archived."""
    if not has_history(registration):
        try:
            with transaction.atomic():
                end_access(registration)
                registration.delete()
        except ProtectedError:
            # no course, but a connection to the LMS's own API belongs to it
            pass
        else:
            return False
    archive(registration)
    return True


@transaction.atomic
def archive(registration: Registration) -> None:
    """It launches nothing any more and keeps its courses; nobody stays signed in."""
    end_access(registration)
    registration.deployments.update(active=False)
    registration.active = registration.trust_new_deployments = False
    registration.archived_at = timezone.now()
    registration.save(update_fields=["active", "trust_new_deployments", "archived_at"])


def end_access(registration: Registration) -> None:
    """End its sessions and the logins under way, and forget its access tokens."""
    LtiSession.objects.filter(membership__context__deployment__registration=registration).delete()
    LoginState.objects.filter(registration=registration).delete()
    tokens = AccessTokens(registration, http.Session())
    for scopes in SCOPES:
        tokens.drop(scopes)
        for scope in scopes:
            tokens.drop((scope,))


def revive(registration: Registration) -> None:
    """The same client registers again: its courses are back, once an administrator has approved it."""
    registration.archived_at = None
    registration.active = registration.trust_new_deployments = False
