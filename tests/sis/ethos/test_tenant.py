"""The pretend tenant is strict: what Ethos would not take, it does not take either."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from gradesync_site.sandbox.sis.ethos.rules import NIL
from gradesync_site.sandbox.sis.ethos.seeds import FINAL, LETTER, guid
from tests.sandbox_servers import Server
from tests.sis.ethos.conftest import registration

MEDIA = "application/vnd.hedtech.integration"
PATH = "/api/student-unverified-grades"


@pytest.fixture
def ask(host: Server) -> Iterator[Any]:
    key = {"Authorization": f"Bearer {host.hello['client_secret']}"}
    token = requests.post(f"{host.base_url}/auth", headers=key, timeout=5).text

    def ask(method: str, path: str, body: Any = None, version: str = "1") -> requests.Response:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": f"{MEDIA}.v{version}+json",
            "Content-Type": f"{MEDIA}.student-unverified-grades-submissions.v1+json",
        }
        return requests.request(method, host.base_url + path, headers=headers, json=body, timeout=5)

    return ask


def submission(letter: str = "A", **more: Any) -> dict[str, Any]:
    incomplete = {"incompleteGrade": more.pop("incomplete")} if "incomplete" in more else {}
    grade = {"type": {"id": FINAL}, "grade": {"id": guid("grade", LETTER, letter)}, **incomplete}
    return {"id": NIL, "sectionRegistration": {"id": registration()}, "grade": grade} | more


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (submission(sectionRegistration={"id": guid("no")}), "registration was not found"),
        (submission("F"), "last date of attendance is required"),
        (submission("F", lastAttendance={"date": "2020-01-01"}), "outside of the term"),
        (submission("A", incomplete={"extensionDate": "2027-09-01"}), "do not go with this grade"),
        (submission(grade={"type": {"id": guid("no")}, "grade": {"id": guid("no")}}), "section-grade-type"),
        (submission("A", id=guid("other")), "not that of the request"),
        (submission("I", incomplete={"extensionDate": "2029-09-01"}), "after the latest one allowed"),
    ],
)
def test_a_submission_that_is_wrong_is_refused(ask: Any, body: dict[str, Any], words: str) -> None:
    response = ask("POST", PATH, body)
    assert response.status_code == 400
    assert words in response.json()["errors"][0]["description"]


def test_a_default_that_is_not_to_be_chosen_is_refused(ask: Any, host: Server) -> None:
    scheme = "Pass/No Pass"
    host.state["section-registrations"][registration()]["gradingOption"]["gradeScheme"]["id"] = guid(
        "scheme", scheme
    )
    lapse = {"extensionDate": "2027-09-01", "finalGrade": {"id": guid("grade", scheme, "P")}}
    grade = {"type": {"id": FINAL}, "grade": {"id": guid("grade", scheme, "I")}, "incompleteGrade": lapse}
    response = ask("POST", PATH, submission(grade=grade))
    assert "cannot be changed" in response.json()["errors"][0]["description"]


def test_a_verified_or_ungraded_registration_takes_nothing(ask: Any, host: Server) -> None:
    host.state["ungraded"].append(host.state["section-registrations"][registration()]["section"]["id"])
    assert "not gradable" in ask("POST", PATH, submission()).text
    host.control("verify", registration=registration())
    assert "rolled" in ask("POST", PATH, submission()).text


def test_a_second_post_is_a_second_record(ask: Any, host: Server) -> None:
    for _ in range(2):
        assert ask("POST", PATH, submission()).status_code == 200
    assert len(host.state["student-unverified-grades"]) == 2


def test_questions_that_are_wrong_are_refused(ask: Any) -> None:
    assert ask("GET", PATH, version="9").status_code == 406
    assert ask("GET", f"{PATH}?criteria=x").status_code == 400
    assert ask("GET", f"{PATH}?limit=all").status_code == 400
    assert ask("GET", f"{PATH}/{guid('none')}").status_code == 404
    assert ask("PUT", f"{PATH}/{guid('none')}", submission(id=guid("none"))).status_code == 404
    assert ask("GET", "/api/student-grades").status_code == 404


def test_what_the_network_does_is_done_too(ask: Any, host: Server) -> None:
    host.faults.on("lose-request", count=1)
    with pytest.raises(requests.ConnectionError):
        ask("POST", PATH, submission())
    assert host.writes() == []
    host.faults.on("slow", seconds=0.01)
    assert ask("GET", PATH).json() == []
