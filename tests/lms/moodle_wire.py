"""Moodle's side of the wire: one address, the fixtures' answers by function name; change them before a read."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import responses
from requests import PreparedRequest

from lti_tool import http
from sync.lms import records as lms
from sync.lms.base import Settings
from sync.lms.moodle import Moodle, functions

BASE = "https://moodle.example"
URL = f"{BASE}/webservice/rest/server.php"
TOKEN = "0123456789abcdef0123456789abcdef"
TEACHER, ANA, ZOE, GUS, HELPER = "3", "4", "5", "6", "7"
TOTAL, HOMEWORK, QUIZ, LABS, LAB, MASTERY, PARTICIPATION = 1, 3, 4, 5, 6, 7, 8
FIXTURES = Path(__file__).parent / "fixtures" / "moodle"

Form = dict[str, str]
Answer = tuple[int, Mapping[str, str], str]


def fixture(name: str) -> Any:
    return http.loads((FIXTURES / f"{name}.json").read_bytes())


def exception(errorcode: str) -> Answer:
    body = fixture("error") | {"errorcode": errorcode, "message": "Ana Alvarez may not (View all grades)"}
    return 200, {}, http.dumps(body)


class MoodleWire:
    """`data` by function; `answers` replaces a function's whole answer; `raw` replaces the body's text before it is sent."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {
            functions.REPORT: fixture("user_report"),
            functions.ITEMS: fixture("grade_items"),
            functions.STUDENTS: fixture("gradable_users"),
            functions.PEOPLE: fixture("enrolled_users"),
            functions.TREE: fixture("grade_tree"),
            functions.ASSIGNMENTS: fixture("assignments"),
            functions.COURSES: fixture("courses_by_field"),
            functions.SCALE: fixture("scale_values"),
            functions.SITE: fixture("site_info"),
        }
        self.suspended = fixture("enrolled_users_all")
        self.answers: dict[str, Callable[[Form], Answer | None] | Answer] = {}
        self.raw: Callable[[str], str] = lambda body: body
        self.forms: list[Form] = []

    def serve(self, mock: responses.RequestsMock) -> None:
        mock.add_callback(responses.POST, URL, callback=self._answer)

    # --- what a test changes ---

    @property
    def report(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.data[functions.REPORT]["usergrades"]
        return found

    def student(self, user_id: str) -> dict[str, Any]:
        return next(one for one in self.report if str(one["userid"]) == user_id)

    def row(self, user_id: str, item_id: int) -> dict[str, Any]:
        rows: list[dict[str, Any]] = self.student(user_id)["gradeitems"]
        return next(one for one in rows if one["id"] == item_id)

    def rows(self, item_id: int) -> list[dict[str, Any]]:
        return [one for user in self.report for one in user["gradeitems"] if one["id"] == item_id]

    def take_out(self, item_id: int, *user_ids: str) -> None:
        """The report keeps this item back: from all, or for these students."""
        for user in self.report:
            if not user_ids or str(user["userid"]) in user_ids:
                user["gradeitems"] = [one for one in user["gradeitems"] if one["id"] != item_id]

    def people(self, name: str = functions.PEOPLE) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.data[name]
        return found if name == functions.PEOPLE else self.data[name]["users"]

    def asked(self, function: str) -> list[Form]:
        return [form for form in self.forms if form["wsfunction"] == function]

    # --- answering ---

    def _answer(self, request: PreparedRequest) -> Answer:
        assert "Authorization" not in request.headers
        assert TOKEN not in str(request.url)
        form = dict(parse_qsl(str(request.body)))
        self.forms.append(form)
        assert form["moodlewsrestformat"] == "json"
        if form["wstoken"] != TOKEN:
            return exception("invalidtoken")
        function = form["wsfunction"]
        told = self.answers.get(function)
        answer = told(form) if callable(told) else told
        if answer is not None:
            return answer
        return 200, {"Content-Type": "application/json"}, self.raw(http.dumps(self._found(function, form)))

    def _found(self, function: str, form: Form) -> Any:
        found = copy.deepcopy(self.data[function])
        if function == functions.REPORT and "userid" in form:
            found["usergrades"] = [one for one in found["usergrades"] if str(one["userid"]) == form["userid"]]
        if function == functions.PEOPLE and "onlyactive" not in form.values():
            found += self.suspended
        return found


def moodle(**options: str) -> Moodle:
    return Moodle(Settings("moodle", BASE, TOKEN, options))


def course(course_id: str = "2") -> lms.Course:
    return lms.Course(course_id, "Algebra 1 - Period 3")
