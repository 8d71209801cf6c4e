"""What every pretend server has: options, state, journal, faults, latency and the control API under /_sandbox/.

A server is a Flask app with a `Sandbox` at `app.extensions["sandbox"]` (see `sandbox_of`). `serving.py` runs it.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import simplejson
from flask import Blueprint, Flask, Response, g, request
from werkzeug.routing import Rule

from gradesync_site.sandbox.faults import Faults, UnknownFault

Json = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """How a sandbox server is started; `students` and `line_items` scale the main class (0: the seed's own size)."""

    dialect: str = ""
    students: int = 0
    line_items: int = 0
    latency_ms: int = 0
    faults: tuple[str, ...] = ()
    lenient: bool = False
    state: Path | None = None
    seed: int = 1
    extra: Mapping[str, str] = field(default_factory=dict)


class Sandbox:
    """One server's memory. Take `lock` around every read-change-write of `state`; call `stored` after a write."""

    def __init__(
        self, kind: str, options: Options, catalogue: Mapping[str, str], seed: Callable[[], Json]
    ) -> None:
        self.kind = kind
        self.options = options
        self.latency_ms = options.latency_ms
        self.faults = Faults(catalogue, options.seed)
        self.lock = threading.RLock()
        self.journal: list[Json] = []
        self.describe: Callable[[str], Json] = lambda base_url: {}
        self.when_put_back: Callable[[], None] = lambda: None
        for name in options.faults:
            self.faults.on(name)
        self.state = self._load() or seed()

    def _load(self) -> Json | None:
        path = self.options.state
        if path is None or not path.exists():
            return None
        loaded: Json = loads(path.read_bytes())
        return loaded

    def save(self) -> None:
        """Writes the state file in one step, so that a kill leaves the former or the new one, never half of one."""
        path = self.options.state
        if path is None:
            return
        with self.lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.{os.getpid()}")
            beside.write_text(dumps(self.state), encoding="utf-8")
            beside.replace(path)

    def put_back(self, state: Json) -> None:
        """A state as it once was, with nothing noted, no fault and the latency of the start; who holds it sees it change."""
        with self.lock:
            self.state.clear()
            self.state.update(state)
            self.journal.clear()
            self.faults.off()
            self.latency_ms = self.options.latency_ms
            self.when_put_back()
            self.save()

    def stored(self, *what: str) -> None:
        """Notes in the journal that this request stored `what` ("results/r-1") and saves the state."""
        if g:
            g.setdefault("stored", []).extend(what)
        self.save()

    def strikes(self, name: str, below: str = "") -> Any:
        """The fault of this name when it strikes on the present request, noted in the journal; else None.

        `below` stands for the rest of the path, where an API has one address for all that it can do.
        """
        path = f"{request.path}/{below}" if below else request.path
        fault = self.faults.strikes(name, request.method, path)
        if fault is not None:
            g.setdefault("struck", []).append(name)
        return fault

    def hello(self, base_url: str) -> Json:
        """What the process prints when it listens: everything that a client must know."""
        return {
            "kind": self.kind,
            "dialect": self.options.dialect,
            "base_url": base_url,
            "control_url": f"{base_url}/_sandbox",
            **self.describe(base_url),
        }

    def writes(self) -> list[Json]:
        """The journal's requests that stored something."""
        with self.lock:
            return [entry for entry in self.journal if entry["stored"]]


def sandbox_of(app: Flask) -> Sandbox:
    found: Sandbox = app.extensions["sandbox"]
    return found


class LazyRule(Rule):
    """A route whose way back, from a name to an address, is compiled when it is first asked for.

    A pretend LMS has hundreds of routes and names few of them; compiling them all is most of a start. It reaches into
    werkzeug's own method: should that go, routes are compiled at once again, and nothing else changes.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        return _lazily(lambda: super(LazyRule, self)._compile_builder(append_unknown))


def _lazily(compiling: Callable[[], Callable[..., tuple[str, str]]]) -> Callable[..., tuple[str, str]]:
    compiled: list[Callable[..., tuple[str, str]]] = []

    def build(*given: Any, **named: Any) -> tuple[str, str]:
        if not compiled:
            compiled.append(compiling())
        return compiled[0](*given, **named)

    return build


def make_server_app(sandbox: Sandbox, name: str, control: Blueprint | None = None) -> Flask:
    """A Flask app that keeps the journal and serves the control API; the LMS and the SIS add their own routes.

    `control`: the control blueprint, where the server has put routes of its own on it.
    """
    app = Flask(name, static_folder=None)
    app.url_rule_class = LazyRule
    app.extensions["sandbox"] = sandbox
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of the default provider, which this is
    app.before_request(lambda: _begin(sandbox))
    app.after_request(lambda response: _journal(sandbox, response))
    app.register_blueprint(control or control_blueprint(sandbox))
    return app


def _begin(sandbox: Sandbox) -> None:
    g.at = datetime.now(UTC).isoformat()
    if sandbox.latency_ms and not request.path.startswith("/_sandbox"):
        time.sleep(sandbox.latency_ms / 1000)


def _journal(sandbox: Sandbox, response: Response) -> Response:
    if request.path.startswith("/_sandbox"):
        return response
    entry = {
        "at": g.at,
        "method": request.method,
        "path": request.path,
        "query": request.query_string.decode(),
        "body": journal_body(),
        "status": response.status_code,
        "stored": g.get("stored", []),
        "faults": g.get("struck", []),
        "answered": not g.get("dropped", False),
    }
    with sandbox.lock:
        sandbox.journal.append({"n": len(sandbox.journal) + 1, **entry})
    if not entry["answered"]:
        _cut()
    return response


def journal_body() -> Any:
    """The request's body as it is kept: JSON parsed, a form without its secrets, anything else as text."""
    if request.form:
        hidden = {"client_secret", "client_assertion", "id_token", "wstoken"}
        hidden |= {"code", "code_verifier", "refresh_token"}
        return {name: "…" if name in hidden else value for name, value in request.form.items()}
    raw = request.get_data()
    try:
        return loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")


def loads(text: str | bytes) -> Any:
    """JSON with every fraction exact. Raises ValueError, also for NaN and Infinity."""
    return simplejson.loads(text, use_decimal=True, parse_constant=_refuse)


def dumps(data: object) -> str:
    return simplejson.dumps(
        data, use_decimal=True, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )


def _refuse(name: str) -> Any:
    raise ValueError(name)


def answer(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer with numbers digit for digit."""
    return Response(dumps(data), status, headers, mimetype="application/json")


def drop_connection() -> Response:
    """Return this from a view: the client is cut off without an answer, as by a crashed server or a broken network."""
    g.dropped = True
    return Response(status=500)


def _cut() -> None:
    probe = request.environ.get("waitress.client_disconnected")
    if probe is None:
        raise ConnectionError("The sandbox cut this connection.")
    # waitress hands out a method of the connection's channel; it is the only way to the socket
    probe.__self__.socket.shutdown(socket.SHUT_RDWR)


def control_blueprint(sandbox: Sandbox) -> Blueprint:
    """GET and PUT state; GET journal, faults; POST faults, latency; DELETE journal, faults. Bound to this machine only."""
    control = Blueprint("sandbox", __name__, url_prefix="/_sandbox")
    _add_views(control, sandbox)
    _add_switches(control, sandbox)
    return control


def _add_views(control: Blueprint, sandbox: Sandbox) -> None:
    @control.get("/")
    def about() -> Response:
        return answer(sandbox.hello(request.host_url.rstrip("/")))

    @control.get("/state")
    def state() -> Response:
        with sandbox.lock:
            return answer(sandbox.state)

    @control.put("/state")
    def put_back() -> Response:
        """What GET answered before: all is as it was then, and nothing noted since."""
        sandbox.put_back(loads(request.get_data()))
        return answer({})

    @control.get("/journal")
    def journal() -> Response:
        since = request.args.get("since", 0, type=int)
        with sandbox.lock:
            entries = sandbox.journal[since:]
        if "writes" in request.args:
            entries = [entry for entry in entries if entry["stored"]]
        return answer({"journal": entries})

    @control.delete("/journal")
    def forget_journal() -> Response:
        with sandbox.lock:
            sandbox.journal.clear()
        return answer({})


def _add_switches(control: Blueprint, sandbox: Sandbox) -> None:
    @control.get("/faults")
    def faults() -> Response:
        active = [fault.as_json() for fault in sandbox.faults.active()]
        return answer({"active": active, "catalogue": sandbox.faults.catalogue})

    @control.post("/faults")
    def switch_fault() -> tuple[Response, int] | Response:
        """{"name", "on": true, "count", "after", "probability", "method", "path", ... the fault's own settings}."""
        wish = loads(request.get_data())
        if not wish.pop("on", True):
            sandbox.faults.off(wish.get("name", ""))
            return answer({})
        try:
            chance = float(wish.pop("probability", 1))
            return answer(sandbox.faults.on(**wish, probability=chance).as_json())
        except (UnknownFault, TypeError) as error:
            return answer({"error": str(error)}, 400)

    @control.delete("/faults")
    def no_faults() -> Response:
        sandbox.faults.off()
        return answer({})

    @control.post("/latency")
    def latency() -> Response:
        sandbox.latency_ms = int(loads(request.get_data())["ms"])
        return answer({"ms": sandbox.latency_ms})
