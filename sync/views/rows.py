"""Rows as pages show them: values in words, reasons with who can fix them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from sync.engine import deciding
from sync.models import GradeChange, Run
from sync.sis.records import Value
from sync.views import wording
from sync.views.filtering import mark
from sync.views.telling import tell


@dataclass(frozen=True, slots=True)
class Row:
    """One grade of a run."""

    pk: int
    digest: str
    key: str
    student: str
    item: str
    old: str
    new: str
    why: str
    state: str
    state_text: wording.Text
    badge: str
    reason: str
    who: wording.Text
    is_new: bool
    withdraws: bool
    picked: bool
    sent_at: datetime | None
    answered_at: datetime | None
    values: deciding.Pair

    @property
    def pair(self) -> str:
        """The digest of the two values that a decision on this row is for."""
        return deciding.digest_of_pair(self.key, self.values)

    @property
    def enters(self) -> str:
        """The grade's mark on the page where it can be corrected what a person entered beside it; "" for most grades."""
        after = self.values[0]
        return mark(self.key) if isinstance(after, Mapping) and after.get("extras") else ""


def row_of(change: GradeChange, run: Run | None = None, *, picked: bool = False) -> Row:
    """`run`, where it is at hand: a grade of one that ended does not wait to be sent any more."""
    reason, who = wording.REASONS.get(change.code, ("", ""))
    if change.code and not reason:
        reason, who = _("The SIS refused it (%(code)s).") % {"code": change.code}, "sis_admin"
    return Row(
        pk=change.pk,
        digest=change.digest,
        key=change.key.text(),
        student=change.student_name or change.student_id,
        item=change.item_title or change.line_item_id,
        old=words(change.before),
        new=words(change.after),
        why=tell(change.why),
        state=change.state,
        state_text=state_text(change.state, run),
        badge=wording.BADGES.get(change.state, ""),
        reason=" ".join(part for part in (str(reason), tell(change.words)) if part),
        who=wording.WHO.get(who, ""),
        is_new=change.before is None,
        withdraws=change.withdraws,
        picked=picked,
        sent_at=change.sent_at,
        answered_at=change.answered_at,
        values=(change.after, change.before),
    )


def state_text(state: str, run: Run | None) -> wording.Text:
    if state == "approved" and run is not None and not run.is_open:
        return wording.NOT_SENT
    return wording.ROW_STATES.get(state, state)


def words(value: dict[str, Any] | None) -> str:
    return tell(Value.from_json(value).words()) if value is not None else _("no grade")


def counts_of(run: Run) -> dict[str, list[tuple[wording.Text, int]]]:
    """The run's counts in words, without the zeros: `parts` add up to what was pulled, `apart` are counted beside it."""
    counts = run.report.get("counts", {})
    return {
        "parts": [(text, counts[name]) for name, text in wording.COUNTS if counts.get(name)],
        "apart": [(text, counts[name]) for name, text in wording.COUNTED_APART if counts.get(name)],
    }


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to settle in the LMS before sending: what, how often, what to do, where, and the page of ours that helps."""

    text: wording.Text
    count: int
    fix: wording.Text
    where: str
    page: str
    counts: bool


def readiness_of(run: Run) -> list[tuple[wording.Text, list[Check]]]:
    """What is to be settled, by groups; a report of before there were groups has but one."""
    groups: dict[str, list[Check]] = {}
    for one in run.report.get("readiness", []):
        groups.setdefault(one.get("group", "results"), []).append(_check(one))
    order = wording.READINESS_GROUPS
    return [(order[name], groups[name]) for name in order if name in groups]


def _check(one: dict[str, Any]) -> Check:
    text, fix, page = wording.READINESS.get(one["code"], (tell(one["text"]), tell(one["fix"]), ""))
    counts = one.get("group") != "course"
    return Check(text, one["count"], fix, tell(one.get("where", "")), page, counts)
