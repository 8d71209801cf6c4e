"""Who may see a course's pages: asked of the database at each request, for the course that the URL names."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from lti_tool.errors import ADMINISTRATOR, LtiRefused, NotYours
from lti_tool.origins import origin_of
from lti_tool.pages import refused_page
from lti_tool.resuming import resume_page
from lti_tool.sessions import SAFE, course_page

if TYPE_CHECKING:
    from lti_tool.sessions import Lti

View = Callable[..., HttpResponse]


def instructor_required(view: View) -> View:
    """Only an instructor of the course named by `public_id`: she may change and send."""
    return _guarded(view, lambda lti: lti.can_send)


def viewer_required(view: View) -> View:
    """An instructor, or an assistant who may look. The view must not change anything."""
    return _guarded(view, lambda lti: lti.can_look)


def form_of_course(view: View) -> View:
    """For what is posted. Its address opened by itself, as by a reload after a refusal, leads to the course's page."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            return view(request, *args, **kwargs)
        lti: Lti = request.lti  # type: ignore[attr-defined]  # set by LtiMiddleware
        return HttpResponseRedirect(course_page(lti.context))

    return require_http_methods(["GET", "HEAD", "POST"])(answered)


def _guarded(view: View, allowed: Callable[[Lti], bool]) -> View:
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        lti: Lti = request.lti  # type: ignore[attr-defined]  # set by LtiMiddleware
        refused = _refused(request, lti, allowed, kwargs["public_id"])
        response = refused or view(request, *args, **kwargs)
        if refused and request.method not in SAFE:
            # the address stays that of the page with the form: there a reload or a later launch finds something
            response.headers["HX-Push-Url"] = "false"
        # grades and names: no shared or private cache keeps them
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    # the acting token, which no other site can make a browser send, does what Django's token would do
    checked.csrf_exempt = True  # type: ignore[attr-defined]  # Django's own mark
    return checked


def _refused(
    request: HttpRequest, lti: Lti, allowed: Callable[[Lti], bool], public_id: UUID | str
) -> HttpResponse | None:
    if not lti:
        over = relaunch() if request.method in SAFE else too_late()
        return resume_page(request, over, lti, public_id)
    if not allowed(lti):
        return refused_page(request, not_allowed(), lti.return_url)
    if request.method not in SAFE and not (lti.acting and is_own(request)):
        return refused_page(request, reading_only(), lti.return_url)
    return None


def is_own(request: HttpRequest) -> bool:
    """Not sent by a page of another site, as far as the browser says where it comes from."""
    origin = request.headers.get("Origin", "")
    return not origin or origin_of(origin) == origin_of(settings.PUBLIC_URL)


def reading_only() -> LtiRefused:
    return NotYours(
        "reading-only",
        _("Nothing was changed and nothing was sent: the page did not say that it was opened by you."),
        _("Open the tool again from your course in the LMS and repeat the last step."),
        title=_("This form could not be accepted"),
    )


def relaunch() -> LtiRefused:
    return NotYours(
        "session-over",
        _("You have been away for a while, or this page was opened outside your course. Nothing was lost."),
        _(
            "Open the tool again from your course in the LMS. If this page comes again, allow cookies for this site or use a new tab."
        ),
        title=_("Please open the tool again"),
    )


def too_late() -> LtiRefused:
    return NotYours(
        "session-over",
        _(
            "You have been away for a while, so the last step was not taken. Nothing was changed and nothing was sent."
        ),
        _("Open the tool again from your course in the LMS and repeat the last step."),
        title=_("Please open the tool again"),
    )


def not_allowed() -> LtiRefused:
    return NotYours(
        "role",
        _(
            "Your role in this course does not allow this. Instructors of the course can send grades; assistants can look."
        ),
        _("If you teach this course, ask for the instructor role in the LMS, then open the tool again."),
        ADMINISTRATOR,
        title=_("This is for the instructors of the course"),
    )
