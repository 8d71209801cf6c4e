"""What we tell a platform of this tool when we register (OpenID Connect Dynamic Registration with the LTI extension, §3.5)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from lti_tool import canvas, families
from lti_tool.login import public_url
from lti_tool.platform_configuration import CANVAS, Platform

TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
RESOURCE_LINK, DEEP_LINKING = "LtiResourceLinkRequest", "LtiDeepLinkingRequest"
# Moodle sends a name or an e-mail only where this list asks for it
CLAIMS = ["iss", "sub", "name", "given_name", "family_name", "email", "locale"]

MENU = _("an entry in the course menu, for teachers and administrators")
GRADEBOOK = _("“Sync grades” in the gradebook")
LINK = _("a link that teachers add to their course")


def describe(platform: Platform) -> dict[str, Any]:
    """The body of the registration request."""
    launch = public_url("launch")
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": public_url("login"),
        "redirect_uris": [launch],
        "client_name": canvas.TITLE,
        "jwks_uri": public_url("jwks"),
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": " ".join(canvas.SCOPES),
        TOOL: {
            "domain": urlsplit(settings.PUBLIC_URL).netloc,
            "description": canvas.DESCRIPTION,
            "target_link_uri": launch,
            "claims": CLAIMS,
            "custom_parameters": parameters(platform),
            "messages": _messages(platform, launch),
            **(CANVAS_ONLY if platform.product == families.CANVAS else {}),
        },
    }


# Canvas sends no names and no ids of the SIS below this level
CANVAS_ONLY = {f"{CANVAS}privacy_level": "public", f"{CANVAS}tool_id": canvas.TOOL_ID}


def parameters(platform: Platform) -> dict[str, str]:
    """Custom parameters: the variables of its family, and of these only such as it lists, where it lists any.

    Sakai lists two and fills many more (its CUSTOM.md): a variable that it does not know comes back as it is.
    """
    wanted = families.variables_of(platform.product)
    if not platform.variables or platform.product == families.SAKAI:
        return wanted
    return {name: value for name, value in wanted.items() if value.lstrip("$") in platform.variables}


def places(platform: Platform) -> list[Any]:
    """Where people will find the tool, in words."""
    if platform.product == families.CANVAS:
        return [MENU, GRADEBOOK] if _gradebook(platform) else [MENU]
    return [LINK]


def _messages(platform: Platform, launch: str) -> list[dict[str, Any]]:
    if platform.product == families.CANVAS:
        menu = _message(RESOURCE_LINK, launch) | {
            "placements": [_placement(platform, "course_navigation")],
            # "admins" is Canvas's word for teachers and administrators: students do not see the entry
            f"{CANVAS}visibility": "admins",
            f"{CANVAS}course_navigation/default_enabled": True,
        }
        gradebook = _message(RESOURCE_LINK, launch) | {"placements": [_placement(platform, "post_grades")]}
        return [menu, gradebook] if _gradebook(platform) else [menu]
    if platform.product in families.LINKED_BY_TEACHERS or DEEP_LINKING in platform.messages:
        return [_message(RESOURCE_LINK, launch), _message(DEEP_LINKING, launch)]
    return [_message(RESOURCE_LINK, launch)]


def _message(kind: str, launch: str) -> dict[str, Any]:
    return {"type": kind, "target_link_uri": launch, "label": canvas.TITLE}


def _gradebook(platform: Platform) -> bool:
    listed = platform.placements
    return not listed or bool({"post_grades", f"{CANVAS}post_grades"} & listed)


def _placement(platform: Platform, name: str) -> str:
    """Canvas takes its own placements with and without a prefix; we write them as it lists them."""
    return f"{CANVAS}{name}" if f"{CANVAS}{name}" in platform.placements else name
