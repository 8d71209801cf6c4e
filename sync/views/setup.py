"""The set-up guide: five steps, each done or saying what is missing and who can do it. What is done is read from the
course's own rows, so she comes back where she left off, on any device, and so does a co-teacher."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sync import engine
from sync.models import ContextState
from sync.views import wording
from sync.views.asking import Request, action, course_of, page, show, to
from sync.views.standing import Standing, standing_of

# steps that may be passed by her own word although something is left to do
PASSABLE: Final = ("students", "items", "scale")


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `state`: done, open or blocked (by an earlier step); `passable`: she may go on as it is."""

    name: str
    title: str
    state: str
    text: str
    passable: bool = False

    @property
    def is_done(self) -> bool:
        return self.state == "done"


@dataclass(frozen=True)
class Guide:
    steps: list[Step]

    @property
    def now(self) -> Step | None:
        """Where she left off: the first step that is not done."""
        return next((step for step in self.steps if not step.is_done), None)

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)


def guide_of(standing: Standing, *, connected: bool) -> Guide:
    """`connected`: does the institution have a SIS connection at all?"""
    return Guide(
        [
            _class_step(standing, connected=connected),
            _students_step(standing),
            _items_step(standing),
            _scale_step(standing),
            _review_step(standing),
        ]
    )


def _class_step(standing: Standing, *, connected: bool) -> Step:
    titles = [link.title or link.class_id for link in standing.seen.standing]
    if titles:
        return Step("class", _("SIS class"), "done", ", ".join(titles))
    if not connected:
        text = _("No SIS is connected for your institution yet. Your GradeSync administrator can connect it.")
    elif any(asked.state == "waiting" for asked in standing.requests):
        text = _("You asked your administrator for the class. The answer will stand here.")
    else:
        text = _("Say which class of the SIS this course is. We suggest those that are provably yours.")
    return Step("class", _("SIS class"), "open", text)


def _students_step(standing: Standing) -> Step:
    title, matched, problem = _("Students"), standing.students["matched"], standing.students["problem"]
    if not standing.seen.standing:
        return Step("students", title, "blocked", _("Comes after the class."))
    if not standing.seen.snapshot:
        text = _("Read both gradebooks first: students are then matched by themselves where they can be.")
        return Step("students", title, "open", text)
    text = ngettext("%(n)d student is matched.", "%(n)d students are matched.", matched) % {"n": matched}
    if not problem:
        return Step("students", title, "done", text)
    text += " " + ngettext(
        "%(n)d is to settle; until then no grade of that student goes to the SIS.",
        "%(n)d are to settle; until then no grade of these students goes to the SIS.",
        problem,
    ) % {"n": problem}
    return _passable("students", title, text, standing)


def _items_step(standing: Standing) -> Step:
    title, linked, left = _("Assignments"), standing.items["linked"], standing.items["open"]
    if not standing.seen.standing or not standing.seen.snapshot:
        return Step("items", title, "blocked", _("Comes after the class."))
    if not linked:
        text = _(
            "No assignment is linked yet. Link those whose grades should go to the SIS, or create them there."
        )
        return Step("items", title, "open", text)
    text = ngettext("%(n)d assignment is linked.", "%(n)d assignments are linked.", linked) % {"n": linked}
    if not left:
        return Step("items", title, "done", text)
    text += " " + ngettext(
        "%(n)d is not; its grades stay in the LMS.", "%(n)d are not; their grades stay in the LMS.", left
    ) % {"n": left}
    return _passable("items", title, text, standing)


def _scale_step(standing: Standing) -> Step:
    title = _("Scale")
    scales = Counter(link.scale for link in standing.item_links if link.state == "linked")
    if not scales:
        return Step("scale", title, "blocked", _("Comes after the assignments."))
    said = ", ".join(f"{wording.SCALES.get(name, name)} ({count})" for name, count in scales.most_common())
    text = _(
        "Grades go to the SIS as: %(scales)s. Check with grades of your own students that this is meant."
    )
    return _passable("scale", title, text % {"scales": said}, standing)


def _review_step(standing: Standing) -> Step:
    title = _("First review")
    if not standing.items["linked"]:
        return Step("review", title, "blocked", _("Comes after the assignments."))
    if standing.compared:
        return Step("review", title, "done", _("Grades were sent or compared."))
    return Step(
        "review", title, "open", _("Look at every grade before anything is sent. You pick what goes.")
    )


def _passable(name: str, title: str, text: str, standing: Standing) -> Step:
    passed = name in standing.state.steps_passed
    return Step(name, title, "done" if passed else "open", text, passable=not passed)


@page
def setup(request: Request, public_id: UUID) -> HttpResponse:
    standing = standing_of(request)
    connections = engine.connections_for(course_of(request))
    return show(
        request,
        "sync/setup.html",
        standing=standing,
        guide=guide_of(standing, connected=bool(connections)),
        requests=standing.requests,
    )


@action
def pass_step(request: Request, public_id: UUID) -> HttpResponse:
    """Her word that a step is as it should be."""
    step = request.POST.get("step", "")
    if step not in PASSABLE:
        raise BadRequest
    state, _new = ContextState.objects.get_or_create(context=course_of(request))
    if step not in state.steps_passed:
        state.steps_passed = [*state.steps_passed, step]
        state.save(update_fields=["steps_passed"])
    return to(request, "setup")
