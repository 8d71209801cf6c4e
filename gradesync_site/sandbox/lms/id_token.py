"""The claims of a launch (LTI Core 1.3 §5, AGS §3.1, NRPS §2.4, Deep Linking 2.0 §3.4), worded in the dialect."""

from __future__ import annotations

import secrets
import time
from typing import Any

from gradesync_site.sandbox.lms import identities
from gradesync_site.sandbox.lms.campus import DEEP_LINKING, Campus, Launch
from gradesync_site.sandbox.lms.variables import custom
from gradesync_site.sandbox.lms.vocabulary import (
    AGS,
    CONTEXT_ROLES,
    DEEP_LINKS,
    INSTITUTION_ROLES,
    LTI,
    NRPS,
    NRPS_SCOPE,
)
from gradesync_site.sandbox.lms.world import opaque

Json = dict[str, Any]

TOKEN_S = 300


def claims(campus: Campus, tool: Json, launch: Launch, nonce: str) -> Json:
    """The whole token of one launch, after the faults of launches had their say."""
    course, person = campus.world.course(launch.course_id), campus.world.person(launch.user_id)
    token = _envelope(campus, tool, person, nonce) | _platform(campus, tool, course)
    token |= _message(campus, tool, course, launch) | _course_claims(campus, course, person)
    token |= {f"{LTI}roles": roles_of(campus, course, launch.user_id)}
    own = link_of(course, launch.link_id).get("custom") or {}
    token |= {f"{LTI}custom": custom(campus, tool["custom"] | own, course, person)}
    if launch.message != DEEP_LINKING:
        token |= _services(campus, tool, course)
    return _faulted(campus, token | _own_claim(campus, person))


def link_of(course: Json, link_id: str) -> Json:
    """The link of this id; for the tool's own place in the menu, none: an empty one."""
    return next((link for link in course.get("links", ()) if link["id"] == link_id), {})


def deployment_of(tool: Json, course: Json) -> str:
    """A course may lie in another part of the institution, where the tool is deployed once more."""
    return str(tool.get("course_deployments", {}).get(str(course["id"])) or tool["deployment_id"])


def roles_of(campus: Campus, course: Json, user_id: int) -> list[str]:
    types = [row["type"] for row in campus.world.enrollments(course) if row["user_id"] == user_id]
    institution = [INSTITUTION_ROLES[kind] for kind in types if kind in INSTITUTION_ROLES]
    if not campus.dialect.wording.institution_roles:
        institution = []
    return list(dict.fromkeys([*institution, *(role for kind in types for role in CONTEXT_ROLES[kind])]))


def shown_of(campus: Campus, tool: Json, person: Json, *names: str) -> Json:
    """What of `names` this product tells this tool about a person: by its privacy level, or by its list of claims."""
    names = tuple(name for name in names if _may_show(campus, tool, name))
    return {name: person[name] for name in names if person[name]}


def _may_show(campus: Campus, tool: Json, name: str) -> bool:
    kind = "email" if name == "email" else "name"
    privacy = campus.dialect.wording.privacy
    if privacy == "level":
        level = tool.get("privacy_level", "public")
        # a name's level covers the SIS id as well
        return bool(level == "public" or level == f"{kind}_only" or name == "locale")
    asked = tool.get("claims")
    if privacy == "claims" and asked is not None and name not in ("locale", "sis_id"):
        wanted = {"name", "given_name", "family_name"} if kind == "name" else {"email"}
        return bool(wanted & set(asked))
    return True


def _envelope(campus: Campus, tool: Json, person: Json, nonce: str) -> Json:
    now = int(time.time())
    shown = shown_of(campus, tool, person, "name", "given_name", "family_name", "email", "locale")
    return shown | {
        "iss": campus.addresses.issuer,
        "aud": tool["client_id"],
        "azp": tool["client_id"],
        "sub": identities.user_id(campus, person),
        "iat": now,
        "exp": now + TOKEN_S,
        "nonce": nonce,
        "jti": secrets.token_urlsafe(12),
    }


def _platform(campus: Campus, tool: Json, course: Json) -> Json:
    wording = campus.dialect.wording
    return {
        f"{LTI}version": "1.3.0",
        f"{LTI}deployment_id": deployment_of(tool, course),
        f"{LTI}launch_presentation": {
            "document_target": "iframe",
            "locale": "en",
            "return_url": campus.addresses.page("come_back", str(course["id"])),
        },
        f"{LTI}tool_platform": {
            "guid": opaque("platform", "sandbox"),
            "name": campus.dialect.title,
            "version": wording.version,
            "product_family_code": wording.product,
        },
    }


def _message(campus: Campus, tool: Json, course: Json, launch: Launch) -> Json:
    if launch.message == DEEP_LINKING:
        return {
            f"{LTI}message_type": DEEP_LINKING,
            f"{LTI}target_link_uri": target_of(tool, DEEP_LINKING),
            f"{DEEP_LINKS}deep_linking_settings": _deep_linking_settings(campus, course, launch),
        }
    link = link_of(course, launch.link_id)
    return {
        f"{LTI}message_type": launch.message,
        f"{LTI}target_link_uri": link.get("url") or target_of(tool, launch.message),
        f"{LTI}resource_link": {
            "id": launch.link_id or identities.context_id(campus, course),
            "title": link.get("title") or tool["name"],
        },
    }


def target_of(tool: Json, message: str) -> str:
    """Where this message goes: as the tool registered for it, else where all its launches go."""
    for one in tool.get("messages") or ():
        if one.get("type") == message and one.get("target_link_uri"):
            return str(one["target_link_uri"])
    return str(tool["launch_url"])


def _deep_linking_settings(campus: Campus, course: Json, launch: Launch) -> Json:
    return {
        "deep_link_return_url": campus.addresses.page("deep_link", str(course["id"])),
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe", "window"],
        "accept_multiple": False,
        "auto_create": True,
        "data": launch.data,
    }


def _services(campus: Campus, tool: Json, course: Json) -> Json:
    """Only what the administrator granted; a service without a scope is not named at all."""
    scopes = [scope for scope in tool["scopes"] if scope.startswith(AGS)]
    parts = service_parts(campus, tool, course)
    found: Json = {}
    if scopes:
        address = campus.addresses.service("line_items", **parts)
        found[f"{AGS}claim/endpoint"] = {"scope": scopes, "lineitems": address}
    if NRPS_SCOPE in tool["scopes"]:
        found[f"{NRPS}claim/namesroleservice"] = {
            "context_memberships_url": campus.addresses.service("members", **parts),
            "service_versions": ["2.0"],
        }
    return found


def service_parts(campus: Campus, tool: Json, course: Json) -> dict[str, str]:
    return {"context": identities.in_path(campus, course), "deployment": deployment_of(tool, course)}


def _course_claims(campus: Campus, course: Json, person: Json) -> Json:
    wording = campus.dialect.wording
    lis = {"person_sourcedid": person["sis_id"], "course_offering_sourcedid": course["sis_id"]}
    if len(course["sections"]) == 1:
        lis["course_section_sourcedid"] = course["sections"][0]["sis_id"]
    kept = {name: lis.get(name, "") for name in wording.lis}
    # an empty id is left out here, and sent empty there
    shown = {name: value for name, value in kept.items() if value or wording.lis_empty}
    context = {
        "id": identities.context_id(campus, course),
        "label": course["code"],
        "title": course["name"],
        "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"],
    }
    return {f"{LTI}context": context} | ({f"{LTI}lis": shown} if wording.lis else {})


def _own_claim(campus: Campus, person: Json) -> Json:
    """Brightspace tells its own ids in a claim of its own."""
    name = campus.dialect.wording.own_claim
    own = {"org_defined_id": person["sis_id"], "user_id": str(person["id"]), "username": person["login"]}
    return {name: own | {"tenant_id": opaque("tenant", "sandbox")}} if name else {}


def _faulted(campus: Campus, token: Json) -> Json:
    for fault, claim in (
        *(("no-ags-claim", f"{AGS}claim/endpoint"), ("no-nrps-claim", f"{NRPS}claim/namesroleservice")),
        *(("no-context", f"{LTI}context"), ("no-roles", f"{LTI}roles")),
    ):
        if campus.struck(fault):
            token.pop(claim, None)
    if campus.struck("wrong-nonce"):
        token["nonce"] = secrets.token_urlsafe(16)
    if campus.struck("wrong-audience"):
        token |= {"aud": "somebody-else", "azp": "somebody-else"}
    if campus.struck("old-token"):
        token |= {"iat": token["iat"] - 2 * 3600, "exp": token["iat"] - 3600}
    if campus.struck("other-deployment"):
        token[f"{LTI}deployment_id"] = "sandbox:unapproved"
    return token
