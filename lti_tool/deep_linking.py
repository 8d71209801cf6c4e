"""The answer to a deep linking launch (Deep Linking 2.0 §4.5): this tool, as one link, signed. For LMSs without a course menu entry."""

from __future__ import annotations

import secrets
import time
from typing import Any

import jwt
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lti_tool import canvas, http, keys, origins, people
from lti_tool.claims import DL, LTI, RESOURCE_LINK_ITEM, Claims, DeepLinking
from lti_tool.errors import LMS_ADMINISTRATOR, LaunchRefused
from lti_tool.login import public_url
from lti_tool.middleware import allow_forms_to
from lti_tool.models import Registration

VALID_S = 300


def answer_page(request: HttpRequest, registration: Registration, message: Claims) -> HttpResponse:
    """A form that posts itself to the LMS. Raises LaunchRefused where the LMS wants it by plain http."""
    wish = message.deep_linking
    if wish is None:
        raise LookupError("This launch asks for no link.")
    people.approved_deployment(registration, message)
    _check(wish)
    page = {
        "address": wish.return_url,
        "JWT": signed(answer(registration, message, wish)),
        "host": "" if _is_known(registration, wish.return_url) else http.host_of(wish.return_url),
    }
    response = render(request, "lti_tool/deep_link.html", page)
    response.headers["Cache-Control"] = "no-store"
    return allow_forms_to(response, [origins.origin_of(wish.return_url)])


def answer(registration: Registration, message: Claims, wish: DeepLinking) -> dict[str, Any]:
    """The claims of the answer: one link that opens this tool in the course."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": registration.client_id,
        "aud": registration.issuer,
        "iat": now,
        "exp": now + VALID_S,
        "nonce": secrets.token_urlsafe(32),
        LTI + "message_type": "LtiDeepLinkingResponse",
        LTI + "version": "1.3.0",
        LTI + "deployment_id": message.deployment_id,
        DL + "content_items": [
            {
                "type": RESOURCE_LINK_ITEM,
                "title": _(canvas.TITLE),
                "text": _(canvas.DESCRIPTION),
                "url": public_url("launch"),
            }
        ],
    }
    # to be echoed exactly, and left out where none came
    return claims if wish.data is None else {**claims, DL + "data": wish.data}


def signed(claims: dict[str, Any]) -> str:
    key = keys.active_key()
    return jwt.encode(claims, key.private_pem, algorithm="RS256", headers={"kid": key.kid})


def _check(wish: DeepLinking) -> None:
    if not origins.may_be_asked(wish.return_url):
        raise LaunchRefused(
            "link-elsewhere",
            gettext_lazy("The LMS wants the link sent to an address that is not safe."),
            who=LMS_ADMINISTRATOR,
        )


def _is_known(registration: Registration, url: str) -> bool:
    """A school's own host may be new to us; then a person sends the link, and sees where it goes."""
    known = http.host_allowed(url, origins.allowed_hosts(registration))
    return known or origins.origin_of(url) in origins.frame_origins(registration)
