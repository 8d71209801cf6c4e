"""HTTP status and body of a OneRoster answer to our errors, in this one place.

The status decides; the body only gives words and, where it is machine-readable, a code. Five shapes of it are met:
the bare imsx_StatusInfo of the OpenAPI, the same wrapped, the `statusInfoSet` of 1.1, a flat `statusInfo`, and
`{"error": ...}` or a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests

from lti_tool import http
from sync.auth import retry_after
from sync.errors import AdapterError, Misconfigured, RejectionCode, TryLater, Unreachable

WORDS: Final = 300
BUSY: Final = frozenset({425, 429, 503})
UNSUPPORTED: Final = frozenset({405, 501})
NO_SUCH_LIST: Final = frozenset({400, 404, 405, 501})
# statuses that answer for the records of this one request; what is not here concerns the connection
RECORD: Final = frozenset({400, 403, 404, 409, 410, 413, 422, 423})
GONE: Final = frozenset({404, 410})
BY_STATUS: Final[Mapping[int, RejectionCode]] = {403: "forbidden", 423: "frozen"}
# machine-readable codes of vendors (Blackbaud's letter scale), and of the standard where they say more than the status
BY_CODE: Final[Mapping[str, RejectionCode]] = {
    "lineitemhasgradingscale": "grade_not_in_scale",
    "forbidden": "forbidden",
}


@dataclass(frozen=True, slots=True)
class StatusInfo:
    """What an error body says: its codes, lower case without spaces, and its words for a person."""

    codes: frozenset[str] = frozenset()
    words: str = ""


def status_info(response: requests.Response) -> StatusInfo:
    try:
        body = http.loads(response.content)
    except http.BadBody:
        return StatusInfo()  # a page: nothing in it is for a teacher
    info = _unwrapped(body)
    words = next((str(info[name]) for name in _WORDS if isinstance(info.get(name), str)), "")
    return StatusInfo(frozenset(_plain(code) for code in _codes(info)), " ".join(words.split())[:WORDS])


_WORDS: Final = (
    "imsx_description",
    "description",
    "error_description",
    "error",
    "message",
    "detail",
    "title",
)


def _unwrapped(body: Any) -> Mapping[str, Any]:
    for name in ("imsx_StatusInfo", "statusInfoSet", "statusInfo", "errors", "error"):
        inner = body.get(name) if isinstance(body, Mapping) else None
        if isinstance(inner, list) and inner:
            inner = inner[0]
        if isinstance(inner, Mapping):
            body = inner
    if isinstance(body, list) and body:
        body = body[0]
    return body if isinstance(body, Mapping) else {}


def _codes(info: Mapping[str, Any]) -> Iterator[str]:
    for name in ("imsx_CodeMinor", "imsx_codeMinor", "codeMinor", "code"):
        minor = info.get(name)
        if isinstance(minor, str):
            yield minor
        elif isinstance(minor, Mapping):
            fields = minor.get("imsx_codeMinorField", [])
            for field in fields if isinstance(fields, list) else [fields]:
                if isinstance(field, Mapping):
                    yield str(field.get("imsx_codeMinorFieldValue", ""))


def _plain(code: str) -> str:
    return code.lower().replace(" ", "").replace("_", "")


def reading_error(response: requests.Response) -> AdapterError:
    """What an answer other than 2xx means while reading: nothing was or could be changed."""
    code = response.status_code
    if code in BUSY or code >= 500 or code == 408:
        return TryLater(f"The SIS is busy or away ({code}).", retry_after(response))
    if code in (401, 403):
        return unauthorised(code)
    if code == 404:
        text = "The SIS does not know this class any more, or its address is wrong. Check the link, then the address."
        return Misconfigured(text, "class_unknown")
    return _moved_or(code, "refused to be read")


def unauthorised(code: int, hint: str = "") -> Misconfigured:
    """`hint`: what this connection lacks for certain, if anything."""
    text = (
        f"The SIS answered {code}: the key is not valid there or lacks a right. "
        "The SIS administrator must check the key and the scopes it may have."
    )
    text = f"{text} {hint}".strip()
    return Misconfigured(text, "unauthorised" if code == 401 else "forbidden")


def writing_error(response: requests.Response) -> AdapterError | None:
    """What stops, or leaves open, a write; None when the answer is about its records (2xx, RECORD, UNSUPPORTED)."""
    code = response.status_code
    if 200 <= code < 300 or code in UNSUPPORTED:
        return None
    if code in BUSY:
        return TryLater(f"The SIS is busy ({code}).", retry_after(response))
    if code == 401 or (code == 403 and lacks_scope(response)):
        return unauthorised(code)
    if code >= 500 or code in (303, 408):
        return Unreachable(f"The SIS failed while storing ({code}).")  # it may have stored before it failed
    return None if code in RECORD else _moved_or(code, "refused a write")


def lacks_scope(response: requests.Response) -> bool:
    """A 403 about the key, not about the record: it names the scope, or says nothing that could be about a record.

    A refusal of one record names itself `forbidden` in a body of the standard; anything else would turn a missing
    right into a refusal of every single grade.
    """
    info = status_info(response)
    challenge = response.headers.get("WWW-Authenticate", "")
    if "scope" in info.words.lower() or "scope" in challenge.lower() or "unauthorisedrequest" in info.codes:
        return True
    return "forbidden" not in info.codes


def code_of(response: requests.Response) -> RejectionCode | None:
    """The rejection that status or machine-readable code state; None where only looking closer can tell."""
    info = status_info(response)
    codes = sorted({*info.codes, _plain(info.words)})  # some write their code where words belong
    stated = next((BY_CODE[code] for code in codes if code in BY_CODE), None)
    return stated or BY_STATUS.get(response.status_code)


def _moved_or(code: int, what: str) -> Misconfigured:
    if 300 <= code < 400:
        text = f"The SIS answered {code}: its address has moved. An administrator must correct it."
        return Misconfigured(text, "address_moved")
    text = f"The SIS {what} ({code}). An administrator must check address and version of the connection."
    return Misconfigured(text, "request_refused")
