"""Ethos's records as ours, and ours as a submission. No I/O.

Shapes: sections 16, persons 12, student-unverified-grades 1.0.0 and student-unverified-grades-submissions 1.0.0 of
Ellucian's published data model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sync.sis import records as sis
from sync.sis.ethos.grading import Choice, Place
from sync.sis.ethos.rows import Row, day_of, part, reference, rows_in

Json = dict[str, Any]
NEVER: Final = "neverAttended"

# --- sections and people ----------------------------------------------------------------------------------------


def read_class(row: Row) -> sis.Class:
    code = str(row.get("code") or row.get("number") or "")
    titles = [str(one.get("value") or "") for one in rows_in(row, "titles")]
    return sis.Class(
        sourced_id=str(row["id"]).lower(),
        title=next((title for title in titles if title), code),
        course_id=reference(row, "course"),
        code=code,
        session_ids=(reference(row, "academicPeriod") or str(row["id"]).lower(),),
    )


def read_session(row: Row) -> sis.Session:
    """When the section itself meets: a part of a term has dates of its own."""
    title = str(row.get("code") or "")
    (period,) = read_class(row).session_ids
    return sis.Session(period, title, "term", day_of(row.get("startOn")), day_of(row.get("endOn")))


def read_person(guid: str, row: Row | None, identifiers: Sequence[str]) -> sis.Person:
    """Every credential under its type; the identifier is the first that the options name."""
    found = row or {}
    held = [
        (str(one.get("type")), str(one.get("value")))
        for one in rows_in(found, "credentials")
        if one.get("value")
    ]
    by_type = dict(reversed(held))
    given, family = _names(rows_in(found, "names"))
    return sis.Person(
        guid,
        given_name=given,
        family_name=family,
        identifier=next((by_type[one] for one in identifiers if one in by_type), ""),
        username=next((value for kind, value in held if kind.casefold().endswith("username")), ""),
        email=_email(rows_in(found, "emails")),
        user_ids=tuple(held),
    )


def _names(names: Sequence[Row]) -> tuple[str, str]:
    ordered = sorted(names, key=lambda one: one.get("preference") != "preferred")
    first: Row = ordered[0] if ordered else {}
    return str(first.get("firstName") or ""), str(first.get("lastName") or "")


def _email(emails: Sequence[Row]) -> str:
    ordered = sorted(emails, key=lambda one: one.get("preference") != "primary")
    return str(ordered[0].get("address") or "") if ordered else ""


def is_registered(row: Row) -> bool:
    return (part(row, "status") or {}).get("registrationStatus") == "registered"


# --- grades -----------------------------------------------------------------------------------------------------


def read_value(
    record: Row, type_id: str, place: Place, texts: Mapping[str, str], *, final: bool
) -> sis.Value | None:
    """What a record of unverified grades says of one type; None where it has no such grade.

    Last attendance and what an incomplete lapses to stand once in the record, for all its types: they are read with the
    final grade, and there only where this grade takes them: a date that others keep there is not ours to compare.
    """
    grades = rows_in(part(record, "details") or {}, "grades")
    found = [reference(one, "grade") for one in grades if reference(one, "type") == type_id]
    if not found or not found[-1]:
        return None
    guid = found[-1]
    text = place.text_of(guid) or texts.get(guid) or guid
    extras = _extras(record, place, text, texts) if final else None
    return sis.Value(text=text, extras=extras)


def _extras(record: Row, place: Place, text: str, texts: Mapping[str, str]) -> sis.Extras | None:
    choice = place.choice(text)
    day = part(part(record, "details") or {}, "lastAttendance") or {}
    lapse = part(record, "incompleteGrade") or {}
    if choice is None or choice.attendance == "no":
        day = {}
    if choice is None or not choice.incomplete:
        lapse = {}
    lapses_to = reference(lapse, "finalGrade")
    made = sis.Extras(
        lapses_to=place.text_of(lapses_to) or texts.get(lapses_to, lapses_to),
        extended_to=day_of(lapse.get("extensionDate")),
        last_attended=day_of(day.get("date")),
        never_attended=day.get("status") == NEVER,
    )
    return None if made == sis.Extras() else made


@dataclass(frozen=True, slots=True)
class Submission:
    """One grade for one registration, ready to be sent; `lapses_to` and `submitter` are GUIDs, "" for none."""

    place: Place
    type_id: str
    choice: Choice
    extras: sis.Extras
    lapses_to: str = ""
    submitter: str = ""

    def body(self, record_id: str) -> Json:
        """student-unverified-grades-submissions 1.0.0. `record_id` is the nil GUID for a new record."""
        return _without_nothing(
            id=record_id,
            sectionRegistration={"id": self.place.guid},
            grade=self._grade(),
            lastAttendance=self._attendance(),
            submittedBy=_to(self.submitter),
        )

    def _grade(self) -> Json:
        until = self.extras.extended_to
        lapse = _without_nothing(
            extensionDate=until.isoformat() if until else None, finalGrade=_to(self.lapses_to)
        )
        return _without_nothing(
            type={"id": self.type_id}, grade={"id": self.choice.guid}, incompleteGrade=lapse or None
        )

    def _attendance(self) -> Json | None:
        if self.extras.never_attended:
            return {"status": NEVER}
        day = self.extras.last_attended
        return {"date": day.isoformat()} if day else None


def _to(guid: str) -> Json | None:
    return {"id": guid} if guid else None


def _without_nothing(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
