"""Reports as lines and files: nothing is lost on the way, and nothing in a file runs."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import reports

KEY = "1/c1/i1/s1"


def difference(key: str = KEY, cause: str = "not sent", **more: Any) -> dict[str, Any]:
    return {
        "key": key, "student": "Ada", "student_id": "s1", "item": "Essay", "line_item_id": "i1", "class_id": "c1",
        "lms": "86.5", "sis": "no grade", "last_sent": "", "cause": cause, "why": "", "next": "Review and send it.",
        "counts": True,
    } | more  # fmt: skip


def problem(key: str = "", code: str = "student-unmatched", **more: Any) -> dict[str, Any]:
    return {
        "code": code, "text": "Match this student.", "who": "teacher", "key": key, "student": "Ada", "item": "",
        "results": 3, "details": ["x1", "x2"], "lms": "", "sis": "",
    } | more  # fmt: skip


def left(key: str, why: str = "the student left") -> dict[str, Any]:
    return {"key": key, "why": why, "student": "Ada", "item": "Essay"}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_entry_of_a_report_becomes_a_line() -> None:
    report = {
        "differences": [difference("a")],
        "problems": [problem(), problem("b", "accepted-not-shown")],
        "held": [left("c")],
        "kept": [left("d", "SIS grade kept")],
    }
    assert [(line.kind, line.key) for line in reports.lines(report)] == [
        ("difference", "a"), ("problem", ""), ("problem", "b"), ("held", "c"), ("kept", "d"),
    ]  # fmt: skip


def test_edited_grade_is_one_line_with_cause_and_advice() -> None:
    report = {
        "differences": [difference("a", "edited in the SIS")],
        "problems": [problem("a", "edited-in-sis", text="Keep or send.", who="teacher")],
    }
    (line,) = reports.lines(report)
    assert (line.cause, line.text, line.who, line.next) == (
        "edited in the SIS", "Keep or send.", "teacher", "Review and send it.",
    )  # fmt: skip


def test_held_grade_that_a_difference_tells_of_is_not_told_twice() -> None:
    report = {"differences": [difference("a", "held", why="the student left")], "held": [left("a")]}
    (line,) = reports.lines(report)
    assert (line.cause, line.text) == ("held", "the student left")


keys = st.sampled_from(["", "a", "b", "c"])


@given(
    st.lists(st.sampled_from("abc"), unique=True),
    st.lists(st.tuples(keys, st.sampled_from(["p1", "p2"]))),
    st.lists(st.sampled_from("abc"), unique=True),
    st.lists(st.sampled_from("abc"), unique=True),
)
def test_no_entry_of_any_report_disappears(
    differences: list[str], problems: list[tuple[str, str]], held: list[str], kept: list[str]
) -> None:
    report = {
        "differences": [difference(key) for key in differences],
        "problems": [problem(key, code, text=code) for key, code in problems],
        "held": [left(key) for key in held],
        "kept": [left(key) for key in kept],
    }
    found = reports.lines(report)
    assert {line.key for line in found} >= {*differences, *held, *kept}
    for key, text in problems:
        wanted = problems.count((key, text))
        assert sum(1 for line in found if line.key == key and line.text == text) == wanted


def test_csv_holds_every_line_with_its_values() -> None:
    report = {"differences": [difference()], "problems": [problem()]}
    first, second = rows_of(reports.reconciliation_csv(report))
    assert (first["student"], first["lms"], first["sis"], first["cause"], first["counts"]) == (
        "Ada", "86.5", "no grade", "not sent", "yes",
    )  # fmt: skip
    assert (second["text"], second["results"], second["details"]) == ("Match this student.", "3", "x1 x2")


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1", "\ufeff=1", "|x"]
)
def test_name_that_looks_like_a_formula_stays_text(name: str) -> None:
    text = reports.reconciliation_csv({"differences": [difference(student=name)]})
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["student"] == f"'{name}"


@pytest.mark.parametrize("grade", ["-5", "-0.25", "86.5", "0", "B+", "no grade"])
def test_grade_is_written_as_it_is(grade: str) -> None:
    (row,) = rows_of(reports.reconciliation_csv({"differences": [difference(lms=grade)]}))
    assert row["lms"] == grade


def test_receipt_has_one_row_per_grade() -> None:
    rows = [{"student": "Ada", "before": "no grade", "after": "9.257", "state": "accepted", "attempts": 1}]
    (row,) = rows_of(reports.receipt_csv(rows))
    assert (row["after"], row["state"], row["attempts"], row["code"]) == ("9.257", "accepted", "1", "")


def test_json_holds_counts_lines_and_changes() -> None:
    report = {"counts": {"pulled": 2}, "in_sync": False, "differences": [difference()], "warnings": ["Late."]}
    data = json.loads(reports.as_json({"run": 7}, report, [{"student": "José", "after": "9.257"}]))
    assert data["about"] == {"run": 7}
    assert data["counts"] == {"pulled": 2}
    assert data["in_sync"] is False
    assert [line["key"] for line in data["lines"]] == [KEY]
    assert data["changes"] == [{"student": "José", "after": "9.257"}]
    assert data["warnings"] == ["Late."]


def test_empty_report_is_a_file_with_a_header() -> None:
    assert rows_of(reports.reconciliation_csv({})) == []
    assert json.loads(reports.as_json({}, {}, []))["in_sync"] is None
