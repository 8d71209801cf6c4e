"""python -m gradesync_site.demo.prepare: the administrator's part of the demo; the job comes in on stdin."""

from __future__ import annotations

import sys

import django


def main() -> int:
    django.setup()
    from gradesync_site.demo.connecting import DemoFailed, connect, prepare_database
    from gradesync_site.demo.job import Job

    try:
        prepare_database()
        connect(Job.loads(sys.stdin.read()))
    except DemoFailed as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
