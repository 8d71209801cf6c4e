"""The options of an ILP connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sync.errors import Misconfigured
from sync.options import Option
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.modes import ATTENDANCE, LAPSE, OWN_CODES, codes_of

# what the exchange calls each kind of grade
FIELDS: Final[Mapping[str, str]] = {
    "final": "FinalGrade",
    **{f"midterm-{number}": f"MidtermGrade{number}" for number in range(1, 7)},
}
OPTIONS: Final = (
    Option(
        "grades",
        "final, midterm-1",
        "Grades that are sent this way, apart by commas: final, midterm-1 to midterm-6.",
    ),
    Option(
        "modified_by",
        "",
        "The Banner id under which all grades are submitted; Banner takes it only from an instructor of the section. Empty: the "
        "teacher who sends, by the SIS id that the LMS has of her.",
    ),
    Option(
        "time_zone",
        "UTC",
        "The time zone of the Banner server (America/Detroit): days are sent as its midnight.",
    ),
    Option("students", "50", "How many students' grades go in one request."),
    OWN_CODES,
    ATTENDANCE,
    # Banner wants it of every incomplete; where nothing says so, a teacher could not enter it
    replace(LAPSE, default="I"),
)


@dataclass(frozen=True, slots=True)
class Config:
    """One connection's options, read."""

    grades: tuple[str, ...]
    modified_by: str
    zone: ZoneInfo
    students: int
    own_codes: frozenset[str]
    needs_attendance: frozenset[str]
    needs_lapse: frozenset[str]

    def profile(self) -> sis.Profile:
        """It takes letters and tells what became of each; it shows no roster and no grade. The same again changes nothing."""
        return sis.Profile(
            scores=False,
            exempt=False,
            read_back=False,
            idempotent=True,
            create_line_items=False,
            withdraw=False,
            roster=False,
            kinds=frozenset({"course_total"}),
            extras=frozenset({"last_attendance", "incomplete"}),
            own_codes=self.own_codes,
            needs_attendance=self.needs_attendance,
            needs_lapse=self.needs_lapse,
        )


def parse(settings: Settings) -> Config:
    """Raises Misconfigured for options that make no sense."""
    given = {one.name: settings.options.get(one.name) or one.default for one in OPTIONS}
    grades = tuple(one for one in FIELDS if one in codes_of(given["grades"]))
    if not grades or set(grades) != codes_of(given["grades"]):
        raise _wrong("grades", f"it names other kinds than {', '.join(FIELDS)}")
    if not given["students"].isdecimal() or not 1 <= int(given["students"][:7]) <= 1000:
        raise _wrong("students", "it is no number from 1 to 1000")
    return Config(
        grades=grades,
        modified_by=given["modified_by"].strip(),
        zone=_zone(given["time_zone"]),
        students=int(given["students"]),
        own_codes=codes_of(given["own_codes"]),
        needs_attendance=codes_of(given["needs_attendance"]),
        needs_lapse=codes_of(given["needs_lapse"]),
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name.strip())
    # a folder of the zones' own files is an OSError
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong("time_zone", f"“{name}” is no time zone") from None


def _wrong(name: str, why: str) -> Misconfigured:
    text = f"The option “{name}” of the connection cannot be used: {why}. An administrator must correct it."
    return Misconfigured(text, "option_unusable")
