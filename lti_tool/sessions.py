"""The LTI session: one person in one course. A page holds its acting token in memory; a cookie, where kept, only reads.

The acting token goes with each request in a header (or in a form's hidden field, for browsers without scripts). A
cookie is sent by the browser unasked, so that alone it may look and never change anything. Cookies are per course, so
that two tabs stay apart.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from lti_tool import cookies
from lti_tool.acting import ACTING_MAX_S, both_names, may_go_on
from lti_tool.models import Context, LtiSession, LtiUser, Membership

TOUCH_S = 60
HEADER = "X-GradeSync-Session"
# the field that {% csrf_token %} writes: on pages of a course it holds the acting token
FIELD = "csrfmiddlewaretoken"
SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}


@dataclass(frozen=True)
class Lti:
    """Who asks, in which course: what views read as `request.lti`. Without a live session it is false and empty."""

    session: LtiSession | None = None
    # the session that the cookie named although it is over: its page can still be shown in the same frame
    former: LtiSession | None = None
    # what this person's pages must send to change anything; empty when nobody is signed in
    acting_token: str = field(default="", repr=False)
    # this request itself carried the acting token
    acting: bool = False

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
        """Her name for people, as the log of operations keeps it; both names where an administrator acts for her."""
        return both_names(self.session)[:300] if self.session else ""

    @property
    def acting_admin(self) -> User | None:
        """The administrator who acts for the teacher whose session this is; None in a teacher's own."""
        return self.session.acting_admin if self.session else None

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


@dataclass(frozen=True)
class Opened:
    """A session that a launch opened, with the tokens that the browser gets; we keep their hashes only."""

    session: LtiSession
    acting: str = field(repr=False)
    # for the cookie; empty in a browser that keeps none
    reading: str = field(default="", repr=False)
    # opens the session once more after a reload, once; empty where the cookie does that
    resume: str = field(default="", repr=False)


def open_session(
    membership: Membership,
    request: HttpRequest,
    *,
    origins: list[str],
    return_url: str,
    by_cookie: bool = True,
    acting_admin: User | None = None,
) -> Opened:
    """A new session for an accepted launch. The browser's former one for this course ends, if it is another person's.

    `acting_admin`: an administrator whom `acting.may_act` lets act for this member, in a window of her own.
    """
    now = timezone.now()
    former = request.COOKIES.get(cookies.full_name(cookie_name(membership.context.public_id)), "")
    if former:
        # another tab of the same person goes on, with the token that it holds
        same = {"membership": membership, "acting_admin": acting_admin}
        LtiSession.objects.filter(reading_hash=digest(former)).exclude(**same).delete()
    reading = secrets.token_urlsafe(32) if by_cookie else ""
    acting = acting_of(reading) if by_cookie else secrets.token_urlsafe(32)
    resume = "" if by_cookie else secrets.token_urlsafe(32)
    session = LtiSession.objects.create(
        token_hash=digest(acting),
        reading_hash=digest(reading) if reading else None,
        resume_hash=digest(resume) if resume else None,
        membership=membership,
        acting_admin=acting_admin,
        expires_at=now + timedelta(seconds=ACTING_MAX_S if acting_admin else settings.LTI_SESSION_MAX_S),
        frame_origins=origins,
        return_url=return_url,
    )
    return Opened(session, acting, reading, resume)


def course_page(context: Context) -> str:
    """Where launches into this course land (settings.LTI_LAUNCH_REDIRECT)."""
    return reverse(settings.LTI_LAUNCH_REDIRECT, kwargs={"public_id": context.public_id})


def acting_of(reading: str) -> str:
    """The acting token of a session with a cookie: the server can tell it to the page that the cookie asked for."""
    return salted_hmac("lti_tool.sessions.acting", reading, algorithm="sha256").hexdigest()


def carry(response: HttpResponse, opened: Opened) -> None:
    """Give the browser the course's cookie."""
    name = cookie_name(opened.session.membership.context.public_id)
    cookies.put(response, name, opened.reading, settings.LTI_SESSION_MAX_S)


def resume(handle: str) -> Opened | LtiSession | None:
    """Open a session once more by its one-time handle, with tokens of its own; it ends when the first one would have.

    Returns the former session where it is over (its return address can still be shown), None for an unknown handle.
    """
    former = _sessions().filter(resume_hash=digest(handle)).first() if handle else None
    if former is None or not is_alive(former):
        return former
    unused = LtiSession.objects.filter(pk=former.pk, resume_hash=digest(handle))
    if not unused.update(resume_hash=None):
        return None
    acting, again = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    session = LtiSession.objects.create(
        token_hash=digest(acting),
        resume_hash=digest(again),
        membership=former.membership,
        acting_admin=former.acting_admin,
        expires_at=former.expires_at,
        frame_origins=former.frame_origins,
        return_url=former.return_url,
    )
    return Opened(session, acting, resume=again)


def leave(request: HttpRequest, lti: Lti, response: HttpResponse) -> None:
    """End this person's sessions in this course, in all tabs; those of other courses go on."""
    if lti.session is not None:
        name = cookie_name(lti.context.public_id)
        same = {"membership": lti.membership, "acting_admin": lti.acting_admin}
        LtiSession.objects.filter(**same).delete()
        if cookies.full_name(name) in request.COOKIES:
            cookies.drop(response, name)


def find(request: HttpRequest) -> Lti:
    """The session for the course that this URL names (`public_id`); read from the database at each request.

    By the acting token of the request, else by that course's own cookie. A token that is over lets in only the person
    whose it was: the cookie may be another's by now, who opened the course in another tab.
    """
    public_id = _named_course(request)
    if public_id is None:
        return ABSENT
    acting = request.headers.get(HEADER, "")
    if not acting and request.method not in SAFE:
        acting = request.POST.get(FIELD, "")
    reading = request.COOKIES.get(cookies.full_name(cookie_name(public_id)), "")
    of_course = _sessions().filter(membership__context__public_id=public_id)
    by_acting = of_course.filter(token_hash=digest(acting)).first() if acting else None
    if by_acting is not None and is_alive(by_acting):
        return _used(request, Lti(by_acting, acting_token=acting, acting=True))
    by_cookie = of_course.filter(reading_hash=digest(reading)).first() if reading else None
    if by_cookie is not None and is_alive(by_cookie) and (not acting or _same_person(by_acting, by_cookie)):
        return _used(request, Lti(by_cookie, acting_token=acting_of(reading)))
    return Lti(former=by_acting or by_cookie)


def _same_person(one: LtiSession | None, other: LtiSession) -> bool:
    return one is not None and (one.membership_id, one.acting_admin_id) == (
        other.membership_id,
        other.acting_admin_id,
    )


def _sessions() -> QuerySet[LtiSession]:
    return LtiSession.objects.select_related(
        "membership__user", "membership__context__deployment__registration__institution", "acting_admin"
    )


def _used(request: HttpRequest, lti: Lti) -> Lti:
    now = timezone.now()
    long_ago = lti.session is not None and lti.session.seen_at + timedelta(seconds=TOUCH_S) < now
    if lti.session is not None and long_ago and not _asks_by_itself(request):
        LtiSession.objects.filter(pk=lti.session.pk).update(seen_at=now)
    return lti


def _asks_by_itself(request: HttpRequest) -> bool:
    """A page that looks again every few seconds, on a computer that its person may have left."""
    by_person = request.headers.get("HX-Boosted") or request.headers.get("HX-History-Restore-Request")
    return request.method == "GET" and "HX-Request" in request.headers and not by_person


def _named_course(request: HttpRequest) -> uuid.UUID | None:
    match = request.resolver_match
    value = match.kwargs.get("public_id") if match else None
    if isinstance(value, uuid.UUID) or value is None:
        return value
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None


def is_alive(session: LtiSession) -> bool:
    """Neither too old nor idle for too long, and platform and deployment still approved."""
    now = timezone.now()
    deployment = session.membership.context.deployment
    idle = timedelta(seconds=settings.LTI_SESSION_IDLE_S)
    return (
        session.expires_at > now
        and session.seen_at + idle > now
        and deployment.active
        and deployment.registration.active
        and may_go_on(session)
    )
