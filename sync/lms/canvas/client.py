"""Canvas's REST API: one object, or a list page by page. Never part of a list.

Canvas documents its paging as opaque: the address of the next page is taken from the Link header as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import urljoin

import requests

from lti_tool import http
from sync.auth import retry_after
from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms import rest
from sync.lms.access import Account, Pace
from sync.lms.rest import Params, Row
from sync.lms.streams import Streams

PER_PAGE: Final = 100

# Canvas's bucket leaks ten units a second, and each request under way holds fifty of it: below this much we go slower
COMFORTABLE, LEAK = Decimal(150), Decimal(10)
# a header that never recovers must not make a read endless
LONGEST_EASE_S: Final = 120


class Client(rest.Rest):
    """Reads one Canvas for one account.

    Raises Misconfigured (codes `token_refused`, `forbidden`, `course_unknown`, ...) or TryLater.
    """

    product = "Canvas"
    headers = {"Accept": "application/json+canvas-string-ids"}

    def __init__(
        self, base_url: str, account: Account, *, pace: Pace | None = None, streams: Streams | None = None
    ) -> None:
        address = base_url.strip().rstrip("/").removesuffix("/api/v1")
        super().__init__(f"{address}/api/v1" if address else "", account, pace=pace, streams=streams)
        self._ease_left = LONGEST_EASE_S

    # --- what Canvas answers ---

    def refusal(self, response: requests.Response) -> AdapterError | None:
        code = response.status_code
        # documented as 403 with these words, and as 429
        if code == 403 and b"rate limit exceeded" in response.content.lower():
            return rest.Busy("Canvas is busy.", retry_after(response) or rest.THROTTLED_S)
        if code == 403 and b"invalid assignment ids" in response.content.lower():
            return TryLater(
                "An assignment was removed in Canvas while the course was read. It is read again later."
            )
        if code in (401, 403):
            return self._denied(response)
        if code == 404:
            return rest.unknown_course("Canvas")
        return self.usual_refusal(response)

    def _denied(self, response: requests.Response) -> AdapterError:
        """Canvas answers 401 for a bad token, for a missing right and for a missing scope; a new token helps the first."""
        if b"insufficient scopes" in response.content.lower():
            return Misconfigured(
                "The access token was not given the scope to read this in Canvas. A Canvas administrator must add it to "
                "the developer key.",
                rest.FORBIDDEN,
            )
        if "WWW-Authenticate" not in response.headers and _lacks_right(response):
            return rest.forbidden("Canvas")
        return rest.refused_token("Canvas")

    # --- lists ---

    def all(self, path: str, params: Params = ()) -> list[Row]:
        """Every row of every page."""
        return [row for page in self.pages(path, params) for row in page]

    def pages(self, path: str, params: Params = ()) -> Iterator[list[Row]]:
        """The list as it comes. Raises where a row comes twice, which shows that the pages moved while reading."""
        whole = rest.Whole(self)
        following, asked = path, [*params, ("per_page", str(PER_PAGE))]
        while following:
            whole.visit(following)
            response = self.ask("GET", following, asked)
            page = self.rows(self.data(response))
            following, asked = self._next(response, len(page)), []
            yield whole.passed(page)

    def _next(self, response: requests.Response, size: int) -> str:
        if "Link" not in response.headers:
            if size >= PER_PAGE:
                text = (
                    "A full page came from Canvas without its Link header, so the rest cannot be found. A "
                    "proxy may remove it: ask the LMS administrator."
                )
                raise Misconfigured(text, "link_header_missing")
            return ""
        stated = response.links.get("next", {}).get("url", "")
        return urljoin(str(response.url), stated) if stated else ""

    # --- going slower before Canvas says so ---

    def ask(self, method: str, path: str, params: Params = (), **body: Any) -> requests.Response:
        response = super().ask(method, path, params, **body)
        seconds = min(_ease(response), self._ease_left)
        if seconds:
            self._ease_left -= seconds
            self.pause(seconds)
        return response


def _lacks_right(response: requests.Response) -> bool:
    if response.status_code == 403:
        return True
    try:
        found = http.loads(response.content)
    except http.BadBody:
        return False
    return isinstance(found, Mapping) and found.get("status") == "unauthorized"


def _ease(response: requests.Response) -> int:
    """Seconds until the bucket is comfortably empty again, as far as this answer tells."""
    try:
        left = Decimal(response.headers.get("X-Rate-Limit-Remaining", ""))
    except InvalidOperation:
        return 0
    if not left.is_finite() or left >= COMFORTABLE:
        return 0
    return int((COMFORTABLE - max(left, Decimal(0))) / LEAK)
