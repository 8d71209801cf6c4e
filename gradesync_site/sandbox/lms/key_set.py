"""The platform's JWKS as it is served: good, or in one of the ways in which key sets fail."""

from __future__ import annotations

import secrets
import time

from flask import Blueprint, Response

from gradesync_site.sandbox.control import answer, drop_connection
from gradesync_site.sandbox.lms import troubles
from gradesync_site.sandbox.lms.campus import Campus
from gradesync_site.sandbox.lms.signing import Signer, new_key, new_pem, public_jwk

HUGE = 2_000_000


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("key_set", __name__)

    @routes.get(campus.dialect.paths.jwks)
    def jwks() -> Response:
        return _faulted(campus) or answer(_keys(campus), headers={"Cache-Control": "max-age=3600"})

    @routes.get("/forger/jwks/<name>/<kid>")
    def forged(name: str, kid: str) -> Response:
        """Where `jku` and `x5u` of a forged header lead. The journal shows who followed them."""
        return answer({"keys": [public_jwk(new_key(name), kid)]})

    @routes.post("/_sandbox/rotate")
    def rotate() -> Response:
        """Signs with a new key from now on and publishes no other, as after a theft."""
        campus.edit(lambda: _rotate(campus), "signing_key")
        return answer({"kid": campus.signer.kid})

    return routes


def _rotate(campus: Campus) -> None:
    # never the key of another server in this process
    campus.world.state["signing_key"] = new_pem(f"rotated {secrets.token_hex(8)}")
    campus.signer = Signer(campus.world.state["signing_key"])


def _faulted(campus: Campus) -> Response | None:
    slow = campus.sandbox.strikes("jwks-slow")
    if slow:
        time.sleep(float(slow.settings.get("seconds", 1)))
    if campus.struck("jwks-down"):
        return drop_connection()
    if campus.struck("jwks-500"):
        return Response("oops", 500)
    if campus.struck("jwks-html"):
        return Response(troubles.LOGIN_PAGE, mimetype="text/html")
    if campus.struck("jwks-huge"):
        return Response('{"keys":[]' + " " * HUGE + "}", mimetype="application/json")
    return None


def _keys(campus: Campus) -> dict[str, object]:
    (own,) = campus.signer.jwks["keys"]
    if campus.struck("jwks-duplicate-kid"):
        return {"keys": [own, public_jwk(new_key("forger"), campus.signer.kid)]}
    if campus.struck("jwks-wrong-use"):
        return {"keys": [own | {"use": "enc"}]}
    if campus.struck("jwks-other-alg"):
        return {"keys": [own | {"alg": "RS512"}]}
    return {"keys": [own]}
