"""The pretend ILP over HTTP: one address, HTTP Basic, and an answer of messages."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from flask import Flask, Response, request

from gradesync_site.sandbox.control import (
    Options,
    Sandbox,
    answer,
    control_blueprint,
    drop_connection,
    loads,
    make_server_app,
)
from gradesync_site.sandbox.data import world
from gradesync_site.sandbox.sis.banner_ilp import rules

Json = dict[str, Any]
USER = "gradesync"
MEDIA = "application/vnd.ellucian.v1"
FAULTS = {
    "busy-429": "429 with Retry-After (setting retry_after, 1)",
    "busy-503": "503 with Retry-After (setting retry_after, 1)",
    "password-refused": "the password is refused",
    "forbidden": "403: this user may not send grades",
    "lose-answer": "an exchange is stored, then the connection is cut",
    "lose-request": "the connection is cut before an exchange is looked at",
    "error-500-after-store": "an exchange is stored, then answered with 500",
    "store-nothing": "an exchange is answered as stored, and is not",
    "html-page": "an exchange is stored, and answered with 200 and an HTML page",
    "html-error": "an exchange is refused with 400 and an HTML page",
    "omit": "no message of a student, whose grade is stored (setting student)",
    "odd-status": "a student's message has a status of another kind (setting student)",
    "no-connection": "Banner cannot be reached: nothing is stored, and no message comes",
    "half-connection": "Banner is lost after the first student: the others have no message",
    "refuse-batch": "400 for the whole exchange while a student is in it (setting student)",
    "slow": "an answer takes long (setting seconds, 2)",
}


def make_app(options: Options) -> Flask:
    """`options.extra`: plain."""
    people = world(options.students, options.line_items, plain="plain" in options.extra)
    sandbox = Sandbox("sis", options, FAULTS, lambda: rules.seeded(people))
    password = hashlib.sha256(f"sandbox-ilp-{options.seed}".encode()).hexdigest()[:24]
    exchange = Exchange(sandbox, password)
    sandbox.describe = lambda base_url: {
        "client_id": USER,
        "client_secret": password,
        "class_ids": list(sandbox.state["sections"]),
    }
    app = make_server_app(sandbox, __name__, control_blueprint(sandbox))
    app.add_url_rule("/api/coursesection/grades", "grades", exchange.grades, methods=["POST"])
    return app


class Exchange:
    def __init__(self, sandbox: Sandbox, password: str) -> None:
        self.sandbox, self.password = sandbox, password

    def grades(self) -> Response:
        early = self._early() or self._refused()
        if early is not None:
            return early
        body = loads(request.get_data())
        entries = body["StudentGrades"]
        if not entries:
            return _messages([rules.failure("", "Could not find grades. (NoGradesFound)", "StudentGrades")])
        fault = self.sandbox.strikes("refuse-batch")
        if fault and fault.settings.get("student") in {one["StudentId"] for one in entries}:
            return answer({"status": "failure", "messages": []}, 400)
        if self.sandbox.strikes("no-connection"):
            return _messages([], lost=True)
        half = self.sandbox.strikes("half-connection") is not None
        with self.sandbox.lock:
            said = [
                one
                for grade in (entries[:1] if half else entries)
                for one in self._one(body["ModifiedBy"], grade)
            ]
        return self._answered(said, lost=half)

    def _one(self, modified_by: str, grade: Json) -> list[Json]:
        student = grade["StudentId"]
        found = rules.messages(self.sandbox.state, modified_by, grade)
        if not found:
            if not self.sandbox.strikes("store-nothing"):
                rules.store(self.sandbox.state, grade)
                self.sandbox.stored(f"{grade['CourseId']}/{student}")
            found = [rules.success(student)]
        omit, odd = self.sandbox.strikes("omit"), self.sandbox.strikes("odd-status")
        if omit and omit.settings.get("student") == student:
            return []
        if odd and odd.settings.get("student") == student:
            found[0]["data"]["status"] = "pending"
        return found

    def _answered(self, said: list[Json], *, lost: bool) -> Response:
        if self.sandbox.strikes("lose-answer"):
            return drop_connection()
        if self.sandbox.strikes("error-500-after-store"):
            return answer({"message": "An unexpected error occurred."}, 500)
        return _page(200) if self.sandbox.strikes("html-page") else _messages(said, lost=lost)

    def _early(self) -> Response | None:
        strikes = self.sandbox.strikes
        if fault := strikes("slow"):
            time.sleep(float(fault.settings.get("seconds", 2)))
        for name, status in (("busy-429", 429), ("busy-503", 503)):
            if fault := strikes(name):
                return answer({}, status, {"Retry-After": str(fault.settings.get("retry_after", 1))})
        return drop_connection() if strikes("lose-request") else None

    def _refused(self) -> Response | None:
        given = request.authorization
        pair = (given.username, given.password) if given is not None and given.type == "basic" else None
        if self.sandbox.strikes("password-refused") or pair != (USER, self.password):
            return Response("", 401, {"WWW-Authenticate": 'Basic realm="ILP"'})
        if self.sandbox.strikes("forbidden"):
            return answer({}, 403)
        if request.headers.get("X-Ellucian-Media-Type") != MEDIA:
            return answer({"message": "The version is not supported."}, 406)
        return _page(400) if self.sandbox.strikes("html-error") else None


def _messages(said: list[Json], *, lost: bool = False) -> Response:
    failed = lost or any(one["data"]["status"] == "failure" for one in said)
    body = {"status": "failure" if failed else "success", "messages": said, "isConnectivityFailure": lost}
    return answer(body)


def _page(status: int) -> Response:
    return Response("<!doctype html><h1>ILP</h1>", status, mimetype="text/html")
