"""What the engine said, in the reader's language: its English sentences are looked up as templates with values.

The engine's rooms are pure and know no language; runs keep what they said for years. So the words are turned here, at
the edge: a sentence that fits a known template is said by that template's translation, any other one stays as it is.
`sentences.txt` holds the templates, one a line; `python -m tests.languages` collects them from the engine's source.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, override

_FILE: Final = Path(__file__).with_name("sentences.txt")
_PLACE: Final = re.compile(r"%\((\w+)\)s")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_MARKED: Final = re.compile(r"(?P<main>[^()]+) \((?P<marks>[^()]+)\)")


def tell(text: object) -> str:
    """An engine's text (English) for the reader of this page; what nobody translated is given back unchanged."""
    return _told(str(text), get_language() or "en") if text else ""


@lru_cache(maxsize=4096)
def _told(text: str, language: str) -> str:
    if language.partition("-")[0] == "en" and not _DATE.search(text):
        return text
    with override(language):
        found = _found(text)
        if found is None:
            return _in_parts(text)
        template, values = found
        return gettext(template) % {name: _value(name, value, language) for name, value in values.items()}


def _value(name: str, value: str, language: str) -> str:
    """A date as its reader writes dates; any other value may be a sentence again."""
    if name.startswith("isoformat") and _DATE.fullmatch(value):
        return str(date_format(date.fromisoformat(value)))
    return _told(value, language)


def _in_parts(text: str) -> str:
    """A value has its marks in brackets: "F (last attended 2026-10-14)". The why of a row is a chain of small parts:
    "8 of 10 → 80 of 100, rounded half up to a whole number"."""
    value = _MARKED.fullmatch(text)
    if value:
        return f"{tell(value['main'])} ({tell(value['marks'])})"
    for mark in (" → ", "; ", ", ", " = "):
        left, there, right = text.partition(mark)
        if there:
            return f"{tell(left)}{mark}{tell(right)}"
    return text


def _found(text: str) -> tuple[str, dict[str, str]] | None:
    """The template of a text with its values; whole sentences first, then the template with the most own words."""
    if text in _whole():
        return _whole()[text], {}
    for template, pattern in _patterns():
        match = pattern.fullmatch(text)
        if match:
            return template, match.groupdict()
    return None


@lru_cache(maxsize=1)
def _sentences() -> list[str]:
    return _FILE.read_text().splitlines()


@lru_cache(maxsize=1)
def _whole() -> dict[str, str]:
    return {one % {}: one for one in _sentences() if not _PLACE.search(one)}


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    templates = sorted((one for one in _sentences() if _PLACE.search(one)), key=_own_words, reverse=True)
    return [(one, _pattern(one)) for one in templates]


def _own_words(template: str) -> int:
    return len(_PLACE.sub("", template))


def _pattern(template: str) -> re.Pattern[str]:
    """Values are as short as they can be, and digits where the place is a number."""
    parts = _PLACE.split(template)
    texts, names = parts[::2], parts[1::2]
    pattern = re.escape(texts[0].replace("%%", "%"))
    for name, text in zip(names, texts[1:], strict=True):
        value = r"-?\d+(?:\.\d+)?" if name.startswith("number") else ".+?"
        pattern += f"(?P<{name}>{value})" + re.escape(text.replace("%%", "%"))
    return re.compile(pattern, re.DOTALL)
