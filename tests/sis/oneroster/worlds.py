"""A pretend SIS per class of tests, put back as it was before each, and the contract's world in it."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from gradesync_site.sandbox.control import Options
from gradesync_site.sandbox.serving import serve_in_thread
from gradesync_site.sandbox.sis import make_app
from sync.sis.base import Settings
from sync.sis.oneroster import OneRoster, results
from tests.sandbox_servers import SisServer

VENDOR = "vendor-key:vendor-s3cret"


def connect(server: SisServer, options: dict[str, str], **settings: str) -> OneRoster:
    hello = server.hello
    given = {
        "token_url": hello["token_url"],
        "client_id": hello["client_id"],
        "secret": hello["client_secret"],
    }
    return OneRoster(Settings("1", server.base_url, **given | settings, options=options))


class World:
    """`dialect` is what the server speaks, `options` is what the connection says."""

    connection: ClassVar[str] = "1"
    dialect: ClassVar[str] = ""
    options: ClassVar[dict[str, str]] = {}
    lenient: ClassVar[bool] = False
    extra: ClassVar[dict[str, str]] = {}
    faults: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture(scope="class")
    @classmethod
    def whole(cls) -> Iterator[tuple[SisServer, dict[str, Any]]]:
        started = Options(dialect=cls.dialect, lenient=cls.lenient, extra=cls.extra)
        with serve_in_thread(make_app(started)) as running:
            yield SisServer(running), copy.deepcopy(running.sandbox.state)

    @pytest.fixture(autouse=True)
    def server(self, whole: tuple[SisServer, dict[str, Any]], local_requests: None) -> SisServer:
        self.of, state = whole
        self.of.sandbox.put_back(copy.deepcopy(state))
        for fault in self.faults:
            self.of.faults.on(fault)
        results._FRAGILE.clear()
        # a period that is open at the contract's dates
        self.of.state["academicSessions"]["gp-q2"]["endDate"] = "2026-06-30"
        for item in self.line_item_ids:
            wish = {"sourcedId": item, "class": self.class_id, "title": item, "resultValueMax": Decimal(100)}
            self.of.control("line-item", **wish)
        return self.of

    def make(self) -> OneRoster:
        return self.make_with(self.options)

    def make_with(self, options: dict[str, str]) -> OneRoster:
        return connect(self.of, {"page_limit": "4", "settle_s": "0", **options})

    @property
    def class_id(self) -> str:
        return "BIO-P2"

    @property
    def empty_class_id(self) -> str:
        return "ART-P6"

    @property
    def line_item_ids(self) -> Collection[str]:
        return ["quiz 1", "quiz 2"]

    @property
    def student_ids(self) -> Collection[str]:
        enrolled = self.of.state["enrollments"].values()
        return [one["user"] for one in enrolled if (one["class"], one["role"]) == (self.class_id, "student")]

    @property
    def personal(self) -> Collection[str]:
        names = [one["familyName"] for one in self.of.state["users"].values()]
        return [self.of.hello["client_secret"], VENDOR, *(one for one in names if len(one) > 2)]

    @contextmanager
    def lose_answers(self) -> Iterator[None]:
        self.of.faults.on("lose-answer", method="PUT,POST", path="results")
        yield
        self.of.faults.off()
