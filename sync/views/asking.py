"""What every page shares: who asks, in which course, how an answer is shown, and how a refusal becomes a notice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import SimpleLazyObject
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.middleware import HtmxDetails

from lti_tool import tickets
from lti_tool.access import form_of_course, instructor_required, viewer_required
from lti_tool.models import Context
from lti_tool.sessions import Lti
from sync import engine
from sync.engine import audit, grants
from sync.errors import Misconfigured, TryLater, Unreachable
from sync.models import ClassLink, ContextState, Run
from sync.views import looking
from sync.views.telling import tell

log = logging.getLogger(__name__)


View = Callable[..., HttpResponse]


class Request(HttpRequest):
    """A request with what the middlewares add: who asks in which course, and whether htmx asks for a part."""

    lti: Lti
    htmx: HtmxDetails


def page(view: View) -> View:
    """A page that staff of this course may look at; it changes nothing, and no cache keeps it."""
    return viewer_required(require_safe(_noted("looked", view)))


def action(view: View) -> View:
    """A form that a teacher of this course sends; it ends in a redirect."""
    return instructor_required(form_of_course(_without_nul(_noted("acted", view))))


def by_method(looking: View, doing: View) -> View:
    """One address for a form and for what becomes of it: a `page` and an `action`."""

    @csrf_exempt  # both ask for the session themselves
    def chosen(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return (doing if request.method == "POST" else looking)(request, *args, **kwargs)

    return chosen


def _noted(action: str, view: View) -> View:
    """Where an administrator acts for the teacher, each page and form of hers is written down before it is answered."""

    @wraps(view)
    def noted(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.lti.acting_admin is not None:
            ids = (str(value) for name, value in kwargs.items() if name != "public_id")
            audit.note_acting(request.lti, action, " ".join([view.__name__, *ids]))
        return view(request, *args, **kwargs)

    return noted


def _without_nul(view: View) -> View:
    """No page sends NUL, and PostgreSQL takes it neither as a value nor in a question."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if any("\x00" in text for name, values in request.POST.lists() for text in (name, *map(str, values))):
            raise BadRequest
        return view(request, *args, **kwargs)

    return checked


def download(view: View) -> View:
    """A file of this course: GET gives it; POST a link that gives it once, also where no cookie is kept."""

    @wraps(view)
    def answered(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and request.lti.session is not None:
            return tickets.answer(request, request.lti.session)
        return _noted("looked", view)(request, *args, **kwargs)

    return viewer_required(require_http_methods(["GET", "HEAD", "POST"])(answered))


def course_of(request: Request) -> Context:
    """The course of this LTI session: every row that a page shows or changes is looked up through it."""
    return request.lti.context


def who_of(request: Request) -> engine.Who:
    return engine.Who(request.lti.who_name, request.lti.user)


def show(request: Request, template: str, **values: Any) -> HttpResponse:
    """A page of this course, with what the person was just told, what is read behind it, and what she may do."""
    values.setdefault("setting_up", SimpleLazyObject(lambda: is_being_set_up(course_of(request))))
    values.setdefault("notice", SimpleLazyObject(lambda: looking.notice_of(course_of(request))))
    values.setdefault("grant", SimpleLazyObject(lambda: grant_of(request)))
    values |= {
        "course": course_of(request),
        "can_send": request.lti.can_send,
        # forms send it where no script adds the session's header
        "csrf_token": request.lti.acting_token,
    }
    return render(request, template, values)


def to(request: Request, name: str, *args: Any, anchor: str = "") -> HttpResponse:
    """Redirect to a page of this course."""
    answer = redirect(f"sync:{name}", course_of(request).public_id, *args)
    answer["Location"] += f"#{anchor}" if anchor else ""
    return answer


@contextmanager
def told(request: Request) -> Iterator[None]:
    """What the engine refuses, or cannot do now, becomes a notice on the next page. Nothing else is caught."""
    try:
        yield
    except engine.EngineError as error:
        for line in error.text.splitlines():
            messages.error(request, tell(line))
    except (TryLater, Unreachable, Misconfigured) as error:
        log.info("course %s: %s", course_of(request).pk, type(error).__name__)
        messages.error(request, _advice(error))


def _advice(error: Exception) -> str:
    code = f" ({error.code})" if isinstance(error, Misconfigured) else ""
    return f"{tell(error)}{code}"


def is_being_set_up(context: Context) -> bool:
    """Nothing was sent or compared yet: pages lead back to the set-up guide."""
    return not Run.objects.filter(context=context, state="done").exists()


def grant_of(request: Request) -> grants.Standing | None:
    """How she stands with an LMS that is read by its teachers' own grants; None where nobody is asked for one."""
    return grants.standing_of(course_of(request), request.lti.user) if request.lti.can_send else None


def run_of(request: Request, run_id: int) -> Run:
    """A run of this very course, or 404."""
    return get_object_or_404(Run, pk=run_id, context=course_of(request))


def class_links_of(request: Request) -> list[ClassLink]:
    """The course's class links, standing or lapsed."""
    links = ClassLink.objects.filter(context=course_of(request)).select_related("connection")
    return list(links.order_by("title", "pk"))


def state_of(request: Request) -> ContextState:
    """What was last read of this course; an empty one when nothing was."""
    context = course_of(request)
    found = ContextState.objects.filter(context=context).select_related("slot").first()
    return found or ContextState(context=context)
