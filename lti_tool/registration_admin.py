"""The administrator's pages of registrations and deployments: add by hand, approve, test, edit, archive."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, URLField
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lti_tool import approvals, archiving, by_hand, connection_test, families, granted
from lti_tool.admin_base import OfInstitution, OwnOnly, institution_first
from lti_tool.login import public_url
from lti_tool.models import Context, Deployment, Registration
from lti_tool.registration_forms import ByHandForm, RegistrationForm
from lti_tool.staff import institutions_of

STATES: dict[str, str | Promise] = {
    approvals.WAITING: _("waits for approval"),
    approvals.ACTIVE: _("active"),
    approvals.DISABLED: _("disabled"),
    approvals.ARCHIVED: _("archived"),
}
RECENT = 20


class Archived(admin.SimpleListFilter):
    """Archived registrations are listed only when asked for."""

    title = _("archived")
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Archived ones"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(archived_at__isnull=self.value() != "yes")


class DeploymentInline(admin.TabularInline):  # type: ignore[type-arg]  # generic only for the type checker
    model = Deployment
    extra = 0
    fields = ["deployment_id", "platform_guid", "active"]


@admin.register(Registration)
class RegistrationAdmin(OfInstitution):
    form = RegistrationForm
    list_display = ["name", "institution", "product", "issuer", "client_id", "state", "tested_at"]
    list_filter = [Archived, ("institution", OwnOnly), "active", "product"]
    search_fields = ["name", "issuer", "client_id"]
    list_select_related = ["institution"]
    inlines = [DeploymentInline]
    actions = ["approve", "test"]
    readonly_fields = [
        "state",
        "revival",
        "granted",
        "launches",
        "report",
        "addresses",
        "public_id",
        "created_at",
        "archived_at",
    ]
    fieldsets = [
        (None, {"fields": ["institution", "name", "state", "active", "trust_new_deployments"]}),
        (_("What works"), {"fields": ["granted", "launches", "report"]}),
        (
            _("The LMS"),
            {
                "fields": [
                    "product",
                    "issuer",
                    "client_id",
                    "auth_login_url",
                    "auth_token_url",
                    "auth_audience",
                    "key_set_url",
                ]
            },
        ),
        (
            _("Hosts and trust"),
            {"fields": ["service_hosts", "frame_origins", "learned_origins", "section_ids_trusted"]},
        ),
        (_("Addresses for the LMS"), {"fields": ["addresses", "public_id", "created_at", "archived_at"]}),
    ]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/approve/", wrap(require_POST(self.approve_view)), name="lti_tool_approve"),
            path("<int:pk>/test/", wrap(require_POST(self.test_view)), name="lti_tool_test"),
            *super().get_urls(),
        ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An archived one is looked at; registering it again brings it back."""
        return super().has_change_permission(request, obj) and (obj is None or obj.archived_at is None)

    # --- adding by hand ---

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First the family, then its form; "fill" shows the addresses that follow from what was typed."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        first = institution_first(request)
        if first:
            return first
        family = families.find(request.GET.get("family", ""))
        if family is None:
            page = {"families": families.FAMILIES, "title": _("Which LMS is it?")}
            return self._page(request, "choose_family.html", page)
        if request.method != "POST":
            return self._form_page(request, self._form(request, family))
        if "fill" in request.POST:
            return self._filled(request, family)
        form = self._form(request, family, data=request.POST)
        return self._added(request, form) if form.is_valid() else self._form_page(request, form)

    def _form(self, request: HttpRequest, family: families.Family, **options: Any) -> ByHandForm:
        return ByHandForm(family, institutions_of(request.user), **options)

    def _filled(self, request: HttpRequest, family: families.Family) -> HttpResponse:
        form = self._form(request, family, data=request.POST)
        try:
            form = self._form(request, family, initial=form.filled())
        except by_hand.Unfit as error:
            form.add_error(error.field, str(error))
        return self._form_page(request, form)

    def _form_page(self, request: HttpRequest, form: ByHandForm) -> HttpResponse:
        page = {
            "form": form,
            "family": form.family,
            "paste": by_hand.to_paste(form.family),
            "title": _("Register an LMS: {family}").format(family=form.family.title),
        }
        return self._page(request, "by_hand.html", page)

    def _page(self, request: HttpRequest, template: str, page: dict[str, Any]) -> HttpResponse:
        frame = self.admin_site.each_context(request) | {"opts": self.opts}
        return render(request, f"admin/lti_tool/registration/{template}", frame | page)

    def _added(self, request: HttpRequest, form: ByHandForm) -> HttpResponse:
        row = form.save()
        self.log_addition(request, row, [{"added": {}}])
        messages.success(request, _("%(name)s is registered. Now test the connection.") % {"name": row.name})
        return self._to(row)

    # --- approving and testing ---

    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self._changeable(request, pk)
        if approvals.approve(row):
            self.log_change(request, row, "approved")
            messages.success(request, _("%(name)s is approved.") % {"name": row.name})
        return self._to(row)

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self._changeable(request, pk)
        self._test(request, row)
        return self._to(row)

    def _changeable(self, request: HttpRequest, pk: int) -> Registration:
        row: Registration | None = self.get_queryset(request).filter(pk=pk).first()
        if row is None:
            raise Http404
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        return row

    def _to(self, row: Registration) -> HttpResponseRedirect:
        return redirect("admin:lti_tool_registration_change", row.pk)

    def _test(self, request: HttpRequest, row: Registration) -> None:
        failed = [finding for finding in connection_test.run(row) if not finding.ok]
        for finding in failed:
            messages.error(request, f"{row.name}: {finding.text} {finding.advice}")
        if not failed:
            messages.success(request, _("%(name)s works.") % {"name": row.name})

    @admin.action(description=_("Approve the selected registrations"), permissions=["change"])
    def approve(self, request: HttpRequest, rows: QuerySet[Registration]) -> None:
        count = sum(approvals.approve(row) for row in rows)
        messages.success(request, _("%(count)d approved.") % {"count": count})

    @admin.action(description=_("Test the selected registrations"), permissions=["change"])
    def test(self, request: HttpRequest, rows: QuerySet[Registration]) -> None:
        for row in rows.filter(archived_at=None):
            self._test(request, row)

    # --- editing and deleting ---

    def save_model(self, request: HttpRequest, obj: Registration, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "active" in form.changed_data and not obj.active:
            archiving.end_access(obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], Any, set[str], list[Any]]:
        """What will happen, in words: what Django would list as protected is archived, not deleted."""
        texts = [self._fate(row) for row in objs]
        denied = {str(self.opts.verbose_name)} if not self.has_delete_permission(request) else set()
        return texts, {}, denied, []

    def _fate(self, row: Registration) -> str:
        courses = Context.objects.filter(deployment__registration=row).count()
        if not courses:
            return str(_("%(name)s: deleted.") % {"name": row.name})
        text = ngettext(
            "%(name)s: archived. Nobody can launch from it; its course and its history stay.",
            "%(name)s: archived. Nobody can launch from it; its %(count)d courses and their history stay.",
            courses,
        )
        return text % {"name": row.name, "count": courses}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """An archived one says first how it comes back."""
        found = list(super().get_fieldsets(request, obj))
        if obj is None or obj.archived_at is None:
            return found
        return [(None, {"fields": ["revival"]}), *found]

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        """Django says "was deleted" of what was archived, too."""
        if not Registration.objects.filter(pk=obj_id).exists():
            return super().response_delete(request, obj_display, obj_id)
        messages.success(request, _("%(name)s is archived.") % {"name": obj_display})
        return redirect("admin:lti_tool_registration_changelist")

    def delete_model(self, request: HttpRequest, obj: Registration) -> None:
        archiving.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        for row in queryset:
            archiving.remove(row)

    # --- what is shown ---

    @admin.display(description=_("state"))
    def state(self, row: Registration) -> str:
        return str(STATES[approvals.state_of(row)])

    @admin.display(description=_("how it comes back"))
    def revival(self, row: Registration) -> str:
        return str(
            _(
                "Register it again with the same issuer and client id: its courses and their history come back."
            )
        )

    @admin.display(description=_("granted by the LMS"))
    def granted(self, row: Registration) -> Any:
        if row.granted_scopes is None:
            return _("Not known yet: the connection test asks.")
        lines = [(str(use.title), str(_("granted"))) for use in granted.held(row.granted_scopes)]
        lines += [(str(use.title), str(use.without)) for use in granted.missing(row.granted_scopes)]
        return format_html_join("", "<div>{}: {}</div>", lines)

    @admin.display(description=_("offered at launches"))
    def launches(self, row: Registration) -> Any:
        """The platform may have cut a right since: its last launches' own claims say so."""
        recent = Context.objects.filter(deployment__registration=row, launched_at__isnull=False)
        courses = list(recent.order_by("-launched_at")[:RECENT])
        if not courses:
            return _("No course was launched yet.")
        missing = Counter(
            use
            for course in courses
            for use in granted.missing_at_launch(
                course.ags_scopes, course.lineitems_url, course.memberships_url
            )
        )
        if not missing:
            return _("All that the tool needs, in the courses launched last.")
        words = _("not offered in {count} of the {all} courses launched last")
        lines = [(use.title, words.format(count=n, all=len(courses))) for use, n in missing.items()]
        return format_html_join("", "<div>{}: {}</div>", lines)

    @admin.display(description=_("connection test"))
    def report(self, row: Registration) -> Any:
        if not row.tested_at:
            return _("Not tested yet.")
        lines = [
            (_("ok") if line["ok"] else _("trouble"), line["text"], line["advice"])
            for line in row.test_report
        ]
        return format_html_join("", "<div><strong>{}</strong> {} {}</div>", lines)

    @admin.display(description=_("for the LMS"))
    def addresses(self, row: Registration) -> Any:
        if not row.pk:
            return ""
        lines = [
            (_("launch"), public_url("launch")),
            (_("login"), public_url("login")),
            (_("login, where the LMS sends no client id"), public_url("login-of", row.public_id)),
            (_("key set"), public_url("jwks")),
        ]
        return format_html_join("", "<div>{}: {}</div>", lines)


@admin.register(Deployment)
class DeploymentAdmin(OfInstitution):
    institution = "registration__institution"
    list_display = ["deployment_id", "registration", "platform_guid", "active", "created_at"]
    list_filter = [("registration", OwnOnly), "active"]
    list_select_related = ["registration"]
    search_fields = ["deployment_id", "platform_guid"]
    actions = ["approve"]

    def get_urls(self) -> list[URLPattern]:
        approve = self.admin_site.admin_view(require_POST(self.approve_view))
        return [path("<int:pk>/approve/", approve, name="lti_tool_approve_deployment"), *super().get_urls()]

    def approve_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        row: Deployment | None = self.get_queryset(request).filter(pk=pk).first()
        if row is None:
            raise Http404
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        Deployment.objects.filter(pk=row.pk).update(active=True)
        self.log_change(request, row, "approved")
        messages.success(request, _("%(name)s is approved.") % {"name": row})
        return HttpResponseRedirect(reverse("admin:index"))

    @admin.action(description=_("Approve the selected deployments"), permissions=["change"])
    def approve(self, request: HttpRequest, rows: QuerySet[Deployment]) -> None:
        count = rows.update(active=True)
        messages.success(request, _("%(count)d approved.") % {"count": count})
