"""Requests to one Ethos Integration tenant: versioned media types, filters as JSON, whole lists, submissions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import requests

from lti_tool import http
from sync.errors import AdapterError, Misconfigured, Unreachable
from sync.sis.ethos import errors
from sync.sis.ethos.api_key import KeyToken
from sync.sis.ethos.options import GRADES, SUBMISSIONS, Config
from sync.sis.rest import MOST_PAGES, Rest, Row

NIL: Final = "00000000-0000-0000-0000-000000000000"
MEDIA: Final = "application/vnd.hedtech.integration"
# answers of a read that say something of the resource, not of the tenant
OF_RESOURCE: Final = frozenset({400, 403, 404, 405, 406})

Filter = tuple[str, Mapping[str, Any]]


def criteria(**found: Any) -> Filter:
    return "criteria", found


class Client(Rest):
    """The resources below `{root}/api`. Safe to use from several threads."""

    product: ClassVar[str] = "Ethos"

    def __init__(self, root: str, token: KeyToken, config: Config) -> None:
        super().__init__(root, token)
        self._config = config

    # --- reading ---

    def every(self, resource: str, *filters: Filter) -> list[Row]:
        """Every row. Raises Misconfigured where this key may not read the resource, or the site does not serve it."""
        found = self.every_if_served(resource, *filters)
        if found is None:
            raise self._not_served(resource)
        return found

    def every_if_served(self, resource: str, *filters: Filter) -> list[Row] | None:
        """Every row; None where the site does not serve the resource, or not in the version asked for.

        A site caps its pages (`x-max-page-size`), so that a page shorter than asked for need not be the last:
        `x-total-count` says how many rows there are.
        """
        asked = [(name, http.dumps(value)) for name, value in filters]
        found: dict[str, Row] = {}
        for _ in range(MOST_PAGES):
            place = [("limit", str(self._config.page_limit)), ("offset", str(len(found)))]
            response = self._read(resource, f"/api/{resource}", [*asked, *place])
            if response.status_code in (404, 406) and not found:
                return None
            rows = self.rows(self._data(resource, response))
            self._add(found, rows)
            if self._is_last(response, len(rows), len(found)):
                return list(found.values())
        raise self.broken("a list that does not end")

    def _add(self, found: dict[str, Row], rows: Sequence[Row]) -> None:
        for row in rows:
            if found.setdefault(str(row.get("id")), row) is not row:
                raise self.broken("the same rows on two pages")

    def _is_last(self, response: requests.Response, came: int, there: int) -> bool:
        total = response.headers.get("x-total-count", "")
        if not total.isdecimal():
            return came < self._config.page_limit
        if came == 0 and there < int(total):
            raise self.broken("fewer rows than it counts")
        return there >= int(total)

    def one(self, resource: str, guid: str) -> Row | None:
        response = self._read(resource, f"/api/{resource}/{guid}", [])
        if response.status_code == 404:
            return None
        found = self._data(resource, response)
        if not isinstance(found, Mapping):
            raise self.broken("something else than was asked for")
        return found

    def probe(self, resource: str) -> bool:
        """One row, to see whether the resource can be read; False where the site does not serve it."""
        response = self._read(resource, f"/api/{resource}", [("limit", "1"), ("offset", "0")])
        if response.status_code in (404, 406):
            return False
        self.rows(self._data(resource, response))
        return True

    def need(self, resource: str) -> None:
        """Raises Misconfigured where the resource cannot be read."""
        if not self.probe(resource):
            raise self._not_served(resource)

    def _read(self, resource: str, path: str, params: Sequence[tuple[str, str]]) -> requests.Response:
        return self.get(path, params, {"Accept": self._accept(resource)})

    def _accept(self, resource: str) -> str:
        return f"{MEDIA}.v{self._config.versions[resource]}+json"

    def _data(self, resource: str, response: requests.Response) -> Any:
        code = response.status_code
        if code == 403:
            text = f"This API key may not read {resource}. The SIS administrator must allow it in Ethos Integration."
            raise Misconfigured(text, "forbidden")
        if code in (404, 406):
            raise self._not_served(resource)
        if code >= 400:
            text = f"Ethos does not take this question about {resource} (it answered {code}). An administrator must check the "
            raise Misconfigured(text + "connection's options.", "question_refused")
        self._check_version(resource, response)
        return self.data(response)

    def _check_version(self, resource: str, response: requests.Response) -> None:
        """Ethos may serve another version than it was asked for, and says so: its shapes would be others."""
        asked, served = self._config.versions[resource], errors.version_of(response)
        if served and served.split(".")[0] != asked.split(".")[0]:
            text = f"Ethos serves {resource} in version {served}, not {asked}. An administrator may set the option “versions”."
            raise Misconfigured(text, "version_other")

    def _not_served(self, resource: str) -> Misconfigured:
        version = self._config.versions[resource]
        text = (
            f"Ethos does not serve {resource} in version {version} here. The SIS administrator must add it to the "
            "application of this key, or an administrator sets the option “versions”."
        )
        return Misconfigured(text, "resource_missing")

    # --- writing ---

    def submit(self, body: Mapping[str, Any]) -> str | None:
        """Create a record (nil GUID) or change the one of this id. Returns its id, "" where the answer has none.

        None: there is no record of this id. The address is that of the grades; that it is a submission stands in the media
        type. Raises Rejected too.
        """
        record_id = str(body["id"])
        creates = record_id == NIL
        headers = {
            "Accept": self._accept(GRADES),
            "Content-Type": f"{MEDIA}.{SUBMISSIONS}.v{self._config.versions[SUBMISSIONS]}+json",
        }
        path = f"/api/{GRADES}" if creates else f"/api/{GRADES}/{record_id}"
        response = self.write("POST" if creates else "PUT", path, body, headers=headers)
        if response.status_code == 404 and not creates and not errors.sign_of(response):
            return None
        if response.status_code >= 400:
            raise errors.rejected(response)
        return self._id_in(response)

    def _id_in(self, response: requests.Response) -> str:
        """A page in place of the record, answered as a success, says nothing of what became of the grade."""
        if not response.content.strip():
            return ""
        try:
            found = http.loads(response.content)
        except http.BadBody:
            raise Unreachable("Ethos answered a submission with a page.") from None
        return str(found.get("id") or "") if isinstance(found, Mapping) else ""

    # --- answers ---

    def refusal(self, response: requests.Response, *, writing: bool) -> AdapterError | None:
        code = response.status_code
        if code in OF_RESOURCE or (writing and 400 <= code < 500 and code not in (401, 425, 429)):
            return None
        return self.usual_refusal(response, writing=writing)
