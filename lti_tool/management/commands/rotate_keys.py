"""Take the next step of the signing key's rotation, or replace a key that may be in other hands."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import gettext_lazy as _

from lti_tool import http, keys
from lti_tool.models import SigningKey

DONE = {
    "published": _(
        "A new key is published. In a day it signs: by itself where the worker runs, else by this command."
    ),
    "waiting": _(
        "The last step is less than a day old, and platforms may not know of it yet. Nothing changed."
    ),
    "promoted": _("The new key signs now; the former one stays published for a day."),
    "replaced": _(
        "A new key signs now; no former one is published any more. A platform that still keeps the former key set refuses "
        "this tool's services until it reads the key set again, an hour as a rule."
    ),
}
DATABASE = _("The database does not answer as it should. Is it migrated (manage.py migrate) and reachable?")


class Command(BaseCommand):
    help = "Rotate the key that this tool signs with. The schedule does it every LTI_KEY_DAYS days."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--now",
            action="store_true",
            help="the key is compromised: replace it at once, unpublish all others",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = _rotated(options["now"])
            answer = {"done": done, "text": str(DONE[done]), "keys": _described()}
        except DatabaseError:
            if options["json"]:
                self.stdout.write(http.dumps({"ok": False, "error": str(DATABASE)}))
                sys.exit(2)
            raise CommandError(str(DATABASE), returncode=2) from None
        self._print(answer, options["json"])

    def _print(self, answer: dict[str, Any], as_json: bool) -> None:
        if as_json:
            self.stdout.write(http.dumps(answer))
            return
        self.stdout.write(answer["text"])
        for row in answer["keys"]:
            self.stdout.write(f"{row['state']}: {row['kid']} ({row['since']})")


def _rotated(at_once: bool) -> str:
    if at_once:
        keys.replace()
        return "replaced"
    return keys.rotate()


def _described() -> list[dict[str, str]]:
    """The published ones, oldest first."""
    rows = SigningKey.objects.filter(state__in=keys.PUBLISHED).defer("private_pem").order_by("pk")
    return [{"kid": row.kid, "state": row.state, "since": row.changed_at.isoformat()} for row in rows]
