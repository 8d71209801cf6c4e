"""One SIS's REST service under one account: what a read and a write may end in. Shared by the adapters of vendors' APIs.

An adapter's client inherits `Rest` and says what the SIS's status codes mean. A read that is not answered changed
nothing (TryLater); a write that is not answered may have been stored (Unreachable, design §4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Protocol

import requests

from lti_tool import http
from sync.auth import retry_after
from sync.errors import AdapterError, Misconfigured, TryLater, Unreachable
from sync.rest import Answers
from sync.rest import Params as Params
from sync.rest import Row as Row

MOST_PAGES: Final = 10_000
BUSY: Final = frozenset({425, 429, 503})


class Token(Protocol):
    """A bearer token that may be renewed: `sync.auth.ClientCredentials`, or an adapter's own."""

    def token(self) -> str: ...

    def renew(self, spent: str) -> str: ...


class Rest(Answers):
    """Used from several threads at once. Raises Misconfigured, TryLater, and for writes Unreachable.

    `product` names the SIS in texts for people. The account goes to the root's host, and to no other.
    """

    headers: ClassVar[Mapping[str, str]] = {"Accept": "application/json"}

    def __init__(self, root: str, auth: Token | None = None, *, deadline_s: float | None = None) -> None:
        if not root.strip():
            text = f"The connection to {self.product} has no address. An administrator must add it."
            raise Misconfigured(text, "connection_incomplete")
        self.root, self._auth = root.strip().rstrip("/"), auth
        self.session = http.Session({http.host_of(self.root).lower()}, deadline_s=deadline_s)

    def close(self) -> None:
        self.session.close()

    # --- to be said by each SIS ---

    def refusal(self, response: requests.Response, *, writing: bool) -> AdapterError | None:
        """What an answer means that is no success, in this one place; None hands it on to the caller.

        `usual_refusal` says what is the same everywhere. A 401 came here after the token was renewed once.
        """
        return self.usual_refusal(response, writing=writing)

    def authorize(self, token: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {token}"} if token else {}

    # --- requests ---

    def get(
        self, path: str, params: Params = (), headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """A success, or an answer that `refusal` let pass."""
        return self._asked("GET", path, writing=False, params=list(params), headers=headers or {})

    def json(self, path: str, params: Params = ()) -> Any:
        """What a read answers, with numbers as Decimal."""
        return self.data(self.get(path, params))

    def write(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """An answer about the records written: 2xx, or what `refusal` let pass."""
        sent: dict[str, Any] = {"headers": dict(headers or {}), "params": list(params)}
        if body is not None:
            sent["headers"] = {"Content-Type": "application/json"} | sent["headers"]
            sent["data"] = http.dumps(body).encode()
        return self._asked(method, path, writing=True, **sent)

    def pages(
        self,
        path: str,
        params: Params,
        size: int,
        rows_of: Callable[[Any], list[Row]],
        key: Callable[[Row], str],
    ) -> list[Row]:
        """A list by `limit` and `offset`, to its end. A row that comes twice shows that the pages moved: TryLater."""
        found: dict[str, Row] = {}
        for page in range(MOST_PAGES):
            asked = [*params, ("limit", str(size)), ("offset", str(page * size))]
            rows = rows_of(self.json(path, asked))
            for row in rows:
                if found.setdefault(key(row), row) is not row:
                    raise self.broken("the same rows on two pages")
            if len(rows) < size:
                return list(found.values())
        raise self.broken("a list that does not end")

    # --- words ---

    def other_host(self) -> Misconfigured:
        text = f"{self.product} leads to another host, which is not asked. An administrator must check the address."
        return Misconfigured(text, "other_host")

    def broken(self, what: str) -> TryLater:
        return TryLater(
            f"{self.product} answered with {what}. We try again later; if it stays, check the address."
        )

    def usual_refusal(self, response: requests.Response, *, writing: bool) -> AdapterError | None:
        code = response.status_code
        if code < 400:
            return None if code < 300 else self.moved()
        if code == 401:
            text = f"{self.product} refuses the key. Its administrator must check or renew it."
            return Misconfigured(text, "token_refused")
        if code == 403 and not writing:
            text = f"{self.product} does not let this key read that. Its administrator must grant it."
            return Misconfigured(text, "forbidden")
        if code in BUSY:
            return TryLater(f"{self.product} is busy.", retry_after(response))
        if code >= 500:
            return self.failed(code, writing=writing)
        return None

    def failed(self, code: int, *, writing: bool) -> AdapterError:
        """A server's error: after a write nobody knows whether it was stored."""
        if writing:
            return Unreachable(f"{self.product} answered {code} after it was sent something.")
        return TryLater(f"{self.product} is away (it answered {code}).")

    def moved(self) -> Misconfigured:
        text = f"{self.product} leads elsewhere from this address. An administrator must check it."
        return Misconfigured(text, "address_wrong")

    # --- inside ---

    def _asked(self, method: str, path: str, *, writing: bool, **sent: Any) -> requests.Response:
        url, token = self.address(path), self._auth.token() if self._auth else ""
        response = self._once(method, url, token, writing, sent)
        if response.status_code == 401 and self._auth:
            response = self._once(method, url, self._auth.renew(token), writing, sent)
        error = self.refusal(response, writing=writing)
        if error is not None:
            raise error
        return response

    def _once(
        self, method: str, url: str, token: str, writing: bool, sent: Mapping[str, Any]
    ) -> requests.Response:
        headers = {**self.headers, **self.authorize(token), **sent.get("headers", {})}
        try:
            return self.session.request(method, url, **{**sent, "headers": headers})
        except http.Refused as error:
            raise Misconfigured(
                f"The address of {self.product} cannot be used: {error}", "address_refused"
            ) from None
        except http.NotSent as error:
            raise TryLater(f"{self.product} cannot be reached: {error}") from None
        except http.HttpError as error:
            if writing:
                raise Unreachable(f"Sent, and not answered: {error}") from None
            raise TryLater(f"{self.product} did not answer: {error}") from None
