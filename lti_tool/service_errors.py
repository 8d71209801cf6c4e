"""What reading an LMS service may raise, named after what the caller does next. Texts are for people; no body, no path."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from lti_tool import http

MAX_WAIT_S = 3600


class ServiceError(Exception):
    """Base. `code` is for administrators and logs."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.text, self.code = text, code


class ServiceRefused(ServiceError):
    """The LMS, or our own guard, says no: an administrator must act; trying again changes nothing."""


class ServiceAway(ServiceError):
    """Busy or away: try again after `after` seconds (None: at the caller's own pace)."""

    def __init__(self, text: str, code: str = "away", after: int | None = None) -> None:
        super().__init__(text, code)
        self.after = after


class ServiceBroken(ServiceError):
    """The answer makes no sense or is not complete. Nothing may be concluded from it."""


def translated(error: http.HttpError) -> ServiceError:
    """What the door raised, in our words. All requests here are reads, so a lost answer may simply be asked again."""
    if isinstance(error, http.Refused):
        return ServiceRefused(f"{error} Ask the administrator of this tool.", "address-refused")
    return ServiceAway(str(error))


def check_status(response: requests.Response, url: str) -> None:
    """Raises the fitting error unless the answer is a success (2xx)."""
    status, host = response.status_code, http.host_of(url)
    if 200 <= status < 300:
        return
    if status in {429, 503} or _is_throttle(response):
        raise ServiceAway(f"{host} is busy ({status}).", "busy", retry_after(response))
    if status >= 500:
        raise ServiceAway(f"{host} has an error of its own ({status}).", "lms-error", retry_after(response))
    if 300 <= status < 400:
        raise ServiceRefused(
            f"{host} redirects its service to another address, which is not followed. Ask the LMS administrator.",
            f"http-{status}",
        )
    raise ServiceRefused(ADVICE.get(status, ADVICE[400]).format(host=host, status=status), f"http-{status}")


ADVICE = {
    400: "{host} does not accept the request ({status}). Ask the LMS administrator to check the tool's registration.",
    401: "{host} does not accept this tool's access ({status}). Ask the LMS administrator to check that the tool's services are enabled.",
    403: "{host} does not let this tool read here ({status}). Ask the LMS administrator to grant it grade services and names and roles.",
    404: "{host} does not know this course or column for this tool ({status}). A completed or deleted course looks like this too; "
    "ask the LMS administrator.",
}


def _is_throttle(response: requests.Response) -> bool:
    # Canvas says 403 for two things; only the words tell them apart
    return response.status_code == 403 and b"rate limit" in response.content[:1000].lower()


def retry_after(response: requests.Response) -> int | None:
    """Seconds to wait, from the header's number or date (RFC 9110 §10.2.3); at most an hour; None when it says nothing."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:6]), MAX_WAIT_S)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, min(int((moment - datetime.now(UTC)).total_seconds()), MAX_WAIT_S))
