"""A person's time zone, as her browser states it with each request of a page's script."""

from __future__ import annotations

from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from lti_tool.models import LtiUser

HEADER: Final = "X-GradeSync-Zone"
COOKIE: Final = "gradesync_zone"  # administrators' pages have no script that sends a header


def zone_of(name: str) -> ZoneInfo | None:
    """The IANA time zone of this name; None where it is empty or we do not know it."""
    return ZoneInfo(name) if name in _names() else None


def remember(user: LtiUser, stated: str) -> None:
    """Keep the zone that her browser states; what names no zone changes nothing, and is not even logged."""
    if stated != user.time_zone and stated in _names():
        user.time_zone = stated
        LtiUser.objects.filter(pk=user.pk).update(time_zone=stated)


@cache
def _names() -> frozenset[str]:
    """Looked up in files, so once; each fits its column. `localtime` is whatever this server's own clock shows."""
    return frozenset(available_timezones() - {"localtime"})
