"""Writing scores: many of one assignment in a request, taken whole or not at all.

PUT /ws/xte/score writes over the row of the same assignment and student, whoever wrote it and without an ETag. So where
scores can be read, what stands there is read just before, and only what was expected is written over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import requests

from sync.errors import Misconfigured, Rejected, TryLater, Unreachable
from sync.sis import records as sis
from sync.sis.base import Answer, settle_conflict
from sync.sis.powerschool import errors, wire
from sync.sis.powerschool.client import Client
from sync.sis.powerschool.profile import Config
from sync.sis.powerschool.sections import Sections, is_id
from sync.sis.rest import Row

SCORES = "/ws/xte/score"


class Scores:
    """Used from several threads at once."""

    def __init__(self, client: Client, sections: Sections, config: Config) -> None:
        self._client, self._sections, self._config = client, sections, config

    def check_readable(self) -> None:
        """Raises Misconfigured where the plugin may not read scores: also where there are none yet."""
        try:
            self._client.probe("assignmentscore", wire.SCORE_FIELDS)
        except Misconfigured as error:
            text = (
                f"{error} Or an administrator sets the connection's option “read_back” to “no”: then what a person changes "
                "in PowerTeacher Pro is not seen."
            )
            raise Misconfigured(text, error.code) from None

    def stored(self, column: wire.Column) -> list[sis.Result]:
        """All scores of one assignment."""
        query = f"assignmentsectionid=={column.column_id}"
        rows = self._client.table("assignmentscore", wire.SCORE_FIELDS, query)
        return [wire.read_result(row, column.item.class_id, self._config.decimals) for row in rows]

    def send(self, batch: Sequence[sis.Change]) -> Iterator[Answer]:
        """Answers per change; raises BatchRejected for those still unanswered, and what any write may end in."""
        section = self._sections.of(batch[0].key.class_id)
        if section is None:
            raise Rejected("class_unknown")
        column = self._sections.column(section, batch[0].key.line_item_id)
        standing = self._standing(column)
        waiting: list[sis.Change] = []
        for change in batch:
            outcome = _settled(change, standing)
            if outcome is None:
                waiting.append(change)
            else:
                yield change, outcome
        if waiting:
            yield from self._put(section, waiting)

    def _standing(self, column: wire.Column) -> Mapping[str, sis.Result] | None:
        """By student; None where nothing can be read."""
        if not self._config.read_back:
            return None
        return {one.student_id: one for one in self.stored(column)}

    def _put(self, section: wire.Section, batch: Sequence[sis.Change]) -> Iterator[Answer]:
        body = {
            "assignment_scores": [
                wire.score_body(one.key, one.after) for one in batch if one.after is not None
            ]
        }
        response = self._once(section, body)
        if response.status_code == 412:  # "Resubmit": once, as its documentation says
            response = self._once(section, body)
        if not 200 <= response.status_code < 300:
            raise errors.scores_refused(response, batch)
        named = self._named(response)
        for change in batch:
            row = named.get(change.key.student_id)
            if row is not None:
                yield change, _outcome(change, row, response.status_code)

    def _once(self, section: wire.Section, body: wire.Json) -> requests.Response:
        params = [*section.teacher, ("status", "A"), ("term_id", str(section.term_id))]
        return self._client.write("PUT", SCORES, body, params=params)

    def _named(self, response: requests.Response) -> dict[str, Row]:
        """The rows that the answer names, by student. Raises Unreachable for an answer that cannot be read."""
        try:
            found = self._client.data(response)
            listed = found.get("assignment_scores") if isinstance(found, Mapping) else None
            rows = self._client.rows(listed)
        except TryLater:
            raise Unreachable("PowerSchool took scores and answered something unreadable.") from None
        return {str(row.get("studentsdcid")): row for row in rows}


def _settled(change: sis.Change, standing: Mapping[str, sis.Result] | None) -> sis.Outcome | None:
    """What needs no request: no such student, or something else stands there than was expected. None: send it."""
    if not is_id(change.key.student_id):
        return sis.Outcome("rejected", "student_unknown")
    if standing is None:
        return None
    found = standing.get(change.key.student_id)
    if found is None and change.result_id and None not in change.expected:
        return sis.Outcome("rejected", "conflict_newer")  # deleted since it was read
    return settle_conflict(change, found)


def _outcome(change: sis.Change, row: Row, status: int) -> sis.Outcome:
    """A row of the answer. It carries no id of the score, where integrators looked; an error in it would refuse."""
    if row.get("errors"):
        return sis.Outcome("rejected", "malformed", http_status=status)
    result_id = str(row.get("assignmentscoreid") or change.result_id)
    return sis.Outcome("accepted", result_id=result_id, http_status=status)
