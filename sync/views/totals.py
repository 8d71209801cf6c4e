"""The LMS's course total beside the SIS's own: both of every student, and what makes them differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sync.models import ClassLink
from sync.views import scheme_words
from sync.views.asking import Request, class_links_of, page, show, state_of
from sync.views.filtering import Filter
from sync.views.seen import Json, Seen
from sync.views.wording import Text

PER_PAGE: Final = 50

# by the code of a step (sync.totals), on the way from the LMS's total to the SIS's
STEPS: Final[Mapping[str, Text]] = {
    "lms-rounding": gettext_lazy("the LMS rounds its total"),
    "override": gettext_lazy("the LMS's total was set by hand"),
    "lms-rule": gettext_lazy("not explained: the LMS's own rule, as far as it is known, gives another total"),
    "weights": gettext_lazy("the LMS weighs groups of assignments"),
    "dropped": gettext_lazy("the LMS leaves out the lowest or highest grades"),
    "omitted": gettext_lazy("assignments that the LMS leaves out of its total count in the SIS"),
    "unlinked": gettext_lazy("assignments that are not linked"),
    "ungraded": gettext_lazy("work without a grade counts as zero in the LMS and stands nowhere in the SIS"),
    "maximum": gettext_lazy("assignments count another number of points in the SIS"),
    "not-there": gettext_lazy("grades that are not in the SIS, or not as a number"),
    "rounded": gettext_lazy("grades that the SIS rounds"),
    "differs": gettext_lazy("grades that are others in the SIS than in the LMS"),
    "sis-only": gettext_lazy("grades that stand only in the SIS"),
    "sis-zeros": gettext_lazy("the SIS counts what is empty as zero"),
    "sis-capped": gettext_lazy("the SIS counts no points above the maximum"),
    "sis-mean": gettext_lazy("the SIS takes the mean of the grades, whatever their points"),
    "sis-rounding": gettext_lazy("the SIS rounds its total"),
    "sis-rule": gettext_lazy("not explained: the SIS makes its total by a rule that is not known here"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One student's totals in one class; `why`: each reason with the points that it adds to the LMS's total."""

    name: str
    class_link: ClassLink
    lms: str
    sis: str
    difference: str
    differ: bool
    explained: bool | None
    why: Sequence[tuple[str, Text]]


@page
def totals(request: Request, public_id: UUID) -> HttpResponse:
    seen = Seen(state_of(request), class_links_of(request))
    rows = _rows(seen)
    listed = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return show(
        request,
        "sync/totals.html",
        seen=seen,
        rows=listed,
        page=listed,
        narrowed=Filter(),
        which=_which(seen),
        rule=(seen.snapshot.get("state") or {}).get("total_rule", ""),
        counts=Counter(_kind(one) for one in rows),
    )


def compared(seen: Seen) -> list[tuple[ClassLink, Json]]:
    """The standing classes whose SIS computes a total itself, with what the last read made of it."""
    found = seen.snapshot.get("totals") or {}
    return [(link, found[str(link.pk)]) for link in seen.standing if str(link.pk) in found]


def _which(seen: Seen) -> list[tuple[ClassLink, str]]:
    return [(link, scheme_words.named(one["line_item_id"], seen.snapshot)) for link, one in compared(seen)]


def _kind(row: Row) -> str:
    if not row.differ:
        return "same"
    return "explained" if row.explained else "open"


def _rows(seen: Seen) -> list[Row]:
    """What is not explained first, then what differs, then by name."""
    names = {row["user_id"]: row["name"] for row in seen.snapshot.get("students", [])}
    rows = [
        _row(link, one, names.get(one["user_id"]) or one["user_id"])
        for link, class_totals in compared(seen)
        for one in class_totals["rows"]
    ]
    order = {"open": 0, "explained": 1, "same": 2}
    return sorted(rows, key=lambda row: (order[_kind(row)], row.name.casefold()))


def _row(link: ClassLink, one: Json, name: str) -> Row:
    why = [(_signed(points), STEPS.get(code, code)) for code, points in one["steps"]]
    if one["differ"] and one["explained"] is None:
        why = [("", _("they are no numbers on both sides"))]
    return Row(
        name=name,
        class_link=link,
        lms=one["lms"],
        sis=one["sis"],
        difference=_signed(one["difference"]),
        differ=one["differ"],
        explained=one["explained"],
        why=why,
    )


def _signed(number: str) -> str:
    """A number with its sign: plus, or a true minus."""
    if not number or number == "0":
        return number
    return f"−{number[1:]}" if number.startswith("-") else f"+{number}"
