"""AGS and NRPS of one registration, read whole: all pages or an error, never less than there is."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any
from urllib.parse import urlsplit

import requests

from lti_tool import http, paging
from lti_tool.models import Registration
from lti_tool.origins import allowed_hosts
from lti_tool.service_errors import (
    ServiceAway,
    ServiceBroken,
    ServiceError,
    ServiceRefused,
    check_status,
    translated,
)
from lti_tool.tokens import AccessTokens

__all__ = ["ServiceAway", "ServiceBroken", "ServiceError", "ServiceRefused", "Services", "allowed_hosts"]

LINE_ITEM_SCOPES = (
    "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly",
    # some platforms grant only the writing scope; it is asked for only where the reading one is refused
    "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem",
)
RESULT_SCOPES = ("https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly",)
MEMBER_SCOPES = ("https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly",)

# exactly one media type: Moodle answers 400 to a list or to application/json
LINE_ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

MAX_PAGES = 2000


class Services:
    """The AGS and NRPS client of one registration.

    Methods return the JSON objects of the spec with numbers as Decimal. They raise ServiceRefused (an administrator
    must act), ServiceAway (busy or away: later) or ServiceBroken (the answer makes no sense: later, then a report).
    The bearer goes only to hosts of the registration (`origins.allowed_hosts`).
    """

    def __init__(self, registration: Registration) -> None:
        self._registration = registration
        self._hosts = allowed_hosts(registration)
        self._session = http.Session(bearer_hosts=self._hosts)
        self._tokens = AccessTokens(registration, self._session)

    def line_items(self, url: str) -> list[dict[str, Any]]:
        """All line items this tool may see (AGS §3.2)."""
        return self._read_all(url, LINE_ITEM_SCOPES, LINE_ITEMS)

    def results(self, line_item_url: str) -> list[dict[str, Any]]:
        """All results of one line item (AGS §3.3). Students without a result may be left out by the LMS."""
        # no `limit`: Moodle fails on it together with the URL that it hands out itself
        return self._read_all(paging.results_url(line_item_url), RESULT_SCOPES, RESULTS)

    def members(self, url: str) -> list[dict[str, Any]]:
        """All members of the course (NRPS §2)."""
        return self._read_all(url, MEMBER_SCOPES, MEMBERS)

    def _read_all(self, url: str, scopes: tuple[str, ...], accept: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        visited: set[str] = set()
        seen: set[Hashable] = set()
        while True:
            if url in visited or len(visited) >= MAX_PAGES:
                raise ServiceBroken(
                    f"{http.host_of(url)} sends its pages in a circle, so the list is not complete.",
                    "page-loop",
                )
            visited.add(url)
            response = self._get(url, scopes, accept)
            page = _page(response, url, accept)
            _refuse_repeats(page, seen, url)
            items += page
            url = _next_page(response, url)
            if not url:
                return items

    def _get(self, url: str, scopes: tuple[str, ...], accept: str) -> requests.Response:
        self._check_host(url)
        response = self._send(url, self._tokens.get(scopes), accept)
        if response.status_code == 401:
            # the platform may have dropped the token before its time: one new one, once
            self._tokens.drop(scopes)
            response = self._send(url, self._tokens.get(scopes), accept)
        check_status(response, url)
        if response.status_code != 200:
            text = f"{http.host_of(url)} answered {response.status_code}, which is not the whole list."
            raise ServiceBroken(text, f"http-{response.status_code}")
        return response

    def _send(self, url: str, token: str, accept: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        try:
            return self._session.get(url, headers=headers)
        except http.HttpError as error:
            raise translated(error) from None

    def _check_host(self, url: str) -> None:
        """Before a token is even asked for: is this one of the platform's hosts, and no less protected than its tokens?"""
        host = http.host_of(url)
        if not host:
            text = "The LMS names no full address for its grade services. Ask the LMS administrator."
            raise ServiceRefused(text, "no-address")
        if urlsplit(url).scheme != "https" and urlsplit(self._registration.auth_token_url).scheme == "https":
            text = f"The LMS names an address of {host} for its grade services that is not https. Ask the LMS administrator."
            raise ServiceRefused(text, "not-https")
        if not http.host_allowed(url, self._hosts):
            raise ServiceRefused(
                f"The LMS names {host} for its grade services, which is not a known host of “{self._registration.name}”. If it belongs "
                f"to your LMS, an administrator of this tool adds {host} to the service hosts of that registration.",
                "host-not-allowed",
            )


def _next_page(response: requests.Response, url: str) -> str:
    try:
        return paging.next_link(response.headers.get("Link", ""), url)
    except ValueError:
        text = f"{http.host_of(url)} has more pages but does not say where, so the list is not complete."
        raise ServiceBroken(text, "bad-link") from None


def _page(response: requests.Response, url: str, accept: str) -> list[dict[str, Any]]:
    host = http.host_of(url)
    try:
        body = http.loads(response.content, nan=True)
    except http.BadBody:
        raise ServiceBroken(
            f"{host} answered with something that is not JSON, or broke off.", "bad-json"
        ) from None
    items: object = body
    if accept == MEMBERS:
        items = body.get("members") if isinstance(body, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ServiceBroken(f"{host} answered with JSON that is not the list it should be.", "bad-shape")
    return items


def _refuse_repeats(page: list[dict[str, Any]], seen: set[Hashable], url: str) -> None:
    """An item that stood on an earlier page: pages overlap, so others may be missing. Repeats within a page are the reader's."""
    ids = {key for item in page if (key := _identity(item)) is not None}
    if ids & seen:
        raise ServiceBroken(
            f"{http.host_of(url)} repeats entries from page to page, so the list may not be complete.",
            "page-repeats",
        )
    seen |= ids


def _identity(item: dict[str, Any]) -> Hashable:
    for name in ("id", "userId", "user_id"):
        value = item.get(name)
        if isinstance(value, str | int) and value != "":
            return (name, str(value))
    return None
