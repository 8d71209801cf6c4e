"""The pretend PowerSchool server: token, /ws/v1 records, /ws/schema tables and the gradebook, with its odd answers."""

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
    loads,
    make_server_app,
)
from gradesync_site.sandbox.data import world
from gradesync_site.sandbox.sis.powerschool import seeds, tables
from gradesync_site.sandbox.sis.powerschool.gradebook import Gradebook, Problem
from gradesync_site.sandbox.sis.store import Refusal
from gradesync_site.sandbox.sis.tokens import CLIENT_ID, Tokens

Json = dict[str, Any]
GRANT_PATH = "/oauth/access_token/"
MOST_ROWS = 100
FAULTS = {
    "busy-429": "429 with Retry-After (setting retry_after, 1)",
    "busy-503": "503 with Retry-After (setting retry_after, 1)",
    "token-refused": "the token endpoint refuses the client",
    "token-expired": "a valid token is answered with 401",
    "wrong-scope": "403: the plugin may not do this",
    "field-not-granted": "403: the plugin has no access to a field (setting field, assignment.createdbyplugin)",
    "field-not-readable": "a table's field is not granted (setting field, assignmentscore.scorepoints)",
    "resubmit-412": "scores are answered with 412 Resubmit",
    "not-associated": "a student has no association with the assignment (setting student): the batch is refused",
    "odd-student": "a student's score is refused, and the batch with it (setting student)",
    "omit-student": "the answer to scores leaves a student out (setting student)",
    "error-within-200": "the answer to scores is 200 and holds an error for each",
    "lose-answer": "a write is stored, then the connection is cut",
    "lose-request": "the connection is cut before a write is looked at",
    "error-500-after-store": "a write is stored, then answered with 500",
    "store-nothing": "a write is answered as stored, and is not",
    "no-location": "201 without a Location",
    "html-answer": "a write is stored and answered with 200 and an HTML page",
    "html-page": "a read is answered with 200 and an HTML page",
    "html-error": "errors come as an HTML page",
    "odd-json": "a read is answered with 200 and something else (setting body, [])",
    "short-list": "a page lacks its last row",
    "page-repeats": "every page is the first one",
    "small-pages": "tables give at most this many rows (setting rows, 2)",
    "round-0": "scores are stored without decimals, half up",
    "round-1": "scores are stored with one decimal, half up",
    "round-2": "scores are stored with two decimals, half up",
    "slow": "an answer takes long (setting seconds, 2)",
}


def make_app(options: Options) -> Flask:
    """`options.extra`: plain."""
    people = world(options.students, options.line_items, plain="plain" in options.extra)
    sandbox = Sandbox("sis", options, FAULTS, lambda: seeds.seeded(people))
    secret = hashlib.sha256(f"sandbox-powerschool-{options.seed}".encode()).hexdigest()[:32]
    host = Host(sandbox, Tokens(sandbox, secret))
    sandbox.describe = lambda base_url: describe(host, base_url)
    control = control_blueprint(sandbox)
    control.add_url_rule("/result", "result", host.gradebook.by_hand, methods=["POST"])
    app = make_server_app(sandbox, __name__, control)
    app.add_url_rule(GRANT_PATH, "token", host.token, methods=["POST"])
    app.register_blueprint(host.blueprint())
    return app


def describe(host: Host, base_url: str) -> Json:
    sections = host.sandbox.state["sections"]
    return {
        "token_url": f"{base_url}{GRANT_PATH}",
        "client_id": CLIENT_ID,
        "client_secret": host.tokens.secret,
        "class_ids": list(sections),
        "sections": {one["name"]: dcid for dcid, one in sections.items()},
    }


class Host:
    def __init__(self, sandbox: Sandbox, tokens: Tokens) -> None:
        self.sandbox, self.tokens = sandbox, tokens
        self.gradebook = Gradebook(sandbox)
        self.grants = tables.grants()

    def token(self) -> Response:
        """As PowerSchool answers it: the life of a token is a text."""
        response = self.tokens.token()
        found = loads(response.get_data())
        if response.status_code != 200:
            return response
        return answer({**found, "expires_in": str(found["expires_in"])})

    def blueprint(self) -> Blueprint:
        routes = Blueprint("powerschool", __name__, url_prefix="/ws")
        views: tuple[tuple[str, str, Callable[..., Response]], ...] = (
            ("GET", "/v1/metadata", self.metadata),
            ("GET", "/v1/<any(section,course,staff,student,term):name>/<record_id>", self.record),
            ("GET", "/v1/section/<record_id>/section_enrollment", self.enrolments),
            ("GET", "/v1/section/<record_id>/section_enrollment/count", self.enrolment_count),
            ("GET", "/schema/table/<name>", self.table),
            ("GET", "/schema/table/<name>/count", self.table_count),
            ("GET", "/xte/teacher_category", self.gradebook.categories),
            ("GET", "/xte/section/assignment/", self.gradebook.assignments),
            ("GET", "/xte/section/assignment/<assignment_id>", self.gradebook.assignment),
            ("POST", "/xte/section/assignment/", self.gradebook.create),
            ("PUT", "/xte/score", self.gradebook.scores),
        )
        for method, rule, view in views:
            routes.add_url_rule(rule, f"{method}{rule}", self._guarded(view), methods=[method])
        return routes

    def _guarded(self, view: Callable[..., Response]) -> Callable[..., Response]:
        def operation(**places: str) -> Response:
            try:
                early = self._early()
                if early is not None:
                    return early
                self.tokens.check(self.tokens.allowed)
                with self.sandbox.lock:
                    return view(**places)
            except Problem as problem:
                return self._problem(problem)
            except Refusal as refusal:
                return self._problem(Problem(refusal.status, refusal.words))

        return operation

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
        if not writes and (fault := strikes("odd-json")):
            return answer(fault.settings.get("body", []))
        return None

    def _problem(self, problem: Problem) -> Response:
        if self.sandbox.strikes("html-error"):
            return Response("<!doctype html><h1>Error</h1>", problem.status, mimetype="text/html")
        body: Json = {"message": problem.message}
        if problem.errors:
            body["errors"] = list(problem.errors)
        return answer(body, problem.status)

    # --- records ---

    def metadata(self) -> Response:
        found = {"powerschool_version": "24.4.1.0", "schema_table_query_max_page_size": MOST_ROWS}
        return answer({"metadata": found})

    def record(self, name: str, record_id: str) -> Response:
        found = self._one(name, record_id)
        if found is None:
            raise Problem(404, "Not found")
        return answer({name: found})

    def _one(self, name: str, record_id: str) -> Json | None:
        state = self.sandbox.state
        if name == "section":
            row = state["sections"].get(record_id)
            return None if row is None else self._section(row)
        if name == "staff":
            rows = [one for one in state["staff"].values() if str(one["dcid"]) == record_id]
            return {"id": rows[0]["dcid"], "users_dcid": rows[0]["users_dcid"]} if rows else None
        found = state[{"course": "courses", "student": "students", "term": "terms"}[name]].get(record_id)
        if found is not None and name == "student":
            hidden = {"sourced"} | (
                set() if "contact_info" in request.args.get("expansions", "") else {"contact_info"}
            )
            return {key: value for key, value in found.items() if key not in hidden}
        return dict(found) if found is not None else None

    def _section(self, row: Json) -> Json:
        return {
            "id": row["dcid"],
            "school_id": seeds.SCHOOL,
            "course_id": row["course"],
            "staff_id": self.sandbox.state["staff"][str(row["teacher"])]["dcid"],
            "term_id": int(seeds.TERM_DCID),
            "section_number": row["section_number"],
        }

    def enrolments(self, record_id: str) -> Response:
        """As met in the field: a single enrolment stands there without a list."""
        page = self._page(self._enrolled(record_id))
        return answer({"section_enrollments": {"section_enrollment": page[0] if len(page) == 1 else page}})

    def enrolment_count(self, record_id: str) -> Response:
        return answer({"resource": {"count": len(self._enrolled(record_id))}})

    def _enrolled(self, section: str) -> list[Json]:
        rows = self.sandbox.state["enrolments"].values()
        return [one for one in rows if str(one["section_id"]) == section]

    # --- tables ---

    def table(self, name: str) -> Response:
        fields = [one for one in request.args.get("projection", "").split(",") if one]
        rows = self._rows(name, fields)
        records = [
            {"id": record_id, "name": name, "tables": {name: tables.as_table(row, fields)}}
            for record_id, row in self._page(rows)
        ]
        return answer({"name": name, "record": records})

    def table_count(self, name: str) -> Response:
        return answer({"count": len(self._rows(name, []))})

    def _rows(self, name: str, fields: list[str]) -> list[tuple[Any, Json]]:
        found, query = tables.rows_of(self.sandbox.state, name), request.args.get("q", "")
        if found is None:
            raise Problem(404, f"No table {name}")
        fault = self.sandbox.strikes("field-not-readable")
        denied = str(fault.settings.get("field", "assignmentscore.scorepoints")) if fault else ""
        for field in (*fields, *tables.fields_of(query)):
            if f"{name}.{field}" not in self.grants or f"{name}.{field}" == denied:
                error = {"code": "NoAccess", "field": field, "resource": name}
                raise Problem(403, "At least one column lacks sufficient permission", error)
        return [one for one in found if tables.fits(one[1], query)]

    def _page(self, rows: list[Any]) -> list[Any]:
        fault = self.sandbox.strikes("small-pages")
        size = min(int(request.args.get("pagesize", MOST_ROWS)), MOST_ROWS)
        size = min(size, int(fault.settings.get("rows", 2))) if fault else size
        page = 1 if self.sandbox.strikes("page-repeats") else int(request.args.get("page", 1))
        found = rows[(page - 1) * size : page * size]
        return found[:-1] if self.sandbox.strikes("short-list") else found
