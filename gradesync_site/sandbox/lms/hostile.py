"""A page that nobody should trust: it frames any address, answers for the platform's storage, and keeps all it hears.

GET /_sandbox/hostile?frame=URL. `name`: of the frame that plays the storage; `value`: what it answers to lti.get_data
(without it: what was stored before). Tests read `window.received`, `window.stolen` and `window.answered`.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request

from gradesync_site.sandbox.lms.storage import FRAME


def blueprint() -> Blueprint:
    routes = Blueprint("hostile", __name__, url_prefix="/_sandbox", template_folder="templates")

    @routes.get("/hostile")
    def hostile() -> str:
        return _page("hostile.html")

    @routes.get("/hostile/storage")
    def storage() -> str:
        """The frame beside: what it hears, it tells the page around it."""
        return _page("hostile_storage.html")

    return routes


def _page(template: str) -> str:
    return render_template(
        template,
        framed=request.args.get("frame", ""),
        name=request.args.get("name") or FRAME,
        value=request.args.get("value", ""),
    )
