"""An Aeries answer that is no success, to our errors, in this one place: 400 and 404 with a Message, and nothing finer.

Aeries documents no code of a locked gradebook or a refused value, so a few words are looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import requests

from lti_tool import http
from sync.errors import AdapterError, Misconfigured, Rejected, RejectionCode
from sync.sis.base import BatchRejected

WORDS: Final = 300
TOLD: Final[tuple[tuple[str, RejectionCode], ...]] = (
    ("lock", "frozen"),
    ("date range", "window_closed"),
    ("closed", "window_closed"),
    ("exceed", "over_max"),
    ("maximum", "over_max"),
)


def not_granted(*, writing: bool) -> Misconfigured:
    """403: the certificate lacks a security area."""
    text = (
        "Aeries does not let this certificate update that. An Aeries administrator must grant it Gradebook Data and "
        "Gradebook Scores with Update."
        if writing
        else "Aeries does not let this certificate read that. An Aeries administrator must grant it Gradebook Data, "
        "Gradebook Scores, Class Schedules and Master Schedule."
    )
    return Misconfigured(text, "forbidden")


def scores_refused(response: requests.Response) -> AdapterError:
    """Refused scores name nobody: the base class finds out who, one by one."""
    words = words_of(response)
    if response.status_code == 404:
        return Rejected("line_item_missing", words)
    code = code_of(words)
    if code in ("frozen", "window_closed"):
        return Rejected(code, words)
    return BatchRejected({}, words)


def one_score_refused(response: requests.Response) -> Rejected:
    """As above, of a request that carried one score."""
    words = words_of(response)
    return Rejected("line_item_missing" if response.status_code == 404 else code_of(words), words)


def assignment_refused(response: requests.Response) -> Rejected:
    words = words_of(response)
    return Rejected("class_unknown" if response.status_code == 404 else code_of(words), words)


def code_of(words: str) -> RejectionCode:
    text = words.casefold()
    return next((code for told, code in TOLD if told in text), "malformed")


def words_of(response: requests.Response) -> str:
    """Aeries's own words for a person."""
    try:
        body = http.loads(response.content)
    except http.BadBody:
        return ""
    said = body.get("Message") or body.get("message") if isinstance(body, Mapping) else body
    return " ".join(said.split())[:WORDS] if isinstance(said, str) else ""
