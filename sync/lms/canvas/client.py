"""Canvas's REST API: one object, or a list with all its pages. Never part of a list.

Canvas documents its paging as opaque: the address of the next page is taken from the Link header as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import requests

from lti_tool import http
from sync.auth import retry_after
from sync.errors import Misconfigured, TryLater

PER_PAGE: Final = 100
THROTTLED_S: Final = 10
Row = Mapping[str, Any]
Params = Sequence[tuple[str, str]]
SoFar = Callable[[int], None]

HEADERS: Final = {"Accept": "application/json+canvas-string-ids"}
FORBIDDEN, UNKNOWN = "forbidden", "course_unknown"
_ASK_LATER = "Try later; if it stays, ask the LMS administrator."


class Client:
    """Reads one Canvas with one access token, which goes to this host only.

    Raises Misconfigured (codes `token_refused`, `forbidden`, `course_unknown`, ...) or TryLater.
    """

    def __init__(self, base_url: str, token: str) -> None:
        address = base_url.strip().rstrip("/").removesuffix("/api/v1")
        if not address or not token:
            what = "address" if not address else "access token"
            text = f"The connection to Canvas has no {what}. An administrator must add it to the connection."
            raise Misconfigured(text, "connection_incomplete")
        self._root = f"{address}/api/v1"
        self._session = http.Session({http.host_of(address).lower()})
        self._session.headers.update(HEADERS | {"Authorization": f"Bearer {token}"})

    def close(self) -> None:
        self._session.close()

    def one(self, path: str, params: Params = ()) -> Row:
        found = _json(self._get(self._root + path, params))
        if not isinstance(found, Mapping):
            raise _broken("something else than was asked for")
        return found

    def all(
        self, path: str, params: Params = (), *, keys: Sequence[str] = ("id",), so_far: SoFar = lambda _: None
    ) -> list[Row]:
        """Every row of every page; `so_far` is told after each page how many came.

        `keys` name a row: one that comes twice shows that the pages moved while reading.
        """
        rows: list[Row] = []
        seen: set[tuple[str, ...]] = set()
        for page in self._pages(self._root + path, [*params, ("per_page", str(PER_PAGE))]):
            for row in page:
                name = tuple(str(row.get(key)) for key in keys)
                if name in seen:
                    raise _broken("the same rows on two pages")
                seen.add(name)
            rows += page
            so_far(len(rows))
        return rows

    def _pages(self, url: str, params: Params) -> Iterator[list[Row]]:
        visited = {url}
        response = self._get(url, params)
        while True:
            page = _rows(response)
            following = self._next(response, len(page))
            yield page
            if not following:
                return
            if following in visited:
                raise _broken("pages that lead in a circle")
            visited.add(following)
            response = self._get(following, ())

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
        if not stated:
            return ""
        following = urljoin(str(response.url), stated)
        if _origin(following) != _origin(self._root):
            text = (
                "Canvas's next page lies on another host, so it is not read. The LMS administrator must "
                "check Canvas's own address, or that of this connection."
            )
            raise Misconfigured(text, "next_link_other_host")
        return following

    def _get(self, url: str, params: Params) -> requests.Response:
        try:
            response = self._session.get(url, params=list(params))
        except http.Refused as error:
            raise Misconfigured(f"Canvas's address cannot be used: {error}", "address_refused") from None
        except http.HttpError as error:
            raise TryLater(f"Canvas could not be read: {error}") from None
        _raise_for(response)
        return response


def _origin(url: str) -> tuple[str, str]:
    return urlsplit(url).scheme.lower(), http.host_of(url).lower()


def _rows(response: requests.Response) -> list[Row]:
    found = _json(response)
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise _broken("something else than the list that was asked for")
    return found


def _json(response: requests.Response) -> Any:
    try:
        return http.loads(response.content, nan=True)
    except http.BadBody:
        raise _broken("a page instead of data") from None


def _broken(what: str) -> TryLater:
    return TryLater(f"Canvas answered with {what}. {_ASK_LATER}")


def _raise_for(response: requests.Response) -> None:
    """HTTP status (and Canvas's words, where the status alone is ambiguous) to our errors, in this one place."""
    code = response.status_code
    if code == 200:
        return
    # documented as 403 with these words, and as 429
    if code == 429 or (code == 403 and b"rate limit exceeded" in response.content.lower()):
        raise TryLater("Canvas is busy.", retry_after(response) or THROTTLED_S)
    if code == 401 and not _lacks_right(response):
        text = (
            "Canvas refuses the access token: it has expired, or was revoked. An LMS administrator must "
            "make a new one and add it to the connection."
        )
        raise Misconfigured(text, "token_refused")
    if code in (401, 403):
        text = (
            "The access token may not read this in Canvas. Its owner needs to see all grades of the "
            "course: an LMS administrator must grant it."
        )
        raise Misconfigured(text, FORBIDDEN)
    if code == 404:
        text = (
            "Canvas does not know this course, or hides it from the token's owner. An LMS administrator "
            "must check the tool's course id parameter and the token."
        )
        raise Misconfigured(text, UNKNOWN)
    if code >= 500 or code == 408:
        raise TryLater(f"Canvas is away (it answered {code}).", retry_after(response))
    raise Misconfigured(
        f"Canvas answered {code}. The LMS administrator must check the address.", "unexpected_answer"
    )


def _lacks_right(response: requests.Response) -> bool:
    """Canvas answers 401 both for a bad token and, with a good one, for a missing right; only the former asks for a token."""
    if "WWW-Authenticate" in response.headers:
        return False
    try:
        found = http.loads(response.content)
    except http.BadBody:
        return False
    return isinstance(found, Mapping) and found.get("status") == "unauthorized"
