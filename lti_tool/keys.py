"""Our signing keys: RSA rows that are published before they sign and for a while after (JWKS, rotation)."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import transaction
from django.utils import timezone

from lti_tool.models import SigningKey

BITS = 2048
# platforms keep our key set for a while: a key is published this long before it signs, and after
PUBLISH_AHEAD = timedelta(hours=24)
PUBLISHED = ("next", "active", "retiring")


def active_key() -> SigningKey:
    """The key that signs now; the first one is made on demand."""
    # two processes may each make a first key: both are published, and all sign with the same one
    found = SigningKey.objects.filter(state="active").order_by("pk").first()
    return found or _make("active")


def jwks() -> dict[str, list[dict[str, Any]]]:
    """Our public keys (RFC 7517): those that sign, will sign, or have signed lately."""
    active_key()
    rows = SigningKey.objects.filter(state__in=PUBLISHED).order_by("pk")
    return {"keys": [row.public_jwk for row in rows]}


@transaction.atomic
def rotate(now: datetime | None = None) -> str:
    """One step of the rotation; call it daily or by hand. Returns what it did: "published", "waiting" or "promoted".

    The next key is published first and signs a day later; the former one stays published another day.
    """
    now = now or timezone.now()
    active_key()
    long_ago = now - PUBLISH_AHEAD
    SigningKey.objects.filter(state="retiring", changed_at__lte=long_ago).update(
        state="retired", changed_at=now
    )
    coming = SigningKey.objects.filter(state="next").order_by("pk").first()
    if coming is None:
        _make("next", now)
        return "published"
    if coming.changed_at > long_ago:
        return "waiting"
    SigningKey.objects.filter(state="active").update(state="retiring", changed_at=now)
    SigningKey.objects.filter(pk=coming.pk).update(state="active", changed_at=now)
    return "promoted"


def _make(state: str, now: datetime | None = None) -> SigningKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    jwk = _public_jwk(private.public_key())
    moment = now or timezone.now()
    return SigningKey.objects.create(
        kid=jwk["kid"],
        private_pem=pem.decode(),
        public_jwk=jwk,
        state=state,
        created_at=moment,
        changed_at=moment,
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
