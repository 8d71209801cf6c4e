"""Third-party initiated login (1EdTech Security §5.1.1): remember what the id_token must match, send the browser to the platform."""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lti_tool import cookies, refusals
from lti_tool.access import is_own
from lti_tool.errors import LMS_ADMINISTRATOR, LoginRefused, NotYours
from lti_tool.models import LoginState, Registration
from lti_tool.origins import origin_of
from lti_tool.sessions import digest

STATE_S = 600
# anyone may begin a login, and each is kept for a while: no more than a server takes as an address
MAX_ADDRESS = 12_000
SCRIPT_HEADER = "X-GradeSync-Script"


@dataclass(frozen=True)
class Started:
    """A login under way: where the browser goes now, and the secret that must come back with the launch."""

    location: str
    state: str = field(repr=False)
    browser: str = field(repr=False)
    row: LoginState

    def redirect(self) -> HttpResponse:
        return self.with_cookie(HttpResponseRedirect(self.location))

    def with_cookie(self, response: HttpResponse) -> HttpResponse:
        response.headers["Cache-Control"] = "no-store"
        cookies.put(response, login_cookie(self.state), self.browser, STATE_S)
        return response


def start(
    parameters: Mapping[str, str], registration_id: uuid.UUID | None = None, *, by_script: bool = False
) -> Started:
    """Begin a login. `registration_id` comes from the registration's own login URL. Raises LoginRefused or NotYours.

    `by_script`: a page of ours runs before the browser goes on, so the LMS's storage may stand for the cookie.
    """
    registration = _registration(parameters, registration_id)
    if not parameters.get("login_hint"):
        raise LoginRefused(
            "no-login-hint", _("The LMS sent a login without saying for whom."), who=LMS_ADMINISTRATOR
        )
    target = parameters.get("target_link_uri", "")
    if target and not own_address(target):
        raise refusals.foreign_target()
    return _remember(registration, _hints(parameters), target, by_script)


def again(state: str) -> Started:
    """Begin the login of this state anew, in the browser window that asks. Raises LoginRefused when it is over."""
    row = under_way(state)
    if row is None:
        raise refusals.login_over()
    if not row.registration.active:
        raise waits_for_approval()
    return _remember(row.registration, row.hints, row.target_link_uri, by_script=False)


HINTS = ("login_hint", "lti_message_hint", "lti_storage_target")


def _hints(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: _fit(parameters[name]) for name in HINTS if parameters.get(name)}


def own_address(url: str) -> bool:
    """Does this URL belong to the tool's own origin?"""
    return bool(origin_of(url)) and origin_of(url) == origin_of(settings.PUBLIC_URL)


def public_url(name: str, *args: object) -> str:
    """The outside address of one of our pages."""
    return f"{settings.PUBLIC_URL}{reverse(f'lti_tool:{name}', args=args)}"


def _registration(parameters: Mapping[str, str], registration_id: uuid.UUID | None) -> Registration:
    issuer, client_id = _fit(parameters.get("iss", "")), _fit(parameters.get("client_id", ""))
    rows = Registration.objects.all()
    if registration_id is not None:
        rows = rows.filter(public_id=registration_id)
    if issuer or registration_id is None:
        rows = rows.filter(issuer=issuer)
    if client_id:
        rows = rows.filter(client_id=client_id)
    found = list(rows[:2])
    if len(found) > 1:
        raise LoginRefused(
            "ambiguous-client",
            _("The LMS did not say which of several registrations it means."),
            _("Use the login address of the registration itself in the LMS's settings of this tool."),
            LMS_ADMINISTRATOR,
        )
    if not found:
        raise LoginRefused(
            "unknown-issuer",
            _(
                "This LMS is not registered with this tool, or its issuer or client id differs from what was registered."
            ),
            _(
                "An administrator compares issuer and client id, letter for letter and with every slash, or registers the LMS."
            ),
        )
    if not found[0].active:
        raise waits_for_approval()
    return found[0]


def waits_for_approval() -> NotYours:
    return NotYours(
        "registration-inactive",
        _("This LMS is registered and waits for approval."),
        _("An administrator of this tool approves the registration; then open the tool again."),
        title=_("Waiting for approval"),
    )


def _fit(text: str) -> str:
    """A database cannot be asked for NUL; nothing registered holds one."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _remember(registration: Registration, hints: Mapping[str, str], target: str, by_script: bool) -> Started:
    state, nonce, browser = (secrets.token_urlsafe(32) for _number in range(3))
    location = _authentication_request(registration, hints, state, nonce)
    if len(location) > MAX_ADDRESS:
        raise refusals.hint_too_long()
    row = LoginState.objects.create(
        state_hash=digest(state),
        nonce_hash=digest(nonce),
        browser_hash=digest(browser),
        registration=registration,
        target_link_uri=_fit(target)[:2000],
        hints=dict(hints),
        by_script=by_script,
        storage_target=storage_target(hints.get("lti_storage_target", "")),
        expires_at=timezone.now() + timedelta(seconds=STATE_S),
    )
    return Started(location, state, browser, row)


def storage_target(text: str) -> str:
    """A frame's name as platforms give it (`_parent`, `post_message_forwarding`); empty when it is no such name."""
    return text if len(text) <= 200 and all(sign.isalnum() or sign in "_-.:" for sign in text) else ""


def _authentication_request(
    registration: Registration, hints: Mapping[str, str], state: str, nonce: str
) -> str:
    query = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": registration.client_id,
        "redirect_uri": public_url("launch"),
        "login_hint": hints["login_hint"],
        "state": state,
        "nonce": nonce,
    }
    if hints.get("lti_message_hint"):
        query["lti_message_hint"] = hints["lti_message_hint"]
    joint = "&" if "?" in registration.auth_login_url else "?"
    return f"{registration.auth_login_url}{joint}{urlencode(query)}"


def login_cookie(state: str) -> str:
    """One cookie per login, so that two launches at once do not disturb each other."""
    return f"gradesync_login_{digest(state)[:16]}"


def under_way(state: str) -> LoginState | None:
    """The login that this state began, while it can still be finished."""
    rows = LoginState.objects.select_related("registration")
    return rows.filter(state_hash=digest(state), used_at=None, expires_at__gt=timezone.now()).first()


def proof(row: LoginState, request: HttpRequest, state: str) -> str:
    """How this browser shows that the login began in it: by its "cookie", by our "script" (what the LMS's storage kept), or ""."""
    cookie = request.COOKIES.get(cookies.full_name(login_cookie(state)), "")
    if hmac.compare_digest(row.browser_hash, digest(cookie)):
        return "cookie"
    kept = request.POST.get("browser", "") if by_own_script(request) else ""
    return "script" if hmac.compare_digest(row.browser_hash, digest(kept)) else ""


def by_own_script(request: HttpRequest) -> bool:
    """Was this request made by a script of our own pages? No other site can add the header (CORS), or our origin."""
    return SCRIPT_HEADER in request.headers and is_own(request)


def use_up(row: LoginState) -> bool:
    """One conditional update before anything is stored: a second post of the same launch finds nothing."""
    now = timezone.now()
    return LoginState.objects.filter(pk=row.pk, used_at=None, expires_at__gt=now).update(used_at=now) == 1
