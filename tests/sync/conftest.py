"""Fixtures of the engine's tests."""

from tests.sync.scene import course

__all__ = ["course"]
