"""One cheap real call: what is supported, what is missing, whom to ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser

from sync.capabilities import Capability
from sync.engine import checking
from sync.management.base import Answer, Failed, JsonCommand
from sync.models import LmsConnection, SisConnection
from sync.options import Finding
from sync.views.wording import CAPABILITIES


class Command(JsonCommand):
    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")

    def answer(self, options: dict[str, Any]) -> Answer:
        row = _find(options["name"])
        findings = checking.check(row)
        clean = all(finding.ok for finding in findings)
        able = checking.capabilities_of(row) if isinstance(row, SisConnection) else ()
        data = _data(row, findings, clean)
        if able:
            data["capabilities"] = {one.code: one.has for one in able}
        return Answer(data, [*_lines(row, findings), *_able_lines(able)], clean)


def _find(name: str) -> SisConnection | LmsConnection:
    found: SisConnection | LmsConnection | None = SisConnection.objects.filter(name=name).first()
    found = found or LmsConnection.objects.filter(name=name).first()
    if found is None:
        raise Failed(
            f"There is no connection “{name}”. Make it with connect_sis or connect_lms.", "connection_unknown"
        )
    return found


def _data(row: SisConnection | LmsConnection, findings: Sequence[Finding], clean: bool) -> dict[str, Any]:
    return {
        "ok": clean,
        "name": row.name,
        "adapter": row.adapter,
        "findings": [{"title": one.title, "ok": one.ok, "text": one.text} for one in findings],
    }


def _lines(row: SisConnection | LmsConnection, findings: Sequence[Finding]) -> list[str]:
    marks = {True: "ok     ", False: "MISSING"}
    return [f"{row.name} ({row.adapter})"] + [
        f"  {marks[one.ok]}  {one.title}{': ' + one.text if one.text else ''}" for one in findings
    ]


def _able_lines(able: Sequence[Capability]) -> list[str]:
    """What the SIS can, then what it cannot."""
    ordered = sorted(able, key=lambda one: not one.has)
    marks = {True: "can", False: "cannot"}
    return [f"  {marks[one.has]:7}  {CAPABILITIES[one.code][not one.has]}" for one in ordered]
