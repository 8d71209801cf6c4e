"""A small installation for real: migrate, then web, worker and beat, on the embedded default."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from gradesync_site import running


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, metavar="P")
        parser.add_argument("--host", default="127.0.0.1", metavar="H", help="address to listen on")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        connections.close_all()
        bind = f"{options['host']}:{options['port']}"
        supervisor = running.Supervisor()
        for service in (running.web(bind, os.environ), running.worker(os.environ), running.beat(os.environ)):
            supervisor.add(service)
        self.stderr.write(f"Listening on http://{bind} for {settings.PUBLIC_URL}. Ctrl-C ends it.")
        supervisor.run()
