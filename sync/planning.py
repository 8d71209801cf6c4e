"""The whole decision: what to write, what to leave, what to ask. Pure: values in, a Plan out (design §1, idea 3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, Literal

from sync.sis.records import Change, Key, Value, is_rounding_of

Who = Literal["teacher", "lms_admin", "sis_admin", "admin"]
MAX_TRIES: Final = 2  # accepted answers without the value being shown, before it is a problem
MOST_WORDS: Final = 500  # of a decision, as they are stored


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person must look at. `text` says what happened and what to do; `who` can do it.

    No name, grade or secret in `text`: pages join names by `user_id`, `key` and `line_item_id`. `results` is how many
    LMS results this row stands for (an unmatched student's, an unscaled item's). `details` are ids to show.
    """

    code: str
    text: str
    who: Who = "teacher"
    key: Key | None = None
    user_id: str = ""
    line_item_id: str = ""
    results: int = 0
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A key of ours that is not decided now: left in the SIS as it is, listed with its why."""

    why: str


class Mark(Enum):
    WITHDRAWN = "withdrawn"


WITHDRAWN: Final = Mark.WITHDRAWN
Desired = Value | Held | Mark
NOT_READ: Final = Held("not read this time")


@dataclass(frozen=True, slots=True)
class Sent:
    """What may rightly stand at the SIS for one key (design §1, `expected`).

    `as_sent` and `as_stored` are the confirmed value (they differ where the SIS rounds); `known` is False until a
    read or a person first confirmed one. `since` are the values sent since and not refused, oldest first.
    `tried`/`tries`: how often the SIS accepted `tried` without a read showing it yet.
    """

    as_sent: Value | None = None
    as_stored: Value | None = None
    known: bool = False
    since: tuple[Value | None, ...] = ()
    tried: Value | None = None
    tries: int = 0

    @property
    def expected(self) -> frozenset[Value | None]:
        return frozenset({self.as_sent, self.as_stored, *self.since})

    @property
    def rounded(self) -> bool:
        return self.known and self.as_sent != self.as_stored

    def sending(self, value: Value | None) -> Sent:
        """Intent first: noted before the request leaves. A value sent again stands twice, so that a refusal of the
        second does not make us forget a first whose answer was lost."""
        since = self.since if self.since.count(value) > 1 else (*self.since, value)
        if self.tries and self.tried == value:
            return replace(self, since=since)
        return replace(self, since=since, tried=value, tries=0)

    def accepted(self, value: Value | None) -> Sent:
        """A 2xx: proof of nothing, but counted."""
        return replace(self, tried=value, tries=self.tries + 1 if self.tried == value else 1)

    def taken(self, value: Value | None) -> Sent:
        """A SIS that cannot be read took it: the last word there is."""
        return Sent(as_sent=value, as_stored=value, known=True)

    def not_taken(self, before: Value | None) -> Sent:
        """A SIS that cannot be read said afterwards that it did not take it: what stood there before stands there."""
        return Sent(as_sent=before, as_stored=before, known=before is not None)

    def refused(self, value: Value | None) -> Sent:
        """The SIS refused this send of it: what was noted for it is taken back."""
        if value not in self.since:
            return self
        last = len(self.since) - 1 - self.since[::-1].index(value)
        return replace(self, since=self.since[:last] + self.since[last + 1 :])

    def retried(self) -> Sent:
        """A person asks to try again: the count of tries begins anew."""
        return replace(self, tries=0)

    def as_json(self) -> dict[str, object]:
        return {
            "as_sent": value_json(self.as_sent),
            "as_stored": value_json(self.as_stored),
            "known": self.known,
            "since": [value_json(value) for value in self.since],
            "tried": value_json(self.tried),
            "tries": self.tries,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Sent:
        since = data.get("since")
        return cls(
            as_sent=value_of(data.get("as_sent")),
            as_stored=value_of(data.get("as_stored")),
            known=bool(data.get("known")),
            since=tuple(value_of(one) for one in since) if isinstance(since, list) else (),
            tried=value_of(data.get("tried")),
            tries=int(str(data.get("tries") or 0)),
        )


def observe(sent: Sent, shown: Value | None, desired: Desired | None) -> Sent:
    """What a read tells of a grade of ours: only this, or a person's decision, confirms.

    A value sent since, the desired one, or a sent one as the SIS rounded it, becomes the confirmed value, alone. The
    former value, or one put there by a person, leaves all as it is.
    """
    if shown in sent.since or (isinstance(desired, Value) and shown == desired):
        return _confirmed(sent, shown, shown)
    if desired is WITHDRAWN and shown is None:
        return _confirmed(sent, None, None)
    if sent.known and shown == sent.as_stored and sent.tries < MAX_TRIES:
        return sent  # 86 for a sent 86.4: the former grade still, or a rounding? A second send tells
    for value in reversed(sent.since):
        if is_rounding_of(value, shown):
            return _confirmed(sent, value, shown)
    return sent


def _confirmed(sent: Sent, value: Value | None, shown: Value | None) -> Sent:
    # a value sent after the shown one, accepted and not shown, keeps its count of tries
    keep = sent.tries if sent.tried != value else 0
    return Sent(as_sent=value, as_stored=shown, known=True, tried=sent.tried if keep else None, tries=keep)


DecisionKind = Literal["sis_kept", "lms_preferred", "refused", "withdrawal_declined", "undone"]


@dataclass(frozen=True, slots=True)
class Decision:
    """A word on one pair (LMS value, SIS value); None as LMS value means "no grade there any more"."""

    kind: DecisionKind
    lms: Value | None
    sis: Value | None
    code: str = ""
    words: str = ""

    def stands(self, lms: Value | None, sis: Value | None) -> bool:
        """It lapses when either value changes; a run undone stays so until the LMS shows another grade.

        That it shows none ends no undo: a short read shows the same, and the grade would then go out again by itself.
        """
        if self.kind == "undone":
            return lms is None or self.lms == lms
        if self.kind == "withdrawal_declined" and lms is not None:
            return False  # there is a grade: nothing to withdraw
        return self.lms == lms and self.sis == sis


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes and problems, and every other key in exactly one list."""

    changes: tuple[Change, ...] = ()
    problems: tuple[Problem, ...] = ()
    unchanged: tuple[Key, ...] = ()
    rounded: tuple[Key, ...] = ()  # a part of unchanged
    waiting: tuple[Key, ...] = ()
    refused: tuple[tuple[Key, Decision], ...] = ()
    kept: tuple[Key, ...] = ()  # SIS grade kept, or run undone: her choice
    undone: tuple[Key, ...] = ()  # a part of kept
    declined: tuple[Key, ...] = ()  # withdrawal declined: held
    held: tuple[tuple[Key, str], ...] = ()


@dataclass
class _Lists:
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unchanged: list[Key] = field(default_factory=list)
    rounded: list[Key] = field(default_factory=list)
    waiting: list[Key] = field(default_factory=list)
    refused: list[tuple[Key, Decision]] = field(default_factory=list)
    kept: list[Key] = field(default_factory=list)
    undone: list[Key] = field(default_factory=list)
    declined: list[Key] = field(default_factory=list)
    held: list[tuple[Key, str]] = field(default_factory=list)

    def frozen(self) -> Plan:
        return Plan(**{name: tuple(getattr(self, name)) for name in self.__dataclass_fields__})


def plan(
    desired: Mapping[Key, Desired],
    existing: Mapping[Key, Value | None],
    sent: Mapping[Key, Sent],
    decisions: Mapping[Key, Decision] | None = None,
    waiting: Collection[Key] = (),
) -> Plan:
    """The whole decision for one read of both sides.

    `existing` lacks a key, or holds None, where nothing is there. `sent` must already have observed this read.
    `decisions` are the open ones; whether they stand is decided here. `waiting` are keys whose lost create cannot be
    told from "not stored" yet (design §4).
    """
    lists = _Lists()
    for key in sorted(desired.keys() | sent.keys()):
        _place(
            key,
            desired.get(key, NOT_READ),
            existing.get(key),
            sent.get(key, Sent()),
            decisions or {},
            waiting,
            lists,
        )
    return lists.frozen()


def _place(
    key: Key,
    wanted: Desired,
    old: Value | None,
    sent: Sent,
    decisions: Mapping[Key, Decision],
    waiting: Collection[Key],
    lists: _Lists,
) -> None:
    if isinstance(wanted, Held):
        lists.held.append((key, wanted.why))
        return
    new = wanted if isinstance(wanted, Value) else None
    decision = decisions.get(key)
    if decision is not None and not decision.stands(new, old):
        decision = None
    if new == old:
        lists.unchanged.append(key)
    elif sent.rounded and (sent.as_sent, sent.as_stored) == (new, old):
        lists.unchanged.append(key)
        lists.rounded.append(key)
    elif decision is not None and decision.kind != "lms_preferred":
        _obey(key, decision, lists)
    elif key in waiting:
        lists.waiting.append(key)
    elif old not in sent.expected and decision is None:
        lists.problems.append(edited(key))
    elif sent.tried == new and sent.tries >= MAX_TRIES:
        lists.problems.append(not_stored(key))
    else:
        lists.changes.append(Change(key, before=old, after=new, expected=sent.expected | {old}))


def lapsed(
    desired: Mapping[Key, Desired], existing: Mapping[Key, Value | None], decisions: Mapping[Key, Decision]
) -> list[Key]:
    """Decisions whose pair of values is no more: they end for good, even when the values come back one day.

    A held key says nothing about the LMS value, so its decision stays.
    """
    ended = []
    for key, decision in decisions.items():
        wanted = desired.get(key, NOT_READ)
        if isinstance(wanted, Held):
            continue
        if not decision.stands(wanted if isinstance(wanted, Value) else None, existing.get(key)):
            ended.append(key)
    return sorted(ended)


def _obey(key: Key, decision: Decision, lists: _Lists) -> None:
    if decision.kind == "refused":
        lists.refused.append((key, decision))
    elif decision.kind == "withdrawal_declined":
        lists.declined.append(key)
    else:
        lists.kept.append(key)
        if decision.kind == "undone":
            lists.undone.append(key)


def edited(key: Key) -> Problem:
    return Problem(
        "edited-in-sis",
        "Someone changed this grade in the SIS. Keep the SIS's grade, or send the LMS's.",
        "teacher",
        key,
        results=1,
    )


def not_stored(key: Key) -> Problem:
    return Problem(
        "accepted-not-shown",
        "The SIS accepted this grade twice and still shows the former one. Ask the SIS administrator, then retry.",
        "sis_admin",
        key,
        results=1,
    )


# --- safety stops (design §4) ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a push waits at review, with the figures."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Safety stops' defaults; a connection may state others."""

    least_share: int = 80
    most_changed: int = 30
    from_count: int = 10


@dataclass(frozen=True, slots=True)
class Pulled:
    """How much one pull brought: course students, and their graded results."""

    students: int
    results: int


def stops(
    now: Pulled,
    last: Pulled,
    changes: Collection[Change],
    sent: Mapping[Key, Sent],
    limits: Limits | None = None,
) -> list[Stop]:
    """Fewer than 80 % of the last pull came, or more than 30 % of the confirmed grades would change or be withdrawn."""
    limits = limits or Limits()
    found = [
        Stop(
            f"fewer-{name}",
            f"Only {new} {name} came from the LMS; last time there were {old}. Is the course complete?",
        )
        for name, new, old in (
            ("students", now.students, last.students),
            ("grades", now.results, last.results),
        )
        if old >= limits.from_count and new * 100 < old * limits.least_share
    ]
    confirmed = {key for key, one in sent.items() if one.known and one.as_stored is not None}
    moved = sum(1 for change in changes if change.key in confirmed)
    if len(confirmed) >= limits.from_count and moved * 100 > len(confirmed) * limits.most_changed:
        text = (
            f"{moved} of {len(confirmed)} grades that already stand in the SIS would change. Is that meant?"
        )
        found.append(Stop("many-changes", text))
    return found


def is_above_share(changed: int, standing: int, per_cent: int, from_count: int = 10) -> bool:
    """Would more of the grades that stand in the SIS change than a schedule may change by itself?"""
    return standing >= from_count and changed * 100 > standing * per_cent


# --- digests --------------------------------------------------------------------------------------------------


def digest(change: Change) -> str:
    """What an approval names: key, before, after and the scheme's version, nothing else."""
    parts = [list(change.key), value_json(change.before), value_json(change.after), change.scheme_version]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def digest_of_all(digests: Collection[str]) -> str:
    """One digest for a set of rows, whatever their order: what `sync_course` prints and `--approve` repeats."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()[:16]


def value_json(value: Value | None) -> dict[str, object] | None:
    return None if value is None else value.as_json()


def value_of(data: object) -> Value | None:
    return Value.from_json(data) if isinstance(data, Mapping) else None
