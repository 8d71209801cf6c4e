"""Around every request: who asks (`request.lti`), who may frame the answer, and what the answer may load and post to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from lti_tool import cookies, origins, sessions, zones
from lti_tool.languages import language_of
from lti_tool.models import LtiUser

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-src 'none'; base-uri 'none'; "
    "form-action {forms}; frame-ancestors {ancestors}"
)
# their addresses name no course: they come before we know the platform, or say that a link was used
BEFORE_IDENTITY = {"login", "login-of", "again", "launch", "file"}
# guarded by a one-time invite
REGISTRATION = {"register"}
ADMINISTRATION = {"admin", "overview"}


class LtiMiddleware:
    """Stands outside the session, CSRF, message and clickjacking middleware, so that it sees what they set."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # lazy: the course stands in the URL, which is resolved later; pages outside courses cost no query
        lti = cast(sessions.Lti, SimpleLazyObject(lambda: sessions.find(request)))
        request.lti = lti  # type: ignore[attr-defined]  # views type their request as LtiRequest
        # the language and the clock of this person end with her request
        with translation.override(translation.get_language()), timezone.override(None):
            response = self.get_response(request)
        self._frame(request, response)
        return response

    def process_view(
        self, request: HttpRequest, view: object, args: object, kwargs: dict[str, object]
    ) -> None:
        """A course's pages speak the language of the person's launch, else the browser's (LocaleMiddleware).

        They tell times on the clock of the person's browser, else in UTC.
        """
        if "public_id" not in kwargs:
            _set_administrators_clock(request)
            return
        lti: sessions.Lti = request.lti  # type: ignore[attr-defined]  # set above
        session = lti.session or lti.former
        if session is None:
            return
        language = language_of(session.membership.user.locale)
        if language:
            translation.activate(language)
        _set_clock(request, lti, session.membership.user)

    def _frame(self, request: HttpRequest, response: HttpResponse) -> None:
        ancestors = _ancestors(request, response)
        forms: list[str] = getattr(response, "_form_targets", [])
        policy = POLICY.format(
            forms=" ".join(["'self'", *forms]),
            ancestors=" ".join(["'self'", *ancestors]) if ancestors else "'none'",
        )
        response.headers.setdefault("Content-Security-Policy", policy)
        if ancestors:
            # the older header knows a single origin; where frame-ancestors names the right ones it only gets in the way
            response.headers.pop("X-Frame-Options", None)


def _set_clock(request: HttpRequest, lti: sessions.Lti, user: LtiUser) -> None:
    # a cookie alone changes nothing, and the browser of an administrator who acts for her is not hers
    if lti.acting and lti.acting_admin is None:
        zones.remember(user, request.headers.get(zones.HEADER, ""))
    timezone.activate(zones.zone_of(user.time_zone) or UTC)


def _set_administrators_clock(request: HttpRequest) -> None:
    """As zone.js keeps it; programs that ask the API are told UTC, whatever cookies they send."""
    match = request.resolver_match
    if match is not None and match.app_name in ADMINISTRATION:
        timezone.activate(zones.zone_of(request.COOKIES.get(zones.COOKIE, "")) or UTC)


def allow_frame(response: HttpResponse, origins_: list[str]) -> HttpResponse:
    """A view that knows its platform better than its URL says so here."""
    response._frame_ancestors = origins_  # type: ignore[attr-defined]  # read by the middleware below
    return response


def allow_forms_to(response: HttpResponse, origins_: list[str]) -> HttpResponse:
    """This page's forms end there; Chromium holds a form's redirects to it too."""
    response._form_targets = [origin for origin in origins_ if origin]  # type: ignore[attr-defined]  # read above
    return response


def _ancestors(request: HttpRequest, response: HttpResponse) -> list[str]:
    given: list[str] | None = getattr(response, "_frame_ancestors", None)
    if given is not None:
        return given
    match = request.resolver_match
    if match is None:
        return []
    if "public_id" in match.kwargs:
        return _course_ancestors(request)
    if match.app_name != "lti_tool":
        return []
    if match.url_name in REGISTRATION:
        return ["https:"] if cookies.secure() else ["https:", "http:"]
    return list(origins.ANY_SITE) if match.url_name in BEFORE_IDENTITY else []


def _course_ancestors(request: HttpRequest) -> list[str]:
    lti: sessions.Lti = request.lti  # type: ignore[attr-defined]  # set above
    session = lti.session or lti.former
    if session:
        return origins.session_origins(session)
    # without a session the course itself says whose it is
    public_id = request.resolver_match.kwargs["public_id"] if request.resolver_match else None
    return origins.course_origins(public_id) if public_id else list(origins.ANY_SITE)
