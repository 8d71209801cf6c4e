"""A signing LMS for the tests: its rows, its key set on the faked wire, and launches through the real login."""

from __future__ import annotations

import base64
import functools
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import responses
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from lti_tool.models import Deployment, Institution, Registration

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
INSTRUCTOR = f"{MEMBERSHIP}#Instructor"
ASSISTANT = f"{MEMBERSHIP}/Instructor#TeachingAssistant"
LEARNER = f"{MEMBERSHIP}#Learner"

GONE = object()  # as a claim's value: leave the claim out


def private_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    return _made(name, bits)


@functools.cache
def _made(name: str, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def jwk(name: str, kid: str | None = None, bits: int = 2048) -> dict[str, Any]:
    numbers = private_key(name, bits).public_key().public_numbers()
    return {
        "kty": "RSA",
        "kid": kid or name,
        "alg": "RS256",
        "use": "sig",
        "n": _b64(numbers.n),
        "e": _b64(numbers.e),
    }


def public_pem(name: str) -> str:
    return (
        private_key(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def _b64(number: int) -> str:
    return (
        base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
    )


@dataclass
class Platform:
    """One registered LMS. `launch` goes the whole way: login at the tool, id_token, post back."""

    client: Client
    host: str = "lms.example.edu"
    client_id: str = "tool-1"
    deployment_id: str = "dep-1"
    kid: str = "k1"
    trusts_new_deployments: bool = False
    registration: Registration = field(init=False)

    def __post_init__(self) -> None:
        institution, _ = Institution.objects.get_or_create(name="Hill School")
        self.registration = Registration.objects.create(
            institution=institution,
            name=f"{self.host} {self.client_id}",
            issuer=self.issuer,
            client_id=self.client_id,
            auth_login_url=f"https://{self.host}/auth",
            auth_token_url=f"https://{self.host}/token",
            key_set_url=f"https://{self.host}/jwks",
            active=True,
            trust_new_deployments=self.trusts_new_deployments,
        )
        if self.deployment_id:
            Deployment.objects.create(
                registration=self.registration, deployment_id=self.deployment_id, active=True
            )

    @property
    def issuer(self) -> str:
        return f"https://{self.host}"

    def serve_keys(self, *keys: dict[str, Any]) -> None:
        responses.upsert(
            responses.GET, self.registration.key_set_url, json={"keys": list(keys or [jwk(self.kid)])}
        )

    def login(self, **changes: Any) -> HttpResponse:
        values = {
            "iss": self.issuer,
            "client_id": self.client_id,
            "login_hint": "hint-7",
            "lti_message_hint": "message-9",
            "target_link_uri": f"{settings.PUBLIC_URL}/lti/launch/",
            **changes,
        }
        kept = {name: value for name, value in values.items() if value is not GONE}
        return self.client.post("/lti/login/", kept)

    def begun(self) -> dict[str, str]:
        """A login under way: what the tool asked the platform."""
        location = self.login().headers["Location"]
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    def claims(self, nonce: str, /, **changes: Any) -> dict[str, Any]:
        """`changes` name claims; those of LTI without their long prefix."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": "user-3",
            "iat": now,
            "exp": now + 60,
            "nonce": nonce,
            "name": "Tilda Teacher",
            "email": "tilda@example.edu",
            LTI + "message_type": "LtiResourceLinkRequest",
            LTI + "version": "1.3.0",
            LTI + "deployment_id": self.deployment_id or "dep-new",
            LTI + "target_link_uri": f"{settings.PUBLIC_URL}/lti/launch/",
            LTI + "resource_link": {"id": "link-1"},
            LTI + "roles": [INSTRUCTOR],
            LTI + "context": {"id": "course-2", "label": "ALG1", "title": "Algebra 1"},
            LTI + "lis": {"person_sourcedid": "T-9001", "course_section_sourcedid": "SEC-ALG1"},
            LTI + "custom": {"canvas_course_id": "42", "unknown": "$Canvas.nothing"},
            LTI + "launch_presentation": {"locale": "en", "return_url": f"https://{self.host}/return"},
            "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {
                "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"],
                "lineitems": f"https://{self.host}/2/lineitems?type_id=1",
            },
            "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
                "context_memberships_url": f"https://{self.host}/2/members",
                "service_versions": ["2.0"],
            },
        }
        for name, value in changes.items():
            full = name if name in claims or name in {"azp", "nbf"} else LTI + name
            claims[full] = value
        return {name: value for name, value in claims.items() if value is not GONE}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """Any JSON can be signed: jwt.encode would refuse some of what a broken platform sends."""
        body = json.dumps(claims).encode()
        return jwt.api_jws.encode(
            body, private_key(self.kid), "RS256", {"kid": self.kid, "typ": "JWT", **header}
        )

    def post(self, state: str, id_token: str, **more: str) -> HttpResponse:
        return self.client.post("/lti/launch/", {"state": state, "id_token": id_token, **more})

    def launch(self, **changes: Any) -> HttpResponse:
        """A whole launch, with claims changed as told."""
        begun = self.begun()
        return self.post(begun["state"], self.sign(self.claims(begun["nonce"], **changes)))


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
