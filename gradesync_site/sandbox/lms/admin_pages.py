"""The administrator's page: she pastes a tool's registration address, the tool registers itself, she switches it on."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from gradesync_site.sandbox.lms import registration, tools
from gradesync_site.sandbox.lms.campus import Campus
from gradesync_site.sandbox.lms.world import Unknown

Json = dict[str, Any]

CLOSE = "org.imsglobal.lti.close"


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("admin_pages", __name__, url_prefix="/admin", template_folder="templates")
    routes.register_error_handler(Unknown, lambda error: (str(error), 404))

    @routes.get("/tools")
    def shelf() -> str:
        known = reversed(campus.world.state["tools"].values())
        return render_template("admin_tools.html", tools=list(known), frames_only=_frames_only(campus))

    @routes.post("/register")
    def register() -> str:
        return _register(campus, request.form["tool_url"].strip(), request.form.get("opens", "frame"))

    @routes.post("/tools/<client_id>/enable")
    def enable(client_id: str) -> AnyResponse:
        kept = request.form.getlist("scope")
        campus.edit(lambda: tools.enable(campus.world, client_id, kept), "tools")
        return redirect("/admin/tools", 303)

    return routes


def _frames_only(campus: Campus) -> bool:
    return campus.dialect.joining.frames_only


def _register(campus: Campus, tool_url: str, opens: str) -> str:
    """Opens the tool's page in a frame, or leaves that to a click into a window, and waits for its word to close."""
    parts = urlsplit(tool_url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        abort(400, "Paste the whole registration address that the tool gave you, with https://.")
    begun = registration.begin(campus, tool_url)
    return render_template(
        "admin_register.html",
        url=begun["url"],
        origin=f"{parts.scheme}://{parts.netloc}",
        framed=_frames_only(campus) or opens != "window",
        subject=CLOSE,
    )
