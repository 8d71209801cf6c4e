"""Secrets at rest: encrypted with MultiFernet (settings.FIELD_KEYS, newest first), or kept elsewhere by reference."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models

UNREADABLE = "A stored secret cannot be decrypted: FIELD_KEYS lacks the key it was written with. Add the former key at the end."


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])


def encrypt(text: str) -> str:
    return _fernet().encrypt(text.encode()).decode() if text else ""


def decrypt(text: str) -> str:
    """The clear text. Raises ImproperlyConfigured when no key of FIELD_KEYS fits."""
    if not text:
        return ""
    try:
        return _fernet().decrypt(text.encode()).decode()
    except InvalidToken:
        raise ImproperlyConfigured(UNREADABLE) from None


def resolve_secret(text: str) -> str:
    """`env:NAME` and `file:NAME` are looked up; anything else is the secret itself. Raises ImproperlyConfigured."""
    kind, _, name = text.partition(":")
    if kind == "env":
        if name not in os.environ:
            raise ImproperlyConfigured(f"The environment has no variable {name} for this secret.")
        return os.environ[name]
    if kind == "file":
        try:
            return Path(name).read_text().strip()
        except OSError:
            raise ImproperlyConfigured(f"The file {name} for this secret cannot be read.") from None
    return text


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # generic only for the type checker
    """Text that is encrypted in the database and clear in Python. Saving again re-encrypts with the newest key."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return value if value is None else decrypt(value)

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else encrypt(str(value))
