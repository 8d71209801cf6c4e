"""What the pages show of the last read without reading again: `ContextState.snapshot`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.utils import timezone

from sync import course_map, cutoffs, matching, scales
from sync.engine import details
from sync.engine.reading import Reading
from sync.engine.reporting import problems_json
from sync.engine.sis_reading import ClassRead, SisRead
from sync.lms import records as lms
from sync.models import ContextState, LineItemLink
from sync.sis import records as sis


def save(reading: Reading) -> dict[str, object]:
    """Build the snapshot and keep it with the counts that the safety stop compares with."""
    state, _ = ContextState.objects.get_or_create(context=reading.context)
    former, students = state.snapshot or {}, _students(reading)
    snapshot: dict[str, object] = {
        "read_at": reading.began.isoformat(),
        "complete": reading.gradebook.complete,
        "students": students,
        "items": _items(reading),
        "sis_items": {
            str(one.link.pk): _sis_items(one, side) for side in reading.sides.values() for one in side.classes
        },
        "roster": {str(one.link.pk): details.roster(one) for one in reading.classes},
        "news": details.news(reading, former),
        "periods": [{"id": one.period_id, "title": one.title} for one in reading.gradebook.periods],
        "state": asdict(reading.gradebook.state),
        "schemes": [_scheme(scheme) for scheme in reading.gradebook.schemes.values()],
        "sections": sorted({one.sis_id.strip() for one in reading.gradebook.sections} - {""}),
        "warnings": list(reading.gradebook.warnings),
        "problems": problems_json(reading),
        "map": _map(reading),
        "graded": details.graded(reading, [row["user_id"] for row in students]),
        "conversions": details.converted(reading),
        "profiles": details.profiles(reading),
        "totals": details.own_totals(reading),
        "offers": details.offers(reading, former),
    }
    state.snapshot, state.read_at = snapshot, timezone.now()
    state.save(update_fields=["snapshot", "read_at"])
    return snapshot


def _students(reading: Reading) -> list[dict[str, Any]]:
    suggestions: dict[str, list[matching.Suggestion]] = defaultdict(list)
    for one in reading.matching.suggestions:
        suggestions[one.user_id].append(one)
    reasons = {problem.user_id: problem.text for problem in reading.matching.problems}
    names = {
        (one.link.pk, student.sourced_id): student.name for one in reading.classes for student in one.students
    }
    members = [one for one in reading.gradebook.members if one.is_student and one.active and not one.test]
    rows = [_student(reading, member, suggestions[member.user_id], reasons, names) for member in members]
    return sorted(rows, key=lambda row: (row["state"] == "matched", row["name"].casefold()))


def _student(
    reading: Reading,
    member: lms.Member,
    suggestions: list[matching.Suggestion],
    reasons: Mapping[str, str],
    names: Mapping[tuple[int, str], str],
) -> dict[str, Any]:
    match = reading.matching.matches.get(member.user_id)
    excluded = reading.excluded_students.get(member.user_id, "")
    return {
        "user_id": member.user_id,
        "name": member.name,
        "login": member.login,
        "sis_id": member.sis_id,
        "email": member.email,
        "state": "excluded" if excluded else "matched" if match else "problem",
        "by": match.by if match else "",
        "class_link": match.class_link if match else None,
        "student_id": match.student_id if match else "",
        "student_name": names.get((match.class_link, match.student_id), "") if match else "",
        "lapsed": member.user_id in reading.matching.lapsed,
        "reason": excluded or ("" if match else reasons.get(member.user_id, "")),
        "suggestions": [
            {
                "class_link": one.class_link,
                "student_id": one.student_id,
                "name": names.get((one.class_link, one.student_id), ""),
                "score": one.score,
                "evidence": one.evidence,
            }
            for one in suggestions
        ],
    }


def _items(reading: Reading) -> list[dict[str, Any]]:
    links: dict[str, list[LineItemLink]] = defaultdict(list)
    for link in reading.links:
        links[link.lms_line_item_id].append(link)
    suggestions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for side in reading.sides.values():
        for found in [row for one in side.classes for row in _suggested(reading, one, links, side.profile)]:
            suggestions[str(found.pop("line_item_id"))].append(found)
    return [
        _item(item, links[item.line_item_id], suggestions[item.line_item_id])
        for item in _sorted_items(reading)
    ]


def _sorted_items(reading: Reading) -> list[lms.LineItem]:
    return sorted(reading.gradebook.line_items, key=lambda item: (item.kind == "course_total", item.position))


def _map(reading: Reading) -> dict[str, Any]:
    """Students by name and linked items in the LMS's order, with what each grade's state was at this read."""
    linked = {link.lms_line_item_id for link in reading.links if link.state != "excluded"}
    items = [item.line_item_id for item in _sorted_items(reading) if item.line_item_id in linked]
    members = [one for one in reading.gradebook.members if matching.is_course_student(one)]
    users = [one.user_id for one in sorted(members, key=lambda one: (one.name.casefold(), one.user_id))]
    rows = course_map.rows(users, items, reading.account, reading.plan)
    return {"students": users, "items": items, "rows": rows}


def _suggested(
    reading: Reading, one: ClassRead, links: Mapping[str, list[LineItemLink]], profile: sis.Profile
) -> list[dict[str, Any]]:
    done = {
        item_id
        for item_id, several in links.items()
        if any(link.class_link_id == one.link.pk for link in several)
    }
    open_items = [item for item in reading.gradebook.line_items if item.line_item_id not in done]
    taken = {link.line_item_id for link in reading.links if link.line_item_id}
    return [
        {
            "line_item_id": found.line_item_id,
            "class_link": one.link.pk,
            "sis_id": found.sis_id,
            "title": found.title,
            "score": found.score,
            "exact": found.exact,
            "due": found.due,
            "maximum": found.maximum,
        }
        for found in matching.suggest_line_items(open_items, one.line_items, taken, profile.kinds)
    ]


def _item(item: lms.LineItem, links: list[LineItemLink], suggestions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "line_item_id": item.line_item_id,
        "title": item.title,
        "maximum": "" if item.maximum is None else sis.plain(item.maximum),
        "kind": item.kind,
        "grading_type": item.grading_type,
        "due": item.due_at.isoformat() if item.due_at else "",
        "scheme_id": item.scheme_id,
        "published": item.published,
        "omitted": item.omitted,
        "links": [_link(link) for link in links],
        "suggestions": suggestions,
    }


def _link(link: LineItemLink) -> dict[str, Any]:
    return {
        "class_link": link.class_link_id,
        "link_id": link.pk,
        "state": link.state,
        "sis_id": link.line_item_id or "",
        "title": link.title,
        "minimum": link.minimum,
        "maximum": link.maximum,
        "scale": link.scale,
        "reason": link.reason,
    }


def _sis_items(one: ClassRead, side: SisRead) -> list[dict[str, Any]]:
    holding = details.holding(one, side)
    return [
        _sis_item(item) | {"results": None if holding is None else holding[item.sourced_id]}
        for item in one.line_items
        if not item.computed
    ]


def _sis_item(item: sis.LineItem) -> dict[str, Any]:
    return {
        "id": item.sourced_id,
        "title": item.title,
        "minimum": "" if item.minimum is None else sis.plain(item.minimum),
        "maximum": "" if item.maximum is None else sis.plain(item.maximum),
        "due": item.due.isoformat() if item.due else "",
    }


def _scheme(scheme: lms.GradeScheme) -> dict[str, Any]:
    return {
        "scheme_id": scheme.scheme_id,
        "title": scheme.title,
        "source": scheme.source,
        "version": scales.scheme_version(scheme),
        "entries": [_entry(entry) for entry in scheme.entries],
        "points_based": scheme.points_based,
        "rules": cutoffs.rules_of(scheme),
        "gaps": [[_percent(low), _percent(high)] for low, high in cutoffs.gaps(scheme)],
    }


def _entry(entry: lms.SchemeEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "lower": cutoffs.digits(entry.lower),
        "percent": _percent(entry.lower),
        "upper": "" if entry.upper is None else _percent(entry.upper) or "?",
        "gpa": "" if entry.gpa is None else str(entry.gpa),
    }


def _percent(share: Decimal) -> str:
    return sis.plain(sis.quantised(share * 100, 4)) if share.is_finite() else ""
