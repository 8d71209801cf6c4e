"""Lists of the pretend SIS: pages, filters, fields, order; and the people its seed promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradesync_site.sandbox.data import odd_people, world
from tests.sandbox_servers import SisServer


def link(response: Any, rel: str) -> str | None:
    found: str | None = response.links.get(rel, {}).get("url")
    return found


def test_pages_follow_the_next_link_to_the_end(start_sis: Callable[..., SisServer]) -> None:
    server = start_sis(students=25)
    url: str | None = "roster:/classes/ALG1-P3/students?limit=10"
    found: list[str] = []
    sizes = []
    while url:
        response = server.ask("GET", url)
        sizes.append(len(response.json()["users"]))
        found += [user["sourcedId"] for user in response.json()["users"]]
        assert response.headers["X-Total-Count"] == "31"
        url = link(response, "next")
    assert sizes == [10, 10, 10, 1]
    assert len(set(found)) == 31
    assert link(response, "prev")
    assert link(response, "last") == response.url


def test_the_default_page_has_a_hundred(start_sis: Callable[..., SisServer]) -> None:
    server = start_sis(students=150)
    response = server.ask("GET", "roster:/students")
    assert len(response.json()["users"]) == 100
    assert "offset=100" in str(link(response, "next"))


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "x"}, {"offset": "-1"}])
def test_a_page_that_cannot_be_is_400(sis_server: SisServer, query: dict[str, str]) -> None:
    assert sis_server.ask("GET", "/results", **query).status_code == 400


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("identifier='700003'", {"S20003"}),
        ("givenName='José'", {"S20002", "S20301"}),
        ("username='student1' OR username='student2'", {"S20001", "S20002"}),
        ("familyName~'LINDQ' AND givenName='Mia'", {"S29102"}),
        ("email='lindqvist.family@mail.example'", {"S29102", "S29103"}),
        ("familyName='Park' AND sourcedId!='29104'", {"S29105"}),
        ("email='nobody@north.example'", set()),
    ],
)
def test_filters_choose_users(sis_server: SisServer, wanted: str, found: set[str]) -> None:
    users = sis_server.ask("GET", "roster:/users", filter=wanted).json()["users"]
    assert {user["sourcedId"] for user in users} == found


def test_results_are_filtered_by_reference_status_and_time(sis_server: SisServer) -> None:
    def ids(wanted: str) -> set[str]:
        results = sis_server.ask("GET", "/classes/ALG1-P3/results", filter=wanted).json()["results"]
        return {one["sourcedId"] for one in results}

    assert ids("lineItem.sourcedId='li-alg1-homework1' AND student.sourcedId='S20001'") == {
        "res-li-alg1-homework1-S20001"
    }
    assert len(ids("score>='5'")) == 4
    assert len(ids("status='active'")) == 7
    assert ids("dateLastModified>'2025-09-01T00:00:00Z'") == set()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"filter": "shoeSize='3'"}, "invalid_filter_field"),
        ({"filter": "status=active"}, "invalid_filter_field"),
        ({"filter": "status='a' AND status='b' AND status='c'"}, "invalid_filter_field"),
        ({"fields": "sourcedId,shoeSize"}, "invalid_selection_field"),
        ({"sort": "shoeSize"}, "invalid_selection_field"),
    ],
)
def test_an_unknown_field_is_400_and_named(sis_server: SisServer, query: dict[str, str], code: str) -> None:
    response = sis_server.ask("GET", "/results", **query)
    assert response.status_code == 400
    assert code in response.text


def test_fields_and_sort_shape_the_answer(sis_server: SisServer) -> None:
    response = sis_server.ask(
        "GET", "/classes/ALG1-P3/lineItems", fields="sourcedId,title", sort="title", orderBy="desc"
    )
    assert response.json()["lineItems"] == [
        {"sourcedId": "li-alg1-homework1", "title": "Homework 1"},
        {"sourcedId": "li-alg1-attendance", "title": "Attendance, week 1"},
    ]


def test_a_teacher_has_her_classes_and_a_class_its_people(sis_server: SisServer) -> None:
    classes = sis_server.ask("GET", "roster:/teachers/T1001/classes").json()["classes"]
    teachers = sis_server.ask("GET", "roster:/classes/ENG10-P2/teachers").json()["users"]
    empty = sis_server.ask("GET", "roster:/classes/ART-P6/students").json()["users"]
    assert {one["sourcedId"] for one in classes} == {"ALG1-P3", "BIO-P1", "BIO-P2", "ART-P6"}
    assert [one["sourcedId"] for one in teachers] == ["T1002"]
    assert empty == []


@pytest.mark.parametrize(
    "path",
    [
        "roster:/classes/NONE",
        "roster:/classes/NONE/students",
        "roster:/teachers/S20001/classes",
        "roster:/terms/gp-q1",
        "roster:/students/T1001",
        "/classes/NONE/results",
        "/classes/BIO-P1/lineItems/li-alg1-homework1/results",
        "/lineItems/none",
    ],
)
def test_what_is_not_there_is_404(sis_server: SisServer, path: str) -> None:
    assert sis_server.ask("GET", path).status_code == 404


def test_the_seed_holds_everyone_whom_the_two_sides_disagree_about(sis_server: SisServer) -> None:
    students = set(sis_server.state["users"])
    for person in odd_people():
        assert (person.sis_id in students) is bool(person.sis_id), person.odd
    assert {person.odd.partition(":")[0] for person in odd_people()} == {
        "only in the LMS",
        "only in the SIS",
        "e-mail of two",
        "ids disagree",
        "no identifier at all",
        "the LMS's test student",
        "inactive in the LMS",
    }


def test_plain_leaves_them_out_and_sizes_are_kept(start_sis: Callable[..., SisServer]) -> None:
    server = start_sis(students=40, extra={"plain": "1"})
    users = server.ask("GET", "roster:/classes/ALG1-P3/students", limit=1000).json()["users"]
    assert len(users) == 40


def test_the_world_is_the_same_each_time_and_no_two_people_share_an_id() -> None:
    assert world(60, 8) == world(60, 8)
    people = world(1200, 8).people()
    for ids in ([one.lms_id for one in people if one.lms_id], [one.sis_id for one in people if one.sis_id]):
        assert len(ids) == len(set(ids))
    course = world(60, 8).courses[0]
    assert len(course.items) == 8
    assert len({item.item_id for item in course.items}) == 8
