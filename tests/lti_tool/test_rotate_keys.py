"""The command that rotates our signing keys: what it does, and what it tells a person and a program."""

from __future__ import annotations

import io
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import OperationalError

from lti_tool import http, keys
from lti_tool.models import SigningKey

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rotate_keys", *arguments, stdout=out)
    return out.getvalue()


def test_one_step_is_taken_and_told_to_a_program() -> None:
    old = keys.active_key()
    found = http.loads(run("--json"))
    assert found["done"] == "published"
    assert [(row["state"], row["kid"] == old.kid) for row in found["keys"]] == [
        ("active", True),
        ("next", False),
    ]
    assert http.loads(run("--json"))["done"] == "waiting"


def test_person_reads_what_happened_and_what_comes_next() -> None:
    text = run()
    assert "In a day it signs" in text
    assert f"active: {keys.active_key().kid}" in text
    assert "PRIVATE" not in text


def test_compromised_key_is_replaced_now() -> None:
    old = keys.active_key()
    found = http.loads(run("--now", "--json"))
    assert found["done"] == "replaced"
    assert [row["kid"] for row in found["keys"]] == [keys.active_key().kid] != [old.kid]
    assert "reads the key set again" in found["text"]


def test_lost_field_key_is_mended_by_a_new_signing_key(settings: Any) -> None:
    keys.active_key()
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    run("--now")
    assert "PRIVATE KEY" in keys.active_key().private_pem


def test_database_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("secret detail")

    monkeypatch.setattr(SigningKey.objects, "select_for_update", away)
    with pytest.raises(CommandError, match="migrated") as caught:
        run()
    assert caught.value.returncode == 2
    with pytest.raises(SystemExit) as left:
        run("--json")
    assert left.value.code == 2
