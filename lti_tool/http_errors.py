"""What the door out raises (`http.py`). Texts name the host at most: no path, query, header or body."""

from __future__ import annotations


class HttpError(Exception):
    """Base of what the door raises."""


class Refused(HttpError):
    """Our own guard said no: the address is not allowed. Nothing was sent; an administrator must act."""


class NotSent(HttpError):
    """No connection came about: nothing was sent, and trying later is safe."""


class NoAnswer(HttpError):
    """The request may have arrived; no whole answer came back in time."""


class BadBody(HttpError):
    """The answer was not the JSON it should be."""
