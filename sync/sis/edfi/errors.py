"""An Ed-Fi answer that is no success, to our errors, in this one place.

From ODS 7.2 on (and in the Data Management Service) errors are RFC 9457 objects, whose `type` says what it is about;
older hosts answer `{"message": ...}`, where only the status and a few words can be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import requests

from lti_tool import http
from sync.auth import retry_after
from sync.errors import AdapterError, Misconfigured, Rejected, RejectionCode, TryLater

WORDS: Final = 300
# the parent that a 409 misses, by the words that name it; the more telling first
MISSING: Final[tuple[tuple[str, RejectionCode], ...]] = (
    ("gradebookentry", "line_item_missing"),
    ("gradingperiod", "line_item_missing"),
    ("studentsectionassociation", "not_enrolled"),
    ("section", "class_unknown"),
    ("student", "student_unknown"),
)


def rejected(response: requests.Response) -> AdapterError:
    """What a refused write means: of this record, or of the whole connection."""
    code, kind, words = response.status_code, type_of(response), words_of(response)
    if code == 403:
        return _forbidden(kind, words)
    if code == 409:
        return Rejected(_missing(kind, words), words)
    if code == 404:
        return Rejected("line_item_missing", words)
    if code == 412:
        return Rejected("conflict_newer", words)
    if code == 400 and "descriptor" in words.casefold():
        text = "The host does not know a descriptor of this connection. An administrator must check the option “descriptors”."
        return Misconfigured(text, "descriptor_unknown")
    if code == 400:
        return Rejected("malformed", words)
    return TryLater(f"The Ed-Fi host answered {code}.", retry_after(response))


def _forbidden(kind: str, words: str) -> AdapterError:
    """No right to the resource or namespace at all is the key's; no relationship to one student is that record's."""
    text = f"{kind} {words}".casefold()
    if "element" in text or "relationship" in text:
        return Rejected("forbidden", words)
    return Misconfigured(
        "The Ed-Fi host does not let this key write here. Its administrator must give it a claim set for gradebooks, and "
        "the namespace of this connection.",
        "forbidden",
    )


def _missing(kind: str, words: str) -> RejectionCode:
    text = re.sub(r"[^a-z]", "", f"{kind} {words}".casefold())
    if "unresolvedreference" not in text and "reference" not in text and "exist" not in text:
        return "malformed"
    return next((code for name, code in MISSING if name in text), "malformed")


def type_of(response: requests.Response) -> str:
    return str(_body(response).get("type") or "")


def words_of(response: requests.Response) -> str:
    """The host's own words for a person: detail, then what it found in the fields."""
    body = _body(response)
    parts = [body.get("detail"), body.get("message"), *_listed(body.get("errors"))]
    found = body.get("validationErrors")
    if isinstance(found, Mapping):
        parts += [line for lines in found.values() for line in _listed(lines)]
    said = [" ".join(part.split()) for part in parts if isinstance(part, str) and part.strip()]
    return " ".join(dict.fromkeys(said))[:WORDS]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def _body(response: requests.Response) -> Mapping[str, Any]:
    try:
        found = http.loads(response.content)
    except http.BadBody:
        return {}
    return found if isinstance(found, Mapping) else {}
