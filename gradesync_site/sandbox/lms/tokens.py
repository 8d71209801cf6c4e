"""Access tokens for the services: client credentials with a signed assertion (security framework §4.1)."""

from __future__ import annotations

import secrets
import time
from typing import Any

import jwt
import requests
from flask import Blueprint, Response, request

from gradesync_site.sandbox.control import answer
from gradesync_site.sandbox.lms import oauth
from gradesync_site.sandbox.lms.campus import AccessToken, Campus, refuse

Json = dict[str, Any]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FETCH_S = 10


class BadClient(Exception):
    """The assertion does not prove who asks; the text says why."""


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("tokens", __name__)

    @routes.post(campus.dialect.paths.token)
    def token() -> Response:
        return _token(campus)

    return routes


def _token(campus: Campus) -> Response:
    form = request.form
    if form.get("grant_type") in oauth.GRANT_TYPES:
        return oauth.token(campus)  # Canvas and Brightspace have one address for both
    if form.get("grant_type") != "client_credentials" or form.get("client_assertion_type") != ASSERTION_TYPE:
        return _error("unsupported_grant_type", "client_credentials with a JWT assertion is what we take")
    try:
        tool = _client(campus, form.get("client_assertion", ""))
    except BadClient as error:
        return _error("invalid_client", str(error))
    if campus.struck("token-refused"):
        return _error("invalid_client", "this client is switched off")
    granted = [scope for scope in form.get("scope", "").split() if scope in tool["scopes"]]
    if not granted:
        return _error("invalid_scope", "none of these scopes was granted to the tool")
    made = secrets.token_urlsafe(24)
    campus.tokens[made] = AccessToken(tool["client_id"], frozenset(granted), time.time() + campus.token_s)
    body = {
        "access_token": made,
        "token_type": "Bearer",
        "expires_in": campus.token_s,
        "scope": " ".join(granted),
    }
    response = answer(body, headers={"Cache-Control": "no-store"})
    # Moodle's answer is JSON and calls itself HTML
    response.mimetype = campus.dialect.lists.token_type
    return response


def _error(code: str, text: str) -> Response:
    return answer({"error": code, "error_description": text}, 400, {"Cache-Control": "no-store"})


def _client(campus: Campus, assertion: str) -> Json:
    try:
        unproven = jwt.decode(assertion, options={"verify_signature": False})
        kid = str(jwt.get_unverified_header(assertion).get("kid") or "")
    except jwt.InvalidTokenError:
        raise BadClient("the assertion is not a JWT") from None
    tool = campus.tool(str(unproven.get("sub")))
    if tool is None:
        raise BadClient("no tool has this client_id")
    claims = _verified(assertion, key_of(campus, tool, kid), tool["client_id"], campus.addresses.audience)
    if not campus.assertions.first_time(str(claims["jti"])):
        raise BadClient("the assertion was used before")
    return tool


def _verified(assertion: str, key: jwt.PyJWK, client_id: str, audience: str) -> Json:
    """No leeway: a clock that runs ahead of ours is refused, as strict platforms do."""
    required = ["iss", "sub", "aud", "iat", "exp", "jti"]
    try:
        claims: Json = jwt.decode(
            assertion,
            key,
            algorithms=["RS256"],
            audience=audience,
            issuer=client_id,
            options={"require": required},
        )
    except jwt.InvalidTokenError as error:
        raise BadClient(str(error)) from None
    return claims


def key_of(campus: Campus, tool: Json, kid: str) -> jwt.PyJWK:
    """The tool's key of this kid; its JWKS is fetched again when the kid is new, so that keys may rotate."""
    for keys in (tool["jwks"] or campus.fetched_keys.get(tool["jwks_url"]), None):
        keys = keys or _fetch(campus, tool)
        found = next((key for key in keys.get("keys", ()) if key.get("kid") == kid), None)
        if found:
            return jwt.PyJWK(found, algorithm="RS256")
    raise BadClient("the tool publishes no key of this kid")


def _fetch(campus: Campus, tool: Json) -> Json:
    if not tool["jwks_url"]:
        return {}
    try:
        answered = requests.get(tool["jwks_url"], timeout=FETCH_S)
        answered.raise_for_status()
        keys: Json = answered.json()
    except (requests.RequestException, ValueError):
        raise BadClient("the tool's key set cannot be read") from None
    campus.fetched_keys[tool["jwks_url"]] = keys
    return keys


def require(campus: Campus, scope: str) -> None:
    """Ends the request with 401 or 403 unless it carries a token with this scope."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    token = campus.tokens.get(value) if kind == "Bearer" else None
    if token is None or token.until < time.time() or campus.struck("bearer-refused"):
        refuse(401, {"errors": {"type": "unauthorized", "message": "Invalid or expired access token"}})
    elif scope not in token.scopes or campus.struck("wrong-scope"):
        refuse(403, {"errors": {"type": "unauthorized", "message": "Insufficient scopes"}})


def tool_of(campus: Campus) -> Json:
    """The tool whose token this request carries; `require` has let it in."""
    token = campus.tokens[request.headers["Authorization"].partition(" ")[2]]
    return campus.tool(token.client_id) or {}
