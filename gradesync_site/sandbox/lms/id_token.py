"""The claims of a launch (LTI Core 1.3 §5, AGS §3.1, NRPS §2.4), worded as Canvas words them."""

from __future__ import annotations

import secrets
import time
from typing import Any

from gradesync_site.sandbox.lms.campus import Campus, issuer
from gradesync_site.sandbox.lms.world import ASSISTANT, STUDENT, TEACHER, TEST_STUDENT, context_of, opaque

Json = dict[str, Any]

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/"
LIS = "http://purl.imsglobal.org/vocab/lis/v2/"

AGS_SCOPES = tuple(f"{AGS}scope/{name}" for name in ("lineitem.readonly", "result.readonly"))
NRPS_SCOPE = f"{NRPS}scope/contextmembership.readonly"
SCOPES = (*AGS_SCOPES, NRPS_SCOPE)

CONTEXT_ROLES: dict[str, tuple[str, ...]] = {
    TEACHER: (f"{LIS}membership#Instructor",),
    ASSISTANT: (f"{LIS}membership/Instructor#TeachingAssistant",),
    STUDENT: (f"{LIS}membership#Learner",),
    TEST_STUDENT: (f"{LIS}membership#Learner", "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"),
}
INSTITUTION_ROLES = {
    TEACHER: f"{LIS}institution/person#Instructor",
    ASSISTANT: f"{LIS}institution/person#Instructor",
    STUDENT: f"{LIS}institution/person#Student",
}
TOKEN_S = 300


def claims(campus: Campus, tool: Json, course: Json, user_id: int, nonce: str) -> Json:
    """The whole token of one launch, after the faults of launches had their say."""
    person = campus.world.person(user_id)
    roles = roles_of(campus, course, user_id)
    token = _envelope(tool, person, nonce) | _message(tool, course) | _course_claims(campus, course, person)
    token |= {
        f"{LTI}roles": roles,
        f"{LTI}custom": custom(campus, tool, course, person),
        f"{AGS}claim/endpoint": {"scope": list(AGS_SCOPES), "lineitems": f"{service(course)}/line_items"},
        f"{NRPS}claim/namesroleservice": {
            "context_memberships_url": f"{service(course)}/members",
            "service_versions": ["2.0"],
        },
    }
    return _faulted(campus, token)


def service(course: Json) -> str:
    return f"{issuer()}/lti/courses/{context_of(course)}"


def roles_of(campus: Campus, course: Json, user_id: int) -> list[str]:
    types = [row["type"] for row in campus.world.enrollments(course) if row["user_id"] == user_id]
    institution = [INSTITUTION_ROLES[kind] for kind in types if kind in INSTITUTION_ROLES]
    return list(dict.fromkeys([*institution, *(role for kind in types for role in CONTEXT_ROLES[kind])]))


def _envelope(tool: Json, person: Json, nonce: str) -> Json:
    now = int(time.time())
    shown = {
        key: person[key] for key in ("name", "given_name", "family_name", "email", "locale") if person[key]
    }
    return shown | {
        "iss": issuer(),
        "aud": tool["client_id"],
        "azp": tool["client_id"],
        "sub": person["lti_id"],
        "iat": now,
        "exp": now + TOKEN_S,
        "nonce": nonce,
        "jti": secrets.token_urlsafe(12),
    }


def _message(tool: Json, course: Json) -> Json:
    return {
        f"{LTI}message_type": "LtiResourceLinkRequest",
        f"{LTI}version": "1.3.0",
        f"{LTI}deployment_id": tool["deployment_id"],
        f"{LTI}target_link_uri": tool["launch_url"],
        f"{LTI}resource_link": {"id": context_of(course), "title": tool["name"]},
        f"{LTI}launch_presentation": {
            "document_target": "iframe",
            "locale": "en",
            "return_url": f"{issuer()}/courses/{course['id']}",
        },
        f"{LTI}tool_platform": {
            "guid": opaque("platform", "sandbox"),
            "name": "Sandbox University",
            "version": "sandbox",
            "product_family_code": "canvas",
        },
    }


def _course_claims(campus: Campus, course: Json, person: Json) -> Json:
    lis = {"person_sourcedid": person["sis_id"], "course_offering_sourcedid": course["sis_id"]}
    if len(course["sections"]) == 1:
        lis["course_section_sourcedid"] = course["sections"][0]["sis_id"]
    return {
        f"{LTI}context": {
            "id": context_of(course),
            "label": course["code"],
            "title": course["name"],
            "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"],
        },
        # an empty id is left out here; other platforms send it empty
        f"{LTI}lis": {key: value for key, value in lis.items() if value},
    }


def custom(campus: Campus, tool: Json, course: Json, person: Json) -> dict[str, str]:
    """The tool's custom parameters. A variable that we do not know, or that is empty here, stays as written."""
    known = {
        "$Canvas.course.id": str(course["id"]),
        "$Canvas.course.sisSourceId": course["sis_id"],
        "$Canvas.course.sectionSisSourceIds": ",".join(
            s["sis_id"] for s in course["sections"] if s["sis_id"]
        ),
        "$CourseSection.sourcedId": course["sis_id"],
        "$Canvas.account.id": str(course["account_id"]),
        "$Canvas.term.name": course["term"],
        "$Canvas.user.id": str(person["id"]),
        "$Canvas.user.sisSourceId": person["sis_id"],
        "$Canvas.user.loginId": person["login"],
        "$User.username": person["login"],
        "$Person.sourcedId": person["sis_id"],
        "$Canvas.api.baseUrl": issuer(),
        "$Canvas.api.domain": issuer().partition("//")[2],
    }
    return {name: known.get(value) or value for name, value in tool["custom"].items()}


def _faulted(campus: Campus, token: Json) -> Json:
    for fault, claim in (
        *(("no-ags-claim", f"{AGS}claim/endpoint"), ("no-nrps-claim", f"{NRPS}claim/namesroleservice")),
        *(("no-context", f"{LTI}context"), ("no-roles", f"{LTI}roles")),
    ):
        if campus.struck(fault):
            token.pop(claim)
    if campus.struck("wrong-nonce"):
        token["nonce"] = secrets.token_urlsafe(16)
    if campus.struck("wrong-audience"):
        token |= {"aud": "somebody-else", "azp": "somebody-else"}
    if campus.struck("old-token"):
        token |= {"iat": token["iat"] - 2 * 3600, "exp": token["iat"] - 3600}
    if campus.struck("other-deployment"):
        token[f"{LTI}deployment_id"] = "sandbox:unapproved"
    return token
