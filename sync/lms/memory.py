"""An LMS in this process: what the engine's tests drive. Worlds are named by `settings.base_url`.

world = memory.world("memory:one")          the world of that name, made when first asked for
world.add_member("u1", sis_id="s1"); world.add_item("a1", maximum=Decimal(50))
world.grade("u1", "a1", Decimal("86.5"))    as a teacher would; more by name: status, text, late, missing, ...
world.grade("u1", "a1", None)               ungraded again; `excuse`, `miss` and `pend` likewise
world.put(lms.Result(...))                  a result as it is, broken ones too
world.remove_member("u1"); world.remove_item("a1")    her results stay stored and come back with her
world.change_member("u1", active=False); world.change_item("a1", maximum=Decimal(20))
world.schemes["course:1"] = GradeScheme(...); world.sections.append(Section(...)); world.warnings.append("...")
world.on_read = hook                        hook(course) before each read; it may raise (`try_later`, `misconfigured`)
world.categories.append(Category(...)); world.periods.append(GradingPeriod(...)); world.state = CourseState(...)
world.short = n                             the next reads lose their last n members, as if the LMS had listed fewer
world.reads                                 how many reads were begun
world.incremental = True                    reads leave a mark from which the next one reads on, as if the LMS told its
                                            changes; world.reads_on counts those that did
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, ClassVar

from sync.errors import Misconfigured, TryLater
from sync.lms import base
from sync.lms import records as lms
from sync.options import Finding

Pair = tuple[str, str]
Hook = Callable[[lms.Course], None]


@dataclass
class World:
    """All that one pretend LMS holds for its one course. Change it freely between reads."""

    name: str
    members: dict[str, lms.Member] = field(default_factory=dict)
    items: dict[str, lms.LineItem] = field(default_factory=dict)
    results: dict[Pair, lms.Result] = field(default_factory=dict)
    sections: list[lms.Section] = field(default_factory=list)
    schemes: dict[str, lms.GradeScheme] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    categories: list[lms.Category] = field(default_factory=list)
    periods: list[lms.GradingPeriod] = field(default_factory=list)
    state: lms.CourseState = field(default_factory=lms.CourseState)
    on_read: Hook | None = None
    short: int = 0
    reads: int = 0
    incremental: bool = False
    reads_on: int = 0
    ticks: int = 0
    changed: dict[Pair, int] = field(default_factory=dict)

    def add_member(self, user_id: str, **fields: Any) -> lms.Member:
        self.members[user_id] = lms.Member(user_id, **fields)
        return self.members[user_id]

    def change_member(self, user_id: str, **fields: Any) -> lms.Member:
        self.members[user_id] = replace(self.members[user_id], **fields)
        return self.members[user_id]

    def remove_member(self, user_id: str) -> None:
        self.members.pop(user_id, None)

    def add_item(
        self, line_item_id: str, title: str = "", maximum: Decimal | int | None = 100, **fields: Any
    ) -> lms.LineItem:
        top = None if maximum is None else Decimal(maximum)
        fields.setdefault("position", len(self.items) + 1)
        self.items[line_item_id] = lms.LineItem(line_item_id, title or f"Item {line_item_id}", top, **fields)
        return self.items[line_item_id]

    def change_item(self, line_item_id: str, **fields: Any) -> lms.LineItem:
        self.items[line_item_id] = replace(self.items[line_item_id], **fields)
        return self.items[line_item_id]

    def remove_item(self, line_item_id: str) -> None:
        self.items.pop(line_item_id, None)

    def grade(
        self, user_id: str, line_item_id: str, score: Decimal | int | None = None, **fields: Any
    ) -> lms.Result:
        """A teacher's grade. With neither score nor text it is taken away; `status` may be given outright."""
        number = None if score is None else Decimal(score)
        nothing = number is None and not fields.get("text")
        fields.setdefault("status", lms.Status.NOT_GRADED if nothing else lms.Status.GRADED)
        return self.put(lms.Result(user_id, line_item_id, score=number, **fields))

    def excuse(self, user_id: str, line_item_id: str) -> lms.Result:
        return self.grade(user_id, line_item_id, status=lms.Status.EXCUSED)

    def pend(self, user_id: str, line_item_id: str, score: Decimal | int | None = None) -> lms.Result:
        """A part of it waits for a person's mark; `score` is what there is so far."""
        return self.grade(user_id, line_item_id, score, status=lms.Status.PENDING)

    def miss(self, user_id: str, line_item_id: str) -> lms.Result:
        return self.grade(user_id, line_item_id, status=lms.Status.MISSING, missing=True)

    def put(self, result: lms.Result) -> lms.Result:
        self.results[result.user_id, result.line_item_id] = result
        self.ticks += 1
        self.changed[result.user_id, result.line_item_id] = self.ticks
        return result

    def listed(self) -> list[lms.Member]:
        members = list(self.members.values())
        return members[: len(members) - self.short] if self.short else members

    def gradebook(self) -> lms.Gradebook:
        members, items = self.listed(), list(self.items.values())
        results, _ = base.account(members, items, self.results.values())
        return lms.Gradebook(
            members=tuple(members),
            line_items=tuple(items),
            results=results,
            sections=tuple(self.sections),
            schemes=dict(self.schemes),
            warnings=tuple(self.warnings),
            categories=tuple(self.categories),
            periods=tuple(self.periods),
            state=self.state,
            mark=str(self.ticks) if self.incremental else "",
        )

    def read_on(self, former: lms.Gradebook) -> lms.Gradebook:
        """Of results that nobody touched since the former read, what that read said."""
        now, known = self.gradebook(), {(one.user_id, one.line_item_id): one for one in former.results}
        results = (
            known.get((one.user_id, one.line_item_id), one) if self._is_old(one, former.mark) else one
            for one in now.results
        )
        return replace(now, results=tuple(results))

    def _is_old(self, result: lms.Result, mark: str) -> bool:
        return self.changed.get((result.user_id, result.line_item_id), 0) <= int(mark)


_WORLDS: dict[str, World] = {}


def world(name: str) -> World:
    return _WORLDS.setdefault(name, World(name))


def forget(name: str) -> None:
    """The next `world(name)` is a new one."""
    _WORLDS.pop(name, None)


class Memory(base.Lms):
    """The reader of such a world."""

    name = "memory"
    label = "Memory (for tests)"
    supports = frozenset(
        {"course_total", "schemes", "excused", "missing", "late", "timestamps", "sections", "pending"}
    )
    places: ClassVar[Mapping[str, str]] = {"not-graded": "Gradebook", "pending": "Gradebook → Needs review"}

    @property
    def world(self) -> World:
        return world(self.settings.base_url)

    def check(self) -> list[Finding]:
        return [Finding("Reading the course", True, f"{len(self.world.members)} members.")]

    def read_gradebook(self, course: lms.Course) -> lms.Gradebook:
        return self._hear(course).gradebook()

    def read_since(self, course: lms.Course, former: lms.Gradebook) -> lms.Gradebook:
        here = self._hear(course)
        if not here.incremental:
            return here.gradebook()
        here.reads_on += 1
        return here.read_on(former)

    def _hear(self, course: lms.Course) -> World:
        here = self.world
        here.reads += 1
        if here.on_read is not None:
            here.on_read(course)
        self.heard("students", sum(1 for one in here.listed() if base.is_course_student(one)))
        self.heard("items", len(here.items))
        self.heard("results", len(here.results))
        return here


# --- hooks ----------------------------------------------------------------------------------------


def try_later(after: int | None = None) -> Hook:
    def hook(course: lms.Course) -> None:
        raise TryLater("The LMS is busy.", after)

    return hook


def misconfigured(code: str = "misconfigured") -> Hook:
    def hook(course: lms.Course) -> None:
        raise Misconfigured("The LMS refuses the key. An administrator must renew it.", code)

    return hook


def once(hook: Hook, of: World) -> Hook:
    """`hook` for the next read only."""

    def first(course: lms.Course) -> None:
        of.on_read = None
        hook(course)

    return first
