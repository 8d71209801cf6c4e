"""Requests to one district's Aeries: its certificate goes along as a header, its school year as a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import requests

from sync.errors import AdapterError, Misconfigured
from sync.sis.aeries import errors
from sync.sis.rest import Rest, Row

API: Final = "/api/v5"
# answers about what was sent, for the writer to settle
RECORD: Final = frozenset({400, 404, 409, 422})


class Client(Rest):
    product: ClassVar[str] = "Aeries"

    def __init__(self, root: str, certificate: str, database_year: str) -> None:
        super().__init__(root.strip().rstrip("/").removesuffix(API))
        self._certificate = certificate
        self._year = [("DatabaseYear", database_year)] if database_year else []

    def authorize(self, token: str) -> Mapping[str, str]:
        return {"AERIES-CERT": self._certificate}

    def refusal(self, response: requests.Response, *, writing: bool) -> AdapterError | None:
        code = response.status_code
        if code == 403:
            return errors.not_granted(writing=writing)
        if code == 404 or (writing and code in RECORD):
            return None
        usual = self.usual_refusal(response, writing=writing)
        if usual is None and code >= 400:
            text = "Aeries does not take this question. An administrator must check its version and the connection's options."
            return Misconfigured(text, "question_refused")
        return usual

    def one(self, path: str) -> Row | None:
        """A single object, or the only one of a list; None where there is none."""
        found = self.many(path)
        if found is not None and len(found) > 1:
            raise self.broken("several records of one key")
        return found[0] if found else None

    def many(self, path: str) -> list[Row] | None:
        """A whole list, never paged. A single object counts as a list of one; None where the address names nothing."""
        response = self.get(API + path, self._year)
        if response.status_code == 404:
            return None
        return self.listed(self.data(response))

    def post(self, path: str, body: Any) -> requests.Response:
        """The answer, also a refusal of what was sent."""
        return self.write("POST", API + path, body, params=self._year)

    def listed(self, found: Any) -> list[Row]:
        if found is None:
            return []
        return self.rows([found] if isinstance(found, Mapping) else found)
