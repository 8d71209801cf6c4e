"""Register an LMS by hand or from its family's presets, invite one to register itself, list, approve, test."""

from __future__ import annotations

import contextlib
import getpass
import sys
import uuid
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import URLValidator
from django.db import DatabaseError, transaction

from lti_tool import approvals, archiving, by_hand, connection_test, families, granted, http, invites
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
FAMILIES = ", ".join(family.code for family in families.FAMILIES)

Answer = dict[str, Any]


class Failed(Exception):
    """The command could not do its work; the text says what to do. Exit code 2."""


class Command(BaseCommand):
    help = "Register an LMS (LTI 1.3 platform). The same issuer and client id update their registration."

    def add_arguments(self, parser: CommandParser) -> None:
        for option in NEEDED:
            parser.add_argument(f"--{option.replace('_', '-')}", default="")
        parser.add_argument("--family", default="", help=f"presets: {FAMILIES}")
        parser.add_argument(
            "--site", default="", help="the LMS's own address; with --family it gives the others"
        )
        parser.add_argument(
            "--tool-id", default="", help="number or UUID of the tool in the LMS (Sakai, Open edX)"
        )
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
        parser.add_argument("--archived", action="store_true", help="with --list: the archived ones")
        parser.add_argument(
            "--steps",
            action="store_true",
            help="with --family: what to do in the LMS, and what to paste there",
        )
        parser.add_argument(
            "--test", metavar="ID", default="", help="test the connection; exit code 1 when something fails"
        )
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
        if answer.get("ok") is False:
            sys.exit(1)

    def _answer(self, options: dict[str, Any]) -> Answer:
        if options["list"]:
            return {"registrations": [_described(row) for row in _all(archived=options["archived"])]}
        if options["approve"]:
            return _described(_approve(options["approve"], options["deployment_id"]))
        if options["test"]:
            return _tested(_find(options["test"]))
        if options["invite"]:
            return _invited(options)
        if options["steps"]:
            return _steps(_family(options["family"]))
        return _described(_registered(options))

    def _print(self, answer: Answer, as_json: bool) -> None:
        if as_json:
            self.stdout.write(http.dumps(answer))
            return
        for block in answer.get("registrations", [answer]):
            for name, value in block.items():
                self._print_value(name, value)
            self.stdout.write("")

    def _print_value(self, name: str, value: Any) -> None:
        if not isinstance(value, list) or not value:
            self.stdout.write(f"{name}: {value}")
            return
        self.stdout.write(f"{name}:")
        for line in value:
            words = line.values() if isinstance(line, dict) else [line]
            self.stdout.write("  " + "  ".join(str(word) for word in words if word != ""))


def _all(*, archived: bool) -> list[Registration]:
    rows = Registration.objects.filter(archived_at__isnull=not archived)
    return list(rows.select_related("institution").prefetch_related("deployments").order_by("pk"))


def _described(row: Registration) -> Answer:
    return {
        "id": str(row.public_id),
        "name": row.name,
        "institution": row.institution.name,
        "issuer": row.issuer,
        "client_id": row.client_id,
        "active": row.active,
        "state": approvals.state_of(row),
        "product": row.product,
        "granted_scopes": row.granted_scopes,
        "missing": [str(use.without) for use in granted.missing(row.granted_scopes)],
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
    presets = _presets(options)
    values = _checked(options, presets)
    known = Registration.objects.filter(issuer=values["issuer"], client_id=values["client_id"]).first()
    institution = _institution(options["institution"], known)
    if known and known.institution_id != institution.pk:
        raise Failed(
            f"This issuer and client id belong to the institution “{known.institution}”. Leave out --institution, or register "
            "another client id."
        )
    row = known or Registration(institution=institution)
    revived = row.archived_at is not None
    if revived:
        archiving.revive(row)
    for name, value in values.items():
        setattr(row, name, value)
    _extras(row, options, presets)
    row.save()
    if revived and row.active:
        row.deployments.update(active=True)
    for deployment_id in options["deployment_id"]:
        _activate(row, deployment_id)
    return row


def _presets(options: dict[str, Any]) -> dict[str, Any]:
    """What follows from the family; nothing without one."""
    if not options["family"]:
        return {}
    family = _family(options["family"])
    try:
        return by_hand.values(
            family, site=options["site"], client_id=options["client_id"], tool_id=options["tool_id"]
        )
    except by_hand.Unfit as error:
        raise Failed(f"--{error.field.replace('_', '-')}: {error}") from None


def _family(code: str) -> families.Family:
    family = families.find(code)
    if family is None:
        raise Failed(f"--family is one of: {FAMILIES}.")
    return family


def _checked(options: dict[str, Any], presets: dict[str, Any]) -> dict[str, str]:
    values = {option: (options[option].strip() or presets.get(option, "")) for option in NEEDED}
    missing = [option for option, value in values.items() if not value]
    if missing:
        names = ", ".join(f"--{option.replace('_', '-')}" for option in missing)
        raise Failed(f"These are needed to register an LMS: {names}. Its administrator has them.")
    for option in URLS:
        try:
            URLValidator(schemes=["http", "https"])(values[option])
        except ValidationError:
            raise Failed(f"--{option.replace('_', '-')} is not an http(s) URL.") from None
    return {field: values[option] for option, field in NEEDED.items()}


def _extras(row: Registration, options: dict[str, Any], presets: dict[str, Any]) -> None:
    row.product = presets.get("product") or row.product
    if options["auth_audience"] is not None or presets:
        row.auth_audience = (options["auth_audience"] or presets.get("auth_audience", "")).strip()
    hosts, origins = options["service_host"], options["frame_origin"]
    if hosts or presets.get("service_hosts"):
        row.service_hosts = [host.strip().lower() for host in hosts] or presets["service_hosts"]
    if origins or presets.get("frame_origins"):
        row.frame_origins = [origin.strip().lower() for origin in origins] or presets["frame_origins"]
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
    if row.archived_at is not None:
        raise Failed(
            f"“{row.name}” is archived. Register the same issuer and client id again to bring it back."
        )
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


def _tested(row: Registration) -> Answer:
    findings = [asdict(finding) for finding in connection_test.run(row)]
    return {
        "id": str(row.public_id),
        "ok": all(finding["ok"] for finding in findings),
        "granted_scopes": row.granted_scopes,
        "findings": findings,
    }


def _steps(family: families.Family) -> Answer:
    return {
        "family": family.code,
        "invite": str(family.invite),
        "steps": [str(step) for step in family.steps],
        "paste": [{"label": label, "address": address} for label, address in by_hand.to_paste(family)],
    }


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
