"""System checks: what would make launches fail is told at start or by `check --deploy`, not by a teacher."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.urls import NoReverseMatch, reverse

MIDDLEWARE = "lti_tool.middleware.LtiMiddleware"
SEES = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)


def register() -> None:
    checks.register(check_settings, checks.Tags.security)
    checks.register(check_deployment, checks.Tags.security, deploy=True)


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """What is wrong in any environment."""
    return [*_middleware(), *_field_keys(), *_sessions()]


def check_deployment(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """What is wrong once people use it."""
    return [*_public_url(), *_landing()]


def _middleware() -> list[checks.CheckMessage]:
    order = list(settings.MIDDLEWARE)
    if MIDDLEWARE not in order:
        return [
            checks.Error(f"MIDDLEWARE lacks {MIDDLEWARE}.", hint="Course pages need it.", id="lti_tool.E001")
        ]
    later = [name for name in SEES if name in order and order.index(name) < order.index(MIDDLEWARE)]
    if not later:
        return []
    text = f"{MIDDLEWARE} must stand before {', '.join(later)}."
    return [checks.Error(text, hint="Their cookies would be lost in the LMS's frame.", id="lti_tool.E002")]


def _field_keys() -> list[checks.CheckMessage]:
    try:
        for key in settings.FIELD_KEYS:
            Fernet(key)
    except (ValueError, TypeError):
        return [
            checks.Error(
                "FIELD_KEYS holds something that is no Fernet key.",
                hint="Each key is 32 bytes in URL-safe base64; several are separated by commas, newest first.",
                id="lti_tool.E003",
            )
        ]
    return []


def _sessions() -> list[checks.CheckMessage]:
    if 0 < settings.LTI_SESSION_IDLE_S <= settings.LTI_SESSION_MAX_S:
        return []
    text = "LTI_SESSION_IDLE_S must be more than 0 and at most LTI_SESSION_MAX_S."
    return [checks.Error(text, id="lti_tool.E004")]


def _public_url() -> list[checks.CheckMessage]:
    parts = urlsplit(settings.PUBLIC_URL)
    found: list[checks.CheckMessage] = []
    if parts.scheme != "https":
        found.append(
            checks.Warning(
                "PUBLIC_URL is not https: browsers send no cookie from the LMS's frame to this tool.",
                hint="Set PUBLIC_URL to the tool's https origin.",
                id="lti_tool.W001",
            )
        )
    if parts.path or parts.query:
        found.append(checks.Error("PUBLIC_URL must be an origin, without a path.", id="lti_tool.E005"))
    return found


def _landing() -> list[checks.CheckMessage]:
    name = getattr(settings, "LTI_LAUNCH_REDIRECT", "")
    try:
        reverse(name, kwargs={"public_id": uuid.uuid4()})
    except NoReverseMatch:
        text = f"LTI_LAUNCH_REDIRECT ({name or 'unset'}) is no URL name that takes a public_id."
        return [checks.Error(text, id="lti_tool.E006")]
    return []
