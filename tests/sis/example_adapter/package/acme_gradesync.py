"""Acme's gradebook by its REST API (an invented SIS): the whole of an adapter, to begin from.

Acme keeps points, no letters. It writes over a grade only when it is told to: `If-None-Match: *` says that none must be
there, and 412 that one is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import requests

from sync.auth import TokenStore
from sync.errors import AdapterError, Misconfigured, Rejected, RejectionCode, TryLater
from sync.options import Finding, Option
from sync.sis import base
from sync.sis import records as sis
from sync.sis.rest import Rest

Row = Mapping[str, Any]
# Acme's words for a refusal, as ours
REFUSALS: Mapping[str, RejectionCode] = {
    "NO_COLUMN": "line_item_missing",
    "NOT_IN_CLASS": "not_enrolled",
    "TERM_CLOSED": "window_closed",
    "TOO_MANY_POINTS": "over_max",
}


class Api(Rest):
    product = "Acme"

    def __init__(self, settings: base.Settings) -> None:
        super().__init__(settings.base_url)
        if not settings.secret:
            raise Misconfigured("Acme needs a key. An administrator must add it as secret.", "secret_missing")
        self.session.headers["X-Acme-Key"] = settings.secret

    def refusal(self, response: requests.Response, *, writing: bool) -> AdapterError | None:
        """404 when reading, 409 and 412 when writing go to whoever asked: what they mean is its business."""
        if response.status_code == 409 and writing:
            found = self.data(response)
            return Rejected(REFUSALS.get(found["code"], "malformed"), found["text"])
        return self.usual_refusal(response, writing=writing)


class Acme(base.Sis):
    name = "acme"
    label = "Acme SIS"
    options = (Option("parallel", "2", "How many requests may be under way at a time."),)

    def __init__(self, settings: base.Settings, tokens: TokenStore | None = None) -> None:
        super().__init__(settings, tokens)
        stated = settings.options.get("parallel") or "2"
        if stated not in map(str, range(1, 9)):
            raise Misconfigured("The option “parallel” must be from 1 to 8.", "option_unusable")
        self.parallel = int(stated)
        self._api = Api(settings)

    @property
    def profile(self) -> sis.Profile:
        return sis.Profile(texts=False, exempt=False, create_line_items=False, idempotent=True)

    def close(self) -> None:
        self._api.close()

    def check(self) -> list[Finding]:
        try:
            found = self._api.json("/me")
        except (Misconfigured, TryLater) as error:
            return [Finding("Key", False, str(error))]
        return [Finding("Key", True, f"It may write {found['classes']} classes.")]

    # --- reading: Acme's rows to records ---

    def get_class(self, class_id: str) -> sis.Class | None:
        response = self._api.get(f"/classes/{quote(class_id, safe='')}")
        if response.status_code == 404:
            return None
        row = self._api.data(response)
        return sis.Class(row["id"], row["name"], code=row["section"])

    def classes_of_teacher(self, teacher_id: str) -> list[sis.Class]:
        rows = self._api.rows(self._api.json("/classes", [("teacher", teacher_id)]))
        return [sis.Class(row["id"], row["name"], code=row["section"]) for row in rows]

    def students(self, class_id: str) -> list[sis.Student]:
        return [_person(row) for row in self._list(class_id, "students")]

    def teachers(self, class_id: str) -> list[sis.Teacher]:
        return [_person(row) for row in self._list(class_id, "teachers")]

    def line_items(self, class_id: str) -> list[sis.LineItem]:
        return [
            sis.LineItem(row["id"], row["name"], class_id, Decimal(0), Decimal(row["outOf"]))
            for row in self._list(class_id, "columns")
        ]

    def results(self, class_id: str) -> list[sis.Result]:
        return [_result(row, class_id) for row in self._list(class_id, "grades")]

    def score_scales(self, class_id: str) -> list[sis.ScoreScale]:
        return []

    def categories(self, class_id: str) -> list[sis.Category]:
        return []

    def sessions(self, class_id: str) -> list[sis.Session]:
        return []

    def create_line_item(self, new: sis.NewLineItem) -> sis.LineItem:
        raise Rejected(
            "forbidden", "Acme takes columns from its own staff only. Create it there and link it."
        )

    def _list(self, class_id: str, what: str) -> list[Row]:
        """Nobody and nothing where the class is unknown; never a part of a list."""
        response = self._api.get(f"/classes/{quote(class_id, safe='')}/{what}")
        return [] if response.status_code == 404 else self._api.rows(self._api.data(response))

    # --- writing: one grade, one request ---

    def _send(self, batch: Sequence[sis.Change]) -> Iterable[base.Answer]:
        (change,) = batch
        path = _path(change.key)
        if change.after is None:
            self._api.write("DELETE", path)
            yield change, sis.Outcome("accepted")
            return
        body = {"points": sis.plain(change.after.score or Decimal(0))}
        response = self._api.write(
            "PUT", path, body, headers={} if change.result_id else {"If-None-Match": "*"}
        )
        settled = self._met(change) if response.status_code == 412 else None
        if response.status_code == 412 and settled is None:
            self._api.write("PUT", path, body)
        yield (
            change,
            settled
            or sis.Outcome("accepted", result_id=f"{change.key.line_item_id}:{change.key.student_id}"),
        )

    def _met(self, change: sis.Change) -> sis.Outcome | None:
        """One is there that nobody told us of: what it means is not the adapter's to decide."""
        found = self._api.json(_path(change.key))
        return base.settle_conflict(change, _result(found, change.key.class_id))


def _path(key: sis.Key) -> str:
    parts = (quote(part, safe="") for part in (key.class_id, key.line_item_id, key.student_id))
    return "/classes/{}/columns/{}/grades/{}".format(*parts)


def _person(row: Row) -> sis.Person:
    return sis.Person(row["id"], row["first"], row["last"], identifier=row["number"])


def _result(row: Row, class_id: str) -> sis.Result:
    value = sis.Value(sis.quantised(Decimal(row["points"]), 4))
    return sis.Result(f"{row['column']}:{row['student']}", class_id, row["column"], row["student"], value)
