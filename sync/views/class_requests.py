"""Where no proof exists: she asks an administrator to link the class, and sees the answer on her pages."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from lti_tool.models import Context
from sync import engine
from sync.engine.class_requests import unmet
from sync.forms import AskForClassForm
from sync.models import ClassRequest
from sync.views.asking import Request, action, course_of, to, told, who_of


@action
def ask(request: Request, public_id: UUID) -> HttpResponse:
    form = AskForClassForm(request.POST, institution=course_of(request).institution)
    if not form.is_valid():
        messages.error(request, _("Say which SIS and which class: its id, or the name that you know."))
        return to(request, "classes", anchor="ask")
    wish = form.cleaned_data
    with told(request):
        engine.ask_for_class(
            course_of(request), wish["connection"], wish["class_id"], wish["note"], who_of(request)
        )
        messages.success(
            request, _("Your administrator sees your request now. The answer will stand on this page.")
        )
    return to(request, "classes", anchor="requests")


@action
def take_back(request: Request, public_id: UUID, request_id: int) -> HttpResponse:
    asked = get_object_or_404(ClassRequest, pk=request_id, context=course_of(request))
    with told(request):
        engine.take_back_request(asked, who_of(request))
        messages.success(request, _("Your request is taken back."))
    return to(request, "classes")


def open_requests(context: Context) -> list[ClassRequest]:
    """What a teacher should see: requests that wait, and the newest refusal of each class that is not asked for again."""
    rows = ClassRequest.objects.filter(context=context, state__in=("waiting", "declined", "linked"))
    newest: dict[tuple[int, str], ClassRequest] = {}
    for row in unmet(rows).select_related("connection").order_by("-pk")[:50]:
        newest.setdefault((row.connection_id, row.class_id), row)
    return [row for row in newest.values() if row.state != "linked"]
