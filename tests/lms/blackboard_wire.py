"""Learn's side of the wire: the fixtures' course, in pages that lead on by a path on the same site."""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import responses
from requests import PreparedRequest

from lti_tool import http
from sync.auth import TokenStore
from sync.lms import records as lms
from sync.lms.access import Account, Pace
from sync.lms.base import Settings
from sync.lms.blackboard import Blackboard

BASE = "https://learn.example"
API = "/learn/api/public"
KEY, SECRET, TOKEN = "8dbba050-b830", "very-secret-9257", "learn-token-9257"
UUID = "915c7567d76d444abf1eed56aad3beb5"
COURSE = f"{API}/v3/courses/uuid:{UUID}"
V1, V2 = f"{API}/v1/courses/_4711_1", f"{API}/v2/courses/_4711_1/gradebook/columns"
MEMBERS, CHILDREN = f"{V1}/users", f"{V1}/children"
SCHEMAS, CATEGORIES, PERIODS, NOTATIONS = (
    f"{V1}/gradebook/{name}" for name in ("schemas", "categories", "periods", "gradeNotations")
)
ANA, ZOE, GUS, PREVIEW, TEACHER, ASSISTANT = "_28_1", "_29_1", "_30_1", "_31_1", "_11_1", "_12_1"
HOMEWORK, TEST, ESSAY, PARTICIPATION, TRIP, OVERALL, AVERAGE = (f"_{number}_1" for number in range(101, 108))
GRADES = {
    **{HOMEWORK: "manual", TEST: "attempts", ESSAY: "letters", PARTICIPATION: "percent", TRIP: "complete"},
    **{OVERALL: "overall", AVERAGE: "computed"},
}
EXTERNAL = lms.course_total("external")
FIXTURES = Path(__file__).parent / "fixtures" / "blackboard"

Row = dict[str, Any]
Answer = tuple[int, Mapping[str, str], str]


def fixture(name: str) -> Any:
    return http.loads((FIXTURES / f"{name}.json").read_bytes())


def grades_path(column_id: str) -> str:
    return f"{V2}/{column_id}/users"


def refused(status: int, **headers: str) -> Answer:
    return status, headers, http.dumps(fixture("error") | {"status": status})


class BlackboardWire:
    """`rows` by path and `course`; change them before a read. `answers` replaces a path's answer, `quota` its headers."""

    def __init__(self, page_size: int = 2) -> None:
        self.page_size = page_size
        self.course: Row = fixture("course")
        self.rows: dict[str, list[Row]] = {
            MEMBERS: fixture("memberships"),
            V2: fixture("columns"),
            SCHEMAS: fixture("schemas"),
            CATEGORIES: fixture("categories"),
            PERIODS: fixture("periods"),
            NOTATIONS: fixture("notations"),
            CHILDREN: fixture("children"),
            f"{API}/v3/courses": [{"id": "_4711_1"}],
            **{grades_path(column): fixture(f"grades_{name}") for column, name in GRADES.items()},
        }
        self.one: dict[str, Any] = {
            f"{API}/v1/system/version": {"learn": {"major": 3900, "minor": 112, "patch": 0, "build": "rel.1"}}
        }
        self.answers: dict[str, Callable[[PreparedRequest], Answer | None] | Answer] = {}
        self.next_page: Callable[[str, int], Any] = self._next
        self.quota: dict[str, str] = {}
        self.token: Answer | None = None
        self.tokens = [TOKEN]
        self.requests: list[PreparedRequest] = []

    def serve(self, mock: responses.RequestsMock) -> None:
        mock.add_callback(responses.POST, f"{BASE}{API}/v1/oauth2/token", callback=self._token)
        mock.add_callback(responses.GET, re.compile(re.escape(BASE) + "/.*"), callback=self._answer)

    def grade(self, user_id: str, column_id: str) -> Row:
        return next(row for row in self.rows[grades_path(column_id)] if row["userId"] == user_id)

    def column(self, column_id: str, **changes: Any) -> Row:
        row = next(row for row in self.rows[V2] if row["id"] == column_id)
        row.update(changes)
        return row

    def member(self, user_id: str) -> Row:
        return next(row for row in self.rows[MEMBERS] if row["userId"] == user_id)

    def merge(self) -> None:
        self.course = fixture("course_merged")
        for user_id, child in ((ANA, "_4801_1"), (ZOE, "_4802_1"), (GUS, "_4802_1")):
            self.member(user_id)["childCourseId"] = child

    def paths(self) -> list[str]:
        return [urlsplit(str(one.url)).path for one in self.requests]

    # --- answering ---

    def _token(self, request: PreparedRequest) -> Answer:
        pair = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        assert dict(parse_qsl(str(request.body))) == {"grant_type": "client_credentials"}
        if self.token is not None:
            return self.token
        if request.headers["Authorization"] != f"Basic {pair}":
            return refused(401)
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        return 200, {}, http.dumps({"access_token": token, "token_type": "bearer", "expires_in": 3600})

    def _answer(self, request: PreparedRequest) -> Answer:
        self.requests.append(request)
        assert request.headers["Authorization"].startswith("Bearer ")
        address = urlsplit(str(request.url))
        told = self.answers.get(address.path)
        answer = told(request) if callable(told) else told
        if answer is not None:
            return answer
        if address.path == COURSE:
            return self._json(self.course)
        if address.path in self.one:
            return self._json(self.one[address.path])
        if address.path in self.rows:
            return self._page(address.path, dict(parse_qsl(address.query)))
        return refused(404)

    def _json(self, data: Any) -> Answer:
        return 200, self.quota, http.dumps(data)

    def _page(self, path: str, query: Mapping[str, str]) -> Answer:
        size = min(self.page_size, int(query["limit"]))
        start = int(query.get("offset", "0"))
        rows = copy.deepcopy(self.rows[path][start : start + size])
        answer: Row = {"results": rows}
        if start + size < len(self.rows[path]):
            answer["paging"] = {"nextPage": self.next_page(path, start + size)}
        return self._json(answer)

    def _next(self, path: str, start: int) -> str:
        return f"{path}?limit=200&offset={start}"


def blackboard(
    *,
    account: Account | None = None,
    pace: Pace | None = None,
    tokens: TokenStore | None = None,
    **options: str,
) -> Blackboard:
    settings = Settings("blackboard", BASE, options=options, client_id=KEY, secret=SECRET)
    return Blackboard(settings, None, tokens, account=account, pace=pace)


def course(context_id: str = UUID) -> lms.Course:
    return lms.Course(context_id, "Algebra 1")
