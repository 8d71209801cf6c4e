"""Requests signed by OAuth 1.0, against the examples that RFC 5849 and OAuth Core 1.0 publish."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from urllib.parse import unquote

import pytest

from sync.auth import OAuth1, SignatureMethod, signature_base

PHOTOS = "http://photos.example.net/photos"
PHOTO = [("file", "vacation.jpg"), ("size", "original")]


def fields(header: str) -> dict[str, str]:
    kind, _, rest = header.partition(" ")
    assert kind == "OAuth"
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', rest)}


def test_base_string_is_the_one_of_the_specification() -> None:
    """RFC 5849 §3.4.1.1: a repeated name, an empty value, characters that are escaped twice."""
    params = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
        ("c2", ""),
        ("a3", "2 q"),
    ]
    found = signature_base("POST", "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", params)
    assert found == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540"
        "%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method"
        "%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


def test_signature_is_the_one_of_the_specification() -> None:
    """RFC 5849 §1.2, the request for the photo."""
    params = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131202"),
        ("oauth_nonce", "chapoH"),
    ]
    signer = OAuth1("dpf43f3p2l4k3l03", "kd94hf93k423kf44")
    url = f"{PHOTOS}?file=vacation.jpg&size=original"
    assert signer.signature("GET", url, params, "pfkkdhi9sl3r4s00") == "MdpQcU8iPSUjWoN/UDMsK2sui9I="


def test_signature_with_a_version_is_the_one_of_the_older_specification() -> None:
    """OAuth Core 1.0 appendix A.5.2."""
    params = [
        *PHOTO,
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "1191242096"),
        ("oauth_nonce", "kllo9940pd9333jh"),
        ("oauth_version", "1.0"),
    ]
    signer = OAuth1("dpf43f3p2l4k3l03", "kd94hf93k423kf44")
    assert signer.signature("get", PHOTOS, params, "pfkkdhi9sl3r4s00") == "tR3+Ty81lMeYAr/Fid0kMTYa/WM="


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("HTTP://EXAMPLE.COM:80/r%20v/X", "http%3A%2F%2Fexample.com%2Fr%2520v%2FX"),
        ("https://www.example.net:8080/", "https%3A%2F%2Fwww.example.net%3A8080%2F"),
        ("https://example.net:443", "https%3A%2F%2Fexample.net%2F"),
    ],
)
def test_address_is_written_as_the_specification_has_it(url: str, base: str) -> None:
    assert signature_base("GET", url, []) == f"GET&{base}&"


@pytest.mark.parametrize(("method", "made"), [("HMAC-SHA1", hashlib.sha1), ("HMAC-SHA256", hashlib.sha256)])
def test_header_carries_a_signature_of_all_that_it_says(method: SignatureMethod, made: object) -> None:
    header = OAuth1("key", "s&cret ü", method).header("GET", "https://lms.example/v1/a?x=1", [("y", "ä b")])
    said = fields(header)
    signature = said.pop("oauth_signature")
    assert said["oauth_signature_method"] == method and said["oauth_version"] == "1.0"
    text = signature_base("GET", "https://lms.example/v1/a", [("x", "1"), ("y", "ä b"), *said.items()])
    key = b"s%26cret%20%C3%BC&"
    assert base64.b64decode(signature) == hmac.new(key, text.encode(), made).digest()  # type: ignore[arg-type]


def test_plain_signature_is_the_secret_alone() -> None:
    header = OAuth1("key", "kd94hf93k423kf44", "PLAINTEXT").header("GET", "https://lms.example/")
    assert header.endswith('oauth_signature="kd94hf93k423kf44%26"')


def test_every_request_has_a_nonce_of_its_own() -> None:
    signer = OAuth1("key", "secret")
    assert len({fields(signer.header("GET", PHOTOS))["oauth_nonce"] for _ in range(50)}) == 50


def test_realm_stands_first_and_is_not_signed() -> None:
    header = OAuth1("key", "secret", realm="Schoology API", empty_token=True).header("GET", PHOTOS)
    assert header.startswith('OAuth realm="Schoology API", oauth_consumer_key="key", oauth_token="", ')
    said = fields(header)
    signature, _ = said.pop("oauth_signature"), said.pop("realm")
    assert OAuth1("key", "secret").signature("GET", PHOTOS, said.items()) == signature


def test_secret_is_in_no_header_that_is_signed() -> None:
    assert "hush" not in OAuth1("key", "hush").header("GET", PHOTOS)
