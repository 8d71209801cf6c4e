"""A list of Schoology's that comes in pages, read to its end whatever it says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from lti_tool import http
from sync.errors import Misconfigured
from sync.lms.base import text_of
from sync.lms.rest import Params, Row
from sync.lms.schoology.client import Client
from sync.lms.schoology.setup import count

# Schoology documents no largest page: what comes is counted, never assumed
LIMIT: Final = 200
MOST_PAGES: Final = 20_000


class Listing:
    """The rows under `where` (a key, and a key within it), told apart by `names`.

    Lists state what comes next (`links`) and how many there are (`total`); grades, by the documentation's example,
    state neither: there the next page is asked for until one is empty.
    """

    def __init__(
        self, client: Client, path: str, where: Sequence[str], names: Sequence[str], params: Params = ()
    ) -> None:
        self._client, self._path, self._where, self._names = client, path, where, names
        self._params = list(params)
        self._seen: set[tuple[str, ...]] = set()
        self._count = self._total = 0

    def pages(self) -> Iterator[tuple[Row, list[Row]]]:
        """Each page: the whole answer, and its rows. Raises TryLater rather than end early."""
        query: Params | None = self._from(0)
        guessed, asked = False, set[str]()
        while query is not None:
            asked.add(str(query))
            answer = self._client.one(self._path, query)
            rows = self._rows(answer)
            if not self._add(rows):
                self._check_unpaged(guessed)
                break
            yield answer, rows
            query, guessed = self._following(answer, rows)
            if str(query) in asked or len(asked) >= MOST_PAGES:
                raise self._client.broken("pages that lead in a circle")
        if self._count < self._total:
            raise self._client.broken("fewer rows than it says there are")

    def all(self) -> list[Row]:
        return [row for _, rows in self.pages() for row in rows]

    def _from(self, start: int) -> Params:
        return [*self._params, ("start", str(start)), ("limit", str(LIMIT))]

    def _rows(self, answer: Row) -> list[Row]:
        """An unknown path is answered with the section itself, so the key must be there; PHP's empty list stands for all."""
        found: object = answer
        for key in self._where:
            if not isinstance(found, Mapping) or key not in found:
                raise self._client.broken("something else than the list that was asked for")
            found = found[key] or []
            if found == []:
                return []
        return self._client.rows(found)

    def _add(self, rows: list[Row]) -> bool:
        """False where the page brings nothing but what came already. The same row twice on one page is kept."""
        found = {tuple(text_of(row.get(name)) for name in self._names) for row in rows}
        known = found & self._seen
        if found and known == found:
            return False
        if known:
            raise self._client.broken("the same rows on two pages")
        self._seen |= found
        self._count += len(rows)
        return True

    def _following(self, answer: Row, rows: list[Row]) -> tuple[Params | None, bool]:
        """Where the next page lies, None at the end; and whether that is our guess, as the answer does not say."""
        total, links = text_of(answer.get("total")), answer.get("links")
        self._total = max(self._total, count(total))
        if isinstance(links, Mapping):
            following = text_of(links.get("next"))
            return (self._query_of(following), False) if following else (None, False)
        if total.isdecimal() and self._count >= self._total:
            return None, False
        # a page longer than was asked for shows that this list knows no pages
        if not rows or len(rows) > LIMIT:
            return None, False
        return self._from(self._count), True

    def _query_of(self, link: str) -> Params:
        """Of the next page's address only the query is taken: its scheme and path are not always live."""
        if http.host_of(link).lower() != http.host_of(self._client.root).lower():
            text = (
                "Schoology's next page lies on another host, so it is not read. The LMS administrator must check the "
                "address of this connection."
            )
            raise Misconfigured(text, "next_link_other_host")
        return parse_qsl(urlsplit(link).query, keep_blank_values=True)

    def _check_unpaged(self, guessed: bool) -> None:
        """The page repeats what came before: right only where this list takes no notice of pages at all."""
        whole = guessed and len(self._rows(self._client.one(self._path, [*self._params, ("limit", "1")])))
        if not whole or whole < self._count:
            raise self._client.broken("the same rows on two pages")
