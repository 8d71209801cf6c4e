"""Brightspace's side of the wire: the fixtures' course, in pages with opaque bookmarks."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import responses
from requests import PreparedRequest

from lti_tool import http
from sync.lms import records as lms
from sync.lms.base import Settings
from sync.lms.brightspace import Brightspace

BASE = "https://bright.example"
TOKEN = "9257~very-secret-token"
UNIT = "6606"
LE, LP = f"/d2l/api/le/1.99/{UNIT}", f"/d2l/api/lp/1.63/{UNIT}"
COURSE, WHOAMI = f"/d2l/api/lp/1.63/courses/{UNIT}", "/d2l/api/lp/1.63/users/whoami"
GRADES, CLASSLIST, FINALS, BULK = (
    f"{LE}/grades",
    f"{LE}/classlist/paged/",
    f"{LE}/grades/final/values/",
    f"{LE}/grades/values/",
)
ANA, ZOE, GUS, TEACHER, ASSISTANT = "1001", "1002", "1003", "1009", "1010"
FIXTURES = Path(__file__).parent / "fixtures" / "brightspace"
NO_SCOPE = (
    '{"type":"about:blank","status":403,"title":"Forbidden","detail":"Insufficient scope to call this API."}'
)
NO_RIGHT = '{ "Errors": [ { "Message": "Not Authorized" } ] }'

Answer = tuple[int, Mapping[str, str], str]


def fixture(name: str) -> Any:
    return http.loads((FIXTURES / f"{name}.json").read_bytes())


class BrightspaceWire:
    """`whole` and `paged` answers by path; change them before a read. `answers` replaces one; `next_url` the next pages."""

    def __init__(self, page_size: int = 2) -> None:
        self.page_size = page_size
        self.whole: dict[str, Any] = {
            "/d2l/api/versions/": fixture("versions"),
            WHOAMI: {"Identifier": "1009", "FirstName": "Ada", "LastName": "Okafor", "UniqueName": "aokafor"},
            COURSE: fixture("course"),
            f"{LP}/sections/": fixture("sections"),
            f"{GRADES}/": fixture("objects"),
            f"{GRADES}/setup/": fixture("setup"),
            f"{GRADES}/categories/": fixture("categories"),
            f"{GRADES}/schemes/": fixture("schemes"),
            f"{LE}/dropbox/folders/": fixture("folders"),
        }
        self.paged: dict[str, list[dict[str, Any]]] = {
            CLASSLIST: fixture("classlist"),
            FINALS: fixture("final_values"),
            BULK: fixture("adjusted_values"),
            f"{LE}/quizzes/": fixture("quizzes"),
        }
        for item_id, rows in fixture("values").items():
            self.paged[f"{GRADES}/{item_id}/values/"] = rows
        for item_id, rows in fixture("exemptions").items():
            self.whole[f"{GRADES}/{item_id}/exemptions/"] = rows
        self.student_roles = ["Student"]
        self.answers: dict[str, Callable[[PreparedRequest], Answer] | Answer] = {}
        self.next_url: Callable[[str, str], str] = lambda path, query: f"{BASE}{path}?{query}"
        self.requests: list[PreparedRequest] = []

    def serve(self, mock: responses.RequestsMock) -> None:
        mock.add_callback(responses.GET, re.compile(re.escape(BASE) + r"/.*"), callback=self._answer)

    def object(self, item_id: int, **changes: Any) -> dict[str, Any]:
        row: dict[str, Any] = next(row for row in self.whole[f"{GRADES}/"] if row["Id"] == item_id)
        row.update(changes)
        return row

    def value(self, item_id: str, user_id: str, **changes: Any) -> dict[str, Any]:
        rows = self.paged[FINALS if item_id == "final" else f"{GRADES}/{item_id}/values/"]
        row: dict[str, Any] = next(row for row in rows if row["User"]["Identifier"] == user_id)
        row["GradeValue"] = (row["GradeValue"] or {}) | changes
        return row

    def person(self, user_id: str, **changes: Any) -> None:
        next(row for row in self.paged[CLASSLIST] if row["Identifier"] == user_id).update(changes)

    def paths(self) -> list[str]:
        return [urlsplit(str(one.url)).path for one in self.requests]

    # --- answering ---

    def _answer(self, request: PreparedRequest) -> Answer:
        self.requests.append(request)
        parts = urlsplit(str(request.url))
        if parts.path in self.answers:
            answer = self.answers[parts.path]
            return answer(request) if callable(answer) else answer
        if parts.path in self.whole:
            return 200, {}, http.dumps(self.whole[parts.path])
        if parts.path in self.paged:
            return self._page(parts.path, parts.query)
        return 404, {}, '{"type":"about:blank","status":404,"title":"Not Found"}'

    def _page(self, path: str, query: str) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        rows = self._asked(path, asked)
        start = int(asked.pop("bookmark", "AbC0").removeprefix("AbC"))
        following = None
        if start + self.page_size < len(rows):
            kept = "&".join(f"{name}={value}" for name, value in asked.items())
            following = self.next_url(path, f"{kept}&bookmark=AbC{start + self.page_size}".lstrip("&"))
        page = copy.deepcopy(rows[start : start + self.page_size])
        return 200, {}, http.dumps({"Next": following, "Objects": page})

    def _asked(self, path: str, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        rows = self.paged[path]
        if asked.get("onlyShowShownInGrades") == "true":
            return [row for row in rows if row["ClasslistRoleDisplayName"] in self.student_roles]
        if "gradeObjectTypeId" in asked:
            return [row for row in rows if str(row["GradeObjectType"]) == asked["gradeObjectTypeId"]]
        return rows


def brightspace(**options: str) -> Brightspace:
    return Brightspace(Settings("brightspace", BASE, TOKEN, options))


def course(unit: str = UNIT) -> lms.Course:
    return lms.Course(unit, "Algebra 1")
