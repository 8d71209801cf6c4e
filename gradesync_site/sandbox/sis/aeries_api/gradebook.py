"""What the gradebook calls do: students and totals by term, new assignments, arrays of scores stored whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import Response, request

from gradesync_site.sandbox.control import Sandbox, answer, drop_connection, loads
from gradesync_site.sandbox.sis.aeries_api import seeds

Json = dict[str, Any]
ASSIGNMENT_FIELDS = {
    *("Description", "AssignmentCategoryCode", "DateAssigned", "DateDue", "NumberCorrectPossible", "PointsPossible"),
    *("Comment", "FormativeSummativeIndicator", "RubricAssignment", "ExternalID", "CreateInLinkedGradebooksToo"),
}  # fmt: skip
SCORE_FIELDS = {"StudentID", "NumberCorrect", "DateCompleted", "StandardScores"}


class Problem(Exception):
    """A refusal with Aeries's `Message`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Gradebooks:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    @property
    def state(self) -> Json:
        return self.sandbox.state

    # --- reading ---

    def book(self, number: str) -> Json:
        found = self.state["gradebooks"].get(number)
        if found is None:
            raise Problem(404, "The gradebook could not be found.")
        return dict(found)

    def of_section(self, school: str, section: str) -> list[Json]:
        return [
            _shown(one)
            for one in self.state["gradebooks"].values()
            if any(str(part["SectionNumber"]) == section for part in one["Sections"])
        ]

    def students(self, number: str, term: str) -> list[Json]:
        book = self.book(number)
        if term not in [one["Code"] for one in book["Terms"]]:
            raise Problem(404, "The term could not be found.")
        return [self._student(book, term, student) for student in book["students"]]

    def _student(self, book: Json, term: str, student: str) -> Json:
        person = {key: value for key, value in self.state["people"][student].items() if key != "sourced"}
        total = self._total(book, student)
        return {
            **person,
            "CurrentMark": "" if total is None else ("A" if total >= 90 else "B"),
            "CurrentPercentage": total or 0,
            "CurrentTerm": term,
            "InactiveTag": "N" if student in book["inactive"] else "",
            "SchoolCode": seeds.SCHOOL,
            "StartDate": seeds.BEGINS,
            "EndDate": seeds.ENDS,
        }

    def _total(self, book: Json, student: str) -> Decimal | None:
        pairs = [
            (score["NumberCorrect"], one["NumberCorrectPossible"])
            for unique, one in self.state["assignments"].items()
            if one["GradebookNumber"] == book["GradebookNumber"]
            if (score := self.state["scores"].get(f"{unique}/{student}")) and score["Mark"] not in ("", "NA")
        ]
        possible = sum(Decimal(most) for _, most in pairs)
        if not possible:
            return None
        return (sum(Decimal(score) for score, _ in pairs) * 100 / possible).quantize(Decimal("0.0001"))

    def assignments(self, number: str) -> list[Json]:
        book = self.book(number)
        rows = self.state["assignments"].values()
        return [one for one in rows if one["GradebookNumber"] == book["GradebookNumber"]]

    def assignment(self, unique: str) -> Json:
        found = self.state["assignments"].get(unique)
        if found is None:
            raise Problem(404, "The assignment could not be found.")
        return dict(found)

    def scores(self, unique: str) -> list[Json]:
        self.assignment(unique)
        rows = self.state["scores"].items()
        return [one for key, one in rows if key.startswith(f"{unique}/")]

    # --- writing ---

    def create(self, number: str) -> Response:
        book, body = self.book(number), self._body()
        if not isinstance(body, Mapping):
            raise Problem(400, "An object is expected.")
        _no_more_than(body, ASSIGNMENT_FIELDS)
        if not str(body.get("Description") or "").strip():
            raise Problem(400, "Description is required.")
        if body.get("AssignmentCategoryCode") not in [one["Code"] for one in book["AssignmentCategories"]]:
            raise Problem(400, "AssignmentCategoryCode is not valid.")
        self._check_open(book)
        fields = {key: value for key, value in body.items() if key != "CreateInLinkedGradebooksToo"}
        linked = body.get("CreateInLinkedGradebooksToo", True)
        books = [
            one
            for one in self.state["gradebooks"].values()
            if linked or one["GradebookNumber"] == book["GradebookNumber"]
        ]
        made = [seeds.add_assignment(self.state, one, **fields) for one in books]
        self.sandbox.stored(*(f"assignments/{one['UniqueID']}" for one in made))
        return self._done(made, 201)

    def post_scores(self, unique: str) -> Response:
        assignment, body = self.assignment(unique), self._body()
        book = self.book(str(assignment["GradebookNumber"]))
        if not isinstance(body, list):
            raise Problem(400, "An array is expected.")
        self._check_open(book)
        for row in body:
            self._check_score(row, assignment)
        if not self.sandbox.strikes("store-nothing"):
            for row in body:
                # a student who is not in the gradebook is left out without a word
                if str(row["StudentID"]) in book["students"]:
                    self.put(
                        assignment, str(row["StudentID"]), row["NumberCorrect"], row.get("DateCompleted")
                    )
            self.sandbox.stored(f"scores/{unique}")
        fault = self.sandbox.strikes("omit-student")
        left_out = str(fault.settings.get("student")) if fault else ""
        return self._done([one for one in self.scores(unique) if str(one["StudentID"]) != left_out], 200)

    def _check_open(self, book: Json) -> None:
        if book["GradebookNumber"] in self.state["locked"]:
            raise Problem(400, "The gradebook is locked.")
        if self.sandbox.strikes("out-of-dates"):
            raise Problem(400, "Not within the date range of the gradebook.")

    def _check_score(self, row: Json, assignment: Json) -> None:
        _no_more_than(row, SCORE_FIELDS)
        score, odd = row.get("NumberCorrect"), self.sandbox.strikes("odd-student")
        if isinstance(score, bool) or not isinstance(score, int | Decimal):
            raise Problem(400, "NumberCorrect must be a number.")
        if odd and str(odd.settings.get("student")) == str(row["StudentID"]):
            raise Problem(400, "The score could not be saved.")
        if self.sandbox.strikes("no-over-max") and score > assignment["NumberCorrectPossible"]:
            raise Problem(400, "NumberCorrect exceeds the number possible.")

    def put(self, assignment: Json, student: str, score: Any, day: str | None, mark: str = "") -> None:
        places = next((n for n in (0, 1, 2) if self.sandbox.strikes(f"round-{n}")), 4)
        kept = Decimal(score).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        self.state["scores"][f"{assignment['UniqueID']}/{student}"] = {
            "AssignmentNumber": assignment["AssignmentNumber"],
            "GradebookNumber": assignment["GradebookNumber"],
            "StudentID": int(student),
            "Mark": mark or f"{kept:f}",
            "NumberCorrect": kept,
            "NumberCorrectPossible": assignment["NumberCorrectPossible"],
            "DateCompleted": f"{day}T00:00:00" if day else None,
            "IsMissing": False,
        }

    def by_hand(self) -> Response:
        """POST /_sandbox/result {"assignment", "student", "mark", "score"}: as a teacher in Aeries; an empty mark clears."""
        wish = loads(request.get_data())
        with self.sandbox.lock:
            assignment = self.assignment(wish["assignment"])
            self.put(assignment, str(wish["student"]), wish.get("score", 0), None, wish["mark"])
            if not wish["mark"]:
                self.state["scores"][f"{wish['assignment']}/{wish['student']}"] |= {
                    "Mark": "",
                    "IsMissing": True,
                }
            self.sandbox.stored()
        return answer({})

    # --- shared ---

    def _body(self) -> Any:
        try:
            return loads(request.get_data())
        except ValueError:
            raise Problem(400, "The body is not JSON.") from None

    def _done(self, rows: list[Json], status: int) -> Response:
        if self.sandbox.strikes("lose-answer"):
            return drop_connection()
        if self.sandbox.strikes("error-500-after-store"):
            raise Problem(500, "An error has occurred.")
        if self.sandbox.strikes("html-answer"):
            return Response("<!doctype html><h1>Done</h1>", status, mimetype="text/html")
        return answer([] if self.sandbox.strikes("empty-answer") else rows, status)


def _shown(book: Json) -> Json:
    return {key: value for key, value in book.items() if key not in ("students", "inactive")}


def _no_more_than(record: Mapping[str, Any], fields: set[str]) -> None:
    unknown = sorted(set(record) - fields)
    if unknown:
        raise Problem(400, f"{unknown[0]} is not expected.")
