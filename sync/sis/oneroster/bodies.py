"""Our records to OneRoster's JSON; the way back is `wire.py`. No I/O.

By default every body satisfies the official OpenAPI of 1.2 to the letter: whole references, flags as strings, no
property of our own. What a product wants otherwise is an option of the connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from sync.sis import records as sis
from sync.sis.oneroster.profile import Config
from sync.sis.oneroster.wire import Json, Record, flags_beside, is_true, ref_id


@dataclass(frozen=True, slots=True)
class Refs:
    """Whole references, as the OpenAPI wants them: href, sourcedId and the slot's constant type."""

    config: Config

    def line_item(self, sourced_id: str) -> Json:
        return self._ref(self.config.gradebook_url("lineItems", sourced_id), sourced_id, "lineItem")

    def user(self, sourced_id: str) -> Json:
        return self._ref(self.config.rostering_url("users", sourced_id), sourced_id, "user")

    def class_(self, sourced_id: str) -> Json:
        return self._ref(self.config.rostering_url("classes", sourced_id), sourced_id, "class")

    def org(self, sourced_id: str) -> Json:
        return self._ref(self.config.rostering_url("orgs", sourced_id), sourced_id, "org")

    def category(self, sourced_id: str) -> Json:
        return self._ref(self.config.gradebook_url("categories", sourced_id), sourced_id, "category")

    def session(self, sourced_id: str) -> Json:
        return self._ref(
            self.config.rostering_url("academicSessions", sourced_id), sourced_id, "academicSession"
        )

    def score_scale(self, sourced_id: str) -> Json:
        return self._ref(self.config.gradebook_url("scoreScales", sourced_id), sourced_id, "scoreScale")

    def _ref(self, href: str, sourced_id: str, kind: str) -> Json:
        whole = {"href": href, "sourcedId": sourced_id, "type": kind}
        return whole if self.config.full_refs else {"sourcedId": sourced_id}


def instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def exact(value: Decimal) -> Decimal | int:
    """The number as a JSON number without exponent or trailing zeros, digit for digit."""
    shown = Decimal(sis.plain(value))
    return int(shown) if shown == shown.to_integral_value() else shown


def _common(sourced_id: str, now: datetime) -> Json:
    return {"sourcedId": sourced_id, "status": "active", "dateLastModified": instant(now)}


def unfit(change: sis.Change, config: Config) -> str:
    """Why this connection cannot say it, in words, beyond what the profile tells (`base.unfit`); "" when it can."""
    value = change.after
    if value is None or not config.is_v11:
        return ""
    if value.text and value.score is None:
        return "OneRoster 1.1 needs a number beside a letter: send points."
    if "missing" in value.flags and value.score is not None and not value.score:
        return "In OneRoster 1.1 a zero that is marked missing reads as no grade: enter it in the SIS."
    return ""


def result_body(change: sis.Change, sourced_id: str, config: Config, now: datetime, kept: Record) -> Json:
    """The whole result to store under `sourced_id`: a PUT replaces all of it. `kept` comes from `kept_of`."""
    refs = Refs(config)
    body = _common(sourced_id, now)
    body["lineItem"] = refs.line_item(change.key.line_item_id)
    body["student"] = refs.user(change.key.student_id)
    if not config.is_v11:
        body["class"] = refs.class_(change.key.class_id)
    body["scoreDate"] = _score_date(change.score_date or now.date(), config)
    body |= _kept(kept, refs, config) | _value(change.after, config)
    if metadata := _metadata(kept.get("metadata"), change.after, config):
        body["metadata"] = metadata
    comment = kept.get("comment") or change.comment
    return body | ({"comment": comment} if comment else {})


def _score_date(at: date, config: Config) -> str:
    return at.isoformat() if config.score_date == "date" else f"{at.isoformat()}T00:00:00Z"


def _kept(kept: Record, refs: Refs, config: Config) -> Json:
    found: Json = {}
    if config.is_v11:
        return found
    if kept.get("learningObjectiveSet"):
        found["learningObjectiveSet"] = kept["learningObjectiveSet"]
    if ref_id(kept.get("scoreScale")):
        found["scoreScale"] = refs.score_scale(ref_id(kept["scoreScale"]))
    flags = [flag for flag in sis.FLAGS if flag in kept and flag not in flags_beside(config)]
    return found | {flag: str(is_true(kept[flag])).lower() for flag in flags}


def _metadata(stored: object, value: sis.Value | None, config: Config) -> Json:
    """What stands there stays; a letter goes under the connection's key, and none is left of a former one."""
    found = dict(stored) if isinstance(stored, Mapping) else {}
    if config.letters == "metadata":
        found.pop(config.letters_key, None)
        if value is not None and value.text:
            found[config.letters_key] = value.text
    return found


def _value(value: sis.Value | None, config: Config) -> Json:
    """None is a grade taken back: no score, "not submitted"."""
    value = value or sis.Value(status=sis.ScoreStatus.NOT_SUBMITTED)
    status = str(value.status)
    if config.flags_by_status and "missing" in value.flags:
        status = sis.ScoreStatus.NOT_SUBMITTED.value
    body: Json = {"scoreStatus": status}
    if value.score is not None:
        body["score"] = exact(value.score)
    elif _needs_zero(status, config):
        body["score"] = 0
    if value.text and config.letters == "textScore":
        body["textScore"] = value.text
    return body | {
        flag: str(flag in value.flags).lower() for flag in sis.FLAGS if flag in flags_beside(config)
    }


def _needs_zero(status: str, config: Config) -> bool:
    """Excused by the connection's rule; otherwise 1.1 wants a number also where there is none."""
    if status == sis.ScoreStatus.EXEMPT:
        return config.exempt == "zero"
    return config.is_v11 and status == sis.ScoreStatus.NOT_SUBMITTED


def line_item_body(new: sis.NewLineItem, category_id: str, config: Config, now: datetime) -> Json:
    """`category_id` empty: the SIS's teacher chooses the category."""
    refs = Refs(config)
    body = _common(new.sourced_id, now) | {
        "title": new.title,
        "assignDate": instant(new.assigned),
        "dueDate": instant(new.due),
        "class": refs.class_(new.class_id),
        "resultValueMin": exact(new.minimum),
        "resultValueMax": exact(new.maximum),
    }
    if category_id:
        body["category"] = refs.category(category_id)
    if new.description:
        body["description"] = new.description
    if new.session_id:
        body[config.session_ref] = refs.session(new.session_id)
    if config.is_v11:
        return body
    body["school"] = refs.org(new.school_id)
    return body | ({"scoreScale": refs.score_scale(new.score_scale_id)} if new.score_scale_id else {})


def category_body(sourced_id: str, title: str, now: datetime) -> Json:
    return _common(sourced_id, now) | {"title": title}
