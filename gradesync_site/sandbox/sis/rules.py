"""What this SIS allows to be stored, beyond the shape of a body. Raises Refusal; never changes anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gradesync_site.sandbox.sis.store import Json, Refusal, Store

Rule = Callable[[Store, Json, bool], None]
"""(store, the record to be stored, lenient)"""


def invalid(words: str) -> Refusal:
    return Refusal(422, "invaliddata", words)


def check_result(store: Store, record: Json, lenient: bool) -> None:
    item = store.need("lineItems", record["lineItem"], 422)
    store.need("users", record["student"], 422)
    if record["student"] not in store.enrolled(item["class"], "student"):
        raise invalid("The student is not enrolled in the class of the line item.")
    if record.get("class", item["class"]) != item["class"]:
        raise invalid("The class is not that of the line item.")
    if record["status"] != "active":
        return
    _check_score(record, item, lenient)
    _check_text(store, record, item)
    _check_only_one(store, record)


def _check_score(record: Json, item: Json, lenient: bool) -> None:
    score = record.get("score")
    if score is None:
        return
    least, most = item.get("resultValueMin"), item.get("resultValueMax")
    if least is not None and score < least:
        raise invalid("The score is below the least value of the line item.")
    if most is not None and score > most and not lenient:
        raise invalid("The score is above the greatest value of the line item.")


def _check_text(store: Store, record: Json, item: Json) -> None:
    """With a score scale, a textScore must be one of its entries (either side: vendors differ in which is shown)."""
    scale_id = record.get("scoreScale") or item.get("scoreScale")
    if scale_id is None or "textScore" not in record:
        return
    scale = store.need("scoreScales", scale_id, 422)
    allowed = {side for entry in scale["scoreScaleValue"] for side in entry.values()}
    if record["textScore"] not in allowed:
        raise invalid("The textScore is not in the score scale of the line item.")


def _check_only_one(store: Store, record: Json) -> None:
    others = store.results_of(record["lineItem"], record["student"])
    if any(one["sourcedId"] != record["sourcedId"] for one in others):
        raise Refusal(409, "invaliddata", "The student already has a result for this line item.")


def check_line_item(store: Store, record: Json, lenient: bool) -> None:
    group = store.need("classes", record["class"], 422)
    if "category" in record:
        store.need("categories", record["category"], 422)
    for name in ("gradingPeriod", "academicSession"):
        if name in record:
            store.need("academicSessions", record[name], 422)
    if "scoreScale" in record:
        store.need("scoreScales", record["scoreScale"], 422)
    if record.get("school", group["school"]) != group["school"]:
        raise invalid("The school is not that of the class.")
    if not record["title"].strip():
        raise invalid("The title is empty.")
    least, most = record.get("resultValueMin", 0), record.get("resultValueMax")
    if most is not None and most <= least:
        raise invalid("The greatest value is not above the least.")


def check_category(store: Store, record: Json, lenient: bool) -> None:
    if not record["title"].strip():
        raise invalid("The title is empty.")


def check_score_scale(store: Store, record: Json, lenient: bool) -> None:
    store.need("classes", record["class"], 422)


def check_assessment_line_item(store: Store, record: Json, lenient: bool) -> None:
    if "class" in record:
        store.need("classes", record["class"], 422)


def check_assessment_result(store: Store, record: Json, lenient: bool) -> None:
    store.need("assessmentLineItems", record["assessmentLineItem"], 422)
    store.need("users", record["student"], 422)


RULES: Mapping[str, Rule] = {
    "results": check_result,
    "lineItems": check_line_item,
    "categories": check_category,
    "scoreScales": check_score_scale,
    "assessmentLineItems": check_assessment_line_item,
    "assessmentResults": check_assessment_result,
}

# what a record belongs to for good: another PUT under its id may not move it
FIXED: Mapping[str, tuple[str, ...]] = {
    "results": ("lineItem", "student"),
    "lineItems": ("class",),
    "scoreScales": ("class",),
    "assessmentResults": ("assessmentLineItem", "student"),
}


def check_same_place(collection: str, former: Mapping[str, Any] | None, record: Json) -> None:
    for name in FIXED.get(collection, ()):
        if former is not None and former.get(name) != record.get(name):
            raise invalid(f"The {name} of an existing record cannot change.")


def check_deletable(store: Store, collection: str, sourced_id: str) -> None:
    holders = {"lineItems": ("results", "lineItem"), "categories": ("lineItems", "category")}.get(collection)
    if holders is None:
        return
    kind, name = holders
    for one in store.state[kind].values():
        graded = kind != "results" or "score" in one or "textScore" in one
        if one["status"] == "active" and one.get(name) == sourced_id and graded:
            raise Refusal(422, "deletefailure", f"It still has {kind}.")
