"""PowerSchool's records as ours, and ours as its bodies. No I/O.

Everything is named by DCIDs (SECTIONS.DCID, STUDENTS.DCID, USERS.DCID), a column by its assignmentsectionid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sync.sis import records as sis

Json = dict[str, Any]
Record = Mapping[str, Any]
POINTS: Final = "POINTS"
# our word for a mark, and PowerTeacher Pro's
FLAGS: Final = {"late": "islate", "missing": "ismissing", "incomplete": "isincomplete"}

SECTION_FIELDS: Final = ("dcid", "id", "termid")
TEACHING_FIELDS: Final = ("sectionid", "teacherid", "start_date", "end_date")
STAFF_FIELDS: Final = ("id", "users_dcid")
USER_FIELDS: Final = ("dcid", "first_name", "last_name", "teachernumber", "email_addr")
SCORE_FIELDS: Final = (
    *("assignmentscoreid", "assignmentsectionid", "studentsdcid", "actualscoreentered", "scorepoints"),
    *("scoreentrydate", "isexempt", *FLAGS.values()),
)


def day_of(stated: object) -> date | None:
    try:
        return date.fromisoformat(str(stated)[:10])
    except ValueError:
        return None


def decimal_of(stated: object) -> Decimal | None:
    """A number, given as one or as text; None for what is none."""
    if isinstance(stated, bool) or not isinstance(stated, int | Decimal | str):
        return None
    try:
        number = Decimal(str(stated).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def is_set(stated: object) -> bool:
    """A flag, as the gradebook says it (true) or as a table does ("1")."""
    return stated is True or str(stated).casefold() in ("1", "true")


# --- rostering --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Section:
    """What the gradebook's calls want to know of a section. `section_id` is SECTIONS.ID, `term_id` TERMS.ID.

    `users_dcid` is its lead teacher, in whose name all is written.
    """

    dcid: str
    section_id: str
    term_id: int
    users_dcid: str

    @property
    def year_id(self) -> int:
        """TERMS.YEARID: a term's id is a hundred times its year's, and its own number within (PowerSchool's convention)."""
        return self.term_id // 100

    @property
    def teacher(self) -> list[tuple[str, str]]:
        return [("users_dcid", self.users_dcid)]


def of_newest_years(rows: Iterable[Record], years: int) -> list[str]:
    """DCIDs of the sections that lie in the newest years of these; a section without a term is none of them."""
    by_year: dict[int, set[str]] = {}
    for row in rows:
        if str(row.get("termid")).isdecimal():
            by_year.setdefault(int(row["termid"]) // 100, set()).add(str(row["dcid"]))
    return sorted(set().union(*(by_year[year] for year in sorted(by_year)[-years:])))


def read_class(raw: Record, course: Record | None) -> sis.Class:
    return sis.Class(
        sourced_id=str(raw["id"]),
        title=str((course or {}).get("course_name") or raw.get("course_id") or ""),
        school_id=str(raw.get("school_id") or ""),
        course_id=str(raw.get("course_id") or ""),
        code=_code(raw, course),
        session_ids=(str(raw.get("term_id") or ""),),
    )


def _code(raw: Record, course: Record | None) -> str:
    """As people there name a section: course number, a dot, section number."""
    parts = ((course or {}).get("course_number"), raw.get("section_number"))
    return ".".join(str(part) for part in parts if part)


def read_session(raw: Record) -> sis.Session:
    name = str(raw.get("name") or raw.get("abbreviation") or raw["id"])
    return sis.Session(
        str(raw["id"]), name, "term", day_of(raw.get("start_date")), day_of(raw.get("end_date"))
    )


def read_student(raw: Record) -> sis.Student:
    name, contact = _part(raw, "name"), _part(raw, "contact_info")
    return sis.Person(
        str(raw["id"]),
        given_name=str(name.get("first_name") or ""),
        family_name=str(name.get("last_name") or ""),
        identifier=str(raw.get("local_id") or ""),
        username=str(raw.get("student_username") or ""),
        email=str(contact.get("email") or ""),
    )


def read_teacher(row: Record) -> sis.Teacher:
    return sis.Person(
        str(row["dcid"]),
        given_name=str(row.get("first_name") or ""),
        family_name=str(row.get("last_name") or ""),
        identifier=str(row.get("teachernumber") or ""),
        email=str(row.get("email_addr") or ""),
    )


def teaches(row: Record, today: date) -> bool:
    """Now: SECTIONTEACHER holds all who ever taught the section."""
    begins, ends = day_of(row.get("start_date")), day_of(row.get("end_date"))
    return (begins is None or begins <= today) and (ends is None or today <= ends)


def _part(raw: Record, name: str) -> Record:
    found = raw.get(name)
    return found if isinstance(found, Mapping) else {}


def is_in(enrolment: Record, today: date, term_ends: date | None) -> bool:
    """In the section now. Who stays to the end of its term has an exit date too, and is still in it afterwards."""
    if is_set(enrolment.get("dropped")):
        return False
    left = day_of(enrolment.get("exit_date"))
    return left is None or left > today or (term_ends is not None and left >= term_ends)


# --- assignments ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """One assignment in one section. `maximum` is what a teacher enters at most; `weight` multiplies it."""

    column_id: str
    item: sis.LineItem
    score_type: str
    weight: Decimal

    @property
    def refusal(self) -> str:
        """Why no score may be sent here, in words; "" where it may."""
        if self.score_type != POINTS:
            return "This assignment of PowerTeacher Pro is not scored in points: its scores must be entered there."
        if self.weight != 1:
            return (
                "This assignment's points are multiplied by a weight in PowerTeacher Pro: its scores must be entered there, "
                "or its weight must be 1."
            )
        return ""


def columns_of(assignments: list[Record], section_dcid: str) -> list[Column]:
    """One assignment may stand in several sections: only its part in this one counts."""
    return [
        _column(part, section_dcid)
        for assignment in assignments
        for part in assignment.get("_assignmentsections") or []
        if isinstance(part, Mapping) and str(part.get("sectionsdcid")) == section_dcid
    ]


def _column(raw: Record, section_dcid: str) -> Column:
    column_id, due, weight = str(raw["assignmentsectionid"]), day_of(raw.get("duedate")), raw.get("weight")
    item = sis.LineItem(
        sourced_id=column_id,
        title=str(raw.get("name") or ""),
        class_id=section_dcid,
        minimum=Decimal(0),
        maximum=decimal_of(raw.get("scoreentrypoints")),
        category_id=_category_of(raw),
        due=None if due is None else datetime(due.year, due.month, due.day, tzinfo=UTC),
    )
    number = decimal_of(weight)
    return Column(column_id, item, str(raw.get("scoretype") or ""), Decimal(1) if number is None else number)


def _category_of(raw: Record) -> str:
    listed = raw.get("_assignmentcategoryassociations") or []
    main = [one for one in listed if is_set(one.get("isprimary"))] or list(listed)
    return str(main[0].get("teachercategoryid") or "") if main else ""


def assignment_body(
    new: sis.NewLineItem, section: Section, category: Record, *, counts: bool, publish: str
) -> Json:
    part: Json = {
        "sectionsdcid": int(section.dcid),
        "name": new.title,
        "duedate": new.due.date().isoformat(),
        "scoretype": POINTS,
        "scoreentrypoints": new.maximum,
        "totalpointvalue": new.maximum,
        "weight": 1,
        "iscountedinfinalgrade": counts,
        "isscoringneeded": True,
        "publishoption": publish or str(category.get("defaultpublishoption") or "Immediately"),
        "_assignmentcategoryassociations": [
            {"teachercategoryid": category["teachercategoryid"], "isprimary": True}
        ],
    }
    if new.description:
        part["description"] = new.description
    return {"_assignmentsections": [part]}


# --- scores -----------------------------------------------------------------------------------------------------


def read_value(row: Record, decimals: int) -> sis.Value | None:
    """What a row of ASSIGNMENTSCORE says; None where it says nothing."""
    points, entered = decimal_of(row.get("scorepoints")), str(row.get("actualscoreentered") or "")
    flags = frozenset(flag for flag, name in FLAGS.items() if is_set(row.get(name)))
    score = decimal_of(entered) if points is None else points
    text = entered if score is None and entered else None
    status = sis.ScoreStatus.FULLY_GRADED
    if is_set(row.get("isexempt")):
        status = sis.ScoreStatus.EXEMPT
    elif score is None and text is None:
        status = sis.ScoreStatus.NOT_SUBMITTED
    number = None if score is None else sis.quantised(score, decimals)
    value = sis.Value(number, text, status, flags)
    return None if value.is_nothing else value


def read_result(row: Record, class_id: str, decimals: int) -> sis.Result:
    return sis.Result(
        str(row["assignmentscoreid"]),
        class_id,
        str(row["assignmentsectionid"]),
        str(row["studentsdcid"]),
        read_value(row, decimals),
        score_date=day_of(row.get("scoreentrydate")),
    )


def score_body(key: sis.Key, value: sis.Value) -> Json:
    """One score. All that we carry is said, so that a former mark does not stay; what we do not carry is left alone."""
    graded = value.score is not None
    return {
        "_assignmentsection": {"assignmentsectionid": int(key.line_item_id)},
        "studentsdcid": int(key.student_id),
        "scoretype": POINTS,
        "actualscoreentered": sis.plain(value.score) if value.score is not None else None,
        "actualscorekind": "REAL_SCORE" if graded else None,
        "scorepoints": value.score,
        "isexempt": value.status == sis.ScoreStatus.EXEMPT,
        **{name: flag in value.flags for flag, name in FLAGS.items()},
    }
