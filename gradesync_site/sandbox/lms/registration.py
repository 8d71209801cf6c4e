"""LTI Dynamic Registration 1.0, the platform's side: what we are, and how a tool makes itself known."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from gradesync_site.sandbox.control import answer, loads
from gradesync_site.sandbox.lms import tools
from gradesync_site.sandbox.lms.campus import Campus, refuse
from gradesync_site.sandbox.lms.dialects import CANVAS_CLAIM, Dialect
from gradesync_site.sandbox.lms.registration_schema import TOOL_CONFIGURATION, granted_scopes, problems
from gradesync_site.sandbox.lms.vocabulary import SCOPES

Json = dict[str, Any]

PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
CLAIMS = ["sub", "iss", "name", "given_name", "family_name", "email", "locale"]


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("registration", __name__)

    @routes.get(campus.dialect.paths.configuration)
    def configuration() -> Response:
        if campus.dialect.joining.guards_configuration:
            _open_registration(campus)
        return answer(_configuration(campus))

    @routes.post(campus.dialect.paths.registration)
    def register(key: str = "") -> Response:
        return _register(campus, key)

    return routes


def begin(campus: Campus, registration_url: str) -> Json:
    """The address that an administrator's browser opens when she pastes the tool's, and its parts."""
    token = secrets.token_urlsafe(24)
    campus.edit(lambda: campus.world.state["registrations"].update({token: ""}), "registrations")
    query = {"openid_configuration": campus.addresses.configuration}
    if campus.dialect.joining.has_token:
        query["registration_token"] = token
    joined = "&" if "?" in registration_url else "?"
    return {"url": f"{registration_url}{joined}{urlencode(query)}", **query}


def _configuration(campus: Campus) -> Json:
    at, joining = campus.addresses, campus.dialect.joining
    shown = {
        "issuer": at.configured_issuer,
        "authorization_endpoint": at.auth,
        "token_endpoint": at.token,
        "jwks_uri": at.jwks,
        "registration_endpoint": at.registration(_newest_open(campus)),
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["id_token"],
        "response_modes_supported": ["form_post"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", *(SCOPES if joining.says_scopes else ())],
        "claims_supported": CLAIMS,
        PLATFORM_CONFIGURATION: _platform(campus.dialect),
    }
    if joining.authorization_server:
        shown["authorization_server"] = joining.authorization_server
    return shown


def _platform(dialect: Dialect) -> Json:
    """The product's own part. Moodle names its messages without their placements; most leave the dollar out."""
    joining, sign = dialect.joining, dialect.joining.variable_sign
    variables = joining.says_variables or dialect.wording.variables or _ours()
    shown: Json = {
        "product_family_code": joining.says_product or dialect.wording.product,
        "version": dialect.wording.version,
        "messages_supported": list(joining.messages)
        if joining.messages_as_names
        else [_message(dialect, name) for name in joining.messages],
        "variables": sorted(f"{sign}{name}" for name in variables),
    }
    if joining.account:
        shown |= {
            f"{CANVAS_CLAIM}account_name": dialect.title,
            f"{CANVAS_CLAIM}account_lti_guid": "sandbox:lms",
        }
    return shown


def _ours() -> list[str]:
    return [name[1:] for name in tools.CUSTOM.values() if "Integration" not in name]


def _message(dialect: Dialect, name: str) -> Json:
    placements = [f"{CANVAS_CLAIM}{one}" for one in dialect.joining.placements] or ["course_navigation"]
    return {"type": name, "placements": placements if dialect.joining.names_placements else []}


def _newest_open(campus: Campus) -> str:
    """The part of the registration address that Sakai names its pending tool by."""
    tokens = campus.world.state["registrations"]
    return next((token[:8] for token in reversed(tokens) if tokens[token] == ""), "none")


def _open_registration(campus: Campus, key: str = "") -> str:
    """The registration under way that this request belongs to. Ends the request with 401 when there is none."""
    tokens = campus.world.state["registrations"]
    header = request.headers.get("Authorization", "")
    if campus.dialect.joining.has_token:
        token = header.removeprefix("Bearer ")
        if tokens.get(token) == "" and token.startswith(key):
            return token
    elif not header:
        found = next((token for token in tokens if tokens[token] == ""), None)
        if found is not None:
            return str(found)
    return refuse(401, {"error": "invalid_token", "error_description": "This registration is not open."})


def _register(campus: Campus, key: str) -> Response:
    """One registration is good for one tool; the answer is the registration as granted, with its client_id."""
    try:
        asked: Json = dict(loads(request.get_data()))
    except (ValueError, TypeError):
        refuse(400, {"error": "invalid_client_metadata", "error_description": "A JSON object is wanted."})
    with campus.sandbox.lock:
        token = _open_registration(campus, key)
        found = problems(campus.dialect, asked)
        if found:
            text = "; ".join(found)
            refuse(
                campus.dialect.joining.refusal,
                {"error": "invalid_client_metadata", "error_description": text, "errors": _errors(found)},
            )
        tool = tools.register(campus.world, _tool(campus, asked), campus.dialect)
        campus.world.state["registrations"][token] = tool["client_id"]
        campus.sandbox.stored("tools")
    return answer(_granted(campus.dialect, asked, tool))


def _errors(found: list[str]) -> list[Json]:
    return [{"field": text.partition(" ")[0], "message": text, "error_code": None} for text in found]


def _granted(dialect: Dialect, asked: Json, tool: Json) -> Json:
    own = dict(asked[TOOL_CONFIGURATION])
    if dialect.joining.names_deployment or not dialect.name:
        own["deployment_id"] = tool["deployment_id"]
    scope = " ".join(tool["scopes"])
    return asked | {"client_id": tool["client_id"], "scope": scope, TOOL_CONFIGURATION: own}


def _tool(campus: Campus, asked: Json) -> Json:
    own, dialect = asked[TOOL_CONFIGURATION], campus.dialect
    state = campus.world.state
    number = len(state["tools"]) + 1
    client_id = tools.client_id(dialect, number) if dialect.name else f"tool-{secrets.token_hex(6)}"
    return {
        "client_id": client_id,
        # a tool that comes again for another site keeps its client and gets one more deployment
        "deployment_id": tools.deployment_id(dialect, len(state["tools"]) + len(state["registrations"])),
        "name": asked["client_name"],
        "login_url": asked["initiate_login_uri"],
        "launch_url": own["target_link_uri"],
        "redirect_uris": asked["redirect_uris"],
        "jwks_url": asked["jwks_uri"],
        "scopes": granted_scopes(dialect, asked.get("scope") or ""),
        "custom": own.get("custom_parameters") or {},
        "claims": own.get("claims") or [],
        "privacy_level": own.get(f"{CANVAS_CLAIM}privacy_level") or "anonymous",
        "messages": own.get("messages") or [],
        "enabled": not dialect.joining.needs_enabling,
    }
