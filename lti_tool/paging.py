"""Link headers as LMSs really send them (RFC 8288, and what Moodle and others make of it). Pure."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit, urlunsplit

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
# quoted, not quoted, or in the typographic quotes that Moodle writes
_REL = re.compile(r"""\brel\s*=\s*["'“”„]?\s*([^"'“”„;,<>]+)""", re.IGNORECASE)


def next_link(header: str, base: str) -> str:
    """The URL of the next page, absolute and with its case kept; empty when the header names none."""
    for target, parameters in _LINK.findall(_as_utf8(header)):
        rel = _REL.search(parameters)
        if rel and "next" in rel[1].lower().split():
            return str(urljoin(base, target.strip().replace("&amp;", "&")))
    return ""


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
