"""What all pages of the administrator share: staff see rows and choices of their own institutions only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import ForeignKey, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from lti_tool.models import Context, Institution, Registration
from lti_tool.staff import institutions_of

OwnOnly = admin.RelatedOnlyFieldListFilter
# which path of each choosable model leads to its institution
OWN: dict[type[Any], str] = {
    Institution: "pk",
    Registration: "institution",
    Context: "deployment__registration__institution",
}


def institution_first(request: HttpRequest) -> HttpResponse | None:
    """In a new installation a superuser names the institution before anything can belong to it."""
    if not request.user.is_superuser or Institution.objects.exists():
        return None
    messages.warning(request, _("First add your institution: LMSs and SISs belong to it."))
    return redirect("admin:lti_tool_institution_add")


class OfInstitution(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only for the type checker
    """Rows, and choices in forms, of the institutions that this member of staff may see."""

    institution = "institution"
    own = OWN

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.filter(**{f"{self.institution}__in": institutions_of(request.user)})

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """A row of another institution is as unknown as one that never was. Raises Http404."""
        row = super().get_object(request, object_id, from_field)
        if row is None:
            raise Http404(_("There is no such entry among those of your institutions."))
        return row

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        model: Any = db_field.related_model
        if model in self.own:
            mine = {f"{self.own[model]}__in": institutions_of(request.user)}
            kwargs["queryset"] = model._default_manager.filter(**mine)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class ReadOnly(OfInstitution):
    """What launches wrote: looked at, not edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


def is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)
