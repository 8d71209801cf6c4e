"""How a teacher connects: begun in her LTI session, allowed in a window at the LMS, finished in that very session.

Whoever is sent another person's link gives that person nothing: the window that comes back must be the one that began
(a cookie of its own), and what it brings stays locked until the session that began types, or is handed, the code that
only this window shows.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from lti_tool.models import LtiSession
from lti_tool.sessions import digest, is_alive
from sync.code_flow import CodeClient, GrantGone, Tokens, Verifier
from sync.engine import grants
from sync.engine.errors import EngineError
from sync.errors import Misconfigured, TryLater
from sync.lms import registry
from sync.models import Grant, GrantRequest, LmsConnection

log = logging.getLogger(__name__)

VALID: Final = timedelta(minutes=10)
AT_ONCE: Final = 5  # windows that one session may have open
# nothing that is read for something else: no I, O, 0, 1
SIGNS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LONGEST: Final = 4096


class ConnectRefused(Exception):
    """The window came back and nothing was kept. `code` says why; `text` is the engine's or an adapter's own sentence."""

    def __init__(self, code: str, product: str = "", text: str = "") -> None:
        super().__init__(code)
        self.code, self.product, self.text = code, product, text


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the window goes, and the cookie that only it gets."""

    url: str = field(repr=False)
    product: str
    cookie: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the window shows when it comes back: for whom and which course this is, and the code that unlocks it."""

    code: str = field(repr=False)
    product: str
    teacher: str
    course: str


def cookie_name(state: str) -> str:
    """Two windows have two cookies."""
    return f"gradesync_connect_{digest(state)[:16]}"


# --- begun ----------------------------------------------------------------------------------------------------


def begin(session: LtiSession) -> Begun:
    """Raises EngineError, or Misconfigured where the connection's key is not complete."""
    connection = _connection_for(session)
    client = grants.client_of(connection)
    state, secret, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32), Verifier()
    url = client.authorize_url(state, grants.redirect_uri(), verifier)
    made = GrantRequest.objects.create(
        state_hash=digest(state),
        browser_hash=digest(secret),
        session=session,
        user=session.membership.user,
        connection=connection,
        context=session.membership.context,
        verifier=verifier.secret,
        hosts=sorted(client.hosts),
        expires_at=timezone.now() + VALID,
    )
    older = GrantRequest.objects.filter(session=session, pk__lte=made.pk).order_by("-pk")
    _drop(older.values_list("pk", flat=True)[AT_ONCE:])
    return Begun(url, client.product, cookie_name(state), secret)


def _connection_for(session: LtiSession) -> LmsConnection:
    connection = grants.connection_of(session.membership.context)
    if connection is None:
        raise EngineError(
            "This course is not read with its teachers' own access, so there is nothing to connect."
        )
    if session.acting_admin_id is not None:
        raise EngineError("Only the teacher herself can connect: the access is that of her own account.")
    return connection


# --- back from the LMS ----------------------------------------------------------------------------------------


def come_back(query: Mapping[str, str], cookies: Mapping[str, str]) -> Arrived:
    """The window comes back, once. `cookies` by the names of `cookie_name`. Raises ConnectRefused."""
    row = _used_up(query.get("state", ""), cookies)
    product = registry.get(row.connection.adapter).product()
    _check_session(row, product)
    client = _client(row, product)
    _check_answer(query, client)
    tokens = _exchanged(row, client, query.get("code", ""))
    _check_person(row, client, tokens)
    code = "".join(secrets.choice(SIGNS) for _ in range(8))
    fields = {name: value for name, value in grants.token_fields(tokens).items() if name != "expires_at"}
    GrantRequest.objects.filter(pk=row.pk).update(
        **fields, token_until=grants.until(tokens), code_hash=_hash_of(code), verifier=""
    )
    return Arrived(f"{code[:4]}-{code[4:]}", product, str(row.user), str(row.context))


def _used_up(state: str, cookies: Mapping[str, str]) -> GrantRequest:
    """The request of this state, which no second answer can use. Another browser's answer does not use it up."""
    related = ("session__membership__context__deployment__registration__institution", "session__acting_admin")
    rows = GrantRequest.objects.filter(expires_at__gt=timezone.now(), used_at=None)
    rows = rows.select_related(*related, "session__membership__user", "user", "connection", "context")
    row = rows.filter(state_hash=digest(state)).first() if 0 < len(state) <= LONGEST else None
    if row is None:
        raise ConnectRefused("used")
    brought = cookies.get(cookie_name(state), "")
    if not brought or not hmac.compare_digest(row.browser_hash, digest(brought)):
        raise ConnectRefused("other-window")
    if not GrantRequest.objects.filter(pk=row.pk, used_at=None).update(used_at=timezone.now()):
        raise ConnectRefused("used")
    return row


def _check_session(row: GrantRequest, product: str) -> None:
    session = row.session
    if not is_alive(session) or not session.membership.can_send or session.acting_admin_id is not None:
        raise ConnectRefused("session-over", product)
    connection = grants.connection_of(row.context)
    if connection is None or connection.pk != row.connection_id or not grants.fits(connection, row.hosts):
        raise ConnectRefused("used", product)


def _client(row: GrantRequest, product: str) -> CodeClient:
    try:
        return grants.client_of(row.connection)
    except Misconfigured as error:
        raise ConnectRefused("setup", product, f"{error} ({error.code})") from None


def _check_answer(query: Mapping[str, str], client: CodeClient) -> None:
    if "iss" in query and not client.is_issuer(query["iss"]):
        raise ConnectRefused("other-server", client.product)
    if query.get("error", "") == "access_denied":
        raise ConnectRefused("denied", client.product)
    if query.get("error", "") or not 0 < len(query.get("code", "")) <= LONGEST:
        raise ConnectRefused("lms-error", client.product)


def _exchanged(row: GrantRequest, client: CodeClient, code: str) -> Tokens:
    try:
        return client.exchange(code, grants.redirect_uri(), Verifier(row.verifier))
    except GrantGone:
        raise ConnectRefused("code-refused", client.product) from None
    except TryLater:
        raise ConnectRefused("away", client.product) from None
    except Misconfigured as error:
        log.warning("connection %s: %s", row.connection_id, error.code)
        raise ConnectRefused("setup", client.product, f"{error} ({error.code})") from None


def _check_person(row: GrantRequest, client: CodeClient, tokens: Tokens) -> None:
    """Where the LMS names the token's owner, and her launch named her, they are one person."""
    reader = registry.get(row.connection.adapter)
    launched = reader.launched_as(row.user.sub, row.user.lms_user_id)
    if tokens.person and launched and not reader.is_same(tokens.person, launched):
        log.warning("grant request %s came back with another person's access", row.pk)
        client.revoke(tokens)
        raise ConnectRefused("other-person", client.product)


# --- finished in the session ----------------------------------------------------------------------------------


def finish(session: LtiSession, typed: str) -> Grant:
    """Unlock what the window brought. Raises EngineError unless this very session began it and this is its code."""
    connection = _connection_for(session)
    row = _brought(session, connection, typed)
    if row is None:
        raise EngineError(
            "This is not the code that your window shows, or it is older than ten minutes. Look there once more, or "
            "connect again."
        )
    with transaction.atomic():
        if not GrantRequest.objects.filter(pk=row.pk).delete()[0]:
            raise EngineError("This code was used already.")
        former = Grant.objects.select_for_update().filter(connection=connection, user=row.user).first()
        grant = _put(row, former.version if former is not None else 0)
    if former is not None and former.access_token:
        _revoke_former(connection, former)
    return grant


def _brought(session: LtiSession, connection: LmsConnection, typed: str) -> GrantRequest | None:
    code = _hash_of("".join(sign for sign in typed[:100].upper() if sign.isalnum()))
    mine = GrantRequest.objects.filter(session=session, connection=connection, expires_at__gt=timezone.now())
    mine = mine.exclude(code_hash="").select_related("user")
    return next((row for row in mine if hmac.compare_digest(row.code_hash, code)), None)


def _put(row: GrantRequest, version: int) -> Grant:
    values = {
        "access_token": row.access_token,
        "refresh_token": row.refresh_token,
        "expires_at": row.token_until,
        "scope": row.scope,
        "hosts": row.hosts,
        "version": version + 1,
        "granted_at": timezone.now(),
        "renewed_at": None,
        "lost_at": None,
        "why": "",
        "lease_token": "",
        "lease_until": None,
    }
    kept = Grant.objects.update_or_create(connection=row.connection, user=row.user, defaults=values)
    return kept[0]


def _revoke_former(connection: LmsConnection, former: Grant) -> None:
    """Where a token is taken back by itself (Canvas). Elsewhere that could take the new one back too."""
    flow = registry.get(connection.adapter).flow
    if flow is not None and flow.revoke_method == "DELETE":
        grants.revoke(connection, former.hosts, Tokens(former.access_token))


def _hash_of(code: str) -> str:
    return digest(f"grant code {code}")


# --- swept ----------------------------------------------------------------------------------------------------


def sweep() -> None:
    """Attempts that nobody finished: what the LMS gave is taken back where it can be, and forgotten."""
    over = GrantRequest.objects.filter(expires_at__lt=timezone.now())
    _drop(over.values_list("pk", flat=True)[:1000])


def _drop(ids: object) -> None:
    for pk in list(ids):  # type: ignore[call-overload]  # a queryset of ids
        row = GrantRequest.objects.filter(pk=pk).select_related("connection").first()
        if row is None or not GrantRequest.objects.filter(pk=pk).delete()[0] or not row.access_token:
            continue
        grants.revoke(row.connection, row.hosts, Tokens(row.access_token, row.refresh_token))
