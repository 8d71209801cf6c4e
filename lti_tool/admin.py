"""The administrator's view: institutions, what launches wrote, invites, keys. Secrets and tokens are never shown.

Staff see their own institutions only (`staff.institutions_of`); institutions and keys are the superuser's.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from lti_tool import invites, keys
from lti_tool.admin_base import OWN, OfInstitution, OwnOnly, ReadOnly, institution_first, is_superuser
from lti_tool.login import public_url
from lti_tool.models import Context, Institution, Invite, LtiSession, LtiUser, Membership, SigningKey
from lti_tool.registration_admin import DeploymentAdmin, RegistrationAdmin
from lti_tool.staff import institutions_of

__all__ = ["OWN", "DeploymentAdmin", "OfInstitution", "OwnOnly", "RegistrationAdmin"]


@admin.register(Institution)
class InstitutionAdmin(OfInstitution):
    """Looked at by its staff. It says who they are, so only a superuser writes it."""

    institution = "pk"
    list_display = ["name", "created_at"]
    search_fields = ["name"]
    filter_horizontal = ["staff"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return is_superuser(request)


@admin.register(Context)
class ContextAdmin(ReadOnly):
    institution = "deployment__registration__institution"
    list_display = ["title", "label", "context_id", "deployment", "launched_at"]
    list_filter = [("deployment__registration", OwnOnly)]
    list_select_related = ["deployment"]
    search_fields = ["title", "label", "context_id"]


@admin.register(LtiUser)
class LtiUserAdmin(ReadOnly):
    institution = "registration__institution"
    list_display = ["name", "registration", "sis_id"]
    list_filter = [("registration", OwnOnly)]
    list_select_related = ["registration"]
    search_fields = ["name", "sis_id", "sub"]


@admin.register(Membership)
class MembershipAdmin(ReadOnly):
    institution = "context__deployment__registration__institution"
    list_display = ["user", "context", "can_send", "can_look", "updated_at"]
    list_filter = [("context__deployment__registration", OwnOnly), "can_send"]
    list_select_related = ["user", "context"]


@admin.register(LtiSession)
class LtiSessionAdmin(ReadOnly):
    """Deleting one signs that browser out."""

    institution = "membership__context__deployment__registration__institution"
    list_display = ["membership", "acting_admin", "created_at", "seen_at", "expires_at"]
    list_filter = [("membership__context__deployment__registration", OwnOnly)]
    list_select_related = ["membership", "acting_admin"]
    exclude = ["token_hash"]


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnly):
    """Keys belong to the whole installation."""

    list_display = ["kid", "state", "created_at", "changed_at"]
    exclude = ["private_pem"]
    actions = ["rotate"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # not needed here, and unreadable where a field key was lost: the page that helps then must open
        return SigningKey.objects.defer("private_pem").order_by("-created_at")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.action(description=_("Take the next step of the key rotation"), permissions=["view"])
    def rotate(self, request: HttpRequest, rows: QuerySet[SigningKey]) -> None:
        if not request.user.is_superuser:
            messages.error(request, _("Only a superuser can rotate keys."))
            return
        messages.success(request, ROTATED[keys.rotate()])


ROTATED = {
    "published": _("A new key is published. In a day it signs, by itself where the worker runs."),
    "waiting": _(
        "The last step is less than a day old, and platforms may not know of it yet. Nothing changed."
    ),
    "promoted": _("The new key signs now; the former one stays published for a day."),
}


class InviteForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only for the type checker
    class Meta:
        model = Invite
        fields: ClassVar[list[str]] = []
        help_texts: ClassVar[dict[str, Any]] = {
            "pre_approved": _("The LMS that uses it, and its deployments, need no further approval."),
        }


@admin.register(Invite)
class InviteAdmin(OfInstitution):
    """Its address is shown once, when it is made."""

    list_display = ["id", "institution", "created_by", "created_at", "expires_at", "used_at", "registration"]
    list_filter = [("institution", OwnOnly)]
    list_select_related = ["institution", "registration"]
    fields = ["institution", "pre_approved"]
    form = InviteForm

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return institution_first(request) or super().add_view(request, form_url, extra_context)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The only institution is the one that is meant."""
        mine = list(institutions_of(request.user).values_list("pk", flat=True)[:2])
        return {"institution": mine[0]} if len(mine) == 1 else {}

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Invite, form: object, change: bool) -> None:
        obj.created_by = request.user.get_username()[:200]
        token = invites.fill(obj)
        obj.save()
        address = public_url("register", token)
        messages.warning(request, _("Copy this address now, it is shown once: %(url)s") % {"url": address})
