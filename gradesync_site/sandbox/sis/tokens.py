"""The SIS's OAuth 2 token endpoint (client credentials), and the check of a bearer token's scopes or of a signature."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, field

from flask import Response, request

from gradesync_site.sandbox.control import Sandbox, answer
from gradesync_site.sandbox.lms.oauth1 import Guard, Unsigned
from gradesync_site.sandbox.sis.store import Refusal

TOKEN_PATH = "/oauth/token"
CLIENT_ID = "gradesync"
LIFETIME_S = 3600

V12 = "https://purl.imsglobal.org/spec/or/v1p2/scope/"
V11 = "https://purl.imsglobal.org/spec/or/v1p1/scope/"
SCOPES = frozenset(
    V12 + name
    for name in (
        *("roster.readonly", "roster-core.readonly", "roster-demographics.readonly"),
        *("gradebook.readonly", "gradebook-core.readonly", "gradebook.createput"),
        *("gradebook.createpost", "gradebook.delete"),
        *("assessment.readonly", "assessment.createput", "assessment.delete"),
    )
) | frozenset(
    V11 + name
    for name in (
        *("roster.readonly", "roster-core.readonly", "gradebook.readonly"),
        *("gradebook.createput", "gradebook.delete"),
    )
)


@dataclass
class Tokens:
    """Tokens live in memory only: after a restart of the SIS they are worth nothing, as in the field."""

    sandbox: Sandbox
    secret: str
    allowed: frozenset[str] = SCOPES
    # a scope that is not allowed: refused with the whole request, or left out of what is granted
    only_allowed: bool = False
    scope_status: int = 403
    # "": a bearer token or a signature; "oauth1": a signature alone
    scheme: str = ""
    _issued: dict[str, tuple[frozenset[str], float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # requests that were signed in one second and come in another order are all good
        self._guard = Guard(CLIENT_ID, self.secret, forward_only=False)

    def token(self) -> Response:
        """POST, form-encoded; the client's key in a Basic header or in the body (RFC 6749 §2.3.1)."""
        if self.sandbox.strikes("token-refused") or not self._is_client():
            return answer({"error": "invalid_client"}, 401, {"WWW-Authenticate": 'Basic realm="sis"'})
        if request.form.get("grant_type") != "client_credentials":
            return answer({"error": "unsupported_grant_type"}, 400)
        asked = frozenset(request.form.get("scope", "").split())
        granted = (asked or self.allowed) & self.allowed
        if not granted or (self.only_allowed and asked - self.allowed):
            return answer({"error": "invalid_scope"}, 400)
        return self._issue(granted)

    def _issue(self, granted: frozenset[str]) -> Response:
        token = secrets.token_urlsafe(24)
        self._issued[token] = (granted, time.monotonic() + LIFETIME_S)
        body = {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_S}
        return answer(body | {"scope": " ".join(sorted(granted))}, 200, {"Cache-Control": "no-store"})

    def _is_client(self) -> bool:
        given = request.authorization
        if given is not None and given.type == "basic":
            found = (given.username, given.password)
        else:
            found = (request.form.get("client_id"), request.form.get("client_secret"))
        return found == (CLIENT_ID, self.secret)

    def check(self, scopes: Collection[str]) -> None:
        """Raises Refusal: 401 without a live token or a good signature, 403 when none of `scopes` was granted."""
        given = request.authorization
        if self.scheme == "oauth1" or (given is not None and given.type == "oauth"):
            self._check_signature()
            return
        token = (given.token or "") if given is not None and given.type == "bearer" else ""
        granted, until = self._issued.get(token, (frozenset(), 0.0))
        if time.monotonic() >= until or self.sandbox.strikes("token-expired"):
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise Refusal(401, "unauthorisedrequest", "The access token is missing or not valid.", challenge)
        if granted.isdisjoint(scopes) or self.sandbox.strikes("wrong-scope"):
            challenge = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
            words = "The access token lacks the scope for this operation."
            raise Refusal(self.scope_status, "forbidden", words, challenge)

    def _check_signature(self) -> None:
        """OAuth 1.0a: a signature knows no scopes. The address is taken as it came, not as it was decoded."""
        url = request.host_url.rstrip("/") + request.environ["REQUEST_URI"]
        try:
            self._guard.check(request.method, url, request.headers.get("Authorization", ""))
        except Unsigned as error:
            raise Refusal(401, "unauthorisedrequest", str(error)) from None
        if self.sandbox.strikes("token-expired"):
            raise Refusal(401, "unauthorisedrequest", "The signature is refused.")
