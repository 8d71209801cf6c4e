"""python -m gradesync_site.demo.once: the main job headless, in a process of its own; the job comes in on stdin."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import django


def main() -> int:
    """0 only when the course is in sync, 1 when something differs, 2 when a step failed."""
    django.setup()
    from gradesync_site.demo.connecting import DemoFailed, connect, prepare_database
    from gradesync_site.demo.job import Job
    from gradesync_site.demo.journey import link, open_course, outcome, send
    from sync.engine import EngineError
    from sync.errors import AdapterError

    job = Job.loads(sys.stdin.read())
    try:
        prepare_database()
        connection = connect(job)
        opened = open_course(job, connection)
        link(job, connection, opened)
        found = outcome(job, opened, send(opened))
    except (DemoFailed, EngineError, AdapterError) as error:
        show({"ok": False, "in_sync": False, "error": str(error)}, job.as_json)
        return 2
    show(found, job.as_json)
    return 0 if found["in_sync"] is True else 1


def show(found: dict[str, Any], as_json: bool) -> None:
    from lti_tool.http import dumps

    if as_json:
        sys.stdout.write(f"{dumps(found)}\n")
        return
    if "error" in found:
        sys.stderr.write(f"{found['error']}\n")
        return
    for name, value in found.items():
        if name != "details":
            sys.stdout.write(f"{name:<14} {value}\n")
    for one in found["details"]["problems"]:
        where = ", ".join(part for part in (one["student"], one["item"]) if part)
        sys.stdout.write(f"problem        {where}: {one['text']} [{one['code']}]\n")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception:
        # a bug is a failure (2), never taken for a difference (1)
        traceback.print_exc()
        sys.exit(2)
