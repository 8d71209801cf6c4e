"""The resources of the pretend Ed-Fi host: their keys, the fields they keep, and what must exist before them.

Property names as the official specs have them; a property that is not listed is dropped without a word, as the ODS does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
SECTION = ("localCourseCode", "schoolId", "schoolYear", "sectionIdentifier", "sessionName")
ASSOCIATION = ("beginDate", *SECTION, "studentUniqueId")
STANDARDS = ("3.3", "4.0", "5.0")


@dataclass(frozen=True)
class Resource:
    """`key`: what makes a record the same one (names of the flattened record). `parents`: the records it points to."""

    name: str
    key: tuple[str, ...]
    fields: tuple[str, ...]
    parents: tuple[tuple[str, str], ...] = ()
    writable: bool = False


def entry_key(standard: str) -> tuple[str, ...]:
    if standard == "3.3":
        return ("dateAssigned", "gradebookEntryTitle", *SECTION)
    return ("gradebookEntryIdentifier", "namespace")


def resources(standard: str) -> dict[str, Resource]:
    found = (
        Resource("sections", SECTION, ()),
        Resource("sessions", ("schoolId", "schoolYear", "sessionName"), ()),
        Resource("students", ("studentUniqueId",), ()),
        Resource("studentSectionAssociations", ASSOCIATION, ()),
        Resource("staffSectionAssociations", ("staffUniqueId", *SECTION), ()),
        _entries(standard),
        _scores(standard),
        _grades(standard),
    )
    return {one.name: one for one in found}


def _entries(standard: str) -> Resource:
    newer = (
        "title",
        "maxPoints",
        "sourceSectionIdentifier",
        "gradebookEntryIdentifier",
        "namespace",
        "dueTime",
    )
    fields = (
        *("dateAssigned", "dueDate", "description", "sectionReference", "gradingPeriodReference"),
        *("gradebookEntryTypeDescriptor",),
        *(("gradebookEntryTitle",) if standard == "3.3" else newer),
    )
    parents = (("sectionReference", "sections"),)
    return Resource("gradebookEntries", entry_key(standard), fields, parents, writable=True)


def _scores(standard: str) -> Resource:
    old = standard == "3.3"
    student = "studentSectionAssociationReference" if old else "studentReference"
    newer = ("pointsEarned", "submissionStatusDescriptor", "assignmentLateStatusDescriptor", "timeFulfilled")
    fields = (
        *("gradebookEntryReference", student, "letterGradeEarned", "numericGradeEarned", "dateFulfilled"),
        *("diagnosticStatement", "competencyLevelDescriptor"),
        *(() if old else newer),
    )
    key = (*entry_key(standard), *(("beginDate",) if old else ()), "studentUniqueId")
    parents = (
        ("gradebookEntryReference", "gradebookEntries"),
        (student, "studentSectionAssociations" if old else "students"),
    )
    return Resource("studentGradebookEntries", key, fields, parents, writable=True)


def _grades(standard: str) -> Resource:
    period = "gradingPeriodName" if standard == "5.0" else "periodSequence"
    fields = (
        *("gradeTypeDescriptor", "gradingPeriodReference", "studentSectionAssociationReference"),
        *("letterGradeEarned", "numericGradeEarned", "diagnosticStatement"),
    )
    key = ("gradeTypeDescriptor", "gradingPeriodDescriptor", period, *ASSOCIATION)
    parents = (("studentSectionAssociationReference", "studentSectionAssociations"),)
    return Resource("grades", key, fields, parents, writable=True)


def flat(record: Mapping[str, Any]) -> Json:
    """The record's own fields, and those of its references, as the query parameters name them."""
    found: Json = {}
    for name, value in _fields(record):
        found.setdefault(name, value)
    period = record.get("gradingPeriodReference")
    if isinstance(period, Mapping):
        found["gradingPeriodSchoolYear"] = period.get("schoolYear")
        found["gradingPeriodSequence"] = period.get("periodSequence")
    return found


def _fields(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    # an association's own fields come before those of its grading period: both have a school year
    named = sorted(record.items(), key=lambda pair: pair[0] == "gradingPeriodReference")
    for name, value in named:
        if isinstance(value, Mapping):
            yield from value.items()
        elif not isinstance(value, list):
            yield name, value


def key_of(resource: Resource, record: Mapping[str, Any]) -> str:
    values = flat(record)
    return "|".join(str(values.get(name)) for name in resource.key)
