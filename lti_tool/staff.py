"""Which institutions a member of staff may see in the admin and through the API: one sees nothing of another."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

from lti_tool.models import Institution


def institutions_of(user: User | AnonymousUser | Any) -> QuerySet[Institution]:
    """All for a superuser; for other staff those that are named like one of her groups; none for anyone else."""
    if not user.is_active or not user.is_staff:
        return Institution.objects.none()
    if user.is_superuser:
        return Institution.objects.all()
    return Institution.objects.filter(name__in=user.groups.values("name"))
