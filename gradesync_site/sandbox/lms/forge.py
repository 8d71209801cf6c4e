"""Launches that a strict tool must refuse: any claim, any header, any key, set by POST /_sandbox/forge for the next launch.

A wish: {"set": {claim: value}, "drop": [claim], "at": {"iat": seconds from now}, "body": text instead of claims,
"header": {name: value, null leaves it out}, "kid", "alg", "key", "embed": "jwk" | "jku" | "x5u", "tamper": {claim: value}
after signing, "raw": token, "fields": {posted field: value, null leaves it out}, "replay": ["id_token", "state"] of the
launch before, "times": launches it holds for (null: all)}. Claims of LTI may leave out their long prefix.

`key` is "platform" (default) or the name of any other key, which the platform never published. Under HS256 the
secret is that key's public half as PEM; `alg` "none" signs nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import simplejson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Blueprint, Response, request

from gradesync_site.sandbox.control import answer, loads
from gradesync_site.sandbox.lms.signing import Signer, public_jwk
from gradesync_site.sandbox.lms.vocabulary import AGS, LTI, NRPS

Json = dict[str, Any]

SHORT = {
    **{
        name: LTI + name
        for name in (
            *("message_type", "version", "deployment_id", "target_link_uri", "resource_link", "roles"),
            *("context", "lis", "custom", "launch_presentation", "tool_platform"),
        )
    },
    "endpoint": f"{AGS}claim/endpoint",
    "namesroleservice": f"{NRPS}claim/namesroleservice",
}


@dataclass(frozen=True)
class Forgery:
    """One wish; without any, the launch is an honest one."""

    set: Mapping[str, Any] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    at: Mapping[str, Any] = field(default_factory=dict)
    body: str | None = None
    header: Mapping[str, Any] = field(default_factory=dict)
    kid: str | None = None
    alg: str = "RS256"
    key: str = "platform"
    embed: str = ""
    tamper: Mapping[str, Any] = field(default_factory=dict)
    raw: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    replay: tuple[str, ...] = ()

    def token(self, signer: Signer, claims: Json, keys_url: str = "") -> str:
        """The id_token; `keys_url` is where the forger's own key set is served."""
        if self.raw is not None:
            return self.raw
        header = _part(self._header(signer, keys_url))
        body = _b64(self.body.encode()) if self.body is not None else _part(self._claims(claims))
        signature = _sign(self.alg, signer.key_named(self.key), f"{header}.{body}".encode())
        if self.tamper:
            body = _part(self._claims(claims) | _long(self.tamper))
        return f"{header}.{body}.{_b64(signature)}"

    def posted(self, fields: Json, last: Mapping[str, Any]) -> Json:
        """The form that the browser posts to the tool; `last` is the launch before."""
        changed = fields | {name: last[name] for name in self.replay if name in last} | dict(self.fields)
        return {name: value for name, value in changed.items() if value is not None}

    def _claims(self, claims: Json) -> Json:
        now = int(time.time())
        later = {name: now + offset for name, offset in self.at.items()}
        gone = {SHORT.get(name, name) for name in self.drop}
        changed = claims | _long(self.set) | later
        return {name: value for name, value in changed.items() if name not in gone}

    def _header(self, signer: Signer, keys_url: str) -> Json:
        header: Json = {"alg": self.alg, "typ": "JWT", "kid": self.kid or signer.kid}
        if self.embed == "jwk":
            header["jwk"] = public_jwk(signer.key_named(self.key), header["kid"])
        elif self.embed:
            header[self.embed] = f"{keys_url}/{self.key}/{header['kid']}"
        return {name: value for name, value in (header | dict(self.header)).items() if value is not None}


HONEST = Forgery()


class Forge:
    """What the next launches are made into. Wishes strike one after another, each as often as it says."""

    def __init__(self) -> None:
        self._wishes: list[tuple[Forgery, int | None]] = []
        self._last: Json = {}
        self._lock = threading.Lock()

    def prime(self, *, times: int | None = 1, **wish: Any) -> Forgery:
        """Raises TypeError for a wish that does not exist, ValueError for an algorithm nobody can sign with."""
        for name in {"drop", "replay"} & wish.keys():
            wish[name] = tuple(wish[name])
        forgery = Forgery(**wish)
        if forgery.alg not in SIGNERS:
            raise ValueError(f"There is no alg {forgery.alg}. There are: {', '.join(SIGNERS)}.")
        with self._lock:
            self._wishes.append((forgery, times))
        return forgery

    def clear(self) -> None:
        with self._lock:
            self._wishes.clear()

    def next(self) -> Forgery:
        with self._lock:
            if not self._wishes:
                return HONEST
            forgery, times = self._wishes[0]
            if times is not None and times <= 1:
                self._wishes.pop(0)
            elif times is not None:
                self._wishes[0] = (forgery, times - 1)
            return forgery

    def posted(self, forgery: Forgery, fields: Json) -> Json:
        """The fields of this launch, which the next may replay."""
        with self._lock:
            made = forgery.posted(fields, self._last)
            self._last = made
            return made


def add_routes(routes: Blueprint, forge: Forge) -> None:
    """POST and DELETE /_sandbox/forge: what tests say to this server's forge."""

    @routes.post("/_sandbox/forge")
    def prime() -> Response:
        try:
            forge.prime(**loads(request.get_data()))
        except (TypeError, ValueError) as error:
            return answer({"error": str(error)}, 400)
        return answer({})

    @routes.delete("/_sandbox/forge")
    def clear() -> Response:
        forge.clear()
        return answer({})


def _long(claims: Mapping[str, Any]) -> Json:
    return {SHORT.get(name, name): value for name, value in claims.items()}


def _part(data: object) -> str:
    # a broken platform also writes what no JSON standard knows: NaN, Infinity
    return _b64(simplejson.dumps(data, use_decimal=True, allow_nan=True).encode())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _rsa(chosen: hashes.HashAlgorithm) -> Callable[[rsa.RSAPrivateKey, bytes], bytes]:
    return lambda key, text: key.sign(text, padding.PKCS1v15(), chosen)


def _pss(key: rsa.RSAPrivateKey, text: bytes) -> bytes:
    chosen = hashes.SHA256()
    return key.sign(text, padding.PSS(padding.MGF1(chosen), chosen.digest_size), chosen)


def _hmac(key: rsa.RSAPrivateKey, text: bytes) -> bytes:
    secret = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return hmac.new(secret, text, hashlib.sha256).digest()


SIGNERS: dict[str, Callable[[rsa.RSAPrivateKey, bytes], bytes]] = {
    "RS256": _rsa(hashes.SHA256()),
    "RS384": _rsa(hashes.SHA384()),
    "RS512": _rsa(hashes.SHA512()),
    "PS256": _pss,
    "HS256": _hmac,
    "none": lambda key, text: b"",
}


def _sign(alg: str, key: rsa.RSAPrivateKey, text: bytes) -> bytes:
    return SIGNERS[alg](key, text)
