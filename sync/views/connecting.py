"""Connect to the LMS: a button in the frame opens a window; the window comes back, and the frame goes on."""

from __future__ import annotations

import logging
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lti_tool import cookies
from lti_tool.errors import ADMINISTRATOR, NotYours
from lti_tool.middleware import allow_frame
from lti_tool.pages import refused_page
from sync.engine import EngineError, connecting, grants
from sync.errors import Misconfigured
from sync.views import reading
from sync.views.asking import Request, action, course_of, grant_of, page, show, to, told
from sync.views.telling import tell
from sync.views.wording import Text

log = logging.getLogger(__name__)

AGAIN: Final = gettext_lazy("Close this window, go back to GradeSync in your course, and connect once more.")
# why nothing was kept: what happened, and what to do
REFUSED: Final[dict[str, tuple[Text, Text]]] = {
    "used": (
        gettext_lazy("This attempt to connect was used already, or took longer than ten minutes."),
        AGAIN,
    ),
    "other-window": (
        gettext_lazy("This attempt to connect began in another browser. Nothing was connected."),
        gettext_lazy(
            "If somebody sent you this link, close it: it would have let GradeSync read the LMS with your access for "
            "that person. If it is your own, connect once more in one and the same browser, with cookies allowed."
        ),
    ),
    "session-over": (
        gettext_lazy("You were signed out of GradeSync meanwhile. Nothing was connected."),
        gettext_lazy("Close this window, open GradeSync from your course in the LMS, and connect once more."),
    ),
    "denied": (gettext_lazy("%(product)s was told not to allow it. Nothing was connected."), AGAIN),
    "lms-error": (gettext_lazy("%(product)s could not allow it. Nothing was connected."), AGAIN),
    "other-server": (
        gettext_lazy("The answer came from another server than %(product)s. Nothing was connected."),
        AGAIN,
    ),
    "code-refused": (gettext_lazy("%(product)s did not confirm it. Nothing was connected."), AGAIN),
    "away": (gettext_lazy("%(product)s does not answer just now. Nothing was connected."), AGAIN),
    "setup": (
        gettext_lazy("%(product)s and GradeSync do not understand each other. Nothing was connected."),
        gettext_lazy("An administrator must check the connection."),
    ),
    "other-person": (
        gettext_lazy(
            "You are signed in to %(product)s as another person than the one who opened GradeSync. Nothing was connected."
        ),
        gettext_lazy(
            "Sign in to %(product)s as yourself, open GradeSync from your course, and connect once more."
        ),
    ),
}


@page
def connect(request: Request, public_id: UUID) -> HttpResponse:
    standing = grant_of(request)
    if standing is None:
        return to(request, "course")
    return show(request, "sync/connect.html", acting=request.lti.acting_admin is not None)


@action
def start(request: Request, public_id: UUID) -> HttpResponse:
    """In a window of its own, by a form: it carries the session, and no address could be sent to somebody else."""
    session = request.lti.session
    try:
        begun = connecting.begin(session) if session is not None else None
    except EngineError as error:
        return _in_window(refused_page(request, _refusal("used", text=error.text)))
    except Misconfigured as error:
        log.warning("course %s: nobody can connect: %s", course_of(request).pk, error.code)
        return _in_window(refused_page(request, _refusal("setup", text=f"{error} ({error.code})")))
    if begun is None:
        return to(request, "course")
    response = _in_window(render(request, "sync/connect_start.html", {"begun": begun}))
    # first-party here, whatever the frame may keep
    response.set_cookie(
        cookies.full_name(begun.cookie),
        begun.secret,
        max_age=int(connecting.VALID.total_seconds()),
        path="/",
        secure=cookies.secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def callback(request: HttpRequest) -> HttpResponse:
    """The LMS sends the window back here. What it brings stays locked until the frame has the code."""
    state = request.GET.get("state", "")
    name = connecting.cookie_name(state)
    brought = request.COOKIES.get(cookies.full_name(name), "")
    try:
        arrived = connecting.come_back(request.GET, {name: brought})
    except connecting.ConnectRefused as refused:
        log.info("a window came back in vain: %s", refused.code)
        return _in_window(refused_page(request, _refusal(refused.code, refused.product, refused.text)))
    response = _in_window(render(request, "sync/connected.html", {"arrived": arrived}))
    response.delete_cookie(cookies.full_name(name), path="/", samesite="Lax")
    return response


@action
def finish(request: Request, public_id: UUID) -> HttpResponse:
    """The code of the window, typed or handed over by it: now her access counts, and what she wanted is read."""
    session = request.lti.session
    with told(request):
        if session is not None:
            grant = connecting.finish(session, request.POST.get("code", ""))
            log.info("grant %s of connection %s was given", grant.pk, grant.connection_id)
            standing = grant_of(request)
            messages.success(request, _("You are connected to %(product)s.") % _product(standing))
            return reading.begin_look(request, request.POST.get("back", ""), anew=True)
    return to(request, "connect")


@action
def disconnect(request: Request, public_id: UUID) -> HttpResponse:
    standing = grant_of(request)
    if standing is not None and standing.grant is not None:
        if grants.take_back(standing.grant):
            text = _("Your access is taken back, at %(product)s too.")
        else:
            text = _(
                "Your access is forgotten here. In %(product)s, your settings may still list GradeSync: take it off there."
            )
        messages.success(request, text % _product(standing))
    return to(request, "connect")


def _product(standing: grants.Standing | None) -> dict[str, str]:
    return {"product": standing.product if standing is not None else ""}


def _refusal(code: str, product: str = "", text: str = "") -> NotYours:
    words, advice = (str(one) % {"product": product or _("the LMS")} for one in REFUSED[code])
    said = f"{words} {tell(text)}" if text and code == "setup" else tell(text) or words
    return NotYours(f"connect-{code}", said, advice, ADMINISTRATOR, status=400, title=_("Not connected"))


def _in_window(response: HttpResponse) -> HttpResponse:
    """A page of the window: framed by nobody, it tells nobody where it comes from, and keeps its tie to the frame."""
    allow_frame(response, [])
    headers: dict[str, Any] = {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        # the LMS's own page comes in between; a stricter word would cut the tie to the frame that opened the window
        "Cross-Origin-Opener-Policy": "unsafe-none",
    }
    for name, value in headers.items():
        response.headers[name] = value
    return response
