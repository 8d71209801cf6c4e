"""Test a connection now, pause it or a whole institution, and let it go on."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from lti_tool.models import Institution
from lti_tool.staff import institutions_of
from sync.engine import audit, checking, pausing
from sync.errors import AdapterError
from sync.models import LmsConnection, Pause, SisConnection
from sync.overview_admin.desk import doing, to, who_of
from sync.overview_admin.grades import InstitutionForm

KINDS: Final[dict[str, Any]] = {"sis": SisConnection, "lms": LmsConnection}
RIGHT: Final = "sync.change_sisconnection"


@doing("sync.view_run")
def test(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    row = _connection(request, kind, pk)
    audit.note(row.institution, request.user, "test", row)
    try:
        findings = checking.check(row)
    except AdapterError as error:
        messages.error(request, f"{row}: {error}")
        return to("front")
    for one in findings:
        (messages.success if one.ok else messages.error)(request, f"{row}: {one.title}. {one.text}")
    return to("front")


@doing("sync.view_run")
def pause(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    row = _connection(request, kind, pk)
    _pause(request, row.institution, row)
    return to("front")


@doing(RIGHT)
def pause_all(request: HttpRequest) -> HttpResponse:
    form = InstitutionForm(request.user, request.POST)
    if not form.is_valid():
        raise Http404
    institution = form.cleaned_data["institution"]
    _pause(request, institution, None)
    return to("front")


def _pause(request: HttpRequest, institution: Institution, row: SisConnection | LmsConnection | None) -> None:
    reason = request.POST.get("reason", "").replace("\x00", "").strip()
    if pausing.pause(institution, who_of(request), reason, of=row):
        audit.note(institution, request.user, "pause", row or institution, detail=reason)
        text = _("%(name)s is paused: nothing is sent, reading goes on. Grades wait until you let it go on.")
    else:
        text = _("%(name)s was paused already.")
    messages.success(request, text % {"name": row or institution})


@doing("sync.view_run")
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    mine = Pause.objects.filter(institution__in=institutions_of(request.user))
    found = get_object_or_404(mine.select_related("institution", "connection", "reader"), pk=pk)
    _must_have(request, "lms" if found.reader_id else "sis")
    name = str(found)
    audit.note(found.institution, request.user, "resume", name)
    pausing.resume(found)
    messages.success(request, _("%(name)s goes on. What waited is sent now.") % {"name": name})
    return to("front")


def _connection(request: HttpRequest, kind: str, pk: int) -> Any:
    """A connection of her own institutions that she may change."""
    if kind not in KINDS:
        raise Http404
    mine = KINDS[kind].objects.filter(institution__in=institutions_of(request.user))
    row = get_object_or_404(mine.select_related("institution"), pk=pk)
    _must_have(request, kind)
    return row


def _must_have(request: HttpRequest, kind: str) -> None:
    if not request.user.has_perm(f"sync.change_{kind}connection"):
        raise PermissionDenied
