"""PowerTeacher Pro's calls: categories, assignments, and scores that are stored all or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import Response, request

from gradesync_site.sandbox.control import Sandbox, answer, drop_connection, loads
from gradesync_site.sandbox.sis.powerschool import seeds

Json = dict[str, Any]
PART_FIELDS = {
    *("sectionsdcid", "name", "description", "duedate", "scoretype", "scoreentrypoints", "totalpointvalue"),
    *("weight", "iscountedinfinalgrade", "isscoringneeded", "publishoption", "_assignmentcategoryassociations"),
}  # fmt: skip
SCORE_FIELDS = {
    *("_assignmentsection", "studentsdcid", "actualscoreentered", "actualscorekind", "scoretype", "scorepoints"),
    *("isexempt", "islate", "ismissing", "isincomplete", "iscollected", "isabsent"),
}  # fmt: skip


class Problem(Exception):
    """A refusal: `{"message", "errors": [...]}`, or a mere text where `errors` is None."""

    def __init__(self, status: int, message: str, *errors: Json) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors


class Gradebook:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    @property
    def state(self) -> Json:
        return self.sandbox.state

    # --- reading ---

    def categories(self) -> Response:
        user = self._user()
        if request.args.get("year_id") != str(seeds.YEAR):
            raise Problem(400, "year_id is required")
        return answer([one for one in self.state["categories"].values() if one["usersdcid"] == user])

    def assignments(self) -> Response:
        """Those of a section, with all their parts."""
        self._user()
        wanted = request.args.get("section_ids", "").split(",")
        return answer(
            [
                one
                for one in self.state["assignments"].values()
                if any(str(part["sectionsdcid"]) in wanted for part in one["_assignmentsections"])
            ]
        )

    def assignment(self, assignment_id: str) -> Response:
        self._user()
        found = self.state["assignments"].get(assignment_id)
        if found is None:
            raise Problem(404, "Not found")
        return answer(found)

    # --- assignments ---

    def create(self) -> Response:
        user, body = self._user(), self._body()
        parts = body.get("_assignmentsections")
        if set(body) != {"_assignmentsections"} or not isinstance(parts, list) or not parts:
            raise Problem(400, "_assignmentsections is required")
        for part in parts:
            self._check_part(part, user)
        if self.sandbox.strikes("store-nothing"):
            made = {"assignmentid": 1}
        else:
            made = seeds.add_assignment(self.state, *parts)
            self.sandbox.stored(f"assignments/{made['assignmentid']}")
        where = f"{request.host_url.rstrip('/')}/ws/xte/section/assignment/{made['assignmentid']}"
        headers = {} if self.sandbox.strikes("no-location") else {"Location": where}
        return self._done(Response(b"", 201, headers))

    def _check_part(self, part: Json, user: int) -> None:
        _no_more_than(part, PART_FIELDS)
        section = self._taught(str(part.get("sectionsdcid")), user)
        if section["termid"] in self.state["locked"]:
            raise Problem(409, "Validation error", {"code": "LOCKED_TERM", "message": "The term is locked."})
        if not 0 < len(part.get("name") or "") <= 50:
            raise Problem(409, "Validation error", {"field": "name", "message": "Length must be 1 to 50."})
        if not seeds.BEGINS <= str(part.get("duedate")) <= seeds.ENDS:
            raise Problem(
                409, "Validation error", {"field": "duedate", "message": "Outside of the section's term."}
            )
        if (
            part["scoretype"] != "POINTS"
            or part["totalpointvalue"] != part["scoreentrypoints"] * part["weight"]
        ):
            raise Problem(409, "Validation error", {"field": "totalpointvalue", "message": "Does not fit."})
        for one in part.get("_assignmentcategoryassociations") or [{}]:
            category = self.state["categories"].get(str(one.get("teachercategoryid")), {})
            if category.get("usersdcid") != user or not category.get("isactive"):
                raise Problem(
                    409, "Validation error", {"field": "teachercategoryid", "message": "Is not active."}
                )

    # --- scores ---

    def scores(self) -> Response:
        user, body = self._user(), self._body()
        if "term_id" not in request.args or request.args.get("status") != "A":
            raise Problem(400, "term_id and status are required")
        if self.sandbox.strikes("resubmit-412"):
            raise Problem(412, "Resubmit")
        rows = body.get("assignment_scores")
        if set(body) != {"assignment_scores"} or not isinstance(rows, list):
            raise Problem(400, "assignment_scores is required")
        problems = [problem for row in rows if (problem := self._check_score(row, user))]
        if problems:
            raise Problem(409, "Validation error", *problems)
        if not self.sandbox.strikes("store-nothing"):
            for row in rows:
                self._store(row)
            self.sandbox.stored(*(f"scores/{row['studentsdcid']}" for row in rows))
        return self._done(answer({"assignment_scores": self._named(rows)}))

    def _check_score(self, row: Json, user: int) -> Json | None:
        """Raises Problem for what sinks the request; what is wrong with the student is returned."""
        _no_more_than(row, SCORE_FIELDS)
        part = self._part(int(row["_assignmentsection"]["assignmentsectionid"]))
        section = self._taught(str(part["sectionsdcid"]), user)
        if request.args["term_id"] != str(section["termid"]) or section["termid"] in self.state["locked"]:
            raise Problem(409, "Validation error", {"code": "LOCKED_TERM", "message": "The term is locked."})
        student, odd = row["studentsdcid"], self.sandbox.strikes("odd-student")
        if odd and str(odd.settings.get("student")) == str(student):
            return {"message": "Value is not valid.", "params": {"student_dcid": student}}
        if student not in self._associated(part):
            words = "No AssignmentStudentAssociation for this student."
            return {"code": "VALIDATION", "message": words, "params": {"student_dcid": student}}
        return None

    def _part(self, part_id: int) -> Json:
        for one in self.state["assignments"].values():
            for part in one["_assignmentsections"]:
                if part["assignmentsectionid"] == part_id:
                    return dict(part)
        # as met in the field: no 404
        raise Problem(500, f"Unable to find com.powerschool.xte.AssignmentSection with id {part_id}")

    def _associated(self, part: Json) -> set[int]:
        gone = self.sandbox.strikes("not-associated")
        without = str(gone.settings.get("student")) if gone else ""
        return {
            one["student_id"]
            for one in self.state["enrolments"].values()
            if one["section_id"] == part["sectionsdcid"] and not one["dropped"]
            if str(one["student_id"]) != without
        }

    def _store(self, row: Json) -> None:
        """One row for each assignment and student, whoever wrote it before."""
        part_id, student = int(row["_assignmentsection"]["assignmentsectionid"]), row["studentsdcid"]
        key = f"{part_id}/{student}"
        former = self.state["scores"].get(key) or {"assignmentscoreid": seeds.new_id(self.state)}
        said = {name: value for name, value in row.items() if not name.startswith("_")}
        said["scorepoints"] = self._rounded(said.get("scorepoints"))
        self.state["scores"][key] = {
            **former,
            **said,
            "assignmentsectionid": part_id,
            "scoreentrydate": "2026-02-02 10:00:00",
        }

    def _rounded(self, points: Any) -> Any:
        places = next((n for n in (0, 1, 2) if self.sandbox.strikes(f"round-{n}")), None)
        if points is None or places is None:
            return points
        return Decimal(points).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)

    def _named(self, rows: list[Json]) -> list[Json]:
        fault = self.sandbox.strikes("omit-student")
        left_out = str(fault.settings.get("student")) if fault else ""
        odd = self.sandbox.strikes("error-within-200")
        inside = {"errors": [{"message": "Not stored."}]} if odd else {}
        return [
            {"studentsdcid": row["studentsdcid"], "_assignmentsection": row["_assignmentsection"], **inside}
            for row in rows
            if str(row["studentsdcid"]) != left_out
        ]

    def by_hand(self) -> Response:
        """POST /_sandbox/result {"assignmentsection", "student", ...fields of the row}: as a teacher in PowerTeacher Pro."""
        wish = loads(request.get_data())
        row = {"_assignmentsection": {"assignmentsectionid": wish.pop("assignmentsection")}}
        with self.sandbox.lock:
            self._store({**row, "studentsdcid": int(wish.pop("student")), **wish})
            self.sandbox.stored()
        return answer({})

    # --- shared ---

    def _user(self) -> int:
        user = request.args.get("users_dcid", "")
        if user not in self.state["users"]:
            raise Problem(400, "users_dcid is required")
        return int(user)

    def _taught(self, section_dcid: str, user: int) -> Json:
        section = self.state["sections"].get(section_dcid)
        staff = {
            one["teacherid"]
            for one in self.state["sectionteacher"]
            if section and one["sectionid"] == section["id"]
        }
        if section is None or user not in {self.state["staff"][str(one)]["users_dcid"] for one in staff}:
            raise Problem(403, f"User does not teach section {section_dcid} with access EDIT")
        return dict(section)

    def _body(self) -> Json:
        found = loads(request.get_data())
        if not isinstance(found, Mapping):
            raise Problem(400, "The body is no object.")
        fault = self.sandbox.strikes("field-not-granted")
        if fault:
            raise Problem(
                403, f"No access to field {fault.settings.get('field', 'assignment.createdbyplugin')}"
            )
        return dict(found)

    def _done(self, response: Response) -> Response:
        if self.sandbox.strikes("lose-answer"):
            return drop_connection()
        if self.sandbox.strikes("error-500-after-store"):
            raise Problem(500, "An unexpected error occurred.")
        if self.sandbox.strikes("html-answer"):
            return Response("<!doctype html><h1>Done</h1>", 200, mimetype="text/html")
        return response


def _no_more_than(record: Json, fields: set[str]) -> None:
    unknown = sorted(set(record) - fields)
    if unknown:
        raise Problem(400, f"Unknown property {unknown[0]}")
