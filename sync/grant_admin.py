"""The administrator's view of teachers' grants: who connected when, which are lost. Tokens are shown nowhere."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from lti_tool.admin import OwnOnly
from lti_tool.admin_base import OfInstitution
from sync.engine import audit, grants
from sync.models import Grant


@admin.register(Grant)
class GrantAdmin(OfInstitution):
    """Looked at, and taken back; only its teacher can give one."""

    institution = "connection__institution"
    # what is not named here (tokens, the lease) is not shown
    fields = ("user", "connection", "granted_at", "renewed_at", "expires_at", "lost_at", "why", "scope")
    readonly_fields = fields
    list_display = ["user", "connection", "granted_at", "renewed_at", "lost_at", "why"]
    list_filter = [("connection", OwnOnly)]
    list_select_related = ["user", "connection"]
    search_fields = ["user__name"]
    actions = ["take_back"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_take_back_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sync.delete_grant")

    @admin.action(description=_("Take the selected grants back"), permissions=["take_back"])
    def take_back(self, request: HttpRequest, rows: QuerySet[Grant]) -> None:
        """At the LMS too, where it knows a way; here in any case."""
        count = 0
        for row in rows.select_related("connection__institution", "user"):
            audit.note(
                row.connection.institution, request.user, "take_back", row.connection, detail=str(row.user)
            )
            grants.take_back(row)
            count += 1
        text = ngettext("%(n)s grant was taken back.", "%(n)s grants were taken back.", count)
        messages.success(request, text % {"n": count})
