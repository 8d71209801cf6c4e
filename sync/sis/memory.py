"""A SIS in this process: what the engine's tests drive. Worlds are named by `settings.base_url`.

    world = memory.world("memory:one")          the world of that name, made when first asked for
    world.add_class("c1", students=["s1"]); world.add_item("c1", "i1", maximum=100)
    world.edit("i1", "s1", Value(Decimal(7)))   as a person in the SIS would (None removes the record)
    world.value("i1", "s1"), world.stored(...)  what is really stored (a read may show less: `show_late`)
    world.profile = Profile(idempotent=False)   the SIS gives ids
    world.unique = False                        a second record of a pair is let in
    world.add_item("c1", "i9", computed=True)   the SIS shows the course total that it computes itself there
    world.rounding = 2                          scores are stored at two decimals
    world.fault = lose_answer                   called for each write as fault(change, store)
    world.item_fault = lose_answer              the same for line items, as fault(new, store)
    world.fault = once(lose_answer, world)      for the next write only
    world.on_read = hook                        hook(method, class_id) before each read; it may raise
    world.journal                               one Stored per record written; `made`: it is a new record
    world.attempts                              every Change that arrived, stored or not

Faults are plain callables: `lose_answer`, `lose_request`, `store_nothing`, `show_late(world)`,
`refuse(code)`, `try_later(after)`, `crash_before`, `crash_after`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from sync.errors import Misconfigured, Rejected, RejectionCode, TryLater, Unreachable
from sync.options import Finding
from sync.sis import base
from sync.sis import records as sis

Answered = TypeVar("Answered")
Pair = tuple[str, str]


class Fault(Protocol):
    """`store()` stores and returns the honest answer; the caller gets what the fault returns or raises."""

    def __call__(self, what: Any, store: Callable[[], Answered]) -> Answered: ...


class Crash(BaseException):
    """The worker dies here: no `except Exception` may catch it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as it was written."""

    result_id: str
    line_item_id: str
    student_id: str
    value: sis.Value | None
    made: bool


@dataclass
class World:
    """All that one pretend SIS holds. Change it freely between calls; `lock` guards it during a push."""

    name: str
    profile: sis.Profile = field(default_factory=sis.Profile)
    unique: bool = True
    rounding: int | None = None
    parallel: int = 1
    classes: dict[str, sis.Class] = field(default_factory=dict)
    roster: dict[str, dict[str, sis.Student]] = field(default_factory=dict)
    staff: dict[str, dict[str, sis.Teacher]] = field(default_factory=dict)
    items: dict[str, sis.LineItem] = field(default_factory=dict)
    results: dict[str, sis.Result] = field(default_factory=dict)
    scales: dict[str, list[sis.ScoreScale]] = field(default_factory=dict)
    sessions: list[sis.Session] = field(default_factory=list)
    registrations: dict[str, list[sis.Registration]] = field(default_factory=dict)
    kinds: dict[str, list[sis.Category]] = field(default_factory=dict)
    hidden: dict[Pair, sis.Result | None] = field(default_factory=dict)
    fault: Fault | None = None
    item_fault: Fault | None = None
    on_read: Callable[[str, str], None] | None = None
    journal: list[Stored] = field(default_factory=list)
    attempts: list[sis.Change] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    given: int = 0

    # --- filling the world ----------------------------------------------------------------------------

    def add_class(
        self,
        class_id: str,
        students: Iterable[str | sis.Student] = (),
        teachers: Iterable[str | sis.Teacher] = (),
    ) -> sis.Class:
        made = sis.Class(class_id, f"Class {class_id}", school_id="school", session_ids=("term",))
        self.classes[class_id] = made
        self.roster[class_id] = {one.sourced_id: one for one in map(_person, students)}
        self.staff[class_id] = {one.sourced_id: one for one in map(_person, teachers)}
        return made

    def add_item(
        self, class_id: str, item_id: str, title: str = "", maximum: Decimal | int | None = 100, **fields: Any
    ) -> sis.LineItem:
        top = None if maximum is None else Decimal(maximum)
        self.items[item_id] = sis.LineItem(
            item_id, title or f"Item {item_id}", class_id, Decimal(0), top, **fields
        )
        return self.items[item_id]

    # --- what a person in the SIS does and sees -------------------------------------------------------

    def stored(self, line_item_id: str, student_id: str) -> sis.Result | None:
        """The pair's record, the oldest where there are several."""
        return next(iter(self.of_pair((line_item_id, student_id))), None)

    def value(self, line_item_id: str, student_id: str) -> sis.Value | None:
        found = self.stored(line_item_id, student_id)
        return found.value if found else None

    def edit(self, line_item_id: str, student_id: str, value: sis.Value | None) -> None:
        """A person's edit; None removes the record. What a read has not shown yet is shown with it."""
        with self.lock:
            self.hidden.pop((line_item_id, student_id), None)
            found = self.stored(line_item_id, student_id)
            if value is None:
                for one in self.of_pair((line_item_id, student_id)):
                    del self.results[one.sourced_id]
            elif found is not None:
                self.results[found.sourced_id] = replace(found, value=self.kept(value))
            else:
                made = self.new_id("r")
                class_id = self.items[line_item_id].class_id
                self.results[made] = sis.Result(made, class_id, line_item_id, student_id, self.kept(value))

    def show(self) -> None:
        """Let reads show all that is stored."""
        self.hidden.clear()

    # --- storing --------------------------------------------------------------------------------------

    def of_pair(self, pair: Pair) -> list[sis.Result]:
        return [one for one in self.results.values() if (one.line_item_id, one.student_id) == pair]

    def shown(self, class_id: str) -> list[sis.Result]:
        """What a read shows: hidden pairs as they were before."""
        pairs = dict(self.hidden)
        found = [one for one in self.results.values() if (one.line_item_id, one.student_id) not in pairs]
        found += [former for former in pairs.values() if former is not None]
        return [one for one in found if one.class_id == class_id]

    def new_id(self, letter: str) -> str:
        self.given += 1
        return f"{letter}{self.given}"

    def kept(self, value: sis.Value | None) -> sis.Value | None:
        """The value as this SIS keeps it: rounded, with the flags it holds; None when it says nothing."""
        if value is None:
            return None
        places = self.profile.decimals if self.rounding is None else min(self.rounding, self.profile.decimals)
        score = None if value.score is None else sis.quantised(value.score, places)
        kept = replace(value, score=score, flags=value.flags & self.profile.flags)
        return None if kept.is_nothing else kept

    def store(self, change: sis.Change, result_id: str) -> sis.Outcome:
        value, former = self.kept(change.after), self.results.get(result_id)
        _, class_id, line_item_id, student_id = change.key
        self.results[result_id] = sis.Result(
            result_id, class_id, line_item_id, student_id, value, change.score_date, change.comment
        )
        self.journal.append(Stored(result_id, line_item_id, student_id, value, made=former is None))
        return sis.Outcome("accepted", result_id=result_id, http_status=200 if former else 201)


_WORLDS: dict[str, World] = {}


def world(name: str) -> World:
    return _WORLDS.setdefault(name, World(name))


def forget(name: str) -> None:
    """The next `world(name)` is a new one."""
    _WORLDS.pop(name, None)


class Memory(base.Sis):
    """The adapter to such a world."""

    name = "memory"
    label = "Memory (for tests)"

    def __init__(self, settings: base.Settings, tokens: Any = None) -> None:
        super().__init__(settings, tokens)
        self.world = world(settings.base_url)
        self.parallel = self.world.parallel

    @property
    def profile(self) -> sis.Profile:
        return self.world.profile

    def check(self) -> list[Finding]:
        return [Finding("Reading classes", True, f"{len(self.world.classes)} classes.")]

    def get_class(self, class_id: str) -> sis.Class | None:
        self._reading("get_class", class_id)
        return self.world.classes.get(class_id)

    def classes_of_teacher(self, teacher_id: str) -> list[sis.Class]:
        self._reading("classes_of_teacher", "")
        return [self.world.classes[one] for one, staff in self.world.staff.items() if teacher_id in staff]

    def students(self, class_id: str) -> list[sis.Student]:
        self._reading("students", class_id)
        return list(self._class(class_id, self.world.roster).values())

    def teachers(self, class_id: str) -> list[sis.Teacher]:
        self._reading("teachers", class_id)
        return list(self._class(class_id, self.world.staff).values())

    def line_items(self, class_id: str) -> list[sis.LineItem]:
        self._reading("line_items", class_id)
        self._class(class_id, self.world.classes)
        return [item for item in self.world.items.values() if item.class_id == class_id]

    def results(self, class_id: str) -> list[sis.Result]:
        self._reading("results", class_id)
        self._class(class_id, self.world.classes)
        with self.world.lock:
            return self.world.shown(class_id) if self.profile.read_back else []

    def score_scales(self, class_id: str) -> list[sis.ScoreScale]:
        self._reading("score_scales", class_id)
        return list(self.world.scales.get(class_id, []))

    def categories(self, class_id: str) -> list[sis.Category]:
        self._reading("categories", class_id)
        return list(self.world.kinds.get(class_id, []))

    def sessions(self, class_id: str) -> list[sis.Session]:
        self._reading("sessions", class_id)
        return list(self.world.sessions)

    def registrations(self, class_id: str) -> list[sis.Registration]:
        self._reading("registrations", class_id)
        return list(self.world.registrations.get(class_id, []))

    def create_line_item(self, new: sis.NewLineItem) -> sis.LineItem:
        def store() -> sis.LineItem:
            if new.class_id not in self.world.classes:
                raise Rejected("class_unknown")
            ours = self.profile.idempotent and not self.profile.gives_item_ids
            item_id = new.sourced_id if ours else self.world.new_id("i")
            self.world.items[item_id] = sis.LineItem(
                item_id, new.title, new.class_id, new.minimum, new.maximum, due=new.due
            )
            return self.world.items[item_id]

        with self.world.lock:
            return self.world.item_fault(new, store) if self.world.item_fault else store()

    def _send(self, batch: Sequence[sis.Change]) -> Iterable[base.Answer]:
        for change in batch:
            with self.world.lock:
                self.world.attempts.append(change)
                yield change, self._one(change)

    def _one(self, change: sis.Change) -> sis.Outcome:
        def store() -> sis.Outcome:
            return self._store(change)

        return self.world.fault(change, store) if self.world.fault else store()

    def _store(self, change: sis.Change) -> sis.Outcome:
        self._refuse(change)
        known = self.world.results.get(change.result_id)
        if known is not None:
            return self.world.store(change, change.result_id)
        if change.result_id and change.after is not None and None not in change.expected:
            return sis.Outcome("rejected", "conflict_newer")  # deleted since it was read
        pair = (change.key.line_item_id, change.key.student_id)
        there = [one for one in self.world.of_pair(pair) if self.profile.idempotent or self.world.unique]
        if there and there[0].sourced_id != change.new_id and self.world.unique:
            return self._conflict(change, pair)
        if change.after is None and not there:
            return sis.Outcome("unchanged")
        return self.world.store(change, change.new_id if self.profile.idempotent else self.world.new_id("r"))

    def _conflict(self, change: sis.Change, pair: Pair) -> sis.Outcome:
        """The pair has a record under another id: what a 409 leads to. Read as any read would show it."""
        shown = [
            one for one in self.world.shown(change.key.class_id) if (one.line_item_id, one.student_id) == pair
        ]
        if not shown:
            return sis.Outcome("unknown")  # refused as a second one, and the first is not shown yet
        return base.settle_conflict(change, shown[0]) or self.world.store(change, shown[0].sourced_id)

    def _refuse(self, change: sis.Change) -> None:
        _, class_id, line_item_id, student_id = change.key
        item = self.world.items.get(line_item_id)
        if class_id not in self.world.classes:
            raise Rejected("class_unknown")
        if item is None or item.class_id != class_id:
            raise Rejected("line_item_missing")
        if student_id not in self.world.roster[class_id]:
            raise Rejected("student_unknown")
        score = change.after.score if change.after else None
        if (
            score is not None
            and item.maximum is not None
            and score > item.maximum
            and not self.profile.over_max
        ):
            raise Rejected("over_max")

    def _reading(self, method: str, class_id: str) -> None:
        if self.world.on_read is not None:
            self.world.on_read(method, class_id)

    def _class(self, class_id: str, table: dict[str, Any]) -> Any:
        if class_id not in table:
            raise Misconfigured("The SIS has no such class. Link another one.", "class_unknown")
        return table[class_id]


# --- faults ---------------------------------------------------------------------------------------


def lose_answer(what: Any, store: Callable[[], Answered]) -> Answered:
    """Stored, and the answer is lost."""
    store()
    raise Unreachable("The answer was lost.")


def lose_request(what: Any, store: Callable[[], Answered]) -> Answered:
    """Lost on the way there, which looks the same from here."""
    raise Unreachable("The answer was lost.")


def store_nothing(what: sis.Change, store: Callable[[], Any]) -> Any:
    """ "Accepted", and nothing stored."""
    return sis.Outcome("accepted", result_id=what.result_id or what.new_id, http_status=200)


def crash_before(what: Any, store: Callable[[], Answered]) -> Answered:
    raise Crash


def crash_after(what: Any, store: Callable[[], Answered]) -> Answered:
    store()
    raise Crash


def refuse(code: RejectionCode, words: str = "") -> Fault:
    def fault(what: Any, store: Callable[[], Answered]) -> Answered:
        raise Rejected(code, words)

    return fault


def try_later(after: int | None = None) -> Fault:
    def fault(what: Any, store: Callable[[], Answered]) -> Answered:
        raise TryLater("The SIS is busy.", after)

    return fault


def show_late(of: World) -> Fault:
    """Stored, but reads of `of` show what was there before until `of.show()`."""

    def fault(what: sis.Change, store: Callable[[], Any]) -> Any:
        pair = (what.key.line_item_id, what.key.student_id)
        former = of.stored(*pair)
        answer = store()
        of.hidden.setdefault(pair, former)
        return answer

    return fault


def once(fault: Fault, of: World, skip: int = 0) -> Fault:
    """`fault` for the next write only (after `skip` honest ones), then none."""
    left = [skip]

    def first(what: Any, store: Callable[[], Answered]) -> Answered:
        if left[0]:
            left[0] -= 1
            return store()
        of.fault = of.item_fault = None
        return fault(what, store)

    return first


def _person(one: str | sis.Person) -> sis.Person:
    if isinstance(one, sis.Person):
        return one
    return sis.Person(one, given_name=one, family_name="Test", identifier=one, username=one)
