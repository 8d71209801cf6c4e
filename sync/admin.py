"""The administrator's view: connections (secrets can be written, never read), links, and the log of what was sent.

Staff see their own institutions only (`lti_tool.staff.institutions_of`); the log is looked at, not edited.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet, URLField
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from lti_tool import admin as lti_admin
from lti_tool.admin import OwnOnly
from sync import class_request_admin, engine, grant_admin
from sync.engine import checking, grants
from sync.errors import AdapterError
from sync.forms import ClassLinkByAdminForm, LmsConnectionForm, SisConnectionForm
from sync.lms import registry as lms_registry
from sync.models import (
    AuditEntry,
    ClassLink,
    ContextState,
    Decision,
    GradeChange,
    GradeExtra,
    GradeScheme,
    LineItemLink,
    LmsConnection,
    Run,
    SentGrade,
    SisConnection,
    StudentLink,
)
from sync.overview_admin.deeds import in_words
from sync.sis import registry as sis_registry
from sync.views.rows import words
from sync.views.wording import CAPABILITIES

__all__ = ["class_request_admin", "grant_admin"]
OF_CONTEXT = "context__deployment__registration__institution"


class OfInstitution(lti_admin.OfInstitution):
    """Also a choice of connections is one of the own institutions'."""

    own = lti_admin.OWN | {SisConnection: "institution"}


class Log(OfInstitution):
    """What happened: looked at, not edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class ConnectionAdmin(OfInstitution):
    list_filter = [("institution", OwnOnly), "adapter", "active"]
    list_select_related = ["institution"]
    search_fields = ["name"]
    readonly_fields = ["trouble"]
    registry: Any = None

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "adapter":
            return forms.ChoiceField(choices=[(name, name) for name in self.registry.names()])
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description=_("healthy"), boolean=True)
    def healthy(self, row: SisConnection | LmsConnection) -> bool:
        return not row.trouble


@admin.register(SisConnection)
class SisConnectionAdmin(ConnectionAdmin):
    form = SisConnectionForm
    registry = sis_registry
    list_display = ["name", "adapter", "institution", "active", "healthy"]
    readonly_fields = ["trouble", "abilities"]
    actions = ["try_out"]

    @admin.display(description=_("what it can hold and do"))
    def abilities(self, row: SisConnection) -> str:
        """By its adapter and options as saved; the SIS itself is not asked."""
        if row.pk is None:
            return "–"
        try:
            able = checking.capabilities_of(row)
        except AdapterError as error:
            return str(error)
        ordered = sorted(able, key=lambda one: not one.has)
        lines = [("✓" if one.has else "✗", CAPABILITIES[one.code][not one.has]) for one in ordered]
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{} {}</li>", lines))

    def save_model(self, request: HttpRequest, obj: SisConnection, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        engine.profile_changed(obj)

    @admin.action(description=_("Check the selected connections"), permissions=["change"])
    def try_out(self, request: HttpRequest, rows: QuerySet[SisConnection]) -> None:
        for row in rows:
            try:
                findings = checking.check(row)
            except AdapterError as error:
                messages.error(request, f"{row}: {error}")
                continue
            for one in findings:
                tell = messages.success if one.ok else messages.error
                tell(request, f"{row}: {one.title}. {one.text}")


@admin.register(LmsConnection)
class LmsConnectionAdmin(ConnectionAdmin):
    form = LmsConnectionForm
    registry = lms_registry
    list_display = ["name", "adapter", "registration", "institution", "access", "active", "healthy"]
    readonly_fields = ["trouble", "redirect_address"]

    @admin.display(description=_("redirect address"))
    def redirect_address(self, row: LmsConnection) -> str:
        """To be registered at the LMS with the key that teachers connect by."""
        return grants.redirect_uri()


@admin.register(ClassLink)
class ClassLinkAdmin(OfInstitution):
    """Adding one is an administrator's own word that this course is that class."""

    institution = "connection__institution"
    list_display = ["title", "class_id", "connection", "context", "proof", "linked_by", "lapsed"]
    list_filter = [("connection", OwnOnly), "proof"]
    list_select_related = ["connection", "context"]
    search_fields = ["title", "class_id", "context__title"]
    actions = ["unlink"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change=change, **kwargs)
        form: Any = super().get_form(request, obj, change=change, form=ClassLinkByAdminForm, **kwargs)
        form.who = engine.Who(request.user.get_username())
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fields(request, obj) if obj else ("context", "connection", "class_id")

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.action(description=_("Remove the selected links (grades in the SIS stay)"), permissions=["add"])
    def unlink(self, request: HttpRequest, rows: QuerySet[ClassLink]) -> None:
        for row in rows:
            try:
                engine.unlink_class(row, engine.Who(request.user.get_username()))
            except engine.EngineError as error:
                messages.error(request, f"{row}: {error.text}")
            else:
                messages.success(request, _("%(link)s is not linked any more.") % {"link": row})


@admin.register(LineItemLink)
class LineItemLinkAdmin(Log):
    institution = "connection__institution"
    list_display = ["lms_title", "title", "class_link", "state", "scale", "linked_by", "updated_at"]
    list_filter = ["state", "kind", ("connection", OwnOnly)]
    list_select_related = ["class_link"]
    search_fields = ["lms_title", "title", "line_item_id"]


@admin.register(StudentLink)
class StudentLinkAdmin(Log):
    institution = "registration__institution"
    list_display = ["lms_user_id", "student_id", "connection", "excluded", "confirmed_name", "created_at"]
    list_filter = [("registration", OwnOnly)]
    list_select_related = ["connection"]
    search_fields = ["lms_user_id", "student_id"]


@admin.register(GradeScheme)
class GradeSchemeAdmin(Log):
    institution = OF_CONTEXT
    list_display = ["title", "source", "context", "version", "fetched_at"]
    list_select_related = ["context"]
    search_fields = ["title", "context__title"]


@admin.register(ContextState)
class ContextStateAdmin(Log):
    institution = OF_CONTEXT
    list_display = ["context", "slot", "read_at", "last_students", "last_results"]
    list_select_related = ["context", "slot"]
    exclude = ["snapshot"]


@admin.register(Run)
class RunAdmin(Log):
    institution = OF_CONTEXT
    list_display = ["id", "context", "state", "asked_name", "created_at", "finished_at", "message"]
    list_filter = ["state", "unattended"]
    list_select_related = ["context"]
    search_fields = ["context__title", "asked_name"]
    date_hierarchy = "created_at"
    exclude = ["lease_token"]


@admin.register(GradeChange)
class GradeChangeAdmin(Log):
    """The log of every grade that was to be written: before, after, why, and what the SIS said."""

    institution = "connection__institution"
    list_display = [
        "student_name",
        "item_title",
        "was",
        "will_be",
        "state",
        "code",
        "run",
        "sent_at",
        "answered_at",
    ]
    list_filter = ["state", "code", ("connection", OwnOnly)]
    list_select_related = ["run"]
    search_fields = ["student_name", "student_id", "item_title", "line_item_id"]
    date_hierarchy = "planned_at"

    @admin.display(description=_("before"))
    def was(self, row: GradeChange) -> str:
        return words(row.before)

    @admin.display(description=_("after"))
    def will_be(self, row: GradeChange) -> str:
        return words(row.after)


@admin.register(SentGrade)
class SentGradeAdmin(Log):
    institution = "connection__institution"
    list_display = ["student_id", "line_item_id", "class_id", "connection", "result_id", "sent_at"]
    list_filter = [("connection", OwnOnly)]
    list_select_related = ["connection"]
    search_fields = ["student_id", "line_item_id", "class_id"]


@admin.register(Decision)
class DecisionAdmin(Log):
    institution = "connection__institution"
    list_display = ["kind", "student_id", "line_item_id", "code", "decided_by", "decided_at", "lapsed_at"]
    list_filter = ["kind", ("connection", OwnOnly)]
    search_fields = ["student_id", "line_item_id"]


@admin.register(GradeExtra)
class GradeExtraAdmin(Log):
    """What teachers entered beside grades: who, and when."""

    institution = "connection__institution"
    list_display = ["student_id", "line_item_id", "class_id", "connection", "entered_by", "entered_at"]
    list_filter = [("connection", OwnOnly)]
    list_select_related = ["connection"]
    search_fields = ["student_id", "line_item_id", "class_id"]
    date_hierarchy = "entered_at"


@admin.register(AuditEntry)
class AuditEntryAdmin(Log):
    """What administrators did and looked up, and for whom, and who entered what the SIS wants beside a grade."""

    list_display = ["at", "who", "on_behalf_of", "what", "about", "detail", "institution"]
    list_filter = ["action", ("institution", OwnOnly)]
    list_select_related = ["institution"]
    search_fields = ["who", "on_behalf_of", "about"]
    date_hierarchy = "at"

    @admin.display(description=_("what"))
    def what(self, row: AuditEntry) -> str:
        return str(in_words(row))
