"""`demo --once`, as someone runs it who has just cloned the project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from gradesync_site import running
from gradesync_site.management.commands import demo as demo_command
from gradesync_site.sandbox.control import Options
from gradesync_site.sandbox.serving import Running, serve_in_thread
from gradesync_site.sandbox.sis import make_app

BUCKETS = ("created", "updated", "unchanged", "waiting", "rejected", "problems", "excluded", "not_graded")


def demo(home: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    kept = {
        name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "VIRTUAL_ENV", "TMPDIR"}
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--once", "--json", *arguments],
        env=kept | {"GRADESYNC_HOME": str(home)},
        cwd=running.ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def stored(home: Path) -> dict[str, Any]:
    state = json.loads((home / "sandbox-sis.json").read_text(), parse_float=Decimal)
    return {name: state[name] for name in ("results", "lineItems", "categories")}


def test_the_main_job_ends_in_sync_and_the_same_home_goes_on_without_writing(tmp_path: Path) -> None:
    code, first = demo(tmp_path)
    assert (code, first["in_sync"]) == (0, True), first
    assert first["created"] > 50
    assert first["pulled"] == sum(first[name] for name in BUCKETS)
    after_first = stored(tmp_path)
    code, second = demo(tmp_path)
    assert (code, second["in_sync"], second["created"], second["updated"]) == (0, True, 0, 0)
    assert second["unchanged"] == first["created"]
    assert second["pulled"] == sum(second[name] for name in BUCKETS)
    assert stored(tmp_path) == after_first


@pytest.fixture
def foreign() -> Any:
    with serve_in_thread(make_app(Options())) as server:
        yield server


def access(server: Running, class_id: str = "ENG10-P2") -> list[str]:
    hello = server.hello
    return [
        *("--sis-base", hello["base_url"], "--sis-token-url", hello["token_url"]),
        *("--sis-client-id", hello["client_id"], "--sis-client-secret", hello["client_secret"]),
        *("--sis-class", class_id, "--sis-version", "1.2"),
    ]


def scores(server: Running) -> list[Any]:
    items = {
        one["sourcedId"]
        for one in server.sandbox.state["lineItems"].values()
        if one["title"].startswith("GradeSync")
    }
    results = server.sandbox.state["results"].values()
    return [(one.get("score"), one["scoreStatus"]) for one in results if one["lineItem"] in items]


def test_a_foreign_sis_gets_a_zero_an_excused_and_three_decimals_exactly(
    foreign: Running, tmp_path: Path
) -> None:
    code, first = demo(tmp_path, *access(foreign))
    assert (code, first["in_sync"]) == (0, True), first
    assert first["students"] == 6
    found = scores(foreign)
    assert (0, "fully graded") in found
    assert (Decimal("9.257"), "fully graded") in found
    assert (None, "exempt") in found


def test_a_grade_edited_by_hand_in_the_sis_is_reported_and_left_alone(
    foreign: Running, tmp_path: Path
) -> None:
    demo(tmp_path, *access(foreign))
    written = len(foreign.sandbox.writes())
    code, second = demo(tmp_path, *access(foreign))
    assert (code, second["created"], second["updated"]) == (0, 0, 0)
    assert len(foreign.sandbox.writes()) == written, "a second run writes nothing"
    with foreign.sandbox.lock:
        edited = next(
            one for one in foreign.sandbox.state["results"].values() if one.get("score") == Decimal("9.257")
        )
        edited["score"] = Decimal(3)
    code, third = demo(tmp_path, *access(foreign))
    assert (code, third["in_sync"], third["problems"]) == (1, False, 1)
    assert [one["code"] for one in third["details"]["problems"]] == ["edited-in-sis"]
    assert edited["score"] == 3
    assert len(foreign.sandbox.writes()) == written


def test_the_pretend_sis_is_spoken_to_in_11_and_by_signed_requests_when_asked(tmp_path: Path) -> None:
    code, found = demo(tmp_path, "--sis-version", "1.1", "--sis-option", "auth=oauth1")
    assert (code, found["in_sync"], found["rejected"]) == (0, True, 0), found
    state = json.loads((tmp_path / "sandbox-sis.json").read_text(), parse_float=Decimal)
    made = [one for one in state["lineItems"].values() if "academicSession" not in one]
    assert made and all(one["gradingPeriod"].startswith("gp-") for one in made)


def test_how_the_sis_is_spoken_to_is_read_from_the_command_line() -> None:
    given = {
        "sis_base": "https://sis.example",
        "sis_token_url": None,
        "sis_client_id": "c",
        "sis_client_secret": "s",
        "sis_class": "ENG10-P2",
        "sis_version": "1.1",
        "sis_option": ["auth=oauth1", "preset=aeries", "version=1.2"],
    }
    sis = demo_command.foreign_sis(given)
    assert sis and sis.options == {"auth": "oauth1", "preset": "aeries", "version": "1.1"}
    for wrong, told in (
        ({"sis_option": []}, "--sis-token-url"),
        ({"sis_option": ["oauth1"]}, "KEY=VALUE"),
    ):
        with pytest.raises(CommandError, match=told):
            demo_command.foreign_sis(given | wrong)
    with pytest.raises(CommandError, match="--once"):
        call_command("demo", "--sis-version", "1.1")


@pytest.mark.parametrize(
    ("spoiled", "told"),
    [("--sis-client-secret", "secret"), ("--sis-class", "class")],
)
def test_what_is_wrong_with_the_sis_is_said(
    foreign: Running, tmp_path: Path, spoiled: str, told: str
) -> None:
    code, found = demo(tmp_path, *access(foreign), spoiled, "wrong")
    assert code == 2
    assert told in found["error"].lower()


def test_an_incomplete_sis_is_refused_before_anything_starts(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--once", "--sis-base", "https://sis.example"],
        env=os.environ | {"GRADESYNC_HOME": str(tmp_path)},
        cwd=running.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "--sis-class" in done.stderr


def test_the_demo_never_touches_a_real_database(tmp_path: Path) -> None:
    """A DATABASE_URL in the environment belongs to a real installation."""
    from gradesync_site.demo.home import Home

    home = Home.open(tmp_path)
    env = home.env(
        {"DATABASE_URL": "postgres://real", "SECRET_KEY": "real", "FIELD_KEYS_FILE": "real", "PATH": "p"}
    )
    home.close()
    assert not {"DATABASE_URL", "SECRET_KEY", "FIELD_KEYS_FILE"} & set(env)
    assert env["OUTBOUND_ALLOW"] == "127.0.0.1"


def test_two_demos_do_not_share_a_home(tmp_path: Path) -> None:
    from gradesync_site.demo.home import Home

    first = Home.open(tmp_path)
    with pytest.raises(running.StartFailed):
        Home.open(tmp_path)
    first.close()
    again = Home.open(tmp_path)
    assert (again.tool_port, again.lms_port, again.sis_port) == (
        first.tool_port,
        first.lms_port,
        first.sis_port,
    )
    again.close()
