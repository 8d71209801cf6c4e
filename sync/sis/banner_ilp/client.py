"""The one address of ILP's grade exchange."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import requests

from lti_tool import http
from sync.errors import AdapterError, Misconfigured, TryLater, Unreachable
from sync.sis.banner_ilp import wire
from sync.sis.base import BatchRejected, Settings
from sync.sis.rest import Rest

PATH: Final = "/api/coursesection/grades"


class Client(Rest):
    """ILP under its own user name and password (HTTP Basic)."""

    product: ClassVar[str] = "ILP"
    # the version of the exchange that is spoken here, so that a newer server keeps to it
    headers: ClassVar[Mapping[str, str]] = {
        "Accept": "application/json",
        "X-Ellucian-Media-Type": "application/vnd.ellucian.v1",
    }

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.base_url)
        if not (settings.client_id and settings.secret):
            text = "The connection to ILP has no user name or password. An administrator must enter them."
            raise Misconfigured(text, "connection_incomplete")
        pair = f"{settings.client_id}:{settings.secret}".encode()
        self._basic = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def send(self, modified_by: str, grades: Sequence[wire.Json]) -> dict[str, list[wire.Message]]:
        """Its messages by student. Raises BatchRejected where ILP refuses the request as a whole."""
        response = self._post(modified_by, grades)
        answer = self._answer(response)
        if response.status_code >= 400:
            raise BatchRejected({}, wire.words_of(_listed(answer)))
        messages = wire.messages_of(answer)
        if answer.get("isConnectivityFailure") is True and not messages:
            raise TryLater("ILP cannot reach Banner just now.")
        return messages

    def knock(self) -> None:
        """An exchange without a grade: it stores nothing, and shows whether the address and the password are right."""
        self._answer(self._post("", []))

    def _post(self, modified_by: str, grades: Sequence[wire.Json]) -> requests.Response:
        body = {"ModifiedBy": modified_by, "StudentGrades": list(grades)}
        return self.write("POST", PATH, body, headers=self._basic)

    def _answer(self, response: requests.Response) -> Mapping[str, Any]:
        try:
            found = http.loads(response.content)
        except http.BadBody:
            found = None
        if isinstance(found, Mapping):
            return found
        if response.status_code >= 400:
            return {}
        raise Unreachable("ILP answered with something else than its messages.")

    def refusal(self, response: requests.Response, *, writing: bool) -> AdapterError | None:
        code = response.status_code
        if code in (400, 409, 422):
            return None
        if code == 401:
            text = "ILP refuses the user name and password. Its administrator must check them."
            return Misconfigured(text, "token_refused")
        if code == 403:
            text = "ILP does not let this user send grades. Its administrator must allow it."
            return Misconfigured(text, "forbidden")
        if code in (404, 405, 406, 415):
            text = (
                f"ILP takes no grades at this address (it answered {code}). An administrator must check it."
            )
            return Misconfigured(text, "address_wrong")
        return self.usual_refusal(response, writing=writing)


def _listed(answer: Mapping[str, Any]) -> list[wire.Message]:
    listed = answer.get("messages")
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
