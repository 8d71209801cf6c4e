"""Which rows of a list she ticked: kept beside the rows, so that a list of any length is reviewed page by page.

A row that nobody touched counts as ticked only on a list that one page shows whole. On a longer one nothing is ticked
until she ticks it or says "all of these": what was never on her screen is not sent unseen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from django.db.models import Q, QuerySet

from sync import planning
from sync.engine.errors import Changed, Who
from sync.models import GradeChange, Run

WHOLE: Final = 200  # rows that one page shows
UNANSWERED: Final = "unanswered"  # the code of a row that only a person may send
# a withdrawal, or a grade that may stand there unseen, is ticked one by one
ONE_BY_ONE: Final = Q(withdraws=True) | Q(code=UNANSWERED)

Rows = QuerySet[GradeChange]


def one_by_one(run: Run) -> Q:
    """The rows of this list that "all of these" does not tick. Of a run to be undone it ticks removals too: that is the point."""
    return Q(code=UNANSWERED) if run.purpose == "undo" else ONE_BY_ONE


def open_rows(run: Run) -> Rows:
    return GradeChange.objects.filter(run=run, state="planned")


def untouched_are_picked(run: Run) -> bool:
    return open_rows(run).count() <= WHOLE


def is_picked(row: GradeChange, *, untouched: bool) -> bool:
    """`untouched`: what `untouched_are_picked` says of the row's list."""
    if row.picked is None:
        return untouched and not row.withdraws and row.code != UNANSWERED
    return row.picked


def picked(run: Run, *, untouched: bool) -> Rows:
    """The rows that are ticked now."""
    wanted = Q(picked=True)
    if untouched:
        wanted |= Q(picked=None) & ~ONE_BY_ONE
    return open_rows(run).filter(wanted)


def tick(run: Run, who: Who, shown: Collection[int], digests: Collection[str]) -> None:
    """Of the rows that a page showed, exactly these are ticked."""
    who.must_be_able_to_send(run.context)
    wanted, rows = set(digests), open_rows(run).filter(pk__in=shown)
    on = [pk for pk, digest in rows.values_list("pk", "digest") if digest in wanted]
    rows.filter(pk__in=on).update(picked=True)
    rows.exclude(pk__in=on).update(picked=False)


def tick_all(run: Run, who: Who, rows: Rows, *, on: bool) -> int:
    """All of these rows of the run, but for those that are ticked one by one; all of them may be unticked."""
    who.must_be_able_to_send(run.context)
    rows = rows.filter(run=run, state="planned")
    return (rows.exclude(one_by_one(run)) if on else rows).update(picked=on)


def digest_of(digests: Iterable[str]) -> str:
    return planning.digest_of_all(list(digests))


def approved_by(run: Run, shown: Collection[int], ticked: Sequence[str], elsewhere: str) -> list[str]:
    """Digests of all that her click on "send" names: what is ticked on this page, and what was ticked on the others.

    `elsewhere` is the digest of the other pages' ticks as this page counted them; empty: nothing else goes. Raises
    Changed when they are other ones now.
    """
    if not elsewhere:
        return list(ticked)
    rows = picked(run, untouched=untouched_are_picked(run)).exclude(pk__in=shown)
    others = list(rows.values_list("digest", flat=True))
    if digest_of(others) != elsewhere:
        raise Changed(
            "The ticks on the pages that you do not see now were changed meanwhile, here or by somebody else. "
            "Nothing was sent. Look at the list, then send."
        )
    return [*ticked, *others]


def carry_over(run: Run, rows: Iterable[GradeChange]) -> None:
    """Rows that stood on the last such list, and are still the same, keep their ticks.

    A list that undoes a run is not such a list: there "all of these" ticks removals too.
    """
    alike = Run.objects.filter(context=run.context, purpose=run.purpose, undoes=run.undoes_id).exclude(
        pk=run.pk
    )
    looked_at = alike.filter(Q(state="replaced") | Q(approved_at__isnull=False))
    former = looked_at.only("pk", "state", "unattended").order_by("-pk").first()
    # one that a person sent had its say: what stood on lists before it is over
    if former is None or (former.state != "replaced" and not former.unattended):
        return
    touched = open_rows(former).filter(picked__isnull=False)
    ticks = dict(touched.values_list("digest", "picked"))
    for row in rows:
        row.picked = ticks.get(row.digest)
