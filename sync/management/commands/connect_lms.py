"""Connect a reader of one registration's gradebooks (without one, the LTI services are read). The same NAME updates."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import CommandParser

from lti_tool.models import Registration
from sync.engine import grants
from sync.lms import registry
from sync.management.base import Answer, Failed, JsonCommand, describe, merged, parse_options, refused_address
from sync.models import LmsConnection


class Command(JsonCommand):
    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME")
        parser.add_argument("--registration", metavar="ID", help="as register_platform printed it")
        parser.add_argument("--adapter", metavar="A", help=f"one of: {', '.join(registry.names())}")
        parser.add_argument("--describe", action="store_true", help="print the adapter's options and stop")
        parser.add_argument("--base-url", metavar="U")
        parser.add_argument("--token", metavar="T", help="the access token, or env:NAME or file:NAME")
        parser.add_argument("--client-id", metavar="C", help="the key that the LMS gave this tool")
        parser.add_argument("--client-secret", metavar="S", help="its secret, or env:NAME or file:NAME")
        parser.add_argument(
            "--access",
            choices=[name for name, _ in LmsConnection.ACCESS],
            help="whose account reads: one that you enter (token), or each teacher's own, as she allows it (teacher)",
        )
        parser.add_argument("--option", action="append", default=[], metavar="K=V")

    def answer(self, options: dict[str, Any]) -> Answer:
        if options["describe"]:
            if not options["adapter"]:
                raise Failed("Say which adapter: --adapter A --describe.")
            adapter = registry.get(options["adapter"])
            return describe(options["adapter"], adapter.label, adapter.declared())
        if not options["name"]:
            raise Failed("Give the connection a NAME.")
        row = LmsConnection.objects.filter(name=options["name"]).first()
        created = row is None
        row = row or LmsConnection(name=options["name"])
        _fill(row, options)
        row.save()
        done = "Connected" if created else "Updated"
        data = {"ok": True, "id": row.pk, "name": row.name, "adapter": row.adapter, "created": created}
        data["access"] = row.access
        lines = [f"{done} {row.name} ({row.adapter}). Try it: manage.py check_connection {row.name}"]
        if row.by_teacher:
            data["redirect_uri"] = grants.redirect_uri()
            lines.append(f"Register this redirect address at the LMS: {grants.redirect_uri()}")
        notes = refused_address(row.base_url) if row.base_url else []
        return Answer(data | {"options": row.options}, lines, warnings=notes)


def _fill(row: LmsConnection, options: dict[str, Any]) -> None:
    for name in ("adapter", "base_url", "token", "client_id", "client_secret", "access"):
        if options[name] is not None:
            setattr(row, name, options[name])
    if options["registration"]:
        row.registration = _registration(options["registration"])
    if row.registration_id is None or not row.adapter:
        raise Failed("A new connection needs --registration and --adapter.")
    row.institution = row.registration.institution
    adapter = registry.get(row.adapter)
    row.options = merged(row.options, parse_options(options["option"], adapter.declared(), row.adapter))
    if row.by_teacher:
        grants.client_of(row)  # says what is missing
    row.active, row.trouble = True, ""
    _refuse_a_second(row)


def _registration(text: str) -> Registration:
    found = Registration.objects.filter(pk=int(text)).first() if text.isdigit() else None
    if found is None:
        try:
            found = Registration.objects.filter(public_id=uuid.UUID(text)).first()
        except ValueError:
            found = None
    if found is None:
        raise Failed(
            f"There is no registration {text}. “register_platform --list” shows them.", "registration_unknown"
        )
    return found


def _refuse_a_second(row: LmsConnection) -> None:
    other = (
        LmsConnection.objects.filter(registration=row.registration, active=True).exclude(pk=row.pk).first()
    )
    if other is not None:
        raise Failed(
            f"This registration is read by “{other.name}” already. Update that one, or switch it off in the admin.",
            "reader_taken",
        )
