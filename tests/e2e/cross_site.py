"""The tool and the LMS on different sites (localhost and 127.0.0.1), over a course whose grades were sent already."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from gradesync_site import running
from gradesync_site.demo.home import Home

ANY_CERTIFICATE = ssl._create_unverified_context()


@dataclass
class Site:
    """`tool` and `lms` are origins of different sites; `course` is the LMS's page of the course."""

    tool: str
    lms: str
    course: str
    courses: list[str]
    control: str
    env: dict[str, str]

    def ask(self, what: str, wish: dict[str, Any] | None = None) -> Any:
        data = None if wish is None else json.dumps(wish).encode()
        with urlopen(Request(f"{self.control}/{what}", data=data), timeout=30) as answer:
            return json.loads(answer.read())

    def set_frame_origins(self, *origins: str) -> None:
        """As an administrator does."""
        self.django(f"Registration.objects.update(frame_origins={list(origins)!r})")

    def django(self, code: str) -> None:
        start = "import django; django.setup(); from lti_tool.models import *; "
        subprocess.run([sys.executable, "-c", start + code], env=self.env, cwd=running.ROOT, check=True)

    def forget(self, what: str) -> None:
        urlopen(Request(f"{self.control}/{what}", method="DELETE"), timeout=30).close()


def prepare(path: Path) -> None:
    """A whole job without a browser: a class linked, grades sent and proven."""
    command = [sys.executable, "manage.py", "demo", "--once", "--json"]
    subprocess.run(
        command,
        env=os.environ | {"GRADESYNC_HOME": str(path)},
        cwd=running.ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def serving(
    sent: Path,
    path: Path,
    storage: str = "",
    *,
    https: bool = False,
    app: str = "gradesync_site.wsgi",
    worker: bool = False,
) -> Iterator[Site]:
    """LMS, SIS and tool as processes, from a copy of a home whose job is done; `storage` as the pretend LMS knows it.

    Without a `worker` nothing is read or sent.
    """
    shutil.copytree(sent, path)
    home = Home.open(path)
    tool = f"{'https' if https else 'http'}://localhost:{home.tool_port}"
    env = home.env() | {"PUBLIC_URL": tool, "SSL_REDIRECT": "0"}
    started: list[subprocess.Popen[bytes]] = []
    try:
        lms = _sandbox(home, "lms", env, started, f"storage={storage}")
        sis = _sandbox(home, "sis", env, started)
        urls = [one["url"] for one in lms["courses"]]
        site = Site(tool, lms["base_url"], urls[0], urls, lms["control_url"], env)
        site.ask("tool", {"tool_url": tool, "jwks": _connect(env, lms, sis)})
        started.append(subprocess.Popen(_web(home, path, app, https), env=env, cwd=running.ROOT))
        if worker:
            started.append(subprocess.Popen(running.worker(env).command, env=env, cwd=running.ROOT))
        _wait(tool)
        yield site
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=30)
        home.close()


def _sandbox(
    home: Home, kind: str, env: dict[str, str], started: list[subprocess.Popen[bytes]], *options: str
) -> dict[str, Any]:
    command = [*home.sandbox(kind).command, *(part for one in options for part in ("--option", one))]
    process = subprocess.Popen(command, env=env, cwd=running.ROOT, stdout=subprocess.PIPE)
    started.append(process)
    assert process.stdout is not None
    hello: dict[str, Any] = json.loads(process.stdout.readline())
    return hello


# the servers may have come back on other ports; the LMS gets our keys, as it trusts no certificate made for a test
CONNECT = """
import json, sys, django
django.setup()
from gradesync_site.demo import connecting
from gradesync_site.demo.job import Job, Sis
from lti_tool import keys
lms, sis = json.load(sys.stdin)
names = ("base_url", "token_url", "client_id", "client_secret")
connecting.connect(Job(lms, Sis(*(sis[name] for name in names))))
print(json.dumps(keys.jwks()))
"""


def _connect(env: dict[str, str], lms: dict[str, Any], sis: dict[str, Any]) -> Any:
    said = subprocess.run(
        [sys.executable, "-c", CONNECT],
        env=env,
        cwd=running.ROOT,
        check=True,
        input=json.dumps([lms, sis]).encode(),
        stdout=subprocess.PIPE,
    )
    return json.loads(said.stdout)


def _web(home: Home, path: Path, app: str, https: bool) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        app,
        "--threads",
        "8",
        "--log-level",
        "error",
        "--graceful-timeout",
        "1",
    ]
    command += ["--bind", f"127.0.0.1:{home.tool_port}"]
    if https:
        certificate, key = _certificate(path)
        command += ["--certfile", str(certificate), "--keyfile", str(key)]
    return command


def _certificate(path: Path) -> tuple[Path, Path]:
    certificate, key = path / "certificate.pem", path / "key.pem"
    if not certificate.exists():
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"]
        wish = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
        subprocess.run(
            [*command, *wish, "-keyout", str(key), "-out", str(certificate)],
            check=True,
            stderr=subprocess.DEVNULL,
        )
    return certificate, key


def _wait(tool: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            urlopen(
                f"{tool}/healthz", timeout=5, context=ANY_CERTIFICATE if tool.startswith("https") else None
            )
        except (URLError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return
