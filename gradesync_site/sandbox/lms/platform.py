"""The platform side of an LTI 1.3 launch: authentication of the user and the id_token (security framework §5.1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, abort, make_response, render_template, request

from gradesync_site.sandbox.lms import id_token, storage
from gradesync_site.sandbox.lms.campus import USER_COOKIE, Campus, Launch, here
from gradesync_site.sandbox.lms.forge import Forge, add_routes

Json = dict[str, Any]
Form = Mapping[str, str]

PROTOCOL = {"response_type": "id_token", "response_mode": "form_post", "scope": "openid", "prompt": "none"}


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("platform", __name__, template_folder="templates")
    forge = Forge()
    add_routes(routes, forge)

    @routes.route(campus.dialect.paths.auth, methods=["GET", "POST"])
    def authenticate() -> Response:
        return _authenticate(campus, forge, request.values)

    return routes


def _authenticate(campus: Campus, forge: Forge, form: Form) -> Response:
    """Whom we cannot trust to be sent back to sees a page; everything else is told to the tool."""
    tool = campus.tool(form.get("client_id", ""))
    if tool is None:
        abort(400, "No tool is registered under this client_id.")
    if form.get("redirect_uri") not in tool["redirect_uris"]:
        abort(400, "The redirect_uri is not among those that the tool registered.")
    launch = _launch(campus, form, tool)
    trouble = _trouble(campus, form, launch)
    if trouble:
        return _post_back(campus, form, {"error": trouble[0], "error_description": trouble[1]})
    claims = id_token.claims(campus, tool, launch, form["nonce"])
    if campus.struck("wrong-signature"):
        return _post_back(campus, form, {"id_token": campus.signer.sign(claims, forged=True)})
    forgery = forge.next()
    token = forgery.token(campus.signer, claims, f"{here()}/forger/jwks")
    return _post_back(campus, form, {"id_token": token}, lambda fields: forge.posted(forgery, fields))


def _launch(campus: Campus, form: Form, tool: Json) -> Launch:
    """The launch that this hint began; each hint is good for one answer, so a reload is refused."""
    launch = campus.launches.pop(form.get("lti_message_hint", ""), None)
    if launch is None or launch.client_id != tool["client_id"] or launch.until < time.time():
        abort(400, "This launch was used already, or never began. Open the tool from the course page again.")
    return launch


def _trouble(campus: Campus, form: Form, launch: Launch) -> tuple[str, str] | None:
    for name, wanted in PROTOCOL.items():
        if form.get(name) != wanted:
            return "invalid_request", f"{name} must be {wanted}"
    if not form.get("state"):
        return "invalid_request", "state is missing"
    nonce = form.get("nonce", "")
    if not nonce or not campus.nonces.first_time(nonce):
        return "invalid_request", "nonce is missing or was used before"
    person = campus.world.person(launch.user_id)
    browser = request.cookies.get(USER_COOKIE, str(person["id"]))
    if form.get("login_hint") != person["lti_id"] or browser != str(person["id"]):
        return "access_denied", "login_hint does not name the person who is logged in"
    return None


def _post_back(
    campus: Campus, form: Form, fields: Json, change: Callable[[Json], Json] = lambda fields: fields
) -> Response:
    if form.get("state"):
        fields["state"] = form["state"]
    fields = change(fields | storage.target(campus))
    response = make_response(render_template("post.html", action=form["redirect_uri"], fields=fields))
    response.headers["Cache-Control"] = "no-store"
    return response
