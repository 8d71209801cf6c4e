"""Schoology's side of the wire: the fixtures' section, in pages by start and limit, each signature checked."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import responses
from requests import PreparedRequest

from lti_tool import http
from sync.auth import OAuth1
from sync.lms import records as lms
from sync.lms.base import Settings
from sync.lms.schoology import Schoology

BASE = "https://api.schoology.com"
KEY, SECRET = "dpf43f3p2l4k3l03", "kd94hf93k423kf44"
SECTION_ID = "4318461"
SECTION = f"/sections/{SECTION_ID}"
ANA, ZOE, GUS, TEACHER = "48289", "48290", "48291", "45552"
ANA_ENROLLED, ZOE_ENROLLED = 44783136, 44783141
SHORT, LONG, ESSAY, DRAFT = "5699937", "5699938", "5699939", "5699940"
FIXTURES = Path(__file__).parent / "fixtures" / "schoology"

Answer = tuple[int, Mapping[str, str], str]
LISTS = {"enrollments": "enrollment", "grade_items": "assignment"}
PARTS = {
    "grading_scales": "grading_scale",
    "grading_categories": "grading_category",
    "grading_periods": "grading_period",
}


def fixture(name: str) -> Any:
    return http.loads((FIXTURES / f"{name}.json").read_bytes())


class SchoologyWire:
    """`rows` by list and `grades`; change them before a read. `answers` replaces a path's answer.

    `grades_paged` False: the list of grades takes no notice of pages. `cap` is the largest page that it gives.
    """

    def __init__(self, cap: int = 2) -> None:
        self.cap = cap
        self.section: dict[str, Any] = fixture("section")
        self.rows: dict[str, list[dict[str, Any]]] = {name: fixture(name) for name in (*LISTS, *PARTS)}
        self.grades: dict[str, Any] = fixture("grades")
        self.users: dict[str, Any] = fixture("users")
        self.grades_paged = True
        self.totals = True
        self.answers: dict[str, Callable[[PreparedRequest], Answer] | Answer] = {}
        self.requests: list[PreparedRequest] = []

    def serve(self, mock: responses.RequestsMock) -> None:
        for method in (responses.GET, responses.POST):
            mock.add_callback(method, re.compile(re.escape(BASE) + r"/v1/.*"), callback=self._answer)

    def item(self, item_id: str, **changes: Any) -> dict[str, Any]:
        row = next(row for row in self.rows["grade_items"] if str(row["id"]) == item_id)
        row.update(changes)
        return row

    def enrolled(self, user_id: str, **changes: Any) -> dict[str, Any]:
        row = next(row for row in self.rows["enrollments"] if row["uid"] == user_id)
        row.update(changes)
        return row

    @property
    def grade_rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.grades["grades"]["grade"]
        return rows

    def grade(self, enrollment: int, item_id: str, **changes: Any) -> dict[str, Any]:
        """The row of this pair, made where there is none."""
        wanted = (enrollment, int(item_id))
        found = [row for row in self.grade_rows if (row["enrollment_id"], row["assignment_id"]) == wanted]
        row = (
            found[0]
            if found
            else copy.deepcopy(self.grade_rows[0])
            | dict(zip(("enrollment_id", "assignment_id"), wanted, strict=True))
        )
        if not found:
            self.grade_rows.append(row)
        row.update(changes)
        return row

    def paths(self) -> list[str]:
        return [urlsplit(str(one.url)).path.removeprefix("/v1") for one in self.requests]

    def queries(self, path: str) -> list[dict[str, str]]:
        urls = [urlsplit(str(one.url)) for one in self.requests]
        return [dict(parse_qsl(url.query)) for url in urls if url.path == f"/v1{path}"]

    # --- answering ---

    def _answer(self, request: PreparedRequest) -> Answer:
        self.requests.append(request)
        check_signature(request)
        path = urlsplit(str(request.url)).path.removeprefix("/v1")
        if path in self.answers:
            answer = self.answers[path]
            return answer(request) if callable(answer) else answer
        if path == "/multiget":
            return self._several(http.loads(request.body or b""))
        if path == "/users/me":
            return 303, {"Location": f"{BASE}/v1/users/{TEACHER}"}, ""
        if path == f"/users/{TEACHER}":
            return 200, {}, http.dumps(self.users[TEACHER])
        return 200, {}, http.dumps(self._of_section(path, str(request.url)))

    def _of_section(self, path: str, url: str) -> Any:
        """As Schoology does, a path that it does not know is answered with the section."""
        name = path.removeprefix(f"{SECTION}/")
        query = dict(parse_qsl(urlsplit(url).query))
        if name in LISTS:
            return self._page(name, query)
        if name in PARTS:
            return {PARTS[name]: self.rows[name], "links": {"self": url}}
        return self._grades(query) if name == "grades" else self.section

    def _page(self, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        start, limit = int(query["start"]), min(int(query["limit"]), self.cap)
        rows = self.rows[name]
        if name == "enrollments":
            rows = [row for row in rows if row["status"] in query["enrollment_status"].split(",")]
        links = {"self": f"http://api.schoology.com/v1{SECTION}/{name}?start={start}&limit={limit}"}
        if start + limit < len(rows):
            kept = {**query, "start": str(start + limit), "limit": str(limit)}
            links["next"] = f"http://api.schoology.com/v1{SECTION}/{name}?" + "&".join(
                f"{key}={value}" for key, value in kept.items()
            )
        page: dict[str, Any] = {LISTS[name]: rows[start : start + limit], "links": links}
        return page | {"total": str(len(rows))} if self.totals else page

    def _grades(self, query: Mapping[str, str]) -> dict[str, Any]:
        start, limit = int(query.get("start", "0")), min(int(query["limit"]), self.cap)
        rows = self.grade_rows[start : start + limit] if self.grades_paged else self.grade_rows
        return self.grades | {"grades": {"grade": rows}}

    def _several(self, asked: Mapping[str, list[str]]) -> Answer:
        found = []
        for path in asked["request"]:
            user = self.users.get(path.removeprefix("/v1/users/"))
            code, body = (user.pop("code", 200), user) if user else (404, "")
            found.append({"location": path, "response_code": code, "headers": [], "body": body})
        return 200, {}, http.dumps({"response": found})


def check_signature(request: PreparedRequest) -> None:
    header = request.headers["Authorization"]
    said = {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', header)}
    assert said.pop("realm") == "Schoology API" and said["oauth_token"] == ""
    signature = said.pop("oauth_signature")
    signer = OAuth1(KEY, SECRET, said["oauth_signature_method"])  # type: ignore[arg-type]  # as it came
    assert signature == signer.signature(str(request.method), str(request.url), said.items())


def schoology(**options: str) -> Schoology:
    return Schoology(Settings("schoology", "", options=options, client_id=KEY, secret=SECRET))


def course(section_id: str = SECTION_ID) -> lms.Course:
    return lms.Course("lti-context", "Algebra 1", custom={"schoology_section_id": section_id})
