"""Ed-Fi's records as ours, and ours as Ed-Fi's bodies. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from sync.sis import records as sis
from sync.sis.edfi.dialect import Dialect
from sync.sis.edfi.keys import Period, Record, Section, joined, parted, section_in

Json = dict[str, Any]
# what the host adds and does not want back
OWN: Final = ("id", "_etag", "_lastModifiedDate", "link")
GRADED, EXEMPT, NOT_SUBMITTED, LATE = "Graded", "Exempt", "Not Submitted", "Late"


def day_of(stated: object) -> date | None:
    try:
        return date.fromisoformat(str(stated)[:10])
    except ValueError:
        return None


def code_of(descriptor: object) -> str:
    """The code value of a descriptor's URI: "uri://ed-fi.org/XDescriptor#Late" is "Late"."""
    return str(descriptor).rpartition("#")[2] if isinstance(descriptor, str) else ""


def reference(raw: Record, name: str) -> Record:
    found = raw.get(name)
    return found if isinstance(found, Mapping) else {}


# --- rostering --------------------------------------------------------------------------------------------------


def read_class(raw: Record) -> sis.Class:
    offering = reference(raw, "courseOfferingReference")
    section = section_in({**offering, "sectionIdentifier": raw["sectionIdentifier"]})
    return class_of(section, str(raw.get("sectionName") or ""))


def class_of(section: Section, title: str = "") -> sis.Class:
    return sis.Class(
        sourced_id=section.text,
        title=title or section.course_code,
        school_id=str(section.school_id),
        course_id=section.course_code,
        code=section.section_id,
        session_ids=(joined(section.school_id, section.school_year, section.session_name),),
    )


def read_student(unique_id: str, raw: Record | None) -> sis.Student:
    found = raw or {}
    return sis.Person(
        unique_id,
        given_name=str(found.get("firstName") or ""),
        family_name=str(found.get("lastSurname") or ""),
        identifier=unique_id,
    )


def is_now(raw: Record, today: date) -> bool:
    """An association that has ended is no more; one that begins later counts: the roster may be ahead of the term."""
    ends = day_of(raw.get("endDate"))
    return ends is None or ends >= today


# --- line items -------------------------------------------------------------------------------------------------


def read_line_item(raw: Record, class_id: str, dialect: Dialect) -> sis.LineItem:
    maximum = raw.get("maxPoints")
    due = day_of(raw.get("dueDate"))
    return sis.LineItem(
        sourced_id=entry_id(raw, dialect),
        title=str(raw.get("gradebookEntryTitle" if dialect.is_old else "title") or ""),
        class_id=class_id,
        minimum=Decimal(0) if maximum is not None else None,
        maximum=Decimal(maximum) if isinstance(maximum, int | Decimal) else None,
        due=None if due is None else datetime(due.year, due.month, due.day, tzinfo=UTC),
    )


def entry_id(raw: Record, dialect: Dialect) -> str:
    names = (
        ("dateAssigned", "gradebookEntryTitle")
        if dialect.is_old
        else ("namespace", "gradebookEntryIdentifier")
    )
    return joined(*(raw[name] for name in names))


def entry_reference(item_id: str, section: Section, dialect: Dialect) -> Json | None:
    """gradebookEntryReference; None for an id of another form."""
    parts = parted(item_id)
    if len(parts) != 2:
        return None
    if dialect.is_old:
        return {"dateAssigned": parts[0], "gradebookEntryTitle": parts[1], **section.reference()}
    return {"gradebookEntryIdentifier": parts[1], "namespace": parts[0]}


def entry_body(new: sis.NewLineItem, section: Section, dialect: Dialect) -> Json:
    body: Json = {
        "dateAssigned": new.assigned.date().isoformat(),
        "dueDate": new.due.date().isoformat(),
        "sectionReference": section.reference(),
    }
    if new.description:
        body["description"] = new.description[:1024]
    if dialect.is_old:
        return body | {"gradebookEntryTitle": new.title}
    return body | {
        "gradebookEntryIdentifier": new.sourced_id,
        "namespace": dialect.config.namespace,
        "sourceSectionIdentifier": section.section_id,
        "title": new.title,
        "maxPoints": new.maximum,
    }


def period_item(period: Period, class_id: str) -> sis.LineItem:
    title = f"{period.grade_type} ({code_of(period.descriptor)}, {period.name})"
    return sis.LineItem(period.text, title, class_id, kind="course_total")


def period_reference(period: Period, dialect: Dialect) -> Json:
    name: object = period.name if dialect.standard == "5.0" else int(period.name)
    return {
        "gradingPeriodDescriptor": period.descriptor,
        dialect.period_name: name,
        "schoolId": period.school_id,
        "schoolYear": period.school_year,
    }


@dataclass(frozen=True, slots=True)
class Field:
    """Where a record holds its number, and whether it says how the work was handed in (course grades never do)."""

    name: str
    statused: bool


def score_field(dialect: Dialect) -> Field:
    return Field(dialect.score_field, statused=not dialect.is_old)


GRADE_FIELD: Final = Field("numericGradeEarned", statused=False)


# --- values -----------------------------------------------------------------------------------------------------


def read_value(raw: Record, dialect: Dialect, field: Field) -> sis.Value | None:
    """What a score or grade says; None where it says nothing."""
    score, letter = raw.get(field.name), raw.get("letterGradeEarned")
    number = (
        sis.quantised(Decimal(score), dialect.config.decimals) if isinstance(score, int | Decimal) else None
    )
    value = sis.Value(number, str(letter) if letter else None)
    if field.statused:
        value = _with_status(value, code_of(raw.get("submissionStatusDescriptor")), raw)
    return None if value.is_nothing else value


def _with_status(value: sis.Value, submission: str, raw: Record) -> sis.Value:
    flags = {"late"} if code_of(raw.get("assignmentLateStatusDescriptor")) == LATE else set()
    if submission == NOT_SUBMITTED:
        flags.add("missing")
    empty = value.score is None and value.text is None
    status = sis.ScoreStatus.FULLY_GRADED
    if empty and submission == EXEMPT:
        status = sis.ScoreStatus.EXEMPT
    elif empty:
        status = sis.ScoreStatus.NOT_SUBMITTED
    return sis.Value(value.score, value.text, status, frozenset(flags))


def value_body(value: sis.Value, dialect: Dialect, field: Field) -> Json:
    """The fields that hold the value; those that it leaves empty are null, so that a former grade does not stay."""
    body: Json = {field.name: value.score, "letterGradeEarned": value.text}
    if not field.statused:
        return body
    submission = GRADED
    if value.status == sis.ScoreStatus.EXEMPT:
        submission = EXEMPT
    elif "missing" in value.flags or value.status == sis.ScoreStatus.NOT_SUBMITTED:
        submission = NOT_SUBMITTED
    late = dialect.descriptor("AssignmentLateStatus", LATE) if "late" in value.flags else None
    return body | {
        "submissionStatusDescriptor": dialect.descriptor("SubmissionStatus", submission),
        "assignmentLateStatusDescriptor": late,
    }


def over(former: Record, fields: Json) -> Json:
    """A PUT replaces the whole record: what others wrote there goes along, and empty fields are left out."""
    kept = {name: value for name, value in former.items() if name not in OWN}
    body = kept | fields
    return {name: _without_links(value) for name, value in body.items() if value is not None}


def _without_links(value: Any) -> Any:
    return (
        {name: part for name, part in value.items() if name != "link"}
        if isinstance(value, Mapping)
        else value
    )
