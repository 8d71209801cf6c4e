"""Canvas's JSON configuration of a developer key: placements, scopes and the variables we ask for."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from lti_tool.families import CANVAS_VARIABLES
from lti_tool.login import public_url
from lti_tool.services import LINE_ITEM_SCOPES, MEMBER_SCOPES, RESULT_SCOPES

TITLE = "Grades to SIS"
DESCRIPTION = (
    "Sends this course's grades to the student information system, and shows what it will do before."
)
SCOPES = [LINE_ITEM_SCOPES[0], *RESULT_SCOPES, *MEMBER_SCOPES]
TOOL_ID = "gradesync"


def configuration() -> dict[str, Any]:
    target = public_url("launch")
    return {
        "title": TITLE,
        "description": DESCRIPTION,
        "oidc_initiation_url": public_url("login"),
        "target_link_uri": target,
        "public_jwk_url": public_url("jwks"),
        "scopes": SCOPES,
        "custom_fields": CANVAS_VARIABLES,
        "extensions": [
            {
                "platform": "canvas.instructure.com",
                "domain": urlsplit(settings.PUBLIC_URL).netloc,
                "tool_id": TOOL_ID,
                "privacy_level": "public",
                "settings": {"placements": [_placement(name, target) for name in PLACEMENTS]},
            }
        ],
    }


# "admins" is Canvas's word for teachers and administrators: students do not see the entry
PLACEMENTS = ("course_navigation", "post_grades")


def _placement(name: str, target: str) -> dict[str, Any]:
    common = {
        "placement": name,
        "enabled": True,
        "message_type": "LtiResourceLinkRequest",
        "target_link_uri": target,
        "text": TITLE,
    }
    return {**common, "visibility": "admins", "default": "enabled"} if name == "course_navigation" else common
