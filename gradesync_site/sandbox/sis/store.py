"""The SIS's records: reading as a client sees them, storing as the faults allow. References are plain ids inside."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from flask import g, has_request_context

from gradesync_site.sandbox.control import Sandbox

Json = dict[str, Any]


class Refusal(Exception):
    """An answer that is no success: HTTP status, imsx code and words."""

    def __init__(self, status: int, minor: str, words: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(words)
        self.status, self.minor, self.words, self.headers = status, minor, words, headers or {}


def unknown(collection: str, sourced_id: str, status: int = 404) -> Refusal:
    return Refusal(status, "unknownobject", f"There is no such record among the {collection}: {sourced_id}")


class Store:
    """Callers hold `sandbox.lock` around a check and the write that follows it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._by_pair: dict[tuple[str, str], set[str]] = {}
        self._index_all()
        sandbox.when_put_back = self._index_all

    def _index_all(self) -> None:
        self._by_pair.clear()
        for record in self.state["results"].values():
            self._index(record)

    def _index(self, result: Json) -> None:
        """Keeps a class with many thousand results fast to write to."""
        self._by_pair.setdefault((result["lineItem"], result["student"]), set()).add(result["sourcedId"])

    @property
    def state(self) -> Json:
        return self.sandbox.state

    def active(self, collection: str, sourced_id: str) -> Json | None:
        """The record as it truly is; None when there is none, it is deleted or a fault hides it."""
        record: Json | None = self.state[collection].get(sourced_id)
        if record is None or record["status"] != "active" or self._gone(collection, record):
            return None
        return record

    def need(self, collection: str, sourced_id: str, status: int = 404) -> Json:
        """The active record. Raises Refusal (404, or 422 for something that a body refers to)."""
        record = self.active(collection, sourced_id)
        if record is None:
            raise unknown(collection, sourced_id, status)
        return record

    def seen(self, collection: str) -> list[Json]:
        """All records as a reader is shown them, deleted ones included: `show-late` hides what is young."""
        records = {one["sourcedId"]: one for one in self.state[collection].values()}
        for place, young in self._late().items():
            kind, _, sourced_id = place.partition("/")
            if kind == collection and young["was"] is None:
                records.pop(sourced_id, None)
            elif kind == collection:
                records[sourced_id] = young["was"]
        return [one for one in records.values() if not self._gone(collection, one)]

    def see(self, collection: str, sourced_id: str) -> Json | None:
        if not self._late():
            record: Json | None = self.state[collection].get(sourced_id)
            return None if record is None or self._gone(collection, record) else record
        return next((one for one in self.seen(collection) if one["sourcedId"] == sourced_id), None)

    def was_read(self, collection: str) -> None:
        """One read of this collection is over: what is shown late comes one read nearer."""
        for place in list(self._late()):
            if place.startswith(f"{collection}/") and self._late()[place]["reads"] is not None:
                self._late()[place]["reads"] -= 1

    def _late(self) -> dict[str, Json]:
        late: dict[str, Json] = self.state["late"]
        for place, young in list(late.items()):
            read_enough = young["reads"] is not None and young["reads"] <= 0
            if read_enough or (young["until"] is not None and time.time() >= young["until"]):
                del late[place]
        return late

    @staticmethod
    def lateness(settings: Json) -> Json:
        """How late a write is shown: after some reads, or some seconds where the fault says so."""
        seconds = settings.get("seconds")
        if seconds is None:
            return {"reads": int(settings.get("reads", 1)), "until": None}
        return {"reads": None, "until": int(time.time() + float(seconds))}

    @staticmethod
    def _gone(collection: str, record: Json) -> bool:
        gone: dict[str, str] = g.get("gone", {}) if has_request_context() else {}
        places = {collection: record["sourcedId"]}
        if collection == "results":
            places["lineItems"] = record["lineItem"]
        return any(gone.get(kind) in ("*", sourced_id) for kind, sourced_id in places.items())

    def put(self, collection: str, record: Json, *, by_hand: bool = False) -> None:
        """Stores a record, new or over the former one. `by_hand`: no fault touches it, and it shows at once."""
        place = f"{collection}/{record['sourcedId']}"
        if by_hand:
            self._late().pop(place, None)
            self.state.setdefault("by_hand", {})[record["sourcedId"]] = True
        elif g.get("store_nothing"):
            return
        elif late := g.get("show_late"):
            self._late()[place] = {"was": self.see(collection, record["sourcedId"]), **late}
        self.state[collection][record["sourcedId"]] = record
        if collection == "results":
            self._index(record)
        if not by_hand:
            g.setdefault("wrote", []).append(place)

    def is_by_hand(self, sourced_id: str) -> bool:
        """A person at the SIS entered it, or was the last to change it."""
        return sourced_id in self.state.get("by_hand", {})

    def allocate(self, collection: str) -> str:
        self.state["allocated"] += 1
        return f"{collection[:1].upper()}-{self.state['allocated']:07d}"

    def results_of(self, line_item_id: str, student_id: str) -> list[Json]:
        """The active results of one student on one line item."""
        ids = sorted(self._by_pair.get((line_item_id, student_id), ()))
        found = (self.state["results"].get(one) for one in ids)
        return [one for one in found if one is not None and one["status"] == "active"]

    def enrolled(self, class_id: str, role: str) -> list[str]:
        return [one["user"] for one in self.enrollments(role) if one["class"] == class_id]

    def classes_of(self, user_id: str, role: str = "") -> set[str]:
        return {one["class"] for one in self.enrollments(role) if one["user"] == user_id}

    def enrollments(self, role: str = "") -> Iterable[Json]:
        for one in self.state["enrollments"].values():
            if one["status"] == "active" and role in ("", one["role"]):
                yield one


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
