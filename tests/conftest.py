"""What every test may rely on: no real broker, and in CI no skip of what CI is there for."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

FULL = bool(os.environ.get("GRADESYNC_FULL"))
pytest_plugins = ["tests.sandbox_servers"]

# tests that CI provides the services for: there, a skip means that nothing was proven
PROMISED_IN_CI = ("broker", "e2e")

_quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
hypothesis_settings.register_profile("default", deadline=None, suppress_health_check=_quiet)
hypothesis_settings.register_profile(
    "full", deadline=None, suppress_health_check=_quiet, max_examples=1000, stateful_step_count=80
)
hypothesis_settings.load_profile("full" if FULL else "default")


def pytest_configure(config: pytest.Config) -> None:
    """Tasks rung in a test go to a broker inside the process, never to one that a real worker listens to."""
    from django.conf import settings

    from gradesync_site.celery import app

    app.conf.update(broker_url="memory://", broker_transport_options={})
    # each new client would look at every static file there is; so one is looked for when it is asked for
    settings.WHITENOISE_AUTOREFRESH = True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if FULL:
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: runs under .ci/run --full"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    promised = any(item.get_closest_marker(name) for name in PROMISED_IN_CI)
    if report.skipped and promised and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"CI must provide what this test needs: {report.longrepr}"
    return report


@pytest.fixture
def full() -> bool:
    """True under `.ci/run --full`: more seeds, more steps."""
    return FULL


@pytest.fixture
def allow_local(settings: Any) -> None:
    """Requests to servers on this machine pass the guard."""
    settings.OUTBOUND_ALLOW = frozenset({"127.0.0.1", "localhost"})
