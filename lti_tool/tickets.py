"""One-time links to files: a download is a navigation, which can carry no header, so the header is shown before."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import resolve, reverse
from django.utils import timezone

from lti_tool.models import DownloadTicket, LtiSession
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
    """GET: the file. The link is used up before anything is read; 404 when it was used or is over."""
    found = get_object_or_404(
        DownloadTicket.objects.select_related(
            "session__membership__context__deployment__registration", "session__acting_admin"
        ),
        token_hash=digest(token),
        expires_at__gt=timezone.now(),
    )
    used_now, _rows = DownloadTicket.objects.filter(pk=found.pk).delete()
    if not used_now or not is_alive(found.session):
        return HttpResponse(status=404)
    request.lti = Lti(found.session)  # type: ignore[attr-defined]  # as LtiMiddleware does
    view, positional, named = resolve(found.path)
    response: HttpResponse = view(request, *positional, **named)
    return response
