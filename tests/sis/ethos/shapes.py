"""The published shapes of Ethos, held against what goes over the wire: a property that is not in them is an error."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

RESOURCE = re.compile(r"^/api/([a-z-]+)(?:/([^/]+))?$")
SCHEMAS = json.loads(Path(__file__).with_name("schemas.json").read_text(encoding="utf-8"))


@cache
def validator(name: str) -> Draft202012Validator:
    schema = {"$defs": SCHEMAS["$defs"], "$ref": f"#/$defs/{name}"}
    return Draft202012Validator(schema, format_checker=FormatChecker())


def faults_of(name: str, body: Any) -> list[str]:
    return list(_faults(name, json.dumps(body)))


@cache
def _faults(name: str, text: str) -> tuple[str, ...]:
    """The same rows come in nearly every test."""
    errors = validator(name).iter_errors(json.loads(text))
    return tuple(f"{name}: {error.json_path} {error.message}" for error in errors)


def faults_of_answer(path: str, status: int, body: Any) -> list[str]:
    """What is wrong with an answer of JSON to this path."""
    found = RESOURCE.match(path)
    if found is None:
        return []
    if status >= 400:
        return faults_of("errors", body) if body != {} else []
    rows = body if isinstance(body, list) else [body]
    return [fault for row in rows for fault in faults_of(found[1], row)]
