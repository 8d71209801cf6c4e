"""The pages of LTI Dynamic Registration: shown inside the platform's own registration window."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from lti_tool import granted, invites, registration, tool_description
from lti_tool.errors import ADMINISTRATOR, RegistrationRefused
from lti_tool.models import Invite, Registration
from lti_tool.origins import origin_of
from lti_tool.pages import refused_page
from lti_tool.platform_configuration import Platform, read_platform

logger = logging.getLogger(__name__)


@csrf_exempt  # in the LMS's frame no cookie of ours is kept; the one-time invite in the address is what proves her
@require_http_methods(["GET", "POST"])
def register_view(request: HttpRequest, invite: str) -> HttpResponse:
    """GET shows who asks; POST registers. Nothing is fetched without a valid invite."""
    found = invites.find(invite)
    if found is None:
        return _open_window(refused_page(request, _no_invite()))
    try:
        response = _confirmed(request, found) if request.method == "POST" else _confirm(request, found)
    except RegistrationRefused as refusal:
        logger.info("LTI registration refused: %s (invite %s)", refusal.code, found.pk)
        response = refused_page(request, refusal)
    return _open_window(response)


def _confirm(request: HttpRequest, invite: Invite) -> HttpResponse:
    configuration = request.GET.get("openid_configuration", "")
    token = request.GET.get("registration_token", "")
    page = {"invite": invite, "openid_configuration": configuration, "registration_token": token}
    if configuration:
        page |= _asked(request, read_platform(configuration, token))
    return render(request, "lti_tool/register.html", page)


def _asked(request: HttpRequest, platform: Platform) -> dict[str, Any]:
    """What the administrator is shown before anything is registered."""
    return {
        "platform": platform,
        "uses": granted.USES,
        "parameters": tool_description.parameters(platform),
        "places": tool_description.places(platform),
        # the page that frames us, as the browser tells it: where the issuer does not say whose LMS it is
        "site": origin_of(request.headers.get("Referer", "")) if platform.one_issuer_for_all else "",
    }


def _confirmed(request: HttpRequest, invite: Invite) -> HttpResponse:
    configuration = request.POST.get("openid_configuration", "")
    token = request.POST.get("registration_token", "")
    site = registration.site_of(request.POST.get("site", ""))
    if not invites.take(invite):
        raise _no_invite()
    try:
        made = registration.register(read_platform(configuration, token), token, invite, site)
    except RegistrationRefused:
        invites.give_back(invite)
        raise
    invites.spent_on(invite, made)
    return _done(request, made)


def _done(request: HttpRequest, made: Registration) -> HttpResponse:
    logger.info("LTI registration %s stored", made.pk)
    page = {
        "registration": made,
        "granted": granted.held(made.granted_scopes),
        "missing": granted.missing(made.granted_scopes),
        "remedy": granted.REMEDY,
    }
    return render(request, "lti_tool/registered.html", page)


def _open_window(response: HttpResponse) -> HttpResponse:
    # a platform may use a popup: with the default opener policy our page could not tell it to close
    response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
    # the platform's one-time token stands in this page's address
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _no_invite() -> RegistrationRefused:
    return RegistrationRefused(
        "invite",
        _("This registration address was used already, or is no longer valid."),
        _("Ask for a new one."),
        ADMINISTRATOR,
        status=404,
    )
