"""What a form says of grades that differ: her word on each one, each for the two values that she saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync import engine
from sync.engine.deciding import KINDS, Wish, digest_of_pair
from sync.models import Run
from sync.sis.records import Key
from sync.views.asking import Request
from sync.views.filtering import Filter
from sync.views.review_list import Review, digest_of_edited

WORD, PAIR = "decision:", "pair:"
FOR_ALL = ("sis_kept", "lms_preferred")


@dataclass(frozen=True, slots=True)
class Posted:
    """All that one form decides. `is_stale`: the group that "all of them" meant is another one now."""

    wishes: Sequence[Wish]
    lifted: Sequence[Key]
    is_stale: bool = False

    def __bool__(self) -> bool:
        return bool(self.wishes or self.lifted)


def posted(request: Request, run: Run) -> Posted:
    """Raises EngineError for what is no key of a grade."""
    fields = request.POST
    by_key = {
        name.removeprefix(WORD): str(kind)
        for name, kind in fields.items()
        if name.startswith(WORD) and kind in KINDS
    }
    wishes = {
        key: Wish(engine.parse_key(key), kind, str(fields.get(PAIR + key, "")))
        for key, kind in by_key.items()
    }
    kind = str(fields.get("all_edited", ""))
    lifted = [engine.parse_key(key) for key in fields.getlist("lift")]
    if kind not in FOR_ALL:
        return Posted(list(wishes.values()), lifted)
    review = Review(run, Filter.of(fields))
    if digest_of_edited(run, review.all_edited) != fields.get("all_digest"):
        return Posted([], [], is_stale=True)
    return Posted(list((_for_all(run, review, kind) | wishes).values()), lifted)


def _for_all(run: Run, review: Review, kind: str) -> dict[str, Wish]:
    pairs = run.report.get("pairs", {})
    return {
        line.key: Wish(engine.parse_key(line.key), kind, digest_of_pair(line.key, tuple(pairs[line.key])))
        for line in review.all_edited
        if line.key in pairs
    }
