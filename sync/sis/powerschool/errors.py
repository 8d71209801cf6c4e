"""A PowerSchool answer that is no success, to our errors, in this one place.

Bodies as integrators met them: `{"message": ..., "errors": [{"code", "field", "resource", "message", "params"}]}`, or text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import requests

from lti_tool import http
from sync.errors import AdapterError, Misconfigured, Rejected, RejectionCode, TryLater
from sync.sis import records as sis
from sync.sis.base import BatchRejected

WORDS: Final = 300
FIELD: Final = re.compile(r"no access to (?:the )?field:?\s+['\"“]?(\w+(?:\.\w+)?)", re.IGNORECASE)
# a score for a deleted assignment is answered with 500 and a text that names the class of Java (an integrator's finding)
GONE: Final = re.compile(r"unable to find\W.{0,120}assignmentsection", re.IGNORECASE | re.DOTALL)


def forbidden(response: requests.Response, *, writing: bool) -> AdapterError:
    """403: a field that the plugin does not grant, a teacher without this class, or the whole resource."""
    words = words_of(response)
    field = _field_of(response, words)
    if field:
        text = (
            f"PowerSchool's plugin has no access to the field {field}. A PowerSchool administrator must add it to the "
            "plugin's access request."
        )
        return Misconfigured(text, "field_not_granted")
    if writing and "does not teach" in words.casefold():
        return Rejected("not_your_class", words)
    text = "PowerSchool's plugin may not do that. A PowerSchool administrator must check its access request."
    return Misconfigured(text, "forbidden")


def _field_of(response: requests.Response, words: str) -> str:
    for one in _errors(response):
        if str(one.get("code") or "").replace(" ", "").casefold() in ("noaccess", "noaccesstothefield"):
            named = [str(one[name]) for name in ("resource", "field") if one.get(name)]
            return ".".join(part for part in named if re.fullmatch(r"\w+", part))
    found = FIELD.search(words)
    return found[1] if found else ""


def is_gone(response: requests.Response) -> bool:
    """The assignment is not there any more: 404, or the 500 that says so."""
    if response.status_code == 500:
        return bool(GONE.search(response.text[:4000]))
    return response.status_code == 404


def scores_refused(response: requests.Response, batch: Sequence[sis.Change]) -> AdapterError:
    """What refused scores mean: nothing of the batch was stored."""
    words = words_of(response)
    if is_gone(response):
        return Rejected("line_item_missing", words)
    if response.status_code == 412:
        return TryLater("PowerSchool asks to send the scores again.")
    culprits = _culprits(response, batch)
    if not culprits and "lock" in words.casefold():
        return Rejected("frozen", words)
    return BatchRejected(culprits, words)


def _culprits(response: requests.Response, batch: Sequence[sis.Change]) -> dict[sis.Key, Rejected]:
    """The students of the batch whom a 409 names: `errors[].params.student_dcid`."""
    named: dict[str, str] = {}
    for one in _errors(response):
        params = one.get("params")
        if isinstance(params, Mapping) and params.get("student_dcid"):
            named.setdefault(str(params["student_dcid"]), _text(one))
    return {
        change.key: Rejected(_code(named[change.key.student_id]), named[change.key.student_id][:WORDS])
        for change in batch
        if change.key.student_id in named
    }


def _code(words: str) -> RejectionCode:
    text = words.casefold()
    if "lock" in text:
        return "frozen"
    if "association" in text or "enrol" in text or not text:
        return "not_enrolled"
    return "malformed"


def assignment_refused(response: requests.Response) -> AdapterError:
    """What a refused new assignment means."""
    words = words_of(response)
    if response.status_code == 404:
        return Rejected("class_unknown", words)
    if response.status_code == 412:
        return TryLater("PowerSchool asks to send the assignment again.")
    return Rejected("frozen" if "lock" in words.casefold() else "malformed", words)


def words_of(response: requests.Response) -> str:
    """PowerSchool's own words for a person."""
    body = _body(response)
    if body is None:
        text = response.text if "<" not in response.text[:200] else ""
        return " ".join(text.split())[:WORDS]
    said = [str(body.get("message") or ""), *map(_text, _errors(response))]
    return " ".join(dict.fromkeys(one for one in said if one))[:WORDS]


def _text(error: Mapping[str, Any]) -> str:
    said = str(error.get("message") or error.get("description") or error.get("code") or "")
    field = str(error.get("field") or "")
    return " ".join(f"{field}: {said}".split()) if field and said else " ".join(said.split())


def _errors(response: requests.Response) -> list[Mapping[str, Any]]:
    listed = (_body(response) or {}).get("errors")
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def _body(response: requests.Response) -> Mapping[str, Any] | None:
    try:
        found = http.loads(response.content)
    except http.BadBody:
        return None
    return found if isinstance(found, Mapping) else None
