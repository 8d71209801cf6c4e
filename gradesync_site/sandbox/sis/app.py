"""Puts the pretend SIS together: one Flask app with its token endpoint, its two services and its control routes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException

from gradesync_site.sandbox.control import Options, Sandbox, answer, control_blueprint, make_server_app
from gradesync_site.sandbox.data import world
from gradesync_site.sandbox.sis.answers import Renderer, refusal_answer
from gradesync_site.sandbox.sis.catalogue import CATALOGUE
from gradesync_site.sandbox.sis.control_api import add_control
from gradesync_site.sandbox.sis.dialects import DIALECTS, Dialect
from gradesync_site.sandbox.sis.gradebook import add_gradebook, add_gradebook_v11
from gradesync_site.sandbox.sis.rostering import add_rostering
from gradesync_site.sandbox.sis.seeds import seeded
from gradesync_site.sandbox.sis.service import Service
from gradesync_site.sandbox.sis.shapes import SHAPES, SHAPES_V11, Shape
from gradesync_site.sandbox.sis.store import Refusal, Store
from gradesync_site.sandbox.sis.tokens import CLIENT_ID, SCOPES, TOKEN_PATH, V11, V12, Tokens
from gradesync_site.sandbox.sis.writing import Writer

ROSTERING, GRADEBOOK = "/ims/oneroster/rostering/v1p2", "/ims/oneroster/gradebook/v1p2"
ALL_OF_V11 = "/ims/oneroster/v1p1"


def make_app(options: Options) -> Flask:
    """The SIS as a Flask app, speaking as `options.dialect` does.

    `options.extra["plain"]` leaves out the people whom the two sides disagree about; `options.extra["auth"]` "oauth1"
    takes signed requests only.
    """
    dialect = DIALECTS[options.dialect or "oneroster"]
    people = world(options.students, options.line_items, plain="plain" in options.extra)
    sandbox = Sandbox("sis", options, CATALOGUE, lambda: seeded(people))
    store = Store(sandbox)
    tokens = _tokens(sandbox, options, dialect)
    sandbox.describe = lambda base_url: describe(sandbox, tokens, base_url)
    control = control_blueprint(sandbox)
    add_control(control, sandbox, store, tokens)
    app = make_server_app(sandbox, __name__, control)
    app.add_url_rule(TOKEN_PATH, "token", tokens.token, methods=["POST"])
    if "1.2" in dialect.versions:
        _add_v12(app, Service(sandbox, store, tokens, Renderer(ROSTERING, GRADEBOOK), dialect))
    _add_v11(app, Service(sandbox, store, tokens, Renderer(ALL_OF_V11, ALL_OF_V11, v11=True), dialect))
    app.register_error_handler(HTTPException, lambda error: _unserved(sandbox, error))
    return app


def _tokens(sandbox: Sandbox, options: Options, dialect: Dialect) -> Tokens:
    allowed = frozenset(prefix + name for name in dialect.scopes for prefix in (V11, V12)) or SCOPES
    return Tokens(
        sandbox,
        client_secret(options.seed),
        allowed,
        only_allowed=dialect.only_approved_scopes,
        scope_status=dialect.scope_status,
        scheme=options.extra.get("auth", ""),
    )


def _add_v12(app: Flask, service: Service) -> None:
    rostering = Blueprint("rostering", __name__, url_prefix=ROSTERING)
    add_rostering(rostering, service, V12)
    gradebook = Blueprint("gradebook", __name__, url_prefix=GRADEBOOK)
    add_gradebook(gradebook, service, _writer(service, SHAPES), V12)
    app.register_blueprint(rostering)
    app.register_blueprint(gradebook)


def _add_v11(app: Flask, service: Service) -> None:
    older = Blueprint("v1p1", __name__, url_prefix=ALL_OF_V11)
    add_rostering(older, service, V11)
    add_gradebook_v11(older, service, _writer(service, SHAPES_V11), V11)
    app.register_blueprint(older)


def _writer(service: Service, shapes: Mapping[str, Shape]) -> Writer:
    return Writer(service.sandbox, service.store, shapes, service.renderer, service.dialect)


def client_secret(seed: int) -> str:
    """Of no worth outside the sandbox: the same for the same seed."""
    return hashlib.sha256(f"sandbox-sis-{seed}".encode()).hexdigest()[:32]


def describe(sandbox: Sandbox, tokens: Tokens, base_url: str) -> dict[str, Any]:
    return {
        "rostering_base": f"{base_url}{ROSTERING}",
        "gradebook_base": f"{base_url}{GRADEBOOK}",
        "v11_base": f"{base_url}{ALL_OF_V11}",
        "token_url": f"{base_url}{TOKEN_PATH}",
        "client_id": CLIENT_ID,
        "client_secret": tokens.secret,
        "class_ids": list(sandbox.state["classes"]),
    }


def _unserved(sandbox: Sandbox, error: HTTPException) -> Response:
    """An address or method that this SIS does not serve, in the form of the service it was asked of."""
    status = error.code or 500
    if not request.path.startswith("/ims/oneroster"):
        return answer({"error": error.name}, status)
    minor = "unknownobject" if status == 404 else ""
    return refusal_answer(
        sandbox, Refusal(status, minor, f"{error.name}."), v11=request.path.startswith(ALL_OF_V11)
    )
