"""When a schedule's next time is, on the clocks of its own time zone. Pure.

Clocks are put forward and back: a nightly run comes once each night, also in the one whose hour is left out (then an
hour later) and in the one that has it twice (then the first time); hourly runs follow real hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Times:
    """`kind`: off, nightly (at `at`) or hourly (each full hour from `from_hour` to `to_hour`, which may pass midnight)."""

    kind: str
    zone: str
    at: time = time(2, 0)
    from_hour: int = 0
    to_hour: int = 23

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after `moment`, in UTC; None when it is off. Raises ValueError for an unknown zone."""
        if self.kind == "nightly":
            return self._next_night(moment, _zone(self.zone))
        return self._next_hour(moment, _zone(self.zone)) if self.kind == "hourly" else None

    def holds(self, moment: datetime) -> bool:
        """May a run that is late begin now? A nightly one at any hour, an hourly one within its window."""
        return self.kind != "hourly" or self.in_window(moment.astimezone(_zone(self.zone)).hour)

    def _next_night(self, moment: datetime, zone: ZoneInfo) -> datetime:
        today = moment.astimezone(zone).date()
        days = (today + timedelta(days=number) for number in range(3))
        times = (datetime.combine(day, self.at, tzinfo=zone).astimezone(UTC) for day in days)
        return next(one for one in times if one > moment)

    def _next_hour(self, moment: datetime, zone: ZoneInfo) -> datetime:
        # the full local hour at or before it: zones are whole minutes apart from UTC, not always whole hours
        local = moment.astimezone(zone)
        begun = moment.astimezone(UTC) - timedelta(
            minutes=local.minute, seconds=local.second, microseconds=local.microsecond
        )
        hours = (begun + number * HOUR for number in range(1, 50))
        return next(one for one in hours if self.in_window(one.astimezone(zone).hour))

    def in_window(self, hour: int) -> bool:
        if self.from_hour <= self.to_hour:
            return self.from_hour <= hour <= self.to_hour
        return hour >= self.from_hour or hour <= self.to_hour


def _zone(name: str) -> ZoneInfo:
    if not is_zone(name):
        raise ValueError(f"{name} is no time zone.")
    return ZoneInfo(name)


def zones() -> list[str]:
    """The time zones by place, as people know them, and UTC."""
    areas = (
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    )
    found = available_timezones()
    return ["UTC", *sorted(name for name in found if name.split("/")[0] in areas and "/" in name)]


def is_zone(name: str) -> bool:
    return name in available_timezones()
