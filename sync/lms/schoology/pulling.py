"""All that is read of one section, request by request. Grades are made into results page by page: they are the many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync.lms import base
from sync.lms import records as lms
from sync.lms.base import text_of
from sync.lms.rest import Row
from sync.lms.schoology import grades, people, setup
from sync.lms.schoology.client import Client
from sync.lms.schoology.listing import Listing


@dataclass(frozen=True, slots=True)
class Basics:
    """What is read before the grades, as Schoology answered it. `hidden`: people whose own record it does not show."""

    section: Row
    enrollments: list[Row]
    details: Mapping[str, Row]
    hidden: int
    items: list[Row]
    scales: list[Row]
    categories: list[Row]
    periods: list[Row]


@dataclass(frozen=True, slots=True)
class Graded:
    """The grades, what was noticed of them, and what comes beside them. `finals` None: the key may not see them."""

    results: list[lms.Result]
    notes: grades.Notes
    finals: grades.Finals | None
    period_titles: list[Row]


def basics(client: Client, section_id: str, heard: base.Heard, *, details: bool) -> Basics:
    path = f"/sections/{section_id}"
    section = _section(client, path, section_id)
    states = [("enrollment_status", people.STATES)]
    enrollments = Listing(client, f"{path}/enrollments", ("enrollment",), ("id",), states).all()
    heard("students", people.students_in(enrollments))
    records, hidden = people.details_of(client, enrollments) if details else ({}, 0)
    items = Listing(client, f"{path}/grade_items", ("assignment",), ("id",)).all()
    heard("items", len(items))
    return Basics(
        section=section,
        enrollments=enrollments,
        details=records,
        hidden=hidden,
        items=items,
        scales=client.part(f"{path}/grading_scales", "grading_scale"),
        categories=client.part(f"{path}/grading_categories", "grading_category"),
        periods=client.part(f"{path}/grading_periods", "grading_period"),
    )


def _section(client: Client, path: str, section_id: str) -> Row:
    section = client.one(path)
    if text_of(section.get("id")) != section_id:
        raise client.broken("another section than was asked for")
    return section


def names_of(pulled: Basics) -> grades.Names:
    lettered = grades.lettered(pulled.items, setup.schemes_of(pulled.scales))
    return grades.Names(people.user_ids(pulled.enrollments), grades.item_ids(pulled.items), lettered)


def graded(client: Client, section_id: str, names: grades.Names, heard: base.Heard) -> Graded:
    """All grades; and the final grades, which come beside them, once however many pages repeat them."""
    path, notes = f"/sections/{section_id}/grades", grades.Notes()
    found: list[lms.Result] = []
    finals: dict[str, Row] = {}
    titles: list[Row] = []
    shown = True
    for answer, rows in Listing(
        client, path, ("grades", "grade"), ("enrollment_id", "assignment_id")
    ).pages():
        found += [grades.result(row, names, notes) for row in rows]
        heard("results", len(found))
        shown = shown and "final_grade" in answer
        titles = titles or client.rows(answer.get("period") or [])
        for row in client.rows(answer.get("final_grade") or []):
            if finals.setdefault(text_of(row.get("enrollment_id")), row) != row:
                raise client.broken("final grades that changed while they were read")
    return Graded(found, notes, grades.Finals(list(finals.values())) if shown else None, titles)
