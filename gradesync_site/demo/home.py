"""Where a demo lives: its folder, its ports (the same ones again, so that the same course goes on), its environment."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from gradesync_site.running import Service, StartFailed

# the demo keeps its own database and secrets: what the environment says of a real installation is not its business
REAL: Final = (
    "DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "EMAIL_URL", "SECRET_KEY", "FIELD_KEYS",
    "ALLOWED_HOSTS", "BEHIND_PROXY", "DEBUG", "STATIC_ROOT",
)  # fmt: skip
# shorter than in a real installation, so that a killed worker's run goes on while one watches
QUICK: Final = {"HTTP_DEADLINE_S": "15", "LEASE_S": "20", "DOORBELL_S": "5"}


@dataclass
class Home:
    """One demo's folder. `tool_port` is where its pages are, or would be."""

    path: Path
    tool_port: int
    lms_port: int
    sis_port: int
    sis_hosts: tuple[str, ...] = ()
    _lock: IO[str] | None = field(default=None, repr=False)

    @classmethod
    def open(cls, path: Path, tool_port: int | None = None, sis_urls: Iterable[str] = ()) -> Home:
        """Raises StartFailed when another demo runs in this folder, or the port asked for is taken."""
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _lock(path)
        kept = _remembered(path)
        if tool_port and not is_free(tool_port):
            raise StartFailed(f"Port {tool_port} is taken. Give another one: demo --port P.")
        tool = tool_port or _same_or_free(kept.get("tool"))
        lms, sis = _same_or_free(kept.get("lms"), {tool}), _same_or_free(kept.get("sis"), {tool})
        (path / "demo.json").write_text(json.dumps({"tool": tool, "lms": lms, "sis": sis}))
        hosts = tuple(sorted({host for url in sis_urls if url and (host := urlsplit(url).hostname)}))
        return cls(path, tool, lms, sis, hosts, lock)

    @property
    def public_url(self) -> str:
        return f"http://127.0.0.1:{self.tool_port}"

    def env(self, given: Mapping[str, str] = os.environ) -> dict[str, str]:
        """For child processes: private addresses are allowed for this demo's own servers, and for them alone."""
        hidden = {*REAL, *(f"{name}_FILE" for name in REAL)}
        kept = {name: value for name, value in given.items() if name not in hidden}
        return (
            QUICK
            | kept
            | {
                "DJANGO_SETTINGS_MODULE": "gradesync_site.settings",
                "GRADESYNC_HOME": str(self.path),
                "PUBLIC_URL": self.public_url,
                "OUTBOUND_ALLOW": ",".join(["127.0.0.1", *self.sis_hosts]),
                "LOG_LEVEL": given.get("LOG_LEVEL", "WARNING"),
                "PYTHONUNBUFFERED": "1",
            }
        )

    def sandbox(self, kind: str) -> Service:
        """The pretend LMS or SIS as a service; its state is kept in this folder."""
        port = self.lms_port if kind == "lms" else self.sis_port
        command = [sys.executable, "-m", "gradesync_site.sandbox", kind, "--port", str(port), "--with-parent"]
        return Service(
            kind, [*command, "--state", str(self.path / f"sandbox-{kind}.json")], self.env(), quiet=True
        )

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()


def _lock(path: Path) -> IO[str]:
    lock = (path / "demo.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StartFailed(
            f"Another demo runs in {path}. End it, or set GRADESYNC_HOME to another folder."
        ) from None
    return lock


def _remembered(path: Path) -> dict[str, int]:
    try:
        kept = json.loads((path / "demo.json").read_text())
        return {str(name): int(port) for name, port in kept.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _same_or_free(port: int | None, taken: Iterable[int] = ()) -> int:
    if port and port not in taken and is_free(port):
        return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
