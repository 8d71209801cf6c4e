"""How a login and a launch are answered: a redirect, a page whose script finds out what the browser keeps, or JSON to it.

The order: the login's own cookie, partitioned (CHIPS); the LMS's storage, asked by postMessage (LTI Client Side
postMessages, lti-cs-oidc); a new tab, where cookies are first-party.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from lti_tool import cookies, deep_linking, login, origins, resuming, sessions, sweeping
from lti_tool.claims import Claims
from lti_tool.errors import LtiRefused
from lti_tool.launch import Launch
from lti_tool.login import Started
from lti_tool.middleware import allow_forms_to, allow_frame
from lti_tool.pages import refused_page

FRAMES = {"iframe", "frame", "embed", "object"}
KEPT_COOKIE = "gradesync_kept"
KEPT_S = 30 * 86_400


def needs_script(request: HttpRequest, names_storage: bool) -> bool:
    """Is this login shown in a frame whose cookies may be thrown away? Browsers of today say where they show it.

    A browser that says nothing is asked only where the LMS offers its storage. One that brought our cookie keeps it.
    """
    if cookies.full_name(KEPT_COOKIE) in request.COOKIES:
        return False
    shown_in = request.headers.get("Sec-Fetch-Dest")
    return shown_in in FRAMES if shown_in else names_storage


def check_page(request: HttpRequest, started: Started) -> HttpResponse:
    """The page between login and authentication, with what its script needs to find a store that keeps our secret."""
    registration = started.row.registration
    lms = origins.origin_of(registration.auth_login_url)
    page = {
        "started": started,
        "state": started.state,
        "key": login.login_cookie(started.state),
        "storage_origin": lms,
    }
    response = started.with_cookie(render(request, "lti_tool/check.html", page))
    # nothing on it can be misused by whoever frames it, and a school's own host is not known before its first launch
    any_site = [*origins.frame_origins(registration), "https:"]
    return allow_forms_to(allow_frame(response, any_site), [lms])


def remember_that_cookies_are_kept(response: HttpResponse) -> None:
    """The next login from this frame need not ask."""
    cookies.put(response, KEPT_COOKIE, "1", KEPT_S)


def proof_page(request: HttpRequest, arrived: Launch) -> HttpResponse:
    """A good message in a browser without the cookie: the script asks the LMS's storage, then posts all of it once more."""
    state = request.POST.get("state", "")
    registration = arrived.login.registration
    lms = origins.origin_of(registration.auth_login_url)
    target = login.storage_target(request.POST.get("lti_storage_target", ""))
    page = {
        "state": state,
        "id_token": request.POST.get("id_token", ""),
        "key": login.login_cookie(state),
        "storage_target": target or arrived.login.storage_target,
        "storage_origin": lms,
    }
    response = render(request, "lti_tool/proof.html", page)
    response.headers["Cache-Control"] = "no-store"
    # this page stays for the whole session: a deep linking answer may leave from it, and a login in a new tab
    return allow_forms_to(response, [lms, *arrived.frame_origins])


def accepted(request: HttpRequest, arrived: Launch, message: Claims) -> HttpResponse:
    """Off to the course page, or back to the LMS with the link that it asked for."""
    if message.deep_linking is not None:
        return deep_linking.answer_page(request, arrived.login.registration, message)
    opened = arrived.enter(message)
    sweeping.now_and_then()
    course = sessions.course_page(opened.session.membership.context)
    if not opened.reading:
        return resuming.as_json({"url": course, "session": opened.acting, "resume": opened.resume})
    response = HttpResponseRedirect(resuming.page_to_return(request, course))
    response.headers["Cache-Control"] = "no-store"
    sessions.carry(response, opened)
    remember_that_cookies_are_kept(response)
    if cookies.full_name(resuming.BACK_COOKIE) in request.COOKIES:
        cookies.drop(response, resuming.BACK_COOKIE)
    return response


def refused(request: HttpRequest, arrived: Launch, refusal: LtiRefused) -> HttpResponse:
    """A page that says why; with the way back into the LMS where its address is known, and a new tab where that helps."""
    more = {}
    if arrived.can_begin_anew and request.headers.get("Sec-Fetch-Dest") != "document":
        more = {"again": reverse("lti_tool:again"), "state": request.POST.get("state", "")}
    response = refused_page(request, refusal, told(arrived.return_url, refusal), **more)
    lms = arrived.registration.auth_login_url if arrived.registration else ""
    return allow_forms_to(response, [origins.origin_of(lms)])


def told(return_url: str, refusal: LtiRefused) -> str:
    """The LMS's own page, told what happened (LTI Core 1.3 §5.6.5.1 launch presentation); empty stays empty."""
    if not return_url:
        return ""
    words = urlencode({"lti_errormsg": str(refusal.text), "lti_errorlog": refusal.code})
    address, _, fragment = return_url.partition("#")
    joined = f"{address}{'&' if '?' in address else '?'}{words}"
    return f"{joined}#{fragment}" if fragment else joined
