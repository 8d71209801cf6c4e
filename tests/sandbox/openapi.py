"""The official OpenAPI files of OneRoster 1.2, where they lie beside the project; they may not be shipped with it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import simplejson
from openapi_schema_validator import OAS30Validator, oas30_format_checker

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "specs" / "oneroster"
FILES = {
    "gradebook": "onerosterv1p2gradebookservice_openapi3_v1p0.json",
    "rostering": "onerosterv1p2rostersservice_openapi3_v1p0.json",
}
present = pytest.mark.skipif(
    not FOLDER.exists(), reason="the official OpenAPI files are not beside the project (../shared/specs)"
)


@cache
def spec(service: str) -> dict[str, Any]:
    found: dict[str, Any] = simplejson.loads((FOLDER / FILES[service]).read_text())
    return found


def operations(service: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of every operation."""
    if not FOLDER.exists():
        return []
    return [
        (method.upper(), path, operation)
        for path, methods in spec(service)["paths"].items()
        for method, operation in methods.items()
        if method in ("get", "put", "post", "delete")
    ]


def schema_of(operation: dict[str, Any], status: str) -> dict[str, Any] | None:
    """The schema of an answer; None where the answer has no body."""
    content = operation["responses"][status].get("content")
    schema: dict[str, Any] | None = content["application/json"]["schema"] if content else None
    return schema


def complaints(service: str, schema: dict[str, Any], body: Any) -> list[str]:
    """What the official schema has against a body. Numbers are compared as floats, as the schema means them."""
    whole = schema | {"components": spec(service)["components"]}
    plain = simplejson.loads(simplejson.dumps(body, use_decimal=True))
    validator = OAS30Validator(whole, format_checker=oas30_format_checker)
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        for error in validator.iter_errors(plain)
    ]
