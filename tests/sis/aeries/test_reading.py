"""Reading: who is in a class, what a gradebook is, and answers that must never be taken for an empty one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from gradesync_site.sandbox.sis.aeries_api import seeds
from sync.errors import AdapterError, Misconfigured, TryLater
from sync.sis import records as sis
from sync.sis.aeries import Aeries, errors, wire
from sync.sis.base import Settings
from tests.sandbox_servers import Server
from tests.sis.aeries.conftest import adapter
from tests.sis.aeries.scene import book_of, class_of, edit, key_of, keys_of, pushed


def test_a_class_is_named_by_its_gradebook_and_known_by_school_and_section(host: Server) -> None:
    found = adapter(host).get_class(class_of(host))
    assert found is not None
    assert (found.sourced_id, found.title, found.school_id) == ("994-1001", "Algebra 1", "994")
    assert (found.code, found.session_ids) == ("1001, period 1", ("F", "S"))
    assert [one.title for one in adapter(host).sessions(class_of(host))] == ["Fall", "Spring"]


def test_a_class_goes_by_the_id_that_the_lms_writes(host: Server) -> None:
    of = adapter(host, class_id="{section}.{school}.x")
    found = of.get_class("1001.994.x")
    assert found is not None and found.sourced_id == "1001.994.x"
    assert of.get_class("1001x994xx") is None and of.get_class("994-1001") is None


@pytest.mark.parametrize("class_id", ["994-1777", "ALG1-P3", "994-1001/../1002", "９９４-1001", ""])
def test_an_id_of_no_class_is_none_and_asks_for_nothing_odd(host: Server, class_id: str) -> None:
    assert adapter(host).get_class(class_id) is None
    assert {one["path"] for one in host.journal} <= {"/api/v5/schools/994/sections/1777"}


def test_a_student_is_known_by_her_district_id(host: Server) -> None:
    first = adapter(host).students(class_of(host))[0]
    row = host.state["people"][first.sourced_id]
    assert first.identifier == first.sourced_id == str(row["StudentID"])
    assert first.name == f"{row['StudentFirstName']} {row['StudentLastName']}".strip()
    assert first.user_ids == (("studentNumber", str(row["StudentNumber"])),)


def test_students_of_another_class_in_the_same_gradebook_are_not_of_this_one(host: Server) -> None:
    book, mine = book_of(host), host.state["rosters"][class_of(host)]
    book["Sections"].append({**book["Sections"][0], "SectionNumber": 1002})
    stranger = next(one for one in host.state["rosters"]["994-1002"] if one not in mine)
    book["students"].append(stranger)
    assert stranger not in {one.sourced_id for one in adapter(host).students(class_of(host))}
    assert pushed(adapter(host), key_of(host)._replace(student_id=stranger)).code == "not_enrolled"


def test_who_is_tagged_inactive_is_no_student(host: Server) -> None:
    gone = book_of(host)["students"][0]
    book_of(host)["inactive"].append(gone)
    assert gone not in {one.sourced_id for one in adapter(host).students(class_of(host))}


def test_a_gradebook_without_terms_has_no_students_to_ask_for(host: Server) -> None:
    book_of(host)["Terms"] = []
    assert adapter(host).students(class_of(host)) == []


def test_teachers_are_the_sections_staff_of_now(host: Server) -> None:
    of = adapter(host)
    (staff,) = host.state["sections"][class_of(host)]["SectionStaffMembers"]
    assert [one.sourced_id for one in of.teachers(class_of(host))] == [str(staff["StaffID"])]
    staff["EndDate"] = "2025-09-30T00:00:00"
    assert of.teachers(class_of(host)) == []
    staff |= {"EndDate": "0001-01-01T00:00:00", "InactiveStatusCode": "I"}
    assert of.teachers(class_of(host)) == []


def test_a_teachers_classes_are_found_by_her_staff_id(host: Server) -> None:
    of = adapter(host)
    teacher = of.teachers(class_of(host))[0].sourced_id
    assert class_of(host) in {one.sourced_id for one in of.classes_of_teacher(teacher)}
    assert of.classes_of_teacher("1") == [] and of.classes_of_teacher("../1") == []


def test_the_total_that_aeries_computes_is_there_to_be_compared(host: Server) -> None:
    of = adapter(host)
    keys = keys_of(host, 2)
    pushed(of, keys[0], sis.Value(Decimal(40)))
    again = adapter(host)
    again.students(class_of(host))
    most = host.state["assignments"][keys[0].line_item_id]["NumberCorrectPossible"]
    asked = len(host.journal)
    (total,) = again.own_totals(class_of(host), [], [])
    assert (total.student_id, total.maximum) == (keys[0].student_id, Decimal(100))
    assert total.score == Decimal(40) * 100 / Decimal(most)
    assert len(host.journal) == asked
    seeds.add_gradebook(host.state, 1001, "Second")
    assert adapter(host).own_totals(class_of(host), [], []) == []


def test_several_gradebooks_of_a_class_are_read_together(host: Server) -> None:
    second = seeds.add_gradebook(host.state, 1001, "Second")
    made = seeds.add_assignment(
        host.state, second, Description="Other", DateDue="2026-02-01", NumberCorrectPossible=5
    )
    of = adapter(host)
    assert made["UniqueID"] in {one.sourced_id for one in of.line_items(class_of(host))}
    assert [one.title for one in of.categories(class_of(host))] == ["Homework", "Test", "Quiz"]


def test_a_class_link_that_names_no_section_is_never_read_as_an_empty_class(host: Server) -> None:
    of = adapter(host)
    for call in (of.students, of.teachers, of.line_items, of.results, of.sessions, of.categories):
        for class_id in ("994-1777", "ALG1-P3"):
            with pytest.raises(Misconfigured) as raised:
                call(class_id)
            assert raised.value.code == "class_unknown"


@pytest.mark.parametrize(
    ("fault", "how", "error"),
    [
        ("not-granted", {}, Misconfigured),
        ("certificate-refused", {}, Misconfigured),
        ("html-page", {}, TryLater),
        ("busy-503", {}, TryLater),
        ("vanished", {}, Misconfigured),
        ("odd-json", {"body": [1]}, TryLater),
        ("odd-json", {"body": "none"}, TryLater),
    ],
)
@pytest.mark.parametrize("path", ["/F/students|/S/students", r"/gradebooks/\d+/assignments"])
def test_a_read_that_fails_raises_and_returns_nothing(
    host: Server, fault: str, how: dict[str, Any], error: type[AdapterError], path: str
) -> None:
    of = adapter(host)
    host.faults.on(fault, path=path, **how)
    with pytest.raises(error):
        of.students(class_of(host)) if "students" in path else of.results(class_of(host))


def test_an_assignment_deleted_while_it_is_read_is_no_deleted_scores(host: Server) -> None:
    of = adapter(host)
    edit(host, key_of(host), "7", 7)
    host.faults.on("vanished", path=r"/scores$", count=1)
    with pytest.raises(TryLater):
        of.results(class_of(host))


def test_two_sections_of_one_number_are_no_answer(host: Server) -> None:
    host.faults.on("odd-json", path=r"/sections/\d+$", body=[{}, {}])
    with pytest.raises(TryLater):
        adapter(host).get_class(class_of(host))


def test_null_is_a_list_without_rows(host: Server) -> None:
    host.faults.on("odd-json", path=r"/assignments$")
    assert adapter(host).line_items(class_of(host)) == []


def test_the_school_year_goes_along_and_a_wrong_one_is_told(host: Server) -> None:
    adapter(host, database_year="2025-2026").students(class_of(host))
    assert {one["query"] for one in host.journal} == {"DatabaseYear=2025-2026"}
    with pytest.raises(Misconfigured) as raised:
        adapter(host, database_year="1999-2000").students(class_of(host))
    assert raised.value.code == "question_refused"


def test_the_certificate_stands_in_a_header_and_nowhere_else(host: Server) -> None:
    of = adapter(host)
    key = key_of(host)
    pushed(of, key)
    secret = host.hello["client_secret"]
    assert secret not in str(host.journal) and secret not in repr(of)


def test_an_address_with_the_api_path_is_the_same_server(host: Server) -> None:
    settings = Settings("1", f"{host.base_url}/api/v5/", secret=host.hello["client_secret"])
    assert Aeries(settings).get_class(class_of(host)) is not None


# --- the connection ---


def test_the_check_says_what_works_and_what_fails(host: Server) -> None:
    assert all(one.ok for one in adapter(host).check())
    host.faults.on("certificate-refused")
    assert [one.title for one in adapter(host).check() if not one.ok] == ["Certificate"]
    elsewhere = Aeries(Settings("1", f"{host.base_url}/portal", secret="x"))
    (wrong, _) = elsewhere.check()
    assert not wrong.ok and "/api/v5" in wrong.text


@pytest.mark.parametrize(
    "options",
    [
        {"class_id": "{section}"},
        {"class_id": "{school}-{section}-{section}"},
        {"decimals": "5"},
        {"batch": "0"},
        {"title_limit": "many"},
    ],
)
def test_options_that_make_no_sense_are_said(host: Server, options: dict[str, str]) -> None:
    with pytest.raises(Misconfigured) as raised:
        adapter(host, **options)
    assert raised.value.code == "option_unusable"


def test_connections_are_let_go(host: Server) -> None:
    of = adapter(host)
    assert of.score_scales(class_of(host)) == []
    of.close()


# --- small translations ---


@pytest.mark.parametrize(
    ("stated", "found"),
    [("4.0000", "4"), (4, "4"), (True, None), (None, None), ("", None), ("Infinity", None)],
)
def test_numbers_are_read_as_they_come_and_nothing_else_is(stated: object, found: str | None) -> None:
    assert wire.decimal_of(stated) == (None if found is None else Decimal(found))


def test_a_mark_without_its_number_is_shown_as_it_stands() -> None:
    assert wire.read_value({"Mark": "95%"}, 2) == sis.Value(text="95%")
    assert wire.read_value({"Mark": "4.0000"}, 2) == sis.Value(Decimal(4))


def test_days_are_read_and_the_year_1_means_none() -> None:
    assert wire.day_of("2026-02-17T00:00:00") == date(2026, 2, 17)
    assert wire.day_of("0001-01-01T00:00:00") is None and wire.day_of(None) is None


def test_a_term_is_that_of_the_day_or_the_last_that_began() -> None:
    terms = [
        {"Code": "F", "StartDate": "2025-08-25T00:00:00", "EndDate": "2025-12-19T00:00:00"},
        {"Code": "S", "StartDate": "2026-01-12T00:00:00", "EndDate": "2026-06-05T00:00:00"},
    ]
    book = wire.read_gradebook({"GradebookNumber": 1, "Terms": terms})
    found = [
        book.term_on(day) for day in (date(2025, 9, 1), date(2026, 1, 1), date(2026, 7, 1), date(2025, 1, 1))
    ]
    assert found == ["F", "F", "S", "F"]


def test_a_class_without_gradebook_is_named_by_its_course() -> None:
    config = adapter_config()
    found = wire.read_class({"SchoolCode": 1, "SectionNumber": 2, "CourseID": "327"}, [], config)
    assert (found.title, found.code) == ("327", "2")


def adapter_config() -> Any:
    return Aeries(Settings("1", "https://district.example"))._config


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("The gradebook is locked.", "frozen"),
        ("Grading is closed.", "window_closed"),
        ("Above the maximum.", "over_max"),
        ("Something else.", "malformed"),
    ],
)
def test_words_become_the_codes_that_all_adapters_share(words: str, code: str) -> None:
    assert errors.code_of(words) == code


def test_an_error_that_is_a_mere_text_is_told_as_it_is() -> None:
    import requests

    response = requests.Response()
    response.status_code, response._content = 400, b'"Bad thing"'
    assert errors.words_of(response) == "Bad thing"
    response._content = b"[1]"
    assert errors.words_of(response) == ""
