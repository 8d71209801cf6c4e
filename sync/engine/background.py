"""Reads that a worker does: saved as asked for, claimed by a lease, found again by their state when a worker dies.

A `Run` in state `reading` becomes a list to review or a comparison; a `Look` only brings the pages up to date. A
worker that fails writes its words into the row: the page that waits shows them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from lti_tool.models import Context
from sync.engine import reconciling, reporting, snapshots, stops, undo
from sync.engine.errors import EngineError, NothingLinked, Who
from sync.engine.lease import Lease, LeaseLost, stop_reading
from sync.engine.links import provable_classes
from sync.engine.preview import write_list
from sync.engine.proofs import needs_first_read
from sync.engine.reading import Reading, read
from sync.errors import GrantNeeded, Misconfigured, NotItsTurn, TryLater, Unreachable
from sync.models import Asked, ClassLink, Look, Run, Schedule

log = logging.getLogger(__name__)

MAX_TRIES: Final = 3  # workers that may die of one read
LONGEST_WAIT: Final = timedelta(minutes=30)  # for a turn with a busy account
TURN_S, MOST_S = 15, 120  # until it is its turn again
TELL_S: Final = 1.0  # how often the row says how far the read is

Work = Callable[[Any, Lease], None]


class _Again(Exception):
    """Something changed since this read began: begin anew."""


# --- asking ---------------------------------------------------------------------------------------------------


def ask_run(
    context: Context,
    who: Who,
    purpose: str = "review",
    *,
    anew: bool = False,
    unattended: bool = False,
    schedule: Schedule | None = None,
) -> tuple[Run, bool]:
    """A run that a worker will read for, and whether this call began it: two clicks or two teachers are one reading.

    `anew`: what she changed a moment ago must be in it, so a read under way begins again. `unattended`: it goes on by
    the rules; a person who asks while it is read takes it over. The caller then rings `sync.tasks.ring_reading`.
    Raises NothingLinked, EngineError.
    """
    who.must_be_able_to_send(context)
    if not ClassLink.objects.filter(context=context).exists():
        raise NothingLinked("No SIS class is linked to this course yet.")
    while True:
        begun = _begin_run(context, who, purpose, unattended=unattended, schedule=schedule)
        if begun is not None:
            return begun, True
        standing = Run.objects.filter(context=context, purpose=purpose, state="reading")
        if anew:
            standing.update(read_again=True)
        if not unattended:
            hers: dict[str, Any] = {"asked_by": who.user, "asked_name": who.name}
            standing.filter(unattended=True).update(unattended=False, schedule=None, **hers)
        run = standing.first()
        if run is not None:
            return run, False


def ask_undo(run: Run, who: Who) -> tuple[Run, bool]:
    """The same for a list that undoes this run. Raises EngineError where nothing can be undone, or another undo is read."""
    undo.check(run, who)
    while True:
        begun = _begin_run(run.context, who, "undo", undoes=run)
        if begun is not None:
            return begun, True
        standing = Run.objects.filter(context=run.context, purpose="undo", state="reading").first()
        if standing is not None and standing.undoes_id == run.pk:
            return standing, False
        if standing is not None:
            raise EngineError(
                f"Another run is just being read to be undone ({standing.asked_name}). Wait until that is done."
            )


def _begin_run(context: Context, who: Who, purpose: str, **more: Any) -> Run | None:
    try:
        with transaction.atomic():
            return Run.objects.create(
                context=context,
                purpose=purpose,
                state="reading",
                asked_by=who.user,
                asked_name=who.name,
                **more,
            )
    except IntegrityError:  # one is reading already
        return None


def ask_look(context: Context, who: Who, *, anew: bool = False) -> tuple[Look, bool]:
    """The same for the course's pages: both gradebooks, as `look` reads them. Works before any class is linked."""
    who.must_be_able_to_send(context)
    return _ask(context, who, Look.GRADEBOOKS, anew=anew)


def ask_classes(context: Context, who: Who) -> tuple[Look, bool]:
    """The same for the classes that this person could link."""
    who.must_be_able_to_send(context)
    return _ask(context, who, classes_of(who))


def classes_of(who: Who) -> str:
    """`Look.about` of the classes that this person could link."""
    return f"classes:{who.user.pk if who.user else ''}"


def _ask(context: Context, who: Who, about: str, *, anew: bool = False) -> tuple[Look, bool]:
    asked = {"asked_by": who.user, "asked_name": who.name}
    look, made = Look.objects.get_or_create(context=context, about=about, defaults=asked)
    one = Look.objects.filter(pk=look.pk)
    while not made:
        fresh = {
            "state": "reading",
            "created_at": timezone.now(),
            "finished_at": None,
            "message": "",
            "read_tries": 0,
        }
        idle: dict[str, Any] = {
            "lease_token": "",
            "lease_until": None,
            "read_so_far": {},
            "read_again": False,
        }
        made = bool(one.exclude(state="reading").update(**asked, **fresh, **idle))
        if not made and (not anew or one.filter(state="reading").update(read_again=True)):
            break
    look.refresh_from_db()
    return look, made


def stop_look(look: Look, who: Who) -> None:
    who.must_be_able_to_send(look.context)
    stop_reading(look)


# --- one worker's go ------------------------------------------------------------------------------------------


def read_run(run_id: int) -> None:
    """One worker's go at the read of a run. Another worker's is left alone."""
    runs = Run.objects.select_related("context__deployment__registration", "asked_by", "schedule")
    _go(runs.filter(pk=run_id), _read_for_run)


def read_look(look_id: int) -> None:
    """One worker's go at a look."""
    looks = Look.objects.select_related("context__deployment__registration", "asked_by")
    gradebooks = looks.filter(pk=look_id, about=Look.GRADEBOOKS)
    _go(gradebooks, _read_gradebooks)
    _go(looks.filter(pk=look_id).exclude(about=Look.GRADEBOOKS), _read_classes)


def _go(row: QuerySet[Any], work: Work) -> None:
    plain = row.select_related(None)
    lease = Lease.claim_one(plain, ("reading",), read_tries=F("read_tries") + 1)
    if lease is None:
        return
    try:
        with lease:
            _attempt(row.get(), lease, work)
    except LeaseLost:
        log.info("a read was stopped, or taken over by another worker")


def _attempt(asked: Asked, lease: Lease, work: Work) -> None:
    name = f"{type(asked).__name__.lower()} {asked.pk}"
    try:
        if asked.read_tries > MAX_TRIES:
            raise EngineError(
                f"The program that reads stopped {MAX_TRIES} times at this course. Tell your administrator: {name}."
            )
        while not _done(asked, lease, work):
            pass
    except NotItsTurn as error:
        _wait_for_turn(asked, lease, error)
    except GrantNeeded as error:
        _end_without_grant(asked, lease, error)
    except (TryLater, Unreachable) as error:
        _fail(lease, str(error))
    except Misconfigured as error:
        _fail(lease, f"{error} ({error.code})")
    except EngineError as error:
        _fail(lease, error.text)
    except (LeaseLost, KeyboardInterrupt, SystemExit):
        raise
    except Exception:
        # a bug: the trace goes to the log with the row's id only
        log.exception("the read of %s failed", name)
        _fail(lease, f"An unexpected error stopped this read. Tell your administrator: {name}.")


def _done(asked: Asked, lease: Lease, work: Work) -> bool:
    lease.set(read_again=False, read_so_far={})
    try:
        work(asked, lease)
    except _Again:
        return False
    return True


def _wait_for_turn(asked: Asked, lease: Lease, error: NotItsTurn) -> None:
    """It stays asked for, and rests a moment: then the doorbell finds it again. This go does not count as a try."""
    if timezone.now() - asked.created_at > LONGEST_WAIT:
        _fail(lease, f"{error} It was so for a long time. Read again later.")
        return
    later = timezone.now() + timedelta(seconds=min(error.after or TURN_S, MOST_S))
    lease.set(read_tries=F("read_tries") - 1, lease_token="", lease_until=later)


def _end_without_grant(asked: Asked, lease: Lease, error: GrantNeeded) -> None:
    """Not a failure: the page asks her to connect, and nothing was read or changed. A schedule stops, and says so."""
    lease.set(state="cancelled", finished_at=timezone.now(), message=str(error)[:500])
    if isinstance(asked, Run) and error.code != "grant_refused":
        stops.without_grant(asked)


def _fail(lease: Lease, message: str) -> None:
    lease.set(state="failed", finished_at=timezone.now(), message=message[:500])


def _end(lease: Lease, **fields: object) -> None:
    """Within a transaction: the row is ours and nothing changed since the read began, or all that it wrote is undone."""
    if not lease.set_if(Q(read_again=False), **fields):
        raise _Again


class _Teller:
    """Writes how far a read is into its row, now and then; stops it when the lease is lost or it is to begin anew."""

    def __init__(self, lease: Lease) -> None:
        self._lease, self._so_far, self._told = lease, dict[str, int](), 0.0

    def __call__(self, what: str, count: int) -> None:
        known = what in self._so_far
        self._so_far[what] = count
        if known and time.monotonic() - self._told < TELL_S:
            return
        self._told = time.monotonic()
        if not self._lease.set_if(Q(read_again=False), read_so_far=self._so_far):
            raise _Again


# --- what is read ---------------------------------------------------------------------------------------------


def _read_for_run(run: Run, lease: Lease) -> None:
    Who(run.asked_name, run.asked_by).must_be_able_to_send(run.context)
    reading = read(run.context, run.asked_by, heard=_Teller(lease), left=undo.left_for(run))
    try:
        with transaction.atomic():
            FINISH[run.purpose](run, reading, lease)
        snapshots.save(reading)
    finally:
        reading.close()


def _finish_review(run: Run, reading: Reading, lease: Lease) -> None:
    _end(lease, state="review")
    write_list(run, reading)


def _finish_compare(run: Run, reading: Reading, lease: Lease) -> None:
    _end(lease, **reconciling.done(reading))
    reporting.write(run, reading, before=False)


FINISH: Final[Mapping[str, Callable[[Run, Reading, Lease], None]]] = {
    "review": _finish_review,
    "compare": _finish_compare,
    "undo": _finish_review,
}


def _read_gradebooks(look: Look, lease: Lease) -> None:
    reading = read(look.context, look.asked_by, need_class=False, heard=_Teller(lease))
    try:
        with transaction.atomic():
            _end(lease, state="done", finished_at=timezone.now(), message="")
            snapshots.save(reading)
    finally:
        reading.close()


def _read_classes(look: Look, lease: Lease) -> None:
    """Those linked already too: what is linked may change while the answer still holds."""
    if needs_first_read(look.context):
        _read_sections(look, lease)
    found = provable_classes(look.context, Who(look.asked_name, look.asked_by))
    classes = [
        {"connection": one.connection.pk, "class_id": one.class_id, "title": one.title}
        | {"proof": one.proof, "source": one.source, "hint": one.hint}
        for one in found
    ]
    _end(lease, state="done", finished_at=timezone.now(), message="", found={"classes": classes})


def _read_sections(look: Look, lease: Lease) -> None:
    """The LMS's own section ids, by the first look. An LMS that does not answer leaves the other proofs."""
    try:
        reading = read(look.context, look.asked_by, need_class=False, heard=_Teller(lease))
    except (TryLater, Unreachable, Misconfigured) as error:
        log.info("the sections of course %s were not read: %s", look.context_id, type(error).__name__)
        return
    try:
        snapshots.save(reading)
    finally:
        reading.close()
