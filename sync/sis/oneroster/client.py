"""Requests to one OneRoster SIS: token, headers, transport errors, whole lists."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from lti_tool import http
from sync.errors import AdapterError, Misconfigured, TryLater, Unreachable
from sync.sis.oneroster import errors
from sync.sis.oneroster.access import Access

Record = Mapping[str, Any]
MAX_PAGES: Final = 10_000


class Client:
    """One connection's way to its SIS. Used from several threads at once."""

    def __init__(
        self,
        access: Access,
        hosts: Sequence[str],
        headers: Mapping[str, str],
        *,
        page_limit: int | None,
        hint: str = "",
    ) -> None:
        """`page_limit` None: lists come whole, without limit and offset. `hint` goes with a refusal of the key."""
        self._access, self._page_limit, self._hint = access, page_limit, hint
        self._session = http.Session({host.lower() for host in hosts})
        self._headers = {"Accept": "application/json", **headers}

    def close(self) -> None:
        self._session.close()
        self._access.close()

    # --- reading ------------------------------------------------------------------------------------------------

    def get(self, url: str, params: Mapping[str, str] | None = None) -> requests.Response:
        """Any answer below 500 that is no 401; raises TryLater or Misconfigured. Nothing is changed by reading."""
        try:
            response = self._request("GET", url, params=params)
        except (http.NotSent, http.NoAnswer) as error:
            raise TryLater(f"The SIS did not answer: {error}") from None
        if response.status_code >= 500 or response.status_code in errors.BUSY:
            raise errors.reading_error(response)
        return response

    def get_one(self, url: str, name: str) -> Record | None:
        """One record, None when the SIS says that it has none such (404 in a OneRoster answer, or marked deleted)."""
        response = self.get(url)
        if response.status_code in errors.GONE:
            if _is_page(response):
                text = "The SIS's address leads to a web page. An administrator must check it."
                raise Misconfigured(text, "address_wrong")
            return None
        found = one_of(_body(response), name)
        if found is None:
            raise _not_oneroster()
        return found if is_there(found) else None

    def get_all(self, url: str, *names: str) -> list[Record]:
        """Every record of a list, every page, deleted ones left out. Raises rather than return a shorter list.

        `names` are the keys under which the list may stand.
        """
        return [row for row in self._pages(url, names) or [] if is_there(row)]

    def get_all_if_any(self, url: str, *names: str) -> list[Record] | None:
        """As `get_all`; None when this SIS does not serve that list at all."""
        rows = self._pages(url, names, absent=errors.NO_SUCH_LIST)
        return None if rows is None else [row for row in rows if is_there(row)]

    def get_either(self, first: str, second: str, *names: str) -> list[Record]:
        """The list at the first address, at the second where the first is not served. Deleted records stay in."""
        rows = self._pages(first, names, absent=errors.NO_SUCH_LIST)
        return rows if rows is not None else self._pages(second, names) or []

    @staticmethod
    def rows(response: requests.Response, *names: str) -> list[Record]:
        """The records of one page, or an error."""
        return _rows(response, names)

    def _pages(self, url: str, names: Sequence[str], absent: Collection[int] = ()) -> list[Record] | None:
        pages = _Pages(url, self._page_limit)
        while (params := pages.next_params) is not None:
            response = self.get(pages.next_url, params)
            if response.status_code in absent and not pages.rows:
                return None
            pages.add(response, _rows(response, names))
        return pages.unique()

    # --- writing ------------------------------------------------------------------------------------------------

    def write(self, method: str, url: str, body: Record | None = None) -> requests.Response:
        """An answer about the records written (2xx, or a refusal of them), else TryLater, Unreachable, Misconfigured."""
        try:
            response = self._request(method, url, body=body)
        except http.NotSent as error:
            raise TryLater(f"The SIS cannot be reached: {error}") from None
        except http.NoAnswer as error:
            raise Unreachable(f"Sent, and not answered: {error}") from None
        stopped = errors.writing_error(response)
        if stopped is not None:
            raise stopped
        return response

    def _request(
        self, method: str, url: str, *, params: Mapping[str, str] | None = None, body: Record | None = None
    ) -> requests.Response:
        pairs = tuple((params or {}).items())
        proof = self._access.proof(method, url, pairs)
        response = self._once(method, url, proof, params, body)
        if response.status_code == 401:
            # an ended token: ask once more; a second 401 is about the key (some answer so for a missing scope)
            again = self._access.other_proof(proof, method, url, pairs)
            response = self._once(method, url, again, params, body)
            if response.status_code == 401:
                raise errors.unauthorised(401, self._hint)
        return response

    def _once(
        self, method: str, url: str, proof: str, params: Mapping[str, str] | None, body: Record | None
    ) -> requests.Response:
        headers = {**self._headers, "Authorization": proof}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = http.dumps(body).encode()
        try:
            return self._session.request(method, url, params=params, data=data, headers=headers)
        except http.Refused as error:
            raise Misconfigured(f"The SIS address cannot be used: {error}", "address_refused") from None


# --- what an answer holds ---------------------------------------------------------------------------------------


def one_of(body: Any, name: str) -> Record | None:
    """The record in `{"name": {...}}`, under another key that stands alone, in a list of one, or bare; else None."""
    if isinstance(body, Mapping) and "sourcedId" not in body:
        body = body.get(name, next(iter(body.values())) if len(body) == 1 else None)
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    return body if isinstance(body, Mapping) else None


def is_there(record: Record) -> bool:
    """False for tobedeleted, and for 1.0's inactive which 1.2 says to read so. No status: active."""
    return str(record.get("status") or "active").strip().lower() not in ("tobedeleted", "inactive")


def _is_page(response: requests.Response) -> bool:
    return response.content.lstrip()[:1] == b"<"


def _not_oneroster() -> AdapterError:
    text = "The SIS answered with something that is not OneRoster. We try again later; if it stays, check the address."
    return TryLater(text)


def _body(response: requests.Response) -> Any:
    if not 200 <= response.status_code < 300:
        raise errors.reading_error(response)
    try:
        return http.loads(response.content)
    except http.BadBody:
        raise _not_oneroster() from None


def _rows(response: requests.Response, names: Sequence[str]) -> list[Record]:
    if response.status_code == 204 or (not response.content.strip() and _total(response) == 0):
        return []
    body = _body(response)
    if isinstance(body, Mapping):
        lists = [value for value in body.values() if isinstance(value, list)]
        named = next((body[name] for name in names if name in body), lists[0] if len(lists) == 1 else None)
        body = [named] if isinstance(named, Mapping) else named
    if body is None and _total(response) == 0:
        return []
    if not isinstance(body, list) or not all(
        isinstance(row, Mapping) and row.get("sourcedId") for row in body
    ):
        raise _not_oneroster()
    return body


def _total(response: requests.Response) -> int | None:
    stated = response.headers.get("X-Total-Count", "").strip()
    return int(stated) if stated.isdecimal() and len(stated) < 10 else None


class _Pages:
    """One list being read by limit and offset, or by the Link header where there is one (OneRoster 1.2 §paging)."""

    def __init__(self, url: str, limit: int | None) -> None:
        self.next_url, self._limit = url, limit
        self.next_params: dict[str, str] | None = (
            {} if limit is None else {"limit": str(limit), "offset": "0"}
        )
        self.rows: list[Record] = []
        self._seen: dict[str, int] = {}
        self._pages = 0
        self._by_links = False  # once followed, the addresses are the server's own

    def add(self, response: requests.Response, rows: list[Record]) -> None:
        """Take one page, and see what comes next. Raises when pages repeat, end early or lead elsewhere."""
        self._check_new(rows)
        self.rows += rows
        self._pages += 1
        self.next_params = None if self._limit is None else self._next(response, rows)
        if self.next_params is None:
            self._check_whole(response)

    def unique(self) -> list[Record]:
        """A record listed twice on one page (a student with two enrolments) stands once."""
        return list({str(row["sourcedId"]): row for row in self.rows}.values())

    def _check_new(self, rows: list[Record]) -> None:
        for row in rows:
            if self._seen.setdefault(str(row["sourcedId"]), self._pages) != self._pages:
                text = (
                    "The SIS gave the same rows on two pages, so the list is not whole. We try again later; "
                    "if it stays and the SIS does not page at all, set the option paging=off."
                )
                raise TryLater(text)

    def _next(self, response: requests.Response, rows: list[Record]) -> dict[str, str] | None:
        if self._pages >= MAX_PAGES:
            raise TryLater("The SIS's list does not end.")
        link, total = response.links.get("next", {}).get("url"), _total(response)
        if link:
            if not rows:
                raise TryLater("The SIS gave an empty page and says that more follow.")
            self.next_url, self._by_links = _on_same_host(link, self.next_url), True
            return {}
        if not rows or (total is not None and len(self.rows) >= total):
            return None
        # without Link and total a short page may still be cut off by the server's own limit: ask until one is empty
        if self._by_links or (total is None and "Link" in response.headers):
            return None
        return {"limit": str(self._limit), "offset": str(len(self.rows))}

    def _check_whole(self, response: requests.Response) -> None:
        total = _total(response)
        if total is not None and len(self.rows) < total:
            raise TryLater("The SIS gave fewer rows than it says there are. We try again later.")


def _on_same_host(link: str, url: str) -> str:
    """`link` on the scheme and host of `url` (a proxy in between may not know them). Raises for another host."""
    here = urlsplit(url)
    there = urlsplit(requests.compat.urljoin(url, link))
    if there.hostname != here.hostname or (there.port and there.port != here.port):
        text = (
            "The SIS's list goes on at another host, which is not asked. An administrator must check the SIS."
        )
        raise Misconfigured(text, "next_link_other_host")
    return there._replace(scheme=here.scheme, netloc=here.netloc).geturl()
