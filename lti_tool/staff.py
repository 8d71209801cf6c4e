"""Which institutions a member of staff may see in the admin and through the API: one sees nothing of another.

`Institution.staff` says it. A group named like an institution says it too, for those who manage staff by groups (from a
directory, say): only superusers write institutions and, as they should, groups.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet

from lti_tool.models import Institution


def name_of(user: Any) -> str:
    """A member of staff as the log of operations names her."""
    return str(user.get_full_name() or user.get_username())


def institutions_of(user: User | AnonymousUser | Any) -> QuerySet[Institution]:
    """All for a superuser; for other staff those whose staff she is, or a group of hers by name; none for anyone else."""
    if isinstance(user, AnonymousUser) or not user.is_active or not user.is_staff:
        return Institution.objects.none()
    if user.is_superuser:
        return Institution.objects.all()
    # by subqueries: a join would give an institution twice, and such a set can be neither updated nor deleted
    return Institution.objects.filter(
        Q(pk__in=user.institutions.values("pk")) | Q(name__in=user.groups.values("name"))
    )
