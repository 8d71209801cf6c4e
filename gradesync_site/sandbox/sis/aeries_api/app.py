"""The pretend Aeries server: a certificate in a header, API v5, one database year, and its faults."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Response, request

from gradesync_site.sandbox.control import (
    Options,
    Sandbox,
    answer,
    control_blueprint,
    drop_connection,
    make_server_app,
)
from gradesync_site.sandbox.data import world
from gradesync_site.sandbox.sis.aeries_api import seeds
from gradesync_site.sandbox.sis.aeries_api.gradebook import Gradebooks, Problem

Json = dict[str, Any]
YEAR = "2025-2026"
FAULTS = {
    "busy-429": "429 with Retry-After (setting retry_after, 1)",
    "busy-503": "503 with Retry-After (setting retry_after, 1)",
    "certificate-refused": "401: the certificate is not known (any more)",
    "not-granted": "403: the certificate lacks the security area",
    "out-of-dates": "400: not within the gradebook's dates",
    "no-over-max": "400 for a score above the number possible",
    "odd-student": "400 for an array with this student (setting student)",
    "omit-student": "the answer to scores leaves a student out (setting student)",
    "lose-answer": "a write is stored, then the connection is cut",
    "lose-request": "the connection is cut before a write is looked at",
    "error-500-after-store": "a write is stored, then answered with 500",
    "store-nothing": "scores are answered as they stood, and not stored",
    "html-answer": "a write is stored and answered with an HTML page",
    "empty-answer": "a write is stored and answered with an empty list",
    "html-page": "a read is answered with 200 and an HTML page",
    "html-error": "errors come as an HTML page",
    "odd-json": "a read is answered with 200 and something else (setting body, null)",
    "vanished": "a read is answered with 404",
    "round-0": "scores are stored without decimals, half up",
    "round-1": "scores are stored with one decimal, half up",
    "round-2": "scores are stored with two decimals, half up",
    "slow": "an answer takes long (setting seconds, 2)",
}


def make_app(options: Options) -> Flask:
    """`options.extra`: plain."""
    people = world(options.students, options.line_items, plain="plain" in options.extra)
    sandbox = Sandbox("sis", options, FAULTS, lambda: seeds.seeded(people))
    certificate = hashlib.sha256(f"sandbox-aeries-{options.seed}".encode()).hexdigest()[:32]
    host = Host(sandbox, certificate)
    sandbox.describe = lambda base_url: describe(host, base_url)
    control = control_blueprint(sandbox)
    control.add_url_rule("/result", "result", host.books.by_hand, methods=["POST"])
    app = make_server_app(sandbox, __name__, control)
    app.register_blueprint(host.blueprint())
    return app


def describe(host: Host, base_url: str) -> Json:
    sections = host.sandbox.state["sections"]
    return {
        "client_id": "",
        "client_secret": host.certificate,
        "class_ids": list(sections),
        "sections": {one["name"]: key for key, one in sections.items()},
    }


class Host:
    def __init__(self, sandbox: Sandbox, certificate: str) -> None:
        self.sandbox, self.certificate = sandbox, certificate
        self.books = Gradebooks(sandbox)

    def blueprint(self) -> Blueprint:
        books = self.books
        routes = Blueprint("aeries", __name__, url_prefix="/api/v5")
        views: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("GET", "/systeminfo", self.system),
            ("GET", "/schools", lambda: [{"SchoolCode": seeds.SCHOOL, "Name": "North High"}]),
            ("GET", "/schools/<school>/sections/<section>", self.section),
            ("GET", "/schools/<school>/sections/<section>/students", self.roster),
            ("GET", "/schools/<school>/sections/<section>/gradebooks", books.of_section),
            ("GET", "/staff/<staff>/classes", self.classes),
            ("GET", "/gradebooks/<number>/<term>/students", books.students),
            ("GET", "/gradebooks/<number>/assignments", books.assignments),
            ("POST", "/gradebooks/<number>/Assignments", books.create),
            ("GET", "/gradebooks/assignments/<unique>", books.assignment),
            ("GET", "/gradebooks/assignments/<unique>/scores", books.scores),
            ("POST", "/gradebooks/assignments/<unique>/Scores", books.post_scores),
        )
        for method, rule, view in views:
            routes.add_url_rule(rule, f"{method}{rule}", self._guarded(view, rule), methods=[method])
        return routes

    def _guarded(self, view: Callable[..., Any], rule: str) -> Callable[..., Response]:
        def operation(**places: str) -> Response:
            try:
                early = self._early()
                if early is not None:
                    return early
                if rule != "/systeminfo":
                    self._check_certificate()
                with self.sandbox.lock:
                    found = view(**places)
                    return found if isinstance(found, Response) else answer(found)
            except Problem as problem:
                if self.sandbox.strikes("html-error"):
                    return Response("<!doctype html><h1>Error</h1>", problem.status, mimetype="text/html")
                return answer({"Message": problem.message}, problem.status)

        return operation

    def _check_certificate(self) -> None:
        known = request.headers.get("AERIES-CERT") == self.certificate
        if not known or self.sandbox.strikes("certificate-refused"):
            raise Problem(401, "The certificate is not valid.")
        if self.sandbox.strikes("not-granted"):
            raise Problem(403, "The certificate has no access to this security area.")
        if request.args.get("DatabaseYear", YEAR) != YEAR:
            raise Problem(400, "The database year is not available.")

    def _early(self) -> Response | None:
        strikes, writes = self.sandbox.strikes, request.method != "GET"
        if fault := strikes("slow"):
            time.sleep(float(fault.settings.get("seconds", 2)))
        for name, status in (("busy-429", 429), ("busy-503", 503)):
            if fault := strikes(name):
                return answer({}, status, {"Retry-After": str(fault.settings.get("retry_after", 1))})
        if writes and strikes("lose-request"):
            return drop_connection()
        if not writes and strikes("html-page"):
            return Response("<!doctype html><h1>Sign in</h1>", 200, mimetype="text/html")
        if not writes and strikes("vanished"):
            raise Problem(404, "It could not be found.")
        if not writes and (fault := strikes("odd-json")):
            return answer(fault.settings.get("body"))
        return None

    # --- schools and sections ---

    def system(self) -> Json:
        return {"AeriesVersion": "9.25.3.1", "DatabaseYear": YEAR, "AvailableDatabaseYears": [YEAR]}

    def section(self, school: str, section: str) -> Json:
        return _shown(self._section(school, section))

    def roster(self, school: str, section: str) -> list[Json]:
        self._section(school, section)
        return [
            {"SchoolCode": int(school), "SectionNumber": int(section), "StudentID": int(student)}
            for student in self.sandbox.state["rosters"].get(f"{school}-{section}", [])
        ]

    def classes(self, staff: str) -> list[Json]:
        if staff not in self.sandbox.state["staff"]:
            raise Problem(404, "The staff member could not be found.")
        return [
            _shown(one)
            for one in self.sandbox.state["sections"].values()
            if any(str(member["StaffID"]) == staff for member in one["SectionStaffMembers"])
        ]

    def _section(self, school: str, section: str) -> Json:
        found = self.sandbox.state["sections"].get(f"{school}-{section}")
        if found is None:
            raise Problem(404, "The section could not be found.")
        return dict(found)


def _shown(section: Json) -> Json:
    return {key: value for key, value in section.items() if key != "name"}
