"""Token schemes shared by adapters. No models here: the engine passes a small store in."""

from __future__ import annotations

import time
from typing import Protocol


class TokenStore(Protocol):
    """Where access tokens are kept between requests and workers; the engine passes one in. Keys hold no secret."""

    def get(self, key: str) -> str | None: ...

    def set(self, key: str, token: str, seconds: int) -> None: ...

    def delete(self, key: str) -> None: ...


class MemoryTokens:
    """A token store of one process: for commands and tests."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, float]] = {}

    def get(self, key: str) -> str | None:
        token, until = self._tokens.get(key, ("", 0.0))
        return token if token and time.monotonic() < until else None

    def set(self, key: str, token: str, seconds: int) -> None:
        self._tokens[key] = (token, time.monotonic() + seconds)

    def delete(self, key: str) -> None:
        self._tokens.pop(key, None)
