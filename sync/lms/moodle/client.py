"""Moodle's web services over REST: one address, a function's name and the token in the form.

Every failure of a function is an answer of status 200 that holds `exception` and `errorcode`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import requests

from lti_tool import http
from sync.auth import retry_after
from sync.errors import AdapterError, Misconfigured, TryLater
from sync.lms.access import Account, Pace
from sync.lms.moodle import refusals
from sync.lms.rest import FORBIDDEN, UNKNOWN, Params, Rest, Row, refused_token
from sync.lms.streams import Streams

PATH: Final = "/webservice/rest/server.php"
# what is longer is data: no exception fills so much
LONGEST_ERROR: Final = 65_536
# a function that may be left out of the service, or that the account may not use: what it tells is then not known
UNAVAILABLE: Final = frozenset({refusals.FUNCTION_MISSING, FORBIDDEN, UNKNOWN})

Arguments = Mapping[str, str | int]


class Client(Rest):
    """Reads one Moodle with one token. Moodle takes no Authorization header: the token goes into the form."""

    product = "Moodle"

    def __init__(
        self, base_url: str, account: Account, *, pace: Pace, streams: Streams, wait_s: int = 300
    ) -> None:
        root = base_url.strip().rstrip("/").removesuffix(PATH)
        # Moodle computes all of an answer before it sends the first byte of it
        super().__init__(root, account, pace=pace, streams=streams, read_s=wait_s, deadline_s=wait_s)

    def call(self, function: str, arguments: Arguments | None = None) -> Any:
        """What this function answers: an object or a list, with numbers as Decimal."""
        form = [("wsfunction", function), ("moodlewsrestformat", "json")]
        form += [(name, str(value)) for name, value in (arguments or {}).items()]
        try:
            response = self.ask("POST", PATH, data=form)
        except refusals.Told as told:
            raise refusals.meaning(told.errorcode, function) from None
        return self.data(response)

    def answer(self, function: str, arguments: Arguments | None = None) -> Mapping[str, Any]:
        found = self.call(function, arguments)
        if not isinstance(found, Mapping):
            raise self.broken("something else than was asked for")
        return found

    def listed(self, function: str, name: str, arguments: Arguments | None = None) -> list[Row]:
        """The list that stands in the answer under this name."""
        return self.rows(self.answer(function, arguments).get(name))

    def authorize(self, method: str, url: str, params: Params) -> Mapping[str, str]:
        return {}

    def refusal(self, response: requests.Response) -> AdapterError | None:
        code = response.status_code
        if code == 200:
            return _told(response)
        if code == 403:
            return refusals.switched_off()
        if code == 404 or 300 <= code < 400:
            return refusals.wrong_address(code)
        if code == 503:
            return TryLater("Moodle is away, or in maintenance mode.", retry_after(response))
        return self.usual_refusal(response)

    def _send(self, method: str, url: str, params: Params, body: Mapping[str, Any]) -> requests.Response:
        form = [("wstoken", self._token), *body["data"]]
        return super()._send(method, url, params, {**body, "data": form})


def _told(response: requests.Response) -> AdapterError | None:
    """The exception that this answer is; None when it is data, or nothing that can be read (said where it is)."""
    content = response.content
    if len(content) > LONGEST_ERROR or b'"exception"' not in content:
        return None
    try:
        found = http.loads(content, nan=True)
    except http.BadBody:
        return None
    if not isinstance(found, Mapping) or "exception" not in found:
        return None
    errorcode = found.get("errorcode")
    if errorcode == "invalidtoken":
        return refused_token("Moodle")
    return refusals.Told(errorcode if isinstance(errorcode, str) else "")


def is_unavailable(error: Misconfigured) -> bool:
    return error.code in UNAVAILABLE
