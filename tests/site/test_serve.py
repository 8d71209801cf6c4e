"""`serve`: a small installation for real, as one command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from gradesync_site import running
from gradesync_site.demo.home import Home
from tests.site.scene import PATIENCE_S


def ask(url: str) -> dict[str, object]:
    """The JSON that it answers, once something listens there."""
    patience = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urlopen(url, timeout=10) as answer:
                found: dict[str, object] = json.loads(answer.read())
                return found
        except URLError:
            assert time.monotonic() < patience, "nothing listens"
            time.sleep(0.1)


def test_serve_brings_everything_up_and_ends_when_asked(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    env = home.env() | {"OUTBOUND_ALLOW": ""}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(home.tool_port)],
        env=env,
        cwd=running.ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert ask(f"{home.public_url}/healthz") == {"ok": True}
        ready = ask(f"{home.public_url}/readyz")
        assert (ready["database"], ready["cache"], ready["broker"]) == (True, True, True)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        home.close()
