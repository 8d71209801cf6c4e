"""The map of a course: students × assignments, one letter per grade. Pure; taken at each read, drawn by the course page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sync.desired import Account, Fate
from sync.planning import Plan
from sync.sis.records import Key

# the letter of each state, most urgent first: so pages and legends order them
STATES: Final[Mapping[str, str]] = {
    "p": "problem",
    "r": "refused",
    "e": "edited",
    "n": "new",
    "c": "changed",
    "w": "withdrawn",
    "u": "waiting",
    "h": "held",
    "s": "same",
    "v": "pending",
    "-": "not_graded",
    " ": "left_out",
}
_FATES: Final[Mapping[Fate, str]] = {
    "wanted": "s",
    "excluded": " ",
    "problem": "p",
    "not_graded": "-",
    "pending": "v",
}


def rows(users: Sequence[str], items: Sequence[str], account: Account, plan: Plan) -> list[str]:
    """A string per student with a letter per item, in the order given; where the LMS has no such result, a blank."""
    letters = _letters(account, plan)
    return ["".join(letters.get((user, item), " ") for item in items) for user in users]


def _letters(account: Account, plan: Plan) -> dict[tuple[str, str], str]:
    found = {place: _FATES[fate] for place, fate in account.fates.items()}
    planned = _planned(plan)
    for key, place in account.owner.items():
        if key in planned and account.fates.get(place) not in {"problem", "excluded", "pending"}:
            found[place] = planned[key]
    return found


def _planned(plan: Plan) -> dict[Key, str]:
    """What the plan says of its keys. An unchanged one is not named: "the same", or no grade on both sides."""
    letters: dict[Key, str] = dict.fromkeys((*plan.kept, *plan.declined), "h")
    letters |= {key: "h" for key, _ in plan.held}
    letters |= {key: "r" for key, _ in plan.refused}
    letters |= dict.fromkeys(plan.waiting, "u")
    for change in plan.changes:
        letters[change.key] = "w" if change.after is None else "n" if change.before is None else "c"
    for problem in plan.problems:
        if problem.key is not None:
            letters[problem.key] = "e" if problem.code == "edited-in-sis" else "p"
    return letters


def counts(lines: Iterable[str]) -> dict[str, int]:
    """How many grades are in each state, by name, most urgent first; states without any are left out."""
    counted: Counter[str] = Counter()
    for line in lines:
        counted.update(line)
    return {name: counted[letter] for letter, name in STATES.items() if counted[letter]}


def counts_by_item(lines: Sequence[str], items: int) -> list[dict[str, int]]:
    """The same for each item."""
    return [counts(line[place : place + 1] for line in lines) for place in range(items)]
