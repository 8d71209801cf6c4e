"""The course's map as it is drawn: a strip per assignment with a mark per student, and the same as words.

Large courses get a bar per assignment in place of a mark per student, so that a page stays small. Shapes differ with
the state, so that colour is never the only sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from django.utils.translation import ngettext

from sync import course_map
from sync.views import wording
from sync.views.seen import Seen

CELL: Final = 10
MOST_STUDENTS, MOST_CELLS = 80, 3000  # marks; above that, bars
MOST_WORDS = 600  # cells of a table with a word each; above that, counts
BAR: Final = 400
NAMED: Final = 3

# drawn from the cell's upper left corner, 8 by 8
SHAPES: Final[Mapping[str, str]] = {
    "same": "h8v8h-8z",
    "new": "m4 0l4 8h-8z",
    "changed": "m4 0l4 4l-4 4l-4-4z",
    "withdrawn": "m0 3h8v2h-8z",
    "edited": "m0 4a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "problem": "m0 2l2-2 2 2 2-2 2 2-2 2 2 2-2 2-2-2-2 2-2-2 2-2z",
    "refused": "h8v8h-8zm2 2v4h4v-4z",
    "waiting": "v8h8z",
    "held": "m2 2h4v4h-4z",
    "pending": "m3 0h2v8h-2z",
    "not_graded": "m3 3h2v2h-2z",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One state within a strip or bar: its path, and what it stands for in words."""

    state: str
    path: str
    title: str


@dataclass(frozen=True, slots=True)
class Strip:
    item: str
    summary: str
    marks: Sequence[Mark]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the legend."""

    state: str
    text: wording.Text
    count: int
    path: str


@dataclass(frozen=True, slots=True)
class Drawing:
    width: int
    strips: Sequence[Strip]
    legend: Sequence[Key]
    students: Sequence[str]
    # a word per student and item, or empty where that would be too many
    words: Sequence[tuple[str, Sequence[wording.Text]]]

    @property
    def shown_width(self) -> int:
        """In pixels, where there is room."""
        return self.width * 7 // 5

    @property
    def table(self) -> list[tuple[str, list[int]]]:
        """Per item the count of each state of the legend."""
        return [
            (strip.item, [strip.counts.get(key.state, 0) for key in self.legend]) for strip in self.strips
        ]


def drawing_of(seen: Seen) -> Drawing | None:
    """The map of what was last read; None where no student or no linked assignment was seen."""
    students, items, rows = seen.map()
    if not rows or not items:
        return None
    small = len(students) <= MOST_STUDENTS and len(students) * len(items) <= MOST_CELLS
    strips = []
    for place, item in enumerate(items):
        column = "".join(row[place] for row in rows)
        counts = course_map.counts([column])
        marks = _marks(column, students) if small else _bar(counts, len(column))
        strips.append(Strip(item, in_words(counts), marks, counts))
    return Drawing(
        width=CELL * len(students) if small else BAR,
        strips=strips,
        legend=legend(course_map.counts(rows)),
        students=students,
        words=_words(students, rows) if len(students) * len(items) <= MOST_WORDS else [],
    )


def legend(counts: Mapping[str, int]) -> list[Key]:
    return [
        Key(state, wording.MAP_STATES[state], count, f"M1 1{SHAPES[state]}" if state in SHAPES else "")
        for state, count in counts.items()
    ]


def in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {wording.MAP_STATES[state]}" for state, count in counts.items())


def _marks(column: str, students: Sequence[str]) -> list[Mark]:
    """One path per state, with a mark at each of its students."""
    marks = []
    for letter, state in course_map.STATES.items():
        places = [place for place, one in enumerate(column) if one == letter]
        if places and state in SHAPES:
            path = "".join(f"M{place * CELL + 1} 1{SHAPES[state]}" for place in places)
            marks.append(Mark(state, path, _who(state, [students[place] for place in places])))
    return marks


def _who(state: str, names: Sequence[str]) -> str:
    said = ", ".join(names[:NAMED])
    more = len(names) - NAMED
    if more > 0:
        said = ngettext("%(names)s and %(count)d more", "%(names)s and %(count)d more", more) % {
            "names": said,
            "count": more,
        }
    return f"{wording.MAP_STATES[state]}: {said}"


def _bar(counts: Mapping[str, int], total: int) -> list[Mark]:
    """A segment per state, as long as its share, with the state's shape at its beginning where it fits."""
    ends = [BAR * end // total for end in accumulate(counts.values())]
    marks = []
    for (state, count), start, end in zip(counts.items(), [0, *ends], ends, strict=False):
        if state in SHAPES:
            shape, line = "", start
            if end - start > CELL:  # room for the state's own shape, and the line behind it
                shape, line = f"M{start} 1{SHAPES[state]}", start + CELL
            length = max(end - line - 1, 1)
            path = f"{shape}M{line} 3h{length}v4h-{length}z"
            marks.append(Mark(state, path, f"{count} {wording.MAP_STATES[state]}"))
    return marks


def _words(students: Sequence[str], rows: Sequence[str]) -> list[tuple[str, list[wording.Text]]]:
    words = {letter: wording.MAP_STATES[state] for letter, state in course_map.STATES.items()}
    return [(name, [words[letter] for letter in row]) for name, row in zip(students, rows, strict=True)]
