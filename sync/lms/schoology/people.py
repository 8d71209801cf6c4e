"""Schoology's enrolments as members: one person, however often she is enrolled in the section."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from sync.errors import Misconfigured, TryLater
from sync.lms import records as lms
from sync.lms.base import text_of
from sync.lms.rest import Row
from sync.lms.schoology.client import Client

ACTIVE, EXPIRED, ARCHIVED = "1", "2", "5"
# all but invitations (3) and requests (4): these people are not enrolled yet
STATES: Final = ",".join((ACTIVE, EXPIRED, ARCHIVED))
# what a person's own record answers where the key may not see her
HIDDEN: Final = (401, 403, 404)


def is_set(stated: object) -> bool:
    """Schoology's yes: 1, "1" or true."""
    return stated is True or text_of(stated) == "1"


def members_of(
    enrollments: Iterable[Row], details: Mapping[str, Row], section: Row
) -> tuple[list[lms.Member], int]:
    """One member per person, and how many enrolments name nobody. `details`: her own record, by user id."""
    of_person: dict[str, list[Row]] = defaultdict(list)
    for row in enrollments:
        of_person[text_of(row.get("uid"))].append(row)
    nameless = len(of_person.pop("", []))
    found = [
        _member(user_id, several, details.get(user_id, {}), section) for user_id, several in of_person.items()
    ]
    return found, nameless


def students_in(enrollments: Iterable[Row]) -> int:
    return len({text_of(row.get("uid")) for row in enrollments if not is_set(row.get("admin"))})


def user_ids(enrollments: Iterable[Row]) -> dict[str, str]:
    """The person of each enrolment: grades are given by enrolment."""
    return {text_of(row.get("id")): text_of(row.get("uid")) for row in enrollments}


def details_of(client: Client, enrollments: Iterable[Row]) -> tuple[dict[str, Row], int]:
    """Each person's own record by user id, and how many the key may not see: enrolments name no login and no e-mail."""
    ids = {user_id for row in enrollments if (user_id := text_of(row.get("uid"))).isdecimal()}
    try:
        answers = client.several([f"/users/{user_id}" for user_id in sorted(ids)])
    except Misconfigured:
        return {}, len(ids)
    found: dict[str, Row] = {}
    hidden = 0
    for answer in answers:
        body, code = answer.get("body"), text_of(answer.get("response_code"))
        if code == "200" and isinstance(body, Mapping):
            found[text_of(body.get("uid")) or text_of(body.get("id"))] = body
        elif code in {str(one) for one in HIDDEN}:
            hidden += 1
        else:
            raise TryLater("Schoology did not show all people of the course. Try later.")
    return found, hidden


def _member(user_id: str, several: list[Row], details: Row, section: Row) -> lms.Member:
    over = is_over(section)
    current = [row for row in several if _is_current(row, over)]
    counted = current or several
    given, family = _first(counted, "name_first"), _first(counted, "name_last")
    return lms.Member(
        user_id=user_id,
        name=_first(counted, "name_display") or f"{given} {family}".strip(),
        given_name=given,
        family_name=family,
        email=text_of(details.get("primary_email")),
        sis_id=_first(counted, "school_uid") or text_of(details.get("school_uid")),
        login=text_of(details.get("username")),
        roles=tuple(dict.fromkeys("admin" if is_set(row.get("admin")) else "member" for row in counted)),
        is_student=any(not is_set(row.get("admin")) for row in counted),
        is_teacher=any(is_set(row.get("admin")) for row in counted),
        active=bool(current),
        concluded=bool(current) and all(text_of(row.get("status")) == EXPIRED for row in current),
        section_ids=(text_of(section.get("id")),),
    )


def _is_current(enrollment: Row, over: bool) -> bool:
    """In a section whose grading periods are over, an expired enrolment still counts: its grades are due then."""
    status = text_of(enrollment.get("status"))
    return status == ACTIVE or (over and status == EXPIRED)


def is_over(section: Row) -> bool:
    """Are its grading periods past? Schoology says "active" of a section while they last."""
    return text_of(section.get("active")) == "0" or section.get("active") is False


def _first(rows: Iterable[Row], name: str) -> str:
    return next((found for row in rows if (found := text_of(row.get(name)))), "")
