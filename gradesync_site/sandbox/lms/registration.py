"""LTI Dynamic Registration 1.0, the platform's side: what we are, and how a tool makes itself known."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from gradesync_site.sandbox.control import answer, loads
from gradesync_site.sandbox.lms import tools
from gradesync_site.sandbox.lms.campus import DEPLOYMENT_ID, Campus, issuer, refuse
from gradesync_site.sandbox.lms.id_token import SCOPES

Json = dict[str, Any]

PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
CLAIMS = ["sub", "iss", "name", "given_name", "family_name", "email", "locale"]


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("registration", __name__)

    @routes.get("/.well-known/openid-configuration")
    def configuration() -> Response:
        return answer(_configuration(issuer()))

    @routes.post("/lti/register")
    def register() -> Response:
        return _register(campus)

    return routes


def _configuration(base: str) -> Json:
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/lti/auth",
        "token_endpoint": f"{base}/lti/token",
        "jwks_uri": f"{base}/lti/jwks",
        "registration_endpoint": f"{base}/lti/register",
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["id_token"],
        "response_modes_supported": ["form_post"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", *SCOPES],
        "claims_supported": CLAIMS,
        PLATFORM_CONFIGURATION: {
            "product_family_code": "canvas",
            "version": "sandbox",
            "messages_supported": [{"type": "LtiResourceLinkRequest", "placements": ["course_navigation"]}],
            "variables": sorted({name for name in tools.CUSTOM.values() if "Integration" not in name}),
        },
    }


def _register(campus: Campus) -> Response:
    """A registration token is good for one tool; the answer is the registration as granted, with its client_id."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        asked: Json = dict(loads(request.get_data()))
    except (ValueError, TypeError):
        refuse(400, {"error": "invalid_client_metadata", "error_description": "A JSON object is wanted."})
    with campus.sandbox.lock:
        if campus.world.state["registrations"].get(token) != "":
            refuse(
                401, {"error": "invalid_token", "error_description": "This registration token is not open."}
            )
        problem = _problem(asked)
        if problem:
            refuse(400, {"error": "invalid_client_metadata", "error_description": problem})
        client_id = f"tool-{secrets.token_hex(6)}"
        tool = tools.register(campus.world, _tool(asked, client_id))
        campus.world.state["registrations"][token] = client_id
        campus.sandbox.stored("tools")
    granted = {TOOL_CONFIGURATION: asked[TOOL_CONFIGURATION] | {"deployment_id": DEPLOYMENT_ID}}
    return answer(asked | {"client_id": client_id, "scope": " ".join(tool["scopes"])} | granted)


def _problem(asked: Json) -> str:
    needed = ("initiate_login_uri", "redirect_uris", "client_name", "jwks_uri", TOOL_CONFIGURATION)
    missing = [name for name in needed if not asked.get(name)]
    if missing:
        return f"missing: {', '.join(missing)}"
    if asked.get("token_endpoint_auth_method") != "private_key_jwt" or "id_token" not in (
        asked.get("response_types") or ()
    ):
        return "only private_key_jwt and id_token are supported"
    target = asked[TOOL_CONFIGURATION].get("target_link_uri") or ""
    if urlsplit(target).netloc != asked[TOOL_CONFIGURATION].get("domain"):
        return "domain must be the host of target_link_uri"
    return ""


def _tool(asked: Json, client_id: str) -> Json:
    own = asked[TOOL_CONFIGURATION]
    return {
        "client_id": client_id,
        "name": asked["client_name"],
        "login_url": asked["initiate_login_uri"],
        "launch_url": own["target_link_uri"],
        "redirect_uris": asked["redirect_uris"],
        "jwks_url": asked["jwks_uri"],
        "scopes": [scope for scope in asked.get("scope", "").split() if scope in SCOPES],
        "custom": own.get("custom_parameters") or {},
    }
