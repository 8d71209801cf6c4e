"""Each page of a course of 500 students and 40 assignments: median milliseconds in the server, questions, kilobytes.

The ratio is the slowest page beside the 300 ms that a page may take. Everything runs in one process, with the real
middlewares and templates; the gradebooks are in memory, as pages read none.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

import django

STUDENTS, ITEMS, TIMES = 500, 40, 5
LIMIT_MS, LIMIT_KB = 300, 300


def main() -> None:
    django.setup()
    from django.conf import settings
    from django.test.utils import setup_test_environment

    from gradesync_site.demo import connecting

    setup_test_environment()
    settings.SECURE_SSL_REDIRECT = False
    connecting.prepare_database()
    found = {name: measured(browser, url, query) for name, browser, url, query in pages(STUDENTS, ITEMS)}
    slowest = max(one["ms"] for one in found.values())
    too_big = sorted(name for name, one in found.items() if one["kb"] > LIMIT_KB)
    shown = {
        "ratio": round(slowest / LIMIT_MS, 2),
        "slowest_ms": slowest,
        "students": STUDENTS,
        "items": ITEMS,
        "too_big": too_big,
        "pages": found,
    }
    sys.stdout.write(json.dumps(shown))


def pages(students: int, items: int) -> list[tuple[str, Any, str, dict[str, str]]]:
    """(name, browser, address, query) of each page of a course where one run is sent and another is to be reviewed."""
    from sync import engine
    from sync.models import Run
    from tests.sync.pages import teacher
    from tests.sync.worlds import make_course

    course = make_course(students=students, items=items)
    grades = [(student, item) for student in range(1, students + 1) for item in range(1, items + 1)]
    for student, item in grades:
        course.lms.grade(f"u{student}", f"a{item}", (student * 7 + item) % 101)
    done = sent_run(course)
    review = engine.preview(course.context, course.who)
    ada = teacher(course.context)
    change = done.changes.first()
    names: dict[str, tuple[Any, ...]] = {
        **dict.fromkeys(("course", "setup", "classes", "students", "line_items", "create_line_items"), ()),
        **dict.fromkeys(("schemes", "history"), ()),
        **{"review": (review.pk,), "run": (done.pk,), "receipt": (done.pk,)},
        "grade": (change.pk,),
    }
    assert Run.objects.filter(context=course.context).count() >= 2
    found = [(name, ada, ada.url(name, *arguments), {}) for name, arguments in names.items()]
    found.append(("settle_student", ada, ada.url("settle_student"), {"student": "u1"}))
    return found


def sent_run(course: Any) -> Any:
    """A run whose rows were all accepted, written straight into the database."""
    from django.utils import timezone

    from sync import engine

    run = engine.preview(course.context, course.who)
    now = timezone.now()
    run.changes.update(state="accepted", approved_at=now, sent_at=now, answered_at=now, attempts=1)
    run.state, run.approved_at, run.started_at, run.finished_at = "done", now, now, now
    run.save()
    return run


def measured(browser: Any, url: str, query: dict[str, str]) -> dict[str, Any]:
    from django.db import connection

    asked: list[str] = []

    def counted(execute: Any, sql: str, *more: Any) -> Any:
        asked.append(sql)
        return execute(sql, *more)

    browser.client.get(url, query)  # templates are read from the disk once
    with connection.execute_wrapper(counted):
        answer = browser.client.get(url, query)
    assert answer.status_code == 200, (url, answer.status_code)
    took = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        browser.client.get(url, query)
        took.append((time.perf_counter() - begun) * 1000)
    return {
        "ms": round(statistics.median(took)),
        "queries": len(asked),
        "kb": round(len(answer.content) / 1000),
    }


if __name__ == "__main__":
    main()
