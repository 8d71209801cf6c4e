"""Does a registration work? Its key set, a token for each right, the audience and the clocks, each with what to do.

Reads only: nothing is changed in the LMS, and no course is looked at.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import jwt
import requests
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from lti_tool import granted, http, platform_keys
from lti_tool.login import public_url
from lti_tool.models import Registration
from lti_tool.origins import allowed_hosts
from lti_tool.service_errors import ServiceError, ServiceRefused
from lti_tool.tokens import AccessTokens

# an administrator waits for the page: shorter than what a launch or a run may take
DEADLINE_S = 10
CLOCK_S = 30
MAX_BYTES = 512 * 1024
NO_SCOPE = "token-invalid_scope"


@dataclass(frozen=True)
class Finding:
    """One row of the report: what was looked at, whether it is well, what was seen, what to do."""

    name: str
    ok: bool
    text: str
    advice: str = ""


def run(registration: Registration) -> list[Finding]:
    """Test, and keep the report and what was granted with the registration."""
    session = _Watched(bearer_hosts=allowed_hosts(registration), deadline_s=DEADLINE_S, max_bytes=MAX_BYTES)
    # a token that comes only for another audience changes it
    named, tokens = registration.auth_audience, _Tokens(registration, session)
    findings = [_keys(registration, session), *tokens.findings()]
    findings += [*_audience(named, registration.auth_token_url, session), *_clock(session)]
    registration.test_report = [asdict(finding) for finding in findings]
    registration.tested_at = timezone.now()
    registration.granted_scopes = tokens.granted_scopes()
    registration.save(update_fields=["test_report", "tested_at", "granted_scopes"])
    return findings


class _Watched(http.Session):
    """Notes the LMS's time, and which audience its token address took."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.offsets: list[float] = []
        self.audiences: dict[str, bool] = {}
        self.scopes: set[str] | None = None

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:  # type: ignore[override]  # as its base
        response = super().request(method, url, **kwargs)
        self._note_time(response)
        if method.upper() == "POST":
            self._note_token(kwargs.get("data"), response)
        return response

    def _note_time(self, response: requests.Response) -> None:
        try:
            moment = parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
            # a cache on the way repeats the time of its own copy
            self.offsets.append(moment + int(response.headers.get("Age", "0")) - time.time())
        except (ValueError, OverflowError):
            return

    def _note_token(self, form: Any, response: requests.Response) -> None:
        claims = jwt.decode(form["client_assertion"], options={"verify_signature": False})
        audience = str(claims.get("aud"))
        self.audiences[audience] = self.audiences.get(audience, False) or response.status_code == 200
        try:
            body = http.loads(response.content)
        except http.BadBody:
            body = None
        scope = body.get("scope") if isinstance(body, dict) else None
        self.scopes = set(scope.split()) if isinstance(scope, str) and scope else None


class _Tokens:
    """A token for each use, asked for anew."""

    def __init__(self, registration: Registration, session: _Watched) -> None:
        self._registration, self._session = registration, session
        self._tokens = AccessTokens(registration, session)
        self._answers: dict[str, bool] = {}

    def findings(self) -> Iterator[Finding]:
        trouble: ServiceError | None = None
        for use in granted.USES:
            name = f"token:{use.name}"
            if trouble is None:
                try:
                    yield self._finding(name, use)
                    continue
                except ServiceError as error:
                    trouble = error
                    yield Finding(name, False, str(error), _advice(error))
                    continue
            yield Finding(name, False, str(_("Not asked for, since the request before it failed.")))

    def granted_scopes(self) -> list[str] | None:
        """What is known now: what this test was given or refused, and what it did not ask for as it was."""
        known: list[str] | None = self._registration.granted_scopes
        if not self._answers:
            return known
        former = set(known or ())
        given = {scope for scope, ok in self._answers.items() if ok}
        return sorted((former - set(self._answers)) | given)

    def _finding(self, name: str, use: granted.Use) -> Finding:
        for scope in use.scopes:
            if self._given(scope):
                return Finding(name, True, str(use.title))
        return Finding(name, False, str(use.without), str(granted.REMEDY))

    def _given(self, scope: str) -> bool:
        """Raises ServiceError when the answer says nothing about this scope."""
        self._tokens.drop((scope,))
        self._session.scopes = None
        try:
            self._tokens.get((scope,))
        except ServiceRefused as error:
            if error.code != NO_SCOPE:
                raise
            ok = False
        else:
            ok = self._session.scopes is None or scope in self._session.scopes
        self._answers[scope] = ok
        return ok


def _advice(error: ServiceError) -> str:
    if error.code in {"token-invalid_client", "token-401", "token-400", "token-invalid_request", "token-404"}:
        return str(
            _(
                "In the LMS, compare the client id and see that the key set address is {jwks} and can be reached from there. "
                "Brightspace wants an audience of its own, shown with its registration: type it into the audience field."
            )
        ).format(jwks=public_url("jwks"))
    if error.code == "address-refused":
        return str(
            _("The operator of this tool names the host in OUTBOUND_ALLOW, if it is meant to be reached.")
        )
    return str(_("Test again later; if it stays, ask the administrator of the LMS."))


def _keys(registration: Registration, session: _Watched) -> Finding:
    host = http.host_of(registration.key_set_url)
    try:
        response = session.get(registration.key_set_url, headers={"Accept": "application/json"})
        body = http.loads(response.content) if response.status_code == 200 else None
    except http.BadBody:
        body = None
    except http.HttpError as error:
        return _bad_keys(str(error))
    rows = body.get("keys") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        return _bad_keys(str(_("{host} answered without a key set.")).format(host=host))
    count = len(platform_keys.usable([row for row in rows if isinstance(row, dict)]))
    if not count:
        return _bad_keys(
            str(_("{host} publishes no RSA key for RS256 of at least 2048 bits.")).format(host=host)
        )
    text = ngettext("{host} publishes a usable key.", "{host} publishes {count} usable keys.", count)
    return Finding("keys", True, text.format(host=host, count=count))


def _bad_keys(text: str) -> Finding:
    advice = _(
        "Without its keys no launch can be checked. Compare the key set address with what the LMS shows."
    )
    return Finding("keys", False, text, str(advice))


def _audience(named: str, usual: str, session: _Watched) -> Iterator[Finding]:
    """Only where the registration names an audience other than its token address."""
    if named in {"", usual} or not session.audiences:
        return
    if session.audiences.get(named):
        yield Finding("audience", True, str(_("The LMS accepts the audience of this registration.")))
    elif session.audiences.get(usual):
        text = _(
            "The LMS refused the audience of this registration and took its token address instead. The audience field was emptied: "
            "tokens are now asked for so."
        )
        yield Finding("audience", True, str(text))


def _clock(session: _Watched) -> Iterator[Finding]:
    if not session.offsets:
        return
    nearest = min(session.offsets, key=lambda offset: abs(offset))
    seconds = round(nearest)
    if abs(seconds) <= CLOCK_S:
        yield Finding("clock", True, str(_("The clocks agree.")))
        return
    text = (
        _("The LMS's clock is {seconds} seconds ahead of this server's.")
        if seconds > 0
        else _("The LMS's clock is {seconds} seconds behind this server's.")
    )
    advice = _(
        "Launches and tokens carry times and are refused when the clocks differ much. Both servers should set their clock by "
        "a time service (NTP)."
    )
    yield Finding("clock", False, str(text).format(seconds=abs(seconds)), str(advice))
