"""Everything on this machine: a pretend LMS, a pretend SIS and the tool between them; --once does the job headless."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from gradesync_site import running
from gradesync_site.demo.home import Home
from gradesync_site.demo.job import Job, Sis
from gradesync_site.demo.showing import show_it, welcome

SIS_OPTIONS = ("sis_token_url", "sis_client_id", "sis_client_secret", "sis_class")


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []  # the tool's own process checks itself, with the demo's settings

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, metavar="P", help="of the tool's pages; default: a free one")
        parser.add_argument(
            "--once", action="store_true", help="do the main job headless, print what came of it"
        )
        parser.add_argument("--json", action="store_true")
        foreign = parser.add_argument_group(
            "a OneRoster SIS of yours instead of the pretend one (with --once)"
        )
        foreign.add_argument("--sis-base", metavar="URL")
        foreign.add_argument("--sis-token-url", metavar="URL")
        foreign.add_argument("--sis-client-id", metavar="ID")
        foreign.add_argument("--sis-client-secret", metavar="S")
        foreign.add_argument("--sis-class", metavar="ID")
        spoken = parser.add_argument_group("how the SIS is spoken to, the pretend one as well (with --once)")
        spoken.add_argument("--sis-version", choices=("1.1", "1.2"))
        spoken.add_argument("--sis-option", action="append", default=[], metavar="KEY=VALUE")

    def handle(self, *args: Any, **options: Any) -> None:
        sis = foreign_sis(options)
        try:
            if options["once"]:
                code = run_once(sis, options)
            elif sis is not None or options["sis_version"] or options["sis_option"]:
                raise CommandError("What begins with --sis- goes with --once.", returncode=2)
            else:
                code = run_long(options)
        except running.StartFailed as error:
            raise CommandError(str(error), returncode=2) from None
        if code:
            sys.exit(code)


def foreign_sis(options: dict[str, Any]) -> Sis | None:
    if not options["sis_base"]:
        return None
    spoken = profile(options)
    needed = [name for name in SIS_OPTIONS if name != "sis_token_url" or spoken.get("auth") != "oauth1"]
    missing = [f"--{name.replace('_', '-')}" for name in needed if not options[name]]
    if missing:
        raise CommandError(f"--sis-base needs {', '.join(missing)} too.", returncode=2)
    return Sis(
        options["sis_base"],
        options["sis_token_url"] or "",
        options["sis_client_id"],
        options["sis_client_secret"],
        options["sis_class"],
        spoken,
    )


def profile(options: dict[str, Any]) -> dict[str, str]:
    """The options of the connection."""
    found = {}
    for text in options["sis_option"]:
        name, equals, value = text.partition("=")
        if not equals:
            raise CommandError(f"--sis-option {text} is not KEY=VALUE.", returncode=2)
        found[name] = value
    return found | ({"version": options["sis_version"]} if options["sis_version"] else {})


def run_once(foreign: Sis | None, options: dict[str, Any]) -> int:
    with tempfile.TemporaryDirectory(prefix="gradesync-demo-") as temporary:
        wanted, path = profile(options), Path(os.environ.get("GRADESYNC_HOME") or temporary)
        urls = (foreign.base_url, foreign.token_url) if foreign else ()
        home = Home.open(path.resolve(), options["port"], urls)
        servers: list[subprocess.Popen[bytes]] = []
        try:
            lms = start(home, "lms", servers)
            sis = foreign or own_sis(start(home, "sis", servers), wanted)
            return work("gradesync_site.demo.once", home, Job(lms, sis, options["json"]))
        finally:
            end(servers)
            home.close()


def run_long(options: dict[str, Any]) -> int:
    """LMS, SIS, web, worker and beat until Ctrl-C."""
    chosen = os.environ.get("GRADESYNC_HOME")
    home = Home.open(Path(chosen).resolve() if chosen else settings.HOME / "demo", options["port"])
    servers: list[subprocess.Popen[bytes]] = []
    supervisor = running.Supervisor()
    try:
        lms, sis = start(home, "lms", servers), start(home, "sis", servers)
        code = work("gradesync_site.demo.prepare", home, Job(lms, own_sis(sis)))
        if code:
            return code
        for kind, process in zip(("lms", "sis"), servers, strict=True):
            supervisor.adopt(home.sandbox(kind), process)
        env = home.env()
        for service in (
            running.web(f"127.0.0.1:{home.tool_port}", env),
            running.worker(env),
            running.beat(env),
        ):
            supervisor.add(service)
        supervisor.when_ready = lambda: show_it(welcome(home, lms, sis), options["json"])
        supervisor.ready_at = ("127.0.0.1", home.tool_port)
        supervisor.run()
    finally:
        end(servers)
        home.close()
    return 0


def start(home: Home, kind: str, servers: list[subprocess.Popen[bytes]]) -> dict[str, Any]:
    process, hello = running.start_announcing(home.sandbox(kind))
    servers.append(process)
    return hello


def own_sis(hello: dict[str, Any], options: Mapping[str, str] | None = None) -> Sis:
    """The pretend SIS; `options` are the connection's."""
    key = (hello["client_id"], hello["client_secret"])
    return Sis(hello["base_url"], hello["token_url"], *key, options=options or {})


def work(module: str, home: Home, job: Job) -> int:
    """Run one of the demo's own modules to its end, with the demo's settings; the job goes in on stdin."""
    service = running.Service(module, [sys.executable, "-m", module], home.env())
    process = running.spawn(service, stdin=subprocess.PIPE)
    process.communicate(job.dumps().encode())
    return process.returncode


def end(servers: list[subprocess.Popen[bytes]]) -> None:
    for process in servers:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=running.GRACE_S)
