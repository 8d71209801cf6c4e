"""Child processes of `serve` and `demo`: started together, restarted when they die, ended with their parent."""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
GRACE_S: Final = 10.0  # between SIGTERM and SIGKILL
STEADY_S: Final = 30.0  # a service that ran this long starts its waiting times anew
LONGEST_WAIT_S: Final = 30.0
PR_SET_PDEATHSIG: Final = 1
STDERR: Final = 2


class StartFailed(Exception):
    """A child process ended, or said nothing, before it was ready. The text is for people."""


@dataclass(frozen=True)
class Service:
    """A command that is to run for as long as we do. `quiet`: what it prints is for programs, and is dropped."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    quiet: bool = False


@dataclass
class _Running:
    service: Service
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    wait_s: float = 0.0
    due: float = 0.0


@dataclass
class Supervisor:
    """Runs services until `stop` is called or a signal asks for it. One thread; children never outlive it.

    `when_ready` is called once, when something listens at `ready_at`.
    """

    running: list[_Running] = field(default_factory=list)
    stopping: bool = False
    ready_at: tuple[str, int] | None = None
    when_ready: Callable[[], None] | None = None

    def add(self, service: Service) -> None:
        self.running.append(_Running(service))

    def adopt(self, service: Service, process: subprocess.Popen[bytes]) -> None:
        """A process that runs already: watched, and restarted like the others."""
        self.running.append(_Running(service, process, time.monotonic()))

    def pids(self) -> dict[str, int]:
        return {one.service.name: one.process.pid for one in self.running if one.process is not None}

    def run(self) -> None:
        """Until SIGINT or SIGTERM: start what is due, restart what died. Then end all."""
        previous = {number: signal.signal(number, self._asked) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not self.stopping:
                self.tend()
                self._look_whether_ready()
                time.sleep(0.2)
        finally:
            self.end_all()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def tend(self) -> None:
        """One look at each service: start it when it is due, note it when it died."""
        now = time.monotonic()
        for one in self.running:
            if one.process is not None and one.process.poll() is not None:
                self._note_death(one, now)
            if one.process is None and now >= one.due:
                # what services say goes beside our own messages; standard output is for programs
                one.process, one.started = spawn(one.service, stdout=STDERR), now

    def _look_whether_ready(self) -> None:
        if self.when_ready is None or self.ready_at is None:
            return
        with socket.socket() as probe:
            if probe.connect_ex(self.ready_at) == 0:
                call, self.when_ready = self.when_ready, None
                call()

    def stop(self) -> None:
        self.stopping = True

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self.stop()

    def _note_death(self, one: _Running, now: float) -> None:
        code = one.process.returncode if one.process is not None else None
        steady = now - one.started > STEADY_S
        one.wait_s = 1.0 if steady or not one.wait_s else min(one.wait_s * 2, LONGEST_WAIT_S)
        one.process, one.due = None, now + one.wait_s
        say(f"{one.service.name} ended (code {code}); it starts again in {one.wait_s:.0f} s.")

    def end_all(self) -> None:
        """Ask all to end, last started first; after the grace, end them."""
        processes = [one.process for one in reversed(self.running) if one.process is not None]
        for process in processes:
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + GRACE_S
        for process in processes:
            try:
                process.wait(timeout=max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def spawn(
    service: Service, *, stdout: int | None = None, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start a child that ends when we end. It keeps out of the terminal's Ctrl-C: we pass that on ourselves."""
    return subprocess.Popen(  # noqa: S603 - our own commands
        list(service.command),
        env=dict(service.env),
        cwd=ROOT,
        stdin=stdin,
        stdout=subprocess.DEVNULL if service.quiet and stdout != subprocess.PIPE else stdout,
        start_new_session=True,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )


def _end_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start_announcing(
    service: Service, timeout_s: float = 60
) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Start a server that prints one JSON line when it listens. Raises StartFailed when it does not."""
    process = spawn(service, stdout=subprocess.PIPE)
    line = _first_line(process, time.monotonic() + timeout_s)
    try:
        announced = json.loads(line)
    except ValueError:
        process.kill()
        raise StartFailed(f"{service.name} did not start: it said nothing that can be read.") from None
    if not isinstance(announced, dict):
        process.kill()
        raise StartFailed(f"{service.name} did not start as it should.")
    return process, announced


def _first_line(process: subprocess.Popen[bytes], until: float) -> bytes:
    assert process.stdout is not None  # noqa: S101 - it was started with a pipe
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        read = b""
        while b"\n" not in read and selector.select(max(0.0, until - time.monotonic())):
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                break
            read += chunk
    return read.partition(b"\n")[0]


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def web(bind: str, env: Mapping[str, str]) -> Service:
    command = [sys.executable, "-m", "gunicorn", "gradesync_site.wsgi", "--bind", bind, "--no-control-socket"]
    return Service("web", [*command, "--workers", "2", "--threads", "4", "--log-level", "warning"], env)


def worker(env: Mapping[str, str]) -> Service:
    """Threads: pushes and reads wait for LMS and SIS most of the time, and SQLite wants few writers."""
    command = [sys.executable, "-m", "celery", "-A", "gradesync_site", "worker", "--loglevel", "WARNING"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return Service("worker", [*command, "--pool", "threads", "--concurrency", "4", *quiet], env)


def beat(env: Mapping[str, str]) -> Service:
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "gradesync_site",
        "beat",
        "--loglevel",
        "WARNING",
        "--pidfile=",
    ]
    return Service("beat", command, env)


def call_manage(env: Mapping[str, str], *arguments: str) -> None:
    """One management command, to its end. Raises StartFailed when it fails; its words stand above."""
    service = Service(arguments[0], manage(*arguments), env)
    if spawn(service).wait():
        raise StartFailed(f"manage.py {arguments[0]} failed; its reason stands above.")
