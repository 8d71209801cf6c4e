"""The zips of OneRoster's CSV binding, 1.1 and 1.2: which files, which columns in which order, and the manifest. Pure.

https://www.imsglobal.org/spec/oneroster/v1p2/bind/csv and https://www.imsglobal.org/oneroster-v11-final-csv-tables
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Final, Literal

Row = Mapping[str, str]
Mode = Literal["bulk", "delta"]

COMMON: Final = ("sourcedId", "status", "dateLastModified")
HEADERS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "1.1": {
        "categories": (*COMMON, "title"),
        "lineItems": (
            *COMMON,
            *("title", "description", "assignDate", "dueDate", "classSourcedId", "categorySourcedId"),
            *("gradingPeriodSourcedId", "resultValueMin", "resultValueMax"),
        ),
        "results": (
            *COMMON,
            *("lineItemSourcedId", "studentSourcedId", "scoreStatus", "score", "scoreDate", "comment"),
        ),
    },
    "1.2": {
        "categories": (*COMMON, "title", "weight"),
        "lineItems": (
            *COMMON,
            *("title", "description", "assignDate", "dueDate", "classSourcedId", "categorySourcedId"),
            *("academicSessionSourcedId", "resultValueMin", "resultValueMax", "schoolSourcedId"),
        ),
        "results": (
            *COMMON,
            *("lineItemSourcedId", "studentSourcedId", "scoreStatus", "score", "scoreDate", "comment"),
            *("textScore", "classSourcedId", "inProgress", "incomplete", "late", "missing"),
        ),
        "scoreScales": (
            *COMMON,
            *("title", "type", "orgSourcedId", "courseSourcedId", "classSourcedId", "scoreScaleValue"),
        ),
        "lineItemScoreScales": (*COMMON, "title", "lineItemSourcedId", "scoreScaleSourcedId"),
        "resultScoreScales": (*COMMON, "title", "resultSourcedId", "scoreScaleSourcedId"),
    },
}
OLD_FILES: Final = (
    *("academicSessions", "categories", "classes", "classResources", "courses", "courseResources"),
    *("demographics", "enrollments", "lineItems", "orgs", "resources", "results", "users"),
)
NEW_FILES: Final = (
    *(
        "lineItemLearningObjectiveIds",
        "lineItemScoreScales",
        "resultLearningObjectiveIds",
        "resultScoreScales",
    ),
    *("roles", "scoreScales", "userProfiles", "userResources"),
)
# what a manifest of this version has a line for
FILES: Final = {"1.1": OLD_FILES, "1.2": tuple(sorted((*OLD_FILES, *NEW_FILES), key=str.lower))}
# unpacked, all files together: far more than a district's rosters, far less than a worker's memory
MOST_BYTES: Final = 400 * 1024 * 1024


class Unreadable(Exception):
    """The zip is none, or not one of this binding. The text says what is wrong with it, without any of its content."""


@dataclass(frozen=True, slots=True)
class Book:
    """Rows by file and sourcedId. In `status` stands “tobedeleted”, or nothing."""

    tables: Mapping[str, Mapping[str, Row]] = field(default_factory=dict)

    def rows(self, name: str) -> Mapping[str, Row]:
        return self.tables.get(name, {})

    def having(self, name: str, rows: Iterable[Row]) -> Book:
        """With these rows, each in the place of the one of its id; a row “tobedeleted” takes it away."""
        table = dict(self.rows(name))
        for row in rows:
            if row.get("status") == "tobedeleted":
                table.pop(row["sourcedId"], None)
            else:
                table[row["sourcedId"]] = row
        return Book({**self.tables, name: table})

    def over(self, changes: Book) -> Book:
        """After `changes`, as one who reads a delta keeps what it does not name."""
        book = self
        for name, rows in changes.tables.items():
            book = book.having(name, rows.values())
        return book


def instant(at: datetime) -> str:
    """The binding's date-time: in UTC, with milliseconds."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def packed(book: Book, version: str, mode: Mode, now: datetime, system: str) -> bytes:
    """The whole zip. Of a bulk zip every file of the gradebook is there, of a delta those with rows.

    In bulk files status and dateLastModified stay empty, in delta files both are required.
    """
    headers = HEADERS[version]
    chosen = [name for name in headers if mode == "bulk" or book.rows(name)]
    files = {"manifest": _text(_manifest(version, mode, chosen, system))}
    for name in chosen:
        files[name] = _text(
            chain([headers[name]], _lines(_sorted(book, name), headers[name], mode, instant(now)))
        )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            stamp = now.astimezone(UTC).timetuple()[:6]
            member = zipfile.ZipInfo(f"{name}.csv", stamp)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, text.encode())
    return content.getvalue()


def _manifest(version: str, mode: Mode, chosen: Iterable[str], system: str) -> list[tuple[str, str]]:
    there = set(chosen)
    return [
        ("propertyName", "value"),
        ("manifest.version", "1.0"),
        ("oneroster.version", version),
        *((f"file.{name}", mode if name in there else "absent") for name in FILES[version]),
        ("source.systemName", system),
    ]


def _sorted(book: Book, name: str) -> list[Row]:
    rows = book.rows(name)
    return [rows[key] for key in sorted(rows)]


def _lines(rows: Iterable[Row], header: Sequence[str], mode: Mode, at: str) -> Iterator[list[str]]:
    own = header[len(COMMON) :]
    blank = ("",) * len(own)
    for row in rows:
        stated = [row.get("status") or "active", at] if mode == "delta" else ["", ""]
        yield [row["sourcedId"], *stated, *map(row.get, own, blank)]


def _text(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def unpacked(content: bytes, wanted: Iterable[str]) -> Book:
    """The rows of the `wanted` files that a bulk zip has; those “tobedeleted” are left out. Raises Unreadable."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {one.filename.rpartition("/")[2]: one for one in archive.infolist()}
            if sum(one.file_size for one in members.values()) > MOST_BYTES:
                raise Unreadable(f"unpacked it is larger than {MOST_BYTES // 1024 // 1024} MB")
            modes = _modes(archive, members)
            return Book(
                {name: _table(archive, members, name) for name in wanted if modes.get(name) == "bulk"}
            )
    except (zipfile.BadZipFile, UnicodeDecodeError, csv.Error, NotImplementedError, RuntimeError):
        raise Unreadable("it is no readable zip of CSV files in UTF-8") from None


def _modes(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> dict[str, str]:
    """file name to bulk; a delta cannot stand alone. Without a manifest (OneRoster 1.0) all files are bulk."""
    if "manifest.csv" not in members:
        return {name.removesuffix(".csv"): "bulk" for name in members}
    stated = {
        row.get("propertyName", "").removeprefix("file."): row.get("value", "").strip().lower()
        for row in _rows(archive, members["manifest.csv"])
        if row.get("propertyName", "").startswith("file.")
    }
    if "delta" in stated.values():
        raise Unreadable("it is a delta, and only a bulk zip says who is in a class")
    return {name: mode for name, mode in stated.items() if f"{name}.csv" in members}


def _table(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], name: str) -> dict[str, Row]:
    rows = _rows(archive, members[f"{name}.csv"])
    return {
        row["sourcedId"]: row
        for row in rows
        if row.get("sourcedId") and row.get("status", "").lower() not in ("tobedeleted", "inactive")
    }


def _rows(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> list[dict[str, str]]:
    # no further than the size that was stated and checked: reading ends there, whatever is packed
    with archive.open(member) as packed_file:
        text = packed_file.read(member.file_size + 1).decode("utf-8-sig")
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    return [{key.strip(): value.strip() for key, value in row.items() if key} for row in reader]
