"""What every route of the pretend LMS works with: the sandbox, the world, the key, and what is under way."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from flask import Flask, abort, request

from gradesync_site.sandbox.control import Sandbox, answer
from gradesync_site.sandbox.lms.addresses import Addresses
from gradesync_site.sandbox.lms.canvas_bucket import Bucket
from gradesync_site.sandbox.lms.dialects import DIALECTS
from gradesync_site.sandbox.lms.keyring import Keyring
from gradesync_site.sandbox.lms.signing import Signer
from gradesync_site.sandbox.lms.world import Json, World

CLIENT_ID = "gradesync-sandbox"
RESOURCE_LINK, DEEP_LINKING = "LtiResourceLinkRequest", "LtiDeepLinkingRequest"
TOKEN = "sandbox-canvas-token"
MOODLE_TOKEN = "5a4db0c5a4db0c5a4db0c5a4db0c5a4d"
USER_COOKIE = "sandbox_lms_user"
LAUNCH_S = 300


@dataclass
class Launch:
    """A launch that began on a course page; its key is the lti_message_hint, good for one id_token.

    `link_id` names the link that was opened; empty: the tool's own entry in the course's menu. `data` is what a deep
    link must come back with.
    """

    course_id: int
    user_id: int
    client_id: str
    message: str = RESOURCE_LINK
    link_id: str = ""
    data: str = ""
    until: float = field(default_factory=lambda: time.time() + LAUNCH_S)


@dataclass
class AccessToken:
    client_id: str
    scopes: frozenset[str]
    until: float


class Once:
    """Remembers what was seen; thread safe. A nonce or a jti counts once."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def first_time(self, value: str) -> bool:
        with self._lock:
            new = value not in self._seen
            self._seen.add(value)
            return new


class Campus:
    """One pretend LMS. `tokens` and `launches` do not outlive the process, as in a restarted server."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.world = World(sandbox.state)
        self.dialect = DIALECTS[sandbox.options.dialect]
        self.signer = Signer(sandbox.state["signing_key"])
        self.canvas_token = sandbox.options.extra.get("token") or TOKEN
        self.moodle_token = sandbox.options.extra.get("moodle_token") or MOODLE_TOKEN
        self.canvas_bucket = Bucket()
        self.page_size = int(sandbox.options.extra.get("page_size") or 10)
        self.token_s = int(sandbox.options.extra.get("token_s") or 3600)
        self.keyring = Keyring(self.token_s)
        self.launches: dict[str, Launch] = {}
        self.deep_links: dict[str, Launch] = {}
        self.returns: list[Json] = []
        self.tokens: dict[str, AccessToken] = {}
        self.nonces, self.assertions = Once(), Once()
        self.fetched_keys: dict[str, Json] = {}

    def accepts(self, token: str) -> bool:
        """Is this a good bearer token of a REST service: the fixed one, or one that the OAuth room gave?"""
        return token == self.canvas_token or bool(self.keyring.owner(token))

    def owner_of(self, token: str) -> Json | None:
        """Whose token that is; None for the fixed one, which is an administrator's."""
        owner = self.keyring.owner(token)
        return self.world.person(owner) if owner else None

    def tool(self, client_id: str = CLIENT_ID) -> Json | None:
        found: Json | None = self.world.state["tools"].get(client_id)
        return found

    def usual_tool(self) -> Json | None:
        """The one that a course page opens: ours when the control API made it known, else the newest that registered."""
        known = list(self.world.state["tools"].values())
        return self.tool() or next((one for one in reversed(known) if one.get("enabled", True)), None)

    @property
    def addresses(self) -> Addresses:
        return self.addresses_at(here())

    def addresses_at(self, base_url: str) -> Addresses:
        return Addresses(self.dialect, base_url, self.sandbox.options.extra)

    def begin_launch(self, launch: Launch) -> str:
        hint = secrets.token_urlsafe(24)
        self.launches[hint] = launch
        return hint

    def edit(self, change: Callable[[], Any], what: str) -> Any:
        """Runs one change of the world under the lock and saves it."""
        with self.sandbox.lock:
            made = change()
            self.sandbox.stored(what)
        return made

    def struck(self, name: str) -> bool:
        return self.sandbox.strikes(name) is not None


def campus_of(app: Flask) -> Campus:
    found: Campus = app.extensions["campus"]
    return found


def here() -> str:
    """The address under which the browser or the tool reached this server."""
    return request.host_url.rstrip("/")


def refuse(status: int, data: Json) -> NoReturn:
    """Ends the request with this JSON answer."""
    abort(answer(data, status))
