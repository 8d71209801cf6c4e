"""Each body that the adapter sends, held to the official specifications, where a misspelt field is an error."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from sync.sis import records as sis
from tests.sandbox_servers import Server
from tests.sis.edfi.conftest import STANDARDS, adapter

SPECS = Path(__file__).resolve().parents[3].parent / "shared" / "specs" / "ed-fi"
OF = {
    "gradebookEntries": "edFi_gradebookEntry",
    "studentGradebookEntries": "edFi_studentGradebookEntry",
    "grades": "edFi_grade",
}
VALUES = (
    sis.Value(Decimal("86.5")),
    sis.Value(text="B+"),
    sis.Value(Decimal(7), "C", flags=frozenset({"late"})),
    sis.Value(status=sis.ScoreStatus.EXEMPT),
    sis.Value(status=sis.ScoreStatus.NOT_SUBMITTED, flags=frozenset({"missing"})),
)

pytestmark = pytest.mark.skipif(
    not SPECS.is_dir() and not os.environ.get("CI"),
    reason="the official specifications are not beside the project",
)


def strict(node: Any) -> Any:
    """The same schema, in which an object has no other properties than those named."""
    if isinstance(node, list):
        return [strict(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {name: strict(value) for name, value in node.items()}
    return made | {"additionalProperties": False} if "properties" in made else made


@pytest.fixture(scope="module")
def validators() -> Callable[[str, str], OAS30Validator]:
    documents = {
        name: strict(yaml.safe_load((SPECS / f"grades-slice-{name}.yml").read_text())) for name in STANDARDS
    }

    def of(standard: str, resource: str) -> OAS30Validator:
        registry: Registry[Any] = Registry().with_resource(
            "urn:spec", Resource.from_contents(documents[standard], default_specification=DRAFT4)
        )
        return OAS30Validator({"$ref": f"urn:spec#/components/schemas/{OF[resource]}"}, registry=registry)

    return of


def plain(body: Any) -> Any:
    """Numbers as a JSON validator wants them."""
    if isinstance(body, dict):
        return {name: plain(value) for name, value in body.items()}
    return float(body) if isinstance(body, Decimal) else body


@pytest.mark.parametrize("standard", STANDARDS)
def test_every_write_is_as_the_official_specification_has_it(
    start: Callable[..., Server], validators: Callable[[str, str], OAS30Validator], standard: str
) -> None:
    server = start(standard)
    of = adapter(server, grade_types="Final")
    wrote = drive(of, standard)
    sent = [one for one in server.journal if one["method"] in ("POST", "PUT") and "/ed-fi/" in one["path"]]
    assert len(sent) > len(wrote)
    for one in sent:
        resource = one["path"].split("/ed-fi/")[1].split("/")[0]
        errors = [error.message for error in validators(standard, resource).iter_errors(plain(one["body"]))]
        assert errors == [], (one["path"], one["body"])


def drive(of: Any, standard: str) -> list[sis.Outcome]:
    """One of everything: an entry made, values of each form, one written over, a course grade."""
    from datetime import UTC, datetime

    group = of.get_class("ALG1-P3")
    day = datetime(2026, 2, 20, 12, tzinfo=UTC)
    made = of.create_line_item(
        sis.NewLineItem("new-1", "Übung", group.sourced_id, "", "", day, day, description="Two pages")
    )
    total = next(one for one in of.line_items(group.sourced_id) if one.kind == "course_total")
    students = [one.sourced_id for one in of.students(group.sourced_id)]
    fit = [
        value
        for value in VALUES
        if standard != "3.3" or (not value.flags and value.status != sis.ScoreStatus.EXEMPT)
    ]
    changes = [change(group, made, student, value) for student, value in zip(students, fit, strict=False)]
    changes.append(change(group, total, students[0], sis.Value(Decimal(91), "A-")))
    outcomes = [outcome for _, outcome in of.push(changes)]
    assert {one.state for one in outcomes} == {"accepted"}
    stored = of.results(group.sourced_id)[0]
    again = sis.Change(
        sis.Key("1", stored.class_id, stored.line_item_id, stored.student_id), stored.value,
        sis.Value(Decimal(50)), frozenset({stored.value}), result_id=stored.sourced_id,
    )  # fmt: skip
    outcomes += [outcome for _, outcome in of.push([again])]
    assert outcomes[-1].state == "accepted"
    return outcomes


def change(group: sis.Class, item: sis.LineItem, student: str, value: sis.Value) -> sis.Change:
    key = sis.Key("1", group.sourced_id, item.sourced_id, student)
    return sis.Change(key, None, value, frozenset({None}), new_id="derived")
