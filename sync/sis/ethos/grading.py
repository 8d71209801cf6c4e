"""What a registration may get, and which kinds of grade there are: read once, from what the institution says. No I/O.

Shapes: section-registrations 16, section-grade-types 6, grade-schemes 6, grade-definitions 6 and
section-registrations-grade-options 1.0.0 of Ellucian's published data model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sync.sis import records as sis
from sync.sis.ethos.options import Config
from sync.sis.ethos.rows import Row, part, reference, rows_in

AUDIT: Final = "audit"
Attendance = Literal["no", "optional", "required"]


@dataclass(frozen=True, slots=True)
class GradeType:
    """One kind of grade of the institution: a midterm, the final."""

    guid: str
    code: str
    title: str

    def is_called(self, name: str) -> bool:
        return name in (self.code.casefold(), self.title.casefold())


def read_type(row: Row) -> GradeType:
    title = str(row.get("title") or "")
    return GradeType(str(row["id"]).lower(), str(row.get("code") or title), title)


def final_of(types: Sequence[GradeType], name: str) -> str:
    """The GUID of the final grade's type: of that name, else the only one called final; "" where it is not clear."""
    found = [one for one in types if (one.is_called(name) if name else "final" in _words(one))]
    return found[0].guid if len(found) == 1 else ""


def _words(one: GradeType) -> str:
    return f"{one.code} {one.title}".casefold()


@dataclass(frozen=True, slots=True)
class Definition:
    """One grade of one scheme: the same “P” is another record in each."""

    guid: str
    scheme: str
    text: str


def read_definition(row: Row) -> Definition:
    value = (part(row, "grade") or {}).get("value")
    return Definition(str(row["id"]).lower(), reference(row, "scheme"), str(value or "").strip())


@dataclass(frozen=True, slots=True)
class Choice:
    """One grade that a registration may get, and what must travel with it.

    `default` is the GUID that an incomplete lapses to by the SIS's rule; where `bound`, the instructor cannot choose another.
    """

    guid: str
    text: str
    attendance: Attendance = "no"
    incomplete: bool = False
    default: str = ""
    bound: bool = False

    def allowed(self, *, final: bool, own: frozenset[str]) -> sis.AllowedGrade:
        return sis.AllowedGrade(
            self.text,
            self.guid,
            last_attendance=self.attendance if final else "no",
            lapses="required" if final and self.incomplete else "no",
            ours=self.text not in own,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """One student's registration: whom it is of, what it takes, or the code and words of why it takes nothing."""

    guid: str
    student_id: str
    mode: str = ""
    choices: tuple[Choice, ...] = ()
    refused: str = ""
    words: str = ""

    def choice(self, text: str) -> Choice | None:
        return next((one for one in self.choices if one.text == text), None)

    def text_of(self, guid: str) -> str:
        return next((one.text for one in self.choices if one.guid == guid), "")


def place_by_options(registration: Row, options: Row, texts: Mapping[str, str], config: Config) -> Place:
    """From section-registrations-grade-options: the exact list of this student, and whether her grade is final already."""
    choices = [_choice(one, texts, config) for one in rows_in(options, "grades")]
    title = str((part(options, "studentGradeScheme") or {}).get("title") or "")
    refused, words = "", ""
    if options.get("sectionGradability") == "notGradable":
        refused, words = "not_gradable", "The SIS says that this section is not graded."
    elif options.get("gradeStatus") == "verified":
        refused, words = "frozen", "The SIS has a verified grade for this student already."
    return Place(
        str(registration["id"]).lower(),
        reference(registration, "registrant"),
        _mode(registration, title),
        tuple(one for one in choices if one.text),
        refused,
        words,
    )


def _choice(row: Row, texts: Mapping[str, str], config: Config) -> Choice:
    guid = reference(row, "grade")
    details = part(row, "incompleteGradeDetails")
    return Choice(
        guid,
        str(row.get("value") or "").strip() or texts.get(guid, ""),
        attendance=_attendance(config, required=row.get("lastDateOfAttendanceRequiredness") == "required"),
        incomplete=details is not None,
        default=reference(details or {}, "finalGradeDefault"),
        bound=(details or {}).get("finalGradeDefaultOverridability") == "notOverridable",
    )


def place_by_scheme(
    registration: Row, definitions: Sequence[Definition], schemes: Mapping[str, str], config: Config
) -> Place:
    """Where nobody says what this student may get: all grades of her scheme, with the connection's own rules."""
    scheme = reference(registration, "gradingOption", "gradeScheme")
    choices = tuple(
        Choice(
            one.guid,
            one.text,
            _attendance(config, required=one.text in config.needs_attendance),
            one.text in config.needs_lapse,
        )
        for one in definitions
        if one.scheme == scheme and one.text
    )
    known = bool(scheme and choices)
    return Place(
        str(registration["id"]).lower(),
        reference(registration, "registrant"),
        _mode(registration, schemes.get(scheme, "")),
        choices,
        "" if known else "not_gradable",
        "" if known else "The SIS does not say by which grades this student is graded.",
    )


def _attendance(config: Config, *, required: bool) -> Attendance:
    if required:
        return "required"
    return "optional" if config.any_attendance else "no"


def _mode(registration: Row, scheme: str) -> str:
    """The scheme's title; an audit is one whatever its scheme is called."""
    mode = str((part(registration, "gradingOption") or {}).get("mode") or "")
    return mode if mode == AUDIT else scheme or mode
