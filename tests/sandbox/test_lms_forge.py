"""The forge does what it is told, and nothing else: a bad launch that is bad by accident would prove nothing."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import jwt
import pytest
import requests

from gradesync_site.sandbox.lms.forge import Forgery
from gradesync_site.sandbox.lms.launch import launch
from tests.sandbox.lms_tool import Tool, install
from tests.sandbox_servers import Server

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
UNCHECKED: Any = {"verify_signature": False}


@pytest.fixture
def lms(lms_server: Server) -> Server:
    install(lms_server.base_url)
    return lms_server


def launched(lms: Server, **wish: Any) -> dict[str, str]:
    """What the tool is posted."""
    if wish:
        lms.control("forge", **wish)
    tool = Tool(lms.base_url)
    launch(lms.base_url, "101", "11", tool)
    return tool.launched


def claims(fields: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(fields["id_token"], options=UNCHECKED)
    return found


def published(lms: Server, address: str = "") -> jwt.PyJWK:
    (key,) = requests.get(address or f"{lms.base_url}/lti/jwks", timeout=10).json()["keys"]
    return jwt.PyJWK(key)


def test_claims_are_set_and_dropped_under_a_good_signature(lms: Server) -> None:
    fields = launched(lms, set={"roles": ["x"], "sub": "s"}, drop=["context", "email"], at={"exp": 7200})
    found = jwt.decode(fields["id_token"], published(lms), algorithms=["RS256"], audience="gradesync-sandbox")
    assert (found[f"{LTI}roles"], found["sub"]) == (["x"], "s")
    assert f"{LTI}context" not in found and "email" not in found
    assert found["exp"] > found["iat"] + 7000
    assert f"{LTI}context" in claims(launched(lms)), "it holds for one launch"


def test_wish_holds_for_as_many_launches_as_it_says(lms: Server) -> None:
    lms.control("forge", set={"sub": "first"}, times=2)
    lms.control("forge", set={"sub": "then"}, times=None)
    assert [claims(launched(lms))["sub"] for _number in range(5)] == [
        "first",
        "first",
        "then",
        "then",
        "then",
    ]
    requests.delete(f"{lms.base_url}/_sandbox/forge", timeout=10)
    assert claims(launched(lms))["sub"] not in ("first", "then")


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "PS256"])
def test_signature_is_good_for_its_algorithm(lms: Server, alg: str) -> None:
    token = launched(lms, alg=alg)["id_token"]
    assert jwt.get_unverified_header(token)["alg"] == alg
    assert jwt.decode(token, published(lms).key, algorithms=[alg], audience="gradesync-sandbox")


def test_public_key_is_the_secret_of_a_confused_signature(lms: Server) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    head, body, signature = launched(lms, alg="HS256")["id_token"].split(".")
    secret = published(lms).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    wanted = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    assert jwt.utils.base64url_decode(signature) == wanted


@pytest.mark.parametrize("embed", ["jku", "x5u"])
def test_forgers_key_is_where_the_header_says(lms: Server, embed: str) -> None:
    token = launched(lms, key="forger", embed=embed, kid="mine")["id_token"]
    header = jwt.get_unverified_header(token)
    assert header["kid"] == "mine"
    key = published(lms, header[embed])
    assert jwt.decode(token, key, algorithms=["RS256"], audience="gradesync-sandbox")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, published(lms), algorithms=["RS256"], audience="gradesync-sandbox")


def test_forgers_key_lies_in_the_header(lms: Server) -> None:
    token = launched(lms, key="forger", embed="jwk")["id_token"]
    key = jwt.PyJWK(jwt.get_unverified_header(token)["jwk"])
    assert jwt.decode(token, key, algorithms=["RS256"], audience="gradesync-sandbox")


def test_tampering_changes_the_claims_and_leaves_the_signature(lms: Server) -> None:
    token = launched(lms, tamper={"sub": "other"})["id_token"]
    assert jwt.decode(token, options=UNCHECKED)["sub"] == "other"
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, published(lms), algorithms=["RS256"], audience="gradesync-sandbox")


def test_header_and_fields_can_be_left_out_or_made_up(lms: Server) -> None:
    fields = launched(lms, header={"kid": None, "typ": "x"}, fields={"state": None, "more": "1"})
    assert "state" not in fields and fields["more"] == "1"
    header = jwt.get_unverified_header(fields["id_token"])
    assert "kid" not in header and header["typ"] == "x"


def test_any_text_can_be_the_token_or_be_signed(lms: Server) -> None:
    assert launched(lms, raw="hello")["id_token"] == "hello"
    signed = launched(lms, body="[1, NaN]")["id_token"]
    assert jwt.PyJWS().decode(signed, published(lms).key, algorithms=["RS256"]) == b"[1, NaN]"


def test_unsigned_token_ends_with_a_dot(lms: Server) -> None:
    assert launched(lms, alg="none")["id_token"].endswith(".")


def test_launch_before_can_be_replayed(lms: Server) -> None:
    first = launched(lms)
    assert launched(lms, replay=["id_token"])["id_token"] == first["id_token"]


def test_rotated_key_signs_and_is_the_only_one_published(lms: Server) -> None:
    before = published(lms)
    lms.control("rotate")
    token = launched(lms)["id_token"]
    assert jwt.get_unverified_header(token)["kid"] == published(lms).key_id != before.key_id
    assert jwt.decode(token, published(lms), algorithms=["RS256"], audience="gradesync-sandbox")


def test_key_set_fails_in_the_ways_it_can(lms: Server) -> None:
    address = f"{lms.base_url}/lti/jwks"
    for name in ("jwks-down", "jwks-500", "jwks-html", "jwks-huge", "jwks-duplicate-kid", "jwks-wrong-use"):
        lms.faults.on(name, count=1)
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=10)
    assert requests.get(address, timeout=10).status_code == 500
    assert "<title>" in requests.get(address, timeout=10).text
    assert len(requests.get(address, timeout=10).content) > 2_000_000
    doubled = requests.get(address, timeout=10).json()["keys"]
    assert len({key["kid"] for key in doubled}) == 1 and len({key["n"] for key in doubled}) == 2
    assert requests.get(address, timeout=10).json()["keys"][0]["use"] == "enc"


def test_wish_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(TypeError):
        Forgery(unheard="x")  # type: ignore[call-arg]  # the point
