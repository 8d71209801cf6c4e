"""Demos for the walks: one runs, and each module finds it as it was when it started."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from gradesync_site import running

SIDES = ("lms_control", "sis_control")
# what a worker may be at, of the course that is about to be put back
BUSY = """SELECT EXISTS (SELECT 1 FROM sync_look WHERE state = 'reading') OR EXISTS
  (SELECT 1 FROM sync_run WHERE state IN ('reading', 'approved', 'pushing', 'reconciling'))"""
REST_S = 15.0


@dataclass
class Demo:
    """`demo --json` in a home of its own; `said` is what it printed when it was ready."""

    home: Path
    process: subprocess.Popen[bytes]
    said: dict[str, Any]
    kept: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def start(cls, home: Path) -> Demo:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--json"],
            env=os.environ | {"GRADESYNC_HOME": str(home)},
            cwd=running.ROOT,
            stdout=subprocess.PIPE,
            stderr=(home / "log").open("wb"),
            start_new_session=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (home / "log").read_text()
        started = cls(home, process, json.loads(line))
        started._keep()
        return started

    def is_at_rest(self) -> bool:
        """It runs, and no worker reads or sends: what goes on is waited for, unless it does not end."""
        until = time.monotonic() + REST_S
        while self.process.poll() is None and time.monotonic() < until:
            with closing(sqlite3.connect(self._database, timeout=30)) as database:
                if not database.execute(BUSY).fetchone()[0]:
                    return True
            time.sleep(0.1)
        return False

    def put_back(self) -> None:
        """Database, LMS and SIS as when it was ready. The processes go on: none keeps what the database says."""
        with (
            closing(sqlite3.connect(self._copy)) as kept,
            closing(sqlite3.connect(self._database, timeout=30)) as database,
        ):
            kept.backup(database)
        for side in SIDES:
            urlopen(Request(f"{self.said[side]}/state", self.kept[side], method="PUT"), timeout=30).close()

    def end(self) -> None:
        """It ends when it is asked to, and leaves no process behind."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=60) == 0
        assert processes_of(self.home) == []

    def _keep(self) -> None:
        with (
            closing(sqlite3.connect(self._database, timeout=30)) as database,
            closing(sqlite3.connect(self._copy)) as kept,
        ):
            database.backup(kept)
        for side in SIDES:
            with urlopen(f"{self.said[side]}/state", timeout=30) as answer:
                self.kept[side] = answer.read()

    @property
    def _database(self) -> Path:
        return self.home / "gradesync.sqlite3"

    @property
    def _copy(self) -> Path:
        return self.home / "as-it-was.sqlite3"


def processes_of(home: Path) -> list[str]:
    """Command lines of processes that still live in this home."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"GRADESYNC_HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found
