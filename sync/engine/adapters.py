"""Adapters made from rows: secrets resolved, tokens shared, no model handed over."""

from __future__ import annotations

import hashlib
import threading
import time
from datetime import timedelta

from django.utils import timezone

from lti_tool.fields import resolve_secret
from lti_tool.models import CachedToken, Context, LtiUser
from lti_tool.services import Services
from sync.engine import grants
from sync.engine.pacing import SharedPace
from sync.errors import Misconfigured
from sync.lms import base as lms_base
from sync.lms import records as lms
from sync.lms import registry as lms_registry
from sync.models import LmsConnection, SisConnection
from sync.sis import base as sis_base
from sync.sis import registry as sis_registry


class Tokens:
    """Access tokens in memory, shared with other workers through CachedToken.

    Adapters send from threads of their own; only the thread that made this store touches the database.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix, self._thread = prefix, threading.get_ident()
        self._held: dict[str, tuple[str, float]] = {}

    def get(self, key: str) -> str | None:
        token, until = self._held.get(key, ("", 0.0))
        if token:
            return token if time.time() < until else None
        if threading.get_ident() != self._thread:
            return None
        row = CachedToken.objects.filter(key=self._digest(key), expires_at__gt=timezone.now()).first()
        if row is None:
            return None
        token = str(row.token)
        self._held[key] = (token, row.expires_at.timestamp())
        return token

    def set(self, key: str, token: str, seconds: int) -> None:
        self._held[key] = (token, time.time() + seconds)
        if threading.get_ident() == self._thread:
            until = timezone.now() + timedelta(seconds=seconds)
            CachedToken.objects.update_or_create(
                key=self._digest(key), defaults={"token": token, "expires_at": until}
            )

    def delete(self, key: str) -> None:
        self._held.pop(key, None)
        if threading.get_ident() == self._thread:
            CachedToken.objects.filter(key=self._digest(key)).delete()

    def _digest(self, key: str) -> str:
        return hashlib.sha256(f"{self._prefix}\n{key}".encode()).hexdigest()


def make_sis(connection: SisConnection) -> sis_base.Sis:
    """The adapter of one SIS connection. Raises Misconfigured when its adapter is not installed."""
    settings = sis_base.Settings(
        name=str(connection.pk),
        base_url=connection.base_url,
        token_url=connection.token_url,
        client_id=connection.client_id,
        secret=connection.clear_secret(),
        options={str(name): _option(str(name), str(value)) for name, value in connection.options.items()},
    )
    return sis_registry.get(connection.adapter)(settings, Tokens(f"sis:{connection.pk}"))


def _option(name: str, value: str) -> str:
    """A header of the SIS's own may be a key, so it may be kept outside of the database as other secrets are."""
    return resolve_secret(value) if name.lower().startswith("header.") else value


def make_lms(context: Context, user: LtiUser | None = None) -> lms_base.Lms:
    """The reader of this course: its registration's connection, else `ags` with the launch's own services.

    `user` is who asked for it: where teachers grant their own access, hers is used; without her that of the teacher of
    this course who granted last. Raises Misconfigured when an administrator has switched the LMS off: nothing is read or
    sent for it, by a schedule neither.
    """
    registration = context.registration
    if not registration.active or not context.deployment.active:
        raise Misconfigured(
            f"“{registration.name}” is switched off for this course. Ask the administrator of this tool to approve it again.",
            "registration-off",
        )
    connection = LmsConnection.objects.filter(registration=registration, active=True).first()
    if connection is None:
        settings = lms_base.Settings(name="ags", options={"product": registration.product})
        return lms_registry.get("ags")(settings, Services(registration))
    if connection.by_teacher and user is None:
        user = grants.newest_of(connection, context)
    return make_reader(connection, user)


def make_reader(connection: LmsConnection, user: LtiUser | None = None) -> lms_base.Lms:
    """The reader of one LMS connection, by this teacher's grant where it reads by grants.

    Raises Misconfigured when it is not installed. That she has not granted it is said by the read (GrantNeeded).
    """
    reader = lms_registry.get(connection.adapter)
    settings = lms_base.Settings(
        name=connection.name,
        base_url=connection.base_url,
        token=connection.clear_token(),
        options={str(name): str(value) for name, value in connection.options.items()},
        client_id=connection.client_id,
        secret=connection.clear_secret(),
    )
    return reader(
        settings,
        Services(connection.registration),
        Tokens(f"lms:{connection.pk}"),
        account=grants.GrantAccount(connection, user) if connection.by_teacher else None,
        pace=SharedPace(_account_key(connection, user), _at_once(reader, settings)),
    )


def _account_key(connection: LmsConnection, user: LtiUser | None) -> str:
    """What an LMS throttles: the token. Teachers' own have each a budget of its own."""
    return f"lms:{connection.pk}:{user.pk}" if connection.by_teacher and user else f"lms:{connection.pk}"


def _at_once(reader: type[lms_base.Lms], settings: lms_base.Settings) -> int:
    stated = settings.options.get("at_once", "")
    return int(stated) if stated.isdecimal() and 0 < int(stated[:3]) < 100 else reader.at_once


def course_of(context: Context) -> lms.Course:
    """What the launches said of the course, as the readers want it."""
    return lms.Course(
        context_id=context.context_id,
        title=context.title,
        lineitems_url=context.lineitems_url,
        memberships_url=context.memberships_url,
        scopes=frozenset(context.ags_scopes),
        custom={str(name): str(value) for name, value in context.custom.items()},
    )
