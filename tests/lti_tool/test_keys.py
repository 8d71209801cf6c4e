"""Our signing keys: published before they sign, and for a while after."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from lti_tool import keys
from lti_tool.models import SigningKey

pytestmark = pytest.mark.django_db

DAY = timedelta(hours=24)


def states() -> list[str]:
    return list(SigningKey.objects.order_by("pk").values_list("state", flat=True))


def test_first_key_is_made_on_demand_and_stays() -> None:
    assert keys.active_key().kid == keys.active_key().kid
    assert states() == ["active"]


def test_two_first_keys_made_at_once_are_both_published_and_one_signs() -> None:
    first, second = keys._make("active"), keys._make("active")
    assert keys.active_key() == first
    assert {key["kid"] for key in keys.jwks()["keys"]} == {first.kid, second.kid}


def test_key_set_holds_public_numbers_only() -> None:
    response = Client(headers={"host": "localhost:8000"}).get("/lti/jwks/")
    (key,) = response.json()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "alg", "use"}
    assert "max-age=3600" in response.headers["Cache-Control"]


def test_private_key_is_encrypted_at_rest() -> None:
    keys.active_key()
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_pem FROM lti_tool_signingkey")
        assert "PRIVATE KEY" not in cursor.fetchone()[0]


def test_rotation_publishes_a_day_ahead_and_a_day_after() -> None:
    now = timezone.now()
    old = keys.active_key()
    assert keys.rotate(now) == "published"
    assert states() == ["active", "next"]
    assert keys.rotate(now + DAY / 2) == "waiting"
    assert keys.active_key() == old
    assert keys.rotate(now + DAY) == "promoted"
    assert states() == ["retiring", "active"]
    assert keys.active_key() != old
    assert old.kid in {key["kid"] for key in keys.jwks()["keys"]}
    keys.rotate(now + 2 * DAY)
    assert states() == ["retired", "active", "next"]
    assert old.kid not in {key["kid"] for key in keys.jwks()["keys"]}
