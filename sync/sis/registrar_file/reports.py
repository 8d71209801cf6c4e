"""A report that the registrar's SIS makes of an uploaded file, as a person brings it back: CSV or XLSX, by its headings.

No vendor publishes the form of its report, so headings and words are options; what they do not explain is refused
aloud, for a guess here would say of a grade that it stands where it does not.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from sync.errors import Misconfigured, RejectionCode
from sync.sis import records as sis
from sync.sis.base import UnreadableReport

FIELDS: Final = ("student_id", "outcome", "message")
MOST_LINES: Final = 20_000
MOST_UNPACKED: Final = 100 * 1024 * 1024
USUAL: Final[Mapping[str, frozenset[str]]] = {
    "student_id": frozenset({"student id", "studentid", "student_id", "id", "pid", "emplid", "banner id", "student number"}),
    "outcome": frozenset({"outcome", "status", "result", "import status"}),
    "message": frozenset({"message", "messages", "error", "errors", "error message", "reason", "description", "comment"}),
}  # fmt: skip
# Ellucian's own list, as D2L publishes it for grades sent to Banner and Colleague
GE: Final[Mapping[str, RejectionCode]] = {
    "GE01": "student_unknown",
    "GE02": "class_unknown",
    "GE03": "not_gradable",
    "GE04": "not_enrolled",
    "GE05": "not_gradable",
    "GE06": "not_gradable",
    "GE07": "not_gradable",
    "GE08": "grade_not_in_scale",
    "GE09": "frozen",
    "GE11": "not_your_class",
}
SAME_ALREADY: Final = "GE10"


@dataclass(frozen=True, slots=True)
class ReportForm:
    """Heading (in lower case) by field, where the connection names them; the words of an outcome, in lower case."""

    headings: Mapping[str, str] = field(default_factory=dict)
    accepted: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()


def form_of(columns: str, accepted: str, refused: str) -> ReportForm:
    """Raises Misconfigured for columns that cannot be read."""
    headings = dict(_heading(part) for part in columns.split(";") if part.strip())
    if headings and ("student_id" not in headings or len(headings) == 1):
        raise _unusable("it needs student_id, and outcome or message")
    return ReportForm(headings, _words(accepted), _words(refused))


def _heading(part: str) -> tuple[str, str]:
    title, _equals, name = (one.strip() for one in part.partition("="))
    if not title or name not in FIELDS:
        raise _unusable(f"“{part.strip()}” cannot be read")
    return name, title.casefold()


def _words(text: str) -> frozenset[str]:
    return frozenset(word for part in text.split(",") if (word := part.strip().casefold()))


def _unusable(why: str) -> Misconfigured:
    text = (
        f"The option “report_columns” of the connection cannot be used: {why}. An administrator must write it as "
        f"Heading=field, apart by semicolons. Fields: {', '.join(FIELDS)}."
    )
    return Misconfigured(text, "columns_unreadable")


def read(content: bytes, form: ReportForm) -> list[sis.Reported]:
    """One entry per student of whom the report says anything. Raises UnreadableReport."""
    rows = _xlsx(content) if content.startswith(b"PK") else _csv(content)
    heading = [cell.casefold() for cell in next(rows, [])]
    places = {name: place for name in FIELDS if (place := _place(name, heading, form)) is not None}
    if "student_id" not in places or len(places) == 1:
        raise UnreadableReport(
            "The first row of this file must name a column with the student's id and one with an outcome or a message. "
            "An administrator can name their headings in the connection."
        )
    found: dict[str, sis.Outcome] = {}
    for number, row in enumerate(rows, start=1):
        if number > MOST_LINES:
            raise UnreadableReport(f"This report has more than {MOST_LINES} lines: bring it in parts.")
        cells = {name: row[place] if place < len(row) else "" for name, place in places.items()}
        outcome = _outcome(cells.get("outcome", ""), cells.get("message", ""), form)
        if cells["student_id"] and outcome is not None:
            found[cells["student_id"]] = _worse(found.get(cells["student_id"]), outcome)
    return [sis.Reported(student_id, outcome) for student_id, outcome in found.items()]


def _place(name: str, heading: Sequence[str], form: ReportForm) -> int | None:
    wanted = {form.headings[name]} if name in form.headings else USUAL[name]
    if form.headings and name not in form.headings:
        return None
    return next((place for place, title in enumerate(heading) if title in wanted), None)


def _outcome(said: str, message: str, form: ReportForm) -> sis.Outcome | None:
    word = said.casefold()
    if SAME_ALREADY in f"{said} {message}":
        return sis.Outcome("accepted", words=message)
    if word in form.accepted:
        return sis.Outcome("accepted", words=message)
    if word and word not in form.refused:
        raise UnreadableReport(
            f"The report says “{said[:60]}” of a grade, and nothing says what that means. An administrator can add it to the "
            "words for accepted or refused grades in the connection. Nothing was taken over."
        )
    return sis.Outcome("rejected", _code(f"{said} {message}"), message) if word or message else None


def _code(text: str) -> RejectionCode:
    stated = re.search(r"GE\d\d", text)
    return GE.get(stated[0], "not_gradable") if stated else "not_gradable"


def _worse(former: sis.Outcome | None, outcome: sis.Outcome) -> sis.Outcome:
    """Several lines on one student: a refusal counts, whatever the others say."""
    return former if former is not None and former.state == "rejected" else outcome


# --- rows of text -----------------------------------------------------------------------------------------------


def _csv(content: bytes) -> Iterator[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    rows = csv.reader(io.StringIO(text.replace("\x00", ""), newline=""), delimiter=delimiter)
    try:
        yield from map(_plain, rows)
    except csv.Error as error:
        raise UnreadableReport(
            "This file cannot be read as CSV. Save the report as CSV or XLSX, and try again."
        ) from error


def _xlsx(content: bytes) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(one.file_size for one in packed.infolist()) > MOST_UNPACKED:
                raise UnreadableReport("This workbook is too large to be a report.")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = [
            _plain(["" if cell is None else str(cell) for cell in row])
            for row in islice(sheet.iter_rows(values_only=True), MOST_LINES + 2)
        ]
    except (zipfile.BadZipFile, InvalidFileException, KeyError, IndexError, ValueError, TypeError) as error:
        raise UnreadableReport(
            "This file cannot be read as a workbook. Save the report as CSV or XLSX, and try again."
        ) from error
    yield from rows


def _plain(row: Iterable[str]) -> list[str]:
    """Trimmed, without the mark by which a spreadsheet is kept from seeing a formula."""
    return [cell.strip().removeprefix("'") for cell in row]
