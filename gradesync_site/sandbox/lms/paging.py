"""Pages of a list with Link headers (RFC 8288), as the dialects page. Canvas's bookmarks are opaque and case-sensitive."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from flask import abort, request

from gradesync_site.sandbox.control import Sandbox

Item = TypeVar("Item")
BOOKMARK = "bookmark:"
STYLES = {"bookmark": "page", "from": "from"}


def page_of(
    sandbox: Sandbox, items: Sequence[Item], size: int, *, results: bool = False, style: str = "bookmark"
) -> tuple[list[Item], dict[str, str]]:
    """This request's page of `items`, and the headers that lead on. Strikes with the faults of lists.

    `style`: bookmark, from (Moodle's offset, relations in typographic quotes), or single: one page and no more. Size 0: all.
    """
    offset = _offset(style)
    size = size or len(items) or 1
    page = list(items[offset : offset + size])
    if results and offset and sandbox.strikes("results-page-repeats"):
        page = list(items[offset - size : offset])
    if style == "single" or (style == "from" and not offset and size >= len(items)):
        return page, {}
    links = [
        _link(style, "current" if style == "bookmark" else "canonical", offset),
        _link(style, "first", 0),
    ]
    if offset + size < len(items):
        links.insert(1, _next(sandbox, style, offset, offset + size))
    return page, {"Link": ",".join(links)}


def _offset(style: str) -> int:
    if style != "bookmark":
        return request.args.get("from", 0, type=int) if style == "from" else 0
    bookmark = request.args.get("page", "")
    if bookmark in ("", "1", "first"):
        return 0
    try:
        digits = base64.b64decode(bookmark.removeprefix(BOOKMARK), altchars=b"-_", validate=True)
        path, offset = json.loads(digits)
    except (ValueError, binascii.Error):
        abort(400, "This bookmark is not one of ours.")
    if path != request.path:
        abort(400, "This bookmark belongs to another list.")
    return int(offset)


def _next(sandbox: Sandbox, style: str, offset: int, following: int) -> str:
    if sandbox.strikes("next-link-loops"):
        return _link(style, "next", offset)
    other = sandbox.strikes("next-link-other-host")
    return _link(style, "next", following, other.settings.get("host", "grades.invalid") if other else "")


def _link(style: str, relation: str, offset: int, host: str = "") -> str:
    name = STYLES[style]
    kept: list[tuple[str, Any]] = [pair for pair in request.args.items(multi=True) if pair[0] != name]
    parts = urlsplit(request.base_url)
    where = urlencode([*kept, (name, _mark(offset) if style == "bookmark" else offset)])
    address = parts._replace(netloc=host or parts.netloc, query=where).geturl()
    if style == "bookmark":
        return f'<{address}>; rel="{relation}"'
    # Moodle writes UTF-8 here; a header is latin-1 to everybody between
    return f"<{address}>; rel=“{relation}”".encode().decode("latin-1")


def _mark(offset: int) -> str:
    return BOOKMARK + base64.urlsafe_b64encode(json.dumps([request.path, offset]).encode()).decode()
