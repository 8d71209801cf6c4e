"""In every template: `told` says a sentence of the engine in the reader's language, `moment` a time on her own clock."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.formats import date_format

from sync.views.telling import tell

register = template.Library()
register.filter("told", tell)


@register.filter(expects_localtime=True)
def moment(at: datetime | None, style: str = "DATETIME_FORMAT") -> str:
    """ "Nov. 24, 2026, 1:35 p.m. CET": as the language writes it, with the zone that is meant; empty for None."""
    return f"{date_format(at, style)} {_zone_at(at)}" if at else ""


def _zone_at(at: datetime) -> str:
    """The zone's short name at that time, summer time or not; "UTC+05:45" where it has none but its offset."""
    name = at.tzname() or ""
    if name[:1] not in ("+", "-"):
        return name
    return f"UTC{name[:3]}:{name[3:]}" if name[3:] else f"UTC{name}"
