"""The control API, the token endpoint, the state file and the process of the pretend SIS."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sandbox.bodies import new_result
from tests.sandbox_servers import SCOPE, SisServer

HOMEWORK = "li-alg1-homework1"
PATIENCE_S = 60


def put(server: SisServer, number: int, **change: Any) -> int:
    body = new_result(server.base_url, f"r-{number}", student_id=f"S{20000 + number}", **change)
    return server.ask("PUT", f"/results/r-{number}", {"result": body}).status_code


def test_the_journal_tells_each_request_and_what_it_stored(sis_server: SisServer) -> None:
    put(sis_server, 4)
    put(sis_server, 5, score=51)
    base = f"{sis_server.base_url}/_sandbox"
    journal = requests.get(f"{base}/journal", timeout=5).json()["journal"]
    writes = requests.get(f"{base}/journal?writes", timeout=5).json()["journal"]
    assert [(one["method"], one["status"], one["stored"]) for one in journal[1:]] == [
        ("PUT", 201, ["results/r-4"]),
        ("PUT", 422, []),
    ]
    assert journal[1]["body"]["result"]["score"] == 8
    assert [one["n"] for one in writes] == [2]
    requests.delete(f"{base}/journal", timeout=5)
    assert requests.get(f"{base}/journal", timeout=5).json() == {"journal": []}


def test_the_journal_keeps_no_secret(sis_server: SisServer) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": sis_server.hello["client_id"],
        "client_secret": sis_server.hello["client_secret"],
    }
    assert requests.post(sis_server.hello["token_url"], data=form, timeout=5).status_code == 200
    assert sis_server.hello["client_secret"] not in str(sis_server.journal)


def test_a_person_edits_enters_and_removes_grades(sis_server: SisServer) -> None:
    put(sis_server, 4)
    sis_server.control("result", lineItem=HOMEWORK, student="S20004", score=42)
    assert sis_server.results(HOMEWORK)["S20004"] | {"dateLastModified": ""} == {
        "sourcedId": "r-4",
        "status": "active",
        "dateLastModified": "",
        "lineItem": HOMEWORK,
        "student": "S20004",
        "scoreStatus": "fully graded",
        "scoreDate": "2025-10-01",
        "score": 42,
    }
    sis_server.control("result", lineItem=HOMEWORK, student="S20005", score=7)
    sis_server.control("result", lineItem=HOMEWORK, student="S20004", score=None)
    assert "score" not in sis_server.results(HOMEWORK)["S20004"]
    sis_server.control("result", lineItem=HOMEWORK, student="S20005", remove=True)
    assert "S20005" not in sis_server.results(HOMEWORK)
    assert len(sis_server.writes()) == 1


def test_an_id_given_again_after_the_state_was_put_back_is_another_students(sis_server: SisServer) -> None:
    url = f"{sis_server.base_url}/_sandbox/state"
    before = requests.get(url, timeout=5).content
    assert put(sis_server, 4) == 201
    assert requests.put(url, data=before, timeout=5).status_code == 200
    body = new_result(sis_server.base_url, "r-4", student_id="S20005")
    assert sis_server.ask("PUT", "/results/r-4", {"result": body}).status_code == 201
    body = new_result(sis_server.base_url, "r-6", student_id="S20004")
    assert sis_server.ask("PUT", "/results/r-6", {"result": body}).status_code == 201


def test_a_second_result_for_one_pair_can_be_set_up(sis_server: SisServer) -> None:
    sis_server.control("result", lineItem=HOMEWORK, student="S20001", score=7, second=True)
    results = sis_server.ask("GET", f"/classes/ALG1-P3/lineItems/{HOMEWORK}/results").json()["results"]
    assert [one["student"]["sourcedId"] for one in results].count("S20001") == 2


def test_students_and_line_items_come_and_go(sis_server: SisServer) -> None:
    sis_server.control(
        "student", **{"class": "ART-P6", "sourcedId": "S1", "givenName": "Ny", "email": "n@x.example"}
    )
    sis_server.control("student", **{"class": "ART-P6", "sourcedId": "S20001"})
    sis_server.control("student/remove", **{"class": "ALG1-P3", "student": "S20004"})
    item = sis_server.control("line-item", **{"class": "ART-P6", "title": "Sketch", "resultValueMax": 20})
    students = sis_server.ask("GET", "roster:/classes/ART-P6/students").json()["users"]
    assert [one["sourcedId"] for one in students] == ["S20001", "S1"]
    assert put(sis_server, 4) == 422
    items = sis_server.ask("GET", "/classes/ART-P6/lineItems").json()["lineItems"]
    assert [one["title"] for one in items] == ["Sketch"]
    sis_server.control("line-item", sourcedId=item["sourcedId"], remove=True)
    sis_server.control("class/remove", **{"class": "BIO-P1"})
    assert (
        sis_server.ask("GET", f"/lineItems/{item['sourcedId']}").json()["lineItem"]["status"] == "tobedeleted"
    )
    assert sis_server.ask("GET", "roster:/classes/BIO-P1/students").status_code == 404


@pytest.mark.parametrize(
    ("what", "wish", "status"),
    [
        ("result", {"lineItem": "none", "student": "S20001"}, 404),
        ("result", {}, 400),
        ("nonsense", {}, 404),
        ("faults", {"name": "nonsense"}, 400),
        ("faults", {"name": "slow", "count": 1, "seconds": 5}, 200),
        ("latency", {"ms": 0}, 200),
    ],
)
def test_control_says_what_it_cannot_do(
    sis_server: SisServer, what: str, wish: dict[str, Any], status: int
) -> None:
    response = requests.post(f"{sis_server.base_url}/_sandbox/{what}", json=wish, timeout=5)
    assert response.status_code == status
    assert ("error" in response.json()) == (status != 200)


def test_faults_are_switched_over_http(sis_server: SisServer) -> None:
    faults = f"{sis_server.base_url}/_sandbox/faults"
    requests.post(faults, json={"name": "busy-429", "count": 3}, timeout=5)
    assert put(sis_server, 4) == 429
    active = requests.get(faults, timeout=5).json()["active"]
    assert [(one["name"], one["count"], one["struck"]) for one in active] == [("busy-429", 2, 1)]
    requests.post(faults, json={"name": "busy-429", "on": False}, timeout=5)
    assert put(sis_server, 4) == 201


def test_a_token_carries_the_scopes_asked_for_and_no_others(sis_server: SisServer) -> None:
    reading = sis_server.bearer("gradebook.readonly")
    assert sis_server.ask("GET", "/results", token=reading).status_code == 200
    assert sis_server.ask("DELETE", "/results/r-1", token=reading).status_code == 403
    assert sis_server.ask("GET", "roster:/classes", token=reading).status_code == 403
    assert sis_server.ask("GET", "/results", token="made-up").status_code == 401
    core = sis_server.bearer("gradebook-core.readonly")
    assert sis_server.ask("GET", "/results", token=core).status_code == 200
    assert sis_server.ask("GET", "/classes/ALG1-P3/results", token=core).status_code == 403


def test_the_token_endpoint_refuses_a_wrong_key_grant_or_scope(sis_server: SisServer) -> None:
    url, good = (
        sis_server.hello["token_url"],
        (sis_server.hello["client_id"], sis_server.hello["client_secret"]),
    )

    def asked(auth: Any, **form: str) -> tuple[int, str]:
        response = requests.post(url, data=form, auth=auth, timeout=5)
        return response.status_code, response.json().get("error", "")

    grant = "client_credentials"
    assert asked((good[0], "wrong"), grant_type=grant) == (401, "invalid_client")
    assert asked(good, grant_type="password") == (400, "unsupported_grant_type")
    assert asked(good, grant_type=grant, scope="nonsense") == (400, "invalid_scope")
    sis_server.control("client", scopes=["gradebook.readonly"])
    assert asked(good, grant_type=grant, scope=SCOPE + "gradebook.createput") == (400, "invalid_scope")
    assert asked(good, grant_type=grant) == (200, "")


def test_many_clients_at_once_lose_nothing(start_sis: Callable[..., SisServer], tmp_path: Path) -> None:
    server = start_sis(students=40, state=tmp_path / "sis.json")
    server.token = server.bearer()
    with ThreadPoolExecutor(16) as pool:
        answered = list(pool.map(lambda number: put(server, number), range(4, 41)))
    assert answered == [201] * 37
    assert len(server.writes()) == 37
    kept = json.loads((tmp_path / "sis.json").read_text())
    assert {f"r-{number}" for number in range(4, 41)} <= kept["results"].keys()


def test_the_state_file_is_loaded_at_the_next_start(
    start_sis: Callable[..., SisServer], tmp_path: Path
) -> None:
    server = start_sis(state=tmp_path / "deep" / "sis.json")
    put(server, 4)
    server.control("result", lineItem=HOMEWORK, student="S20005", score=3)
    server.restart()
    assert {"S20004", "S20005"} <= set(server.results(HOMEWORK))
    assert server.journal == []
    assert server.ask("GET", "/results").status_code == 401, "tokens do not outlive the process"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["sis.json"]


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def sandbox(processes: list[subprocess.Popen[str]], *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gradesync_site.sandbox", "sis", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    processes.append(process)
    return process


def first_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], PATIENCE_S)[0], "nothing was printed"
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def test_the_process_prints_one_line_with_all_that_a_client_needs(
    processes: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    state = tmp_path / "sis.json"
    arguments = (
        "--students",
        "20",
        "--fault",
        "round-2",
        "--latency-ms",
        "1",
        "--lenient",
        "--state",
        str(state),
    )
    hello = first_line(sandbox(processes, *arguments))
    assert hello["class_ids"][0] == "ALG1-P3"
    assert hello.keys() >= {
        "base_url",
        "rostering_base",
        "gradebook_base",
        "token_url",
        "client_id",
        "client_secret",
    }
    faults = requests.get(f"{hello['control_url']}/faults", timeout=10).json()
    assert [one["name"] for one in faults["active"]] == ["round-2"]
    processes[0].send_signal(signal.SIGTERM)
    assert processes[0].wait(PATIENCE_S) == -signal.SIGTERM


def test_an_unknown_fault_ends_the_process_with_the_list(processes: list[subprocess.Popen[str]]) -> None:
    process = sandbox(processes, "--fault", "nonsense")
    _, words = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert "round-2" in words


def test_the_process_ends_with_its_parent(processes: list[subprocess.Popen[str]]) -> None:
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'gradesync_site.sandbox', 'sis', '--with-parent'],"
        " stdout=subprocess.PIPE, text=True)\n"
        "print(child.stdout.readline(), end='', flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    processes.append(parent)
    pid = int(first_line(parent)["pid"])
    watch = os.pidfd_open(pid)
    parent.kill()
    ended, _, _ = select.select([watch], [], [], PATIENCE_S)
    os.close(watch)
    assert ended
