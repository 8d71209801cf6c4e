"""Everything is accounted for: the counts of a run, and every difference with its cause. Pure (design §4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

from sync import planning
from sync.desired import Account
from sync.sis.records import Key, Value

SENT_STATES = frozenset({"accepted", "unchanged", "delivered", "unknown", "sending"})


@dataclass(frozen=True, slots=True)
class Row:
    """What a run did with one key so far: `state` of its GradeChange row."""

    state: str
    created: bool
    withdraws: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """`pulled` is the sum of created, updated, unchanged, waiting, rejected, problems, excluded and not_graded.

    The others are counted apart; `pending` is a part of not_graded, as `rounded` is one of unchanged.
    """

    students: int = 0
    line_items: int = 0
    pulled: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    waiting: int = 0
    rejected: int = 0
    problems: int = 0
    excluded: int = 0
    not_graded: int = 0
    held: int = 0
    withdrawn: int = 0
    rounded: int = 0
    discrepancies: int = 0
    unverified: int = 0
    pending: int = 0

    def as_json(self) -> dict[str, int]:
        return asdict(self)


def count(
    account: Account,
    plan: planning.Plan,
    rows: Mapping[Key, Row],
    discrepancies: int,
    *,
    before: bool,
    blind: bool,
) -> Counts:
    """The counts of a plan: before a push (`before`: what would be done) or after it (what was done and stands).

    `rows` are the run's own rows by key; `blind` when the SIS cannot be read back. Raises AssertionError when a
    result is in no bucket or in two: that is a bug, and no report may hide it.
    """
    bucket = _buckets(account, plan, rows, before)
    amounts = {name: sum(1 for one in bucket.values() if one == name) for name in set(bucket.values())}
    counts = Counts(
        students=account.students,
        line_items=account.line_items,
        pulled=account.pulled,
        created=amounts.get("created", 0),
        updated=amounts.get("updated", 0),
        unchanged=amounts.get("unchanged", 0),
        waiting=amounts.get("waiting", 0),
        rejected=amounts.get("rejected", 0),
        problems=account.in_problems + amounts.get("problems", 0),
        excluded=account.excluded + amounts.get("excluded", 0),
        not_graded=account.not_graded,
        held=len(plan.held) + len(plan.declined),
        withdrawn=_withdrawn(plan, rows, before),
        rounded=len(plan.rounded),
        discrepancies=discrepancies,
        unverified=len(plan.unchanged) if blind else 0,
        pending=account.pending,
    )
    _must_add_up(counts)
    return counts


def _withdrawn(plan: planning.Plan, rows: Mapping[Key, Row], before: bool) -> int:
    planned = sum(1 for change in plan.changes if change.after is None) if before else 0
    done = [rows[key] for key in plan.unchanged if key in rows and rows[key].withdraws]
    return planned + sum(1 for row in done if row.state in SENT_STATES)


def _buckets(account: Account, plan: planning.Plan, rows: Mapping[Key, Row], before: bool) -> dict[Key, str]:
    """Each wanted key's bucket, from the plan's lists and this run's rows."""
    bucket: dict[Key, str] = {}
    for key in plan.unchanged:
        bucket[key] = _done(rows.get(key))
    for change in plan.changes:
        bucket[change.key] = ("created" if change.before is None else "updated") if before else "waiting"
    bucket |= dict.fromkeys(plan.waiting, "waiting")
    bucket |= {key: "rejected" for key, _ in plan.refused}
    bucket |= {problem.key: "problems" for problem in plan.problems if problem.key is not None}
    bucket |= dict.fromkeys(plan.kept, "excluded")
    return {key: name for key, name in bucket.items() if key in account.wanted}


def _done(row: Row | None) -> str:
    if row is None or row.state not in SENT_STATES:
        return "unchanged"
    return "created" if row.created else "updated"


def _must_add_up(counts: Counts) -> None:
    parts = (
        counts.created, counts.updated, counts.unchanged, counts.waiting,
        counts.rejected, counts.problems, counts.excluded, counts.not_graded,
    )  # fmt: skip
    if counts.pulled != sum(parts):
        raise AssertionError(f"{counts.pulled} results were pulled and {sum(parts)} accounted for")


# --- differences ----------------------------------------------------------------------------------------------

NEXT = {
    "not sent": "Review and send it.",
    "refused": "See the SIS's reason; settle it there, then retry.",
    "edited in the SIS": "Keep the SIS's grade, or send the LMS's: decide on the review page.",
    "rounded by the SIS": "Nothing to do: the SIS keeps fewer decimals.",
    "accepted, not shown": "The SIS said yes and does not show it. Reconcile again later; if it stays, ask the SIS administrator.",
    "not confirmed yet": "No answer came. It is settled by the next read; nothing is lost.",
    "held": "Left in the SIS as it is. The reason says what to do.",
    "gone from the LMS": "Tick its withdrawal on the review page, or leave it.",
}
HARMLESS = frozenset({"rounded by the SIS", "held"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One grade that is not the same on both sides, with its cause (a key of NEXT)."""

    key: Key
    cause: str
    why: str = ""

    @property
    def counts(self) -> bool:
        """Does it keep the course from being in sync? Rounded and held ones do not."""
        return self.cause not in HARMLESS


def differences(
    account: Account,
    plan: planning.Plan,
    sent: Mapping[Key, planning.Sent],
    existing: Mapping[Key, Value | None],
) -> list[Difference]:
    """All that the read-back shows to differ, in key order."""
    found = [Difference(change.key, _cause(change.after, sent.get(change.key))) for change in plan.changes]
    found += [Difference(key, "rounded by the SIS") for key in plan.rounded]
    found += [Difference(key, "not confirmed yet") for key in plan.waiting]
    found += [Difference(key, "refused", decision.words) for key, decision in plan.refused]
    found += [Difference(key, "held", why) for key, why in plan.held if existing.get(key) is not None]
    for problem in plan.problems:
        if problem.key is not None:
            cause = "edited in the SIS" if problem.code == "edited-in-sis" else "accepted, not shown"
            found.append(Difference(problem.key, cause))
    return sorted(found, key=lambda one: one.key)


def not_put_back(undo: planning.Plan, rows: Mapping[Key, Row]) -> list[Difference]:
    """Of the grades that an undo sent (`rows`), those that the read-back does not show as they were before that run.

    Both gradebooks may agree on such a grade: it is the one that she wanted out.
    """
    left = [change.key for change in undo.changes]
    left += [problem.key for problem in undo.problems if problem.key is not None]
    states = {key: rows[key].state for key in left if key in rows and rows[key].state in SENT_STATES}
    unanswered = ("unknown", "sending")
    return [
        Difference(key, "not confirmed yet" if state in unanswered else "accepted, not shown")
        for key, state in states.items()
    ]


def _cause(after: Value | None, sent: planning.Sent | None) -> str:
    if sent is not None and sent.tried == after and sent.tries > 0:
        return "accepted, not shown"
    if sent is not None and after in sent.since:
        return "not confirmed yet"
    return "gone from the LMS" if after is None else "not sent"


def in_sync(found: Collection[Difference], *, blind: bool) -> bool | None:
    """True when nothing that counts is left; None when the SIS cannot be read (design §4)."""
    return None if blind else not any(one.counts for one in found)
