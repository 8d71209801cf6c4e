"""Tools as the pretend LMS knows them: registered by the control API, or by LTI Dynamic Registration."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from gradesync_site.sandbox.lms.campus import CLIENT_ID
from gradesync_site.sandbox.lms.dialects import DIALECTS, Dialect
from gradesync_site.sandbox.lms.vocabulary import SCOPES
from gradesync_site.sandbox.lms.world import Unknown, World

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


def register(world: World, wish: Json, dialect: Dialect = DIALECTS[""]) -> Json:
    """Makes the tool known, or changes it. `tool_url` alone is enough: the other addresses are GradeSync's own."""
    client_id = wish.get("client_id") or CLIENT_ID
    base = (wish.get("tool_url") or "").rstrip("/")
    known: Json = world.state["tools"].get(client_id) or {}
    tool = {
        "client_id": client_id,
        "deployment_id": deployment_id(dialect, 1),
        "name": "Grades to SIS",
        "scopes": list(SCOPES),
        "custom": custom_for(dialect),
        "jwks": None,
        "claims": None,
        "privacy_level": "public",
        "messages": [],
        "enabled": True,
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
    tool["deployments"] = list(dict.fromkeys([*known.get("deployments", ()), tool["deployment_id"]]))
    tool["redirect_uris"] = wish.get("redirect_uris") or [tool["launch_url"]]
    world.state["tools"][client_id] = tool
    return tool


_NAMES = ("deployment_id", "name", "login_url", "launch_url", "jwks_url", "privacy_level")
_LISTS = ("scopes", "custom", "jwks", "claims", "messages", "enabled")


def enable(world: World, client_id: str, scopes: list[str] | None = None) -> Json:
    """The administrator switches a registered tool on; she may leave it fewer scopes than it asked for."""
    tool = _known(world, client_id)
    kept = [scope for scope in tool["scopes"] if scopes is None or scope in scopes]
    tool |= {"enabled": True, "scopes": kept}
    return tool


def deploy(world: World, client_id: str, course: Json, dialect: Dialect) -> str:
    """One more deployment of the tool, for one course: another site of a Blackboard client, another account of Canvas."""
    tool = _known(world, client_id or CLIENT_ID)
    made = deployment_id(dialect, 100 + len(tool.get("course_deployments", ())))
    tool.setdefault("deployments", [tool["deployment_id"]]).append(made)
    tool.setdefault("course_deployments", {})[str(course["id"])] = made
    return made


def _known(world: World, client_id: str) -> Json:
    found: Json | None = world.state["tools"].get(client_id)
    if found is None:
        raise Unknown("There is no such tool in the sandbox LMS.")
    return found


def custom_for(dialect: Dialect) -> dict[str, str]:
    """What somebody who sets the tool up by hand types in: what this product can fill in."""
    known = dialect.wording.variables
    return {name: value for name, value in CUSTOM.items() if not known or value[1:] in known}


def deployment_id(dialect: Dialect, number: int) -> str:
    return _made(dialect.joining.deployment_id, f"deployment:{number}", number)


def client_id(dialect: Dialect, number: int) -> str:
    """Where all sites share one client, the number does not count."""
    return _made(dialect.joining.client_id, f"client:{1 if dialect.joining.one_client else number}", number)


def _made(shape: str, seed: str, number: int) -> str:
    made = uuid.uuid5(uuid.NAMESPACE_OID, seed)
    return shape.format(number=number, uuid=made, hex=hashlib.sha256(seed.encode()).hexdigest()[:40])
