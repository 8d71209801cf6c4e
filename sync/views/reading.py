"""The page that waits for a read: how far it is, who asked for it, what was last known; it goes on by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseLocation

from sync import engine, tasks
from sync.models import Asked, Look, Run
from sync.views import looking
from sync.views.asking import Request, action, course_of, grant_of, page, run_of, show, to, told, who_of

# the pages that ask for a look, and get its reader back
BACK = frozenset({"course", "setup", "classes", "students", "line_items", "schemes"})


@dataclass(frozen=True)
class _Place:
    """Where a read's live part, its end and its new beginning are."""

    part: str
    stop: str
    again: str
    back: str = ""


def begin(request: Request, purpose: str = "review", *, anew: bool = False) -> HttpResponse:
    """Ask for a run's read, and go to the page that waits for it. Raises what `engine.ask_run` raises."""
    if must_connect(request):
        return to(request, "connect")
    run, hers = engine.ask_run(course_of(request), who_of(request), purpose, anew=anew)
    _rung(request, run, hers)
    return to(request, "run", run.pk)


def begin_undo(request: Request, undone: Run) -> HttpResponse:
    """The same for a list that undoes this run. Raises what `engine.ask_undo` raises."""
    if must_connect(request):
        return to(request, "connect")
    run, hers = engine.ask_undo(undone, who_of(request))
    _rung(request, run, hers)
    return to(request, "run", run.pk)


def begin_look(request: Request, back: str = "course", *, anew: bool = False) -> HttpResponse:
    """Ask for a look, and go to the page that waits for it and then leads back."""
    if must_connect(request):
        return to(request, "connect")
    look, hers = engine.ask_look(course_of(request), who_of(request), anew=anew)
    _rung(request, look, hers)
    answer = to(request, "reading")
    answer["Location"] += f"?back={_known(back)}"
    return answer


def look_again(request: Request) -> None:
    """She changed something: the pages are brought up to date behind her, and she stays where she is."""
    if must_connect(request):
        return
    look, _hers = engine.ask_look(course_of(request), who_of(request), anew=True)
    tasks.ring_reading(look)


def must_connect(request: Request) -> bool:
    """Nothing is asked of an LMS that she has not let us read: a page says so, instead of a read that fails."""
    standing = grant_of(request)
    return standing is not None and standing.must_connect


def _rung(request: Request, asked: Run | Look, hers: bool) -> None:
    tasks.ring_reading(asked)
    if not hers and asked.asked_by != request.lti.user:
        text = _("%(name)s asked for this a moment ago. Both of you get the same.")
        messages.info(request, text % {"name": asked.asked_name})


def _known(back: str) -> str:
    return back if back in BACK else "course"


# --- a run's read ---------------------------------------------------------------------------------------------


def is_about(run: Run) -> bool:
    """Is this run still being read, or did it end with that?"""
    ended = run.state in {"failed", "cancelled"} and run.approved_at is None and not run.report
    return run.is_reading or ended


def page_of(request: Request, run: Run) -> HttpResponse:
    return _shown(request, "sync/reading.html", run, _place_of(request, run))


@page
def run_part(request: Request, public_id: UUID, run_id: int) -> HttpResponse:
    """Asked for every second while the page waits; when the read is over, the list or the comparison takes its place."""
    run = run_of(request, run_id)
    if run.is_reading and request.htmx:
        return _part(request, run, _place_of(request, run))
    return _go_on(request, "review" if run.state == "review" else "run", run.pk)


def _place_of(request: Request, run: Run) -> _Place:
    again = _url(request, "reconcile" if run.purpose == "compare" else "preview")
    if run.purpose == "undo" and run.undoes_id is not None:
        again = _url(request, "undo", run.undoes_id)
    return _Place(_url(request, "run_reading", run.pk), _url(request, "cancel", run.pk), again)


# --- a look ---------------------------------------------------------------------------------------------------


@page
def look(request: Request, public_id: UUID) -> HttpResponse:
    back = _known(request.GET.get("back", ""))
    found = _look_of(request)
    if found is None or found.state == "done":
        return to(request, back)
    return _shown(request, "sync/reading.html", found, _place(request, back))


@page
def look_part(request: Request, public_id: UUID) -> HttpResponse:
    back = _known(request.GET.get("back", ""))
    found = _look_of(request)
    if found is not None and found.is_reading and request.htmx:
        return _part(request, found, _place(request, back))
    if found is None or found.state == "done":
        return _go_on(request, back)
    return _go_on(request, "reading", back=back)


@page
def look_notice(request: Request, public_id: UUID) -> HttpResponse:
    """The notice above a page: nothing while the read goes on, then the offer to show what is new.

    A page that showed nothing yet (`first`) loads anew by itself; any other could take from her what she is typing.
    """
    found = _look_of(request)
    if found is not None and found.is_reading:
        return HttpResponse(status=204)
    here = request.htmx.current_url_abs_path or _url(request, "course")
    if found is not None and found.state == "done" and request.GET.get("first") and request.htmx:
        return HttpResponseLocation(here, target="body", swap="innerHTML")
    return show(
        request, "sync/_looked.html", look=found, here=here, read_at=looking.last_read(course_of(request))
    )


@action
def stop(request: Request, public_id: UUID) -> HttpResponse:
    found = _look_of(request)
    if found is not None:
        with told(request):
            engine.stop_look(found, who_of(request))
            messages.info(request, _("Reading was stopped. The pages show what was last read."))
    return to(request, _known(request.POST.get("back", "")))


def _look_of(request: Request) -> Look | None:
    return Look.objects.filter(context=course_of(request), about=Look.GRADEBOOKS).first()


def _place(request: Request, back: str) -> _Place:
    part, stopping, again = (_url(request, name) for name in ("reading_part", "stop_reading", "look"))
    return _Place(part, stopping, again, back)


# --- both -----------------------------------------------------------------------------------------------------


def _url(request: Request, name: str, *args: Any) -> str:
    return reverse(f"sync:{name}", args=[course_of(request).public_id, *args])


def _shown(request: Request, template: str, asked: Asked, place: _Place, **more: Any) -> HttpResponse:
    read_at = looking.last_read(course_of(request))
    values = _how_far(asked) | {"read_at": read_at, "age": looking.age_of(read_at), "notice": None}
    values["for_administrators"] = looking.is_for_administrators(asked)
    return show(request, template, place=place, **values, **more)


def _part(request: Request, asked: Asked, place: _Place) -> HttpResponse:
    values = _how_far(asked)
    moved = request.GET.get("phase", "") != values["phase"]
    return show(request, "sync/_reading.html", place=place, moved=moved, **values)


def _how_far(asked: Asked) -> dict[str, Any]:
    phase = looking.phase_of(asked)
    return {
        "asked": asked,
        "phase": phase,
        "phase_words": looking.PHASES[phase],
        "lines": looking.lines_of(asked),
        "silent": looking.is_silent(asked),
    }


def _go_on(request: Request, name: str, *args: Any, back: str = "") -> HttpResponse:
    """The whole next page: by htmx in place of this one, else by a redirect."""
    address = _url(request, name, *args) + (f"?back={back}" if back else "")
    if request.htmx:
        return HttpResponseLocation(address, target="body", swap="innerHTML")
    answer = to(request, name, *args)
    answer["Location"] = address
    return answer
