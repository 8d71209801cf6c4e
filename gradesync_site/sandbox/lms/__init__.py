"""A pretend LMS: an LTI 1.3 platform with AGS and NRPS, and the vendors' own services over the same courses."""

from __future__ import annotations

from typing import Any

from flask import Flask

from gradesync_site.sandbox.control import Options, Sandbox, make_server_app
from gradesync_site.sandbox.lms import (
    admin_pages,
    blackboard,
    blackboard_json,
    brightspace,
    canvas,
    canvas_control,
    control_routes,
    deep_linking,
    hostile,
    key_set,
    keyring,
    moodle_ws,
    oauth,
    opening,
    pages,
    platform,
    registration,
    schoology,
    seeds,
    services,
    storage,
    tokens,
    tools,
)
from gradesync_site.sandbox.lms.campus import CLIENT_ID, Campus
from gradesync_site.sandbox.lms.catalogue import FAULTS
from gradesync_site.sandbox.lms.dialects import DIALECTS
from gradesync_site.sandbox.lms.world import TEACHER

Json = dict[str, Any]

ROOMS = (
    *(platform, key_set, tokens, oauth, services, canvas, brightspace, moodle_ws, schoology),
    *(blackboard, registration, storage),
    *(control_routes, canvas_control, pages, admin_pages, opening, deep_linking),
)


def make_app(options: Options) -> Flask:
    """The Flask app; `options.extra`: tool_url (registers GradeSync there), token, page_size, token_s, plain, storage.

    Also moodle_token, brightspace_token, blackboard_page (rows that a page has at most), blackboard_quota, own (see
    `columns`), and endpoint_host, issuer and says_issuer (see `addresses`).
    """
    if options.dialect not in DIALECTS:
        raise ValueError(f"The sandbox LMS speaks {', '.join(filter(None, DIALECTS))}.")
    sandbox = Sandbox("lms", options, FAULTS, lambda: seeds.seed(options))
    campus = Campus(sandbox)
    storage.mode(campus)
    sandbox.describe = lambda base_url: describe(campus, base_url)
    app = make_server_app(sandbox, __name__)
    app.extensions["campus"] = campus
    for room in ROOMS:
        app.register_blueprint(room.blueprint(campus))
    app.register_blueprint(hostile.blueprint())
    sandbox.save()
    return app


def describe(campus: Campus, base_url: str) -> Json:
    """Every address and id that a tool's registration and an LMS connection need."""
    at = campus.addresses_at(base_url)
    tool = campus.tool() or {}
    return {
        "issuer": at.issuer,
        "client_id": CLIENT_ID,
        "deployment_id": tool.get("deployment_id") or tools.deployment_id(campus.dialect, 1),
        "auth_login_url": at.auth,
        "auth_token_url": at.token,
        "auth_audience": at.audience if campus.dialect.joining.separate_audience else "",
        "key_set_url": at.jwks,
        "openid_configuration": at.configuration,
        "canvas_token": campus.canvas_token,
        "moodle_token": campus.moodle_token,
        "blackboard_key": blackboard.KEY,
        "blackboard_secret": blackboard.SECRET,
        "brightspace_token": brightspace.token_of(campus),
        "oauth": {"client_id": keyring.CLIENT_ID, "client_secret": keyring.SECRET},
        "schoology": schoology.describe(base_url),
        "courses": [_course(campus, base_url, course) for course in campus.world.courses()],
    }


def _course(campus: Campus, base_url: str, course: Json) -> Json:
    teachers = dict.fromkeys(str(row["user_id"]) for row in campus.world.enrollments(course, TEACHER))
    return {
        "id": str(course["id"]),
        "uuid": blackboard_json.uuid_of(course),
        "title": course["name"],
        "url": f"{base_url}/courses/{course['id']}",
        "teachers": list(teachers),
        "class_ids": [section["sis_id"] for section in course["sections"]],
    }
