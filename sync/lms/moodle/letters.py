"""Moodle's letters. No service tells their boundaries: an administrator may state them, and is named as the source."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from sync.errors import Misconfigured
from sync.lms import records as lms
from sync.lms.base import fraction, is_sane

# as many as Moodle itself keeps of a boundary
MOST_PLACES: Final = 5
SCHEME_ID: Final = "moodle:letters"
SOURCE: Final = (
    "letter boundaries that an administrator entered in this connection (Moodle does not tell them)"
)


def stated(option: str) -> lms.GradeScheme | None:
    """The option's table, None where it is empty. Raises Misconfigured for one that cannot be used.

    As Moodle applies it: the percentage is cut to 0..100, a boundary that is reached counts, and below all of them
    there is no letter.
    """
    pairs = [part for part in re.split(r"[,;]", option) if part.strip()]
    if not pairs:
        return None
    entries = [_entry(part) for part in pairs]
    names, bounds = {one.name for one in entries}, {one.lower for one in entries}
    if len(names) < len(entries) or len(bounds) < len(entries):
        raise unusable("a letter or a percentage stands twice")
    entries.sort(key=lambda one: one.lower, reverse=True)
    return lms.GradeScheme(
        SCHEME_ID, "Letters", tuple(entries), SOURCE, places=None, below_all="none", clamped=True
    )


def _entry(part: str) -> lms.SchemeEntry:
    name, equals, lowest = (one.strip() for one in part.rpartition("="))
    try:
        percent = Decimal(lowest.removesuffix("%").strip())
    except InvalidOperation:
        raise unusable("a percentage is no number") from None
    fits = is_sane(percent) and 0 <= percent <= 100 and percent == round(percent, MOST_PLACES)
    if not name or not equals or not fits:
        raise unusable("each part must be a letter, “=” and the lowest percentage from 0 to 100")
    return lms.SchemeEntry(name, fraction(percent))


def unusable(why: str) -> Misconfigured:
    text = (
        f"The option “letters” of the connection cannot be used: {why}. An administrator must write it as in "
        "A=93, B=85, C=77, F=0."
    )
    return Misconfigured(text, "option_unusable")
