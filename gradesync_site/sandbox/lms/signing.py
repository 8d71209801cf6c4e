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


def new_pem() -> str:
    key = new_key("platform")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Signer:
    def __init__(self, pem: str) -> None:
        key = load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("The sandbox signs with RSA.")
        self._key = key
        public: Json = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
        self.kid = hashlib.sha256(public["n"].encode()).hexdigest()[:16]
        public.pop("key_ops", None)
        self.jwks = {"keys": [public | {"kid": self.kid, "alg": "RS256", "use": "sig"}]}

    def sign(self, claims: Json, *, forged: bool = False) -> str:
        """RS256 with our kid; `forged` uses a key that nobody published."""
        key = new_key("forger") if forged else self._key
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": self.kid})
