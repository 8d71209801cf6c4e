"""The pretend Ed-Fi host: discovery, token, and the grade-related resources with their upserts, ETags and problems."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import Blueprint, Flask, Response, request

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
from gradesync_site.sandbox.sis.edfi import seeds
from gradesync_site.sandbox.sis.edfi.resources import STANDARDS, Resource, flat, key_of, resources
from gradesync_site.sandbox.sis.store import Refusal
from gradesync_site.sandbox.sis.tokens import CLIENT_ID, TOKEN_PATH, Tokens

Json = dict[str, Any]
DATA = "/data/v3"
PLAIN, MOST = 25, 500
DESCRIPTOR = re.compile(r"uri://[^/]+/(SubmissionStatus|AssignmentLateStatus|GradeType)Descriptor#(.+)")
CODES = {
    "SubmissionStatus": {"Exempt", "Graded", "Not Submitted", "Returned", "Submitted"},
    "AssignmentLateStatus": {"Late", "Not Late"},
    "GradeType": {"Final", "Grading Period", "Semester"},
}
NUMBERS = ("pointsEarned", "numericGradeEarned", "maxPoints")
FAULTS = {
    "busy-429": "429 with Retry-After (setting retry_after, 1)",
    "busy-503": "503 with Retry-After (setting retry_after, 1)",
    "token-refused": "the token endpoint refuses the client",
    "token-expired": "a valid token is answered with 401",
    "wrong-scope": "403: the claim set lacks this action",
    "no-relationship": "403: no relationship to the student (setting student; every one)",
    "lose-answer": "a write is stored, then the connection is cut",
    "lose-request": "the connection is cut before a write is looked at",
    "error-500-after-store": "a write is stored, then answered with 500",
    "store-nothing": "a write is answered as stored, and is not",
    "old-errors": "errors are a mere message, as before ODS 7.2",
    "html-page": "a read is answered with 200 and an HTML page",
    "html-error": "errors come as an HTML page",
    "page-repeats": "every page is the first one",
    "round-0": "scores are stored without decimals, half up",
    "round-1": "scores are stored with one decimal, half up",
    "slow": "an answer takes long (setting seconds, 2)",
    "discovery-elsewhere": "the discovery document names another host",
}


class Problem(Exception):
    """A refusal as RFC 9457 has it; `type` as the ODS words it, below urn:ed-fi:api."""

    def __init__(self, status: int, kind: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.more = status, kind, detail, more


def make_app(options: Options) -> Flask:
    """`options.extra`: data_standard (5.0), plain."""
    standard = options.extra.get("data_standard", "5.0")
    if standard not in STANDARDS:
        raise ValueError(f"The pretend Ed-Fi host speaks data standard {', '.join(STANDARDS)}.")
    people = world(options.students, options.line_items, plain="plain" in options.extra)
    sandbox = Sandbox("sis", options, FAULTS, lambda: seeds.seeded(people, standard))
    tokens = Tokens(sandbox, hashlib.sha256(f"sandbox-edfi-{options.seed}".encode()).hexdigest()[:32])
    host = Host(sandbox, tokens, standard)
    sandbox.describe = lambda base_url: describe(host, base_url)
    control = control_blueprint(sandbox)
    control.add_url_rule("/result", "result", host.by_hand, methods=["POST"])
    app = make_server_app(sandbox, __name__, control)
    app.add_url_rule("/", "root", host.root)
    app.add_url_rule(TOKEN_PATH, "token", tokens.token, methods=["POST"])
    app.register_blueprint(host.blueprint())
    return app


def describe(host: Host, base_url: str) -> Json:
    return {
        "token_url": f"{base_url}{TOKEN_PATH}",
        "data_url": f"{base_url}{DATA}",
        "data_standard": host.standard,
        "client_id": CLIENT_ID,
        "client_secret": host.tokens.secret,
        "class_ids": [one["sectionIdentifier"] for one in host.state["sections"].values()],
    }


class Host:
    def __init__(self, sandbox: Sandbox, tokens: Tokens, standard: str) -> None:
        self.sandbox, self.tokens, self.standard = sandbox, tokens, standard
        self.resources = resources(standard)

    @property
    def state(self) -> Json:
        return self.sandbox.state

    def root(self) -> Response:
        base = request.host_url.rstrip("/")
        if self.sandbox.strikes("discovery-elsewhere"):
            base = "https://elsewhere.invalid"
        urls = {
            "dependencies": f"{base}/metadata{DATA}/dependencies",
            "oauth": f"{base}{TOKEN_PATH}",
            "dataManagementApi": f"{base}{DATA}/",
        }
        model = {"name": "Ed-Fi", "version": {"3.3": "3.3.1-b"}.get(self.standard, f"{self.standard}.0")}
        return answer({"version": "7.3", "suite": "3", "dataModels": [model], "urls": urls})

    def blueprint(self) -> Blueprint:
        routes = Blueprint("edfi", __name__, url_prefix=f"{DATA}/ed-fi")
        views: tuple[tuple[str, str, Callable[..., Response]], ...] = (
            ("GET", "/<name>", self.many),
            ("POST", "/<name>", self.post),
            ("GET", "/<name>/<record_id>", self.one),
            ("PUT", "/<name>/<record_id>", self.put),
            ("DELETE", "/<name>/<record_id>", self.delete),
        )
        for method, rule, view in views:
            routes.add_url_rule(
                rule, f"{method}{rule}".replace("/", "_"), self._guarded(view), methods=[method]
            )
        return routes

    def _guarded(self, view: Callable[..., Response]) -> Callable[..., Response]:
        def operation(name: str, **places: str) -> Response:
            try:
                early = self._early()
                if early is not None:
                    return early
                self.tokens.check(self.tokens.allowed)
                if name not in self.resources:
                    raise Problem(404, "not-found", "The specified resource could not be found.")
                with self.sandbox.lock:
                    return view(self.resources[name], **places)
            except Problem as problem:
                return self._problem(problem)
            except Refusal as refusal:
                kind = (
                    "security:authentication"
                    if refusal.status == 401
                    else "security:authorization:access-denied:action"
                )
                return self._problem(Problem(refusal.status, kind, refusal.words))

        return operation

    def _early(self) -> Response | None:
        strikes, writes = self.sandbox.strikes, request.method != "GET"
        if fault := strikes("slow"):
            time.sleep(float(fault.settings.get("seconds", 2)))
        for fault_name, status in (("busy-429", 429), ("busy-503", 503)):
            if fault := strikes(fault_name):
                return answer({}, status, {"Retry-After": str(fault.settings.get("retry_after", 1))})
        if writes and strikes("lose-request"):
            return drop_connection()
        if not writes and strikes("html-page"):
            return Response("<!doctype html><h1>Sign in</h1>", 200, mimetype="text/html")
        return None

    def _problem(self, problem: Problem) -> Response:
        if self.sandbox.strikes("html-error"):
            return Response("<!doctype html><h1>Error</h1>", problem.status, mimetype="text/html")
        if self.sandbox.strikes("old-errors"):
            return answer({"message": problem.detail}, problem.status)
        body = {
            "detail": problem.detail,
            "type": f"urn:ed-fi:api:{problem.kind}",
            "title": problem.kind.rpartition(":")[2].replace("-", " ").title(),
            "status": problem.status,
            "correlationId": "00000000-0000-0000-0000-000000000001",
            **problem.more,
        }
        response = answer(body, problem.status)
        response.mimetype = "application/problem+json"
        return response

    # --- reading ---

    def many(self, resource: Resource) -> Response:
        offset, limit = _asked("offset", 0), _asked("limit", PLAIN)
        if limit > MOST:
            raise Problem(400, "bad-request:parameter-validation-failed", f"Limit must be at most {MOST}.")
        wanted = {k: v for k, v in request.args.items() if k not in ("offset", "limit", "totalCount")}
        rows = [row for row in self.state[resource.name].values() if _fits(row, wanted)]
        offset = 0 if self.sandbox.strikes("page-repeats") else offset
        return answer(rows[offset : offset + limit], 200, {"Total-Count": str(len(rows))})

    def one(self, resource: Resource, record_id: str) -> Response:
        record = self._by_id(resource, record_id)
        return answer(record, 200, {"ETag": f'"{record["_etag"]}"'})

    def _by_id(self, resource: Resource, record_id: str) -> Json:
        found = next((row for row in self.state[resource.name].values() if row["id"] == record_id), None)
        if found is None:
            raise Problem(404, "not-found", "The specified resource item could not be found.")
        return dict(found)

    # --- writing ---

    def post(self, resource: Resource) -> Response:
        """Upsert by the natural key."""
        body = self._body(resource)
        if "id" in loads(request.get_data()):
            raise Problem(400, "bad-request:data", "Resource identifiers cannot be assigned by the client.")
        known = self.state[resource.name].get(key_of(resource, body))
        return self._stored(resource, body, 200 if known else 201)

    def put(self, resource: Resource, record_id: str) -> Response:
        former = self._by_id(resource, record_id)
        self._check_etag(former)
        body = self._body(resource)
        if key_of(resource, body) != key_of(resource, former):
            raise Problem(
                400,
                "bad-request:data-validation-failed:key-change-not-supported",
                "Identifying values cannot be changed.",
            )
        return self._stored(resource, body, 204)

    def delete(self, resource: Resource, record_id: str) -> Response:
        former = self._by_id(resource, record_id)
        self._check_etag(former)
        if not self.sandbox.strikes("store-nothing"):
            del self.state[resource.name][key_of(resource, former)]
            self.sandbox.stored(f"{resource.name}/{record_id}")
        return self._done(Response(status=204))

    def _check_etag(self, former: Json) -> None:
        given = request.headers.get("If-Match", "").strip('"')
        if given and given != former["_etag"]:
            raise Problem(412, "optimistic-lock-failed", "The item has been modified by another user.")

    def _stored(self, resource: Resource, body: Json, status: int) -> Response:
        key = key_of(resource, body)
        if self.sandbox.strikes("store-nothing"):
            record = {"id": "0" * 32, "_etag": "0"}
        else:
            record = seeds.put(self.state, self.standard, resource.name, self._rounded(body))
            self.sandbox.stored(f"{resource.name}/{key}")
        headers = {"ETag": f'"{record["_etag"]}"'}
        if status != 204:
            headers["Location"] = f"{request.host_url.rstrip('/')}{request.path}/{record['id']}"
        return self._done(Response(b"", status, headers))

    def _done(self, response: Response) -> Response:
        if self.sandbox.strikes("lose-answer"):
            return drop_connection()
        if self.sandbox.strikes("error-500-after-store"):
            raise Problem(500, "system", "An unexpected error occurred.")
        return response

    def _rounded(self, body: Json) -> Json:
        places = next((n for n in (0, 1) if self.sandbox.strikes(f"round-{n}")), 2)
        step = Decimal(1).scaleb(-places)
        return {
            name: Decimal(value).quantize(step, ROUND_HALF_UP)
            if name in NUMBERS and value is not None
            else value
            for name, value in body.items()
        }

    def _body(self, resource: Resource) -> Json:
        """The properties that this resource has; others are dropped without a word. Raises Problem for what is wrong."""
        if not resource.writable:
            raise Problem(
                403,
                "security:authorization:access-denied:action",
                "The claim set does not allow this action.",
            )
        given = loads(request.get_data())
        if not isinstance(given, Mapping):
            raise Problem(400, "bad-request:data", "The request body is not a JSON object.")
        body = {name: value for name, value in given.items() if name in resource.fields and value is not None}
        self._check_descriptors(body)
        self._check_parents(resource, body)
        return body

    def _check_descriptors(self, body: Json) -> None:
        for name, value in body.items():
            found = DESCRIPTOR.fullmatch(str(value)) if name.endswith("Descriptor") else None
            if found and (found[2] not in CODES[found[1]] or not str(value).startswith("uri://ed-fi.org/")):
                lines = {f"$.{name}": [f"{found[1]}Descriptor value '{value}' does not exist."]}
                raise Problem(
                    400,
                    "bad-request:data-validation-failed",
                    "Data validation failed.",
                    validationErrors=lines,
                )

    def _check_parents(self, resource: Resource, body: Json) -> None:
        who = flat(body).get("studentUniqueId")
        fault = self.sandbox.strikes("no-relationship")
        if fault and fault.settings.get("student") in (None, who):
            detail = "Access to the item could not be authorized: no relationships have been established."
            raise Problem(403, "security:authorization:access-denied:element", detail)
        for name, parent in resource.parents:
            reference = body.get(name)
            key = key_of(self.resources[parent], reference) if isinstance(reference, Mapping) else ""
            if key not in self.state[parent]:
                what = name.removesuffix("Reference")
                detail = f"The referenced '{what[:1].upper()}{what[1:]}' item does not exist."
                raise Problem(409, "data-conflict:unresolved-reference", detail)

    # --- by hand ---

    def by_hand(self) -> Response:
        """POST /_sandbox/result {"resource": "studentGradebookEntries", ...the whole record}: as a person at the SIS."""
        wish = loads(request.get_data())
        with self.sandbox.lock:
            record = seeds.put(
                self.state, self.standard, wish.pop("resource", "studentGradebookEntries"), wish
            )
            self.sandbox.stored()
        return answer(record)


def _asked(name: str, plain: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isdecimal() else plain


def _fits(row: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    values = flat(row)
    return all(str(values.get(name)) == value for name, value in wanted.items())
