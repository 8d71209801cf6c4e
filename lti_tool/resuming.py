"""After a reload without a cookie: the page asks the browser's own stores for a one-time handle; else she launches again."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse

from lti_tool import cookies, origins, refusals, sessions
from lti_tool.errors import LtiRefused
from lti_tool.models import Context
from lti_tool.origins import origin_of
from lti_tool.pages import refused_page
from lti_tool.sessions import Lti, Opened

HANDLE_HEADER = "X-GradeSync-Resume"
BACK_COOKIE = "gradesync_back"
BACK_S = 600


def resume_page(
    request: HttpRequest, refusal: LtiRefused, lti: Lti, public_id: uuid.UUID | str
) -> HttpResponse:
    """The refusal as a page whose script tries to resume first. The next launch of this course leads back here."""
    former = lti.former
    course = Context.objects.filter(public_id=public_id).select_related("deployment__registration").first()
    page = {"resume": _where_to_ask(course)} if course and request.method == "GET" else {}
    response = refused_page(request, refusal, former.return_url if former else "", **page)
    shown = _page_shown(request)
    if shown:
        cookies.put(response, BACK_COOKIE, shown, BACK_S)
    return response


def _where_to_ask(course: Context) -> dict[str, str]:
    registration = course.registration
    return {
        "course": str(course.public_id),
        "storage_target": registration.storage_target,
        "storage_origin": origins.origin_of(registration.auth_login_url),
        "address": reverse("lti_tool:resume"),
    }


def _page_shown(request: HttpRequest) -> str:
    """The page that she wants or has before her, where it is one of ours: of a part or a form, the one around it."""
    script, boosted = request.headers.get("HX-Request"), request.headers.get("HX-Boosted")
    if request.method == "GET" and (boosted or not script):
        return request.path if request.path.endswith("/") else ""
    address = request.headers.get("HX-Current-URL", "")
    return urlsplit(address).path if origin_of(address) == origin_of(settings.PUBLIC_URL) else ""


def page_to_return(request: HttpRequest, landing: str) -> str:
    """Where this launch lands: the page of the same course that she could not see before it, else `landing`."""
    path = request.COOKIES.get(cookies.full_name(BACK_COOKIE), "")
    return path if path.startswith(landing) and "\\" not in path and "//" not in path else landing


def resume_view(request: HttpRequest) -> HttpResponse:
    """POST by script with the handle in a header, which no other site can send: a new acting token and handle."""
    found = sessions.resume(request.headers.get(HANDLE_HEADER, ""))
    if isinstance(found, Opened):
        return as_json({"session": found.acting, "resume": found.resume})
    return as_json({"return_url": found.return_url if found else ""}, refusals.SESSION_OVER)


def as_json(values: dict[str, str], status: int = 200) -> JsonResponse:
    return JsonResponse(values, status=status, headers={"Cache-Control": "no-store"})
