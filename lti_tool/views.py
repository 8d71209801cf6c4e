"""The addresses that a platform knows: login, launch, key set, Canvas's configuration; and the steps between two of them."""

from __future__ import annotations

import logging
import uuid

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from lti_tool import canvas, cookies, keys, landing, launch, login, origins, refusals
from lti_tool.errors import LtiRefused
from lti_tool.middleware import allow_frame
from lti_tool.models import Registration
from lti_tool.pages import refused_page
from lti_tool.resuming import as_json

logger = logging.getLogger(__name__)


@csrf_exempt  # comes from the platform's site; the state binds it to this browser
@require_http_methods(["GET", "POST"])
def login_view(request: HttpRequest, registration_id: uuid.UUID | None = None) -> HttpResponse:
    """Third-party initiated login, by GET or POST."""
    parameters = {name: str(value) for name, value in {**request.GET.dict(), **request.POST.dict()}.items()}
    by_script = landing.needs_script(request, bool(parameters.get("lti_storage_target")))
    try:
        started = login.start(parameters, registration_id, by_script=by_script)
    except LtiRefused as refusal:
        _log(refusal, None)
        return refused_page(request, refusal)
    if by_script:
        return landing.check_page(request, started)
    return allow_frame(started.redirect(), origins.frame_origins(started.row.registration))


@csrf_exempt  # asked by our own page, in a frame; tells nothing that the browser does not know
@require_POST
def kept_view(request: HttpRequest) -> HttpResponse:
    """Did this browser keep the cookie of the login whose state it posts?"""
    state = request.POST.get("state", "")
    row = login.under_way(state)
    kept = row is not None and login.proof(row, request, state) == "cookie"
    response = as_json({"kept": "yes" if kept else "no"})
    if kept:
        landing.remember_that_cookies_are_kept(response)
    return response


@csrf_exempt  # posted into a new tab by our own page; whoever has the state may begin that login again
@require_POST
def again_view(request: HttpRequest) -> HttpResponse:
    """The same login once more, in a tab of its own, where cookies are first-party."""
    try:
        return login.again(request.POST.get("state", "")).redirect()
    except LtiRefused as refusal:
        _log(refusal, None)
        return refused_page(request, refusal)


@csrf_exempt  # comes from the platform's site; state, nonce and signature stand for the token
@require_http_methods(["GET", "POST"])
def launch_view(request: HttpRequest) -> HttpResponse:
    """The platform's answer. An accepted launch ends at the course page, a refused one at a page that says why.

    Where the browser did not keep the login's cookie, a page of ours asks the LMS's storage and posts here once more,
    by script; that is answered in JSON.
    """
    if request.method == "GET":
        return refused_page(request, refusals.reloaded())
    if "error" in request.POST:
        return refused_page(request, refusals.platform_error())
    arrived = launch.Launch(request)
    response = _answered(request, arrived)
    if login.login_cookie(request.POST.get("state", "")) in _cookie_names(request):
        cookies.drop(response, login.login_cookie(request.POST.get("state", "")))
    return allow_frame(response, arrived.frame_origins)


def _answered(request: HttpRequest, arrived: launch.Launch) -> HttpResponse:
    try:
        message = arrived.read()
        return landing.accepted(request, arrived, message)
    except launch.Unproven:
        if login.by_own_script(request):
            return landing.refused(request, arrived, refusals.state())
        return landing.proof_page(request, arrived)
    except LtiRefused as refusal:
        _log(refusal, arrived.registration)
        return landing.refused(request, arrived, refusal)


def _cookie_names(request: HttpRequest) -> set[str]:
    return {name.removeprefix("__Host-") for name in request.COOKIES}


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
