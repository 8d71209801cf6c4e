"""A process of a test's scene: launch, link, preview, approve everything, ring the doorbell, print the run's id.

With `ask`: launch, link, ask for a run's read and for a look, print both ids.
"""

from __future__ import annotations

import sys

import django


def main() -> None:
    django.setup()
    from gradesync_site.demo.connecting import connect, prepare_database
    from gradesync_site.demo.job import Job
    from gradesync_site.demo.journey import link, open_course
    from sync import engine, tasks

    job = Job.loads(sys.stdin.read())
    prepare_database()
    connection = connect(job)
    opened = open_course(job, connection)
    link(job, connection, opened)
    if "ask" in sys.argv[1:]:
        asked, _hers = engine.ask_run(opened.context, opened.who)
        look, _hers = engine.ask_look(opened.context, opened.who)
        for one in (asked, look):
            tasks.ring_reading(one)
        sys.stdout.write(f"{asked.pk} {look.pk}")
        return
    run = engine.preview(opened.context, opened.who)
    engine.approve(run, opened.who, set(run.changes.values_list("digest", flat=True)))
    tasks.ring(run.pk)
    sys.stdout.write(str(run.pk))


if __name__ == "__main__":
    main()
