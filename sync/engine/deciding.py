"""Her words on many grades at once, each for the pair of values that her page showed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from lti_tool.models import Context
from sync import planning
from sync.engine import ledger, reporting
from sync.engine.errors import EngineError, Who
from sync.models import GradeChange, Run
from sync.sis import records as sis

KINDS: Final = frozenset({"sis_kept", "lms_preferred", "withdrawal_declined"})
_KEY: Final = ("connection_id", "class_id", "line_item_id", "student_id")


@dataclass(frozen=True, slots=True)
class Wish:
    """One word: `pair` is the digest of the two values that she saw."""

    key: sis.Key
    kind: str
    pair: str


Pair = tuple[object, object]


def digest_of_pair(key: str, pair: Pair) -> str:
    """What a form carries back of a grade that it showed: its key and both values."""
    return digest_of_pairs([(key, pair)])


def digest_of_pairs(pairs: Sequence[tuple[str, Sequence[object]]]) -> str:
    """The same of a whole group that one word decides on."""
    parts = json.dumps([[key, *pair] for key, pair in pairs], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def pairs_of(run: Run) -> dict[str, Pair]:
    """(LMS value, SIS value) as JSON, by the key's text: of the rows of this run, and of what its report asks about."""
    told: Mapping[str, Any] = run.report.get("pairs", {})
    rows = GradeChange.objects.filter(run=run, state="planned").only(*_KEY, "before", "after")
    return {row.key.text(): (row.after, row.before) for row in rows} | {
        key: (pair[0], pair[1]) for key, pair in told.items()
    }


def decide_seen(context: Context, wishes: Iterable[Wish], who: Who) -> list[sis.Key]:
    """Write those decisions whose pair still is the newest list's. Returns the keys of the others: nothing is decided
    on a grade that changed since she looked."""
    who.must_be_able_to_send(context)
    newest = reporting.newest_list(context)
    pairs = pairs_of(newest) if newest else {}
    changed = []
    with transaction.atomic():
        for wish in wishes:
            pair = pairs.get(wish.key.text())
            if pair is None or digest_of_pair(wish.key.text(), pair) != wish.pair:
                changed.append(wish.key)
            else:
                _decide(context, wish, pair, who)
    return changed


def _decide(context: Context, wish: Wish, pair: Pair, who: Who) -> None:
    if wish.kind not in KINDS:
        raise EngineError("There is no such decision.")
    lms_value, sis_value = planning.value_of(pair[0]), planning.value_of(pair[1])
    decision = planning.Decision(wish.kind, lms=lms_value, sis=sis_value)  # type: ignore[arg-type]  # checked above
    ledger.decide(wish.key, decision, context, who.name)
    if wish.kind == "lms_preferred":  # she asks for it anew, also where the SIS never showed it
        ledger.update(wish.key, context, lambda sent: sent.retried())
