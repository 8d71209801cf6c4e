"""OneRoster's JSON to our records; the way back is `bodies.py`. No I/O; dull on purpose.

Reading takes what the market sends: sparse references, date-times for dates, numbers as text, no status.

What a stored result says (`value_of`):
- `exempt` wins over any score beside it: excused is how the SIS counts it.
- `not submitted` with a score is that score; without one it is nothing. In 1.1, where a result must carry a score,
  `not submitted` with 0 is nothing: it is how a result not yet graded has to be written there.
- where the status stands for the missing flag (`flags=status`), `not submitted` is that flag, with or without a score.
- a score that is no number is a text: it is never taken for "nothing there".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sync.sis import records as sis
from sync.sis.oneroster.profile import Config

Record = Mapping[str, Any]
Json = dict[str, Any]

STATUSES: Final = {status.value.replace(" ", ""): status.value for status in sis.ScoreStatus}
# what a number of a grade book may have before and after its point: far more than any grade, and short to write out
MOST_DIGITS, MOST_PLACES = 15, 100
# parts of a stored result that are not ours to change: sent back as they were when it is written over
KEPT: Final = ("metadata", "learningObjectiveSet", "scoreScale", "comment", *sis.FLAGS)


def text(value: object) -> str:
    return "" if value is None or isinstance(value, Mapping | list) else str(value).strip()


def ref_id(value: object) -> str:
    """The sourcedId of a reference, whole, sparse, in a list of one, or given as plain text."""
    if isinstance(value, list):
        value = value[0] if value else None
    return text(value.get("sourcedId")) if isinstance(value, Mapping) else text(value)


def is_true(value: object) -> bool:
    return text(value).lower() == "true"


def number(value: object) -> Decimal | None:
    """A number, also where it is given as text; None for anything else, for NaN, infinity and sizes beyond any grade."""
    if isinstance(value, bool):
        return None
    try:
        found = Decimal(text(value))
    except InvalidOperation:
        return None
    # 1e999999999 is eight bytes to send and a gigabyte to write out
    sane = (
        found.is_finite()
        and found.adjusted() <= MOST_DIGITS
        and int(found.as_tuple().exponent) >= -MOST_PLACES
    )
    return found if sane else None


def moment(value: object) -> datetime | None:
    """A date-time in UTC; a plain date is its first moment."""
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def day(value: object) -> date | None:
    """The date as written: a time zone beside it does not move it to another day."""
    try:
        return date.fromisoformat(text(value)[:10])
    except ValueError:
        return None


def read_class(raw: Record) -> sis.Class:
    terms = raw.get("terms")
    terms = terms if isinstance(terms, list) else [terms] if terms else []
    return sis.Class(
        sourced_id=text(raw.get("sourcedId")),
        title=text(raw.get("title")),
        school_id=ref_id(raw.get("school")),
        course_id=ref_id(raw.get("course")),
        code=text(raw.get("classCode")),
        session_ids=tuple(filter(None, (ref_id(term) for term in terms))),
    )


def read_person(raw: Record) -> sis.Person:
    ids = raw.get("userIds")
    ids = [one for one in ids if isinstance(one, Mapping)] if isinstance(ids, list) else []
    return sis.Person(
        sourced_id=text(raw.get("sourcedId")),
        given_name=text(raw.get("givenName")),
        family_name=text(raw.get("familyName")),
        identifier=text(raw.get("identifier")),
        username=text(raw.get("username")),
        email=text(raw.get("email")),
        user_ids=tuple((text(one.get("type")), text(one.get("identifier"))) for one in ids),
        active=text(raw.get("enabledUser")).lower() != "false",
    )


def read_session(raw: Record) -> sis.Session:
    return sis.Session(
        sourced_id=text(raw.get("sourcedId")),
        title=text(raw.get("title")),
        kind=text(raw.get("type")) or "term",
        begins=day(raw.get("startDate")),
        ends=day(raw.get("endDate")),
    )


def read_category(raw: Record) -> sis.Category:
    return sis.Category(text(raw.get("sourcedId")), text(raw.get("title")))


def read_score_scale(raw: Record) -> sis.ScoreScale:
    values = raw.get("scoreScaleValue")
    values = values if isinstance(values, list) else [values]
    entries = tuple(
        (text(one.get("itemValueLHS")), text(one.get("itemValueRHS")))
        for one in values
        if isinstance(one, Mapping)
    )
    return sis.ScoreScale(text(raw.get("sourcedId")), text(raw.get("title")), entries)


def read_line_item(raw: Record, class_id: str) -> sis.LineItem:
    return sis.LineItem(
        sourced_id=text(raw.get("sourcedId")),
        title=text(raw.get("title")),
        class_id=ref_id(raw.get("class")) or class_id,
        minimum=number(raw.get("resultValueMin")),
        maximum=number(raw.get("resultValueMax")),
        category_id=ref_id(raw.get("category")),
        session_id=ref_id(raw.get("academicSession")) or ref_id(raw.get("gradingPeriod")),
        score_scale_id=ref_id(raw.get("scoreScale")),
        due=moment(raw.get("dueDate")),
    )


def read_result(raw: Record, class_id: str, config: Config) -> sis.Result:
    return sis.Result(
        sourced_id=text(raw.get("sourcedId")),
        class_id=class_id,
        line_item_id=ref_id(raw.get("lineItem")),
        student_id=ref_id(raw.get("student")),
        value=value_of(raw, config),
        score_date=day(raw.get("scoreDate")),
        comment=comment_of(raw),
        modified_at=moment(raw.get("dateLastModified")),
    )


def comment_of(raw: Record) -> str:
    comment = raw.get("comment")
    return comment if isinstance(comment, str) else ""


def value_of(raw: Record, config: Config) -> sis.Value | None:
    """What the result says, in this module's reading; None when nothing is there."""
    score, wording = _score(raw.get("score"), config.decimals)
    wording = _letter(raw, config) or wording
    status = _status(raw.get("scoreStatus"), graded=score is not None or bool(wording))
    flags = frozenset(flag for flag in flags_beside(config) if is_true(raw.get(flag)))
    if status == sis.ScoreStatus.EXEMPT:
        score, wording = None, ""
    elif config.is_v11 and status == sis.ScoreStatus.NOT_SUBMITTED and not score:
        score = None
    if config.flags_by_status and status == sis.ScoreStatus.NOT_SUBMITTED:
        flags = frozenset({"missing"})
        status = status if score is None and not wording else sis.ScoreStatus.FULLY_GRADED.value
    found = sis.Value(score, wording or None, status, flags)
    return None if found.is_nothing else found


def _letter(raw: Record, config: Config) -> str:
    metadata = raw.get("metadata")
    own = metadata.get(config.letters_key) if config.letters_key and isinstance(metadata, Mapping) else ""
    return text(own) or text(raw.get("textScore"))


def flags_beside(config: Config) -> frozenset[str]:
    """The flags that travel as flags, beside the status."""
    return frozenset() if config.flags_by_status else config.flags


def _score(given: object, decimals: int) -> tuple[Decimal | None, str]:
    """(score, "") for a number that can be held, else (None, what stands there as text)."""
    found = number(given)
    if found is None:
        return None, text(given)
    try:
        return sis.quantised(found, decimals), ""
    except InvalidOperation:
        return None, text(given)


def _status(given: object, *, graded: bool) -> str:
    """One of the five words however it is spelt, a word of the SIS's own as it is, or what the score lets guess."""
    word = text(given)
    if not word:
        return sis.ScoreStatus.FULLY_GRADED.value if graded else sis.ScoreStatus.NOT_SUBMITTED.value
    return STATUSES.get(word.lower().replace(" ", "").replace("_", "").replace("-", ""), word)


def kept_of(raw: Record) -> Json:
    """What `result_body` must send back unchanged."""
    return {name: raw[name] for name in KEPT if raw.get(name) not in (None, "")}
