"""Submitting one grade: looked up first, then created by POST with the nil GUID or changed by PUT.

A POST is not idempotent: a failed look-up is never taken for “no record” (it raises), and the grades of one registration,
which share a record, go one after the other.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping

from sync.errors import Rejected
from sync.sis import records as sis
from sync.sis.base import settle_conflict
from sync.sis.ethos import wire
from sync.sis.ethos.catalogue import Catalogue, Section
from sync.sis.ethos.client import NIL, Client
from sync.sis.ethos.grading import Choice, Place
from sync.sis.ethos.options import GUID
from sync.sis.ethos.rows import Row


class Writing:
    """Used from several threads at once."""

    def __init__(self, client: Client, catalogue: Catalogue) -> None:
        self._client, self._catalogue = client, catalogue
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()
        # records that were written here, by registration
        self._made: dict[str, str] = {}

    def one(self, change: sis.Change, sender: str) -> sis.Outcome:
        """Write one change, or raise Rejected, TryLater, Unreachable, Misconfigured. `sender`: who sends, by her SIS id."""
        wanted = self._wanted(change, sender)
        with self._turn(wanted.place.guid):
            there = self._there(change.key, wanted.place, wanted.type_id)
            return _settled(change, there) or self._sent(wanted, there, change.result_id)

    def _wanted(self, change: sis.Change, sender: str) -> wire.Submission:
        """What to send. Raises Rejected, before any request about it, for what this registration does not take."""
        if not GUID.fullmatch(change.key.class_id.lower()):
            raise Rejected("class_unknown")
        type_id = self._type_of(change.key)
        section = self._catalogue.section(change.key.class_id)
        place, value = _place(section, change.key.student_id), change.after or sis.Value()
        choice = place.choice(value.text or "")
        if choice is None:
            raise Rejected("grade_not_in_scale", f"This registration takes no such grade ({place.mode}).")
        extras = value.extras or sis.Extras()
        _check(extras, choice, final=type_id == self._catalogue.final)
        lapses_to = _lapse(extras, choice, place, self._catalogue.texts)
        submitter = self._catalogue.submitter(section.guid, sender)
        return wire.Submission(place, type_id, choice, extras, lapses_to, submitter)

    def _type_of(self, key: sis.Key) -> str:
        class_id, _, type_id = key.line_item_id.partition("#")
        if class_id != key.class_id or type_id not in self._catalogue.types:
            raise Rejected("line_item_missing", "The SIS has no such kind of grade.")
        return type_id

    def _turn(self, registration: str) -> threading.Lock:
        with self._guard:
            return self._locks[registration]

    def _sent(self, wanted: wire.Submission, there: sis.Result, known: str) -> sis.Outcome:
        """Over the record that is there; else over the one that was, which a list may not show yet: a POST would double it."""
        registration = wanted.place.guid
        former = there.sourced_id or self._made.get(registration, known)
        made = self._client.submit(wanted.body(former)) if former else None
        if made is None and there.sourced_id:
            return sis.Outcome("rejected", "conflict_newer")  # taken away just now
        if made is None:
            former, made = "", self._client.submit(wanted.body(NIL))
        self._made[registration] = made or former
        return sis.Outcome("accepted", result_id=made or former, http_status=200)

    def _there(self, key: sis.Key, place: Place, type_id: str) -> sis.Result:
        """What stands under this key, and the id of the registration's record, "" where it has none."""
        found = self._catalogue.records_of(place.guid)
        if len(found) > 1:
            words = "The SIS holds several records for this registration. Its staff must remove all but one."
            raise Rejected("malformed", words)
        record: Row = found[0] if found else {}
        final, texts = type_id == self._catalogue.final, self._catalogue.texts
        value = wire.read_value(record, type_id, place, texts, final=final)
        return sis.Result(str(record.get("id") or ""), key.class_id, key.line_item_id, key.student_id, value)


def _settled(change: sis.Change, there: sis.Result) -> sis.Outcome | None:
    """What stands there decides: None to write. A grade taken away since it was read is not put back unasked."""
    if there.value is None:
        return None if None in change.expected else sis.Outcome("rejected", "conflict_newer")
    return settle_conflict(change, there)


def _check(extras: sis.Extras, choice: Choice, *, final: bool) -> None:
    """Raises Rejected for what this grade cannot carry, or lacks."""
    attended = bool(extras.last_attended or extras.never_attended)
    lapses = bool(extras.lapses_to or extras.extended_to)
    takes_day = final and choice.attendance != "no"
    if (attended and not takes_day) or (lapses and not (final and choice.incomplete)):
        raise Rejected(
            "malformed",
            "With this grade the SIS takes no last date of attendance, and nothing that it lapses to.",
        )
    if takes_day and choice.attendance == "required" and not attended:
        raise Rejected("extra_data_required", "This grade wants a last date of attendance.")
    if final and choice.incomplete and not (extras.lapses_to and extras.extended_to):
        raise Rejected("extra_data_required", "This grade wants what it lapses to, and when.")


def _place(section: Section, student_id: str) -> Place:
    found = section.single(student_id)
    if found is None:
        raise Rejected("not_enrolled")
    if found.refused:
        raise Rejected("frozen" if found.refused == "frozen" else "not_gradable", found.words)
    return found


def _lapse(extras: sis.Extras, choice: Choice, place: Place, texts: Mapping[str, str]) -> str:
    if not extras.lapses_to:
        return ""
    default = place.text_of(choice.default) or texts.get(choice.default, "")
    if extras.lapses_to == default:
        return choice.default
    if choice.bound and default:
        words = f"The SIS lets nobody choose what this incomplete lapses to: it is {default}."
        raise Rejected("grade_not_in_scale", words)
    found = place.choice(extras.lapses_to)
    if found is None:
        raise Rejected("grade_not_in_scale", "This registration cannot lapse to that grade.")
    return found.guid
