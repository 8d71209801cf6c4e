"""One-time links to files: a download is a navigation, which can carry no header, so the header is shown before."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import resolve, reverse
from django.utils import timezone

from lti_tool import refusals
from lti_tool.middleware import allow_frame
from lti_tool.models import DownloadTicket, LtiSession
from lti_tool.origins import session_origins
from lti_tool.pages import refused_page
from lti_tool.sessions import Lti, digest, is_alive

VALID = timedelta(seconds=30)


def answer(request: HttpRequest, session: LtiSession) -> HttpResponse:
    """To a POST of a file's own address: the link that gives this file once, within 30 seconds, to whoever has it."""
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    DownloadTicket.objects.create(
        token_hash=digest(token), session=session, path=request.path, expires_at=now + VALID
    )
    address = reverse("lti_tool:file", args=[token])
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": address, "Cache-Control": "no-store"})
    return HttpResponseRedirect(address, headers={"Cache-Control": "no-store"})


def file_view(request: HttpRequest, token: str) -> HttpResponse:
    """GET: the file. 404 when the link was used, or its 30 seconds or its session are over."""
    ticket = _used_up(token)
    if ticket is None:
        return refused_page(request, refusals.file_taken())
    request.lti = Lti(ticket.session)  # type: ignore[attr-defined]  # as LtiMiddleware does
    view, positional, named = resolve(ticket.path)
    response: HttpResponse = view(request, *positional, **named)
    return allow_frame(response, session_origins(ticket.session))


def _used_up(token: str) -> DownloadTicket | None:
    """The ticket of this token, deleted before anything is read: of two who take it, one gets it."""
    rows = DownloadTicket.objects.select_related(
        "session__membership__context__deployment__registration", "session__acting_admin"
    )
    found = rows.filter(token_hash=digest(token), expires_at__gt=timezone.now()).first()
    if found is None or not DownloadTicket.objects.filter(pk=found.pk).delete()[0]:
        return None
    return found if is_alive(found.session) else None
