"""A report from the registrar's SIS is read by its headings; what nobody explained is refused aloud, never guessed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import pytest
from openpyxl import Workbook

from sync.errors import REJECTION_CODES, Misconfigured
from sync.sis import records as sis
from sync.sis.base import Settings, UnreadableReport
from sync.sis.registrar_file import RegistrarFile, reports


def adapter(**options: str) -> RegistrarFile:
    return RegistrarFile(Settings("1", "", options={"columns": "ID=student_id; Grade=grade", **options}))


def read(text: str | bytes, **options: str) -> dict[str, tuple[str, str, str]]:
    content = text.encode() if isinstance(text, str) else text
    return {
        one.student_id: (one.outcome.state, one.outcome.code, one.outcome.words)
        for one in adapter(**options).read_report(content)
    }


def workbook(*rows: Sequence[object]) -> bytes:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


OK = ("accepted", "", "")


def test_lines_are_read_by_the_usual_headings_whatever_their_order_and_case() -> None:
    found = read("MESSAGE,Term,status,Student id\n,202710,OK,00012\nNot registered,202710,Error,00034\n")
    assert found == {"00012": OK, "00034": ("rejected", "not_gradable", "Not registered")}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_usual_delimiter_is_found(delimiter: str) -> None:
    assert read(f"ID{delimiter}Result\r\n7{delimiter}Success\r\n") == {"7": OK}


def test_a_workbook_is_read_with_numbers_as_ids() -> None:
    content = workbook(["ID", "Outcome", "Reason"], [12, "rejected", "Late"], ["'00034", "ok", None], [])
    assert read(content) == {"12": ("rejected", "not_gradable", "Late"), "00034": OK}


def test_other_encodings_and_short_rows_do_no_harm() -> None:
    content = "Student ID,Status,Message\n1,Error,Année close\n2\n,Error,nobody\n".encode("latin-1")
    assert read(content) == {"1": ("rejected", "not_gradable", "Année close")}
    assert read(b"\xef\xbb\xbfID,Status\n1,OK\n") == {"1": OK}


def test_without_an_outcome_a_message_is_a_refusal_and_silence_says_nothing() -> None:
    assert read("ID,Message\n1,Wrong grade\n2,\n") == {"1": ("rejected", "not_gradable", "Wrong grade")}


def test_several_lines_on_one_student_are_a_refusal_if_one_of_them_is() -> None:
    lines = "ID,Status,Message\n1,Error,first\n1,OK,second\n2,OK,\n2,Error,third\n3,OK,\n3,OK,\n"
    assert read(lines) == {
        "1": ("rejected", "not_gradable", "first"),
        "2": ("rejected", "not_gradable", "third"),
        "3": OK,
    }


@pytest.mark.parametrize(("stated", "code"), sorted(reports.GE.items()))
def test_the_published_codes_are_ours(stated: str, code: str) -> None:
    assert code in REJECTION_CODES
    found = read(f"ID,Message\n1,{stated}: text\n")
    assert found == {"1": ("rejected", code, f"{stated}: text")}


def test_the_same_grade_already_there_is_no_refusal() -> None:
    assert read("ID,Status,Message\n1,Error,GE10 no update\n") == {"1": ("accepted", "", "GE10 no update")}


def test_a_code_that_nobody_published_is_a_refusal_all_the_same() -> None:
    assert read("ID,Message\n1,GE99\n")["1"][:2] == ("rejected", "not_gradable")


def test_an_outcome_that_nobody_explained_is_not_guessed() -> None:
    with pytest.raises(UnreadableReport, match="“Loaded with warnings”"):
        read("ID,Status\n1,Loaded with warnings\n")
    assert read("ID,Status\n1,Loaded with warnings\n", report_accepted="loaded with warnings") == {"1": OK}


def test_an_administrator_names_the_headings_of_her_report() -> None:
    columns = "Learner=student_id; Code=outcome"
    assert read("Learner,Code,Message\n1,V,unread\n", report_columns=columns, report_accepted="v") == {
        "1": OK
    }
    with pytest.raises(UnreadableReport, match="first row"):
        read("Student ID,Status\n1,OK\n", report_columns=columns)


@pytest.mark.parametrize("columns", ["Learner", "=outcome", "A=grade", "Learner=student_id", "Code=outcome"])
def test_headings_that_cannot_be_read_are_said_aloud(columns: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        adapter(report_columns=columns)
    assert raised.value.code == "columns_unreadable"


def bomb() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b"0" * 4096)
    return content.getvalue()


def test_what_is_no_report_is_refused_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnreadableReport, match="first row"):
        read("")
    with pytest.raises(UnreadableReport, match="as a workbook"):
        read(b"PK\x03\x04 nothing of the kind")
    with pytest.raises(UnreadableReport, match="as a workbook"):
        read(bomb())
    with pytest.raises(UnreadableReport, match="as CSV"):
        read('ID,Status\n1,"' + "x" * 140_000 + '"\n')
    monkeypatch.setattr(reports, "MOST_UNPACKED", 1000)
    with pytest.raises(UnreadableReport, match="too large"):
        read(bomb())


def test_a_report_of_endless_lines_is_not_cut_but_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_LINES", 2)
    assert len(read("ID,Status\n1,OK\n2,OK\n")) == 2
    with pytest.raises(UnreadableReport, match="more than 2 lines"):
        read("ID,Status\n1,OK\n2,OK\n3,OK\n")
    with pytest.raises(UnreadableReport, match="more than 2 lines"):
        read(workbook(["ID", "Status"], [1, "OK"], [2, "OK"], [3, "OK"]))


def test_a_reported_line_shows_no_grade_of_its_own() -> None:
    (one,) = adapter().read_report(b"ID,Status\n1,OK\n")
    assert one == sis.Reported("1", sis.Outcome("accepted"))
