"""Requests to one PowerSchool server: single records of /ws/v1, tables of /ws/schema, the gradebook of /ws/xte."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

import requests

from sync.auth import ClientCredentials
from sync.errors import AdapterError, Misconfigured
from sync.sis.powerschool import errors
from sync.sis.rest import Params, Rest, Row

TABLES: Final = "/ws/schema/table"
# answers about what was sent, for the writer to settle
RECORD: Final = frozenset({400, 404, 409, 412})


class Client(Rest):
    product: ClassVar[str] = "PowerSchool"

    def __init__(self, root: str, auth: ClientCredentials, page_limit: int) -> None:
        super().__init__(root, auth)
        self._limit = page_limit

    def refusal(self, response: requests.Response, *, writing: bool) -> AdapterError | None:
        code = response.status_code
        if code == 403:
            return errors.forbidden(response, writing=writing)
        if writing and (code in RECORD or errors.is_gone(response)):
            return None
        if code == 404:
            return None
        return self.usual_refusal(response, writing=writing) or (
            self._question_refused() if code >= 400 else None
        )

    def record(self, path: str, name: str) -> Row | None:
        """One record of /ws/v1, which stands under its name; None where there is none."""
        response = self.get(path)
        if response.status_code == 404:
            return None
        found = self._mapping(self.data(response)).get(name)
        return self._mapping(found)

    def enrolments(self, path: str) -> list[Row]:
        """The section enrolments below `path`. A single one stands there without a list, as integrators found."""

        def rows_of(found: Any) -> list[Row]:
            inner = self._mapping(found).get("section_enrollments") or []
            if isinstance(inner, Mapping):
                inner = inner.get("section_enrollment") or []
            return self.rows([inner] if isinstance(inner, Mapping) else inner)

        return self._counted(path, [], [], rows_of, "id")

    def table(self, name: str, fields: Sequence[str], query: str) -> list[Row]:
        """All rows of a table that fit, with these fields, as text; what is empty is left out."""
        page = [("projection", ",".join(fields)), ("pagesize", str(self._limit))]
        return self._counted(
            f"{TABLES}/{name}", [("q", query)], page, lambda found: self._flat(name, found), "_id"
        )

    def row(self, name: str, fields: Sequence[str], query: str) -> Row | None:
        """The one row that fits. Raises TryLater where there are several: it is asked for by its key."""
        params = [("q", query), ("projection", ",".join(fields)), ("pagesize", "2")]
        found = self._flat(name, self.json(f"{TABLES}/{name}", params))
        if len(found) > 1:
            raise self.broken("several records of one key")
        return found[0] if found else None

    def probe(self, name: str, fields: Sequence[str]) -> None:
        """Whether these fields of a table may be read. Raises Misconfigured that names the one that may not."""
        self.json(f"{TABLES}/{name}", [("projection", ",".join(fields)), ("pagesize", "1")])

    def plain_list(self, path: str, params: Params) -> list[Row]:
        """A list of the gradebook: a plain array, never paged."""
        return self.rows(self.json(path, params))

    def data(self, response: requests.Response) -> Any:
        if response.status_code == 404:
            text = "PowerSchool does not serve this. An administrator must check the address, and that it is version 12 or newer."
            raise Misconfigured(text, "address_wrong")
        return super().data(response)

    # --- inside ---

    def _counted(
        self, path: str, params: Params, page_params: Params, rows_of: Callable[[Any], list[Row]], key: str
    ) -> list[Row]:
        """A list by pages, to the number that its count says: how long a page is depends on the server."""
        total = self._count(f"{path}/count", params)
        found: dict[str, Row] = {}
        page = 0
        while len(found) < total:
            page += 1
            rows = rows_of(self.json(path, [*params, *page_params, ("page", str(page))]))
            new = {str(row.get(key)): row for row in rows}
            if len(new) < len(rows) or not new or new.keys() & found.keys():
                raise self.broken("a list that is shorter than its count")
            found |= new
        return list(found.values())

    def _count(self, path: str, params: Params) -> int:
        found = self._mapping(self.json(path, params))
        count = found.get("count", self._mapping(found.get("resource") or {}).get("count"))
        if not isinstance(count, int):
            raise self.broken("a count that is no number")
        return count

    def _flat(self, name: str, found: Any) -> list[Row]:
        """`{"record": [{"id", "tables": {name: {...}}}]}`: each row's own fields, and the record's id as `_id`."""
        rows = self.rows(self._mapping(found).get("record") or [])
        return [
            {**self._mapping(self._mapping(row.get("tables")).get(name)), "_id": row.get("id")}
            for row in rows
        ]

    def _mapping(self, found: Any) -> Row:
        if not isinstance(found, Mapping):
            raise self.broken("something else than was asked for")
        return found

    @staticmethod
    def _question_refused() -> Misconfigured:
        text = (
            "PowerSchool does not take this question. An administrator must check its version and the plugin."
        )
        return Misconfigured(text, "question_refused")
