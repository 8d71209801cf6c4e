"""A refusal as a page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from lti_tool.errors import LtiRefused


def refused_page(
    request: HttpRequest, refusal: LtiRefused, return_url: str = "", **more: Any
) -> HttpResponse:
    """What happened, what to do, who can help; the status says that the request was refused."""
    page = {"refusal": refusal, "return_url": return_url, **more}
    response = render(request, "lti_tool/refused.html", page, status=refusal.status)
    response.headers["Cache-Control"] = "no-store"
    # Django would log the path, which may hold a one-time invite; our own line names the code
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark
    return response
