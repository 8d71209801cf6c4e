"""Our changes as ILP's request, and its messages as outcomes. No I/O.

Facts: the table of codes GE01 to GE11 that D2L publishes (community.d2l.com/brightspace/kb/articles/23801), and the shapes
that a Moodle plugin uses against a live ILP (ericmerrill/moodle-gradeexport_ilp_push).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from sync.errors import RejectionCode
from sync.sis import records as sis

Json = dict[str, Any]
Message = Mapping[str, Any]
WORDS: Final = 300
SAME: Final = "GE10"
CODES: Final[Mapping[str, RejectionCode]] = {
    "GE01": "student_unknown",
    "GE02": "class_unknown",
    "GE03": "not_gradable",
    "GE04": "not_enrolled",
    "GE05": "not_gradable",
    # component marks exist: the grade must be generated from them in Banner
    "GE06": "not_gradable",
    "GE07": "not_gradable",
    "GE08": "grade_not_in_scale",
    "GE09": "frozen",
    "GE11": "not_your_class",
    "InstructorNotFound": "not_your_class",
    "NoGradesFound": "malformed",
}
CODE: Final = re.compile(r"\b(GE\d\d|InstructorNotFound|NoGradesFound)\b")
# a failure without a code: by the field that it is about, else by its words
BESIDE: Final = frozenset({"LastAttendanceDate", "DefaultIncompleteGrade", "FinalGradeExpirationDate"})
SIGNS: Final[tuple[tuple[str, RejectionCode], ...]] = (
    (r"attend|incomplete|extension|expiration", "extra_data_required"),
    (r"not open|closed|deadline|window", "window_closed"),
)


def grade_of(change: sis.Change, field: str, zone: ZoneInfo) -> Json:
    """One entry of StudentGrades: a letter, and what travels beside it."""
    value = change.after or sis.Value()
    extras = value.extras or sis.Extras()
    found = {
        "CourseId": change.key.class_id,
        "StudentId": change.key.student_id,
        field: value.text,
        "LastAttendanceDate": _midnight(extras.last_attended, zone),
        "DefaultIncompleteGrade": extras.lapses_to or None,
        "FinalGradeExpirationDate": _midnight(extras.extended_to, zone),
    }
    return {name: one for name, one in found.items() if one is not None}


def _midnight(day: date | None, zone: ZoneInfo) -> str | None:
    return datetime.combine(day, time(), tzinfo=zone).isoformat() if day else None


def messages_of(answer: Mapping[str, Any]) -> dict[str, list[Message]]:
    """By student. One may have several, or none: then nobody knows what became of her grade."""
    found: dict[str, list[Message]] = {}
    listed = answer.get("messages")
    for one in listed if isinstance(listed, list) else []:
        data = one.get("data") if isinstance(one, Mapping) else None
        if isinstance(data, Mapping) and data.get("studentId"):
            found.setdefault(str(data["studentId"]).strip(), []).append(one)
    return found


def outcome_of(messages: Sequence[Message]) -> sis.Outcome:
    """What became of one student's grade: refused where one message says so, stored where all say success."""
    stated = {str(one["data"].get("status") or "").casefold() for one in messages}
    codes = [code for one in messages for code in CODE.findall(str(one.get("message") or ""))]
    if SAME in codes:
        return sis.Outcome("unchanged", http_status=200)
    if stated == {"success"}:
        return sis.Outcome("accepted", http_status=200)
    if "failure" not in stated:
        return sis.Outcome("unknown", http_status=200)
    failed = [one for one in messages if str(one["data"].get("status") or "").casefold() == "failure"]
    return sis.Outcome("rejected", _code(codes, failed), words_of(failed), http_status=200)


def _code(codes: Sequence[str], failed: Sequence[Message]) -> RejectionCode:
    known = [CODES[code] for code in codes if code in CODES]
    if known:
        return known[0]
    if any(one["data"].get("property") in BESIDE for one in failed):
        return "extra_data_required"
    text = words_of(failed).casefold()
    return next((code for pattern, code in SIGNS if re.search(pattern, text)), "malformed")


def words_of(messages: Sequence[Message]) -> str:
    said = [" ".join(str(one.get("message") or "").split()) for one in messages]
    return " ".join(dict.fromkeys(part for part in said if part))[:WORDS]
