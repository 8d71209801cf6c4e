"""Register an LMS by hand, invite one to register itself, list what is registered, approve."""

from __future__ import annotations

import contextlib
import getpass
import sys
import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import URLValidator
from django.db import DatabaseError, transaction

from lti_tool import http, invites
from lti_tool.login import public_url
from lti_tool.models import Deployment, Institution, Registration

INSTITUTION = "Default"
DATABASE = "The database does not answer as it should. Is it migrated (manage.py migrate) and reachable?"
# option, field; all are needed for a new registration
NEEDED = {
    "name": "name",
    "issuer": "issuer",
    "client_id": "client_id",
    "auth_login_url": "auth_login_url",
    "auth_token_url": "auth_token_url",
    "key_set_url": "key_set_url",
}
URLS = ("auth_login_url", "auth_token_url", "key_set_url")

Answer = dict[str, Any]


class Failed(Exception):
    """The command could not do its work; the text says what to do. Exit code 2."""


class Command(BaseCommand):
    help = "Register an LMS (LTI 1.3 platform). The same issuer and client id update their registration."

    def add_arguments(self, parser: CommandParser) -> None:
        for option in NEEDED:
            parser.add_argument(f"--{option.replace('_', '-')}", default="")
        parser.add_argument(
            "--auth-audience", default=None, help="audience of token requests, if not the token URL"
        )
        parser.add_argument("--deployment-id", action="append", default=[], help="repeatable")
        parser.add_argument(
            "--service-host", action="append", default=[], help="further host of its services"
        )
        parser.add_argument(
            "--frame-origin", action="append", default=[], help="further origin that frames the tool"
        )
        parser.add_argument("--institution", default="")
        parser.add_argument("--active", action="store_true", help="usable now, new deployments included")
        parser.add_argument(
            "--invite", action="store_true", help="a one-time address for dynamic registration"
        )
        parser.add_argument("--list", action="store_true", help="list registrations and their deployments")
        parser.add_argument(
            "--approve", metavar="ID", default="", help="make a registration or deployment active"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answer = self._answer(options)
        except (Failed, DatabaseError) as error:
            text = str(error) if isinstance(error, Failed) else DATABASE
            if options["json"]:
                self.stdout.write(http.dumps({"ok": False, "error": text}))
                sys.exit(2)
            raise CommandError(text, returncode=2) from None
        self._print(answer, options["json"])

    def _answer(self, options: dict[str, Any]) -> Answer:
        if options["list"]:
            return {"registrations": [_described(row) for row in _all()]}
        if options["approve"]:
            return _described(_approve(options["approve"], options["deployment_id"]))
        if options["invite"]:
            return _invited(options)
        return _described(_registered(options))

    def _print(self, answer: Answer, as_json: bool) -> None:
        if as_json:
            self.stdout.write(http.dumps(answer))
            return
        for block in answer.get("registrations", [answer]):
            for name, value in block.items():
                self.stdout.write(f"{name}: {value}")
            self.stdout.write("")


def _all() -> list[Registration]:
    return list(
        Registration.objects.select_related("institution").prefetch_related("deployments").order_by("pk")
    )


def _described(row: Registration) -> Answer:
    return {
        "id": str(row.public_id),
        "name": row.name,
        "institution": row.institution.name,
        "issuer": row.issuer,
        "client_id": row.client_id,
        "active": row.active,
        "deployments": [
            {"deployment_id": each.deployment_id, "active": each.active}
            for each in sorted(row.deployments.all(), key=lambda each: each.pk)
        ],
        "login_url": public_url("login"),
        "own_login_url": public_url("login-of", row.public_id),
        "launch_url": public_url("launch"),
        "jwks_url": public_url("jwks"),
    }


@transaction.atomic
def _registered(options: dict[str, Any]) -> Registration:
    values = _checked(options)
    known = Registration.objects.filter(issuer=values["issuer"], client_id=values["client_id"]).first()
    institution = _institution(options["institution"], known)
    if known and known.institution_id != institution.pk:
        raise Failed(
            f"This issuer and client id belong to the institution “{known.institution}”. Leave out --institution, or register "
            "another client id."
        )
    row = known or Registration(institution=institution)
    for name, value in values.items():
        setattr(row, name, value)
    _extras(row, options)
    row.save()
    for deployment_id in options["deployment_id"]:
        _activate(row, deployment_id)
    return row


def _checked(options: dict[str, Any]) -> dict[str, str]:
    missing = [option for option in NEEDED if not options[option].strip()]
    if missing:
        names = ", ".join(f"--{option.replace('_', '-')}" for option in missing)
        raise Failed(f"These are needed to register an LMS: {names}. Its administrator has them.")
    for option in URLS:
        try:
            URLValidator(schemes=["http", "https"])(options[option])
        except ValidationError:
            raise Failed(f"--{option.replace('_', '-')} is not an http(s) URL.") from None
    return {field: options[option].strip() for option, field in NEEDED.items()}


def _extras(row: Registration, options: dict[str, Any]) -> None:
    if options["auth_audience"] is not None:
        row.auth_audience = options["auth_audience"].strip()
    if options["service_host"]:
        row.service_hosts = [host.strip().lower() for host in options["service_host"]]
    if options["frame_origin"]:
        row.frame_origins = [origin.strip().lower() for origin in options["frame_origin"]]
    if options["active"]:
        row.active = row.trust_new_deployments = True


def _institution(name: str, known: Registration | None) -> Institution:
    if not name:
        if known:
            return known.institution
        first = list(Institution.objects.order_by("pk")[:2])
        if len(first) > 1:
            raise Failed("There are several institutions: say which one by --institution.")
        name = first[0].name if first else INSTITUTION
    return Institution.objects.get_or_create(name=name)[0]


def _activate(row: Registration, deployment_id: str) -> None:
    Deployment.objects.update_or_create(
        registration=row, deployment_id=deployment_id, defaults={"active": True}
    )


@transaction.atomic
def _approve(text: str, deployment_ids: list[str]) -> Registration:
    """The registration; with deployment ids these too; without, those that launches have brought so far."""
    row = _find(text)
    row.active = True
    row.save(update_fields=["active"])
    if not deployment_ids:
        row.deployments.update(active=True)
    for deployment_id in deployment_ids:
        if not row.deployments.filter(deployment_id=deployment_id).update(active=True):
            raise Failed(
                f"“{row.name}” has no deployment {deployment_id}. “register_platform --list” shows those known."
            )
    return row


def _find(text: str) -> Registration:
    rows = Registration.objects.select_related("institution")
    found = rows.filter(pk=int(text)).first() if text.isdecimal() else None
    with contextlib.suppress(ValueError):
        found = found or rows.filter(public_id=uuid.UUID(text)).first()
    if found is None:
        raise Failed(f"There is no registration {text}. “register_platform --list” shows them.")
    return found


def _invited(options: dict[str, Any]) -> Answer:
    institution = _institution(options["institution"], None)
    token = invites.make(institution, pre_approved=options["active"], created_by=_operator())
    return {
        "invite_url": public_url("register", token),
        "institution": institution.name,
        "valid_days": invites.VALID.days,
    }


def _operator() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "command line"
