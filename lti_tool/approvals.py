"""What waits for an administrator, and her approval. Nothing beyond ids is kept of what waits."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from lti_tool.models import Context, Deployment, Institution, Registration

WAITING, ACTIVE, DISABLED, ARCHIVED = "waiting", "active", "disabled", "archived"


def waiting_registrations(institutions: QuerySet[Institution]) -> QuerySet[Registration]:
    """Not active, and not one that was in use and disabled: such a one keeps courses in active deployments."""
    used = Context.objects.filter(deployment__registration=OuterRef("pk"), deployment__active=True)
    rows = Registration.objects.filter(institution__in=institutions, active=False, archived_at=None)
    return rows.exclude(Exists(used)).select_related("institution").order_by("created_at", "pk")


def waiting_deployments(institutions: QuerySet[Institution]) -> QuerySet[Deployment]:
    """Seen by launches or named by the LMS, of active registrations; one with courses was approved and disabled."""
    used = Context.objects.filter(deployment=OuterRef("pk"))
    rows = Deployment.objects.filter(
        registration__institution__in=institutions, registration__active=True, active=False
    )
    return rows.exclude(Exists(used)).select_related("registration").order_by("created_at", "pk")


def state_of(registration: Registration) -> str:
    if registration.archived_at is not None:
        return ARCHIVED
    if registration.active:
        return ACTIVE
    used = Context.objects.filter(deployment__registration=registration, deployment__active=True)
    return DISABLED if used.exists() else WAITING


@transaction.atomic
def approve(registration: Registration) -> bool:
    """Make it active, with the deployments that are known so far. False: it is archived, or was active before."""
    rows = Registration.objects.filter(pk=registration.pk, archived_at=None, active=False)
    if not rows.update(active=True):
        return False
    registration.active = True
    if not registration.deployments.filter(active=True).exists():
        registration.deployments.update(active=True)
    return True
