"""What a changed link moves, and what it leaves where it is. Pure: nothing is written and nothing is read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Move:
    """Of one LMS item in one class, by SIS student id. Every graded student is in `fresh` or in `again`.

    `stay`: grades that were sent to the item linked until now; they are left there and held.
    `fresh`: never sent to the other item. `again`: sent there by an earlier link, compared with it as ever.
    `others`: sent there by an earlier link, without a grade in the LMS now: the next list asks about them.
    """

    stay: tuple[str, ...]
    fresh: tuple[str, ...]
    again: tuple[str, ...]
    others: tuple[str, ...]


def move(graded: Collection[str], sent_here: Collection[str], sent_there: Collection[str]) -> Move:
    """`graded`: students with a grade in the LMS; `sent_here`, `sent_there`: whose grades we sent to either item."""
    ours, there = set(graded), set(sent_there)
    return Move(
        stay=tuple(sorted(set(sent_here))),
        fresh=tuple(sorted(ours - there)),
        again=tuple(sorted(ours & there)),
        others=tuple(sorted(there - ours)),
    )
