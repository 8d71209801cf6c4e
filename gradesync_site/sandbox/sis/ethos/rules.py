"""What the pretend SIS behind Ethos takes: who may get which grade, what must travel with it, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from gradesync_site.sandbox.sis.ethos.seeds import BEGINS, ENDS, EXTENDED, FINAL, guid

Json = dict[str, Any]
NIL = "00000000-0000-0000-0000-000000000000"
NEED_ATTENDANCE = ("F", "NP", "I")


class Problem(Exception):
    """A refusal: HTTP status, code and the SIS's words."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status, self.code, self.words = status, code, words


def options_of(state: Json, registration: Json) -> Json:
    """section-registrations-grade-options 1.0.0 of one registration."""
    scheme = registration["gradingOption"]["gradeScheme"]["id"]
    section = registration["section"]["id"]
    return {
        "id": registration["id"],
        "section": {"id": section},
        "sectionGradability": "notGradable" if section in state["ungraded"] else "gradable",
        "studentGradeScheme": {"detail": {"id": scheme}, "title": state["grade-schemes"][scheme]["title"]},
        "gradeStatus": "verified" if registration["id"] in state["verified"] else "unverified",
        "grades": [
            _option(one, scheme)
            for one in state["grade-definitions"].values()
            if one["scheme"]["id"] == scheme
        ],
    }


def _option(definition: Json, scheme: str) -> Json:
    letter = definition["grade"]["value"]
    needed = "required" if letter in NEED_ATTENDANCE[:2] else "notRequired"
    found = {
        "grade": {"id": definition["id"]},
        "value": letter,
        "lastDateOfAttendanceRequiredness": needed,
    }
    if letter == "I":
        found["incompleteGradeDetails"] = {
            "finalGradeDefault": {"id": guid_beside(definition, scheme)},
            "finalGradeDefaultOverridability": "overridable"
            if scheme == guid("scheme", "Undergraduate letter")
            else "notOverridable",
            "extensionDateDefault": EXTENDED,
        }
    return found


def guid_beside(definition: Json, scheme: str) -> str:
    """The failing grade of the same scheme."""
    title, letter = (
        ("Undergraduate letter", "F")
        if scheme == guid("scheme", "Undergraduate letter")
        else ("Pass/No Pass", "NP")
    )
    return guid("grade", title, letter)


def check(state: Json, body: Json) -> Json:
    """The registration that a submission is for. Raises Problem for what the SIS does not take."""
    registration: Json | None = state["section-registrations"].get(_id(body, "sectionRegistration"))
    if registration is None or registration["status"]["registrationStatus"] != "registered":
        raise Problem(400, "Validation.Exception", "The section registration was not found.")
    if registration["id"] in state["verified"]:
        raise Problem(400, "Validation.Exception", "The grade has been rolled to academic history.")
    if registration["section"]["id"] in state["ungraded"]:
        raise Problem(400, "Validation.Exception", "The section is not gradable.")
    grade = body.get("grade")
    grade = grade if isinstance(grade, Mapping) else {}
    type_id = _id(grade, "type")
    if type_id not in state["section-grade-types"]:
        raise Problem(400, "Validation.Exception", "The section-grade-type is not known.")
    if type_id in state["closed"]:
        raise Problem(400, "Validation.Exception", "Grading is not open for this period.")
    option = _taken(state, registration, _id(grade, "grade"))
    if type_id == FINAL:
        _check_extras(option, grade, body)
    _check_submitter(state, registration, _id(body, "submittedBy"))
    return registration


def _taken(state: Json, registration: Json, grade_id: str) -> Json:
    listed = options_of(state, registration)["grades"]
    found: Json | None = next((one for one in listed if one["grade"]["id"] == grade_id), None)
    if found is None:
        raise Problem(400, "Validation.Exception", "The grade is not valid for the student's grade scheme.")
    return found


def _check_extras(option: Json, grade: Mapping[str, Any], body: Json) -> None:
    attended, incomplete = body.get("lastAttendance") or {}, grade.get("incompleteGrade") or {}
    if option["lastDateOfAttendanceRequiredness"] == "required" and not attended:
        raise Problem(400, "Validation.Exception", "The last date of attendance is required for this grade.")
    if attended.get("date") and not BEGINS <= attended["date"] <= ENDS:
        raise Problem(400, "Validation.Exception", "The last date of attendance is outside of the term.")
    details = option.get("incompleteGradeDetails")
    if details is None and incomplete:
        raise Problem(400, "Validation.Exception", "Incomplete grade details do not go with this grade.")
    if details is not None and "extensionDate" in incomplete:
        if date.fromisoformat(incomplete["extensionDate"]) > date.fromisoformat(EXTENDED):
            raise Problem(400, "Validation.Exception", "The extension date is after the latest one allowed.")
        if details["finalGradeDefaultOverridability"] == "notOverridable" and _id(
            incomplete, "finalGrade"
        ) != _id(details, "finalGradeDefault"):
            raise Problem(
                400, "Validation.Exception", "The default final grade of an incomplete cannot be changed."
            )


def _check_submitter(state: Json, registration: Json, person: str) -> None:
    teaching = {
        one["instructor"]["id"]
        for one in state["section-instructors"].values()
        if one["section"] == registration["section"]
    }
    if person and person not in teaching:
        raise Problem(403, "Access.Denied", "The instructor is not assigned to this section.")


def merged(former: Json | None, registration: Json, body: Json, today: str) -> Json:
    """The registration's record with this submission in it: one grade for each type, one last attendance for all."""
    record_id = former["id"] if former else guid("unverified", registration["id"])
    given = body["grade"]
    kept = [
        one
        for one in (former or {"details": {}})["details"].get("grades", [])
        if one["type"] != given["type"]
    ]
    grade = {"grade": given["grade"], "type": given["type"], "submittedOn": today}
    details: Json = {"grades": [*kept, grade]}
    attended = body.get("lastAttendance") or (former or {"details": {}})["details"].get("lastAttendance")
    if attended:
        details["lastAttendance"] = attended
    made: Json = {
        "id": record_id,
        "student": registration["registrant"],
        "sectionRegistration": {"id": registration["id"]},
        "awardGradeScheme": registration["gradingOption"]["gradeScheme"],
        "details": details,
    }
    incomplete = (
        given.get("incompleteGrade")
        if given["type"]["id"] == FINAL
        else (former or {}).get("incompleteGrade")
    )
    return made | ({"incompleteGrade": incomplete} if incomplete else {})


def _id(row: Mapping[str, Any], name: str) -> str:
    found = row.get(name)
    return str(found.get("id") or "") if isinstance(found, Mapping) else ""
