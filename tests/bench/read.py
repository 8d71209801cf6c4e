"""The Canvas reader on a course of 500 students and 40 items against a bare client that fetches the very same pages.

Both read two requests at a time from a sandbox LMS, a process of its own, that takes 30 ms for each answer. The bare
client understands nothing of what it is sent. Then 5,000 students and 100 items, for what the reading process holds
beyond the records themselves: it must not grow with the number of pages.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import django
import requests

from sync.lms import records as lms

STUDENTS, ITEMS, LATENCY_MS = 500, 40, 30
MANY_STUDENTS, MANY_ITEMS = 5000, 100
REPEATS = 3
MOST_MB, MOST_OVERHEAD = 200, 1.6
# what the collector keeps in front of each record
GC_HEADER = 16
COURSE = lms.Course("context", custom={"canvas_course_id": "101"})


def main() -> None:
    django.setup()
    from django.conf import settings

    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1"})
    with served(STUDENTS, ITEMS, LATENCY_MS) as hello:
        timed_read(hello)
        sent = journal(hello)
        both = [(timed_read(hello), timed_bare(hello, sent)) for _ in range(REPEATS)]
        (ours, book), bare = (
            min((one for one, _ in both), key=lambda one: one[0]),
            min(one for _, one in both),
        )
    peak_mb = peak() // 2**20
    assert peak_mb < MOST_MB, f"reading took {peak_mb} MB"
    requests_made, pages = len(sent), pages_of(book)
    assert requests_made <= pages, f"{requests_made} requests for {pages} pages"
    shown = {
        "ratio": round(ours / bare, 2),
        "results": len(book.results),
        "requests": requests_made,
        "pages": pages,
        "latency_ms": LATENCY_MS,
        "ours_s": round(ours, 3),
        "bare_s": round(bare, 3),
        "peak_mb": peak_mb,
        **memory_of_a_large_course(),
    }
    sys.stdout.write(json.dumps(shown))


@contextmanager
def served(students: int, items: int, latency_ms: int) -> Iterator[dict[str, Any]]:
    """A sandbox LMS of its own process, so that its memory is not ours."""
    wishes = [
        "--students",
        students,
        "--line-items",
        items,
        "--latency-ms",
        latency_ms,
        "--option",
        "plain=1",
    ]
    command = [sys.executable, "-m", "gradesync_site.sandbox", "lms", "--port", "0", *map(str, wishes)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield json.loads(server.stdout.readline())
    finally:
        server.terminate()
        server.wait()


def reader(hello: dict[str, Any]) -> Any:
    from sync.lms.base import Settings
    from sync.lms.canvas import Canvas

    return Canvas(Settings("bench", hello["base_url"], hello["canvas_token"]))


def timed_read(hello: dict[str, Any]) -> tuple[float, lms.Gradebook]:
    started = time.perf_counter()
    book = reader(hello).read_gradebook(COURSE)
    return time.perf_counter() - started, book


def journal(hello: dict[str, Any]) -> list[str]:
    """The addresses that the sandbox was asked for, in order."""
    rows = requests.get(f"{hello['control_url']}/journal", timeout=60).json()["journal"]
    return [
        f"{hello['base_url']}{one['path']}?{one['query']}"
        for one in rows
        if one["path"].startswith("/api/v1")
    ]


def pages_of(book: lms.Gradebook) -> int:
    """Pages of a hundred rows that Canvas has of this course; single objects count as one."""
    students = len({one.user_id for one in book.results})
    people = len(book.members)
    published = sum(1 for one in book.line_items if one.kind == "assignment" and one.published)
    assignments = sum(1 for one in book.line_items if one.kind == "assignment")
    lists = [people, people, assignments, len(book.sections), len(book.categories), students * published]
    course_period_policy = 3
    return sum(max(1, ceil(rows / 100)) for rows in lists) + course_period_policy


def timed_bare(hello: dict[str, Any], sent: list[str]) -> float:
    """Seconds for the same pages: each list is a chain, for its next page is known by the one before only."""
    chains: dict[tuple[str, str], list[str]] = {}
    for url in sent:
        parts = urlsplit(url)
        named = str([pair for pair in parse_qsl(parts.query) if pair[0] != "page"])
        chains.setdefault((parts.path, named), []).append(url)
    waiting = sorted(chains.values(), key=len)
    session, lock = requests.Session(), threading.Lock()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {hello['canvas_token']}"

    def fetch() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                chain = waiting.pop()
            for url in chain:
                # a course without a late policy answers 404 to the question for it
                assert session.get(url, timeout=60).status_code in (200, 404)

    started = time.perf_counter()
    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return time.perf_counter() - started


# --- a large course -------------------------------------------------------------------------------


def memory_of_a_large_course() -> dict[str, Any]:
    """How much the process grew at most, beside what the records of the finished gradebook take themselves."""
    before = peak()
    with served(MANY_STUDENTS, MANY_ITEMS, 0) as hello:
        started = time.perf_counter()
        book = reader(hello).read_gradebook(COURSE)
        took = time.perf_counter() - started
    grown, records = peak() - before, own_size(book)
    overhead = grown / records
    assert overhead < MOST_OVERHEAD, f"grew by {grown} bytes for {records} bytes of records"
    return {
        "large_results": len(book.results),
        "large_records_mb": records // 2**20,
        "large_grown_mb": grown // 2**20,
        "large_overhead": round(overhead, 2),
        "large_s": round(took),
    }


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def own_size(book: lms.Gradebook) -> int:
    """The bytes of all results and of what each alone holds; what many share is counted once."""
    counted: dict[int, int] = {id(book.results): sys.getsizeof(book.results)}
    for one in book.results:
        counted[id(one)] = sys.getsizeof(one) + GC_HEADER
        for value in (one.user_id, one.score, one.text, one.graded_at):
            if value is not None:
                counted[id(value)] = sys.getsizeof(value)
    return sum(counted.values())


if __name__ == "__main__":
    main()
