"""What travels beside a grade: entered by a person of the course, judged by each student's registration at every read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from lti_tool.models import Context
from sync.engine.errors import Changed, Who
from sync.engine.sis_reading import SisRead
from sync.models import AuditEntry, ContextState, Decision, GradeExtra, KeyedModel, LineItemLink
from sync.registrations import OF_ATTENDANCE, OF_LAPSE, Registrar, by_pair
from sync.sis import records as sis


def registrars(
    sides: Mapping[str, SisRead], there: Mapping[sis.Key, sis.Value | None]
) -> dict[tuple[str, str], Registrar]:
    """By connection and class, what the registrations of a read take. `there` is what each grade is in the SIS."""
    entered = _entered(sides)
    return {
        (name, one.link.class_id): Registrar(
            side.profile, latest_today(), by_pair(one.registrations), entered, there, one.term
        )
        for name, side in sides.items()
        for one in side.classes
    }


def _entered(sides: Mapping[str, SisRead]) -> dict[sis.Key, sis.Extras]:
    wanted = Q(pk__in=())
    for name, side in sides.items():
        if side.profile.extras:
            classes = [one.link.class_id for one in side.classes]
            wanted |= Q(connection_id=int(name), class_id__in=classes)
    return {row.key: row.extras for row in GradeExtra.objects.filter(wanted)}


def latest_today() -> date:
    """The latest date there is anywhere on earth: a teacher's own today is never taken for the future."""
    return (timezone.now() + timedelta(hours=14)).date()


# --- what the page shows, and what a person enters --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """One grade beside which a person may enter something. `fields`: "last_attendance", "incomplete".

    `text` says what the last read missed ("" where nothing is missing now); `grade` is the LMS's.
    """

    key: sis.Key
    student: str
    item: str
    grade: str
    text: str
    fields: frozenset[str]
    entered: GradeExtra | None


def wanted(context: Context) -> list[Wanted]:
    """The grades of this course that wait for something a person knows, then those for which it was entered."""
    state = ContextState.objects.filter(context=context).first()
    snapshot: dict[str, Any] = state.snapshot if state else {}
    entered = {row.key.text(): row for row in GradeExtra.objects.filter(context=context)}
    names = _Names(context, snapshot)
    found = [_missing(one, entered) for one in snapshot.get("problems", []) if one["code"] in _CODES]
    found += [names.row(row, entered, _asked_by_sis(row, snapshot), row.words) for row in _refused(context)]
    told = {one.key.text() for one in found}
    found += [
        names.row(row, entered, _said(row.extras), "") for key, row in entered.items() if key not in told
    ]
    return sorted(found, key=lambda one: (one.item, not one.text, one.student.casefold(), one.key))


_CODES = OF_ATTENDANCE | OF_LAPSE


def _missing(one: Mapping[str, Any], entered: Mapping[str, GradeExtra]) -> Wanted:
    fields = {"last_attendance"} if one["code"] in OF_ATTENDANCE else set()
    fields |= {"incomplete"} if one["code"] in OF_LAPSE else set()
    row = entered.get(one["key"])
    return Wanted(
        sis.Key.parse(one["key"]),
        one["student"],
        one["item"],
        one["lms"],
        one["text"],
        frozenset(fields) | (_said(row.extras) if row else frozenset()),
        row,
    )


def _refused(context: Context) -> Iterable[Decision]:
    """Grades for which the SIS asked for more than its list had said."""
    return Decision.objects.filter(
        context=context, kind="refused", code="extra_data_required", lapsed_at=None
    )


def _asked_by_sis(row: Decision, snapshot: Mapping[str, Any]) -> frozenset[str]:
    """All that this connection carries: which of it the SIS misses it says in words of its own."""
    profile = snapshot.get("profiles", {}).get(str(row.connection_id), {})
    return frozenset(profile.get("extras", ()))


def _said(extras: sis.Extras) -> frozenset[str]:
    attended = extras.never_attended or extras.last_attended is not None
    lapses = bool(extras.lapses_to or extras.extended_to)
    return frozenset(({"last_attendance"} if attended else set()) | ({"incomplete"} if lapses else set()))


class _Names:
    """What the last read calls students and assignments, by their SIS ids."""

    def __init__(self, context: Context, snapshot: Mapping[str, Any]) -> None:
        self._students = {one["student_id"]: one["name"] for one in snapshot.get("students", [])}
        links = LineItemLink.objects.filter(class_link__context=context)
        self._items = {(one.connection_id, one.line_item_id): one.lms_title for one in links}

    def row(
        self, of: KeyedModel, entered: Mapping[str, GradeExtra], fields: frozenset[str], text: str
    ) -> Wanted:
        student = self._students.get(of.student_id) or of.student_id
        item = self._items.get((of.connection_id, of.line_item_id)) or of.line_item_id
        return Wanted(of.key, student, item, "", text, fields, entered.get(of.key.text()))


@transaction.atomic
def enter(context: Context, said: Mapping[sis.Key, sis.Extras], who: Who) -> int:
    """Write what a person entered for these grades; nothing at all takes it back. Returns how many changed.

    Raises Changed where the last read does not ask for one of them any more.
    """
    who.must_be_able_to_send(context)
    known = {one.key: one for one in wanted(context)}
    if said.keys() - known.keys():
        raise Changed("What the SIS asks for changed since you looked. Look again, then enter it.")
    changed = [key for key, extras in said.items() if extras != _extras_of(known[key].entered)]
    for key in changed:
        _write(context, key, said[key], who)
    return len(changed)


def _extras_of(row: GradeExtra | None) -> sis.Extras:
    return row.extras if row is not None else sis.Extras()


def _write(context: Context, key: sis.Key, extras: sis.Extras, who: Who) -> None:
    if extras == sis.Extras():
        GradeExtra.objects.filter(**GradeExtra.key_fields(key)).delete()
    else:
        values = {
            "context": context,
            "last_attended": extras.last_attended,
            "never_attended": extras.never_attended,
            "lapses_to": extras.lapses_to,
            "extended_to": extras.extended_to,
            "entered_by": who.name[:300],
            "entered_at": timezone.now(),
        }
        GradeExtra.objects.update_or_create(**GradeExtra.key_fields(key), defaults=values)
    AuditEntry.objects.create(
        institution=context.institution,
        who=who.name[:300],
        action="entered",
        about=str(context)[:500],
        detail=f"{key.line_item_id} / {key.student_id}"[:300],
        context=context,
    )
