"""The platform's own key: signs id_tokens, publishes the JWKS (LTI security framework §6)."""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

Json = dict[str, Any]


@functools.cache
def new_key(purpose: str) -> rsa.RSAPrivateKey:
    """One key for each purpose in this process: making one takes longer than all the rest of a start."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def new_pem(purpose: str = "platform") -> str:
    key = new_key(purpose)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_jwk(key: rsa.RSAPrivateKey, kid: str) -> Json:
    public: Json = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    public.pop("key_ops", None)
    return public | {"kid": kid, "alg": "RS256", "use": "sig"}


@functools.cache
def _parsed(pem: str) -> rsa.RSAPrivateKey:
    """Checking a key takes a tenth of a second; the same one is started with again and again."""
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("The sandbox signs with RSA.")
    return key


class Signer:
    def __init__(self, pem: str) -> None:
        self._key = _parsed(pem)
        own = public_jwk(self._key, "")
        self.kid = hashlib.sha256(own["n"].encode()).hexdigest()[:16]
        self.jwks = {"keys": [own | {"kid": self.kid}]}

    def key_named(self, name: str) -> rsa.RSAPrivateKey:
        """The name platform is the one that is published; every other name is a key of its own."""
        return self._key if name == "platform" else new_key(name)

    def sign(self, claims: Json, *, forged: bool = False) -> str:
        """RS256 with our kid; `forged` uses a key that nobody published."""
        key = new_key("forger") if forged else self._key
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": self.kid})
