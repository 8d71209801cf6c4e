"""A teacher's own grant: whose access a read uses, renewed in time by one worker at a time; lost, or taken back.

The database is the lock: a lease taken by a conditional update, on SQLite and PostgreSQL alike, with no transaction
open while the LMS is asked. New tokens are stored in one statement before anybody uses them, and never over newer ones.
A worker that dies between the LMS's answer and that statement costs, where each refresh token counts once, the grant:
the next one is told so by the LMS, and the teacher connects again.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from lti_tool.models import Context, LtiUser
from sync.code_flow import CodeClient, GrantGone, Tokens
from sync.errors import AdapterError, GrantNeeded, Misconfigured, NotItsTurn
from sync.lms import registry
from sync.models import Grant, LmsConnection

log = logging.getLogger(__name__)

CALLBACK: Final = "/grants/callback/"
EARLY: Final = timedelta(seconds=60)  # renewed this long before its end
PATIENCE_S: Final = 20.0  # how long a read waits for another worker that renews
STEP_S: Final = 0.2


def redirect_uri() -> str:
    """The one address that LMSs send a teacher's window back to; an administrator registers it there."""
    return f"{settings.PUBLIC_URL}{CALLBACK}"


def client_of(connection: LmsConnection) -> CodeClient:
    """This tool's key at the connection's LMS. Raises Misconfigured where it has none, or the LMS knows no grants."""
    reader = registry.get(connection.adapter)
    if reader.flow is None:
        text = f"{reader.product()} knows no access that teachers grant. An administrator must change the connection."
        raise Misconfigured(text, "connection_incomplete")
    options = {str(name): str(value) for name, value in connection.options.items()}
    root, secret = reader.root(connection.base_url), connection.clear_secret()
    if not (root and connection.client_id and secret):
        text = (
            f"The connection to {reader.product()} has no address, client id or client secret. An administrator must "
            "add it to the connection."
        )
        raise Misconfigured(text, "connection_incomplete")
    return CodeClient(reader.flow, reader.product(), root, connection.client_id, secret, options)


# --- whose grant ----------------------------------------------------------------------------------------------


def connection_of(context: Context) -> LmsConnection | None:
    """The connection that reads this course by its teachers' own grants; None where another account does."""
    rows = LmsConnection.objects.filter(registration=context.deployment.registration_id, active=True)
    found = rows.select_related("institution").first()
    return found if found is not None and found.by_teacher else None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one teacher stands with a connection that reads by grants: `state` is needed, lost or in_use."""

    connection: LmsConnection
    product: str
    state: str
    grant: Grant | None = None

    @property
    def must_connect(self) -> bool:
        return self.state != "in_use"


def standing_of(context: Context, user: LtiUser | None) -> Standing | None:
    """None where no teacher need connect, or nobody is asked for."""
    connection = connection_of(context) if user is not None else None
    if connection is None:
        return None
    try:
        product = registry.get(connection.adapter).product()
    except Misconfigured:
        return None
    grant = Grant.objects.filter(connection=connection, user=user).first()
    if grant is None:
        return Standing(connection, product, "needed")
    lost = grant.lost_at is not None or not fits(connection, grant.hosts)
    return Standing(connection, product, "lost" if lost else "in_use", grant)


def fits(connection: LmsConnection, hosts: Iterable[object]) -> bool:
    """Do tokens that were granted for these hosts go nowhere else? One who moves an address gets none of them."""
    try:
        return client_of(connection).hosts <= set(map(str, hosts))
    except Misconfigured:  # nothing goes anywhere
        return True


def newest_of(connection: LmsConnection, context: Context | None = None) -> LtiUser | None:
    """Who granted last, of the teachers of this course (or all): for what nobody of them asked for."""
    grants = Grant.objects.in_use().filter(connection=connection)
    if context is not None:
        hers = {"user__memberships__context": context, "user__memberships__can_send": True}
        grants = grants.filter(**hers)
    newest = grants.select_related("user").order_by("-granted_at", "-pk").first()
    return newest.user if newest is not None else None


# --- the account of a read ------------------------------------------------------------------------------------


class GrantAccount:
    """`sync.lms.access.Account` by a teacher's grant. Raises GrantNeeded, Misconfigured, NotItsTurn or TryLater."""

    def __init__(self, connection: LmsConnection, user: LtiUser | None) -> None:
        self._connection, self._user = connection, user

    @property
    def identity(self) -> str:
        """Of this very grant: who connects anew may have allowed another account of the LMS."""
        rows = Grant.objects.filter(connection=self._connection, user=self._user)
        found = rows.values_list("pk", "granted_at").first()
        return f"grant:{found[0]}:{found[1].isoformat()}" if found else ""

    def token(self) -> str:
        grant = self._grant()
        return self._renewed(grant.access_token) if _is_ending(grant) else str(grant.access_token)

    def renew(self, spent: str) -> str:
        return self._renewed(spent)

    def _grant(self) -> Grant:
        grant = Grant.objects.filter(connection=self._connection, user=self._user).first()
        if grant is None:
            raise self._needed()
        if grant.lost_at is not None:
            raise self._lost()
        if not fits(self._connection, grant.hosts):
            raise self._lost()
        return grant

    def _renewed(self, spent: str) -> str:
        """Another token than `spent`: by this worker, or by the one that holds the lease."""
        until = time.monotonic() + PATIENCE_S
        while True:
            grant = self._grant()
            if grant.access_token != spent and not _is_ending(grant):
                return str(grant.access_token)
            lease = _claim(grant)
            if lease:
                return self._renewed_by_us(grant.pk, spent, lease)
            if time.monotonic() > until:
                raise NotItsTurn("The access is being renewed by another program.")
            time.sleep(STEP_S)

    def _renewed_by_us(self, grant_id: int, spent: str, lease: str) -> str:
        try:
            # as it stands under the lease: the former holder may have renewed it a moment ago
            grant = self._grant()
            if grant.pk != grant_id or (grant.access_token != spent and not _is_ending(grant)):
                return str(grant.access_token)
            return self._ask(grant)
        finally:
            Grant.objects.filter(pk=grant_id, lease_token=lease).update(lease_token="", lease_until=None)

    def _ask(self, grant: Grant) -> str:
        client = client_of(self._connection)
        try:
            if not grant.refresh_token:
                raise GrantGone(client.product)
            tokens = client.renew(grant.refresh_token, redirect_uri())
        except GrantGone:
            _lose(grant, f"{client.product} has ended the access.")
            raise self._lost() from None
        if _store(grant, tokens):
            return tokens.access
        # she connected anew, or took it back, meanwhile: what we got belongs to nobody
        client.revoke(tokens)
        return str(self._grant().access_token)

    def _needed(self) -> GrantNeeded:
        product = registry.get(self._connection.adapter).product()
        if self._user is None:
            text = f"No teacher of this course has connected to {product} yet."
        else:
            text = f"{product} can be read only with your own access. Connect to {product} first."
        return GrantNeeded(text, "grant_needed")

    def _lost(self) -> GrantNeeded:
        product = registry.get(self._connection.adapter).product()
        text = f"{product} has ended the access. Connect to {product} again."
        return GrantNeeded(text, "grant_lost")


def refused(product: str) -> GrantNeeded:
    """The LMS refuses a token that it gave a moment ago."""
    text = f"{product} refuses your access. If this stays so, connect to {product} again."
    return GrantNeeded(text, "grant_refused")


def _is_ending(grant: Grant) -> bool:
    return grant.expires_at is not None and grant.expires_at - EARLY < timezone.now()


def _claim(grant: Grant) -> str:
    """The lease's token, or empty while another worker holds it. It outlives any request (settings: LEASE_S)."""
    now, token = timezone.now(), str(uuid.uuid4())
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    mine = {"lease_token": token, "lease_until": now + timedelta(seconds=settings.LEASE_S)}
    # never within a transaction: rolled back, it would take a rotated refresh token with it
    with transaction.atomic(durable=True):
        return token if Grant.objects.in_use().filter(free, pk=grant.pk).update(**mine) else ""


def _store(grant: Grant, tokens: Tokens) -> bool:
    """Both tokens in one statement, unless others were stored since."""
    fields = token_fields(tokens) | {"renewed_at": timezone.now(), "version": F("version") + 1}
    if not tokens.refresh:
        del fields["refresh_token"]
    if not tokens.scope:
        del fields["scope"]
    same = Grant.objects.in_use().filter(pk=grant.pk, version=grant.version)
    return bool(same.update(**fields, lease_token="", lease_until=None))


def token_fields(tokens: Tokens) -> dict[str, object]:
    return {
        "access_token": tokens.access,
        "refresh_token": tokens.refresh,
        "expires_at": until(tokens),
        "scope": tokens.scope,
    }


def until(tokens: Tokens) -> datetime | None:
    return None if tokens.seconds is None else timezone.now() + timedelta(seconds=tokens.seconds)


def _lose(grant: Grant, why: str) -> None:
    """Its tokens are of no use to anybody any more."""
    lost: Mapping[str, object] = {
        "lost_at": timezone.now(),
        "why": why,
        "access_token": "",
        "refresh_token": "",
    }
    if Grant.objects.in_use().filter(pk=grant.pk, version=grant.version).update(**lost):
        log.warning("grant %s of connection %s is lost", grant.pk, grant.connection_id)


# --- taken back -----------------------------------------------------------------------------------------------


def take_back(grant: Grant) -> bool:
    """Forget it here in any case. Returns whether the LMS was told, and took it back too."""
    tokens = _last_tokens(grant)
    Grant.objects.filter(pk=grant.pk).delete()
    log.info("grant %s of connection %s was taken back", grant.pk, grant.connection_id)
    return tokens is not None and revoke(grant.connection, grant.hosts, tokens)


def revoke(connection: LmsConnection, hosts: Iterable[object], tokens: Tokens) -> bool:
    """Tell the LMS, where it is still the one that gave them. Whether it took them back; never an error."""
    try:
        client = client_of(connection)
    except Misconfigured:
        return False
    return client.hosts <= set(map(str, hosts)) and client.revoke(tokens)


def _last_tokens(grant: Grant) -> Tokens | None:
    """With an access token that still counts, as some LMSs take a grant back by it."""
    try:
        access = GrantAccount(grant.connection, grant.user).token()
    except AdapterError:
        return None
    found = Grant.objects.filter(pk=grant.pk).first()
    return Tokens(access, found.refresh_token) if found is not None else None
