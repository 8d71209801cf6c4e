"""Link headers as LMSs really send them (RFC 8288, and what Moodle and others make of it). Pure."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit, urlunsplit

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
# one parameter: in quotes, in the typographic quotes that Moodle writes, or bare. It begins after a separator only, and
# gives nothing back: a long header would otherwise take very long
_PARAMETER = re.compile(
    r"""(?<![^\s;,])(?P<name>[^\s;,=“”„"']++)\s*+=\s*(?:"(?P<quoted>[^"]*)"?|[“”„](?P<curly>[^“”„"]*)[“”„]?|(?P<bare>[^;,]*))"""
)
# what quotes that went through the wrong decoding leave around a word
_DEBRIS = re.compile(r"[^a-z0-9:/.\- ]+", re.IGNORECASE)
_NEXT = re.compile(r"\brel\s*=\W*next\b", re.IGNORECASE)


class BadLink(ValueError):
    """The header speaks of a next page but does not say where."""


def next_link(header: str, base: str) -> str:
    """The URL of the next page, absolute and with its case kept; empty when the header names none. Raises BadLink."""
    text = _as_utf8(header)
    for target, parameters in _LINK.findall(text):
        if "next" in _relations(parameters):
            return str(urljoin(base, target.strip().replace("&amp;", "&")))
    if _NEXT.search(_LINK.sub("", text)):
        raise BadLink
    return ""


def _relations(parameters: str) -> list[str]:
    """The words of the first `rel`; what other parameters say in their quotes is not one."""
    for found in _PARAMETER.finditer(parameters):
        if found["name"].lower() == "rel":
            value = found["quoted"] or found["curly"] or found["bare"] or ""
            return _DEBRIS.sub(" ", value).lower().split()
    return []


def _as_utf8(header: str) -> str:
    # headers arrive decoded as latin-1; curly quotes were UTF-8 bytes before that
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def results_url(line_item_url: str) -> str:
    """A line item's result service: `/results` goes before the query, which may carry the tool's own id (AGS §3.3)."""
    parts = urlsplit(line_item_url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/results", fragment=""))
