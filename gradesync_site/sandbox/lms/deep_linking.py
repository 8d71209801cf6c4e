"""The platform's side of Deep Linking 2.0 (§4): takes the tool's answer, checks it strictly and puts the link into the course."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import jwt
from flask import Blueprint, Response, make_response, render_template, request

from gradesync_site.sandbox.lms.campus import Campus, Launch
from gradesync_site.sandbox.lms.id_token import deployment_of
from gradesync_site.sandbox.lms.tokens import BadClient, key_of
from gradesync_site.sandbox.lms.vocabulary import DEEP_LINKS, LTI

Json = dict[str, Any]

LINK = "ltiResourceLink"
REQUIRED = ["iss", "aud", "exp", "iat", "nonce"]
TELLS = ("msg", "log", "errormsg", "errorlog")


class BadAnswer(Exception):
    """The tool's answer is not taken; the text says why."""


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("deep_linking", __name__, template_folder="templates")

    @routes.post(campus.dialect.paths.deep_link)
    def deep_link(course: str = "") -> Response:
        try:
            return _shown(campus, *_taken(campus, request.form.get("JWT", "")))
        except BadAnswer as error:
            return make_response(render_template("deep_link.html", trouble=str(error)), 400)

    return routes


def new_data() -> str:
    """What the answer must bring back letter for letter: quotes, an ampersand and a letter beyond ASCII are among it."""
    return f'{secrets.token_urlsafe(16)} "a"&é'


def _taken(campus: Campus, answered: str) -> tuple[Json, Launch, list[Json]]:
    """The verified claims, the request they answer, and the links made. Raises BadAnswer."""
    tool = _tool(campus, answered)
    claims = _verified(campus, tool, answered)
    begun = campus.deep_links.get(str(claims.get(f"{DEEP_LINKS}data")))
    if begun is None or begun.client_id != tool["client_id"]:
        raise BadAnswer(
            "The data claim is not what we sent: it must come back letter for letter, and only once."
        )
    trouble = next(_troubles(campus, tool, begun, claims), "")
    if trouble:
        raise BadAnswer(trouble)
    if not campus.nonces.first_time(f"{tool['client_id']} {claims['nonce']}"):
        raise BadAnswer("This answer was brought before: its nonce is known.")
    campus.deep_links.pop(begun.data)
    course = campus.world.course(begun.course_id)
    items = claims.get(f"{DEEP_LINKS}content_items") or []
    links = [_link(tool, item) for item in items]
    campus.edit(lambda: course.setdefault("links", []).extend(links), f"links/{course['id']}")
    return claims, begun, links


def _tool(campus: Campus, answered: str) -> Json:
    try:
        unproven = jwt.decode(answered, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise BadAnswer("There is no JWT in the field JWT.") from None
    tool = campus.tool(str(unproven.get("iss")))
    if tool is None:
        raise BadAnswer("iss must be the tool's client_id, and no tool here has this one.")
    return tool


def _verified(campus: Campus, tool: Json, answered: str) -> Json:
    """Signature by the tool's published key, and the claims that every such token has (security framework §5.2)."""
    try:
        kid = str(jwt.get_unverified_header(answered).get("kid") or "")
        claims: Json = jwt.decode(
            answered,
            key_of(campus, tool, kid),
            algorithms=["RS256"],
            audience=campus.addresses.issuer,
            issuer=tool["client_id"],
            options={"require": REQUIRED},
        )
    except (jwt.InvalidTokenError, BadClient) as error:
        raise BadAnswer(f"The token is not valid: {error}.") from None
    return claims


def _troubles(campus: Campus, tool: Json, begun: Launch, claims: Json) -> Iterator[str]:
    course = campus.world.course(begun.course_id)
    wanted = {
        "message_type": "LtiDeepLinkingResponse",
        "version": "1.3.0",
        "deployment_id": deployment_of(tool, course),
    }
    for name, value in wanted.items():
        if claims.get(f"{LTI}{name}") != value:
            yield f"The claim {name} must be {value}."
    if begun.until < time.time():
        yield "The request that this answers ended. Add the link again."
    if not isinstance(claims["nonce"], str) or not claims["nonce"]:
        yield "The nonce must be a text."
    if (
        isinstance(claims["aud"], list)
        and len(claims["aud"]) > 1
        and claims.get("azp") != campus.addresses.issuer
    ):
        yield "With several audiences, azp must be this platform."
    yield from _of_items(tool, claims.get(f"{DEEP_LINKS}content_items", []))


def _of_items(tool: Json, items: object) -> Iterator[str]:
    if not isinstance(items, list):
        yield "content_items must be a list."
        return
    if len(items) > 1:
        yield "One link was asked for, and several came."
    for item in items:
        if not isinstance(item, dict) or item.get("type") != LINK:
            yield f"Only content items of the type {LINK} are taken here."
        elif urlsplit(item.get("url") or tool["launch_url"]).netloc != urlsplit(tool["launch_url"]).netloc:
            yield "The link leads to another host than the tool's."


def _link(tool: Json, item: Json) -> Json:
    return {
        "id": secrets.token_hex(8),
        "client_id": tool["client_id"],
        "title": str(item.get("title") or tool["name"]),
        "url": str(item.get("url") or ""),
        "custom": dict(item.get("custom") or {}),
    }


def _shown(campus: Campus, claims: Json, begun: Launch, links: list[Json]) -> Response:
    told = {name: str(claims.get(f"{DEEP_LINKS}{name}") or "") for name in TELLS}
    campus.returns.append(
        {"course": str(begun.course_id), **{f"lti_{name}": text for name, text in told.items()}}
    )
    return make_response(render_template("deep_link.html", course=begun.course_id, links=links, **told))
