"""What a SIS's own report about a file changes in the account of a run that is over. Pure.

The run counted its grades as delivered; now some are known to be taken, some not. Each stays in exactly one bucket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["accepted", "rejected"]
STOOD = frozenset({"delivered", "accepted"})


@dataclass(frozen=True, slots=True)
class Told:
    """One grade of the run: its state before the report and after it, and how it was counted when it was delivered.

    `difference` is its line of the reconciliation, for a refused one.
    """

    key: str
    former: str
    state: State
    created: bool
    withdraws: bool
    difference: Mapping[str, Any]

    @property
    def bucket(self) -> str:
        return "withdrawn" if self.withdraws else "created" if self.created else "updated"


def account(report: Mapping[str, Any], told: Sequence[Told]) -> dict[str, Any]:
    """The run's report with these grades where they belong now.

    A grade that the run's end did not count as done (it changed meanwhile, so that it waits) stays where it was counted.
    """
    counts = dict(report.get("counts", {}))
    elsewhere = {one["key"] for one in report.get("differences", []) if one["cause"] != "refused"}
    here = [one for one in told if one.key not in elsewhere] if counts else []
    for one in here:
        _move(counts, one)
    refused = {one.key: one.difference for one in here if one.state == "rejected"}
    settled = {one.key for one in here}
    others = [one for one in report.get("differences", []) if one["key"] not in settled]
    differences = sorted([*others, *refused.values()], key=lambda one: str(one["key"]))
    if counts:
        counts["discrepancies"] = sum(1 for one in differences if one.get("counts", True))
    return {**report, "counts": counts, "differences": differences}


def _move(counts: dict[str, int], one: Told) -> None:
    stood, stands = one.former in STOOD, one.state == "accepted"
    # what the SIS told of is verified, either way
    if one.former == "delivered":
        counts["unverified"] = max(0, counts.get("unverified", 0) - 1)
    if stood == stands:
        return
    step = 1 if stands else -1
    counts[one.bucket] = counts.get(one.bucket, 0) + step
    # a removal is counted apart: there is no LMS grade that could be refused
    if not one.withdraws:
        counts["rejected"] = counts.get("rejected", 0) - step
