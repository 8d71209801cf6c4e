"""An LMS's services on the wire: token, line items, results, members, as one that follows the specifications sends them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import responses
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests import PreparedRequest

from lti_tool import http
from lti_tool.models import Institution, Registration, SigningKey
from lti_tool.services import Services
from sync.lms import records as lms
from sync.lms.ags import Ags
from sync.lms.base import Settings

BASE = "https://lms.example"
LINE_ITEMS, MEMBERS = f"{BASE}/2/lineitems?type_id=1", f"{BASE}/2/memberships"
SHORT, LONG = f"{BASE}/2/lineitems/9/lineitem?type_id=1", f"{BASE}/2/lineitems/10/lineitem?type_id=1"
SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
FIXTURES = Path(__file__).parent / "fixtures" / "ags"

Answer = tuple[int, dict[str, str], str]


def fixture(name: str) -> Any:
    return http.loads((FIXTURES / f"{name}.json").read_bytes())


class AgsWire:
    """`line_items`, `results` by number and `members` may be changed before a read; `answers` replaces a path's."""

    def __init__(self) -> None:
        self.line_items: list[dict[str, Any]] = fixture("line_items")
        self.results: dict[str, list[dict[str, Any]]] = fixture("results")
        self.members: list[dict[str, Any]] = fixture("members")["members"]
        self.answers: dict[str, Answer] = {}
        self.page_size = 2
        # the address of a line item that is removed once they were listed
        self.gone = ""
        self.paths: list[str] = []

    def serve(self, mock: responses.RequestsMock) -> None:
        mock.add(responses.POST, f"{BASE}/token", json={"access_token": "opaque-token", "expires_in": 3600})
        mock.add_callback(responses.GET, re.compile(re.escape(BASE) + "/.*"), callback=self._answer)

    def member(self, user_id: str) -> dict[str, Any]:
        return next(row for row in self.members if row.get("user_id") == user_id)

    def result(self, number: str, user_id: str) -> dict[str, Any]:
        return next(row for row in self.results[number] if row["userId"] == user_id)

    def _answer(self, request: PreparedRequest) -> Answer:
        parts = urlsplit(str(request.url))
        self.paths.append(parts.path)
        if parts.path in self.answers:
            return self.answers[parts.path]
        if parts.path == "/2/memberships":
            return self._page(request, self.members, wrapped=True)
        if parts.path == "/2/lineitems":
            listed = self.paths.count(parts.path) > 1 + (len(self.line_items) - 1) // self.page_size
            rows = [row for row in self.line_items if not (listed and row.get("id") == self.gone)]
            return self._page(request, rows)
        found = re.fullmatch(r"/2/lineitems/(\d+)/lineitem/results", parts.path)
        return self._page(request, self.results[found[1]]) if found else (404, {}, "{}")

    def _page(self, request: PreparedRequest, rows: list[dict[str, Any]], *, wrapped: bool = False) -> Answer:
        found = re.search(r"[?&]from=(\d+)", str(request.url))
        start = int(found[1]) if found else 0
        page = rows[start : start + self.page_size]
        headers = {}
        if start + self.page_size < len(rows):
            plain = re.sub(r"[?&]from=\d+", "", str(request.url))
            joint = "&" if "?" in plain else "?"
            headers["Link"] = f'<{plain}{joint}from={start + self.page_size}>; rel="next"'
        return 200, headers, http.dumps({"id": MEMBERS, "members": page} if wrapped else page)


@cache
def _private_pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def sign_with_a_ready_key() -> None:
    """One key for all tests: making one takes longer than the rest of a test."""
    SigningKey.objects.create(kid="ready", private_pem=_private_pem(), public_jwk={}, state="active")


def registration() -> Registration:
    return Registration.objects.create(
        institution=Institution.objects.create(name="North High"),
        name="LMS",
        issuer=BASE,
        client_id="client",
        auth_login_url=f"{BASE}/auth",
        auth_token_url=f"{BASE}/token",
        key_set_url=f"{BASE}/jwks",
        active=True,
    )


def reader(row: Registration, product: str = "") -> Ags:
    return Ags(Settings("ags", options={"product": product}), Services(row))


def course(**changes: Any) -> lms.Course:
    fields: dict[str, Any] = {
        "lineitems_url": LINE_ITEMS,
        "memberships_url": MEMBERS,
        "scopes": frozenset({f"{SCOPE}lineitem.readonly", f"{SCOPE}result.readonly"}),
    }
    return lms.Course("2", "Algebra 1", **(fields | changes))
