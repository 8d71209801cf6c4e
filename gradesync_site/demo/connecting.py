"""The administrator's part: database, registration, both connections. Done with the commands she would type."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command

from gradesync_site.demo.job import Job, Sis
from lti_tool.http import Session, dumps, loads
from lti_tool.models import Registration
from sync.models import SisConnection

LMS_NAME: Final = "Sandbox LMS"
SIS_NAME: Final = "demo-sis"


class DemoFailed(Exception):
    """A step did not do what the next one needs. The text is for people."""


def prepare_database() -> None:
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)


def connect(job: Job) -> SisConnection:
    """Register the platform, connect both sides, and make the tool known to the LMS. The same again updates."""
    lms = job.lms
    registration = register(lms)
    reader = ("--adapter", "canvas", "--base-url", lms["base_url"], "--token", lms["canvas_token"])
    command("connect_lms", "sandbox-lms", "--registration", registration, *reader)
    tell(lms, "tool", {"tool_url": settings.PUBLIC_URL})
    return connect_sis(job.sis)


def register(lms: Mapping[str, Any]) -> str:
    """The registration's id. A sandbox that came back on another port is the same platform to us."""
    Registration.objects.filter(name=LMS_NAME, client_id=lms["client_id"]).update(issuer=lms["issuer"])
    names = {"issuer": "issuer", "client_id": "client-id", "auth_login_url": "auth-login-url"}
    names |= {
        "auth_token_url": "auth-token-url",
        "key_set_url": "key-set-url",
        "deployment_id": "deployment-id",
    }
    parts = [part for name, option in names.items() for part in (f"--{option}", str(lms[name]))]
    return str(command("register_platform", "--name", LMS_NAME, *parts, "--active")["id"])


def connect_sis(sis: Sis) -> SisConnection:
    options = [part for name, value in sis.options.items() for part in ("--option", f"{name}={value}")]
    address = ("--adapter", "oneroster", "--base-url", sis.base_url, "--token-url", sis.token_url)
    key = ("--client-id", sis.client_id, "--client-secret", sis.client_secret)
    command("connect_sis", SIS_NAME, *address, *key, *options)
    return SisConnection.objects.get(name=SIS_NAME)


def command(name: str, *arguments: str) -> dict[str, Any]:
    """One of our own commands; what it printed. Raises DemoFailed with its words when it did not work."""
    out = io.StringIO()
    try:
        call_command(name, *arguments, "--json", stdout=out)
    except SystemExit as end:
        if end.code == 2:
            raise DemoFailed(f"{name}: {json.loads(out.getvalue()).get('error', 'failed')}") from None
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


def tell(lms: Mapping[str, Any], what: str, wish: Mapping[str, Any]) -> dict[str, Any]:
    """The sandbox LMS's control API. Raises DemoFailed when it says no."""
    response = Session().post(f"{lms['control_url']}/{what}", data=dumps(wish).encode())
    if response.status_code >= 300:
        raise DemoFailed(f"The sandbox LMS did not take the {what} ({response.status_code}).")
    answer: dict[str, Any] = loads(response.content)
    return answer
