"""A pretend ILP, and an adapter to it. What is sent is held to the form of the exchange."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from gradesync_site.sandbox.control import Options
from gradesync_site.sandbox.serving import serve_in_thread
from gradesync_site.sandbox.sis import make_app
from sync.sis import records as sis
from sync.sis.banner_ilp import BannerIlp
from sync.sis.base import Settings
from tests.sandbox_servers import Server

CLASS = "ALG1-P3.202710"
NONE: frozenset[sis.Value | None] = frozenset({None})
WHEN = {"type": "string", "format": "date-time"}
GRADES = {
    name: {"type": "string"} for name in ("FinalGrade", *(f"MidtermGrade{number}" for number in range(1, 7)))
}
EXCHANGE = Draft202012Validator(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["ModifiedBy", "StudentGrades"],
        "properties": {
            "ModifiedBy": {"type": "string"},
            "StudentGrades": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["CourseId", "StudentId"],
                    "oneOf": [{"required": [name]} for name in GRADES],
                    "properties": {
                        "CourseId": {"type": "string"},
                        "StudentId": {"type": "string"},
                        "LastAttendanceDate": WHEN,
                        "DefaultIncompleteGrade": {"type": "string"},
                        "FinalGradeExpirationDate": WHEN,
                        **GRADES,
                    },
                },
            },
        },
    },
    format_checker=FormatChecker(),
)


def adapter(server: Server, **options: str) -> BannerIlp:
    hello = server.hello
    settings = Settings(
        "1",
        server.base_url,
        client_id=hello["client_id"],
        secret=hello["client_secret"],
        options={"modified_by": "T1001"} | options,
    )
    return BannerIlp(settings)


def key(kind: str = "final", number: int = 0) -> sis.Key:
    return sis.Key("1", CLASS, f"{CLASS}#{kind}", f"S{20001 + number}")


def pushed(of: BannerIlp, value: sis.Value | None, where: sis.Key | None = None) -> sis.Outcome:
    change = sis.Change(where or key(), None, value, NONE, new_id="derived")
    return next(outcome for _, outcome in of.push([change]))


@pytest.fixture
def host(local_requests: None) -> Iterator[Server]:
    app = make_app(Options(dialect="banner_ilp", extra={"plain": "yes"}))
    server = Server(serve_in_thread(app))
    yield server
    server.running.stop()
    bodies = [one["body"] for one in server.journal]
    assert [error.message for body in bodies for error in EXCHANGE.iter_errors(body)] == []
