"""What stands in a zip, byte for byte where the binding says so; and what is refused before there is one."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from sync.errors import Misconfigured, Rejected
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.oneroster_csv import OneRosterCsv
from tests.sis.oneroster_csv.conftest import CLASS, Importer, by_folder, change, files_of, score, states

AT = datetime(2026, 2, 20, 23, 30, tzinfo=UTC)
EXCUSED = sis.Value(status=sis.ScoreStatus.EXEMPT)


def new_item(**more: object) -> sis.NewLineItem:
    given = {
        "sourced_id": "ours", "title": "Übung, “2”", "class_id": CLASS, "school_id": "school", "category_title": "",
        "assigned": AT, "due": AT, "maximum": Decimal("20.50"), "session_id": "p1", **more,
    }  # fmt: skip
    return sis.NewLineItem(**given)  # type: ignore[arg-type]


def dropped(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("gradesync*.zip"))]


def text_of(content: bytes, name: str) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        lines = archive.read(f"{name}.csv").decode().split("\r\n")
    assert lines.pop() == "", "each line ends"
    return lines


def headers(content: bytes) -> dict[str, str]:
    return {name: text_of(content, name)[0] for name in files_of(content)}


COMMON = "sourcedId,status,dateLastModified"
HEADERS = {
    "1.1": {
        "manifest": "propertyName,value",
        "categories": f"{COMMON},title",
        "lineItems": f"{COMMON},title,description,assignDate,dueDate,classSourcedId,categorySourcedId,gradingPeriodSourcedId,"
        "resultValueMin,resultValueMax",
        "results": f"{COMMON},lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment",
    },
    "1.2": {
        "manifest": "propertyName,value",
        "categories": f"{COMMON},title,weight",
        "lineItems": f"{COMMON},title,description,assignDate,dueDate,classSourcedId,categorySourcedId,academicSessionSourcedId,"
        "resultValueMin,resultValueMax,schoolSourcedId",
        "results": f"{COMMON},lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate,comment,textScore,classSourcedId,"
        "inProgress,incomplete,late,missing",
        "scoreScales": f"{COMMON},title,type,orgSourcedId,courseSourcedId,classSourcedId,scoreScaleValue",
        "lineItemScoreScales": f"{COMMON},title,lineItemSourcedId,scoreScaleSourcedId",
        "resultScoreScales": f"{COMMON},title,resultSourcedId,scoreScaleSourcedId",
    },
}


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_bulk_zip_has_every_file_of_the_gradebook_with_the_bindings_columns(
    folder: Path, version: str
) -> None:
    states(by_folder(folder, mode="bulk", version=version), change("s01", score("1")))
    (content,) = dropped(folder)
    assert headers(content) == HEADERS[version]


def test_the_manifest_has_a_line_for_each_file_there_could_be(folder: Path) -> None:
    for version, files in (("1.1", 13), ("1.2", 21)):
        of = by_folder(folder, version=version, system="Riverside")
        states(of, change("s01", score("1")))
        (document,) = of.documents
        lines = dict(line.split(",") for line in text_of(document.content, "manifest"))
        stated = {name.removeprefix("file."): how for name, how in lines.items() if name.startswith("file.")}
        assert len(stated) == files
        assert {name for name, how in stated.items() if how == "delta"} == {"results"}
        assert set(stated.values()) == {"delta", "absent"}
        assert lines["manifest.version"] == "1.0" and lines["oneroster.version"] == version
        assert lines["source.systemName"] == "Riverside"


def test_a_delta_says_when_each_row_changed_and_a_bulk_zip_does_not(folder: Path) -> None:
    of = by_folder(folder, flags="late")
    late = sis.Value(Decimal("9.2570"), "A-, “fine”", flags=frozenset({"late"}))
    states(of, change("s01", late, comment="with, comma"))
    (row,) = files_of(of.documents[0].content)["results"]
    when = datetime.strptime(row.pop("dateLastModified"), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - when).total_seconds()) < 60
    expected = {
        "sourcedId": "new-li-1-s01", "status": "active", "lineItemSourcedId": "li-1", "studentSourcedId": "s01",
        "scoreStatus": "fully graded", "score": "9.257", "scoreDate": "2026-02-01", "comment": "with, comma",
        "textScore": "A-, “fine”", "classSourcedId": CLASS, "inProgress": "", "incomplete": "", "late": "true", "missing": "",
    }  # fmt: skip
    assert row == expected
    states(by_folder(folder, mode="bulk"), change("s02", score("3")))
    whole = files_of((folder / "gradesync-1.zip").read_bytes())["results"]
    assert [(one["sourcedId"], one["status"], one["dateLastModified"]) for one in whole] == [
        ("new-li-1-s01", "", ""),
        ("new-li-1-s02", "", ""),
    ]


def test_a_column_made_here_goes_out_with_its_first_grades_and_is_found_again(folder: Path) -> None:
    of = by_folder(folder)
    made = of.create_line_item(new_item())
    assert dropped(folder) == []
    again = by_folder(folder)
    assert made in again.line_items(CLASS) and made.maximum == Decimal("20.5")
    states(again, change("s01", score("18"), item="ours"))
    (content,) = dropped(folder)
    found = files_of(content)
    (item,), (category,) = found["lineItems"], found["categories"]
    assert (item["title"], item["assignDate"], item["dueDate"]) == ("Übung, “2”", "2026-02-20", "2026-02-20")
    assert (item["resultValueMax"], item["schoolSourcedId"]) == ("20.5", "school")
    assert item["academicSessionSourcedId"] == "p1"
    assert (item["categorySourcedId"], category["title"]) == (category["sourcedId"], "Assignments")
    assert category["status"] == item["status"] == "active"


def test_a_category_of_the_sis_is_taken_and_is_its_own_to_say(folder: Path) -> None:
    of = by_folder(folder)
    assert of.create_line_item(new_item(category_title="homework")).category_id == "cat"
    states(of, change("s01", score("18"), item="ours"))
    assert "categories" not in files_of(of.documents[0].content)
    assert [one.title for one in of.categories(CLASS)] == ["Homework"]


def test_a_scale_is_linked_to_the_column_and_to_its_results(folder: Path) -> None:
    of = by_folder(folder)
    assert of.create_line_item(new_item(score_scale_id="scale")).score_scale_id == "scale"
    states(of, change("s01", sis.Value(text="A"), item="ours"), change("s01", score("1")))
    found = files_of(of.documents[0].content)
    (link,), (result_link,) = found["lineItemScoreScales"], found["resultScoreScales"]
    assert (link["lineItemSourcedId"], link["scoreScaleSourcedId"]) == ("ours", "scale")
    assert (result_link["resultSourcedId"], result_link["scoreScaleSourcedId"]) == ("new-ours-s01", "scale")
    assert "scoreScales" not in found
    taken_back = change("s01", None, item="ours")
    states(of, taken_back)
    (gone,) = files_of(of.documents[1].content)["resultScoreScales"]
    assert (gone["sourcedId"], gone["status"]) == (result_link["sourcedId"], "tobedeleted")


def test_an_old_zip_has_no_scales(folder: Path) -> None:
    of = by_folder(folder, version="1.1")
    assert of.create_line_item(new_item(score_scale_id="scale")).session_id == "p1"
    states(of, change("s01", score("1"), item="ours"), change("s01", score("2"), item="li-2"))
    assert set(files_of(of.documents[0].content)) == {"manifest", "categories", "lineItems", "results"}


def test_a_bulk_zip_has_no_loose_ends(folder: Path) -> None:
    of = by_folder(folder, mode="bulk")
    states(of, change("s01", sis.Value(text="B"), item="li-2"))
    (content,) = dropped(folder)
    found = files_of(content)
    assert [one["sourcedId"] for one in found["lineItems"]] == ["li-2"]
    assert [(one["sourcedId"], one["weight"]) for one in found["categories"]] == [("cat", "40")]
    assert [one["scoreScaleValue"] for one in found["scoreScales"]] == ["{A:A},{B:B}"]
    assert [one["sourcedId"] for one in found["lineItemScoreScales"]] == ["link"]
    assert len(found["resultScoreScales"]) == 1


def test_an_old_bulk_zip_has_no_loose_ends_either(folder: Path) -> None:
    states(by_folder(folder, mode="bulk", version="1.1"), change("s01", score("5")))
    found = files_of(dropped(folder)[0])
    assert [one["sourcedId"] for one in found["lineItems"]] == ["li-1"]
    assert [one["sourcedId"] for one in found["categories"]] == ["cat"]


def test_the_file_kept_with_a_run_is_of_its_class_only(folder: Path) -> None:
    """§6.10: a bulk zip holds other teachers' grades, and stays between the tool and the SIS."""
    of = by_folder(folder, mode="bulk")
    states(of, change("s01", score("1")))
    states(of, change("s02", score("2")))
    assert len(files_of(dropped(folder)[0])["results"]) == 2
    kept = files_of(of.documents[1].content)["results"]
    assert [(one["studentSourcedId"], of.documents[1].class_id) for one in kept] == [("s02", CLASS)]


def test_a_grade_taken_back_keeps_the_score_that_the_old_binding_requires(folder: Path) -> None:
    of = by_folder(folder, version="1.1")
    states(of, change("s01", score("7")))
    key = change("s01", None).key
    states(of, sis.Change(key, score("7"), None, frozenset({score("7")}), new_id="another"))
    (row,) = files_of(of.documents[1].content)["results"]
    assert (row["sourcedId"], row["status"], row["score"]) == ("new-li-1-s01", "tobedeleted", "7")
    assert of.results(CLASS) == []


def test_our_own_last_state_is_read_back(folder: Path) -> None:
    of = by_folder(folder, flags="missing")
    missing = sis.Value(status="not submitted", flags=frozenset({"missing"}))
    values = [score("7"), EXCUSED, sis.Value(text="B+"), missing]
    states(of, *(change(f"s0{number}", value) for number, value in enumerate(values, 1)))
    found = {one.student_id: one for one in by_folder(folder, flags="missing").results(CLASS)}
    assert [found[f"s0{number}"].value for number in range(1, 5)] == values
    assert found["s01"].score_date == date(2026, 2, 1)


def test_an_excused_student_is_refused_where_the_old_binding_would_make_it_a_zero(folder: Path) -> None:
    of = by_folder(folder, version="1.1")
    assert states(of, change("s01", EXCUSED), change("s02", sis.Value(text="A"))) == [
        ("rejected", "malformed"),
        ("rejected", "malformed"),
    ]
    assert dropped(folder) == []
    willing = by_folder(folder, version="1.1", exempt="zero")
    assert states(willing, change("s01", EXCUSED)) == [("delivered", "")]
    (row,) = files_of(willing.documents[0].content)["results"]
    assert (row["scoreStatus"], row["score"]) == ("exempt", "0")
    assert willing.results(CLASS)[0].value == EXCUSED


def test_whom_the_roster_does_not_name_is_refused_and_the_rest_go(folder: Path) -> None:
    of = by_folder(folder)
    found = states(of, change("stranger", score("1")), change("s01", score("1"), item="gone"))
    assert sorted(found) == [("rejected", "line_item_missing"), ("rejected", "not_enrolled")]
    assert dropped(folder) == [] == of.documents
    # who left the class keeps no grade of ours that is taken back
    assert states(of, change("stranger", None)) == [("delivered", "")]


def test_a_new_column_must_say_what_the_binding_requires(folder: Path) -> None:
    with pytest.raises(Rejected) as school:
        by_folder(folder).create_line_item(new_item(school_id=""))
    with pytest.raises(Rejected) as session:
        by_folder(folder, version="1.1").create_line_item(new_item(session_id=""))
    with pytest.raises(Rejected) as title:
        by_folder(folder, title_limit="5").create_line_item(new_item())
    codes = [one.value.code for one in (school, session, title)]
    assert codes == ["extra_data_required", "extra_data_required", "malformed"]
    made = by_folder(folder, school="from-option").create_line_item(new_item(school_id=""))
    assert made.sourced_id == "ours"


def test_large_classes_are_parted_into_zips(folder: Path) -> None:
    of = by_folder(folder, students="2")
    states(of, *(change(f"s0{number}", score("1")) for number in range(1, 6)))
    assert [len(files_of(one)["results"]) for one in dropped(folder)] == [2, 2, 1]
    sis_side = Importer(folder)
    assert len(sis_side.values({"li-1": CLASS})) == 5


# --- without a folder: for download only ---


def downloads(**options: str) -> OneRosterCsv:
    return OneRosterCsv(Settings("1", "", options={"school": "sch", **options}))


def test_without_a_folder_a_run_offers_totals_as_a_zip_that_says_all() -> None:
    of = downloads(grades="final, midterm-2", session="per")
    final, midterm = of.line_items("c/1")
    assert {final.title, midterm.title} == {"Final grade", "Midterm 2 grade"} and final.kind == "course_total"
    assert not of.profile.create_line_items and not of.profile.roster
    key = sis.Key("1", "c/1", final.sourced_id, "N1")
    grade = sis.Change(key, None, sis.Value(text="A-"), frozenset({None}), new_id="n", score_date=None)
    ((_, outcome),) = of.push([grade])
    assert (outcome.state, outcome.result_id) == ("delivered", "n")
    (document,) = of.documents
    assert document.name.startswith("c-1-") and document.media_type == "application/zip"
    found = files_of(document.content)
    (item,), (result,), (category,) = found["lineItems"], found["results"], found["categories"]
    today = datetime.now(UTC).date().isoformat()
    assert (item["dueDate"], item["assignDate"], result["scoreDate"]) == (today, today, today)
    assert (item["sourcedId"], item["schoolSourcedId"]) == (final.sourced_id, "sch")
    assert item["categorySourcedId"] == category["sourcedId"] and result["textScore"] == "A-"


def test_without_a_folder_nothing_is_known_of_the_sis() -> None:
    of = downloads()
    assert of.get_class(" ") is None and of.get_class("c") == sis.Class("c", "c", "sch")
    assert of.students("c") == of.teachers("c") == of.results("c") == of.sessions("c") == []
    assert of.classes_of_teacher("t") == [] == of.score_scales("c") == of.categories("c")
    assert [one.sourced_id for one in downloads(session="per").sessions("c")] == ["per"]
    assert [one.ok for one in of.check()] == [True, True]
    with pytest.raises(Rejected):
        of.create_line_item(new_item())
    of.close()


@pytest.mark.parametrize(
    "options",
    [
        {"school": ""}, {"version": "1.1"}, {"version": "2"}, {"mode": "bulk"}, {"roster": "r.zip"}, {"grades": ","},
        {"flags": "late", "version": "1.1", "session": "s"}, {"flags": "lazy"}, {"decimals": "x"}, {"students": "0"},
        {"sftp": "host/x", "folder": "/x"}, {"sftp": "host name"}, {"sftp": "host:99999/"},
        {"sftp": "host"}, {"sftp": "host", "host_key": "MD5:xx"}, {"sftp": "host", "host_key": f"SHA256:{'A' * 43}"},
        {"folder": "/nowhere/else"},
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_said_to_an_administrator(options: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        downloads(**options)


def test_a_roster_is_named_without_folders(folder: Path) -> None:
    with pytest.raises(Misconfigured):
        by_folder(folder, roster="../rosters.zip")
