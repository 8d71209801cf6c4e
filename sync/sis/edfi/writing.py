"""Writing scores and grades: by the record's id with its ETag where one stands, else created (design §4).

A POST of Ed-Fi is an upsert: it would write over what a person put there meanwhile. So the key is looked up first, and
what stands is changed by PUT with `If-Match` only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sync.errors import Rejected
from sync.sis import records as sis
from sync.sis.base import settle_conflict
from sync.sis.edfi import errors, wire
from sync.sis.edfi.client import Client
from sync.sis.edfi.dialect import Dialect
from sync.sis.edfi.keys import Record, section_of

GONE = frozenset({404, 410})


@dataclass(frozen=True)
class Place:
    """Where one grade lives: its resource, how it is looked up, the body that names it, and the field of its number."""

    resource: str
    query: list[tuple[str, str]]
    naming: Mapping[str, Any]
    field: wire.Field


class Writing:
    """Used from several threads at once."""

    def __init__(self, client: Client, dialect: Dialect, place_of: Callable[[sis.Key], Place]) -> None:
        self._client, self._dialect, self._place_of = client, dialect, place_of
        self.read: dict[str, Record] = {}

    def one(self, change: sis.Change) -> sis.Outcome:
        """Write one change, or raise Rejected, TryLater, Unreachable, Misconfigured."""
        if section_of(change.key.class_id) is None:
            raise Rejected("class_unknown")
        place = self._place_of(change.key)
        if change.after is not None and not place.field.statused and not _is_plain(change.after):
            words = "A course grade of Ed-Fi holds a number or a letter, nothing else."
            raise Rejected("malformed", words)
        if change.result_id:
            return self._known(change, place)
        former = self._client.find(place.resource, place.query)
        if former is None:
            return self._created(change, place)
        return self._met(change, place, former)

    def _known(self, change: sis.Change, place: Place) -> sis.Outcome:
        former = self.read.get(change.result_id) or self._client.by_id(place.resource, change.result_id)
        if former is None:
            return self._vanished(change, place)
        if self._value(former, place) not in change.expected | {change.before, change.after}:
            return self._met(change, place, former)
        return self._over(change, place, former)

    def _vanished(self, change: sis.Change, place: Place) -> sis.Outcome:
        """The record that we knew is gone: a new one only where nothing there was to be expected."""
        if change.after is None:
            return sis.Outcome("unchanged")
        if None not in change.expected:
            return sis.Outcome("rejected", "conflict_newer")
        return self.one(replace(change, result_id=""))

    def _met(self, change: sis.Change, place: Place, former: Record) -> sis.Outcome:
        """A record stands under this key: ours to write over only where it says what was expected, or nothing."""
        found = self._result(change.key, former, place)
        return settle_conflict(change, found) or self._over(change, place, former)

    def _created(self, change: sis.Change, place: Place) -> sis.Outcome:
        if change.after is None:
            return sis.Outcome("unchanged")
        fields = wire.value_body(change.after, self._dialect, place.field)
        made = self._client.post(place.resource, wire.over(place.naming, fields))
        return sis.Outcome("accepted", result_id=made, http_status=201)

    def _over(self, change: sis.Change, place: Place, former: Record, *, again: bool = True) -> sis.Outcome:
        record_id, etag = str(former["id"]), str(former.get("_etag") or "")
        if change.after is None:
            response = self._client.delete(place.resource, record_id, etag)
        else:
            fields = wire.value_body(change.after, self._dialect, place.field)
            body = wire.over(former, {**place.naming, **fields}) | {"id": record_id}
            response = self._client.put(place.resource, record_id, body, etag)
        if response.status_code == 412 and again:
            return self._changed(change, place)
        if change.after is None and response.status_code in GONE:
            return sis.Outcome("unchanged")
        if not 200 <= response.status_code < 300:
            raise errors.rejected(response)
        self.read.pop(record_id, None)
        return sis.Outcome("accepted", result_id=record_id, http_status=response.status_code)

    def _changed(self, change: sis.Change, place: Place) -> sis.Outcome:
        """412: somebody wrote it since it was read. Read it once more, and decide anew."""
        former = self._client.find(place.resource, place.query)
        if former is None:
            return self._vanished(change, place)
        found = self._result(change.key, former, place)
        return settle_conflict(change, found) or self._over(change, place, former, again=False)

    def _value(self, former: Record, place: Place) -> sis.Value | None:
        return wire.read_value(former, self._dialect, place.field)

    def _result(self, key: sis.Key, former: Record, place: Place) -> sis.Result:
        value = self._value(former, place)
        return sis.Result(str(former["id"]), key.class_id, key.line_item_id, key.student_id, value)


def _is_plain(value: sis.Value) -> bool:
    """Nothing but a grade: a course grade, and any score of data standard 3.3, has no place for more."""
    return value.status == sis.ScoreStatus.FULLY_GRADED and not value.flags
