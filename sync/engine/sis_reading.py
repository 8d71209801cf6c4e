"""The SIS's side of a read: the linked classes as their connections show them, and which values stand there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from lti_tool.models import Context
from sync import planning, rosters
from sync.engine import ledger
from sync.engine.adapters import make_sis
from sync.engine.proofs import still_proved
from sync.errors import TryLater, Unreachable
from sync.lms import records as lms
from sync.lms.base import Heard
from sync.models import ClassLink, SentGrade, SisConnection
from sync.registrations import Term, term_of
from sync.sis import records as sis
from sync.sis.base import Sis


@dataclass
class ClassRead:
    """One linked class as the SIS shows it now."""

    link: ClassLink
    students: list[sis.Student]
    line_items: list[sis.LineItem]
    results: list[sis.Result]
    score_scales: dict[str, sis.ScoreScale]
    own_totals: list[sis.OwnTotal]
    # what each student's registration takes, where the SIS says it beforehand
    registrations: list[sis.Registration] = field(default_factory=list)
    term: Term = field(default_factory=Term)


@dataclass
class SisRead:
    """All linked classes of one connection, with the adapter that read them."""

    connection: SisConnection
    adapter: Sis
    classes: list[ClassRead] = field(default_factory=list)

    @property
    def profile(self) -> sis.Profile:
        return self.adapter.profile


def read_sis(
    context: Context,
    links: list[ClassLink],
    gradebook: lms.Gradebook,
    problems: list[planning.Problem],
    heard: Heard,
) -> dict[str, SisRead]:
    sides: dict[str, SisRead] = {}
    heard("sis_students", 0)
    for link in links:
        name = str(link.connection_id)
        if not link.connection.active:
            what = "An administrator switched off the connection to the SIS class"
            problems.append(_class_problem("connection-off", what, link))
            continue
        if name not in sides:
            sides[name] = SisRead(link.connection, make_sis(link.connection))
        one = _read_class(context, sides[name].adapter, link, gradebook, problems)
        if one is not None:
            sides[name].classes.append(one)
        every = [read for side in sides.values() for read in side.classes]
        heard("sis_students", sum(len(read.students) for read in every))
        heard("sis_results", sum(len(read.results) for read in every))
    return sides


def _read_class(
    context: Context,
    adapter: Sis,
    link: ClassLink,
    gradebook: lms.Gradebook,
    problems: list[planning.Problem],
) -> ClassRead | None:
    try:
        there = adapter.get_class(link.class_id)
        if there is None:
            problems.append(_class_problem("class-unknown", "The SIS no longer knows the class", link))
            return None
        if not still_proved(context, adapter, link, gradebook):
            problems.append(
                _class_problem("link-lapsed", "Nobody of this course is seen as teacher of the class", link)
            )
            return None
        students = _students(adapter, link, gradebook)
        items = [item for item in adapter.line_items(link.class_id) if item.active]
        results = adapter.results(link.class_id) if adapter.profile.read_back else []
        return ClassRead(
            link=link,
            students=students,
            line_items=items,
            results=results,
            score_scales={scale.sourced_id: scale for scale in adapter.score_scales(link.class_id)},
            own_totals=adapter.own_totals(link.class_id, items, results),
            registrations=adapter.registrations(link.class_id) if adapter.profile.preflight else [],
            term=_term(adapter, there),
        )
    except Unreachable as error:
        raise TryLater(str(error)) from error


def _students(adapter: Sis, link: ClassLink, gradebook: lms.Gradebook) -> list[sis.Student]:
    if adapter.profile.roster:
        return adapter.students(link.class_id)
    others = ClassLink.objects.filter(context=link.context_id).exclude(pk=link.pk)
    return rosters.of_lms(gradebook, link.class_id, alone=not others.exists())


def _term(adapter: Sis, there: sis.Class) -> Term:
    """When the class meets: asked for only where a last date of attendance may travel with a grade."""
    wanted = "last_attendance" in adapter.profile.extras
    return term_of(there, adapter.sessions(there.sourced_id)) if wanted else Term()


def _class_problem(code: str, what: str, link: ClassLink) -> planning.Problem:
    text = f"{what} that this course is linked to. Its grades stay as they are. Link the class again, or ask the SIS administrator."
    return planning.Problem(code, text, "sis_admin", details=(link.class_id,))


def results_by_key(
    sides: Mapping[str, SisRead],
) -> tuple[dict[sis.Key, sis.Result], dict[sis.Key, tuple[str, ...]]]:
    found: dict[sis.Key, list[sis.Result]] = defaultdict(list)
    for name, side in sides.items():
        for one in side.classes:
            for result in one.results:
                found[sis.Key(name, one.link.class_id, result.line_item_id, result.student_id)].append(result)
    single = {key: several[0] for key, several in found.items() if len(several) == 1}
    double = {
        key: tuple(one.sourced_id for one in several) for key, several in found.items() if len(several) > 1
    }
    return single, double


def shown_classes(sides: Mapping[str, SisRead]) -> set[tuple[str, str]]:
    """The classes whose results this read shows; of all others it tells nothing."""
    return {
        (name, one.link.class_id)
        for name, side in sides.items()
        if side.profile.read_back
        for one in side.classes
    }


def write_only_existing(
    sides: Mapping[str, SisRead],
    rows: Mapping[sis.Key, SentGrade],
    wanted: Mapping[sis.Key, planning.Desired],
) -> dict[sis.Key, sis.Value | None]:
    """A SIS that cannot be read shows what it last took (design §4)."""
    blind = {name for name, side in sides.items() if not side.profile.read_back}
    return {
        key: _last_taken(ledger.sent_of(row), wanted.get(key))
        for key, row in rows.items()
        if key.connection in blind
    }


def _last_taken(sent: planning.Sent, wanted: planning.Desired | None) -> sis.Value | None:
    """A later send without an answer may stand there: that the former value is wanted again does not settle it."""
    new = wanted if isinstance(wanted, sis.Value) else None
    others = [value for value in sent.since if value != sent.as_stored]
    return others[-1] if others and new == sent.as_stored else sent.as_stored
