"""Files that registrars publish the form of, and the options of a connection.

From institutions' own registrar pages: Banner Faculty Grade Entry (VCU, PDX, Rowan, Richmond, UIC), PeopleSoft grade
rosters (Connecticut; Minnesota), Michigan State. Each site may have changed its own: compare with a template of yours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from sync.errors import Misconfigured
from sync.options import Option
from sync.sis.base import Settings
from sync.sis.modes import ATTENDANCE, LAPSE, OWN_CODES, codes_of
from sync.sis.registrar_file.columns import Column, parse
from sync.sis.registrar_file.reports import ReportForm, form_of

ENCODINGS: Final = ("utf-8", "utf-8-sig", "latin-1")
PRESETS: Final[Mapping[str, Mapping[str, str]]] = {
    "banner": {
        "format": "xlsx",
        "columns": "Term Code=term; CRN=section; Student ID=student_id; Final Grade=grade; "
        "Last Attended Date=last_attended; Incomplete Final Grade=lapses_to; Extension Date=extended_to",
    },
    "peoplesoft_uconn": {
        "columns": "Term=term once; Class Number=section once; ID=student_id; Grade=grade",
        "upper": "yes",
    },
    "peoplesoft_minnesota": {
        "columns": "ID=student_id; Grade=grade; Last participation=last_attended for F, N",
        "header": "no",
        "needs_attendance": "F, N",
    },
    "michigan_state": {
        "columns": "Term=term; Subj_Code=subject; Crse_Code=course; Sctn_Code=section; PID=student_id; Grade=grade; "
        "Reason='NR'; Date=last_attended",
    },
}
OPTIONS: Final = (
    Option(
        "preset", "", "A published form to begin with; the other options change it.", ("", *sorted(PRESETS))
    ),
    Option(
        "columns",
        "",
        "Heading=field, apart by semicolons: “Term Code=term; CRN=section; Student ID=student_id; Final Grade=grade”. A "
        "word in quotes is constant (Reason='NR'), “for F, NP” fills it for these grades only, “once” in the first row only.",
    ),
    Option("format", "", "csv or xlsx (every cell as text). Empty: csv.", ("", "csv", "xlsx")),
    Option("header", "", "Whether the first row holds the headings. Empty: yes.", ("", "yes", "no")),
    Option("upper", "", "Letters in capitals. Empty: as in the LMS.", ("", "no", "yes")),
    Option("date_format", "%m/%d/%Y", "How dates are written, as in strftime."),
    Option("line_end", "crlf", "How CSV lines end.", ("crlf", "lf")),
    Option("encoding", "utf-8", "Encoding of CSV files.", ENCODINGS),
    Option(
        "grades",
        "final",
        "Grades that are uploaded this way, apart by commas: final, midterm, midterm-2, ...",
    ),
    Option("students", "500", "Most rows of one file."),
    Option(
        "report_columns",
        "",
        "The columns of the report that the SIS gives about an upload, which a teacher may bring back: “Student ID=student_id; "
        "Status=outcome; Message=message”. Without an outcome, a message is a refusal. Empty: by their usual headings.",
    ),
    Option(
        "report_accepted",
        "accepted, ok, success, successful, valid, imported, loaded, saved, y, yes",
        "What the report's outcome says of a grade that was taken, apart by commas.",
    ),
    Option(
        "report_refused",
        "rejected, refused, error, errors, failed, failure, invalid, not imported, n, no",
        "What it says of a grade that was not taken.",
    ),
    OWN_CODES,
    ATTENDANCE,
    LAPSE,
)


@dataclass(frozen=True, slots=True)
class Config:
    columns: tuple[Column, ...]
    format: Literal["csv", "xlsx"]
    header: bool
    upper: bool
    date_format: str
    line_end: str
    encoding: str
    grades: tuple[str, ...]
    rows: int
    own_codes: frozenset[str]
    needs_attendance: frozenset[str]
    needs_lapse: frozenset[str]
    report: ReportForm

    @property
    def carries(self) -> frozenset[str]:
        """What travels beside a grade, as far as there is a column for it."""
        fields = {one.field for one in self.columns}
        attended = {"last_attendance"} if "last_attended" in fields else set()
        lapses = {"incomplete"} if {"lapses_to", "extended_to"} <= fields else set()
        return frozenset(attended | lapses)


def read(settings: Settings) -> Config:
    """Raises Misconfigured for options that make no sense."""
    preset = PRESETS.get(settings.options.get("preset", ""), {})
    given = {
        one.name: settings.options.get(one.name) or preset.get(one.name) or one.default for one in OPTIONS
    }
    grades = tuple(sorted(codes_of(given["grades"])))
    if not given["columns"]:
        raise _wrong("columns", "they are not said, nor a preset that has them")
    if not grades:
        raise _wrong("grades", "no kind of grade is named")
    if not given["students"].isdecimal() or not 1 <= int(given["students"][:7]) <= 100_000:
        raise _wrong("students", "it is no number from 1 to 100000")
    return Config(
        columns=parse(given["columns"]),
        format="xlsx" if given["format"] == "xlsx" else "csv",
        header=given["header"] != "no",
        upper=given["upper"] == "yes",
        date_format=given["date_format"],
        line_end="\n" if given["line_end"] == "lf" else "\r\n",
        encoding=given["encoding"],
        grades=grades,
        rows=int(given["students"]),
        own_codes=codes_of(given["own_codes"]),
        needs_attendance=codes_of(given["needs_attendance"]),
        needs_lapse=codes_of(given["needs_lapse"]),
        report=form_of(given["report_columns"], given["report_accepted"], given["report_refused"]),
    )


def _wrong(name: str, why: str) -> Misconfigured:
    text = f"The option “{name}” of the connection cannot be used: {why}. An administrator must correct it."
    return Misconfigured(text, "option_unusable")
