"""An administrator's pause: nothing is sent through a connection, or for a whole institution, until it is lifted.

Reads go on, so that pages and comparisons stay true meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from lti_tool.models import Context, Institution
from sync.engine.errors import Who
from sync.models import ClassLink, GradeChange, LmsConnection, Pause, Run, SisConnection


class Held(Exception):
    """What is left to send waits for an administrator."""


@dataclass(frozen=True)
class Pauses:
    """The pauses that a course's grades meet: one for all of them, or one by SIS connection."""

    whole: Pause | None
    by_connection: Mapping[int, Pause]

    def of(self, connection: int | str) -> Pause | None:
        return self.whole or self.by_connection.get(int(connection))


def pauses_of(context: Context) -> Pauses:
    rows = list(
        Pause.objects.filter(institution__registrations__deployments__contexts=context).select_related(
            "reader"
        )
    )
    registration = context.deployment.registration_id
    whole = [row for row in rows if row.connection_id is None and _is_met(row, registration)]
    by_connection = {row.connection_id: row for row in rows if row.connection_id is not None}
    return Pauses(whole[0] if whole else None, by_connection)


def _is_met(row: Pause, registration_id: int) -> bool:
    return row.reader is None or (row.reader.active and row.reader.registration_id == registration_id)


def check_all(run: Run) -> None:
    """Raises Held when every grade that is left to send waits, so that nothing need be read now."""
    wanted = GradeChange.objects.filter(run=run, state="approved").values_list("connection_id", flat=True)
    left = set(wanted.distinct())
    if left:
        pauses = pauses_of(run.context)
        found = [pauses.of(one) for one in left]
        if all(found):
            raise Held(words_of(found[0]))


def why_all_wait(context: Context) -> str:
    """The words of the pause that every grade of this course meets; empty where any may be sent."""
    linked = ClassLink.objects.filter(context=context).values_list("connection_id", flat=True)
    pauses = pauses_of(context)
    found = [pauses.of(one) for one in linked.distinct()]
    return words_of(found[0]) if found and all(found) else ""


def check(context: Context, connection: int | str) -> None:
    """Raises Held when nothing may be sent through this connection now."""
    pause = pauses_of(context).of(connection)
    if pause is not None:
        raise Held(words_of(pause))


def words_of(pause: Pause | None) -> str:
    return f"{Run.HELD} {pause.reason}".strip() if pause else Run.HELD


def pause(
    institution: Institution, who: Who, reason: str = "", *, of: SisConnection | LmsConnection | None = None
) -> bool:
    """Pause one connection, or without one the whole institution. False: it was paused already."""
    place = {"connection": of} if isinstance(of, SisConnection) else {"reader": of}
    try:
        with transaction.atomic():
            Pause.objects.create(
                institution=institution, paused_by=who.name[:300], reason=reason[:200], **place
            )
    except IntegrityError:
        return False
    return True


def resume(pause: Pause) -> None:
    """Lift it: the runs that waited for it go on at once, the others when their own time comes."""
    pause.delete()
    waiting = Run.objects.filter(
        context__deployment__registration__institution=pause.institution_id,
        state="paused",
        message__startswith=Run.HELD,
    )
    waiting.update(resume_at=timezone.now())
