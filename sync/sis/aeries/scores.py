"""Writing scores: an array for one assignment, answered with all scores of that assignment.

The POST writes over what stands there, whoever wrote it, so that is read just before. The answer is a read-back: what it
does not show as it was sent is not counted as sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Final

import requests

from sync.errors import Rejected, TryLater, Unreachable
from sync.sis import records as sis
from sync.sis.aeries import errors, wire
from sync.sis.aeries.client import Client
from sync.sis.aeries.gradebooks import Gradebooks
from sync.sis.aeries.profile import Config
from sync.sis.base import Answer, settle_conflict
from sync.sis.rest import Row

UNIQUE_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)


class Scores:
    """Used from several threads at once."""

    def __init__(self, client: Client, books: Gradebooks, config: Config, today: Callable[[], date]) -> None:
        self._client, self._books, self._config, self._today = client, books, config, today

    def stored(self, class_id: str, line_item_id: str) -> list[sis.Result] | None:
        """The assignment's scores; None where it is gone."""
        rows = self._books.scores(line_item_id)
        return None if rows is None else self._results(rows, class_id, line_item_id)

    def send(self, batch: Sequence[sis.Change]) -> Iterator[Answer]:
        """Answers per change; raises BatchRejected for those still unanswered, and what any write may end in."""
        _, class_id, line_item_id, _ = batch[0].key
        if not self._books.of(class_id):
            raise Rejected("class_unknown")
        if not UNIQUE_ID.fullmatch(line_item_id):
            raise Rejected("line_item_missing")
        self._books.column(class_id, line_item_id)
        found = self.stored(class_id, line_item_id)
        if found is None:
            raise Rejected("line_item_missing")
        standing = {one.student_id: one for one in found}
        members = {wire.text_of(row, "StudentID") for row in self._books.students(class_id, self._today())}
        waiting: list[sis.Change] = []
        for change in batch:
            outcome = _settled(change, standing.get(change.key.student_id), members)
            if outcome is None:
                waiting.append(change)
            else:
                yield change, outcome
        if waiting:
            yield from self._post(waiting)

    def _post(self, batch: Sequence[sis.Change]) -> Iterator[Answer]:
        _, class_id, line_item_id, _ = batch[0].key
        path = f"/gradebooks/assignments/{line_item_id}/Scores"
        days = {one.key: one.score_date if self._config.date_completed else None for one in batch}
        body = [wire.score_body(one.key, one.after, days[one.key]) for one in batch if one.after is not None]
        response = self._client.post(path, body)
        if not 200 <= response.status_code < 300:
            refused = errors.one_score_refused if len(batch) == 1 else errors.scores_refused
            raise refused(response)
        shown = self._results(self._answered(response), class_id, line_item_id)
        values = {one.student_id: one.value for one in shown}
        for change in batch:
            if _stands(change, values.get(change.key.student_id)):
                made = wire.result_id(line_item_id, change.key.student_id)
                yield change, sis.Outcome("accepted", result_id=made, http_status=response.status_code)

    def _answered(self, response: requests.Response) -> list[Row]:
        try:
            return self._client.listed(self._client.data(response))
        except TryLater:
            raise Unreachable("Aeries took scores and answered something unreadable.") from None

    def _results(self, rows: Sequence[Row], class_id: str, line_item_id: str) -> list[sis.Result]:
        places = self._config.decimals
        return [wire.read_result(row, class_id, line_item_id, places) for row in rows]


def _settled(change: sis.Change, found: sis.Result | None, members: set[str]) -> sis.Outcome | None:
    """What needs no request: no student of the class, or something else stands there than was expected. None: send it."""
    if change.key.student_id not in members:
        return sis.Outcome("rejected", "not_enrolled")
    if found is None and change.result_id and None not in change.expected:
        return sis.Outcome("rejected", "conflict_newer")  # deleted since it was read
    return settle_conflict(change, found)


def _stands(change: sis.Change, shown: sis.Value | None) -> bool:
    """As it was sent, or rounded by Aeries: the next read tells so. Anything else is unknown until then."""
    return shown == change.after or sis.is_rounding_of(change.after, shown)
