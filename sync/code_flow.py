"""OAuth 2's code flow as a client speaks it: the address to allow at, a code or refresh token for tokens, taking back.

No models here. Nothing of an answer, and no token, comes into an exception's text. RFC 6749, 7636 (PKCE), 7009.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import requests

from lti_tool import http
from sync.auth import LONGEST_S, retry_after
from sync.errors import Misconfigured, TryLater
from sync.lms.access import CodeFlow

MOST_BYTES: Final = 256 * 1024
LONGEST_TOKEN: Final = 16_384
GONE: Final = "grant_lost"
OK: Final = frozenset({200, 201})


class GrantGone(Misconfigured):
    """The LMS does not know this code or refresh token (any more): its teacher must allow the access anew."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token address gave. `seconds` None: it did not say how long the access token lives."""

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    seconds: int | None = None
    scope: str = ""
    # the LMS's own id of the person, where the answer names her
    person: str = ""


@dataclass(frozen=True, slots=True)
class Verifier:
    """PKCE (RFC 7636): the secret of one request, and what the authorization address is shown of it."""

    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def challenge(self) -> str:
        hashed = hashlib.sha256(self.secret.encode()).digest()
        return base64.urlsafe_b64encode(hashed).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class CodeClient:
    """One connection's key at one LMS. Raises Misconfigured (GrantGone, `client_refused`, ...) or TryLater."""

    flow: CodeFlow
    product: str
    root: str
    client_id: str
    secret: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)

    # --- addresses ---

    def address(self, kind: str) -> str:
        """`auth`, `token` or `revoke`: the connection's own, else the LMS's usual one; empty: there is none."""
        usual = {"auth": self.flow.authorize, "token": self.flow.token, "revoke": self.flow.revoke}[kind]
        stated = self.options.get(f"{kind}_url", "").strip() or usual
        return stated if "://" in stated or not stated else self.root + stated

    @property
    def hosts(self) -> frozenset[str]:
        """Where this key and its tokens go."""
        urls = (self.root, self.address("token"), self.address("revoke"))
        return frozenset(http.host_of(url).lower() for url in urls if url)

    def is_issuer(self, stated: str) -> bool:
        """Is this (RFC 9207 `iss`) the server that was asked? Another one's answer must not be taken for its."""
        hosts = {
            http.host_of(self.address("auth")),
            http.host_of(self.address("token")),
            http.host_of(self.root),
        }
        return http.host_of(stated) in hosts - {""}

    def authorize_url(self, state: str, redirect_uri: str, verifier: Verifier) -> str:
        """Where the teacher's window goes. Raises Misconfigured for an address that no window should be sent to."""
        url = self.address("auth")
        self._check(url)
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
        }
        scopes = self.options.get("scopes", "").split() or list(self.flow.scopes)
        if scopes:
            asked["scope"] = " ".join(scopes)
        if self.flow.pkce:
            asked |= {"code_challenge": verifier.challenge, "code_challenge_method": "S256"}
        return f"{url}{'&' if '?' in url else '?'}{urlencode({**self.flow.extra, **asked})}"

    # --- tokens ---

    def exchange(self, code: str, redirect_uri: str, verifier: Verifier) -> Tokens:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        if self.flow.pkce:
            form["code_verifier"] = verifier.secret
        return self._tokens(self._post(self.address("token"), form), "code")

    def renew(self, refresh_token: str, redirect_uri: str) -> Tokens:
        """`refresh` of the answer is empty where the old refresh token goes on (Canvas)."""
        # Canvas and Blackboard want the redirect address here too; others must not mind it (RFC 6749 §3.2)
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "redirect_uri": redirect_uri}
        return self._tokens(self._post(self.address("token"), form), "refresh_token")

    def revoke(self, tokens: Tokens) -> bool:
        """Whether the LMS took it back. An LMS that is away, or knows no way, is no error: we forget it in any case."""
        url = self.address("revoke")
        if not url:
            return False
        try:
            if self.flow.revoke_method == "POST":
                response = self._post(url, {"token": tokens.refresh or tokens.access})
            else:
                headers = {"Authorization": f"Bearer {tokens.access}", "Accept": "application/json"}
                response = self._session(url).request(self.flow.revoke_method, url, headers=headers)
        except (Misconfigured, TryLater, http.HttpError):
            return False
        return response.status_code < 300

    # --- inside ---

    def _session(self, url: str) -> http.Session:
        return http.Session({http.host_of(url).lower()}, max_bytes=MOST_BYTES)

    def _check(self, url: str) -> None:
        try:
            http.check_url(url)
        except http.Refused as error:
            text = f"{self.product}'s address cannot be used: {error} An administrator must check the connection."
            raise Misconfigured(text, "address_refused") from None

    def _post(self, url: str, form: dict[str, str]) -> requests.Response:
        self._check(url)
        headers = {"Accept": "application/json"}
        if self.flow.in_body:
            form = {**form, "client_id": self.client_id, "client_secret": self.secret}
        else:
            pair = f"{self.client_id}:{self.secret}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        session = self._session(url)
        try:
            return session.post(url, data=form, headers=headers)
        except http.Refused as error:
            text = f"{self.product}'s address cannot be used: {error} An administrator must check the connection."
            raise Misconfigured(text, "address_refused") from None
        except http.HttpError as error:
            raise TryLater(f"{self.product} could not be asked for access: {error}") from None
        finally:
            session.close()

    def _tokens(self, response: requests.Response, what: str) -> Tokens:
        if response.status_code not in OK:
            raise self._refusal(response, what)
        answer = _mapping(response)
        access = _token(answer.get("access_token"))
        if not access:
            raise self._broken()
        return Tokens(
            access,
            _token(answer.get("refresh_token")),
            _seconds(answer.get("expires_in")),
            scope if isinstance(scope := answer.get("scope"), str) else "",
            self._person(answer),
        )

    def _person(self, answer: Mapping[str, Any]) -> str:
        found: Any = answer if self.flow.person else ""
        for key in self.flow.person:
            found = found.get(key) if isinstance(found, Mapping) else None
        return (
            str(found).strip()[:300] if isinstance(found, str | int) and not isinstance(found, bool) else ""
        )

    def _refusal(self, response: requests.Response, what: str) -> Misconfigured | TryLater:
        """HTTP status and OAuth error (RFC 6749 §5.2) to our errors, in this one place."""
        code, answer = response.status_code, _mapping(response)
        if code in (408, 429) or code >= 500:
            return TryLater(f"{self.product} is busy or away.", retry_after(response))
        error, told = str(answer.get("error", "")), str(answer.get("error_description", ""))
        # Canvas calls a refresh token that was taken back an invalid request, and names it
        if error == "invalid_grant" or (error == "invalid_request" and f"{what} not found" in told):
            return GrantGone(f"{self.product} has ended the access. Connect to {self.product} again.", GONE)
        if error in ("invalid_client", "unauthorized_client") or code == 401:
            text = (
                f"{self.product} refuses GradeSync's client id and secret. An administrator must check them in the "
                "connection."
            )
            return Misconfigured(text, "client_refused")
        if error == "invalid_scope":
            text = (
                f"{self.product} does not grant the rights that reading needs. An LMS administrator must allow them "
                "for GradeSync's key."
            )
            return Misconfigured(text, "scope_refused")
        return self._broken()

    def _broken(self) -> Misconfigured:
        text = (
            f"{self.product} did not answer as it should when it was asked for access. An administrator must check the "
            "connection's addresses."
        )
        return Misconfigured(text, "token_broken")


def _mapping(response: requests.Response) -> Mapping[str, Any]:
    try:
        found = http.loads(response.content)
    except http.BadBody:
        return {}
    return found if isinstance(found, Mapping) else {}


def _token(stated: object) -> str:
    """One that can be sent in a header; empty for anything else."""
    if not isinstance(stated, str) or not 0 < len(stated) <= LONGEST_TOKEN:
        return ""
    return stated if stated.isascii() and stated.isprintable() and " " not in stated else ""


def _seconds(stated: object) -> int | None:
    """A number, or its digits; None where the answer does not say it."""
    if isinstance(stated, bool):
        return None
    try:
        life = int(str(stated))
    except ValueError:
        return None
    return min(life, 365 * LONGEST_S) if life > 0 else None
