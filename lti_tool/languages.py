"""A person's language, as the LMS's launch states it."""

from __future__ import annotations

from django.utils.translation import get_supported_language_variant


def language_of(locale: str) -> str | None:
    """Our language for a launch's locale ("es-MX", "fr_CA.UTF-8"); None where it is empty or we do not speak it."""
    code = locale.partition(".")[0].replace("_", "-").strip().lower()
    try:
        return get_supported_language_variant(code)
    except LookupError:
        return None
