"""The classes that she could link: a worker asks the SIS, and the page waits for what it found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone

from sync import engine, tasks
from sync.models import ClassLink, Look
from sync.views import looking, wording
from sync.views.asking import Request, class_links_of, course_of, page, show, to, who_of

FRESH: Final = timedelta(minutes=5)  # so long what the SIS said is not asked again
TRIED: Final = timedelta(seconds=30)  # so long a failure stands before it is tried again


@dataclass(frozen=True)
class Suggestions:
    """What is known of the classes she could link. `look` is the read that goes on, or found this."""

    look: Look | None = None
    classes: list[engine.ClassSuggestion] = field(default_factory=list)

    @property
    def waiting(self) -> bool:
        return self.look is not None and self.look.is_reading

    @property
    def silent(self) -> bool:
        return self.look is not None and self.waiting and looking.is_silent(self.look)

    @property
    def trouble(self) -> str:
        return self.look.message if self.look is not None and self.look.state == "failed" else ""


def suggestions_of(request: Request, links: Iterable[ClassLink]) -> Suggestions:
    """What the SIS said a moment ago; where that is old, a worker asks anew. None for those who may not link."""
    if not request.lti.can_send:
        return Suggestions()
    about = engine.classes_of(who_of(request))
    look = Look.objects.filter(context=course_of(request), about=about).first()
    if look is None or _is_old(look):
        look, _hers = engine.ask_classes(course_of(request), who_of(request))
        tasks.ring_reading(look)
    return Suggestions(look, _unlinked(request, look, links))


def _is_old(look: Look) -> bool:
    if look.finished_at is None:
        return False
    return timezone.now() - look.finished_at > (FRESH if look.state == "done" else TRIED)


def _unlinked(request: Request, look: Look, links: Iterable[ClassLink]) -> list[engine.ClassSuggestion]:
    linked = {(one.connection_id, one.class_id) for one in links}
    connections = {one.pk: one for one in engine.connections_for(course_of(request))}
    return [
        engine.ClassSuggestion(**row | {"connection": connections[row["connection"]]})
        for row in look.found.get("classes", [])
        if row["connection"] in connections and (row["connection"], row["class_id"]) not in linked
    ]


@page
def suggestions(request: Request, public_id: UUID) -> HttpResponse:
    """The part of the page that waits for the SIS: nothing new while it waits, then the list."""
    if not request.htmx:
        return to(request, "classes")
    links = class_links_of(request)
    found = suggestions_of(request, links)
    if found.waiting and not found.silent:
        return HttpResponse(status=204)
    return show(request, "sync/_suggestions.html", **values_of(request, links, found))


def values_of(request: Request, links: list[ClassLink], found: Suggestions) -> dict[str, object]:
    """What `sync/_suggestions.html` wants."""
    connections = engine.connections_for(course_of(request))
    return {"links": links, "suggestions": found, "connections": connections, "proofs": wording.PROOFS}
