"""What the connection's check finds out with a few cheap requests."""

from __future__ import annotations

import pytest

from sync.errors import Misconfigured, TryLater
from sync.options import Finding
from tests.lms.canvas_wire import CanvasWire, canvas

SCOPES = (401, {}, '{"errors":[{"message":"Insufficient scopes on access token."}]}')
ALL = {"view_all_grades": True, "manage_grades": True, "read_sis": True, "manage_sis": False}
NONE = dict.fromkeys(ALL, False)


@pytest.fixture(autouse=True)
def _an_administrators_token(wire: CanvasWire) -> None:
    wire.rows["/accounts"] = [{"id": "12", "name": "North High"}]
    wire.rows["/courses"] = []
    wire.one["/accounts/12/permissions"] = dict(ALL)


def found() -> dict[str, bool]:
    return {one.title: one.ok for one in canvas().check()}


def text_of(title: str) -> str:
    return next(one.text for one in canvas().check() if one.title.startswith(title))


def test_administrators_rights_are_told_with_the_account() -> None:
    assert found() == {
        "Access token": True,
        "Grades of all students in the account North High": True,
        "SIS ids in the account North High": True,
    }


def test_teachers_rights_are_told_with_a_course_of_hers(wire: CanvasWire) -> None:
    wire.rows["/accounts"] = []
    wire.rows["/courses"] = [{"id": "9", "name": "Algebra 1"}]
    wire.one["/courses/9/permissions"] = NONE | {"manage_grades": True}
    assert list(found().items())[1:] == [
        ("Grades of all students in the course Algebra 1", True),
        ("SIS ids in the course Algebra 1", False),
    ]
    assert "read SIS data" in text_of("SIS ids")


def test_missing_right_to_grades_says_who_can_give_it(wire: CanvasWire) -> None:
    wire.one["/accounts/12/permissions"] = NONE
    assert not found()["Grades of all students in the account North High"]
    assert "administrator must let the token's owner view all grades" in text_of("Grades")


def test_owner_without_any_account_or_course_is_a_finding(wire: CanvasWire) -> None:
    wire.rows["/accounts"] = []
    assert found() == {"Access token": True, "Rights of its owner": False}


@pytest.mark.parametrize("path", ["/accounts", "/accounts/12/permissions"])
def test_rights_that_may_not_be_asked_for_show_when_a_course_is_read(wire: CanvasWire, path: str) -> None:
    wire.answers[path] = SCOPES
    assert found() == {"Access token": True, "Rights of its owner": True}


def test_token_without_the_scope_for_its_owner_is_a_good_token(wire: CanvasWire) -> None:
    wire.answers["/users/self"] = SCOPES
    assert found()["Access token"]


@pytest.mark.parametrize("status", [401, 404])
def test_bad_token_and_wrong_address_are_findings(wire: CanvasWire, status: int) -> None:
    wire.answers["/users/self"] = (status, {}, "")
    [one] = canvas().check()
    assert isinstance(one, Finding) and not one.ok
    assert "administrator" in one.text


def test_rights_that_cannot_be_asked_for_another_reason_are_an_error(wire: CanvasWire) -> None:
    wire.answers["/accounts"] = (400, {}, "")
    with pytest.raises(Misconfigured):
        canvas().check()


@pytest.mark.parametrize("path", ["/users/self", "/accounts"])
def test_check_of_a_canvas_that_is_away_is_no_finding(wire: CanvasWire, path: str) -> None:
    wire.answers[path] = (503, {}, "")
    with pytest.raises(TryLater):
        canvas().check()
