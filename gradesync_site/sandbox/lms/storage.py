"""What a platform keeps in the browser for tools without cookies (1EdTech LTI postMessage Storage 0.1, option `storage`).

`storage=1`: a hidden frame beside the tool's answers, on the origin of the authentication address; `storage=parent`: the
course page itself. Without the option nothing is sent and nobody answers.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, render_template

from gradesync_site.sandbox.lms.campus import Campus

Json = dict[str, Any]

FRAME, PARENT = "post_message_forwarding", "_parent"
MODES = ("", "1", "parent")
DATA_SUBJECTS = "lti.put_data lti.get_data"


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("storage", __name__, template_folder="templates")

    @routes.get("/lti/storage")
    def frame() -> Response:
        if mode(campus) != "1":
            return Response(status=404)
        return _fresh(render_template("storage.html", storage=answering(campus, FRAME)))

    return routes


def mode(campus: Campus) -> str:
    """Raises ValueError for an option that does not exist."""
    chosen = campus.sandbox.options.extra.get("storage", "")
    if chosen not in MODES:
        raise ValueError("The option storage is 1 or parent.")
    return chosen


def target(campus: Campus) -> Json:
    """What login and launch tell the tool (LTI OIDC Login with Client Side postMessages 0.1)."""
    names = {"1": FRAME, "parent": PARENT}
    chosen = mode(campus)
    return {"lti_storage_target": names[chosen]} if chosen else {}


def of_page(campus: Campus) -> Json | None:
    """What the course page itself does for the tool in its frame: all, or only tell which frame to ask; None: nothing."""
    chosen = mode(campus)
    if chosen == "parent":
        return answering(campus, "")
    return {"frame": FRAME, "keeps": False} if chosen else None


def answering(campus: Campus, frame_name: str) -> Json:
    """The faults strike when the page that answers is loaded; their setting `subject` narrows what they spoil."""
    return {
        "frame": frame_name,
        "keeps": True,
        "silent": _spoiled(campus, "storage-silent", DATA_SUBJECTS),
        "wrong": _spoiled(campus, "storage-wrong-value", "lti.get_data"),
        "error": _spoiled(campus, "storage-error", DATA_SUBJECTS),
        "late": _spoiled(campus, "storage-late", "1000", "ms"),
    }


def _spoiled(campus: Campus, fault: str, usual: str, setting: str = "subject") -> str:
    struck = campus.sandbox.strikes(fault)
    return "" if struck is None else str(struck.settings.get(setting, usual))


def _fresh(page: str) -> Response:
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response
