"""Runs a sandbox server: in a thread of this process (tests), or as the process itself (demo, benchmarks)."""

from __future__ import annotations

import errno
import os
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from gradesync_site.sandbox.control import Sandbox, dumps, sandbox_of

THREADS = 24
BIND_PATIENCE_S = 5.0


@dataclass
class Running:
    """A server that listens in a thread. Use it as a context manager, or call `stop`."""

    app: Flask
    sandbox: Sandbox
    base_url: str
    hello: dict[str, Any]
    _server: Any
    _sockets: dict[int, Any]
    _thread: threading.Thread
    _stopping: threading.Event

    def stop(self) -> None:
        """Closes every connection and waits for the threads. A second call does nothing."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join()
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=5)
        # closed last: a worker that still wakes the loop would write to a descriptor that is someone else's by then
        wasyncore.close_all(self._sockets, ignore_all=True)

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve_in_thread(app: Flask, port: int = 0) -> Running:
    """Starts `app` on 127.0.0.1; port 0 picks a free one. It listens when this returns."""
    sockets: dict[int, Any] = {}
    server = _listen(app, port, sockets)
    base_url = f"http://127.0.0.1:{server.effective_port}"
    stopping = threading.Event()
    thread = threading.Thread(target=_run, args=(sockets, stopping), daemon=True)
    thread.start()
    sandbox = sandbox_of(app)
    return Running(app, sandbox, base_url, sandbox.hello(base_url), server, sockets, thread, stopping)


def serve_process(app: Flask, port: int, *, with_parent: bool) -> None:
    """Runs `app` as this process: prints one JSON line when it listens, and returns when it is interrupted."""
    parent = os.getppid()
    server = _listen(app, port, {})
    hello = sandbox_of(app).hello(f"http://127.0.0.1:{server.effective_port}")
    print(dumps(hello | {"pid": os.getpid()}), flush=True)
    if with_parent:
        threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    server.run()


def _run(sockets: dict[int, Any], stopping: threading.Event) -> None:
    while not stopping.is_set():
        wasyncore.loop(timeout=1, use_poll=True, map=sockets, count=1)


def _listen(app: Flask, port: int, sockets: dict[int, Any]) -> Any:
    """Binds, with some patience: the port may still belong to a server that is just leaving."""
    until = time.monotonic() + BIND_PATIENCE_S
    while True:
        try:
            return create_server(
                app, sockets, host="127.0.0.1", port=port, threads=THREADS, ident="sandbox", backlog=256
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise
            time.sleep(0.1)


def _leave_with(parent: int) -> None:
    """Ends this process when its parent is gone: asked of the kernel often, which works wherever Unix does."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(0)
