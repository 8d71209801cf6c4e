"""What travels beside a grade: entered by a person of the course, judged by each student's registration at every read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from django.db.models import Q
from django.utils import timezone

from sync.engine.sis_reading import SisRead
from sync.models import GradeExtra
from sync.registrations import Registrar, by_pair
from sync.sis import records as sis


def registrars(
    sides: Mapping[str, SisRead], there: Mapping[sis.Key, sis.Value | None]
) -> dict[tuple[str, str], Registrar]:
    """By connection and class, what the registrations of a read take. `there` is what each grade is in the SIS."""
    entered = _entered(sides)
    return {
        (name, one.link.class_id): Registrar(
            side.profile, _today(), by_pair(one.registrations), entered, there, one.term
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


def _today() -> date:
    """The latest date there is anywhere on earth: her own today is never taken for the future."""
    return (timezone.now() + timedelta(hours=14)).date()
