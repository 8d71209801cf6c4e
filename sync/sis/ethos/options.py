"""The options of an Ethos connection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sync.errors import Misconfigured
from sync.options import Option
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.modes import ATTENDANCE, LAPSE, MODES, OWN_CODES, codes_of, modes_of

GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
GRADES, SUBMISSIONS = "student-unverified-grades", "student-unverified-grades-submissions"
GRADE_OPTIONS: Final = "section-registrations-grade-options"
# the versions whose published shapes this adapter was written from
VERSIONS: Final[Mapping[str, str]] = {
    "grade-definitions": "6",
    "grade-schemes": "6",
    "persons": "12",
    "section-grade-types": "6",
    "section-instructors": "10",
    "section-registrations": "16",
    GRADE_OPTIONS: "1.0.0",
    "sections": "16",
    GRADES: "1",
    SUBMISSIONS: "1",
}
PRIMARY, SENDER = "primary", "sender"

OPTIONS: Final = (
    Option(
        "versions",
        "",
        "Versions to ask for where the site serves others: “persons=12.3.0, sections=16.1.0”. Empty: "
        + ", ".join(f"{name} {version}" for name, version in VERSIONS.items())
        + ".",
    ),
    Option(
        "grade_types",
        "",
        "Kinds of grade to offer, by their code or title (section-grade-types), apart by commas: FINAL, MID. Empty: all.",
    ),
    Option(
        "final_type",
        "",
        "Code or title of the final grade, which alone carries last attendance and incompletes. Empty: the only one that is "
        "called final.",
    ),
    Option(
        "grade_options",
        "yes",
        f"Ask {GRADE_OPTIONS} what each student may get. A site that does not serve it is asked for its grade schemes and "
        "definitions instead, as with “no”: then nobody says beforehand that a grade is final already.",
        ("yes", "no"),
    ),
    Option(
        "grades_by",
        "section",
        "How the grades that are there are read: one list for the section (its named query), or one request for each student.",
        ("section", "registration"),
    ),
    Option(
        "submitted_by",
        "",
        "Who is named as the submitter: nobody (empty), “primary” (the section's primary instructor), “sender” (the teacher who "
        "sends, by the SIS id that the LMS has of her), or a person's GUID.",
    ),
    Option(
        "attendance",
        "required",
        "With which final grades a last date of attendance goes: those for which the SIS requires one, or any (“optional”; then "
        "a date that stands in the SIS without the grade wanting it counts as a difference).",
        ("required", "optional"),
    ),
    Option(
        "class_field",
        "code",
        "Where a section is looked up when a class is named by something else than its GUID.",
        ("code", "number", "alternateIds"),
    ),
    Option(
        "identifiers",
        "bannerId, colleaguePersonId",
        "Types of credential that identify a person as the LMS knows her, the first that she has, apart by commas.",
    ),
    Option("parallel", "4", "How many requests may be under way at a time."),
    Option("page_limit", "100", "Rows asked for per page; the site may give fewer."),
    MODES,
    OWN_CODES,
    ATTENDANCE,
    # Banner and Colleague want it of every incomplete; where nothing says so, a teacher could not enter it
    replace(LAPSE, default="I"),
)


@dataclass(frozen=True, slots=True)
class Config:
    """One connection's options, read. Codes and titles in lower case."""

    versions: Mapping[str, str]
    grade_types: frozenset[str]
    final_type: str
    ask_options: bool
    by_section: bool
    submitted_by: str
    any_attendance: bool
    class_field: str
    identifiers: tuple[str, ...]
    parallel: int
    page_limit: int
    own_codes: frozenset[str]
    needs_attendance: frozenset[str]
    needs_lapse: frozenset[str]
    modes: Mapping[str, sis.ModeRule] = field(default_factory=dict)

    def profile(self) -> sis.Profile:
        """A grade is one of a closed list: no number, nothing excused, and nothing can be taken back."""
        return sis.Profile(
            texts=True,
            scores=False,
            exempt=False,
            idempotent=False,
            create_line_items=False,
            withdraw=False,
            kinds=frozenset({"course_total"}),
            extras=frozenset({"last_attendance", "incomplete"}),
            preflight=True,
            needs_attendance=self.needs_attendance,
            needs_lapse=self.needs_lapse,
            own_codes=self.own_codes,
            modes=self.modes,
        )


def parse(settings: Settings) -> Config:
    """Raises Misconfigured for options that make no sense."""
    given = {one.name: settings.options.get(one.name) or one.default for one in OPTIONS}
    return Config(
        versions=_versions(given["versions"]),
        grade_types=frozenset(one.casefold() for one in codes_of(given["grade_types"])),
        final_type=given["final_type"].strip().casefold(),
        ask_options=given["grade_options"] == "yes",
        by_section=given["grades_by"] == "section",
        submitted_by=_submitter(given["submitted_by"].strip()),
        any_attendance=given["attendance"] == "optional",
        class_field=given["class_field"],
        identifiers=tuple(part for one in given["identifiers"].split(",") if (part := one.strip())),
        parallel=_number(given, "parallel", 16),
        page_limit=_number(given, "page_limit", 1000),
        own_codes=codes_of(given["own_codes"]),
        needs_attendance=codes_of(given["needs_attendance"]),
        needs_lapse=codes_of(given["needs_lapse"]),
        modes=modes_of(given["modes"]),
    )


def _versions(text: str) -> dict[str, str]:
    found = dict(VERSIONS)
    for part in (one.strip() for one in text.split(",")):
        if part:
            name, _, version = (piece.strip() for piece in part.partition("="))
            if name not in VERSIONS or not re.fullmatch(r"\d+(\.\d+){0,2}", version):
                raise _wrong("versions", f"“{part}” is no version of a resource that is used")
            found[name] = version
    return found


def _submitter(text: str) -> str:
    if text not in ("", PRIMARY, SENDER) and not GUID.fullmatch(text.lower()):
        raise _wrong("submitted_by", "it is neither “primary” nor “sender” nor a GUID")
    return text


def _number(given: Mapping[str, str], name: str, most: int) -> int:
    text = given[name]
    if text.isdecimal() and 1 <= int(text[:6]) <= most:
        return int(text)
    raise _wrong(name, f"it is no whole number from 1 to {most}")


def _wrong(name: str, why: str) -> Misconfigured:
    text = f"The option “{name}” of the connection cannot be used: {why}. An administrator must correct it."
    return Misconfigured(text, "option_unusable")
