"""Fixtures of the engine's tests."""

from tests.sync.nights import nightly
from tests.sync.scene import course

__all__ = ["course", "nightly"]
