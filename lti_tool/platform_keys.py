"""The platform's public keys: cached, fetched again for an unknown key at a limited rate, the last good set kept a day."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.core.cache import cache
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from lti_tool import http
from lti_tool.models import Registration

FRESH_S = 3600
LAST_GOOD_S = 86_400
REFETCH_S = 30
MAX_BYTES = 512 * 1024
MIN_BITS = 2048

Keys = list[dict[str, Any]]


class KeysAway(Exception):
    """The key set cannot be read and no good one is kept."""


class KeyUnknown(Exception):
    """The key set holds no single fitting RSA key of this id."""


def find_key(registration: Registration, kid: str) -> RSAPublicKey:
    """The one key with this id. Raises KeysAway or KeyUnknown.

    Only the registration's own key set is asked; whatever addresses a token names are not looked at.
    """
    keys = _current(registration)
    found = _matching(keys, kid)
    # a platform that rotated its keys: one more fetch, but not one for each token that anybody posts
    if len(found) != 1 and cache.add(_name(registration, "again"), 1, REFETCH_S):
        found = _matching(_fetch(registration) or keys, kid)
    if len(found) != 1:
        raise KeyUnknown
    return found[0]


def usable(keys: Keys) -> list[str]:
    """Ids of the keys that can verify launches: RSA, RS256, long enough, each id once."""
    ids = [str(key["kid"]) for key in keys if isinstance(key.get("kid"), str) and key["kid"]]
    return [kid for kid in dict.fromkeys(ids) if len(_matching(keys, kid)) == 1]


def _current(registration: Registration) -> Keys:
    kept = cache.get(_name(registration, "keys"))
    if kept and kept["at"] + FRESH_S > time.time():
        return list(kept["keys"])
    fetched = _fetch(registration)
    if fetched is not None:
        return fetched
    if kept:
        return list(kept["keys"])
    raise KeysAway


def _fetch(registration: Registration) -> Keys | None:
    """The key set as it stands now, kept for the next launches; None when it cannot be read."""
    session = http.Session(max_bytes=MAX_BYTES)
    try:
        response = session.get(registration.key_set_url, headers={"Accept": "application/json"})
        body = http.loads(response.content) if response.status_code == 200 else None
    except http.HttpError:
        return None
    keys = body.get("keys") if isinstance(body, dict) else None
    if not isinstance(keys, list):
        return None
    rows = [key for key in keys if isinstance(key, dict)]
    cache.set(_name(registration, "keys"), {"keys": rows, "at": int(time.time())}, LAST_GOOD_S)
    return rows


def _matching(keys: Keys, kid: str) -> list[RSAPublicKey]:
    rows = [key for key in keys if key.get("kid") == kid and _signs(key)]
    return [key for row in rows if (key := _public(row)) is not None]


def _signs(key: dict[str, Any]) -> bool:
    return key.get("kty") == "RSA" and key.get("use", "sig") == "sig" and key.get("alg", "RS256") == "RS256"


def _public(key: dict[str, Any]) -> RSAPublicKey | None:
    """From the public numbers alone; None when they are no RSA key, or one too short to trust."""
    try:
        made = RSAAlgorithm.from_jwk({"kty": "RSA", "n": key.get("n"), "e": key.get("e")})
    except (InvalidKeyError, ValueError, TypeError):
        return None
    return made if isinstance(made, RSAPublicKey) and made.key_size >= MIN_BITS else None


def _name(registration: Registration, what: str) -> str:
    text = f"{registration.pk}\n{registration.key_set_url}"
    return f"lti-{what}-{hashlib.sha256(text.encode()).hexdigest()}"
