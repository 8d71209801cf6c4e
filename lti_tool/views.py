"""The addresses that a platform knows: login, launch, key set, registration, Canvas's configuration."""

from __future__ import annotations

import logging
import uuid

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from lti_tool import canvas, cookies, keys, launch, login, refusals
from lti_tool.errors import LtiRefused
from lti_tool.middleware import allow_frame
from lti_tool.models import Registration
from lti_tool.pages import refused_page

logger = logging.getLogger(__name__)


@csrf_exempt  # comes from the platform's site; the state cookie binds it to this browser
@require_http_methods(["GET", "POST"])
def login_view(request: HttpRequest, registration_id: uuid.UUID | None = None) -> HttpResponse:
    """Third-party initiated login, by GET or POST."""
    parameters = {**request.GET.dict(), **request.POST.dict()}
    try:
        started = login.start({name: str(value) for name, value in parameters.items()}, registration_id)
    except LtiRefused as refusal:
        _log(refusal, None)
        return refused_page(request, refusal)
    return started.response()


@csrf_exempt  # comes from the platform's site; state, nonce and signature stand for the token
@require_http_methods(["GET", "POST"])
def launch_view(request: HttpRequest) -> HttpResponse:
    """The platform's answer. An accepted launch ends at the course page, a refused one at a page that says why."""
    if request.method == "GET":
        return refused_page(request, refusals.reloaded())
    if "error" in request.POST:
        return refused_page(request, refusals.platform_error())
    arrived = launch.Launch(request)
    try:
        response = launch.landing(*arrived.open())
    except LtiRefused as refusal:
        _log(refusal, arrived.registration)
        response = refused_page(request, refusal, arrived.return_url)
    cookies.drop(response, login.login_cookie(request.POST.get("state", "")))
    return allow_frame(response, arrived.frame_origins)


@require_GET
@cache_control(public=True, max_age=3600)
def jwks_view(request: HttpRequest) -> HttpResponse:
    """Our public keys."""
    return JsonResponse(keys.jwks())


@require_GET
def canvas_view(request: HttpRequest) -> HttpResponse:
    """What Canvas reads when an administrator adds a developer key by URL."""
    return JsonResponse(canvas.configuration())


def _log(refusal: LtiRefused, registration: Registration | None) -> None:
    logger.info("LTI refused: %s (registration %s)", refusal.code, registration.pk if registration else "-")
