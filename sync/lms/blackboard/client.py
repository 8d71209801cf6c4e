"""Learn's public REST services: one object, or a list with all its pages, within the quota of the application.

Pages lead on by `paging.nextPage`, an address on the same site. The quota stands in the headers of each answer
(docs.anthology.com, "Developer Groups, Site quotas and Rate limits").
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import requests

from sync.auth import retry_after
from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms.access import Account, Pace
from sync.lms.base import text_of
from sync.lms.rest import FORBIDDEN, THROTTLED_S, UNKNOWN, Busy, Params, Rest, Row, Whole
from sync.lms.streams import Streams

API: Final = "/learn/api/public"
# what Learn gives at most; where a service gives less, its pages are shorter and lead on
PER_PAGE: Final = 200
# requests of the period that are left to the application's other courses
RESERVE: Final = 20
# a spent quota is looked at again after this long, whatever the period
LONGEST_REST_S: Final = 3600
# pages without a row, one after the other, that are still taken for pages
MOST_EMPTY: Final = 20
ENTITLEMENTS: Final = "course.gradebook.MODIFY, course.user.VIEW and system.courseuserlist.VIEW"


@dataclass
class Quota:
    """What the last answer said of the requests that the application may still make."""

    limit: int | None = None
    remaining: int | None = None
    reset_s: int | None = None

    def note(self, headers: Mapping[str, str]) -> None:
        self.limit = _count(headers.get("X-Rate-Limit-Limit"))
        self.remaining = _count(headers.get("X-Rate-Limit-Remaining"))
        self.reset_s = _seconds_until(_count(headers.get("X-Rate-Limit-Reset")))

    def require(self, needed: int) -> None:
        """Raises before the quota is spent on a read that it cannot finish."""
        if self.limit is not None and needed + RESERVE > self.limit:
            text = (
                f"Reading this course takes about {needed} requests, and Blackboard allows the application {self.limit} in "
                "a day. Who registered the application must ask Anthology for a higher limit."
            )
            raise Misconfigured(text, "quota_too_small")
        if self.remaining is not None and needed + RESERVE > self.remaining:
            text = (
                f"Reading this course takes about {needed} requests, and Blackboard allows the application "
                f"{self.remaining} more for now. It is read once the quota is renewed; who registered the application can "
                "ask Anthology for a higher one."
            )
            raise TryLater(text, self.rest_s)

    @property
    def rest_s(self) -> int:
        return min(self.reset_s or LONGEST_REST_S, LONGEST_REST_S)


class Client(Rest):
    """Reads one Learn site with one account, whose token goes to this host only."""

    product = "Blackboard"

    def __init__(self, base_url: str, account: Account, *, pace: Pace, streams: Streams) -> None:
        super().__init__(root_of(base_url), account, pace=pace, streams=streams)
        self.quota = Quota()

    def all(self, path: str, params: Params = (), *, key: str = "id") -> list[Row]:
        """Every row of every page. `key` names a row: one without it, or that comes twice, is no list to rely on."""
        whole, found = Whole(self, (key,)), list[Row]()
        for page in self.pages(path, params):
            if not all(text_of(row.get(key)) for row in page):
                raise self.broken("a row without its id")
            found += whole.passed(page)
        return found

    def pages(self, path: str, params: Params = ()) -> Iterator[list[Row]]:
        whole, empty = Whole(self), 0
        address, asked = API + path, [*params, ("limit", str(PER_PAGE))]
        while address:
            whole.visit(address)
            answer = self.one(address, asked)
            page = self.rows(answer.get("results"))
            address, asked = self._following(answer), []
            empty = 0 if page else empty + 1
            if empty > MOST_EMPTY:
                raise self.broken("pages that do not end")
            yield page

    def refusal(self, response: requests.Response) -> AdapterError | None:
        code = response.status_code
        self.quota.note(response.headers)
        # 402 stands for a spent limit in older words of "Production groups, REST API and site registrations limits"
        if code in (402, 429):
            return self._throttled(response)
        if code == 403:
            return forbidden()
        if code == 404:
            return unknown()
        return self.usual_refusal(response)

    def _throttled(self, response: requests.Response) -> Busy:
        if response.status_code == 402 or self.quota.remaining == 0:
            text = (
                "Blackboard's quota of requests for this application is used up. The course is read once it is renewed; who "
                "registered the application can ask Anthology for a higher one."
            )
            return Busy(text, self.quota.rest_s)
        return Busy("Blackboard is busy.", retry_after(response) or THROTTLED_S)

    def _following(self, answer: Row) -> str:
        paging = answer.get("paging")
        if paging is None:
            return ""
        following = paging.get("nextPage") if isinstance(paging, Mapping) else False
        if following is None or following == "":
            return ""
        if not isinstance(following, str) or not following.startswith(("/", "http://", "https://")):
            raise self.broken("a page that does not say where the next one is")
        return following


def root_of(base_url: str) -> str:
    """The site's address, also from one that was copied with the path of its services."""
    return base_url.strip().partition("/learn/api")[0].rstrip("/")


def forbidden() -> Misconfigured:
    text = (
        "The account may not read this in Blackboard. The LMS administrator must give the user of the REST integration "
        f"(Administrator Panel, REST API Integrations) a role with {ENTITLEMENTS}; a teacher's own account must teach the "
        "course."
    )
    return Misconfigured(text, FORBIDDEN)


def unknown() -> Misconfigured:
    text = (
        "Blackboard does not know this course (any more), or the address is not that of its site. An LMS administrator must "
        "check the connection's address: the Learn site from which the course was opened."
    )
    return Misconfigured(text, UNKNOWN)


def _count(stated: object) -> int | None:
    text = stated.strip() if isinstance(stated, str) else ""
    return int(text) if text.isdecimal() and len(text) < 16 else None


def _seconds_until(stated: int | None) -> int | None:
    """The documentation says both "remaining time" and "UTC epoch seconds": what is no date is a number of seconds."""
    if stated is None:
        return None
    left = stated - int(time.time()) if stated > 1_000_000_000 else stated
    return max(1, left)
