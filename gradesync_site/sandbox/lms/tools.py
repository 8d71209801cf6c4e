"""Tools as the pretend LMS knows them: registered by the control API, or by LTI Dynamic Registration."""

from __future__ import annotations

from typing import Any

from gradesync_site.sandbox.lms.campus import CLIENT_ID, DEPLOYMENT_ID
from gradesync_site.sandbox.lms.id_token import SCOPES
from gradesync_site.sandbox.lms.world import World

Json = dict[str, Any]

CUSTOM = {
    "canvas_course_id": "$Canvas.course.id",
    "canvas_user_id": "$Canvas.user.id",
    "sis_course": "$Canvas.course.sisSourceId",
    "sections": "$Canvas.course.sectionSisSourceIds",
    "section_sourcedid": "$CourseSection.sourcedId",
    "user_sis": "$Canvas.user.sisSourceId",
    "person": "$Person.sourcedId",
    "api_base": "$Canvas.api.baseUrl",
    "domain": "$Canvas.api.domain",
    "account": "$Canvas.account.id",
    "term": "$Canvas.term.name",
    # not known here: arrives as it is written
    "integration": "$Canvas.user.sisIntegrationId",
}


def register(world: World, wish: Json) -> Json:
    """Makes the tool known, or changes it. `tool_url` alone is enough: the other addresses are GradeSync's own."""
    client_id = wish.get("client_id") or CLIENT_ID
    base = (wish.get("tool_url") or "").rstrip("/")
    known: Json = world.state["tools"].get(client_id) or {}
    tool = {
        "client_id": client_id,
        "deployment_id": DEPLOYMENT_ID,
        "name": "Grades to SIS",
        "scopes": list(SCOPES),
        "custom": CUSTOM,
        "jwks": None,
        **known,
    }
    if base:
        tool |= {
            "login_url": f"{base}/lti/login/",
            "launch_url": f"{base}/lti/launch/",
            "jwks_url": f"{base}/lti/jwks/",
        }
    tool |= {name: wish[name] for name in (*_NAMES, *_LISTS) if wish.get(name) is not None}
    missing = [name for name in ("login_url", "launch_url") if not tool.get(name)]
    if missing:
        raise ValueError(f"The tool needs {' and '.join(missing)}, or tool_url.")
    tool.setdefault("jwks_url", "")
    tool["redirect_uris"] = wish.get("redirect_uris") or [tool["launch_url"]]
    world.state["tools"][client_id] = tool
    return tool


_NAMES = ("deployment_id", "name", "login_url", "launch_url", "jwks_url")
_LISTS = ("scopes", "custom", "jwks")
