"""The engine's push of 500 grades against a bare client that sends the very same requests, as parallel as we do.

Both meet a sandbox SIS that takes 20 ms for each answer. The bare client knows nothing: it neither plans, nor records,
nor checks. What the ratio shows is the price of all that.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import django
import requests

STUDENTS, ITEMS, LATENCY_MS = 100, 5, 20
OPTIONS = {"push": {"create": "post"}, "push-put": {"create": "put"}}
REPEATS = 3


def main(name: str, folder: Path) -> None:
    django.setup()
    from django.conf import settings

    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1"})
    with ExitStack() as stack:
        before = folder / "before.json"
        run_id, sis, parallel = prepared(name, folder, before, stack)
        ours, sent = timed_push(run_id, sis)
        bare = min(timed_replay(sent, before, parallel, stack) for _ in range(REPEATS))
    grades = STUDENTS * ITEMS
    shown = {
        "ratio": round(ours / bare, 2),
        "grades": grades,
        "requests": len(sent),
        "parallel": parallel,
        "latency_ms": LATENCY_MS,
        "ours_s": round(ours, 3),
        "bare_s": round(bare, 3),
        "grades_per_minute": round(grades / ours * 60),
    }
    sys.stdout.write(json.dumps(shown))


def prepared(name: str, folder: Path, before: Path, stack: ExitStack) -> tuple[int, Any, int]:
    """A course with an approved run, a SIS that knows its line items, and that SIS's state before the push."""
    from gradesync_site.demo import connecting, journey
    from gradesync_site.demo.job import Job, Sis
    from gradesync_site.sandbox import lms as lms_app
    from gradesync_site.sandbox.serving import serve_in_thread
    from sync import engine

    lms = stack.enter_context(serve_in_thread(lms_app.make_app(options(plain="1", page_size="100"))))
    lms.sandbox.latency_ms = 0  # the bare client reads no LMS
    sis = stack.enter_context(serve_in_thread(sis_app(folder / "sis.json")))
    hello = sis.hello
    address = Sis(
        hello["base_url"], hello["token_url"], hello["client_id"], hello["client_secret"], "", OPTIONS[name]
    )
    job = Job(lms.hello, address)
    connecting.prepare_database()
    connection = connecting.connect(job)
    opened = journey.open_course(job, connection)
    journey.link(job, connection, opened)
    run = engine.preview(opened.context, opened.who)
    engine.approve(run, opened.who, set(run.changes.values_list("digest", flat=True)))
    shutil.copy(folder / "sis.json", before)
    sis.sandbox.options = options()  # its state file was for the copy; writing it is no part of the measure
    return run.pk, sis, engine.make_sis(connection).parallel


def options(state: Path | None = None, **extra: str) -> Any:
    from gradesync_site.sandbox.control import Options

    return Options(students=STUDENTS, line_items=ITEMS, latency_ms=LATENCY_MS, state=state, extra=extra)


def sis_app(state: Path) -> Any:
    from gradesync_site.sandbox.sis import make_app

    return make_app(options(state, plain="1"))


def timed_push(run_id: int, sis: Any) -> tuple[float, list[dict[str, Any]]]:
    """Seconds of the whole push, reads and reconciliation included, and the requests that the SIS got for it."""
    from sync import engine

    sis.sandbox.journal.clear()
    started = time.perf_counter()
    run = engine.push_here(run_id)
    took = time.perf_counter() - started
    assert run.report["in_sync"] is True, run.message
    return took, [entry for entry in sis.sandbox.journal if entry["path"].startswith("/ims/")]


def timed_replay(sent: list[dict[str, Any]], before: Path, parallel: int, stack: ExitStack) -> float:
    """Seconds that a bare client needs for the same requests, against a SIS that stands where ours stood."""
    from gradesync_site.sandbox.control import dumps
    from gradesync_site.sandbox.serving import serve_in_thread

    sis = stack.enter_context(serve_in_thread(sis_app(copied(before))))
    sis.sandbox.options = options()
    session = bare_session(sis, parallel)

    def send(entry: dict[str, Any]) -> int:
        body = None if entry["body"] is None else dumps(entry["body"]).encode()
        url = f"{sis.base_url}{entry['path']}?{entry['query']}"
        headers = {"Content-Type": "application/json"}
        return session.request(entry["method"], url, data=body, headers=headers, timeout=30).status_code

    started = time.perf_counter()
    codes = [send(one) for one in sent if one["method"] == "GET"]
    with ThreadPoolExecutor(parallel) as pool:
        codes += pool.map(send, [one for one in sent if one["method"] != "GET"])
    took = time.perf_counter() - started
    assert max(codes) < 300, "the bare client's requests must be as good as ours"
    sis.stop()
    return took


def copied(before: Path) -> Path:
    return Path(shutil.copy(before, before.with_suffix(f".{time.monotonic_ns()}")))


def bare_session(sis: Any, parallel: int) -> requests.Session:
    hello = sis.hello
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=parallel))
    scope = "https://purl.imsglobal.org/spec/or/v1p2/scope/"
    wanted = ("roster.readonly", "gradebook.readonly", "gradebook.createput", "gradebook.createpost")
    token = session.post(
        hello["token_url"],
        data={"grant_type": "client_credentials", "scope": " ".join(scope + one for one in wanted)},
        auth=(hello["client_id"], hello["client_secret"]),
        timeout=30,
    ).json()["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    return session


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
