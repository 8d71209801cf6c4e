"""Schoology's REST API v1, signed by OAuth 1.0.

One request after the other: Schoology refuses a time stamp that is older than one it has seen from the same key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urljoin

import requests

from sync.auth import OAuth1
from sync.errors import AdapterError, Misconfigured
from sync.lms.access import Pace
from sync.lms.rest import Busy, Params, Rest, Row
from sync.lms.streams import Streams

HOME: Final = "https://api.schoology.com"
REDIRECTS: Final = (301, 302, 303, 307, 308)
HOPS: Final = 3
# how many addresses one "multiget" takes
AT_ONCE: Final = 50
OUT_OF_ORDER_S: Final = 5


class Client(Rest):
    """Reads one Schoology with one consumer key."""

    product = "Schoology"

    def __init__(
        self, address: str, signer: OAuth1, *, pace: Pace | None = None, streams: Streams | None = None
    ) -> None:
        root = (address.strip() or HOME).rstrip("/").removesuffix("/v1")
        super().__init__(f"{root}/v1", None, pace=pace, streams=streams)
        self._signer = signer

    def authorize(self, method: str, url: str, params: Params) -> Mapping[str, str]:
        return {"Authorization": self._signer.header(method, url, params)}

    def refusal(self, response: requests.Response) -> AdapterError | None:
        code = response.status_code
        if code in REDIRECTS and response.headers.get("Location"):
            return None
        if code == 401 and b"timestamp" in response.content.lower():
            text = (
                "Schoology refuses the time of a request: others use its key too, or the clock here is wrong."
            )
            return Busy(text, OUT_OF_ORDER_S)
        return refused_key() if code == 401 else self.usual_refusal(response)

    def ask(self, method: str, path: str, params: Params = (), **body: Any) -> requests.Response:
        """The answer. A redirect is followed with a signature of its own, as Schoology's documentation asks."""
        response = super().ask(method, path, params, **body)
        for _ in range(HOPS):
            if response.status_code not in REDIRECTS:
                return response
            response = super().ask("GET", urljoin(str(response.url), response.headers["Location"]))
        raise self.broken("redirects that lead in a circle")

    def part(self, path: str, key: str) -> list[Row]:
        """A list that comes whole. An unknown path is answered with the section itself, so the key must be there."""
        answer = self.one(path)
        if key not in answer:
            raise self.broken("something else than was asked for")
        return self.rows(answer[key] or [])

    def several(self, paths: Sequence[str]) -> list[Row]:
        """What each of these paths answers ("multiget"): `response_code` and `body`, in any order.

        Its JSON is not documented (its XML is); public clients use it so.
        """
        found: list[Row] = []
        for start in range(0, len(paths), AT_ONCE):
            asked = [f"/v1{path}" for path in paths[start : start + AT_ONCE]]
            answer = self.data(self.ask("POST", "/multiget", json={"request": asked}))
            rows = answer.get("response") if isinstance(answer, Mapping) else None
            if not isinstance(rows, list) or len(rows) != len(asked):
                raise Misconfigured(
                    "Schoology does not answer several requests at once.", "unexpected_answer"
                )
            found += self.rows(rows)
        return found


def refused_key() -> Misconfigured:
    text = (
        "Schoology refuses the key. It may be wrong, or a person's own key, which shows that person's data only: it must "
        "be the key of an app that is installed for the school (the app's Options, API Info). A Schoology administrator "
        "must check it."
    )
    return Misconfigured(text, "token_refused")
