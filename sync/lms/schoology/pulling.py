"""All that is read of one section, request by request, before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync.lms import base
from sync.lms.base import text_of
from sync.lms.rest import Row
from sync.lms.schoology import grades, people
from sync.lms.schoology.client import Client
from sync.lms.schoology.listing import Listing


@dataclass(frozen=True, slots=True)
class Pulled:
    """Schoology's answers as they came, every page of them. `finals` None: the key may not see them."""

    section: Row
    enrollments: list[Row]
    details: Mapping[str, Row]
    hidden: int
    items: list[Row]
    results: list[Row]
    finals: grades.Finals | None
    period_titles: list[Row]
    scales: list[Row]
    categories: list[Row]
    periods: list[Row]


def pull(client: Client, section_id: str, heard: base.Heard, *, details: bool) -> Pulled:
    path = f"/sections/{section_id}"
    section = _section(client, path, section_id)
    states = [("enrollment_status", people.STATES)]
    enrollments = Listing(client, f"{path}/enrollments", ("enrollment",), ("id",), states).all()
    heard("students", people.students_in(enrollments))
    records, hidden = people.details_of(client, enrollments) if details else ({}, 0)
    items = Listing(client, f"{path}/grade_items", ("assignment",), ("id",)).all()
    heard("items", len(items))
    results, finals, titles = _grades(client, path, heard)
    return Pulled(
        section=section,
        enrollments=enrollments,
        details=records,
        hidden=hidden,
        items=items,
        results=results,
        finals=finals,
        period_titles=titles,
        scales=client.part(f"{path}/grading_scales", "grading_scale"),
        categories=client.part(f"{path}/grading_categories", "grading_category"),
        periods=client.part(f"{path}/grading_periods", "grading_period"),
    )


def _section(client: Client, path: str, section_id: str) -> Row:
    section = client.one(path)
    if text_of(section.get("id")) != section_id:
        raise client.broken("another section than was asked for")
    return section


def _grades(
    client: Client, path: str, heard: base.Heard
) -> tuple[list[Row], grades.Finals | None, list[Row]]:
    """All grades; the final grades, which come beside them, once however many pages repeat them; and their periods."""
    found: list[Row] = []
    finals: dict[str, Row] = {}
    titles: list[Row] = []
    shown = True
    listing = Listing(client, f"{path}/grades", ("grades", "grade"), ("enrollment_id", "assignment_id"))
    for answer, rows in listing.pages():
        found += rows
        heard("results", len(found))
        shown = shown and "final_grade" in answer
        titles = titles or client.rows(answer.get("period") or [])
        for row in client.rows(answer.get("final_grade") or []):
            if finals.setdefault(text_of(row.get("enrollment_id")), row) != row:
                raise client.broken("final grades that changed while they were read")
    return found, grades.Finals(list(finals.values())) if shown else None, titles
