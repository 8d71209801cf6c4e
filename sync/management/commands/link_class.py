"""Link a course to SIS classes on an administrator's own word."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from sync import engine
from sync.management.base import Answer, Failed, JsonCommand, find_context, who
from sync.models import ClassLink, SisConnection


class Command(JsonCommand):
    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("context", metavar="CONTEXT", help="as sync_course lists it")
        parser.add_argument("--sis", required=True, metavar="NAME")
        parser.add_argument(
            "--class", required=True, action="append", dest="classes", metavar="SOURCED_ID", help="repeatable"
        )

    def answer(self, options: dict[str, Any]) -> Answer:
        context = find_context(options["context"])
        connection = SisConnection.objects.filter(name=options["sis"]).first()
        if connection is None:
            raise Failed(f"There is no SIS connection “{options['sis']}”.", "connection_unknown")
        person = who()
        links = [
            engine.link_class(context, connection, class_id, person, as_admin=True)
            for class_id in options["classes"]
        ]
        data = {"ok": True, "context": str(context.public_id), "classes": [_data(link) for link in links]}
        return Answer(data, [f"Linked {link.class_id} ({link.title}) to {context}." for link in links])


def _data(link: ClassLink) -> dict[str, Any]:
    return {
        "id": link.pk,
        "sis": link.connection.name,
        "class": link.class_id,
        "title": link.title,
        "proof": link.proof,
    }
