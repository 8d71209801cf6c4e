"""Cookies that survive inside the LMS's frame: Secure, SameSite=None, Partitioned (CHIPS); plain under http (local demo).

Neither Python before 3.14 nor Django 5.2 knows the Partitioned attribute, so it is registered once at start.
"""

from __future__ import annotations

from http import cookies as http_cookies

from django.conf import settings
from django.http import HttpResponse


def register_partitioned() -> None:
    """Let http.cookies write the Partitioned flag. Does nothing where Python knows it already."""
    morsel = http_cookies.Morsel
    morsel._reserved.setdefault("partitioned", "Partitioned")  # type: ignore[attr-defined]  # not in the stubs
    morsel._flags.add("partitioned")  # type: ignore[attr-defined]  # not in the stubs


def secure() -> bool:
    """Are our pages served by https? Then cookies can live in a frame of another site."""
    return str(settings.PUBLIC_URL).startswith("https:")


def full_name(name: str) -> str:
    """Under https the __Host- prefix: no other host and no subdomain can plant or overwrite it."""
    return f"__Host-{name}" if secure() else name


def put(response: HttpResponse, name: str, value: str, seconds: int) -> None:
    """Set one of our cookies, for scripts invisible and for frames usable."""
    response.set_cookie(full_name(name), value, max_age=seconds, path="/", httponly=True, samesite="Lax")
    make_frameable(response, full_name(name))


def drop(response: HttpResponse, name: str) -> None:
    """Make the browser forget one of our cookies; the same attributes, or the partitioned one would stay."""
    put(response, name, "", 0)


def make_frameable(response: HttpResponse, full: str) -> None:
    """Give a cookie that this response already sets the attributes it needs in a cross-site frame."""
    if not secure() or full not in response.cookies:
        return
    morsel = response.cookies[full]
    morsel["samesite"], morsel["secure"], morsel["partitioned"] = "None", True, True
