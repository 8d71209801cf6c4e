"""Aeries's records as ours, and ours as its bodies. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sync.sis import records as sis
from sync.sis.aeries.profile import Config

Json = dict[str, Any]
Record = Mapping[str, Any]
EXCUSED: Final = "NA"


def day_of(stated: object) -> date | None:
    """A day of "2026-02-17T00:00:00"; that of the year 1 means none."""
    try:
        found = date.fromisoformat(str(stated)[:10])
    except ValueError:
        return None
    return found if found.year > 1 else None


def decimal_of(stated: object) -> Decimal | None:
    """A number, given as one or as text; None for what is none."""
    if isinstance(stated, bool) or not isinstance(stated, int | Decimal | str):
        return None
    try:
        number = Decimal(str(stated).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def text_of(raw: Record, name: str) -> str:
    value = raw.get(name)
    return "" if value is None else str(value).strip()


def parts(raw: Record, name: str) -> list[Record]:
    found = raw.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


# --- gradebooks -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    code: str
    session: sis.Session


@dataclass(frozen=True, slots=True)
class Gradebook:
    """`sections` are the section numbers that share it: a teacher may keep several classes in one."""

    number: str
    name: str
    begins: date | None
    ends: date | None
    sections: frozenset[int]
    categories: tuple[sis.Category, ...]
    terms: tuple[Term, ...]

    def holds(self, day: date) -> bool:
        return (self.begins is None or self.begins <= day) and (self.ends is None or day <= self.ends)

    def term_on(self, day: date) -> str:
        """The term of this day, else the last that has begun, else the first; "" where it has none."""
        begun = [one for one in self.terms if one.session.begins is not None and one.session.begins <= day]
        now = [one for one in begun if one.session.ends is not None and day <= one.session.ends]
        found = now or begun[-1:] or list(self.terms[:1])
        return found[0].code if found else ""


def read_gradebook(raw: Record) -> Gradebook:
    return Gradebook(
        number=text_of(raw, "GradebookNumber"),
        name=text_of(raw, "Name"),
        begins=day_of(raw.get("StartDate")),
        ends=day_of(raw.get("EndDate")),
        sections=frozenset(int(one["SectionNumber"]) for one in parts(raw, "Sections")),
        categories=tuple(
            sis.Category(text_of(one, "Code"), text_of(one, "Description"))
            for one in parts(raw, "AssignmentCategories")
        ),
        terms=tuple(_term(one) for one in parts(raw, "Terms")),
    )


def _term(raw: Record) -> Term:
    code = text_of(raw, "Code")
    name = text_of(raw, "Name") or code
    session = sis.Session(code, name, "term", day_of(raw.get("StartDate")), day_of(raw.get("EndDate")))
    return Term(code, session)


# --- rostering --------------------------------------------------------------------------------------------------


def read_class(raw: Record, gradebooks: Iterable[Gradebook], config: Config) -> sis.Class:
    """Its title is the gradebook's name, usually the course's; else the course's id."""
    school, section = text_of(raw, "SchoolCode"), text_of(raw, "SectionNumber")
    period = text_of(raw, "Period")
    books = list(gradebooks)
    return sis.Class(
        sourced_id=config.name_class(school, section),
        title=next((one.name for one in books if one.name), text_of(raw, "CourseID")),
        school_id=school,
        course_id=text_of(raw, "CourseID"),
        code=f"{section}, period {period}" if period else section,
        session_ids=tuple(dict.fromkeys(term.code for one in books for term in one.terms)),
    )


def is_student(row: Record) -> bool:
    """In the gradebook, and not tagged as inactive there."""
    return bool(text_of(row, "StudentID")) and not text_of(row, "InactiveTag")


def read_student(row: Record) -> sis.Student:
    number = text_of(row, "StudentNumber")
    student_id = text_of(row, "StudentID")
    return sis.Person(
        student_id,
        given_name=text_of(row, "StudentFirstName"),
        family_name=text_of(row, "StudentLastName"),
        identifier=student_id,
        user_ids=(("studentNumber", number),) if number else (),
    )


def read_teachers(raw: Record, today: date) -> list[sis.Teacher]:
    """The section's staff of now."""
    return [
        sis.Person(
            text_of(one, "StaffID"),
            given_name=text_of(one, "FirstName"),
            family_name=text_of(one, "LastName"),
            identifier=text_of(one, "StaffID"),
        )
        for one in parts(raw, "SectionStaffMembers")
        if not text_of(one, "InactiveStatusCode") and _is_now(one, today)
    ]


def _is_now(staff: Record, today: date) -> bool:
    ends = day_of(staff.get("EndDate"))
    return ends is None or ends >= today


def read_total(row: Record) -> sis.OwnTotal | None:
    """The total that Aeries computes: a percentage, and the mark that it makes of it; None where it has none yet."""
    mark, percentage = text_of(row, "CurrentMark"), decimal_of(row.get("CurrentPercentage"))
    if not mark or percentage is None:
        return None
    return sis.OwnTotal(text_of(row, "StudentID"), percentage, Decimal(100), mark)


# --- assignments ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """One assignment. `refusal` says in words why no score may be sent to it; "" where it may."""

    item: sis.LineItem
    external_id: str
    refusal: str


def read_column(raw: Record, class_id: str) -> Column:
    """Named by its UniqueID: a teacher may change an assignment's number."""
    due = day_of(raw.get("DateDue"))
    category = raw.get("AssignmentCategory")
    points = decimal_of(raw.get("NumberCorrectPossible"))
    item = sis.LineItem(
        sourced_id=str(raw["UniqueID"]),
        title=text_of(raw, "Description"),
        class_id=class_id,
        minimum=Decimal(0),
        maximum=points if points else None,
        category_id=text_of(category, "Code") if isinstance(category, Mapping) else "",
        due=None if due is None else datetime(due.year, due.month, due.day, tzinfo=UTC),
    )
    return Column(item, text_of(raw, "ExternalID"), _refusal(raw))


def _refusal(raw: Record) -> str:
    if raw.get("InputScoresByStandard") is True:
        return "This assignment is scored standard by standard in Aeries: its scores must be entered there."
    if raw.get("RubricAssignment") is True:
        return "This assignment is scored by a rubric in Aeries: its scores must be entered there."
    if text_of(raw, "NarrativeGradeSetID") not in ("", "0"):
        return "This assignment is scored with a list of marks in Aeries: its scores must be entered there."
    return ""


def assignment_body(new: sis.NewLineItem, category: str, formative_summative: str) -> Json:
    """`CreateInLinkedGradebooksToo` is true where it is not said: other classes would get the assignment, too."""
    return {
        "Description": new.title,
        "AssignmentCategoryCode": category,
        "DateAssigned": new.assigned.date().isoformat(),
        "DateDue": new.due.date().isoformat(),
        "NumberCorrectPossible": new.maximum,
        "PointsPossible": new.maximum,
        "Comment": new.description,
        "FormativeSummativeIndicator": formative_summative,
        "RubricAssignment": False,
        "ExternalID": new.sourced_id,
        "CreateInLinkedGradebooksToo": False,
    }


# --- scores -----------------------------------------------------------------------------------------------------


def read_value(row: Record, decimals: int) -> sis.Value | None:
    """What stands there. `Mark` is what was entered ("18", "95%", "NA", a word); without one there is no score, though
    Aeries then shows a number of 0. That it counts as missing is computed, and no mark of ours.
    """
    mark = text_of(row, "Mark")
    if not mark:
        return None
    if mark.upper() == EXCUSED:
        return sis.Value(status=sis.ScoreStatus.EXEMPT)
    number = decimal_of(mark)
    if number is None and not mark.endswith("%"):
        return sis.Value(text=mark)
    correct = decimal_of(row.get("NumberCorrect"))
    score = number if correct is None else correct
    return sis.Value(text=mark) if score is None else sis.Value(sis.quantised(score, decimals))


def result_id(line_item_id: str, student_id: str) -> str:
    """A score has no id of its own: its assignment and student are."""
    return f"{line_item_id}/{student_id}"


def read_result(row: Record, class_id: str, line_item_id: str, decimals: int) -> sis.Result:
    student_id = text_of(row, "StudentID")
    return sis.Result(
        result_id(line_item_id, student_id),
        class_id,
        line_item_id,
        student_id,
        read_value(row, decimals),
        score_date=day_of(row.get("DateCompleted")),
    )


def score_body(key: sis.Key, value: sis.Value, day: date | None) -> Json:
    """One score: a number, and the day on which the work was completed, where it is to be said."""
    body: Json = {"StudentID": int(key.student_id), "NumberCorrect": value.score}
    return body | ({"DateCompleted": day.isoformat()} if day is not None else {})
