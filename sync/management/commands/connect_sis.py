"""Connect a SIS: one account, its adapter, address, secret and profile. The same NAME again updates it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from sync import engine
from sync.management.base import (
    Answer,
    Failed,
    JsonCommand,
    describe,
    find_institution,
    merged,
    parse_options,
    refused_address,
)
from sync.models import SisConnection
from sync.sis import registry


class Command(JsonCommand):
    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME")
        parser.add_argument("--adapter", metavar="A", help=f"one of: {', '.join(registry.names())}")
        parser.add_argument("--describe", action="store_true", help="print the adapter's options and stop")
        parser.add_argument("--base-url", metavar="U")
        parser.add_argument("--token-url", metavar="U")
        parser.add_argument("--client-id", metavar="C")
        parser.add_argument("--client-secret", metavar="S", help="the secret, or env:NAME or file:NAME")
        parser.add_argument("--option", action="append", default=[], metavar="K=V")
        parser.add_argument(
            "--pair",
            action="append",
            default=[],
            metavar="LMS_FIELD=SIS_FIELD",
            help="how students match, e.g. sis_id=identifier; replaces the former pairs",
        )
        parser.add_argument("--institution", metavar="I")

    def answer(self, options: dict[str, Any]) -> Answer:
        if options["describe"]:
            if not options["adapter"]:
                raise Failed("Say which adapter: --adapter A --describe.")
            adapter = registry.get(options["adapter"])
            return describe(options["adapter"], adapter.label, adapter.options)
        if not options["name"]:
            raise Failed("Give the connection a NAME.")
        row = SisConnection.objects.filter(name=options["name"]).first()
        created = row is None
        row = row or SisConnection(name=options["name"])
        _fill(row, options)
        row.save()
        engine.profile_changed(row)
        done = "Connected" if created else "Updated"
        data = {"ok": True, "id": row.pk, "name": row.name, "adapter": row.adapter, "created": created}
        lines = [f"{done} {row.name} ({row.adapter}). Try it: manage.py check_connection {row.name}"]
        return Answer(data | {"options": row.options}, lines, warnings=refused_address(row.base_url))


def _fill(row: SisConnection, options: dict[str, Any]) -> None:
    for name in ("adapter", "base_url", "token_url", "client_id", "client_secret"):
        if options[name] is not None:
            setattr(row, name, options[name])
    if not row.adapter or not row.base_url:
        raise Failed("A new connection needs --adapter and --base-url.")
    adapter = registry.get(row.adapter)
    row.options = merged(row.options, parse_options(options["option"], adapter.options, row.adapter))
    if options["pair"]:
        row.pairs = [_pair(text) for text in options["pair"]]
    if row.institution_id is None or options["institution"]:
        row.institution = find_institution(options["institution"])
    # a row that was just set anew is taken as healthy until it shows otherwise
    row.active, row.trouble = True, ""


def _pair(text: str) -> list[str]:
    left, equals, right = text.partition("=")
    if not equals or not left or not right:
        raise Failed(f"“{text}” is not LMS_FIELD=SIS_FIELD.")
    return [left, right]
