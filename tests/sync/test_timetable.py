"""The next time of a schedule, also where clocks are put forward and back. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.timetable import Times, is_zone, zones

NEW_YORK = "America/New_York"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_nightly_run_is_at_her_own_clock() -> None:
    nightly = Times("nightly", NEW_YORK, time(2, 30))
    assert nightly.next_after(at("2026-01-10T12:00")) == at("2026-01-11T07:30")
    assert nightly.next_after(at("2026-07-10T12:00")) == at("2026-07-11T06:30")


def test_night_whose_hour_is_left_out_has_its_run_an_hour_later() -> None:
    nightly = Times("nightly", NEW_YORK, time(2, 30))
    spring = nightly.next_after(at("2026-03-08T01:00"))
    assert spring == at("2026-03-08T07:30")
    assert spring.astimezone(ZoneInfo(NEW_YORK)).strftime("%H:%M") == "03:30"


def test_night_that_has_its_hour_twice_has_one_run() -> None:
    nightly = Times("nightly", NEW_YORK, time(1, 30))
    autumn = nightly.next_after(at("2026-11-01T00:00"))
    assert autumn == at("2026-11-01T05:30")
    assert nightly.next_after(autumn) == at("2026-11-02T06:30")


def test_time_that_has_come_is_not_the_next_one() -> None:
    nightly = Times("nightly", "UTC", time(2, 0))
    assert nightly.next_after(at("2026-01-10T02:00")) == at("2026-01-11T02:00")


def test_hourly_runs_keep_to_their_window() -> None:
    hourly = Times("hourly", "UTC", from_hour=7, to_hour=9)
    found = [at("2026-01-10T06:30")]
    for _ in range(4):
        found.append(hourly.next_after(found[-1]))  # type: ignore[arg-type]  # hourly has always a next time
    assert found[1:] == [
        at("2026-01-10T07:00"), at("2026-01-10T08:00"), at("2026-01-10T09:00"), at("2026-01-11T07:00"),
    ]  # fmt: skip


def test_window_may_pass_midnight() -> None:
    hourly = Times("hourly", "UTC", from_hour=22, to_hour=1)
    assert hourly.next_after(at("2026-01-10T23:10")) == at("2026-01-11T00:00")
    assert hourly.next_after(at("2026-01-11T01:00")) == at("2026-01-11T22:00")


def test_full_hour_is_the_local_one_where_zones_are_half_hours_apart() -> None:
    hourly = Times("hourly", "Asia/Kolkata", from_hour=0, to_hour=23)
    assert hourly.next_after(at("2026-01-10T12:00")) == at("2026-01-10T12:30")


def test_hour_that_comes_twice_is_two_hours() -> None:
    hourly = Times("hourly", NEW_YORK, from_hour=1, to_hour=1)
    first = hourly.next_after(at("2026-11-01T04:30"))
    assert first == at("2026-11-01T05:00")
    assert hourly.next_after(first) == at("2026-11-01T06:00")


def test_schedule_that_is_off_has_no_next_time() -> None:
    assert Times("off", "UTC").next_after(at("2026-01-10T12:00")) is None


def test_unknown_zone_is_refused() -> None:
    for name in ("Europe/Atlantis", "Europe", "../etc/passwd"):
        assert not is_zone(name)
        with pytest.raises(ValueError, match="no time zone"):
            Times("nightly", name).next_after(at("2026-01-10T12:00"))


def test_zones_are_offered_by_place() -> None:
    assert {"UTC", NEW_YORK, "Europe/Madrid", "Pacific/Auckland"} <= set(zones())
    assert all(is_zone(name) for name in zones())


@given(
    zone=st.sampled_from([NEW_YORK, "Europe/Paris", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    moment=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
)
def test_every_night_has_exactly_one_run(zone: str, hour: int, minute: int, moment: datetime) -> None:
    nightly = Times("nightly", zone, time(hour, minute))
    times = [nightly.next_after(moment)]
    for _ in range(5):
        last = times[-1]
        assert last is not None
        times.append(nightly.next_after(last))
    days = [one.astimezone(ZoneInfo(zone)).date() for one in times if one is not None]
    assert days == [days[0] + timedelta(days=number) for number in range(6)]
    assert times[0] is not None
    assert moment < times[0] <= moment + timedelta(hours=26)
