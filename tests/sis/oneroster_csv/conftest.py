"""A SIS that takes OneRoster zips in and gives one out: read and written here with nothing of the adapter's."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gradesync_site.sandbox.sis.sftp import HOST_KEY, PASSWORD, USER, SftpSandbox, serve
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.oneroster_csv import OneRosterCsv
from sync.sis.oneroster_csv.sftp import fingerprint

CLASS, EMPTY = "class-1", "class-2"
STUDENTS = [f"s{number:02d}" for number in range(1, 8)]
NONE: frozenset[sis.Value | None] = frozenset({None})
DAY = date(2026, 2, 1)
ROSTER = {
    "classes": [
        {"sourcedId": CLASS, "title": "Biology", "classCode": "B1", "schoolSourcedId": "school", "termSourcedIds": "t1,t2"},
        {"sourcedId": EMPTY, "title": "Nobody's", "schoolSourcedId": "school", "termSourcedIds": ""},
    ],
    "users": [
        {
            "sourcedId": one, "enabledUser": "true", "username": f"user-{one}", "givenName": "Zoë", "familyName": "Łukasz",
            "identifier": f"N{one}", "email": f"{one}@school.example", "userIds": "{state:77},{Fed:a}", "role": "student",
        }
        for one in STUDENTS
    ] + [{"sourcedId": "t", "enabledUser": "false", "givenName": "Tea", "familyName": "Cher", "role": "teacher"}],
    "enrollments": [
        {"sourcedId": f"e-{one}", "classSourcedId": CLASS, "userSourcedId": one, "role": "student"} for one in STUDENTS
    ] + [
        {"sourcedId": "e-t", "classSourcedId": CLASS, "userSourcedId": "t", "role": "teacher"},
        {"sourcedId": "e-gone", "classSourcedId": EMPTY, "userSourcedId": "s01", "role": "student", "status": "tobedeleted"},
        {"sourcedId": "e-odd", "classSourcedId": EMPTY, "userSourcedId": "nobody", "role": "student"},
    ],
    "academicSessions": [
        {"sourcedId": "t1", "title": "Spring", "type": "term", "startDate": "2026-01-10", "endDate": "2026-06-30"},
        {
            "sourcedId": "p1", "title": "Q3", "type": "gradingPeriod", "startDate": "2026-01-10", "endDate": "2026-03-31",
            "parentSourcedId": "t1",
        },
        {"sourcedId": "other", "title": "Autumn", "type": "term", "startDate": "bad", "endDate": ""},
    ],
    "categories": [{"sourcedId": "cat", "title": "Homework", "weight": "40"}],
    "scoreScales": [
        {"sourcedId": "scale", "title": "Letters", "type": "letter", "classSourcedId": CLASS, "scoreScaleValue": "{A:A},{B:B}"}
    ],
    "lineItems": [
        {
            "sourcedId": f"li-{number}", "title": f"Essay {number}", "classSourcedId": CLASS, "categorySourcedId": "cat",
            "assignDate": "2026-01-12", "dueDate": "2026-02-01", "resultValueMin": "0", "resultValueMax": "100",
            "academicSessionSourcedId": "p1", "gradingPeriodSourcedId": "p1", "schoolSourcedId": "school",
        }
        for number in (1, 2)
    ],
    "lineItemScoreScales": [{"sourcedId": "link", "lineItemSourcedId": "li-2", "scoreScaleSourcedId": "scale"}],
}  # fmt: skip


def zip_of(files: Mapping[str, list[dict[str, str]]], manifest: Mapping[str, str] | None = None) -> bytes:
    """`manifest`: what is stated of a file; None: no manifest at all."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        if manifest is not None:
            lines = ["propertyName,value", *(f"file.{name},{mode}" for name, mode in manifest.items())]
            archive.writestr("manifest.csv", "\ufeff" + "\r\n".join(lines))
        for name, rows in files.items():
            text = io.StringIO(newline="")
            columns = dict.fromkeys(column for row in rows for column in row)
            writer = csv.DictWriter(text, list(columns))
            writer.writeheader()
            writer.writerows(rows)
            archive.writestr(f"{name}.csv", text.getvalue())
    return content.getvalue()


def files_of(content: bytes) -> dict[str, list[dict[str, str]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name.removesuffix(".csv"): list(
                csv.DictReader(io.StringIO(archive.read(name).decode(), newline=""))
            )
            for name in archive.namelist()
        }


@dataclass
class Importer:
    """The SIS's nightly job: takes each new zip in the folder, by name, and knows its own students only."""

    folder: Path
    results: dict[str, dict[str, str]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def run(self) -> None:
        for path in sorted(self.folder.glob("*.zip")):
            if path.name != "rosters.zip" and path.name not in self.taken:
                self.taken |= set() if path.name == "gradesync-1.zip" else {path.name}
                self._take(files_of(path.read_bytes()))

    def _take(self, files: Mapping[str, list[dict[str, str]]]) -> None:
        stated = {row["propertyName"]: row["value"] for row in files["manifest"]}
        if stated["file.results"] == "bulk":
            self.results.clear()
        for row in files.get("results", []):
            assert bool(row["status"]) is bool(row["dateLastModified"]) is (stated["file.results"] == "delta")
            self.results.pop(row["sourcedId"], None)
            if row["status"] != "tobedeleted" and row["studentSourcedId"] in STUDENTS:
                self.results[row["sourcedId"]] = row

    def values(self, items: Mapping[str, str]) -> dict[sis.Key, sis.Value | None]:
        """By key; `items` says the class of each line item."""
        self.run()
        found: dict[sis.Key, sis.Value | None] = {}
        for row in self.results.values():
            key = sis.Key(
                "1", items[row["lineItemSourcedId"]], row["lineItemSourcedId"], row["studentSourcedId"]
            )
            assert key not in found, "two results for one pair"
            found[key] = _value(row)
        return found


def _value(row: Mapping[str, str]) -> sis.Value:
    flags = frozenset(flag for flag in sis.FLAGS if row.get(flag) == "true")
    score = Decimal(row["score"]) if row["score"] else None
    return sis.Value(score, row.get("textScore") or None, row["scoreStatus"], flags)


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.OUTBOUND_FOLDERS = (str(tmp_path),)
    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1"})
    made = tmp_path / "sis"
    made.mkdir()
    (made / "rosters.zip").write_bytes(zip_of(ROSTER, dict.fromkeys(ROSTER, "bulk")))
    return made


@pytest.fixture
def server(folder: Path) -> Iterator[SftpSandbox]:
    with serve(folder) as sandbox:
        yield sandbox


def by_folder(folder: Path, **options: str) -> OneRosterCsv:
    return OneRosterCsv(
        Settings("1", "", options={"folder": str(folder), "roster": "rosters.zip", **options})
    )


def by_sftp(server: SftpSandbox, secret: str = PASSWORD, user: str = USER, **options: str) -> OneRosterCsv:
    given = {"sftp": server.address, "host_key": fingerprint(HOST_KEY), "roster": "rosters.zip", **options}
    return OneRosterCsv(Settings("1", "", client_id=user, secret=secret, options=given))


def change(student: str, after: sis.Value | None, item: str = "li-1", **more: object) -> sis.Change:
    key = sis.Key("1", CLASS, item, student)
    return sis.Change(key, None, after, NONE, new_id=f"new-{item}-{student}", score_date=DAY, **more)  # type: ignore[arg-type]


def score(text: str) -> sis.Value:
    return sis.Value(Decimal(text))


def states(of: OneRosterCsv, *changes: sis.Change) -> list[tuple[str, str]]:
    return [(outcome.state, outcome.code) for _, outcome in of.push(changes)]
