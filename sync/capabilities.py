"""What a SIS connection can hold and do, as a list that pages and commands put into words. Pure.

Each capability is read from the adapter's `Profile`; what it lacks is a limit. `views.wording` has the words of both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sync.sis.records import Profile

_READ: Final[Mapping[str, Callable[[Profile], bool]]] = {
    "scores": lambda one: "assignment" in one.kinds,
    "totals": lambda one: "course_total" in one.kinds,
    "numbers": lambda one: one.scores,
    "texts": lambda one: one.texts,
    "excused": lambda one: one.exempt,
    "over_max": lambda one: one.over_max,
    "read_back": lambda one: one.read_back,
    "answers": lambda one: not one.asynchronous,
    "withdraw": lambda one: one.withdraw,
    "roster": lambda one: one.roster,
    "create": lambda one: one.create_line_items,
    "per_student": lambda one: one.preflight,
    "last_attendance": lambda one: "last_attendance" in one.extras,
    "incomplete": lambda one: "incomplete" in one.extras,
}
# limits that a teacher must know of, with the pages of hers on which each matters
FOR_TEACHERS: Final[Mapping[str, frozenset[str]]] = {
    "read_back": frozenset({"classes", "review"}),
    "answers": frozenset({"classes", "review"}),
    "roster": frozenset({"classes"}),
    "withdraw": frozenset({"classes", "review"}),
    "scores": frozenset({"classes", "line_items"}),
    "totals": frozenset({"classes", "line_items"}),
    "numbers": frozenset({"classes", "line_items"}),
    "texts": frozenset({"classes", "line_items"}),
    "excused": frozenset({"classes", "line_items"}),
}


@dataclass(frozen=True, slots=True)
class Capability:
    code: str
    has: bool


def of(profile: Profile) -> tuple[Capability, ...]:
    return tuple(Capability(code, has(profile)) for code, has in _READ.items())


def limits(profile: Profile) -> list[str]:
    """The codes of what it lacks."""
    return [one.code for one in of(profile) if not one.has]


def on_page(lacking: Collection[str], page: str) -> list[str]:
    """Those of the limits that matter on this page of a course, the weightiest first."""
    return [code for code, pages in FOR_TEACHERS.items() if code in lacking and page in pages]
