"""Our signing keys: RSA rows that are published before they sign and for a while after (JWKS, rotation)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lti_tool.models import SigningKey

BITS = 2048
# platforms keep our key set for a while: a key is published this long before it signs, and after
PUBLISH_AHEAD = timedelta(hours=24)
PUBLISHED = ("next", "active", "retiring")

# from the moment on which a key signs: is it time for the next one?
Due = Callable[[datetime], bool]


class KeyUnreadable(ImproperlyConfigured):
    """The key that signs cannot be decrypted. The text says what to do, and who."""


def active_key() -> SigningKey:
    """The key that signs now; the first one is made on demand. Raises KeyUnreadable."""
    try:
        return SigningKey.objects.filter(state="active").first() or _first()
    except ImproperlyConfigured:
        raise KeyUnreadable(
            _(
                "This tool's signing key cannot be decrypted: FIELD_KEYS lacks the key it was written with. Whoever runs this tool "
                "adds the former key at the end of FIELD_KEYS; if it is lost, “manage.py rotate_keys --now” makes a new signing key."
            )
        ) from None


def jwks() -> dict[str, list[dict[str, Any]]]:
    """Our public keys (RFC 7517): those that sign, will sign, or have signed lately. Needs no private key."""
    rows = list(_published())
    if "active" not in {state for state, _jwk in rows}:
        _first()
        rows = list(_published())
    return {"keys": [public for _state, public in rows]}


def _published() -> Any:
    rows = SigningKey.objects.filter(state__in=PUBLISHED).order_by("pk")
    return rows.values_list("state", "public_jwk")


def rotate(now: datetime | None = None) -> str:
    """One step of the rotation, by hand. Returns what it did: "published", "waiting" or "promoted".

    The next key is published first and signs a day later; the former one stays published another day.
    """
    return _step(now or timezone.now(), lambda since: True)


def rotate_when_due(now: datetime | None = None) -> str:
    """The step that is due, for the schedule; "none" too. A key signs for LTI_KEY_DAYS (0: until rotated by hand)."""
    now, days = now or timezone.now(), settings.LTI_KEY_DAYS
    last = now - timedelta(days=days) + PUBLISH_AHEAD
    return _step(now, lambda since: days > 0 and since <= last)


def replace(now: datetime | None = None) -> SigningKey:
    """For a key that may be in other hands: a new one signs at once, and no former one stays in the key set.

    Platforms that keep our key set may refuse us until they read it again.
    """
    now = now or timezone.now()
    try:
        with transaction.atomic():
            _retire(_living(), now)
            return _make("active", now)
    except IntegrityError:
        # another process replaced them at the same moment
        return active_key()


def _step(now: datetime, due: Due) -> str:
    try:
        with transaction.atomic():
            return _stepped(_living(), now, due)
    except IntegrityError:
        # another process took the same step at the same moment
        return "waiting"


def _stepped(rows: list[SigningKey], now: datetime, due: Due) -> str:
    lately = [row for row in rows if row.changed_at > now - PUBLISH_AHEAD]
    _retire([row for row in rows if row.state == "retiring" and row not in lately], now)
    active = [row for row in rows if row.state == "active"] or [_first()]
    coming = [row for row in rows if row.state == "next"]
    if any(row.state in {"next", "retiring"} for row in lately):
        return "waiting"
    if coming:
        _change(active, "retiring", now)
        _change(coming, "active", now)
        return "promoted"
    if not due(active[0].changed_at):
        return "none"
    _make("next", now)
    return "published"


def _living() -> list[SigningKey]:
    """All that are not retired, locked until the transaction ends; without their private half, which may be unreadable."""
    rows = SigningKey.objects.select_for_update().defer("private_pem")
    return list(rows.exclude(state="retired").order_by("pk"))


def _retire(rows: list[SigningKey], now: datetime) -> None:
    # nothing will be signed with it again
    _change(rows, "retired", now, private_pem="")


def _change(rows: list[SigningKey], state: str, now: datetime, **more: str) -> None:
    found = SigningKey.objects.filter(pk__in=[row.pk for row in rows])
    found.update(state=state, changed_at=now, **more)


def _first() -> SigningKey:
    try:
        with transaction.atomic():
            return _make("active", timezone.now())
    except IntegrityError:
        # another process made it at the same moment
        return SigningKey.objects.get(state="active")


def _make(state: str, now: datetime) -> SigningKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    jwk = _public_jwk(private.public_key())
    return SigningKey.objects.create(
        kid=jwk["kid"],
        private_pem=pem.decode(),
        public_jwk=jwk,
        state=state,
        created_at=now,
        changed_at=now,
    )


def _public_jwk(key: rsa.RSAPublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    core = {"e": _b64(numbers.e), "kty": "RSA", "n": _b64(numbers.n)}
    # RFC 7638: the thumbprint is taken over these members in this order
    thumb = hashlib.sha256(json.dumps(core, separators=(",", ":"), sort_keys=True).encode()).digest()
    kid = base64.urlsafe_b64encode(thumb).rstrip(b"=").decode()
    return {**core, "kid": kid, "alg": "RS256", "use": "sig"}


def _b64(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
