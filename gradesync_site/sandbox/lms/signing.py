"""The platform's own key: signs id_tokens, publishes the JWKS (LTI security framework §6)."""

from __future__ import annotations

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


def new_pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
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
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048) if forged else self._key
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": self.kid})

    def read(self, token: str) -> Json:
        """Claims of a token of our own making. Raises jwt.InvalidTokenError."""
        claims: Json = jwt.decode(
            token, self._key.public_key(), algorithms=["RS256"], options={"verify_aud": False}
        )
        return claims
