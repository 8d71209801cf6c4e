"""Child processes: restarted when they die, ended with their parent, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gradesync_site import running
from gradesync_site.running import Service, StartFailed, Supervisor

SLEEP = "import time; time.sleep(600)"


def python(code: str, name: str = "child") -> Service:
    return Service(name, [sys.executable, "-c", code], os.environ)


def until(reached: Callable[[], object]) -> None:
    patience = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < patience
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" if Path("/proc").exists() else True


def test_a_service_that_dies_is_started_again() -> None:
    supervisor = Supervisor()
    supervisor.add(python(SLEEP))
    supervisor.tend()
    first = supervisor.pids()["child"]
    os.kill(first, signal.SIGKILL)
    until(lambda: supervisor.tend() or supervisor.pids().get("child", first) != first)
    second = supervisor.pids()["child"]
    assert is_alive(second)
    supervisor.end_all()
    assert not is_alive(second)


def test_a_service_that_cannot_start_is_tried_ever_more_rarely() -> None:
    supervisor = Supervisor()
    supervisor.add(python("raise SystemExit(3)"))
    one = supervisor.running[0]
    waits = []
    for _ in range(4):
        one.due = 0.0
        supervisor.tend()
        until(lambda: one.process is None or one.process.poll() is not None)
        supervisor.tend()
        waits.append(one.wait_s)
    assert waits == [1, 2, 4, 8]
    supervisor.end_all()


def test_a_service_that_ignores_the_request_is_ended_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "GRACE_S", 0.2)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(600)"
    supervisor = Supervisor()
    process = running.spawn(python(deaf), stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    supervisor.adopt(python(deaf), process)
    supervisor.end_all()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_children_end_when_their_parent_is_killed() -> None:
    parent = """
import os, sys, time
from gradesync_site.running import Service, spawn
child = spawn(Service("child", [sys.executable, "-c", "import time; time.sleep(600)"], os.environ))
print(child.pid, flush=True)
time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", parent], cwd=running.ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    assert is_alive(child)
    process.kill()
    process.wait()
    until(lambda: not is_alive(child))


@pytest.mark.parametrize("says", ["print('not json')", "print([1, 2])", "raise SystemExit(1)"])
def test_a_server_that_announces_nothing_is_a_failed_start(says: str) -> None:
    with pytest.raises(StartFailed, match="child did not start"):
        running.start_announcing(python(says))


def test_a_server_is_ready_when_it_says_so() -> None:
    code = f"import json; print(json.dumps({{'port': 7}}), flush=True); {SLEEP}"
    process, hello = running.start_announcing(python(code))
    assert hello == {"port": 7}
    process.kill()
    process.wait()
