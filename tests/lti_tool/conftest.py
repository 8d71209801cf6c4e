from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses
from django.core.cache import cache
from django.test import Client

from gradesync_site.sandbox.control import Options
from gradesync_site.sandbox.lms import make_app
from gradesync_site.sandbox.serving import serve_in_thread
from tests.lti_tool.forging import TOOL, Lms
from tests.lti_tool.platform import Platform
from tests.sandbox_servers import Server


@pytest.fixture(autouse=True)
def own_addresses(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.lti_tool.urls"
    settings.LTI_LAUNCH_REDIRECT = "course"
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "lti"}
    }


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """Nothing leaves this process; answers are registered on the module `responses`."""
    with responses.mock as faked:
        faked.assert_all_requests_are_fired = False
        cache.clear()
        yield faked
        cache.clear()


@pytest.fixture
def platform(db: None, wire: responses.RequestsMock) -> Platform:
    made = Platform(Client(headers={"host": "localhost:8000"}))
    made.serve_keys()
    return made


@pytest.fixture(scope="session")
def forging_server() -> Iterator[Server]:
    """One pretend LMS for all forged launches; `lms` makes it honest again before each test."""
    with serve_in_thread(make_app(Options())) as running:
        yield Server(running)


@pytest.fixture
def lms(db: None, forging_server: Server, local_requests: None, settings: Any) -> Iterator[Lms]:
    """A platform that is registered here, listens, and can forge any launch."""
    settings.PUBLIC_URL = TOOL
    settings.ALLOWED_HOSTS = ["tool.example"]
    cache.clear()
    forging_server.journal.clear()
    yield Lms(forging_server)
    cache.clear()
