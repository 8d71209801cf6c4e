"""A OneRoster SIS on the faked wire: answers put there by each test, every request body held to the OpenAPI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import requests
import responses
from django.conf import settings
from openapi_schema_validator import OAS30Validator

from sync.sis import records as sis
from sync.sis.base import Answer, Settings
from sync.sis.oneroster import OneRoster

HOST = "https://sis.example"
TOKEN_URL = f"{HOST}/token"
GRADEBOOK = f"{HOST}/ims/oneroster/gradebook/v1p2"
ROSTERING = f"{HOST}/ims/oneroster/rostering/v1p2"
V11 = f"{HOST}/ims/oneroster/v1p1"
SPEC = (
    Path(settings.BASE_DIR).parent / "shared/specs/oneroster/onerosterv1p2gradebookservice_openapi3_v1p0.json"
)
NONE: frozenset[sis.Value | None] = frozenset({None})
SECRET = "s3cret-of-the-key"
NAME = "Zoë Ångström"


@cache
def _spec() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SPEC.read_text())
    return found


def schema_errors(schema: str, body: Any) -> list[str]:
    """What the official OpenAPI says against this body; nothing where it is not at hand."""
    if not SPEC.exists():
        return []
    root = {"$ref": f"#/components/schemas/{schema}", "components": _spec()["components"]}
    return [error.message for error in OAS30Validator(root).iter_errors(body)]


def schema_of(method: str, url: str) -> str:
    """The schema of a request's body, by its path below the gradebook's base."""
    parts = url.split("?")[0].removeprefix(GRADEBOOK).strip("/").split("/")
    if method == "POST":
        return "LineItemSetDType" if parts[-1] == "lineItems" else "ResultSetDType"
    return {
        "results": "SingleResultDType",
        "lineItems": "SingleLineItemDType",
        "categories": "SingleCategoryDType",
    }[parts[0]]


class Wire:
    """The faked wire of one test."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock
        mock.add(
            responses.POST, TOKEN_URL, json={"access_token": "t1", "token_type": "Bearer", "expires_in": 3600}
        )

    def answer(self, method: str, url: str, status: int = 200, **fields: Any) -> None:
        self.mock.add(method, url, status=status, **fields)

    def lists(self, url: str, name: str, rows: list[dict[str, Any]]) -> None:
        """One whole list, with its total."""
        self.mock.add(responses.GET, url, json={name: rows}, headers={"X-Total-Count": str(len(rows))})

    def lost(self, method: str, url: str) -> None:
        self.mock.add(method, url, body=requests.exceptions.ReadTimeout())

    def sent(self, method: str) -> list[str]:
        """The paths below the gradebook's base, in order."""
        urls = [str(call.request.url) for call in self.mock.calls if call.request.method == method]
        return [url.removeprefix(GRADEBOOK).split("?")[0] for url in urls if not url.startswith(TOKEN_URL)]

    def bodies(self, method: str) -> list[Any]:
        return [
            json.loads(call.request.body or "null", parse_float=Decimal)
            for call in self.mock.calls
            if call.request.method == method and not str(call.request.url).startswith(TOKEN_URL)
        ]

    def check_bodies(self) -> None:
        """Every 1.2 gradebook body that left satisfies the OpenAPI to the letter."""
        for call in self.mock.calls:
            url, method = str(call.request.url), str(call.request.method)
            if url.startswith(GRADEBOOK) and call.request.body and method in ("PUT", "POST"):
                errors = schema_errors(schema_of(method, url), json.loads(call.request.body))
                assert not errors, f"{method} {url}: {errors}"


def adapter(base_url: str = HOST, **options: str) -> OneRoster:
    given = {name.replace("__", "."): value for name, value in options.items()}
    return OneRoster(Settings("1", base_url, TOKEN_URL, "client", SECRET, given))


def key(student: str = "s1", item: str = "i1") -> sis.Key:
    return sis.Key("1", "c1", item, student)


def number(text: str, **fields: Any) -> sis.Value:
    return sis.Value(Decimal(text), **fields)


def change(student: str = "s1", after: sis.Value | None = None, **fields: Any) -> sis.Change:
    given: dict[str, Any] = {
        "key": key(student),
        "before": None,
        "after": after if after is not None or "after_none" in fields else number("9.257"),
        "expected": NONE,
        "new_id": f"new-{student}",
        "score_date": date(2026, 2, 1),
    }
    fields.pop("after_none", None)
    return sis.Change(**(given | fields))


def withdrawal(student: str = "s1", **fields: Any) -> sis.Change:
    return change(student, after_none=True, **fields)


def outcomes(of: OneRoster, *changes: sis.Change) -> dict[str, sis.Outcome]:
    answers: list[Answer] = list(of.push(changes))
    assert len(answers) == len({one.key for one, _ in answers})
    return {one.key.student_id: outcome for one, outcome in answers}


def stored(student: str = "s1", result_id: str = "r1", item: str = "i1", **fields: Any) -> dict[str, Any]:
    """A result as a SIS shows it."""
    return {
        "sourcedId": result_id,
        "status": "active",
        "dateLastModified": "2026-02-01T08:00:00.000Z",
        "lineItem": {"href": f"{GRADEBOOK}/lineItems/{item}", "sourcedId": item, "type": "lineItem"},
        "student": {"href": f"{ROSTERING}/users/{student}", "sourcedId": student, "type": "user"},
        "scoreStatus": "fully graded",
        "scoreDate": "2026-02-01",
        **fields,
    }


def status_info(description: str, minor: str = "invaliddata") -> dict[str, Any]:
    field = {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": minor}
    return {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_description": description,
        "imsx_CodeMinor": {"imsx_codeMinorField": [field]},
    }


def pairs(*given: tuple[str, str]) -> list[Mapping[str, str]]:
    return [{"suppliedSourcedId": supplied, "allocatedSourcedId": allocated} for supplied, allocated in given]
