"""A pretend LMS: an LTI 1.3 platform with AGS and NRPS, and Canvas's REST API over the same courses."""

from __future__ import annotations

from typing import Any

from flask import Flask

from gradesync_site.sandbox.control import Options, Sandbox, make_server_app
from gradesync_site.sandbox.lms import (
    canvas,
    control_routes,
    hostile,
    key_set,
    pages,
    platform,
    registration,
    seeds,
    services,
    storage,
    tokens,
)
from gradesync_site.sandbox.lms.campus import CLIENT_ID, DEPLOYMENT_ID, Campus
from gradesync_site.sandbox.lms.catalogue import FAULTS
from gradesync_site.sandbox.lms.world import TEACHER

Json = dict[str, Any]

DIALECTS = ("", "canvas")


def make_app(options: Options) -> Flask:
    """The Flask app; `options.extra`: tool_url (registers GradeSync there), token, page_size, token_s, plain, storage."""
    if options.dialect not in DIALECTS:
        raise ValueError(f"The sandbox LMS speaks {', '.join(filter(None, DIALECTS))}.")
    sandbox = Sandbox("lms", options, FAULTS, lambda: seeds.seed(options))
    campus = Campus(sandbox)
    storage.mode(campus)
    sandbox.describe = lambda base_url: describe(campus, base_url)
    app = make_server_app(sandbox, __name__)
    app.extensions["campus"] = campus
    for room in (platform, tokens, services, canvas, registration, control_routes, pages, key_set, storage):
        app.register_blueprint(room.blueprint(campus))
    app.register_blueprint(hostile.blueprint())
    sandbox.save()
    return app


def describe(campus: Campus, base_url: str) -> Json:
    """Every address and id that a tool's registration and a Canvas connection need."""
    return {
        "issuer": base_url,
        "client_id": CLIENT_ID,
        "deployment_id": DEPLOYMENT_ID,
        "auth_login_url": f"{base_url}/lti/auth",
        "auth_token_url": f"{base_url}/lti/token",
        "key_set_url": f"{base_url}/lti/jwks",
        "openid_configuration": f"{base_url}/.well-known/openid-configuration",
        "canvas_token": campus.canvas_token,
        "courses": [_course(campus, base_url, course) for course in campus.world.courses()],
    }


def _course(campus: Campus, base_url: str, course: Json) -> Json:
    teachers = dict.fromkeys(str(row["user_id"]) for row in campus.world.enrollments(course, TEACHER))
    return {
        "id": str(course["id"]),
        "title": course["name"],
        "url": f"{base_url}/courses/{course['id']}",
        "teachers": list(teachers),
        "class_ids": [section["sis_id"] for section in course["sections"]],
    }
