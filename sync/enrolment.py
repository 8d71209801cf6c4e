"""Who came to a course or a class, and who left, from one read to the next. Pure; kept in the snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypedDict

LMS: Final = "lms"  # the place that is the course itself; classes are named by their link's number
KEPT: Final = timedelta(days=30)
MOST: Final = 300

People = Mapping[str, Mapping[str, str]]  # place -> id -> name


class News(TypedDict):
    """One person who came to a place, or left it, as a read of the moment `at` (ISO) first showed."""

    at: str
    place: str
    id: str
    name: str
    came: bool


def compare(former: People, now: People, at: str) -> list[News]:
    """Who came and who left. A place that was not read both times tells nothing."""
    found: list[News] = []
    for place in sorted(former.keys() & now.keys()):
        before, after = former[place], now[place]
        came = {one: after[one] for one in after.keys() - before.keys()}
        left = {one: before[one] for one in before.keys() - after.keys()}
        for people, has_come in ((came, True), (left, False)):
            found += [
                News(at=at, place=place, id=one, name=people[one], came=has_come) for one in sorted(people)
            ]
    return found


def kept(former: Sequence[News], fresh: Sequence[News], now: datetime) -> list[News]:
    """The newest first, as long as they are news."""
    young = [one for one in former if now - datetime.fromisoformat(one["at"]) <= KEPT]
    return [*fresh, *young][:MOST]
