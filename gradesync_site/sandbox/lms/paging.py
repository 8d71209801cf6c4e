"""Pages of a list with Link headers (RFC 8288). Bookmarks are opaque and case-sensitive, as Canvas's are."""

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


def page_of(
    sandbox: Sandbox, items: Sequence[Item], size: int, *, results: bool = False
) -> tuple[list[Item], dict[str, str]]:
    """This request's page of `items`, and the headers that lead on. Strikes with the faults of lists."""
    offset = _offset()
    page = list(items[offset : offset + size])
    if results and offset and sandbox.strikes("results-page-repeats"):
        page = list(items[offset - size : offset])
    links = [_link("current", offset), _link("first", 0)]
    if offset + size < len(items):
        links.insert(1, _next(sandbox, offset, offset + size))
    return page, {"Link": ",".join(links)}


def _offset() -> int:
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


def _next(sandbox: Sandbox, offset: int, following: int) -> str:
    if sandbox.strikes("next-link-loops"):
        return _link("next", offset)
    other = sandbox.strikes("next-link-other-host")
    return _link("next", following, other.settings.get("host", "grades.invalid") if other else "")


def _link(relation: str, offset: int, host: str = "") -> str:
    mark = BOOKMARK + base64.urlsafe_b64encode(json.dumps([request.path, offset]).encode()).decode()
    kept: list[tuple[str, Any]] = [pair for pair in request.args.items(multi=True) if pair[0] != "page"]
    parts = urlsplit(request.base_url)
    address = parts._replace(netloc=host or parts.netloc, query=urlencode([*kept, ("page", mark)]))
    return f'<{address.geturl()}>; rel="{relation}"'
