"""Teachers' requests for a class link, before an administrator: one click links the class, or declines with a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from lti_tool.admin import OfInstitution, OwnOnly
from lti_tool.staff import institutions_of, name_of
from sync import engine
from sync.engine import audit
from sync.engine.class_requests import unmet
from sync.errors import AdapterError
from sync.models import ClassRequest

RIGHT = "sync.add_classlink"  # who may link a class by her word may answer a request for it


def waiting_for(user: Any) -> QuerySet[ClassRequest]:
    """Requests that wait in her institutions; none for a member of staff who may not link classes."""
    if not user.has_perm(RIGHT):
        return ClassRequest.objects.none()
    rows = ClassRequest.objects.filter(state="waiting", connection__institution__in=institutions_of(user))
    return unmet(rows).select_related("connection", "context").order_by("asked_at", "pk")


@admin.register(ClassRequest)
class ClassRequestAdmin(OfInstitution):
    """What was asked and answered; the answers are given in the box above the list and on the front page."""

    institution = "connection__institution"
    list_display = ["class_id", "found_title", "context", "connection", "asked_name", "asked_at", "state"]
    list_filter = ["state", ("connection", OwnOnly)]
    list_select_related = ["connection", "context"]
    search_fields = ["class_id", "found_title", "context__title", "asked_name"]
    ordering = ["-asked_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        return [
            path("<int:pk>/grant/", self._answering(self._grant), name="sync_classrequest_grant"),
            path("<int:pk>/decline/", self._answering(self._decline), name="sync_classrequest_decline"),
            *super().get_urls(),
        ]

    def _answering(self, answer: Callable[[HttpRequest, ClassRequest], None]) -> Any:
        """A form of somebody who may answer; whatever becomes of it is told on the front page of the admin."""

        def answering(request: HttpRequest, pk: int) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            asked = (
                self.get_queryset(request)
                .select_related("context", "connection__institution")
                .filter(pk=pk)
                .first()
            )
            if asked is None:
                raise Http404
            if not request.user.has_perm(RIGHT):
                raise PermissionDenied
            try:
                answer(request, asked)
            except (engine.EngineError, AdapterError) as error:
                messages.error(request, f"{asked.class_id}: {error}")
            return redirect("admin:index")

        return self.admin_site.admin_view(answering)

    def _grant(self, request: HttpRequest, asked: ClassRequest) -> None:
        class_id = request.POST.get("class_id", "").strip() or asked.class_id
        self._note(request, asked, f"class request: link {class_id}")
        link = engine.grant_request(asked, class_id, engine.Who(name_of(request.user)))
        self.log_change(request, asked, "granted")
        told = _("“%(title)s” (%(id)s) is linked to the course “%(course)s”.")
        messages.success(request, told % {"title": link, "id": link.class_id, "course": asked.context})

    def _decline(self, request: HttpRequest, asked: ClassRequest) -> None:
        reason = request.POST.get("reason", "").strip()
        if not reason:
            raise engine.EngineError(_("Say why: the teacher reads it."))
        self._note(request, asked, "class request: decline")
        engine.decline_request(asked, reason, engine.Who(name_of(request.user)))
        self.log_change(request, asked, "declined")
        messages.success(request, _("Declined. The teacher sees the reason on her page."))

    def _note(self, request: HttpRequest, asked: ClassRequest, what: str) -> None:
        institution = asked.connection.institution
        audit.note(institution, request.user, "approve", asked.context, detail=what, context=asked.context)
