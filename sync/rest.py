"""What a client of any REST service does alike, on the LMS's side and the SIS's: where it asks, and what came is JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import requests

from lti_tool import http
from sync.errors import Misconfigured, TryLater

Row = Mapping[str, Any]
Params = Sequence[tuple[str, str]]


class Answers:
    """Mixed into a client, which says its own words for what goes wrong. `product` names the server in texts for people."""

    product: ClassVar[str]
    # is a NaN read, for its record to be told, or does it spoil the whole answer?
    nan: ClassVar[bool] = False
    root: str

    def broken(self, what: str) -> TryLater:
        """Something came that cannot be used; `what` ends the sentence "it answered with …"."""
        raise NotImplementedError

    def other_host(self) -> Misconfigured:
        """An address leads to another host, which gets no request and no account."""
        raise NotImplementedError

    def address(self, path: str) -> str:
        """An address under the root, of a path or a whole URL. Raises `other_host`."""
        url = urljoin(f"{self.root}/", path) if "://" in path else self.root + path
        if _origin(url) != _origin(self.root):
            raise self.other_host()
        return url

    def data(self, response: requests.Response) -> Any:
        """The JSON of an answer, with numbers as Decimal. Raises `broken`."""
        try:
            return http.loads(response.content, nan=self.nan)
        except http.BadBody:
            raise self.broken("a page instead of data") from None

    def rows(self, found: Any) -> list[Row]:
        """What came, where it is a list of objects. Raises `broken`."""
        if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
            raise self.broken("something else than the list that was asked for")
        return found


def _origin(url: str) -> tuple[str, str]:
    return urlsplit(url).scheme.lower(), http.host_of(url).lower()
