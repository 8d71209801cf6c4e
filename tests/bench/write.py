"""10,000 results through each adapter to its SIS's fake, which takes 20 ms for each answer.

An adapter may send no more writes than it has batches, and is compared with a bare client that sends the very same
requests (those of the fake's journal) as parallel as it does. What the ratio shows is the price of translating, of keeping
order and of reading answers. A new adapter is one line of WORLDS.

BENCH_WRITES=200 python -m tests.bench write: fewer, for a look. BENCH_ADAPTERS=edfi,oneroster: only these.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import django
import requests

WRITES = int(os.environ.get("BENCH_WRITES", "10000"))
LATENCY_MS = 20
REPEATS, SHORT_S = 3, 5
# a fake's class has two columns at least, and a few results from the start
ITEMS = 2
STUDENTS = WRITES // ITEMS + 10
READS = ("GET", "HEAD")
Sent = dict[str, Any]


@dataclass
class World:
    """One adapter before its fake. `journal` are the requests since the last call; `replay` sends them bare, to a fake
    that stands where ours stood, and gives the seconds that it took; None: there is nobody to send to.
    """

    adapter: Any
    changes: list[Any]
    journal: Callable[[], list[Sent]]
    replay: Callable[[list[Sent]], float] | None
    is_read: Callable[[Sent], bool] = field(default=lambda one: one["method"] in READS)
    # requests that one batch comes to, where it is no single one
    per_batch: int = 1


def main(folder: Path) -> None:
    django.setup()
    from django.conf import settings

    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1"})
    settings.OUTBOUND_FOLDERS = (str(folder),)
    chosen = os.environ.get("BENCH_ADAPTERS", ",".join(WORLDS)).split(",")
    found = {name: measured(WORLDS[name], folder / name.replace(" ", "-")) for name in chosen}
    ratios = [one["ratio"] for one in found.values() if one["ratio"] is not None]
    shown = {"ratio": max(ratios, default=0), "writes": WRITES, "latency_ms": LATENCY_MS, "adapters": found}
    sys.stdout.write(json.dumps(shown))


def measured(make: Callable[[ExitStack, Path], World], folder: Path) -> dict[str, Any]:
    """Short ones are measured several times, each before a new fake, and the best of each side counts."""
    folder.mkdir()
    runs = [measured_once(make, folder / "0")]
    while len(runs) < REPEATS and runs[0]["ours_s"] < SHORT_S:
        runs.append(measured_once(make, folder / str(len(runs))))
    ours, bare = min(one["ours_s"] for one in runs), [one["bare_s"] for one in runs if one["bare_s"]]
    return runs[0] | {
        "ratio": round(ours / min(bare), 2) if bare else None,
        "ours_s": round(ours, 3),
        "bare_s": round(min(bare), 3) if bare else None,
        "results_per_minute": round(WRITES / ours * 60),
    }


def measured_once(make: Callable[[ExitStack, Path], World], folder: Path) -> dict[str, Any]:
    with ExitStack() as stack:
        folder.mkdir()
        world = make(stack, folder)
        stack.callback(world.adapter.close)
        world.journal()
        ours, batches = timed_push(world)
        sent = world.journal()
        writes = [one for one in sent if not world.is_read(one)]
        assert len(writes) <= batches * world.per_batch, f"{len(writes)} writes for {batches} batches"
        bare = world.replay(sent) if world.replay else None
    counted = {"batches": batches, "requests": len(writes), "reads": len(sent) - len(writes)}
    return {"ratio": None, **counted, "parallel": world.adapter.parallel, "ours_s": ours, "bare_s": bare}


def timed_push(world: World) -> tuple[float, int]:
    """Seconds, and how many batches there were; every change must be answered well."""
    batches = 0

    def starting(batch: Sequence[Any]) -> Sequence[Any]:
        nonlocal batches
        batches += 1
        return batch

    started = time.perf_counter()
    states = {(outcome.state, outcome.code) for _, outcome in world.adapter.push(world.changes, starting)}
    took = time.perf_counter() - started
    assert states <= {("accepted", ""), ("delivered", "")}, states
    return took, batches


def changes_of(adapter: Any, class_id: str) -> list[Any]:
    """One result for each student and column of the class, as many as are wanted."""
    students = sorted(one.sourced_id for one in adapter.students(class_id))
    items = sorted(one.sourced_id for one in adapter.line_items(class_id) if one.kind == "assignment")
    there = {(one.line_item_id, one.student_id) for one in adapter.results(class_id)}
    return made(adapter, class_id, items, students, there)


def made(
    adapter: Any,
    class_id: str,
    items: Sequence[str],
    students: Sequence[str],
    there: Collection[tuple[str, str]] = (),
) -> list[Any]:
    from sync.sis import records as sis

    profile = adapter.profile
    pairs = [(item, student) for item in items for student in students if (item, student) not in there]
    keys = [sis.Key("1", class_id, *pair) for pair in pairs][:WRITES]
    assert len(keys) == WRITES, f"{len(keys)} pairs of a student and a column, {WRITES} are wanted"
    value = sis.Value(Decimal("4.5")) if profile.scores else sis.Value(text="B")
    day, none = date(2026, 2, 1), frozenset({None})
    return [
        sis.Change(key, None, value, none, new_id=f"00000000-0000-4000-8000-{number:012d}", score_date=day)
        for number, key in enumerate(keys)
    ]


# --- SISs asked over HTTP ---------------------------------------------------------------------------


@contextmanager
def served(dialect: str) -> Iterator[dict[str, Any]]:
    """A fake in a process of its own, so that its work is not ours."""
    wishes = [
        "--students",
        STUDENTS,
        "--latency-ms",
        LATENCY_MS,
        "--option",
        "plain=1",
    ]
    wishes += ["--dialect", dialect] if dialect else []
    command = [sys.executable, "-m", "gradesync_site.sandbox", "sis", "--with-parent", *map(str, wishes)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield json.loads(server.stdout.readline())
    finally:
        server.terminate()
        server.wait()


def over_http(adapter: str, dialect: str, options: dict[str, str], stack: ExitStack, folder: Path) -> World:
    hello = stack.enter_context(served(dialect))
    of, _ = connected(adapter, hello, options)
    seen = 0

    def journal() -> list[Sent]:
        nonlocal seen
        rows = requests.get(f"{hello['control_url']}/journal", timeout=120).json()["journal"]
        new, seen = rows[seen:], len(rows)
        return [one for one in new if one["path"] != "/oauth/token"]

    def replay(sent: list[Sent]) -> float:
        with served(dialect) as fresh:
            other, purse = connected(adapter, fresh, options)
            other.check()
            other.close()
            return bare_http(sent, fresh["base_url"], purse.last, of.parallel)

    class_id = of.get_class(hello["class_ids"][0]).sourced_id
    return World(of, changes_of(of, class_id), journal, replay)


def connected(adapter: str, hello: dict[str, Any], options: dict[str, str]) -> tuple[Any, Any]:
    """The adapter, and the purse that holds the token it got."""
    from sync.auth import MemoryTokens
    from sync.sis import registry
    from sync.sis.base import Settings

    class Purse(MemoryTokens):
        last = ""

        def set(self, key: str, token: str, seconds: int) -> None:
            self.last = token
            super().set(key, token, seconds)

    account = (hello["client_id"], hello["client_secret"])
    purse = Purse()
    settings = Settings("1", hello["base_url"], hello["token_url"], *account, options)
    return registry.get(adapter)(settings, purse), purse


def bare_http(sent: list[Sent], base_url: str, token: str, parallel: int) -> float:
    from gradesync_site.sandbox.control import dumps

    session = requests.Session()
    session.trust_env = False
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=parallel))
    session.headers["Authorization"] = f"Bearer {token}"
    session.headers["Content-Type"] = "application/json"

    def send(one: Sent) -> int:
        body = None if one["body"] is None else dumps(one["body"]).encode()
        url = f"{base_url}{one['path']}?{one['query']}"
        return session.request(one["method"], url, data=body, timeout=60).status_code

    # ours has a connection open, for it has read the class
    session.get(f"{base_url}/_sandbox/state", timeout=60)
    started = time.perf_counter()
    with ThreadPoolExecutor(parallel) as pool:
        codes = list(pool.map(send, sent))
    took = time.perf_counter() - started
    assert max(codes) < 300, "the bare client's requests must be as good as ours"
    return took


# --- SISs that take files -------------------------------------------------------------------------------


def registrar_file(stack: ExitStack, folder: Path) -> World:
    """It asks nobody: only its own time is shown."""
    from sync.sis import registry
    from sync.sis.base import Settings

    options = {"columns": "ID=student_id; Grade=grade"}
    of = registry.get("registrar_file")(Settings("1", "", options=options))
    changes = made(of, "t/1", ["t/1#final"], [f"N{number:05d}" for number in range(WRITES)])
    return World(of, changes, list, None)


def oneroster_csv(stack: ExitStack, folder: Path) -> World:
    """Over SFTP, one batch a zip: a lock, two files written and renamed, and what is read for them."""
    from gradesync_site.sandbox.sis.sftp import HOST_KEY, PASSWORD, USER, serve
    from sync.sis import registry
    from sync.sis.base import Settings

    write_roster(folder / "rosters.zip", STUDENTS, ITEMS)
    server = stack.enter_context(serve(folder))
    options = {"sftp": server.address, "host_key": f"SHA256:{fingerprint(HOST_KEY)}", "roster": "rosters.zip"}
    of = registry.get("oneroster_csv")(Settings("1", "", "", USER, PASSWORD, options))
    changes = changes_of(of, "c")
    server.latency_ms = LATENCY_MS

    def journal() -> list[Sent]:
        rows = [{"method": verb, "path": path} for verb, path in server.journal]
        server.journal.clear()
        return rows

    def replay(sent: list[Sent]) -> float:
        return bare_sftp(sent, folder, server.port)

    # mkdir, two times (open, stat, rename), rmdir; the others are reads
    return World(of, changes, journal, replay, lambda one: not wrote(one), per_batch=6)


def wrote(one: Sent) -> bool:
    return one["method"] in ("mkdir", "rmdir", "posix-rename", "rename", "remove") or (
        one["method"] == "open" and one["path"].endswith(".part")
    )


def fingerprint(key: Any) -> str:
    return base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def write_roster(path: Path, students: int, items: int) -> None:
    tables = {
        "classes": ["sourcedId,title,schoolSourcedId", "c,Class,s"],
        "users": ["sourcedId", *(f"u{number}" for number in range(students))],
        "enrollments": [
            "sourcedId,classSourcedId,userSourcedId,role",
            *(f"e{number},c,u{number},student" for number in range(students)),
        ],
        "lineItems": [
            "sourcedId,classSourcedId,resultValueMax",
            *(f"i{number},c,100" for number in range(items)),
        ],
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, lines in tables.items():
            archive.writestr(f"{name}.csv", "\n".join(lines))


def rows_of(content: bytes) -> dict[str, list[list[str]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            name: list(csv.reader(io.StringIO(archive.read(name).decode(), newline="")))
            for name in archive.namelist()
        }


def zipped(tables: dict[str, list[list[str]]]) -> bytes:
    """As the bare HTTP client writes its JSON, this one writes its own rows, and no more."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in tables.items():
            text = io.StringIO(newline="")
            csv.writer(text).writerows(rows)
            archive.writestr(name, text.getvalue())
    return content.getvalue()


def bare_sftp(sent: list[Sent], folder: Path, port: int) -> float:
    """The same steps over one connection, the files that ours wrote among them."""
    import paramiko

    from gradesync_site.sandbox.sis.sftp import PASSWORD, USER

    content = {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}
    tables = {name: rows_of(whole) for name, whole in content.items()}
    steps: dict[str, Callable[[Any, str], Any]] = {
        "stat": lambda client, path: client.stat(path),
        "mkdir": lambda client, path: client.mkdir(path),
        "rmdir": lambda client, path: client.rmdir(path),
        "posix-rename": lambda client, path: client.posix_rename(path, f"{path}.done"),
    }

    def openly(client: Any, path: str) -> None:
        named = next(name for name in content if path.startswith(name))
        with client.open(path, "wb" if path.endswith(".part") else "rb") as file:
            file.set_pipelined(path.endswith(".part"))
            if path.endswith(".part"):
                file.write(zipped(tables[named]))
            else:
                file.prefetch(len(content[named]))
                file.read()

    # ours has a connection open, for it has read the roster
    transport = paramiko.Transport(("127.0.0.1", port))
    transport.connect(username=USER, password=PASSWORD)
    client = paramiko.SFTPClient.from_transport(transport)
    started = time.perf_counter()
    for one in sent:
        with suppress(FileNotFoundError):
            (openly if one["method"] == "open" else steps[one["method"]])(client, one["path"])
    took = time.perf_counter() - started
    transport.close()
    return took


# --- one line for each --------------------------------------------------------------------------------

WORLDS: dict[str, Callable[[ExitStack, Path], World]] = {
    "oneroster": partial(over_http, "oneroster", "", {"create": "post"}),
    "oneroster put": partial(over_http, "oneroster", "", {"create": "put"}),
    "edfi": partial(over_http, "edfi", "edfi", {"names": "no"}),
    "registrar_file": registrar_file,
    "oneroster_csv": oneroster_csv,
}

if __name__ == "__main__":
    main(Path(sys.argv[2]))
