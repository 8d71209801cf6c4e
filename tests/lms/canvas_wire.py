"""Canvas's side of the wire: the fixtures' course, in pages with opaque, case-sensitive bookmarks."""

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
from sync.lms.canvas import Canvas

BASE = "https://canvas.example"
TOKEN = "9257~very-secret-token"
COURSE_ID = "210000000000004711"
COURSE = f"/courses/{COURSE_ID}"
ANA, ZOE, GUS = "210000000000000001", "210000000000000002", "210000000000000003"
TEST_STUDENT, TEACHER, ASSISTANT = "210000000000000004", "210000000000000009", "210000000000000010"
FIXTURES = Path(__file__).parent / "fixtures" / "canvas"

# what a list keeps from page to page
KEPT = ("assignment_ids[]", "type[]", "grading_period_id")
NO_GRADES = {"current_score": None, "current_grade": None, "final_score": None, "final_grade": None}
Answer = tuple[int, Mapping[str, str], str]


def fixture(name: str) -> Any:
    return http.loads((FIXTURES / f"{name}.json").read_bytes())


class CanvasWire:
    """`rows` by path; change them before a read. `answers` replaces a path's answer; `next_url` its next links."""

    def __init__(self, page_size: int = 3) -> None:
        self.page_size = page_size
        self.one: dict[str, Any] = {
            COURSE: fixture("course"),
            "/users/self": {"id": "1", "name": "Integration"},
        }
        self.rows: dict[str, list[dict[str, Any]]] = {
            f"{COURSE}/{name}": fixture(name)
            for name in ("sections", "enrollments", "assignments", "assignment_groups")
        }
        self.rows[f"{COURSE}/students/submissions"] = fixture("submissions")
        standards = fixture("grading_standards")
        self.rows[f"{COURSE}/grading_standards"] = standards["course"]
        for account in fixture("accounts"):
            path = f"/accounts/{account['id']}"
            self.one[path] = account
            self.rows[f"{path}/grading_standards"] = standards[account["id"]]
        self.answers: dict[str, Callable[[PreparedRequest], Answer] | Answer] = {}
        self.next_url: Callable[[str, int], str] = self._bookmark
        # by grading period the grades of each student in it
        self.period_grades: dict[str, dict[str, dict[str, Any]]] = {}
        self.requests: list[PreparedRequest] = []

    def open_periods(self) -> None:
        """The course has the two grading periods of the fixture, in which nobody has a grade yet."""
        self.one[f"{COURSE}/grading_periods"] = fixture("grading_periods")

    def serve(self, mock: responses.RequestsMock) -> None:
        mock.add_callback(responses.GET, re.compile(re.escape(BASE) + r"/api/v1/.*"), callback=self._answer)

    @property
    def course(self) -> dict[str, Any]:
        found: dict[str, Any] = self.one[COURSE]
        return found

    @property
    def assignments(self) -> list[dict[str, Any]]:
        return self.rows[f"{COURSE}/assignments"]

    @property
    def enrollments(self) -> list[dict[str, Any]]:
        return self.rows[f"{COURSE}/enrollments"]

    @property
    def submissions(self) -> list[dict[str, Any]]:
        return self.rows[f"{COURSE}/students/submissions"]

    def submission(self, user_id: str, assignment_id: str) -> dict[str, Any]:
        return next(
            row
            for row in self.submissions
            if (row["user_id"], row["assignment_id"]) == (user_id, assignment_id)
        )

    def assignment(self, assignment_id: str, **changes: Any) -> dict[str, Any]:
        row = next(row for row in self.assignments if row["id"] == assignment_id)
        row.update(changes)
        return row

    def enrollment(self, user_id: str) -> dict[str, Any]:
        return next(row for row in self.enrollments if row["user_id"] == user_id)

    def paths(self) -> list[str]:
        return [urlsplit(str(one.url)).path.removeprefix("/api/v1") for one in self.requests]

    # --- answering ---

    def _answer(self, request: PreparedRequest) -> Answer:
        self.requests.append(request)
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.headers["Accept"] == "application/json+canvas-string-ids"
        path = urlsplit(str(request.url)).path.removeprefix("/api/v1")
        if path in self.answers:
            answer = self.answers[path]
            return answer(request) if callable(answer) else answer
        if path in self.one:
            return 200, {}, http.dumps(self.one[path])
        if path in self.rows:
            return self._page(path, parse_qs(urlsplit(str(request.url)).query))
        if path == f"{COURSE}/grading_periods":
            return 200, {}, '{"grading_periods":[],"meta":{}}'
        return 404, {}, '{"errors":[{"message":"The specified resource does not exist."}]}'

    def _page(self, path: str, query: Mapping[str, list[str]]) -> Answer:
        bookmark = query.get("page", ["bookmark:AbC0"])[0]
        found = re.fullmatch(r"bookmark:AbC(\d+)", bookmark)
        if found is None:
            return 400, {}, "{}"
        size = min(self.page_size, int(query.get("per_page", ["10"])[0]))
        start = int(found[1])
        rows = [row for row in self.rows[path] if _is_asked_for(row, query)]
        kept = "".join(f"&{name}={one}" for name, ones in query.items() if name in KEPT for one in ones)
        links = [f'<{self._bookmark(path, start)}>; rel="current"']
        if start + size < len(rows):
            links.append(f'<{self.next_url(path, start + size)}{kept}>; rel="next"')
        page = [self._row(row, query) for row in rows[start : start + size]]
        return 200, {"link": ",".join(links)}, http.dumps(page)

    def _row(self, row: dict[str, Any], query: Mapping[str, list[str]]) -> dict[str, Any]:
        row = copy.deepcopy(row)
        for period in query.get("grading_period_id", []):
            if "grades" in row:
                row["grades"] = self.period_grades.get(period, {}).get(row["user_id"], NO_GRADES)
        return row

    def _bookmark(self, path: str, start: int) -> str:
        return f"{BASE}/api/v1{path}?page=bookmark:AbC{start}&per_page=100"


def _is_asked_for(row: Mapping[str, Any], query: Mapping[str, list[str]]) -> bool:
    kinds, items = query.get("type[]"), query.get("assignment_ids[]")
    return (not kinds or row["type"] in kinds) and (not items or row["assignment_id"] in items)


def canvas(**options: str) -> Canvas:
    return Canvas(Settings("canvas", BASE, TOKEN, options))


def course(course_id: str = COURSE_ID) -> lms.Course:
    return lms.Course("lti-context", "Algebra 1", custom={"canvas_course_id": course_id})
