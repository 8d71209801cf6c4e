"""How the LMS applies a grading scheme, and which of its course totals is sent, in a teacher's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sync.lms import records as lms
from sync.views.wording import Text

Json = Mapping[str, Any]

# said of an LMS that shows both
BOTH: Final[Mapping[str, Text]] = {
    "current": gettext_lazy("The current score: graded work only; what is not graded yet does not count."),
    "final": gettext_lazy("The final score: work that is not handed in counts as zero."),
}
TOTALS: Final[Mapping[str, Text]] = {
    "calculated": gettext_lazy("The calculated grade: as the LMS computes it from the grades."),
    "adjusted": gettext_lazy("The adjusted grade: as a teacher set it by hand, else as the LMS computes it."),
    "external": gettext_lazy("The external grade: the one that the course reports outside the LMS."),
    "override": gettext_lazy("The grade that a teacher set by hand in place of the computed one."),
}


def total(line_item_id: str, snapshot: Json) -> str:
    """What this course total is; empty for an assignment, and for what only the LMS's own rule tells."""
    which, period_id = lms.parts_of_total(line_item_id)
    if not which:
        return ""
    words = {**TOTALS, **BOTH} if lms.has_both_totals(_ids(snapshot), period_id) else TOTALS
    texts = [str(words[which])] if which in words else []
    if period_id:
        titles = {one["id"]: one["title"] for one in snapshot.get("periods", [])}
        period = titles.get(period_id) or period_id
        texts.append(_("Only of the grading period “%(period)s”.") % {"period": period})
    return " ".join(texts)


def named(line_item_id: str, snapshot: Json) -> str:
    """As the LMS calls this course total, and what it is."""
    titles = {one["line_item_id"]: one["title"] for one in snapshot.get("items", [])}
    return " – ".join(filter(None, (titles.get(line_item_id, ""), total(line_item_id, snapshot))))


def _ids(snapshot: Json) -> set[str]:
    return {one["line_item_id"] for one in snapshot.get("items", [])}


def applied(scheme: Json) -> list[str]:
    """The rules by which the LMS letters a score, and what has no grade."""
    rules = scheme.get("rules", {})
    texts = []
    if scheme.get("points_based"):
        texts.append(_("The LMS writes the bounds as points; here they are shares of the maximum."))
    if rules.get("clamped"):
        texts.append(_("A score below 0 % or above 100 % counts as 0 % or 100 %."))
    if rules.get("below_all") == "none":
        texts.append(_("Below the lowest bound there is no grade: such a result is not sent."))
    texts += [
        _("No grade stands between %(low)s %% and %(high)s %%: such a result is not sent.")
        % {"low": low, "high": high}
        for low, high in scheme.get("gaps", [])
    ]
    return texts
