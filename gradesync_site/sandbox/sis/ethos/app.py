"""The pretend Ethos tenant over HTTP: the token, the resources with their filters and pages, and submissions."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, request

from gradesync_site.sandbox.control import (
    Options,
    Sandbox,
    answer,
    control_blueprint,
    drop_connection,
    dumps,
    loads,
    make_server_app,
)
from gradesync_site.sandbox.data import world
from gradesync_site.sandbox.sis.ethos import rules, seeds
from gradesync_site.sandbox.sis.ethos.rules import NIL, Problem

Json = dict[str, Any]
MEDIA = "application/vnd.hedtech.integration"
GRADES, GRADE_OPTIONS = "student-unverified-grades", "section-registrations-grade-options"
SUBMISSION = re.compile(re.escape(f"{MEDIA}.student-unverified-grades-submissions") + r"\.v1(\.0\.0)?\+json")
FILTERS = ("criteria", "section")
ACCEPTED = re.compile(r"\.v(\d+)(?:\.\d+)*\+json")
TODAY = "2026-11-24"
FAULTS = {
    "busy-429": "429 with Retry-After (setting retry_after, 1)",
    "busy-503": "503 with Retry-After (setting retry_after, 1)",
    "key-refused": "the API key is refused",
    "token-page": "the token endpoint answers with a page",
    "token-expired": "a valid JWT is answered with 401",
    "no-permission": "403: the key may not use the resource (narrow it by path)",
    "not-served": "404: no application serves the resource (narrow it by path)",
    "other-version": "another version is served than asked for (setting version, 99)",
    "lose-answer": "a submission is stored, then the connection is cut",
    "lose-request": "the connection is cut before a submission is looked at",
    "error-500-after-store": "a submission is stored, then answered with 500",
    "store-nothing": "a submission is answered as stored, and is not",
    "nested-errors": "the SIS's errors come as a JSON text inside the description",
    "html-page": "an answer is 200 and an HTML page",
    "html-error": "errors come as an HTML page",
    "page-repeats": "every page is the first one",
    "page-short": "the list counts more rows than it has",
    "no-total": "lists do not say how many rows there are",
    "small-pages": "pages are capped (setting most, 2)",
    "ignore-filter": "lists are not filtered",
    "vanish": "the record that a PUT is for is taken away just before",
    "show-late": "lists do not show what is stored",
    "rolled": "a submission is refused: the grade has just been rolled (setting student; every one)",
    "slow": "an answer takes long (setting seconds, 2)",
}


def make_app(options: Options) -> Flask:
    """`options.extra`: plain (everybody is graded by letter), token_seconds (300)."""
    plain = "plain" in options.extra
    people = world(options.students, options.line_items, plain=plain)
    sandbox = Sandbox("sis", options, FAULTS, lambda: seeds.seeded(people, plain=plain))
    host = Tenant(sandbox, int(options.extra.get("token_seconds", "300")))
    sandbox.describe = host.describe
    control = control_blueprint(sandbox)
    control.add_url_rule("/result", "result", host.by_hand, methods=["POST"])
    control.add_url_rule("/verify", "verify", host.verify, methods=["POST"])
    app = make_server_app(sandbox, __name__, control)
    app.add_url_rule("/auth", "auth", host.auth, methods=["POST"])
    app.add_url_rule("/api/<resource>", "many", host.guarded(host.many))
    app.add_url_rule("/api/<resource>/<guid>", "one", host.guarded(host.one))
    app.add_url_rule(f"/api/{GRADES}", "post", host.guarded(host.submit), methods=["POST"])
    app.add_url_rule(f"/api/{GRADES}/<guid>", "put", host.guarded(host.submit), methods=["PUT"])
    return app


class Tenant:
    def __init__(self, sandbox: Sandbox, life_s: int) -> None:
        self.sandbox, self.life_s = sandbox, life_s
        self.key = hashlib.sha256(f"sandbox-ethos-{sandbox.options.seed}".encode()).hexdigest()[:36]
        # JWTs live in memory only, each until its end
        self.issued: dict[str, float] = {}

    @property
    def state(self) -> Json:
        return self.sandbox.state

    def describe(self, base_url: str) -> Json:
        return {
            "token_url": f"{base_url}/auth",
            "client_secret": self.key,
            "class_ids": list(self.state["sections"]),
        }

    # --- access ---

    def auth(self) -> Response:
        given = request.headers.get("Authorization", "")
        if self.sandbox.strikes("key-refused") or given != f"Bearer {self.key}":
            return answer({"errors": [{"message": "The API key is not valid."}]}, 401)
        if self.sandbox.strikes("token-page"):
            return page(200)
        token = ".".join(secrets.token_urlsafe(18) for _ in range(3))
        self.issued[token] = time.monotonic() + self.life_s
        return Response(token, 200, mimetype="text/plain")

    def guarded(self, view: Callable[..., Response]) -> Callable[..., Response]:
        def operation(resource: str = GRADES, **places: str) -> Response:
            try:
                early = self._early()
                if early is not None:
                    return early
                self._check_access(resource)
                with self.sandbox.lock:
                    return view(resource, **places)
            except Problem as problem:
                return self._problem(problem)

        return operation

    def _early(self) -> Response | None:
        strikes = self.sandbox.strikes
        if fault := strikes("slow"):
            time.sleep(float(fault.settings.get("seconds", 2)))
        for name, status in (("busy-429", 429), ("busy-503", 503)):
            if fault := strikes(name):
                return answer({}, status, {"Retry-After": str(fault.settings.get("retry_after", 1))})
        if request.method != "GET" and strikes("lose-request"):
            return drop_connection()
        return page(200) if request.method == "GET" and strikes("html-page") else None

    def _check_access(self, resource: str) -> None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if time.monotonic() >= self.issued.get(token, 0.0) or self.sandbox.strikes("token-expired"):
            raise Problem(401, "Authentication", "The JWT is missing, not valid or over.")
        if resource not in seeds.RESOURCES or self.sandbox.strikes("not-served"):
            raise Problem(404, "Global.Internal.Error", "No application serves this resource.")
        if self.sandbox.strikes("no-permission"):
            raise Problem(403, "Access.Denied", "The application does not have permission for this resource.")
        asked = ACCEPTED.search(request.headers.get("Accept", ""))
        if asked is None or asked[1] != seeds.RESOURCES[resource].split(".")[0]:
            raise Problem(406, "Global.Unsupported.Version", "The requested version is not supported.")

    def _problem(self, problem: Problem) -> Response:
        if self.sandbox.strikes("html-error"):
            return page(problem.status)
        error = {"code": problem.code, "title": "Refused", "description": problem.words}
        if self.sandbox.strikes("nested-errors"):
            inner = dumps({"errors": [{"code": problem.code, "message": problem.words}]})
            error = {"code": "Global.Internal.Error", "description": inner}
        return answer({"errors": [error]}, problem.status)

    # --- reading ---

    def many(self, resource: str) -> Response:
        rows = self._rows(resource)
        filters = {name: _filter(request.args[name]) for name in FILTERS if name in request.args}
        if not self.sandbox.strikes("ignore-filter"):
            rows = [row for row in rows if self._fits(row, filters)]
        if self.sandbox.strikes("show-late"):
            rows = []
        most = 500
        if fault := self.sandbox.strikes("small-pages"):
            most = int(fault.settings.get("most", 2))
        offset = 0 if self.sandbox.strikes("page-repeats") else _whole("offset", 0)
        found = rows[offset : offset + min(_whole("limit", most), most)]
        total = len(rows) + (1 if self.sandbox.strikes("page-short") else 0)
        headers = {"x-total-count": str(total), "x-max-page-size": str(most)}
        if self.sandbox.strikes("no-total"):
            headers = {}
        return self._served(resource, found, headers)

    def _rows(self, resource: str) -> list[Json]:
        if resource == GRADE_OPTIONS:
            return [rules.options_of(self.state, one) for one in self.state["section-registrations"].values()]
        return list(self.state[resource].values())

    def _fits(self, row: Json, filters: Mapping[str, Any]) -> bool:
        """`section` is the named query of unverified grades: by the section of their registration."""
        if "section" in filters:
            registration = self.state["section-registrations"].get(row["sectionRegistration"]["id"], {})
            row = row | {"section": registration.get("section")}
        return all(covers(row, wanted) for wanted in filters.values())

    def one(self, resource: str, guid: str) -> Response:
        found = next((row for row in self._rows(resource) if row["id"] == guid), None)
        if found is None:
            raise Problem(404, "GUID.Not.Found", f"No {resource} was found for this GUID.")
        return self._served(resource, found, {})

    def _served(self, resource: str, body: object, headers: Mapping[str, str]) -> Response:
        version = seeds.RESOURCES[resource]
        if fault := self.sandbox.strikes("other-version"):
            version = str(fault.settings.get("version", 99))
        return answer(body, 200, {**headers, "x-media-type": f"{MEDIA}.v{version}+json"})

    # --- submissions ---

    def submit(self, resource: str, guid: str = "") -> Response:
        """POST with the nil GUID makes the registration's record, PUT changes it: one grade of one type."""
        if not SUBMISSION.fullmatch(request.headers.get("Content-Type", "")):
            raise Problem(415, "Global.Unsupported.Media", "The media type is not supported.")
        body = loads(request.get_data())
        registration = rules.check(self.state, body)
        fault = self.sandbox.strikes("rolled")
        if fault and fault.settings.get("student") in (None, registration["registrant"]["id"]):
            raise Problem(400, "Validation.Exception", "The grade has been rolled to academic history.")
        former = self._former(guid, body)
        record = rules.merged(former, registration, body, TODAY)
        if not guid and record["id"] in self.state[resource]:
            # a second POST is a second record: nothing there takes it for the first
            record["id"] = seeds.guid("unverified", registration["id"], str(len(self.state[resource])))
        if not self.sandbox.strikes("store-nothing"):
            seeds.add(self.state, resource, record)
            self.sandbox.stored(f"{resource}/{record['id']}")
        if self.sandbox.strikes("lose-answer"):
            return drop_connection()
        if self.sandbox.strikes("error-500-after-store"):
            raise Problem(500, "Global.Internal.Error", "An unexpected error occurred.")
        return page(200) if self.sandbox.strikes("html-page") else self._served(resource, record, {})

    def _former(self, guid: str, body: Json) -> Json | None:
        if body.get("id") != (guid or NIL):
            raise Problem(400, "Validation.Exception", "The id in the body is not that of the request.")
        if not guid:
            return None
        if self.sandbox.strikes("vanish"):
            self.state[GRADES].pop(guid, None)
        found: Json | None = self.state[GRADES].get(guid)
        if found is None:
            raise Problem(404, "GUID.Not.Found", f"No {GRADES} was found for this GUID.")
        return found

    # --- by hand ---

    def by_hand(self) -> Response:
        """POST /_sandbox/result {"registration", "type", "grade" (a GUID; none takes it away)}: as a person at the SIS."""
        wish = loads(request.get_data())
        with self.sandbox.lock:
            registration = self.state["section-registrations"][wish["registration"]]
            mine = [
                one
                for one in self.state[GRADES].values()
                if one["sectionRegistration"]["id"] == registration["id"]
            ]
            body = {"grade": {"type": {"id": wish["type"]}, "grade": {"id": wish.get("grade", "")}}}
            record = rules.merged(mine[0] if mine else None, registration, body, TODAY)
            if not wish.get("grade"):
                record["details"]["grades"].pop()
            seeds.add(self.state, GRADES, record)
            self.sandbox.save()
        return answer(record)

    def verify(self) -> Response:
        """POST /_sandbox/verify {"registration"}: the registrar has made its grade final."""
        with self.sandbox.lock:
            self.state["verified"].append(loads(request.get_data())["registration"])
            self.sandbox.save()
        return answer({})


def page(status: int) -> Response:
    return Response("<!doctype html><h1>Ellucian</h1>", status, mimetype="text/html")


def covers(row: Any, wanted: Any) -> bool:
    """Does the row hold all that a filter names? A list holds it where one of its entries does."""
    if isinstance(wanted, Mapping):
        return isinstance(row, Mapping) and all(covers(row.get(name), one) for name, one in wanted.items())
    if isinstance(wanted, list):
        return isinstance(row, list) and all(any(covers(have, one) for have in row) for one in wanted)
    return bool(row == wanted)


def _filter(text: str) -> Any:
    try:
        return loads(text)
    except ValueError:
        raise Problem(400, "Global.UrlParameter", "The filter is no JSON.") from None


def _whole(name: str, plain: int) -> int:
    text = request.args.get(name, str(plain))
    if not text.isdecimal():
        raise Problem(400, "Global.UrlParameter", f"{name} is no number.")
    return int(text)
