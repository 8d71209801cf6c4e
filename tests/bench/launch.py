"""Launches per second of the real site (login, id_token verification, session; key set cached) under gunicorn.

The bare site answers the same visitors with two redirects and one RSA verification. The ratio says what all our checks
and rows cost beside that. Visitors and servers share the machine, so the processor time of the servers is told too.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django

from tests.bench.visitors import Signer, Visitor, at_rate, at_saturation

VISITORS, SECONDS, WARM_S, RATE = 8, 6.0, 1.5, 20.0
TICKS = os.sysconf("SC_CLK_TCK")


def main(name: str, folder: Path) -> None:
    if name == "launch-postgres":
        os.environ["DATABASE_URL"] = os.environ["DATABASE_URL_BENCH"]
    django.setup()
    with ExitStack() as stack:
        signer, login, jwk = prepared(stack)
        queries = queries_of_a_launch(signer, login)
        ours = measured(site("gradesync_site.wsgi", port_of_site(), {}), signer, login)
        bare = measured(site("tests.bench.bare_site", free_port(), {"BENCH_JWK": jwk}), signer, login)
        verify_ms = verification_ms(signer, jwk)
    shown = {
        "ratio": round(ours["server_cpu_ms"] / bare["server_cpu_ms"], 2),
        **ours,
        "queries": queries,
        "bare": bare,
        "rsa_verification_ms": verify_ms,
        "server_cpu_per_rsa_verification": round(ours["server_cpu_ms"] / verify_ms, 1),
        "cpus": os.cpu_count(),
    }
    sys.stdout.write(json.dumps(shown))


def prepared(stack: ExitStack) -> tuple[Signer, dict[str, str], str]:
    """A platform that serves its keys, registered with the site; its signer, the login it sends, and its public key."""
    from gradesync_site.demo import connecting
    from gradesync_site.sandbox import lms as lms_app
    from gradesync_site.sandbox.control import Options
    from gradesync_site.sandbox.lms.campus import campus_of
    from gradesync_site.sandbox.serving import serve_in_thread

    app = lms_app.make_app(Options(extra={"plain": "1"}))
    lms = stack.enter_context(serve_in_thread(app))
    connecting.prepare_database()
    connecting.register(lms.hello)
    connecting.tell(lms.hello, "tool", {"tool_url": settings_url()})
    signer = campus_of(app).signer
    login = {
        "iss": lms.hello["issuer"],
        "client_id": lms.hello["client_id"],
        "login_hint": "hint",
        "lti_message_hint": "message",
        "target_link_uri": f"{settings_url()}/lti/launch/",
    }
    own = Signer(signer.key_named("platform"), signer.kid, honest_claims(lms.hello))
    return own, login, json.dumps(signer.jwks["keys"][0])


def honest_claims(hello: dict[str, Any]) -> dict[str, Any]:
    """What this platform says in a launch of its first course."""
    import jwt
    from django.test import Client

    from gradesync_site.sandbox.lms.launch import begin

    _url, fields = begin(hello["base_url"], "101", "11", Client())
    claims: dict[str, Any] = jwt.decode(fields["id_token"], options={"verify_signature": False})
    return claims


def settings_url() -> str:
    from django.conf import settings

    return str(settings.PUBLIC_URL)


def port_of_site() -> int:
    return urlsplit(settings_url()).port or 80


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def queries_of_a_launch(signer: Signer, login: dict[str, str]) -> dict[str, int]:
    """Of the first launch into a course, and of the next one there; the key set is known by then."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    def launch(number: int) -> tuple[int, int]:
        browser = Client(headers={"host": urlsplit(settings_url()).netloc})
        with CaptureQueriesContext(connection) as at_login:
            begun = browser.post("/lti/login/", login)
        asked = dict(pair.split("=") for pair in urlsplit(begun.headers["Location"]).query.split("&"))
        signer.number = number
        with CaptureQueriesContext(connection) as at_launch:
            arrived = browser.post(
                "/lti/launch/", {"state": asked["state"], "id_token": signer.token(asked["nonce"])}
            )
        assert arrived.status_code == 302, arrived.content.decode()
        return len(at_login), len(at_launch)

    launch(1)
    signer.mark = f" {secrets.token_hex(4)}"
    login_queries, first = launch(2)
    _login, again = launch(2)
    signer.mark = ""
    return {
        "login": login_queries,
        "first_launch": first,
        "next_launch": again,
        "most": login_queries + max(first, again),
    }


@contextmanager
def site(application: str, port: int, env: dict[str, str]) -> Iterator[tuple[int, int]]:
    """The site under two gunicorn workers, as `serve` runs it; its port and its master's process id."""
    from gradesync_site import running

    command = list(running.web(f"127.0.0.1:{port}", {}).command)
    command[command.index("gradesync_site.wsgi")] = application
    process = running.spawn(running.Service("web", command, os.environ | env), stdout=subprocess.DEVNULL)
    try:
        _await(port, process)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    import socket

    for _try in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "the site did not start; its reason stands above"
        time.sleep(0.1)
    raise AssertionError("the site does not listen")


def measured(running_site: Any, signer: Signer, login: dict[str, str]) -> dict[str, Any]:
    with running_site as (port, pid):
        make: Callable[[], Visitor] = partial(Visitor, port, signer, login)
        at_saturation(make, VISITORS, WARM_S)
        servers, own, started = cpu_s(pid), time.process_time(), signer.number
        rate = at_saturation(make, VISITORS, SECONDS)
        launches = signer.number - started
        server_ms = (cpu_s(pid) - servers) / launches * 1000
        visitor_ms = (time.process_time() - own) / launches * 1000
        waits = at_rate(make, RATE, 2 * SECONDS)
    return {
        "launches_per_s": round(rate, 1),
        "p50_ms_at_20_per_s": round(waits[len(waits) // 2] * 1000, 1),
        "p95_ms_at_20_per_s": round(waits[int(len(waits) * 0.95)] * 1000, 1),
        "server_cpu_ms": round(server_ms, 2),
        "visitor_cpu_ms": round(visitor_ms, 2),
        "per_s_if_servers_had_both_cores": round(2000 / server_ms, 1),
    }


def cpu_s(master: int) -> float:
    """Processor seconds of a gunicorn master and its workers so far."""
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return sum(map(_cpu_s, [str(master), *workers]))


def _cpu_s(pid: str) -> float:
    # after the command's name, which may hold blanks: fields 14 and 15 of proc(5)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def verification_ms(signer: Signer, jwk: str) -> float:
    """One RS256 verification by the library that the site uses, key at hand: what no launch can do without."""
    import jwt

    token, key = signer.token("nonce"), jwt.PyJWK.from_json(jwk).key
    rounds, started = 500, time.process_time()
    for _round in range(rounds):
        jwt.decode(token, key, algorithms=["RS256"], options={"verify_aud": False})
    return round((time.process_time() - started) / rounds * 1000, 3)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
