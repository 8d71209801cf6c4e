"""One cheap real call: what is supported, what is missing, whom to ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser

from sync.engine import checking
from sync.management.base import Answer, Failed, JsonCommand
from sync.models import LmsConnection, SisConnection
from sync.options import Finding


class Command(JsonCommand):
    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")

    def answer(self, options: dict[str, Any]) -> Answer:
        row = _find(options["name"])
        findings = checking.check(row)
        clean = all(finding.ok for finding in findings)
        return Answer(_data(row, findings, clean), _lines(row, findings), clean)


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
