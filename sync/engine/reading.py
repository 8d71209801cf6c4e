"""One read of both sides, matched, converted and planned: steps 1 to 4 of the flow (design §4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils import timezone

from lti_tool.models import Context, LtiUser
from sync import desired, matching, planning, undoing
from sync.engine import extras, ledger, safety, targets
from sync.engine.errors import NothingLinked
from sync.engine.links import words_here
from sync.engine.lms_reading import LmsMisconfigured as LmsMisconfigured
from sync.engine.lms_reading import read_lms
from sync.engine.sis_reading import (
    ClassRead,
    SisRead,
    read_sis,
    results_by_key,
    shown_classes,
    write_only_existing,
)
from sync.lms import records as lms
from sync.lms.base import Heard
from sync.models import ClassLink, LineItemLink, SentGrade, SisConnection, StudentLink
from sync.sis import records as sis


@dataclass
class Reading:
    """Both sides at one moment, and what follows from them. Values only; nothing here is written back by itself."""

    context: Context
    began: datetime
    gradebook: lms.Gradebook
    sides: dict[str, SisRead]
    links: list[LineItemLink]
    matching: matching.Matching
    excluded_students: dict[str, str]
    account: desired.Account
    existing: dict[sis.Key, sis.Value | None]
    results: dict[sis.Key, sis.Result]
    rows: dict[sis.Key, SentGrade]
    sent: dict[sis.Key, planning.Sent]
    waiting: dict[sis.Key, datetime]
    plan: planning.Plan
    problems: list[planning.Problem]
    stops: list[planning.Stop]
    ended: datetime
    linked: list[desired.Linked]
    # what the run that is to be undone left, and the plan that puts back what was there before
    left: Mapping[sis.Key, undoing.Left] = field(default_factory=dict)
    undo: planning.Plan | None = None
    # where in this LMS things are settled: lms.base.Lms.places
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def classes(self) -> list[ClassRead]:
        return [one for side in self.sides.values() for one in side.classes]

    @property
    def to_send(self) -> planning.Plan:
        """The plan whose changes are reviewed and sent; `plan` is always the course's own."""
        return self.plan if self.undo is None else self.undo

    @property
    def graded(self) -> int:
        """How many graded results the pull brought: readers fill up with "not graded", so only these tell a short pull."""
        return self.account.pulled - self.account.not_graded

    @property
    def write_only(self) -> bool:
        return any(not side.profile.read_back for side in self.sides.values())

    @property
    def stale_at(self) -> datetime:
        """From then on read again before sending; a read that takes long itself is given twice its time."""
        fresh_s = min((side.profile.fresh_s for side in self.sides.values()), default=300)
        return self.began + max(timedelta(seconds=fresh_s), 2 * (self.ended - self.began))

    @property
    def unanswered(self) -> set[sis.Key]:
        """Lost creates at a SIS that can neither be read nor be written twice safely: a person decides (design §4)."""
        unsafe = {
            name
            for name, side in self.sides.items()
            if not side.profile.read_back and not side.profile.idempotent
        }
        return {key for key, row in self.rows.items() if row.lost_at is not None and key.connection in unsafe}

    def close(self) -> None:
        for side in self.sides.values():
            side.adapter.close()


def quiet(what: str, count: int) -> None:
    """Nobody waits to hear how far a read is."""


def read(
    context: Context,
    user: LtiUser | None,
    *,
    need_class: bool = True,
    heard: Heard = quiet,
    left: Mapping[sis.Key, undoing.Left] | None = None,
) -> Reading:
    """Read everything and plan. Raises NothingLinked, TryLater, Misconfigured; never works from part of a read.

    `user` is who asked for it (None: nobody of the course): the LMS may be read by her own grant (GrantNeeded).
    `heard` is told how many `students`, `items` and `results` came from the LMS, then how many `sis_students` and
    `sis_results`; what it raises ends the read. `left`: what is to be undone (`engine.undo.left_by`).
    """
    began = timezone.now()
    class_links = list(ClassLink.objects.filter(context=context).select_related("connection"))
    if need_class and not class_links:
        raise NothingLinked("No SIS class is linked to this course yet.")
    classes = [(link.connection_id, link.class_id) for link in class_links]
    rows = ledger.rows_of(context, classes)  # before the read begins: see ledger.observe_all
    from_lms = read_lms(context, user, heard)
    gradebook = from_lms.gradebook
    problems: list[planning.Problem] = []
    sides = read_sis(context, class_links, gradebook, problems, heard)
    reading = _reckon(context, began, gradebook, sides, rows, problems)
    reading.places = from_lms.places
    if left is not None:
        _plan_undo(reading, left)
    return reading


def _reckon(
    context: Context,
    began: datetime,
    gradebook: lms.Gradebook,
    sides: dict[str, SisRead],
    rows: dict[sis.Key, SentGrade],
    problems: list[planning.Problem],
) -> Reading:
    links, excluded_students = _links_of(context)
    targets.find_created(links, sides)
    matched = _match(context, gradebook, sides, excluded_students)
    results, duplicates = results_by_key(sides)
    linked = [targets.linked(link, sides, gradebook) for link in links]
    ours = {key for key, row in rows.items() if row.context_id == context.pk} | _keys_of_links(rows, links)
    existing = {key: one.value for key, one in results.items()}
    registrars = extras.registrars(sides, existing | write_only_existing(sides, rows, {}))
    account = desired.account(gradebook, matched, excluded_students, linked, duplicates, ours, registrars)
    rows = {key: row for key, row in rows.items() if key in ours or key in account.desired}
    existing |= write_only_existing(sides, rows, account.desired)
    ids = {key: one.sourced_id for key, one in results.items()}
    classes = shown_classes(sides)
    shown = {key for key in rows if key not in duplicates and (key.connection, key.class_id) in classes}
    sent = ledger.observe_all(rows, shown, existing, account.desired, ids, context)
    settle = {name: side.profile.settle_s for name, side in sides.items()}
    waiting = ledger.waiting_keys(rows, began, settle)
    decisions = undoing.restated(ledger.decisions_of(account.desired.keys() | sent.keys()), account.wanted)
    ledger.lapse(planning.lapsed(account.desired, existing, decisions))
    made = planning.plan(account.desired, existing, sent, decisions, waiting)
    reading = Reading(
        context, began, gradebook, sides, links, matched, excluded_students, account, existing, results, rows, sent,
        waiting, made, problems, [], timezone.now(), linked,
    )  # fmt: skip
    reading.plan = dataclasses.replace(made, changes=tuple(_complete(reading, one) for one in made.changes))
    reading.stops = safety.stops_of(reading)
    return reading


def _plan_undo(reading: Reading, left: Mapping[sis.Key, undoing.Left]) -> None:
    """Beside the course's own plan, what puts back what stood there before. A person asked for it: nothing stops it."""
    unseen = _unseen(reading, left)
    plan = undoing.plan(left, reading.existing, reading.sent, reading.waiting, unseen)
    changes = tuple(_put_back(reading, one) for one in plan.changes)
    reading.left, reading.undo, reading.stops = left, dataclasses.replace(plan, changes=changes), []


def _unseen(reading: Reading, left: Iterable[sis.Key]) -> dict[sis.Key, str]:
    """Grades of which this read cannot tell what stands there, or that are not this course's any more."""
    _, duplicates = results_by_key(reading.sides)
    there = {(name, one.link.class_id) for name, side in reading.sides.items() for one in side.classes}
    found = {}
    for key in left:
        row = reading.rows.get(key)
        if row is None or row.context_id != reading.context.pk:
            found[key] = "another course sends this grade now"
        elif (key.connection, key.class_id) not in there:
            found[key] = "the SIS class could not be read"
        elif key in duplicates:
            found[key] = "the SIS holds several results for it"
    return found


def _put_back(reading: Reading, change: sis.Change) -> sis.Change:
    row, there = reading.rows.get(change.key), reading.results.get(change.key)
    return dataclasses.replace(
        _complete(reading, change),
        why=change.why,
        scheme_version="",
        score_date=_score_date(None, row, there),
    )


def _links_of(context: Context) -> tuple[list[LineItemLink], dict[str, str]]:
    """The course's line item links, and its excluded students with the reason."""
    links = LineItemLink.objects.filter(class_link__context=context).select_related(
        "class_link", "connection"
    )
    excluded = StudentLink.objects.filter(context=context).exclude(excluded="")
    return list(links), dict(excluded.values_list("lms_user_id", "excluded"))


def _keys_of_links(rows: Mapping[sis.Key, SentGrade], links: Iterable[LineItemLink]) -> set[sis.Key]:
    items = {(str(link.connection_id), link.line_item_id) for link in links if link.line_item_id}
    return {key for key in rows if (key.connection, key.line_item_id) in items}


def _match(
    context: Context, gradebook: lms.Gradebook, sides: Mapping[str, SisRead], excluded: Collection[str]
) -> matching.Matching:
    rosters = [
        matching.Roster(one.link.pk, one.link.class_id, name, tuple(one.students))
        for name, side in sides.items()
        for one in side.classes
    ]
    pairs = {name: _pairs(side.connection) for name, side in sides.items()}
    return matching.match(gradebook.members, rosters, pairs, _confirmed(context), excluded)


def _pairs(connection: SisConnection) -> tuple[matching.Pair, ...]:
    return tuple((str(pair[0]), str(pair[1])) for pair in connection.pairs) or matching.DEFAULT_PAIRS


def _confirmed(context: Context) -> list[matching.Confirmed]:
    return [
        matching.Confirmed(
            row.lms_user_id, str(row.connection_id), row.student_id, row.evidence, row.confirmed_name
        )
        for row in words_here(context)
    ]


def _complete(reading: Reading, change: sis.Change) -> sis.Change:
    """The plan's bare change with its why and identity: what the digest and the adapter need."""
    wanted = reading.account.wanted.get(change.key)
    row, there = reading.rows.get(change.key), reading.results.get(change.key)
    graded_at = wanted.result.graded_at if wanted else None
    return dataclasses.replace(
        change,
        why=wanted.why if wanted else "no grade in the LMS any more",
        scheme_version=wanted.scheme_version if wanted else "",
        result_id=there.sourced_id if there else (row.result_id if row else ""),
        new_id=ledger.derived_id("result", *change.key),
        score_date=_score_date(graded_at, row, there),
        comment=there.comment if there else "",
    )


def _score_date(graded_at: datetime | None, row: SentGrade | None, there: sis.Result | None) -> date:
    if graded_at is not None:
        return graded_at.date()
    if row is not None and row.score_date is not None:
        return row.score_date
    return (there.score_date if there else None) or timezone.now().date()
