"""System checks: an adapter that is missing or broken is told at start, not by a run in the night."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks

from sync.lms import registry as lms_registry
from sync.sis import registry as sis_registry


def register() -> None:
    checks.register(check_adapters)


def check_adapters(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Every adapter that is installed loads, and both sides have one."""
    found: list[checks.CheckMessage] = []
    for side, registry in (("LMS", lms_registry), ("SIS", sis_registry)):
        names = registry.names()
        if not names:
            hint = "Install the project itself (pip install .), so that its entry points are known."
            found.append(checks.Error(f"No {side} adapter is installed.", hint=hint, id="sync.E001"))
        found += [message for name in names if (message := _broken(side, registry, name))]
    return found


def _broken(side: str, registry: Any, name: str) -> checks.CheckMessage | None:
    try:
        registry.get(name)
    except Exception as error:  # whatever an outside adapter raises while it is imported
        text = f"The {side} adapter “{name}” cannot be loaded ({type(error).__name__})."
        return checks.Error(text, hint="Reinstall its package or remove it.", id="sync.E002")
    return None
