"""What a product checks of a tool that registers itself, and which scopes it grants. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from gradesync_site.sandbox.lms.dialects import CANVAS_CLAIM, Dialect
from gradesync_site.sandbox.lms.vocabulary import AGS, NRPS_SCOPE, SCOPES

Json = dict[str, Any]

TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
LEVELS = ("public", "name_only", "email_only", "anonymous")
GRANT_TYPES = {"client_credentials", "implicit"}
VISIBILITIES = ("admins", "members", "public")
MOODLE_AGS = tuple(f"{AGS}scope/{name}" for name in ("score", "result.readonly", "lineitem.readonly"))


def problems(dialect: Dialect, asked: Json) -> list[str]:
    """Why this registration is refused, in words; empty when it is good."""
    own = asked.get(TOOL_CONFIGURATION)
    if not isinstance(own, dict):
        return [f"missing: {TOOL_CONFIGURATION}"]
    missing = [name for name in dialect.joining.required if not asked.get(name)]
    missing += [name for name in dialect.joining.required_of_tool if not own.get(name)]
    if missing:
        return [f"missing: {', '.join(missing)}"]
    return [
        *_of_client(asked),
        *_of_tool(own),
        *(_of_canvas(dialect, asked, own) if dialect.joining.placements else ()),
    ]


def _of_client(asked: Json) -> Iterator[str]:
    if asked.get("token_endpoint_auth_method") != "private_key_jwt" or "id_token" not in (
        asked.get("response_types") or ()
    ):
        yield "only private_key_jwt and id_token are supported"
    if asked.get("application_type", "web") != "web":
        yield "application_type must be web"
    if not isinstance(asked["redirect_uris"], list):
        yield "redirect_uris must be a list"
    if "grant_types" in asked and not set(asked["grant_types"] or ()) >= GRANT_TYPES:
        yield "grant_types must hold implicit and client_credentials"


def _of_tool(own: Json) -> Iterator[str]:
    if urlsplit(own["target_link_uri"]).netloc != own["domain"]:
        yield "domain must be the host of target_link_uri"
    custom = own.get("custom_parameters") or {}
    if not isinstance(custom, dict) or not all(isinstance(value, str) for value in custom.values()):
        yield "custom_parameters must map names to texts"


def _of_canvas(dialect: Dialect, asked: Json, own: Json) -> Iterator[str]:
    """The schema of Canvas: doc/api/registration.md."""
    if "openid" in asked["scope"].split():
        # although its configuration lists it (instructure/canvas-lms#2398)
        yield "scopes cannot contain openid"
    if own.get(f"{CANVAS_CLAIM}privacy_level", "anonymous") not in LEVELS:
        yield f"privacy_level must be one of {', '.join(LEVELS)}"
    for message in own["messages"]:
        yield from _of_message(dialect, message if isinstance(message, dict) else {})


def _of_message(dialect: Dialect, message: Json) -> Iterator[str]:
    if message.get("type") not in dialect.joining.messages:
        yield f"unknown message {message.get('type')}"
    for placement in message.get("placements") or ():
        if placement.removeprefix(CANVAS_CLAIM) not in dialect.joining.placements:
            yield f"unknown placement {placement}"
    if message.get(f"{CANVAS_CLAIM}visibility", "members") not in VISIBILITIES:
        yield f"visibility must be one of {', '.join(VISIBILITIES)}"
    if not isinstance(message.get(f"{CANVAS_CLAIM}course_navigation/default_enabled", True), bool):
        yield "course_navigation/default_enabled must be true or false"


def granted_scopes(dialect: Dialect, asked: str) -> list[str]:
    """Those that we know. Moodle switches services on as a whole, so that more comes back than was asked."""
    known = [scope for scope in asked.split() if scope in SCOPES]
    if not dialect.joining.grants_sets:
        return known
    grades = list(MOODLE_AGS) if any(scope.startswith(AGS) for scope in known) else []
    return [*grades, *([NRPS_SCOPE] if NRPS_SCOPE in known else [])]
