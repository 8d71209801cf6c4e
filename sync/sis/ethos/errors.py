"""An Ethos answer that is no success, to our errors, in this one place.

`{"errors": [{"code", "title" or "message", "description"}]}`; behind the proxy the SIS's own answer can stand as a JSON
text inside a description, itself a list of errors. The codes for rolled grades and closed windows are not public, so a
refusal is told apart by its status and words, and the words are kept for the teacher.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import requests

from lti_tool import http
from sync.errors import AdapterError, Misconfigured, Rejected, RejectionCode

WORDS: Final = 300
DEEPEST: Final = 4
# what a refusal is about, by its words; the more telling first
SIGNS: Final[tuple[tuple[str, RejectionCode], ...]] = (
    (r"instructor.{0,40}\bnot\b|not .{0,30}instructor", "not_your_class"),
    # the resource itself is called unverified
    (r"rolled|academic history|(?<!un)verified|already final|frozen", "frozen"),
    (r"window|grading period|not open|\bclosed\b|deadline|cut-?off", "window_closed"),
    (r"last (date of )?attend|attendance|extension date|incomplete", "extra_data_required"),
    (r"not gradable|not gradeable|component", "not_gradable"),
    (r"grade type|section-grade-type", "line_item_missing"),
    (r"not (registered|enrolled)|registration.{0,40}(not found|invalid|does not exist)", "not_enrolled"),
    (r"grade.{0,60}(not valid|invalid|not allowed|scheme)|scheme|grade-definition", "grade_not_in_scale"),
)
VERSION: Final = re.compile(r"\.v(\d+(?:\.\d+)*)\+json")


def rejected(response: requests.Response) -> AdapterError:
    """What a refused submission means: of this record, or of the whole connection."""
    code, words, sign = response.status_code, words_of(response), sign_of(response)
    if code in (405, 406, 415) or (code == 404 and not sign):
        text = (
            f"Ethos takes no submissions of grades here (it answered {code}). The SIS administrator must allow them for this "
            "key, or an administrator sets the option “versions”."
        )
        return Misconfigured(text, "not_writable")
    if code == 403 and sign != "not_your_class":
        text = (
            "This API key may not submit grades. The SIS administrator must allow student-unverified-grades in Ethos "
            "Integration."
        )
        return Misconfigured(text, "forbidden")
    return Rejected(sign or "malformed", words)


def sign_of(response: requests.Response) -> RejectionCode | None:
    """What the SIS's own words are about."""
    text = words_of(response).casefold()
    return next((code for pattern, code in SIGNS if re.search(pattern, text)), None)


def words_of(response: requests.Response) -> str:
    """The SIS's own words for a person, out of however many layers; the innermost say most."""
    try:
        body = http.loads(response.content)
    except http.BadBody:
        return ""
    said = [" ".join(part.split()) for part in _texts(body, DEEPEST)]
    return " ".join(dict.fromkeys(part for part in said if part))[:WORDS]


def _texts(body: Any, depth: int) -> Iterator[str]:
    listed = body.get("errors") if isinstance(body, Mapping) else body
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, Mapping):
            for name in ("message", "title", "description"):
                yield from _text(one.get(name), depth)


def _text(said: Any, depth: int) -> Iterator[str]:
    if not isinstance(said, str):
        return
    inner = _inner(said) if depth else None
    if inner is None:
        yield said
    else:
        yield from _texts(inner, depth - 1)


def _inner(said: str) -> Any:
    """The answer that a text holds as JSON; None for words."""
    if not said.lstrip().startswith(("{", "[")):
        return None
    try:
        return http.loads(said.encode())
    except http.BadBody:
        return None


def version_of(response: requests.Response) -> str:
    """The version that was served, as `x-media-type` says; "" where it does not."""
    found = VERSION.search(response.headers.get("x-media-type", ""))
    return found[1] if found else ""
