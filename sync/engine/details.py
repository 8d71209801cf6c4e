"""What the pages of students, assignments and scales show of a read, beside the lists: parts of the snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from sync import capabilities, conversions, enrolment, matching, totals
from sync.engine.reading import Reading
from sync.engine.sis_reading import ClassRead, SisRead
from sync.errors import AdapterError
from sync.lms import records as lms
from sync.models import SisConnection
from sync.sis import records as sis

Json = dict[str, Any]
OFFER_KEPT: Final = timedelta(hours=6)  # grading periods and categories seldom change
IDS: Final = ("identifier", "username", "email")


# --- students -------------------------------------------------------------------------------------------------


def roster(one: ClassRead) -> list[Json]:
    return [_person(student) for student in one.students]


def _person(student: sis.Student) -> Json:
    """Empty identifiers are left out: a roster is long."""
    ids: Json = {name: getattr(student, name) for name in IDS if getattr(student, name)}
    if student.user_ids:
        ids["user_ids"] = [list(pair) for pair in student.user_ids]
    return {"id": student.sourced_id, "name": student.name} | ids


def compared(member: Mapping[str, str], person: Json, connection: SisConnection) -> list[matching.Compared]:
    """A student of the snapshot beside one of its roster, pair by pair of the connection."""
    pairs = tuple((str(pair[0]), str(pair[1])) for pair in connection.pairs) or matching.DEFAULT_PAIRS
    ours = lms.Member(
        member["user_id"], email=member["email"], sis_id=member["sis_id"], login=member["login"]
    )
    theirs = sis.Person(
        person["id"],
        identifier=person.get("identifier", ""),
        username=person.get("username", ""),
        email=person.get("email", ""),
        user_ids=tuple((kind, value) for kind, value in person.get("user_ids", [])),
    )
    return list(matching.compared(ours, theirs, pairs))


def news(reading: Reading, former: Json) -> list[enrolment.News]:
    """Who came and who left since the former snapshot, before what was news already."""
    fresh = enrolment.compare(_people_of(former), _people(reading), reading.began.isoformat())
    return enrolment.kept(former.get("news", []), fresh, reading.began)


def _people(reading: Reading) -> dict[str, dict[str, str]]:
    found = {
        str(one.link.pk): {student.sourced_id: student.name for student in one.students}
        for one in reading.classes
    }
    if reading.gradebook.complete:
        members = [one for one in reading.gradebook.members if matching.is_course_student(one)]
        found[enrolment.LMS] = {one.user_id: one.name for one in members}
    return found


def _people_of(snapshot: Json) -> dict[str, dict[str, str]]:
    found = {
        place: {one["id"]: one["name"] for one in people}
        for place, people in snapshot.get("roster", {}).items()
    }
    if snapshot.get("complete"):
        found[enrolment.LMS] = {row["user_id"]: row["name"] for row in snapshot.get("students", [])}
    return found


# --- scales ---------------------------------------------------------------------------------------------------


def converted(reading: Reading) -> Json:
    """By the item link's number: what becomes of its grades, and by which scale that was reckoned."""
    found = conversions.of_links(reading.account, reading.linked)
    links = {(link.class_link_id, link.lms_line_item_id): link for link in reading.links}
    return {
        str(links[place].pk): one.as_json() | {"scale": links[place].scale}
        for place, one in found.items()
        if place in links
    }


def profiles(reading: Reading) -> Json:
    """What each SIS can hold: by it the pages tell the rules."""
    return {name: _profile(side.profile) for name, side in reading.sides.items()}


def _profile(profile: sis.Profile) -> Json:
    return {
        "decimals": profile.decimals,
        "over_max": profile.over_max,
        "flags": sorted(profile.flags),
        "texts": profile.texts,
        "read_back": profile.read_back,
        "withdraw": profile.withdraw,
        "extras": sorted(profile.extras),
        "limits": capabilities.limits(profile),
    }


def own_totals(reading: Reading) -> Json:
    """Per class whose SIS computes a total itself: which of the LMS's it is compared with, and both of each student."""
    found: Json = {}
    for one in reading.classes:
        side = _side(reading, one)
        rows = totals.compare(reading.gradebook, side) if one.own_totals else []
        total = totals.chosen_total(reading.gradebook, side.links)
        if rows and total is not None:
            compared = [_compared(row) for row in rows]
            found[str(one.link.pk)] = {"line_item_id": total.line_item_id, "rows": compared}
    return found


def _side(reading: Reading, one: ClassRead) -> totals.Side:
    computed = {item.sourced_id for item in one.line_items if item.computed}
    links = {
        link.lms_line_item_id: link.line_item_id
        for link in reading.links
        if link.class_link_id == one.link.pk and link.state == "linked" and link.line_item_id
        if link.line_item_id not in computed
    }
    students = {
        user_id: match.student_id
        for user_id, match in reading.matching.matches.items()
        if match.class_link == one.link.pk and user_id not in reading.excluded_students
    }
    return totals.Side(students, links, one.line_items, one.results, one.own_totals)


def _compared(row: totals.Compared) -> Json:
    return {
        "user_id": row.user_id,
        "lms": row.lms,
        "sis": row.sis,
        "difference": "" if row.difference is None else sis.plain(row.difference),
        "differ": row.differ,
        "explained": row.explained,
        "steps": [[step.code, sis.plain(step.points)] for step in row.steps],
    }


# --- items ----------------------------------------------------------------------------------------------------


def graded(reading: Reading, user_ids: Sequence[str]) -> Json:
    """Per LMS item with grades a row of 1 and 0, in the order of these students: who has a grade there."""
    has_grade = {(one.user_id, one.line_item_id) for one in reading.gradebook.results if _is_graded(one)}
    marks = {
        item: "".join(str(int((user, item) in has_grade)) for user in user_ids)
        for item in sorted({item for _user, item in has_grade})
    }
    return {item: row for item, row in marks.items() if "1" in row}


def _is_graded(result: lms.Result) -> bool:
    if result.status is lms.Status.PENDING:
        return False
    return result.status is lms.Status.EXCUSED or result.score is not None or bool(result.text)


def holding(one: ClassRead, side: SisRead) -> dict[str, int] | None:
    """How many grades each SIS item holds; None where the SIS cannot be read."""
    if not side.profile.read_back:
        return None
    found = dict.fromkeys((item.sourced_id for item in one.line_items), 0)
    for result in one.results:
        if result.value is not None and result.line_item_id in found:
            found[result.line_item_id] += 1
    return found


def offers(reading: Reading, former: Json) -> Json:
    """Per class, what a new line item may be: the length of its title, the grading periods, the categories.

    Read only where something could be created, and not at each read: it costs requests of its own.
    """
    found: Json = {}
    for side in reading.sides.values():
        for one in side.classes:
            name = str(one.link.pk)
            found[name] = _standing(former.get("offers", {}).get(name)) or _offer(reading, side, one)
    return found


def _standing(offer: Json | None) -> Json | None:
    young = offer is not None and timezone.now() - datetime.fromisoformat(offer["at"]) < OFFER_KEPT
    return offer if young else None


def _offer(reading: Reading, side: SisRead, one: ClassRead) -> Json | None:
    profile = side.profile
    limits = {
        "title_limit": profile.title_limit,
        "creates": profile.create_line_items,
        "kinds": sorted(profile.kinds),
    }
    if not profile.create_line_items:
        return limits | {"at": timezone.now().isoformat(), "sessions": [], "categories": []}
    linked = {link.lms_line_item_id for link in reading.links if link.class_link_id == one.link.pk}
    if all(item.line_item_id in linked for item in reading.gradebook.line_items):
        return None
    try:
        sessions, categories = (
            side.adapter.sessions(one.link.class_id),
            side.adapter.categories(one.link.class_id),
        )
    except AdapterError:  # creating works without them; the next read asks again
        return None
    return limits | {
        "at": timezone.now().isoformat(),
        "sessions": [_session(session) for session in sessions],
        "categories": sorted({category.title for category in categories}),
    }


def _session(session: sis.Session) -> Json:
    return {
        "id": session.sourced_id,
        "title": session.title,
        "begins": session.begins.isoformat() if session.begins else "",
        "ends": session.ends.isoformat() if session.ends else "",
    }
