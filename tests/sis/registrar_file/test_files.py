"""Files as registrars want them: read back with a spreadsheet reader, byte for byte where the form asks for it."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from sync.errors import Misconfigured, Rejected
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.registrar_file import RegistrarFile
from sync.sis.registrar_file.columns import safe

CLASS = "202710/00345"
NONE: frozenset[sis.Value | None] = frozenset({None})
PEOPLE = {
    "00012": sis.Person("00012", "Zoë", "Müller-Łukasz"),
    "00034": sis.Person("00034", "=cmd()", "+1"),
}


def adapter(**options: str) -> RegistrarFile:
    made = RegistrarFile(Settings("1", "", options=options))
    made.people = PEOPLE
    return made


def files(of: RegistrarFile, class_id: str = CLASS, **values: sis.Value | None) -> list[sis.Document]:
    """Sends `s00012=Value`, ... as finals."""
    changes = [
        sis.Change(sis.Key("1", class_id, f"{class_id}#final", name.removeprefix("s")), None, value, NONE)
        for name, value in values.items()
    ]
    assert {outcome.state for _, outcome in of.push(changes)} == {"delivered"}
    return of.documents


def text(grade: str, **extras: object) -> sis.Value:
    return sis.Value(text=grade, extras=sis.Extras(**extras) if extras else None)  # type: ignore[arg-type]


def csv_of(of: RegistrarFile, **values: sis.Value | None) -> str:
    (document,) = files(of, **values)
    return document.content.decode()


def test_banner_wants_a_spreadsheet_whose_ids_keep_their_zeros() -> None:
    of = adapter(preset="banner")
    extras = {"lapses_to": "F", "extended_to": date(2027, 1, 31), "last_attended": date(2026, 10, 14)}
    (document,) = files(of, s00012=text("I", **extras), s00034=text("A-"))
    assert document.name == "202710-00345-final.xlsx"
    sheet = load_workbook(io.BytesIO(document.content)).active
    assert sheet is not None
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0] == [
        "Term Code",
        "CRN",
        "Student ID",
        "Final Grade",
        "Last Attended Date",
        "Incomplete Final Grade",
        "Extension Date",
    ]
    assert rows[1] == ["202710", "00345", "00012", "I", "10/14/2026", "F", "01/31/2027"]
    assert rows[2][:4] == ["202710", "00345", "00034", "A-"]
    assert {cell.data_type for row in sheet.iter_rows(min_row=2, max_col=4) for cell in row} == {"s"}


def test_connecticut_names_term_and_class_in_the_first_row_only_and_letters_in_capitals() -> None:
    found = csv_of(adapter(preset="peoplesoft_uconn"), s00012=text("a-"), s00034=text("B+"))
    assert found == "Term,Class Number,ID,Grade\r\n202710,00345,00012,A-\r\n,,00034,B+\r\n"


def test_minnesota_has_no_headings_and_a_date_for_failing_grades_only() -> None:
    of = adapter(preset="peoplesoft_minnesota")
    assert of.profile.needs_attendance == {"F", "N"}
    day = date(2026, 10, 14)
    assert csv_of(of, s00012=text("F", last_attended=day), s00034=text("B", last_attended=day)) == (
        "00012,F,10/14/2026\r\n00034,B,\r\n"
    )


def test_michigan_state_parts_the_course_into_columns() -> None:
    of = adapter(preset="michigan_state")
    (document,) = files(of, "FS26/MTH/132/001", s00012=text("4.0"))
    assert document.content.decode().splitlines()[1] == "FS26,MTH,132,001,00012,4.0,NR,"


def test_a_form_of_ones_own_has_its_line_ends_encoding_and_dates() -> None:
    of = adapter(
        columns="Nom=name; Id=student_id; Note=grade; Date=last_attended",
        line_end="lf", encoding="latin-1", date_format="%Y-%m-%d",
    )  # fmt: skip
    (document,) = files(of, s00012=text("F", last_attended=date(2026, 10, 14)))
    assert document.content == 'Nom,Id,Note,Date\n"Müller-?ukasz, Zoë",00012,F,2026-10-14\n'.encode("latin-1")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-2", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["A-", "B+", "00012", "10/14/2026", "", "O'Neil"])
def test_ordinary_cells_stay_as_they_are(cell: str) -> None:
    assert safe(cell) == cell


def test_names_that_would_be_formulas_are_disarmed() -> None:
    found = csv_of(
        adapter(columns="ID=student_id; G=grade; First=given_name; Last=family_name"), s00034=text("A")
    )
    assert found.splitlines()[1] == "00034,A,'=cmd(),'+1"


def test_a_taken_back_grade_is_an_empty_cell_and_a_number_is_plain() -> None:
    of = adapter(columns="ID=student_id; G=grade", header="no")
    assert csv_of(of, s00012=None, s00034=sis.Value(Decimal("90.50"))) == "00012,\r\n00034,90.5\r\n"


def test_never_attended_is_a_word_of_its_own() -> None:
    of = adapter(columns="ID=student_id; G=grade; D=last_attended", header="no")
    assert csv_of(of, s00012=text("F", never_attended=True)) == "00012,F,never\r\n"


def test_each_class_and_kind_has_a_file_of_its_own_and_long_ones_are_parted() -> None:
    of = adapter(columns="ID=student_id; G=grade", grades="final, midterm-2", students="2")
    keys = [
        sis.Key("1", CLASS, f"{CLASS}#{kind}", who)
        for kind in ("final", "midterm-2")
        for who in ("1", "2", "3")
    ]
    list(of.push([sis.Change(key, None, text("A"), NONE) for key in keys]))
    names = [one.name for one in of.documents]
    assert names == ["202710-00345-final.csv"] * 2 + ["202710-00345-midterm-2.csv"] * 2
    assert [one.title for one in of.line_items(CLASS)] == ["Final grade", "Midterm 2 grade"]


def test_a_grade_of_a_kind_that_is_not_uploaded_is_refused() -> None:
    of = adapter(columns="ID=student_id; G=grade")
    key = sis.Key("1", CLASS, f"{CLASS}#midterm", "1")
    ((_, outcome),) = of.push([sis.Change(key, None, text("A"), NONE)])
    assert (outcome.state, outcome.code, of.documents) == ("rejected", "line_item_missing", [])
    with pytest.raises(Rejected):
        of.create_line_item(sis.NewLineItem("x", "X", CLASS, "", "", None, None))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {}, {"columns": "ID=student_id"}, {"columns": "ID=student_id; G=mark"}, {"columns": "ID; G=grade"},
        {"columns": "ID=student_id; G=grade", "grades": " "}, {"columns": "ID=student_id; G=grade", "students": "0"},
        {"columns": "ID=student_id; G=grade", "students": "many"},
    ],
)  # fmt: skip
def test_options_that_make_no_file_are_said_to_an_administrator(options: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        adapter(**options)


def test_what_travels_beside_a_grade_has_a_column_or_is_not_taken() -> None:
    assert adapter(preset="banner").profile.extras == {"last_attendance", "incomplete"}
    assert adapter(preset="peoplesoft_uconn").profile.extras == frozenset()


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_a_name_with_characters_that_no_spreadsheet_holds_keeps_nobody_out_of_the_file(form: str) -> None:
    of = adapter(columns="ID=student_id;Name=name;Grade=grade", format=form)
    of.people = {"00012": sis.Person("00012", "Zo\x0be", "M\ud800ller")}
    (document,) = files(of, s00012=text("A"))
    if form == "csv":
        assert document.content.decode() == 'ID,Name,Grade\r\n00012,"M?ller, Zo?e",A\r\n'
        return
    sheet = load_workbook(io.BytesIO(document.content)).active
    assert sheet is not None
    assert [cell.value for cell in sheet[2]] == ["00012", "M?ller, Zo?e", "A"]
