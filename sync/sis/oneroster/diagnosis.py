"""Why the SIS refused a record: told by its status and codes, else by looking at line item, student and value.

The standard has one code for "unknown object" and one for "invalid data", and words differ by vendor and language;
so the facts are looked at instead. Each is read once per run.
"""

from __future__ import annotations

import threading

import requests

from sync.errors import AdapterError, Misconfigured, Rejected, RejectionCode
from sync.sis import records as sis
from sync.sis.oneroster import errors, wire
from sync.sis.oneroster.client import Client, Record
from sync.sis.oneroster.profile import Config


class Diagnosis:
    def __init__(self, client: Client, config: Config) -> None:
        self._client, self._config = client, config
        self._items: dict[str, Record | None] = {}
        self._rosters: dict[str, frozenset[str]] = {}
        self._scales: dict[str, Record | None] = {}
        self._lock = threading.Lock()

    def rejected(self, change: sis.Change, response: requests.Response) -> Rejected:
        """The refusal with its code and the SIS's words. What cannot be looked at is left to those words."""
        code = errors.code_of(response) or self._looked_at(change) or "malformed"
        return Rejected(code, errors.status_info(response).words)

    def missing(self, change: sis.Change) -> RejectionCode | None:
        """Which of line item, class and student the SIS no longer has; None when it has them all."""
        if not self.line_item_is_there(change):
            return "line_item_missing"
        try:
            if change.key.student_id in self._roster(change.key.class_id):
                return None
        except Misconfigured as error:
            if error.code == "class_unknown":
                return "class_unknown"
            raise
        known = self._client.get_one(self._config.rostering_url("users", change.key.student_id), "user")
        return "not_enrolled" if known is not None else "student_unknown"

    def line_item_is_there(self, change: sis.Change) -> bool:
        return self._item(change.key.line_item_id) is not None

    def _looked_at(self, change: sis.Change) -> RejectionCode | None:
        try:
            return self.missing(change) or self._value_code(change)
        except AdapterError:
            return None  # the refusal itself is what must be told

    def _value_code(self, change: sis.Change) -> RejectionCode | None:
        item, value = self._item(change.key.line_item_id), change.after
        if item is None or value is None:
            return None
        maximum = wire.number(item.get("resultValueMax"))
        if value.score is not None and maximum is not None and value.score > maximum:
            return "over_max"
        allowed = self._allowed(wire.ref_id(item.get("scoreScale")))
        return "grade_not_in_scale" if value.text and allowed and value.text not in allowed else None

    def _allowed(self, scale_id: str) -> frozenset[str]:
        if not scale_id:
            return frozenset()
        with self._lock:
            if scale_id not in self._scales:
                url = self._config.gradebook_url("scoreScales", scale_id)
                self._scales[scale_id] = self._client.get_one(url, "scoreScale")
            scale = self._scales[scale_id]
        if scale is None:
            return frozenset()
        # either side: vendors differ in which of the two a textScore shows
        return frozenset(side for entry in wire.read_score_scale(scale).entries for side in entry)

    def _item(self, line_item_id: str) -> Record | None:
        with self._lock:
            if line_item_id not in self._items:
                url = self._config.gradebook_url("lineItems", line_item_id)
                self._items[line_item_id] = self._client.get_one(url, "lineItem")
            return self._items[line_item_id]

    def _roster(self, class_id: str) -> frozenset[str]:
        with self._lock:
            if class_id not in self._rosters:
                rows = self._client.get_all(
                    self._config.rostering_url("classes", class_id, "students"), "users"
                )
                self._rosters[class_id] = frozenset(str(row["sourcedId"]) for row in rows)
            return self._rosters[class_id]
