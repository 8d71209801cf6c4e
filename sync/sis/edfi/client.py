"""Requests to one Ed-Fi host: where it is and what it speaks (discovery), whole lists, writes with their ETag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import requests

from lti_tool import http
from sync.auth import ClientCredentials, TokenStore
from sync.errors import AdapterError, Misconfigured
from sync.sis.base import Settings
from sync.sis.edfi import errors
from sync.sis.edfi.dialect import Config, Dialect, standard_of
from sync.sis.rest import Rest, Row

Query = Sequence[tuple[str, str]]
RECORD: Final = frozenset({400, 403, 404, 409, 412})


class Client(Rest):
    """The resources of one host, below its data address."""

    product: ClassVar[str] = "the Ed-Fi host"

    def __init__(self, root: str, auth: ClientCredentials, page_limit: int) -> None:
        super().__init__(root, auth)
        self._limit = page_limit

    def list(self, resource: str, query: Query) -> list[Row]:
        """Every record of a collection that fits. Ed-Fi pages by offset (default 25 rows, at most 500)."""
        return self.pages(f"/ed-fi/{resource}", query, self._limit, self.rows, lambda row: str(row.get("id")))

    def find(self, resource: str, query: Query) -> Row | None:
        """The one record of this key. Raises TryLater where the host shows several: keys are unique there."""
        found = self.list(resource, query)
        if len(found) > 1:
            raise self.broken("several records of one key")
        return found[0] if found else None

    def by_id(self, resource: str, record_id: str) -> Row | None:
        response = self.get(f"/ed-fi/{resource}/{record_id}")
        if response.status_code in (404, 410):
            return None
        found = self.data(response)
        if not isinstance(found, Mapping):
            raise self.broken("something else than was asked for")
        return found

    def post(self, resource: str, body: Row) -> str:
        """Create, or write over the record of the same key (Ed-Fi's upsert). Returns its id, "" when not told."""
        response = self.write("POST", f"/ed-fi/{resource}", body)
        self._check(response)
        return response.headers.get("Location", "").rstrip("/").rpartition("/")[2]

    def put(self, resource: str, record_id: str, body: Row, etag: str) -> requests.Response:
        """The answer, also a refusal: 412 is for the caller to settle."""
        return self.write("PUT", f"/ed-fi/{resource}/{record_id}", body, headers=_if_match(etag))

    def delete(self, resource: str, record_id: str, etag: str) -> requests.Response:
        return self.write("DELETE", f"/ed-fi/{resource}/{record_id}", headers=_if_match(etag))

    def refusal(self, response: requests.Response, *, writing: bool) -> AdapterError | None:
        if writing and response.status_code in RECORD:
            return None
        if response.status_code == 404 and not writing:
            return None
        if response.status_code == 400 and not writing:
            return Misconfigured(
                "The Ed-Fi host does not take this question. An administrator must check the data standard.",
                "question_refused",
            )
        return self.usual_refusal(response, writing=writing)

    def data(self, response: requests.Response) -> Any:
        if response.status_code == 404:
            text = "The Ed-Fi host does not serve this. An administrator must check the address and the data standard."
            raise Misconfigured(text, "address_wrong")
        return super().data(response)

    def _check(self, response: requests.Response) -> None:
        if not 200 <= response.status_code < 300:
            raise errors.rejected(response)


def _if_match(etag: str) -> dict[str, str]:
    return {"If-Match": etag if etag.startswith('"') else f'"{etag}"'} if etag else {}


class Discovery(Rest):
    product: ClassVar[str] = "the Ed-Fi host"


def discovered(
    settings: Settings, config: Config, tokens: TokenStore
) -> tuple[Client, ClientCredentials, Dialect]:
    """The host's client and dialect: by the options, else by what its root document says."""
    root: Mapping[str, Any] = {}
    if not (config.standard and config.data_url and config.token_url):
        root = _root(settings.base_url)
    urls = root.get("urls") if isinstance(root.get("urls"), Mapping) else {}
    data_url = config.data_url or _address(urls, "dataManagementApi", settings.base_url)
    token_url = config.token_url or _address(urls, "oauth", settings.base_url)
    standard = standard_of(config.standard or _stated(root))
    if standard is None:
        text = "The Ed-Fi host speaks a data standard that this tool does not. An administrator may set “data_standard”."
        raise Misconfigured(text, "standard_unknown")
    auth = ClientCredentials(token_url, settings.client_id, settings.secret, (), tokens)
    return Client(data_url, auth, config.page_limit), auth, Dialect(standard, config)


def _root(base_url: str) -> Mapping[str, Any]:
    client = Discovery(base_url)
    try:
        found = client.json("/")
    finally:
        client.close()
    if not isinstance(found, Mapping):
        raise client.broken("something else than its discovery document")
    return found


def _address(urls: Any, name: str, base_url: str) -> str:
    """As the document says, on the connection's own host: the key goes nowhere else unless an administrator says so."""
    stated = urls.get(name) if isinstance(urls, Mapping) else None
    if isinstance(stated, str) and http.host_of(stated).lower() == http.host_of(base_url).lower():
        return stated.rstrip("/")
    text = (
        "The Ed-Fi host does not say where its resources are. An administrator must enter “data_url” and the token "
        "address."
    )
    raise Misconfigured(text, "discovery_incomplete")


def _stated(root: Mapping[str, Any]) -> str:
    models = root.get("dataModels")
    rows = [one for one in models if isinstance(one, Mapping)] if isinstance(models, list) else []
    return next((str(one.get("version")) for one in rows if one.get("name") == "Ed-Fi"), "")
