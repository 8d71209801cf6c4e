"""Request bodies that satisfy OneRoster 1.2 to the letter, written out as a client would."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

TYPES = {
    "lineItems": ("gradebook", "lineItem"),
    "scoreScales": ("gradebook", "scoreScale"),
    "categories": ("gradebook", "category"),
    "users": ("rostering", "user"),
    "classes": ("rostering", "class"),
    "orgs": ("rostering", "org"),
    "academicSessions": ("rostering", "academicSession"),
}
AT = "2025-10-01T12:00:00Z"


def ref(base: str, collection: str, sourced_id: str) -> dict[str, str]:
    service, kind = TYPES[collection]
    href = f"{base}/ims/oneroster/{service}/v1p2/{collection}/{sourced_id}"
    return {"href": href, "sourcedId": sourced_id, "type": kind}


def new_result(
    base: str,
    sourced_id: str,
    line_item_id: str = "li-alg1-homework1",
    student_id: str = "S20004",
    score: Decimal | int | None = 8,
    **more: Any,
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "sourcedId": sourced_id,
        "status": "active",
        "dateLastModified": AT,
        "lineItem": ref(base, "lineItems", line_item_id),
        "student": ref(base, "users", student_id),
        "scoreStatus": "fully graded",
        "scoreDate": "2025-10-01",
        **more,
    }
    return body if score is None else body | {"score": score}


def line_item(base: str, sourced_id: str, class_id: str = "ALG1-P3", **more: Any) -> dict[str, Any]:
    return {
        "sourcedId": sourced_id,
        "status": "active",
        "dateLastModified": AT,
        "title": "Unit 1 Test",
        "assignDate": AT,
        "dueDate": "2025-10-08T12:00:00Z",
        "class": ref(base, "classes", class_id),
        "school": ref(base, "orgs", "sch-north"),
        "category": ref(base, "categories", "cat-tests"),
        "resultValueMin": 0,
        "resultValueMax": 100,
        **more,
    }


def category(sourced_id: str, **more: Any) -> dict[str, Any]:
    return {
        "sourcedId": sourced_id,
        "status": "active",
        "dateLastModified": AT,
        "title": "Projects",
        **more,
    }


def score_scale(base: str, sourced_id: str, class_id: str = "ALG1-P3") -> dict[str, Any]:
    return {
        "sourcedId": sourced_id,
        "status": "active",
        "dateLastModified": AT,
        "title": "Pass or not",
        "type": "letters",
        "class": ref(base, "classes", class_id),
        "scoreScaleValue": [
            {"itemValueLHS": "P", "itemValueRHS": "1"},
            {"itemValueLHS": "N", "itemValueRHS": "0"},
        ],
    }
