"""Writing results: one record by PUT or DELETE, new ones by POST in batches, and what the answers mean (design §4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import requests

from sync.errors import AdapterError, Misconfigured, Rejected, TryLater, Unreachable
from sync.sis import records as sis
from sync.sis.base import Answer, settle_conflict
from sync.sis.oneroster import bodies, errors, wire
from sync.sis.oneroster.client import Client, is_there
from sync.sis.oneroster.diagnosis import Diagnosis
from sync.sis.oneroster.line_items import allocated, echoed_id
from sync.sis.oneroster.profile import Config

Record = Mapping[str, Any]

# line items whose last batch ended in a server error: their rows go singly in this process from then on, so that the
# one row that the server cannot bear does not sink the class again
_FRAGILE: set[tuple[str, str]] = set()


class Results:
    """Writes results of one connection; used from several threads."""

    def __init__(self, client: Client, config: Config) -> None:
        self._client, self._config = client, config
        self._diagnosis = Diagnosis(client, config)
        self._kept: dict[str, Record] = {}
        # False once this SIS has shown that it has no POST; PUT with the derived id does the same
        self._has_post = config.posts

    def remember(self, raw: Record) -> None:
        """Keep what of a result just read is not ours and must survive when it is written over."""
        kept = wire.kept_of(raw)
        if kept:
            self._kept[str(raw["sourcedId"])] = kept

    def posts(self, change: sis.Change) -> bool:
        """True for a new result, where nothing stands yet, that is to be made by POST."""
        new = not change.result_id and change.before is None and change.after is not None
        return self._has_post and new

    def is_fragile(self, change: sis.Change) -> bool:
        return (self._config.gradebook, change.key.line_item_id) in _FRAGILE

    def send(self, batch: Sequence[sis.Change]) -> Iterator[Answer]:
        """One answer per change; what is missing at the end is not confirmed."""
        said = {change.key: words for change in batch if (words := bodies.unfit(change, self._config))}
        for change in batch:
            if change.key in said:
                yield change, sis.Outcome("rejected", "malformed", said[change.key])
        batch = [change for change in batch if change.key not in said]
        if len(batch) > 1 or (batch and self.posts(batch[0])):
            yield from self._post(batch)
        elif batch:
            yield batch[0], self._single(batch[0])

    # --- one record ---------------------------------------------------------------------------------------------

    def _single(self, change: sis.Change) -> sis.Outcome:
        if change.after is None:
            return self._withdraw(change)
        if not change.result_id and change.before is not None:
            found = self._pair(change)  # a grade stands there, under an id that nobody told us
            if found is not None:
                return self._settled(change, found)
        return self._put(change, change.result_id) if change.result_id else self._new(change)

    def _new(self, change: sis.Change, *, settle: bool = True) -> sis.Outcome:
        """PUT a new record: under its derived id, or with no id in the address where the SIS may give another."""
        if self._config.create != "put_without_id":
            return self._put(change, change.new_id, settle=settle)
        outcome = self._put(change, change.new_id, self._config.gradebook_url("results"), settle=settle)
        if outcome.state == "accepted" and not outcome.result_id:
            raise Unreachable("The SIS accepted a grade without naming its id.")
        return outcome

    def _put(self, change: sis.Change, result_id: str, url: str = "", *, settle: bool = True) -> sis.Outcome:
        """PUT the whole record under this id, or to `url`. A 409 is settled once by reading the pair."""
        body = bodies.result_body(change, result_id, self._config, _now(), self._kept.get(result_id, {}))
        response = self._client.write("PUT", url or self._url(result_id), {"result": body})
        code = response.status_code
        if 200 <= code < 300:
            named = echoed_id(response, "result") or ("" if url else result_id)
            return sis.Outcome("accepted", result_id=named, http_status=code)
        if code in errors.UNSUPPORTED:
            text = "The SIS does not take grades by PUT at this address. An administrator must check the connection."
            raise Misconfigured(text, "put_unsupported")
        if code == 409 and settle:
            return self._settle(change, response)
        if code in errors.GONE and settle:
            return self._not_found(change, response)
        return self._refusal(change, self._diagnosis.rejected(change, response))

    def _refusal(self, change: sis.Change, error: Rejected) -> sis.Outcome:
        """Where nothing else explains it: a SIS may refuse, and not by 409, to touch what a person entered."""
        if error.code == "malformed":
            try:
                found = self._pair(change)
            except AdapterError:
                raise error from None  # the refusal itself is what must be told
            settled = settle_conflict(change, found)
            if settled is not None:
                return settled if settled.state == "accepted" else replace(settled, words=error.words)
        raise error

    def _withdraw(self, change: sis.Change) -> sis.Outcome:
        """Take back what we sent. Without the record's id the pair is read first: nothing there is done already."""
        if change.result_id:
            return self._clear(change, change.result_id)
        found = self._pair(change)
        if found is None or found.value is None:
            return sis.Outcome("unchanged")
        return settle_conflict(change, found) or self._clear(change, found.sourced_id)

    def _clear(self, change: sis.Change, result_id: str) -> sis.Outcome:
        if self._config.withdraw == "clear":
            return self._put(change, result_id)
        response = self._client.write("DELETE", self._url(result_id))
        code = response.status_code
        if 200 <= code < 300 or code in errors.GONE:
            return sis.Outcome("accepted", result_id=result_id, http_status=code)
        if code in errors.UNSUPPORTED:
            text = "The SIS cannot delete results. An administrator can set the option withdraw=clear."
            raise Misconfigured(text, "delete_unsupported")
        raise self._diagnosis.rejected(change, response)

    def _not_found(self, change: sis.Change, response: requests.Response) -> sis.Outcome:
        """404 to a PUT: the line item or the student is gone, or this SIS has lost or does not make the record."""
        code = self._diagnosis.missing(change)
        if code is not None:
            raise Rejected(code, errors.status_info(response).words)
        if change.after is None:
            return sis.Outcome("unchanged", http_status=404)
        if change.result_id and None not in change.expected:
            # deleted since it was read: a person's doing, so it is asked about and not made anew
            return sis.Outcome("rejected", "conflict_newer", http_status=404)
        fresh = replace(change, result_id="", before=None)
        if change.result_id and self.posts(fresh):
            return dict(self._post([fresh])).get(fresh, sis.Outcome("unknown"))
        if change.result_id and change.new_id:
            return self._new(fresh, settle=False)
        other = "post" if not self._config.is_v11 else "put_without_id"
        text = (
            "The SIS knows student and assignment, and does not make new results by PUT. "
            f"An administrator can set the option create={other}."
        )
        raise Misconfigured(text, "put_makes_nothing")

    # --- conflicts ----------------------------------------------------------------------------------------------

    def _settle(self, change: sis.Change, response: requests.Response) -> sis.Outcome:
        """409: read the pair, adopt its id, PUT only over what we may expect."""
        found = self._pair(change)
        if found is None:
            return sis.Outcome(
                "rejected", "conflict_newer", errors.status_info(response).words, http_status=409
            )
        return settle_conflict(change, found) or self._put(change, found.sourced_id, settle=False)

    def _pair(self, change: sis.Change) -> sis.Result | None:
        """The stored result of this (line item, student), deleted ones last. Several: refused, never chosen among."""
        rows = self._pair_rows(change)
        there = [row for row in rows if is_there(row)]
        if len(there) > 1:
            ids = ", ".join(sorted(str(row["sourcedId"]) for row in there))
            raise Rejected(
                "conflict_newer", f"The SIS holds several results for this student and item: {ids}."
            )
        for row in there or rows[:1]:
            self.remember(row)
            found = wire.read_result(row, change.key.class_id, self._config)
            return found if there else replace(found, value=None)
        return None

    def _pair_rows(self, change: sis.Change) -> list[Record]:
        _, class_id, line_item_id, student_id = change.key
        by_student = self._config.gradebook_url("classes", class_id, "students", student_id, "results")
        by_item = self._item_results_url(change)
        rows = self._client.get_either(by_student, by_item, "results")
        return [
            row
            for row in rows
            if (wire.ref_id(row.get("lineItem")), wire.ref_id(row.get("student")))
            == (line_item_id, student_id)
        ]

    # --- new records by POST ------------------------------------------------------------------------------------

    def _post(self, batch: Sequence[sis.Change]) -> Iterator[Answer]:
        """POST lineItems/{id}/results; pairs are matched by suppliedSourcedId, never by position."""
        if not self._has_post:
            yield from self._put_each(batch)
            return
        try:
            response = self._client.write("POST", self._post_url(batch[0]), {"results": self._bodies(batch)})
        except Unreachable:
            if len(batch) > 1:
                _FRAGILE.add((self._config.gradebook, batch[0].key.line_item_id))
            raise
        except Misconfigured as error:
            if error.code not in ("forbidden", "unauthorised"):
                raise
            self._has_post = False  # no right to POST: nothing was stored, and PUT has a scope of its own
            yield from self._put_each(batch)
            return
        yield from self._posted(batch, response)

    def _posted(self, batch: Sequence[sis.Change], response: requests.Response) -> Iterator[Answer]:
        code = response.status_code
        if 200 <= code < 300:
            yield from _paired(batch, response)
        elif code in errors.UNSUPPORTED or (
            code in errors.GONE and self._diagnosis.line_item_is_there(batch[0])
        ):
            self._has_post = False
            yield from self._put_each(batch)
        elif len(batch) > 1:
            yield from self._isolate(batch)
        elif code == 409:
            yield batch[0], self._settle(batch[0], response)
        else:
            raise self._diagnosis.rejected(batch[0], response)

    def _put_each(self, batch: Sequence[sis.Change]) -> Iterator[Answer]:
        for change in batch:
            try:
                yield change, self._put(change, change.new_id)
            except Rejected as error:
                yield change, _refused(error)
            except Unreachable:
                yield change, sis.Outcome("unknown")

    def _isolate(self, batch: Sequence[sis.Change]) -> Iterator[Answer]:
        """A batch was refused whole: send its rows one by one, so that one bad row does not sink the class.

        Whether a refused batch stored some of its rows is not specified: the line item is read before, and rows that
        stand there already are settled without a second POST.
        """
        there = self._stored(batch)
        for change in batch:
            try:
                if change.key.student_id in there:
                    yield change, self._settled(change, there[change.key.student_id])
                else:
                    yield from self._post([change])
            except Rejected as error:
                yield change, _refused(error)
            except Unreachable:
                yield change, sis.Outcome("unknown")

    def _settled(self, change: sis.Change, found: sis.Result) -> sis.Outcome:
        return settle_conflict(change, found) or self._put(change, found.sourced_id, settle=False)

    def _stored(self, batch: Sequence[sis.Change]) -> dict[str, sis.Result]:
        """What stands on this line item now, by student. Not readable: all of the batch is unknown."""
        class_id = batch[0].key.class_id
        whole = self._config.gradebook_url("classes", class_id, "results")
        try:
            rows = self._client.get_either(self._item_results_url(batch[0]), whole, "results")
        except TryLater as error:
            raise Unreachable(str(error)) from None
        for row in rows:
            self.remember(row)
        found = [wire.read_result(row, class_id, self._config) for row in rows if is_there(row)]
        return {one.student_id: one for one in found if one.line_item_id == batch[0].key.line_item_id}

    def _bodies(self, batch: Sequence[sis.Change]) -> list[Record]:
        now = _now()
        return [bodies.result_body(change, change.new_id, self._config, now, {}) for change in batch]

    def _url(self, result_id: str) -> str:
        return self._config.gradebook_url("results", result_id)

    def _post_url(self, change: sis.Change) -> str:
        return self._config.gradebook_url("lineItems", change.key.line_item_id, "results")

    def _item_results_url(self, change: sis.Change) -> str:
        key = change.key
        return self._config.gradebook_url("classes", key.class_id, "lineItems", key.line_item_id, "results")


def _now() -> datetime:
    return datetime.now(UTC)


def _refused(error: Rejected) -> sis.Outcome:
    return sis.Outcome("rejected", error.code, error.words)


def _paired(batch: Sequence[sis.Change], response: requests.Response) -> Iterator[Answer]:
    """Accepted rows with the ids that the SIS gave. A row without a pair is left out: not confirmed."""
    given = allocated(response)
    for change in batch:
        if given.get(change.new_id):
            yield (
                change,
                sis.Outcome("accepted", result_id=given[change.new_id], http_status=response.status_code),
            )
