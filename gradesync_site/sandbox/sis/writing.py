"""PUT, POST and DELETE: check the body, check the rules, store, answer; and the faults of each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import Response, g, request

from gradesync_site.sandbox.control import Sandbox, answer, drop_connection, loads
from gradesync_site.sandbox.sis.answers import SINGLE, Renderer
from gradesync_site.sandbox.sis.dialects import Dialect
from gradesync_site.sandbox.sis.rules import RULES, check_deletable, check_same_place, invalid
from gradesync_site.sandbox.sis.shapes import Shape
from gradesync_site.sandbox.sis.store import Json, Refusal, Store, now, unknown


@dataclass
class Writer:
    """Writes of one version. The caller holds the sandbox's lock for the whole operation."""

    sandbox: Sandbox
    store: Store
    shapes: Mapping[str, Shape]
    renderer: Renderer
    dialect: Dialect = field(default_factory=Dialect)

    def __post_init__(self) -> None:
        self.shapes = self.dialect.shapes(self.shapes)

    def put(self, collection: str, sourced_id: str) -> Response:
        """Creates the record under the caller's id, or replaces it: 201, no body (a dialect may say more)."""
        body, name = _unwrapped(SINGLE[collection]), SINGLE[collection]
        if collection == "categories" and not self.dialect.makes_categories:
            raise Refusal(403, "forbidden", "Categories are not made or changed from outside.")
        former = self.store.active(collection, sourced_id)
        record = self._put(collection, sourced_id, body, former)
        shown = answer({name: self.renderer.record(collection, record)}, 201)
        done = shown if self.dialect.echoes else Response(b"", 201)
        done.status_code = 201 if former is None else self.dialect.update_status
        return self._finish(done)

    def put_without_id(self, collection: str) -> Response:
        """Creates a record under the id in its body, else one of this SIS's, and shows it: 201 and a list of one."""
        body, name = _unwrapped(SINGLE[collection]), SINGLE[collection]
        given = body.get("sourcedId") if isinstance(body, dict) else ""
        sourced_id = given if isinstance(given, str) and given else self.store.allocate(collection)
        if isinstance(body, dict):
            body = body | {"sourcedId": sourced_id}
        record = self._put(collection, sourced_id, body, None)
        return self._finish(answer({name: [self.renderer.record(collection, record)]}, 201))

    def _put(self, collection: str, sourced_id: str, body: Any, former: Json | None) -> Json:
        if collection == "results" and self.sandbox.strikes("put-409"):
            raise Refusal(409, "invaliddata", "The record is in conflict with another.")
        record = self._record(collection, body, sourced_id, former)
        if body.get("sourcedId", sourced_id) != sourced_id:
            raise invalid("The sourcedId of the body is not that of the address.")
        self._check(collection, record)
        self._arm()
        kept = self._as_kept(collection, record)
        self.store.put(collection, kept)
        return kept

    def post(self, collection: str, place: Mapping[str, str]) -> Response:
        """Creates many under ids of this SIS: 201 with sourcedIdPairs. One bad row refuses all, and nothing is stored."""
        rows = _unwrapped(collection)
        if not isinstance(rows, list):
            raise invalid(f"{collection} is not a list.")
        records = [self._new(collection, row, place) for row in rows]
        if collection == "results":
            _check_no_pair_twice(records)
        if self.sandbox.strikes("partial-batch"):
            records = records[: len(records) // 2]
            rows = rows[: len(records)]
        self._arm()
        pairs = [
            {
                "suppliedSourcedId": row.get("sourcedId", ""),
                "allocatedSourcedId": self._create(collection, record),
            }
            for row, record in zip(rows, records, strict=True)
        ]
        return self._finish(answer(self._pairs(pairs), 201))

    def delete(self, collection: str, sourced_id: str) -> Response:
        record = self.store.active(collection, sourced_id)
        if record is None:
            raise unknown(collection, sourced_id)
        if collection == "lineItems" and not self.dialect.deletes_line_items:
            raise Refusal(405, "", "Line items are not deleted from outside.")
        check_deletable(self.store, collection, sourced_id)
        self._arm()
        self.store.put(collection, record | {"status": "tobedeleted", "dateLastModified": now()})
        return self._finish(Response(b"", 204))

    def _new(self, collection: str, row: Any, place: Mapping[str, str]) -> Json:
        """A row of a bulk POST, checked; it has no id yet."""
        record = self._record(collection, row, "")
        for name, sourced_id in place.items():
            if record.get(name, sourced_id) != sourced_id:
                raise invalid(f"The {name} of a row is not that of the address.")
        self._check(collection, record)
        return record

    def _record(self, collection: str, body: Any, sourced_id: str, former: Json | None = None) -> Json:
        """The body as it is kept: references as ids, flags as strings, without what 1.2 does not know.

        Over a former record it is all that is left, or, where a dialect has it so, what changes.
        """
        shape, lenient = self.shapes[collection], self.sandbox.options.lenient
        stays = former if former is not None and self.dialect.partial_update else {}
        if stays:
            shape = replace(shape, required=shape.required - stays.keys())
        complaints = shape.complaints(body, lenient)
        if complaints:
            raise invalid("; ".join(complaints[:5]))
        record = {name: value for name, value in body.items() if name in shape.fields}
        for name in shape.refs.keys() & record.keys():
            record[name] = record[name]["sourcedId"]
        for name, value in record.items():
            if isinstance(value, bool):
                record[name] = str(value).lower()
        if isinstance(record.get("scoreDate"), str):
            record["scoreDate"] = record["scoreDate"][:10]
        defaults = (
            {"status": "active", "scoreDate": now()[:10]} if collection == "results" else {"status": "active"}
        )
        if collection == "lineItems" and "school" not in record:  # 1.1 knows none
            defaults["school"] = self.store.need("classes", record["class"], 422)["school"]
        return defaults | stays | record | {"sourcedId": sourced_id, "dateLastModified": now()}

    def _check(self, collection: str, record: Json) -> None:
        check_same_place(collection, self.store.state[collection].get(record["sourcedId"]), record)
        more = self.dialect.over_max and collection == "results"
        RULES[collection](self.store, record, self.sandbox.options.lenient or more)
        self.dialect.check(self.store, collection, record)

    def _create(self, collection: str, record: Json) -> str:
        allocated = self.store.allocate(collection)
        self.store.put(collection, self._as_kept(collection, record | {"sourcedId": allocated}))
        return allocated

    def _as_kept(self, collection: str, record: Json) -> Json:
        record = self.dialect.as_kept(collection, record)
        for decimals in (0, 1, 2):
            if "score" in record and self.sandbox.strikes(f"round-{decimals}"):
                step = Decimal(1).scaleb(-decimals)
                rounded = Decimal(record["score"]).quantize(step, rounding=ROUND_HALF_UP)
                return record | {"score": rounded}
        return record

    def _arm(self) -> None:
        """Readies the faults of storing; only a write that was found good meets them."""
        g.store_nothing = bool(self.sandbox.strikes("store-nothing"))
        if fault := self.sandbox.strikes("show-late"):
            g.show_late = self.store.lateness(fault.settings)

    def _finish(self, done: Response) -> Response:
        self.sandbox.stored(*g.get("wrote", []))
        if self.sandbox.strikes("lose-answer"):
            return drop_connection()
        if self.sandbox.strikes("error-500-after-store"):
            raise Refusal(500, "internal_server_error", "Something went wrong inside.")
        return Response(b"", done.status_code) if self.sandbox.strikes("empty-bodies") else done

    def _pairs(self, pairs: list[Json]) -> Json:
        if self.sandbox.strikes("fewer-pairs"):
            pairs = pairs[: len(pairs) // 2]
        if len(pairs) == 1 and self.sandbox.strikes("pairs-as-object"):
            return {"sourcedIdPairs": pairs[0]}
        return {"sourcedIdPairs": pairs}


def _check_no_pair_twice(records: list[Json]) -> None:
    pairs = [(one["lineItem"], one["student"]) for one in records if one["status"] == "active"]
    if len(set(pairs)) < len(pairs):
        raise Refusal(409, "invaliddata", "Two rows are for the same student and line item.")


def _unwrapped(name: str) -> Any:
    """The one property that the body must consist of. Raises Refusal (422)."""
    try:
        body = loads(request.get_data())
    except (ValueError, RecursionError):
        raise invalid("The body is not valid JSON.") from None
    if not isinstance(body, dict) or body.keys() != {name}:
        raise invalid(f"The body must be one object with the property {name} alone.")
    return body[name]
