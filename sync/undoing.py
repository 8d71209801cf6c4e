"""Undo a run: what was in the SIS before it goes back, where the SIS still holds what the run left. Pure (design §1).

An undo is a plan like any other, from the same read; only its desired values come from the log of the run instead of
from the LMS. What it puts back stays out of ordinary plans by the decision "undone".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sync import planning
from sync.desired import Wanted
from sync.lms import records as lms
from sync.planning import Desired, Plan, Problem, Sent
from sync.sis.records import Change, Key, Value

WHY: Final = "puts back what stood there before that run"


@dataclass(frozen=True, slots=True)
class Left:
    """What a run found for one key, and what it left there; `sent_since`: a later run wrote it anew, and stands."""

    before: Value | None
    after: Value | None
    sent_since: bool = False


@dataclass
class _Lists:
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unchanged: list[Key] = field(default_factory=list)
    waiting: list[Key] = field(default_factory=list)
    held: list[tuple[Key, str]] = field(default_factory=list)


def plan(
    left: Mapping[Key, Left],
    existing: Mapping[Key, Value | None],
    sent: Mapping[Key, Sent],
    waiting: Collection[Key],
    unseen: Mapping[Key, str],
) -> Plan:
    """What to write so that each key holds again what the run found.

    `existing` lacks a key where nothing is there; `unseen` are keys that this read cannot tell of, with the reason:
    they are held. `sent` must already have observed this read. A SIS value that the run did not leave was put there
    since, by a person or by a later run: it is a problem to read about, and never overwritten.
    """
    lists = _Lists()
    for key in sorted(left):
        if key in unseen:
            lists.held.append((key, unseen[key]))
        else:
            _place(key, left[key], existing.get(key), sent.get(key, Sent()), waiting, lists)
    return Plan(
        changes=tuple(lists.changes),
        problems=tuple(lists.problems),
        unchanged=tuple(lists.unchanged),
        waiting=tuple(lists.waiting),
        held=tuple(lists.held),
    )


def _place(
    key: Key, one: Left, old: Value | None, sent: Sent, waiting: Collection[Key], lists: _Lists
) -> None:
    if old == one.before or (sent.rounded and (sent.as_sent, sent.as_stored) == (one.before, old)):
        lists.unchanged.append(key)
    elif key in waiting:
        lists.waiting.append(key)
    elif not _is_left(old, one, sent):
        lists.problems.append(changed_since(key))
    elif sent.tried == one.before and sent.tries >= planning.MAX_TRIES:
        lists.problems.append(planning.not_stored(key))
    else:
        lists.changes.append(
            Change(key, before=old, after=one.before, expected=sent.expected | {old}, why=WHY)
        )


def _is_left(old: Value | None, one: Left, sent: Sent) -> bool:
    """Does the SIS hold what the run left, and not the same value put there by a person after a later run?"""
    if one.sent_since:
        return False
    if old == one.after:
        return old in sent.expected
    return sent.rounded and (sent.as_sent, sent.as_stored) == (one.after, old)


def changed_since(key: Key) -> Problem:
    return Problem(
        "changed-since",
        "The SIS does not hold any more what that run left: somebody, or a later run, changed it since. It is left as it is.",
        "teacher",
        key,
    )


def lms_value(wanted: Desired | None, one: Left) -> Value | None:
    """The LMS grade that an undone row stays out for: as it is now; where none is shown, as the run sent it."""
    return wanted if isinstance(wanted, Value) else one.after


def decision(wanted: Desired | None, one: Left, of: Wanted | None) -> planning.Decision | None:
    """What keeps a grade put back from being sent again; None where the LMS itself wants what was put back.

    `of` is where the LMS's value comes from, where it shows one.
    """
    grade = lms_value(wanted, one)
    words = in_the_lms(of.result) if of is not None else ""
    return (
        None if grade == one.before else planning.Decision("undone", lms=grade, sis=one.before, words=words)
    )


def in_the_lms(result: lms.Result) -> str:
    """The grade as the LMS itself writes it, before any conversion."""
    marks = [name for name in ("late", "missing") if getattr(result, name)]
    said = " ".join(map(str, (result.status, result.score, result.maximum, result.text, *marks)))
    return said[: planning.MOST_WORDS]


def restated(
    decisions: Mapping[Key, planning.Decision], wanted: Mapping[Key, Wanted]
) -> dict[Key, planning.Decision]:
    """The same decisions; an undone grade that only the scale or the SIS's range shows anew is still the undone one."""
    return {
        key: replace(one, lms=wanted[key].value) if _is_same_grade(one, wanted.get(key)) else one
        for key, one in decisions.items()
    }


def _is_same_grade(one: planning.Decision, wanted: Wanted | None) -> bool:
    return one.kind == "undone" and wanted is not None and one.words == in_the_lms(wanted.result)
