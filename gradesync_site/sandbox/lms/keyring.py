"""What the pretend LMS's OAuth room has given out: codes, grants, access tokens. Nothing here outlives the process."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

CLIENT_ID = "10000000000042"
SECRET = "sandbox-oauth-secret"
CODE_S = 300
LEARN = "/learn/api/public/v1/oauth2"


@dataclass(frozen=True)
class Style:
    """One product's addresses and ways. Canvas: doc/api/oauth_endpoints.md; Brightspace: docs.valence.desire2learn.com,
    "OAuth 2" (one-time refresh tokens: community.d2l.com, article 1196). Blackboard: docs.anthology.com, "Three-Legged
    OAuth"; whether its refresh tokens stay is not said there: here they do.
    """

    name: str
    authorize: str
    token: str
    revoke: str = ""
    rotates: bool = False
    # the token's answer says whose it is: an object `user`, or her uuid alone as `user_id`
    names_user: bool = False
    names_uuid: bool = False
    # one address gives the application's own tokens too
    shares_token: bool = False


STYLES = (
    Style("canvas", "/login/oauth2/auth", "/login/oauth2/token", "/login/oauth2/token", names_user=True),
    Style("brightspace", "/oauth2/auth", "/core/connect/token", rotates=True),
    Style("blackboard", f"{LEARN}/authorizationcode", f"{LEARN}/token", shares_token=True, names_uuid=True),
)
OF_NAME = {style.name: style for style in STYLES}


@dataclass(frozen=True)
class Code:
    style: str
    person: str
    redirect_uri: str
    scope: str = ""
    challenge: str = ""
    until: float = field(default_factory=lambda: time.time() + CODE_S)


@dataclass
class Grant:
    id: str
    style: Style
    person: str
    scope: str
    refresh: str
    former: set[str] = field(default_factory=set)
    renewals: int = 0

    def as_json(self) -> Json:
        return {"id": self.id, "style": self.style.name, "person": self.person, "renewals": self.renewals}


class Keyring:
    """`auto`: nobody is asked. `seconds`: how long access tokens live. `origins`: further places to send people back to."""

    def __init__(self, seconds: int = 3600) -> None:
        self.auto = False
        self.seconds = seconds
        self.origins: list[str] = []
        self.grants: dict[str, Grant] = {}
        self._codes: dict[str, Code] = {}
        self._access: dict[str, tuple[str, float]] = {}
        self._lock = threading.RLock()

    def make_code(self, code: Code) -> str:
        with self._lock:
            made = secrets.token_urlsafe(24)
            self._codes[made] = code
            return made

    def take_code(self, value: str) -> Code | None:
        with self._lock:
            code = self._codes.pop(value, None)
            return code if code is not None and code.until > time.time() else None

    def begin(self, code: Code) -> Grant:
        with self._lock:
            grant = Grant(
                secrets.token_hex(4), OF_NAME[code.style], code.person, code.scope, secrets.token_urlsafe(24)
            )
            self.grants[grant.id] = grant
            return grant

    def issue(self, grant: Grant) -> str:
        with self._lock:
            made = secrets.token_urlsafe(24)
            self._access[made] = (grant.id, time.time() + self.seconds)
            return made

    def of_refresh(self, value: str) -> Grant | None:
        """The grant of this refresh token; one that was used before ends its whole grant."""
        with self._lock:
            for grant in list(self.grants.values()):
                if value in grant.former:
                    self._end(grant)
                    return None
                if value and value == grant.refresh:
                    grant.renewals += 1
                    return grant
            return None

    def rotate(self, grant: Grant) -> str:
        with self._lock:
            grant.former.add(grant.refresh)
            grant.refresh = secrets.token_urlsafe(24)
            return grant.refresh

    def owner(self, token: str) -> str:
        """The id of the person whose token this is, while it is good; else empty."""
        with self._lock:
            grant_id, until = self._access.get(token, ("", 0.0))
            grant = self.grants.get(grant_id)
            return grant.person if grant is not None and until > time.time() else ""

    def revoke_by(self, token: str) -> bool:
        """By an access token of it that is good now."""
        with self._lock:
            grant_id, until = self._access.get(token, ("", 0.0))
            grant = self.grants.get(grant_id)
            if grant is None or until < time.time():
                return False
            self._end(grant)
            return True

    def revoke(self, person: str = "") -> None:
        with self._lock:
            for grant in list(self.grants.values()):
                if person in ("", grant.person):
                    self._end(grant)

    def expire(self) -> None:
        """All access tokens are over; the grants can be renewed."""
        with self._lock:
            self._access.clear()

    def _end(self, grant: Grant) -> None:
        del self.grants[grant.id]
