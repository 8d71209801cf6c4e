"""One read of both sides, matched, converted and planned: steps 1 to 4 of the flow (design §4)."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from django.utils import timezone

from lti_tool.models import Context, LtiUser
from sync import desired, matching, planning, rosters, scales, undoing
from sync.engine import ledger
from sync.engine.adapters import make_sis
from sync.engine.creating import settle_by_reading
from sync.engine.errors import NothingLinked
from sync.engine.links import words_here
from sync.engine.lms_reading import LmsMisconfigured as LmsMisconfigured
from sync.engine.lms_reading import read_lms
from sync.engine.proofs import still_proved
from sync.errors import TryLater, Unreachable
from sync.lms import records as lms
from sync.lms.base import Heard
from sync.models import ClassLink, ContextState, LineItemLink, SentGrade, SisConnection, StudentLink
from sync.sis import records as sis
from sync.sis.base import Sis


@dataclass
class ClassRead:
    """One linked class as the SIS shows it now."""

    link: ClassLink
    students: list[sis.Student]
    line_items: list[sis.LineItem]
    results: list[sis.Result]
    score_scales: dict[str, sis.ScoreScale]
    own_totals: list[sis.OwnTotal]


@dataclass
class SisRead:
    """All linked classes of one connection, with the adapter that read them."""

    connection: SisConnection
    adapter: Sis
    classes: list[ClassRead] = field(default_factory=list)

    @property
    def profile(self) -> sis.Profile:
        return self.adapter.profile


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
    sides = _read_sis(context, class_links, gradebook, problems, heard)
    reading = _reckon(context, began, gradebook, sides, rows, problems)
    reading.places = from_lms.places
    if left is not None:
        _plan_undo(reading, left)
    return reading


def _read_sis(
    context: Context,
    links: list[ClassLink],
    gradebook: lms.Gradebook,
    problems: list[planning.Problem],
    heard: Heard,
) -> dict[str, SisRead]:
    sides: dict[str, SisRead] = {}
    heard("sis_students", 0)
    for link in links:
        name = str(link.connection_id)
        if not link.connection.active:
            what = "An administrator switched off the connection to the SIS class"
            problems.append(_class_problem("connection-off", what, link))
            continue
        if name not in sides:
            sides[name] = SisRead(link.connection, make_sis(link.connection))
        one = _read_class(context, sides[name].adapter, link, gradebook, problems)
        if one is not None:
            sides[name].classes.append(one)
        every = [read for side in sides.values() for read in side.classes]
        heard("sis_students", sum(len(read.students) for read in every))
        heard("sis_results", sum(len(read.results) for read in every))
    return sides


def _read_class(
    context: Context,
    adapter: Sis,
    link: ClassLink,
    gradebook: lms.Gradebook,
    problems: list[planning.Problem],
) -> ClassRead | None:
    try:
        if adapter.get_class(link.class_id) is None:
            problems.append(_class_problem("class-unknown", "The SIS no longer knows the class", link))
            return None
        if not still_proved(context, adapter, link, gradebook):
            problems.append(
                _class_problem("link-lapsed", "Nobody of this course is seen as teacher of the class", link)
            )
            return None
        students = _students(adapter, link, gradebook)
        items = [item for item in adapter.line_items(link.class_id) if item.active]
        results = adapter.results(link.class_id) if adapter.profile.read_back else []
        return ClassRead(
            link=link,
            students=students,
            line_items=items,
            results=results,
            score_scales={scale.sourced_id: scale for scale in adapter.score_scales(link.class_id)},
            own_totals=adapter.own_totals(link.class_id, items, results),
        )
    except Unreachable as error:
        raise TryLater(str(error)) from error


def _students(adapter: Sis, link: ClassLink, gradebook: lms.Gradebook) -> list[sis.Student]:
    if adapter.profile.roster:
        return adapter.students(link.class_id)
    others = ClassLink.objects.filter(context=link.context_id).exclude(pk=link.pk)
    return rosters.of_lms(gradebook, link.class_id, alone=not others.exists())


def _class_problem(code: str, what: str, link: ClassLink) -> planning.Problem:
    text = f"{what} that this course is linked to. Its grades stay as they are. Link the class again, or ask the SIS administrator."
    return planning.Problem(code, text, "sis_admin", details=(link.class_id,))


def _reckon(
    context: Context,
    began: datetime,
    gradebook: lms.Gradebook,
    sides: dict[str, SisRead],
    rows: dict[sis.Key, SentGrade],
    problems: list[planning.Problem],
) -> Reading:
    links, excluded_students = _links_of(context)
    _find_created(links, sides)
    matched = _match(context, gradebook, sides, excluded_students)
    results, duplicates = _results_by_key(sides)
    linked = [_linked(link, sides, gradebook) for link in links]
    ours = {key for key, row in rows.items() if row.context_id == context.pk} | _keys_of_links(rows, links)
    account = desired.account(gradebook, matched, excluded_students, linked, duplicates, ours)
    rows = {key: row for key, row in rows.items() if key in ours or key in account.desired}
    existing = {key: one.value for key, one in results.items()}
    existing |= _write_only_existing(sides, rows, account.desired)
    ids = {key: one.sourced_id for key, one in results.items()}
    classes = _shown(sides)
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
    reading.stops = _stops(reading)
    return reading


def _plan_undo(reading: Reading, left: Mapping[sis.Key, undoing.Left]) -> None:
    """Beside the course's own plan, what puts back what stood there before. A person asked for it: nothing stops it."""
    unseen = _unseen(reading, left)
    plan = undoing.plan(left, reading.existing, reading.sent, reading.waiting, unseen)
    changes = tuple(_put_back(reading, one) for one in plan.changes)
    reading.left, reading.undo, reading.stops = left, dataclasses.replace(plan, changes=changes), []


def _unseen(reading: Reading, left: Iterable[sis.Key]) -> dict[sis.Key, str]:
    """Grades of which this read cannot tell what stands there, or that are not this course's any more."""
    _, duplicates = _results_by_key(reading.sides)
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


def _find_created(links: Iterable[LineItemLink], sides: Mapping[str, SisRead]) -> None:
    """Line items whose creation got no answer are found in what was read; only the link step asks for them again."""
    there = {one.link.pk: one.line_items for side in sides.values() for one in side.classes}
    for link in links:
        if link.state == "creating" and link.class_link_id in there:
            settle_by_reading(link, there[link.class_link_id])


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


def _results_by_key(
    sides: Mapping[str, SisRead],
) -> tuple[dict[sis.Key, sis.Result], dict[sis.Key, tuple[str, ...]]]:
    found: dict[sis.Key, list[sis.Result]] = defaultdict(list)
    for name, side in sides.items():
        for one in side.classes:
            for result in one.results:
                found[sis.Key(name, one.link.class_id, result.line_item_id, result.student_id)].append(result)
    single = {key: several[0] for key, several in found.items() if len(several) == 1}
    double = {
        key: tuple(one.sourced_id for one in several) for key, several in found.items() if len(several) > 1
    }
    return single, double


def _shown(sides: Mapping[str, SisRead]) -> set[tuple[str, str]]:
    """The classes whose results this read shows; of all others it tells nothing."""
    return {
        (name, one.link.class_id)
        for name, side in sides.items()
        if side.profile.read_back
        for one in side.classes
    }


def _write_only_existing(
    sides: Mapping[str, SisRead],
    rows: Mapping[sis.Key, SentGrade],
    wanted: Mapping[sis.Key, planning.Desired],
) -> dict[sis.Key, sis.Value | None]:
    """A SIS that cannot be read shows what it last took (design §4)."""
    blind = {name for name, side in sides.items() if not side.profile.read_back}
    return {
        key: _last_taken(ledger.sent_of(row), wanted.get(key))
        for key, row in rows.items()
        if key.connection in blind
    }


def _last_taken(sent: planning.Sent, wanted: planning.Desired | None) -> sis.Value | None:
    """A later send without an answer may stand there: that the former value is wanted again does not settle it."""
    new = wanted if isinstance(wanted, sis.Value) else None
    others = [value for value in sent.since if value != sent.as_stored]
    return others[-1] if others and new == sent.as_stored else sent.as_stored


def _linked(link: LineItemLink, sides: Mapping[str, SisRead], gradebook: lms.Gradebook) -> desired.Linked:
    side = sides.get(str(link.connection_id))
    one = next((read for read in side.classes if read.link.pk == link.class_link_id), None) if side else None
    item = next((item for item in gradebook.line_items if item.line_item_id == link.lms_line_item_id), None)
    there = (
        next((there for there in one.line_items if there.sourced_id == link.line_item_id), None)
        if one
        else None
    )
    return desired.Linked(
        class_link=link.class_link_id,
        class_id=link.class_link.class_id,
        connection=str(link.connection_id),
        lms_line_item_id=link.lms_line_item_id,
        sis_id=link.line_item_id or "",
        target=target_of(link, there, one, side.profile if side else sis.Profile()),
        scheme=gradebook.schemes.get(item.scheme_id) if item else None,
        excluded=link.state == "excluded",
        broken=_broken(link, one, there),
    )


def _broken(link: LineItemLink, one: ClassRead | None, there: sis.LineItem | None) -> str:
    if link.state == "creating":
        return "line-item-creating"
    if one is None:
        return "class-not-read"
    if there is not None and there.computed:
        return "line-item-computed"
    return "" if there is not None or link.state == "excluded" else "line-item-gone"


def target_of(
    link: LineItemLink, there: sis.LineItem | None, one: ClassRead | None, profile: sis.Profile
) -> scales.Target:
    """What the SIS column takes: its own range and scale as the SIS shows them now, else as they were linked."""
    maximum = there.maximum if there is not None and there.maximum is not None else _decimal(link.maximum)
    minimum = there.minimum if there is not None and there.minimum is not None else _decimal(link.minimum)
    scale_id = (there.score_scale_id if there is not None else "") or link.score_scale_id
    return scales.Target(
        kind=link.scale,  # type: ignore[arg-type]  # forms and commands take no other words
        minimum=minimum if minimum is not None else Decimal(0),
        maximum=maximum,
        decimals=profile.decimals,
        over_max=profile.over_max,
        flags=profile.flags,
        texts=profile.texts,
        score_scale=one.score_scales.get(scale_id) if one is not None else None,
    )


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        return None


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


def _stops(reading: Reading) -> list[planning.Stop]:
    state = ContextState.objects.filter(context=reading.context).first()
    last = planning.Pulled(state.last_students, state.last_results) if state else planning.Pulled(0, 0)
    now = planning.Pulled(reading.account.students, reading.graded)
    return [*planning.stops(now, last, reading.plan.changes, reading.sent), *_moved_items(reading)]


def _moved_items(reading: Reading) -> list[planning.Stop]:
    """An item's maximum or the scheme changed since the last send (design §4), and its grades with it."""
    changing = {(change.key.connection, change.key.line_item_id) for change in reading.plan.changes}
    items = {item.line_item_id: item for item in reading.gradebook.line_items}
    sent_items = {(key.connection, key.line_item_id) for key, one in reading.sent.items() if one.known}
    versions: dict[tuple[str, str], set[str]] = defaultdict(set)
    for key, wanted in reading.account.wanted.items():
        versions[key.connection, key.line_item_id].add(wanted.scheme_version)
    moved = []
    for link in reading.links:
        item, name = items.get(link.lms_line_item_id), (str(link.connection_id), link.line_item_id or "")
        if item is not None and name in sent_items & changing:
            moved += _moved(link, item, versions[name])
    return moved


def _moved(link: LineItemLink, item: lms.LineItem, versions: set[str]) -> list[planning.Stop]:
    """`versions` are the scheme versions that this item's grades are converted by now (none: nothing to convert)."""
    stops = []
    now = "" if item.maximum is None else sis.plain(item.maximum)
    if link.lms_maximum and link.lms_maximum != now:
        text = f"“{item.title}” now counts {now or 'no'} points in the LMS; when last sent it counted {link.lms_maximum}."
        stops.append(planning.Stop("maximum-changed", text))
    if link.scheme_version and versions - {"", link.scheme_version}:
        text = f"The grading scheme of “{item.title}” changed since the last send."
        stops.append(planning.Stop("scheme-changed", text))
    return stops
