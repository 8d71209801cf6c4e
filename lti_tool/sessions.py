"""The LTI session: one person in one course, carried by a cookie of that course, so that two tabs stay apart."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from lti_tool import cookies
from lti_tool.models import Context, LtiSession, LtiUser, Membership

TOUCH_S = 60


@dataclass(frozen=True)
class Lti:
    """Who asks, in which course: what views read as `request.lti`. Without a live session it is false and empty."""

    session: LtiSession | None = None
    # the session that the cookie named although it is over: its page can still be shown in the same frame
    former: LtiSession | None = None

    def __bool__(self) -> bool:
        return self.session is not None

    @property
    def membership(self) -> Membership:
        if self.session is None:
            raise LookupError("This request carries no LTI session.")
        return self.session.membership

    @property
    def context(self) -> Context:
        return self.membership.context

    @property
    def user(self) -> LtiUser:
        return self.membership.user

    @property
    def can_send(self) -> bool:
        return self.session is not None and self.session.membership.can_send

    @property
    def can_look(self) -> bool:
        return self.session is not None and (
            self.session.membership.can_look or self.session.membership.can_send
        )

    @property
    def who_name(self) -> str:
        """Her name for people, as the log of operations keeps it."""
        return str(self.user) if self.session else ""

    @property
    def return_url(self) -> str:
        """Where the LMS wants her back; empty when the launch did not say."""
        return self.session.return_url if self.session else ""


ABSENT = Lti()


class LtiRequest(HttpRequest):
    """A request that went through LtiMiddleware; a type for views' signatures."""

    lti: Lti


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def cookie_name(public_id: uuid.UUID) -> str:
    return f"gradesync_lti_{public_id.hex}"


def open_session(
    membership: Membership, request: HttpRequest, *, origins: list[str], return_url: str
) -> tuple[LtiSession, str]:
    """A new session for an accepted launch, and its token for the cookie. The browser's former one for this course ends."""
    now = timezone.now()
    former = request.COOKIES.get(cookies.full_name(cookie_name(membership.context.public_id)), "")
    LtiSession.objects.filter(token_hash=digest(former)).delete()
    LtiSession.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
    token = secrets.token_urlsafe(32)
    session = LtiSession.objects.create(
        token_hash=digest(token),
        membership=membership,
        expires_at=now + timedelta(seconds=settings.LTI_SESSION_MAX_S),
        frame_origins=origins,
        return_url=return_url,
    )
    return session, token


def carry(response: HttpResponse, session: LtiSession, token: str) -> None:
    cookies.put(
        response, cookie_name(session.membership.context.public_id), token, settings.LTI_SESSION_MAX_S
    )


def find(request: HttpRequest) -> Lti:
    """The session for the course that this URL names (`public_id`), by that course's own cookie; read at each request."""
    public_id = _named_course(request)
    if public_id is None:
        return ABSENT
    token = request.COOKIES.get(cookies.full_name(cookie_name(public_id)), "")
    if not token:
        return ABSENT
    session = (
        LtiSession.objects.select_related(
            "membership__user", "membership__context__deployment__registration__institution"
        )
        .filter(token_hash=digest(token), membership__context__public_id=public_id)
        .first()
    )
    if session is None:
        return ABSENT
    if not _alive(session):
        return Lti(former=session)
    _touch(session)
    return Lti(session)


def _named_course(request: HttpRequest) -> uuid.UUID | None:
    match = request.resolver_match
    value = match.kwargs.get("public_id") if match else None
    if isinstance(value, uuid.UUID) or value is None:
        return value
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None


def _alive(session: LtiSession) -> bool:
    """Neither too old nor idle for too long, and platform and deployment still approved."""
    now = timezone.now()
    deployment = session.membership.context.deployment
    idle = timedelta(seconds=settings.LTI_SESSION_IDLE_S)
    return (
        session.expires_at > now
        and session.seen_at + idle > now
        and deployment.active
        and deployment.registration.active
    )


def _touch(session: LtiSession) -> None:
    now = timezone.now()
    if session.seen_at + timedelta(seconds=TOUCH_S) < now:
        LtiSession.objects.filter(pk=session.pk).update(seen_at=now)
