"""Who is in which class, from the SIS's own zip; and zips that are none."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path

import pytest

from sync.errors import Misconfigured
from sync.sis import records as sis
from sync.sis.oneroster_csv import rows, tables
from tests.sis.oneroster_csv.conftest import CLASS, EMPTY, ROSTER, by_folder, zip_of


def put(folder: Path, content: bytes) -> None:
    (folder / "rosters.zip").write_bytes(content)


def test_a_class_has_its_school_terms_and_people(folder: Path) -> None:
    of = by_folder(folder)
    assert of.get_class(CLASS) == sis.Class(CLASS, "Biology", "school", "", "B1", ("t1", "t2"))
    first = of.students(CLASS)[0]
    expected = sis.Person(
        "s01", "Zoë", "Łukasz", "Ns01", "user-s01", "s01@school.example", (("state", "77"), ("Fed", "a"))
    )
    assert first == expected
    (teacher,) = of.teachers(CLASS)
    assert (teacher.sourced_id, teacher.active) == ("t", False)
    assert [one.sourced_id for one in of.classes_of_teacher("t")] == [CLASS]
    assert of.students(EMPTY) == []


def test_grading_periods_come_before_the_term_they_are_in(folder: Path) -> None:
    of = by_folder(folder)
    assert [(one.sourced_id, one.begins) for one in of.sessions(CLASS)] == [
        ("p1", date(2026, 1, 10)),
        ("t1", date(2026, 1, 10)),
    ]
    assert of.sessions("no-such-class") == [] == of.sessions(EMPTY)


def test_the_sis_own_columns_and_scales_are_seen(folder: Path) -> None:
    of = by_folder(folder)
    assert [(one.sourced_id, one.score_scale_id) for one in of.line_items(CLASS)] == [
        ("li-1", ""),
        ("li-2", "scale"),
    ]
    assert of.score_scales(CLASS) == [sis.ScoreScale("scale", "Letters", (("A", "A"), ("B", "B")))]


def test_a_connection_check_counts_what_the_roster_holds(folder: Path) -> None:
    found = by_folder(folder).check()
    assert [one.title for one in found] == ["Files", "Folder", "Roster"] and found[
        2
    ].text == "2 classes, 8 users."
    (folder / "rosters.zip").unlink()
    missing = by_folder(folder).check()[-1]
    assert not missing.ok and "classes.csv" in missing.text


def test_files_without_a_manifest_are_whole_and_may_lie_in_a_folder(folder: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive, zipfile.ZipFile(io.BytesIO(zip_of(ROSTER))) as plain:
        for name in plain.namelist():
            archive.writestr(f"export/{name}", plain.read(name))
    put(folder, content.getvalue())
    assert len(by_folder(folder).students(CLASS)) == 7


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"no zip", "no readable zip"),
        (zip_of(ROSTER, dict.fromkeys(ROSTER, "delta")), "delta"),
        (zip_of(ROSTER, dict.fromkeys(ROSTER, "bulk") | {"users": "absent"}), "users.csv"),
        (zip_of({"users": []}, {"classes": "bulk", "enrollments": "bulk", "users": "bulk"}), "classes.csv"),
    ],
)
def test_a_zip_that_is_no_roster_stops_the_run_and_says_why(folder: Path, content: bytes, word: str) -> None:
    """§6.4: a broken roster is never taken for an empty class."""
    put(folder, content)
    with pytest.raises(Misconfigured, match=word):
        by_folder(folder).students(CLASS)


def test_a_zip_in_another_encoding_is_not_guessed_at(folder: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("users.csv", "sourcedId,givenName\n1,Zoë\n".encode("latin-1"))
    put(folder, content.getvalue())
    with pytest.raises(Misconfigured, match="UTF-8"):
        by_folder(folder).students(CLASS)


def test_a_zip_that_unpacks_to_more_than_memory_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_BYTES", 100)
    with pytest.raises(tables.Unreadable, match="larger"):
        tables.unpacked(zip_of(ROSTER), ["users"])


@pytest.mark.parametrize("text", ["", "A", "NaN", "1e999999", "1e-999"])
def test_what_is_no_number_of_a_gradebook_is_none(text: str) -> None:
    assert rows.number(text) is None


def test_a_column_without_a_day_has_none() -> None:
    assert rows.line_item({"sourcedId": "x", "dueDate": "soon"}).due is None
