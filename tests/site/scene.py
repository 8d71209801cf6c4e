"""A course of its own with everything as real processes: sandbox LMS and SIS, database, broker, worker, beat."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psycopg

from gradesync_site import running
from gradesync_site.demo.home import Home
from gradesync_site.demo.job import Job, Sis

# short times, so that a dead worker's run is taken over within seconds; a lease is longer than a request may take
TIMES = {"HTTP_DEADLINE_S": "2", "LEASE_S": "3", "DOORBELL_S": "1", "RETRY_S": "1"}
PATIENCE_S = 120


@dataclass
class Scene:
    """Use as a context manager; every process that was started ends with it."""

    folder: Path
    students: int = 12
    line_items: int = 4
    latency_ms: int = 0
    options: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    lms: dict[str, Any] = field(default_factory=dict)
    sis: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Scene:
        self.home = Home.open(self.folder)
        self.database = Database.make(self.folder)
        size = ["--students", str(self.students), "--line-items", str(self.line_items), "--option", "plain=1"]
        self.lms = self._start("lms", size)
        self.sis = self._start("sis", [*size, "--latency-ms", str(self.latency_ms)])
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
            process.wait()
        self.home.close()
        self.database.drop()

    @property
    def env(self) -> dict[str, str]:
        found = self.home.env() | TIMES | dict(self.environment)
        return found | ({"DATABASE_URL": self.database.url} if self.database.url else {})

    def _start(self, kind: str, arguments: list[str]) -> dict[str, Any]:
        service = self.home.sandbox(kind)
        process, hello = running.start_announcing(
            running.Service(kind, [*service.command, *arguments], self.env)
        )
        self.processes.append(process)
        return hello

    def approved_run(self) -> int:
        """Launch, link, preview, approve and ring, all in a process that then ends. Returns the run's id."""
        return int(self._prepared())

    def asked_reads(self) -> tuple[int, int]:
        """Launch, link, then ask for a run's read and for a look, and ring. Returns the ids of both."""
        run_id, look_id = self._prepared("ask").split()
        return int(run_id), int(look_id)

    def _prepared(self, *what: str) -> str:
        sis = Sis(
            self.sis["base_url"], self.sis["token_url"], self.sis["client_id"], self.sis["client_secret"]
        )
        sis = Sis(**{**sis.__dict__, "options": dict(self.options)})
        done = subprocess.run(
            [sys.executable, "-m", "tests.site.approve", *what],
            input=Job(self.lms, sis).dumps(),
            env=self.env,
            cwd=running.ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, service: running.Service) -> subprocess.Popen[bytes]:
        process = running.spawn(service)
        self.processes.append(process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        return self.start(running.worker(self.env))

    def beat(self) -> subprocess.Popen[bytes]:
        return self.start(running.beat(self.env))

    # --- what is seen from outside

    def run_state(self, run_id: int) -> str:
        return str(self.database.ask(f"SELECT state FROM sync_run WHERE id = {run_id}"))

    def look_state(self, look_id: int) -> str:
        return str(self.database.ask(f"SELECT state FROM sync_look WHERE id = {look_id}"))

    def requests(self) -> int:
        """How often the SIS was asked for anything so far."""
        return len(control(self.sis, "journal")["journal"])

    def report(self, run_id: int) -> dict[str, Any]:
        found = self.database.ask(f"SELECT report FROM sync_run WHERE id = {run_id}")
        report: dict[str, Any] = json.loads(found) if isinstance(found, str) else found
        return report

    def results(self) -> list[dict[str, Any]]:
        """The SIS's stored results of line items that we made or linked, as they are."""
        return list(control(self.sis, "state")["results"].values())

    def writes(self) -> list[dict[str, Any]]:
        return [
            one for one in control(self.sis, "journal?writes")["journal"] if "result" in str(one["stored"])
        ]

    def until(self, reached: Callable[[], object], what: str) -> None:
        """Waits for a state, not for a time; what never comes fails the test."""
        patience = time.monotonic() + PATIENCE_S
        while not reached():
            assert time.monotonic() < patience, f"never came: {what}"
            time.sleep(0.02)


@dataclass
class Database:
    """The scene's own database: SQLite in its folder, or a new one on the server that DATABASE_URL names."""

    folder: Path
    url: str = ""

    @classmethod
    def make(cls, folder: Path) -> Database:
        server = os.environ.get("DATABASE_URL", "")
        if not server.startswith("postgres"):
            return cls(folder)
        name = f"gradesync_scene_{uuid.uuid4().hex[:12]}"
        base = server.rpartition("/")[0]
        with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
        return cls(folder, f"{base}/{name}")

    def ask(self, query: str) -> Any:
        if self.url:
            with psycopg.connect(self.url) as connection:
                return (connection.execute(query).fetchone() or [None])[0]  # type: ignore[call-overload]
        with sqlite3.connect(self.folder / "gradesync.sqlite3", timeout=30) as lite:
            return (lite.execute(query).fetchone() or [None])[0]

    def drop(self) -> None:
        if self.url:
            server, _, name = self.url.rpartition("/")
            with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]
        shutil.rmtree(self.folder, ignore_errors=True)


def control(server: Mapping[str, Any], what: str, wish: Mapping[str, Any] | None = None) -> Any:
    """A sandbox server's control API: GET, or POST with a wish."""
    data = None if wish is None else json.dumps(wish).encode()
    with urlopen(Request(f"{server['control_url']}/{what}", data=data), timeout=30) as answer:
        return json.loads(answer.read())
