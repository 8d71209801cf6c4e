"""The site as a browser meets it that keeps no cookie in a frame, partitioned or not: none is given to it there.

Chromium cannot be told to be such a browser. It says of each request whether it comes from a frame of another site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gradesync_site.wsgi import application as site


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    framed = environ.get("HTTP_SEC_FETCH_DEST") == "iframe" or "HTTP_SEC_FETCH_STORAGE_ACCESS" in environ

    def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        kept = [pair for pair in headers if not (framed and pair[0].lower() == "set-cookie")]
        return start_response(status, kept, *more)

    found: Iterable[bytes] = site(environ, start)
    return found
