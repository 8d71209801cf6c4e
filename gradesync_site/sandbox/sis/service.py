"""One request to the pretend SIS: the faults that strike before it, the token's scope, then the operation."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from flask import Response, g, request

from gradesync_site.sandbox.control import Sandbox, answer, drop_connection
from gradesync_site.sandbox.sis.answers import Renderer, html_answer, only, page_answer, refusal_answer
from gradesync_site.sandbox.sis.dialects import Dialect
from gradesync_site.sandbox.sis.query import select, wanted_fields
from gradesync_site.sandbox.sis.store import Json, Refusal, Store, unknown
from gradesync_site.sandbox.sis.tokens import Tokens

View = Callable[..., Response]
WRITES = ("PUT", "POST", "DELETE")


@dataclass
class Service:
    """What the operations of one base path share."""

    sandbox: Sandbox
    store: Store
    tokens: Tokens
    renderer: Renderer
    dialect: Dialect = field(default_factory=Dialect)

    def guarded(self, scopes: Collection[str], view: View) -> View:
        """`view` behind the faults and the scope check; a Refusal becomes its answer."""
        of_gradebook = not any("roster" in scope.rpartition("/")[2] for scope in scopes)

        def operation(**places: str) -> Response:
            try:
                early = self._early_fault()
                if early is not None:
                    return early
                self.tokens.check(scopes)
                if of_gradebook:
                    self._check_header()
                with self.sandbox.lock:
                    return view(**places)
            except Refusal as refusal:
                shape = self.dialect.error_shape
                return refusal_answer(self.sandbox, refusal, v11=self.renderer.v11, shape=shape)

        return operation

    def _check_header(self) -> None:
        name = self.dialect.header
        if name and ":" not in request.headers.get(name, ""):
            raise Refusal(401, "unauthorisedrequest", f"The header {name} is missing.")

    def _early_fault(self) -> Response | None:
        strikes = self.sandbox.strikes
        if fault := strikes("slow"):
            time.sleep(float(fault.settings.get("seconds", 2)))
        for name, status in (("busy-429", 429), ("busy-503", 503)):
            if fault := strikes(name):
                wait = {"Retry-After": str(fault.settings.get("retry_after", 1))}
                raise Refusal(status, "server_busy", "Too many requests at present.", wait)
        self._hide_what_is_gone()
        if request.method in WRITES and strikes("lose-request"):
            return drop_connection()
        if request.method == "POST" and (strikes("post-unsupported") or not self.dialect.posts):
            raise Refusal(405, "", "This operation is not supported.")
        if request.method == "GET" and strikes("html-page"):
            return html_answer(200)
        return None

    def _hide_what_is_gone(self) -> None:
        for name, collection in (("line-item-gone", "lineItems"), ("class-gone", "classes")):
            if fault := self.sandbox.strikes(name):
                g.setdefault("gone", {})[collection] = str(fault.settings.get("id", "*"))

    def one(self, collection: str, name: str, sourced_id: str, accept: Callable[[Json], bool]) -> Response:
        """GET of one record, deleted ones included, wrapped in `name`."""
        stored = self.store.see(collection, sourced_id)
        self.store.was_read(collection)
        if stored is None or not accept(stored):
            raise unknown(collection, sourced_id)
        return self._answer_one(collection, name, stored)

    def _answer_one(self, collection: str, name: str, stored: Json) -> Response:
        fields = wanted_fields(collection, request.args)
        body = self.renderer.record(collection, stored, sparse=bool(self.sandbox.strikes("sparse-refs")))
        return answer({name: only(body, fields)})

    def many(self, collection: str, name: str, accept: Callable[[Json], bool]) -> Response:
        """GET of a list: one page of the records that `accept` lets through."""
        records = [one for one in self.store.seen(collection) if accept(one)]
        args: dict[str, Any] = request.args.to_dict()
        if collection == "results" and self.sandbox.strikes("results-page-repeats"):
            args["offset"] = "0"
        page = select(records, collection, args)
        if page.offset + page.limit >= page.total:
            self.store.was_read(collection)
        rows = page.rows[:-1] if self.sandbox.strikes("short-page") else page.rows
        sparse = bool(self.sandbox.strikes("sparse-refs"))
        fields = wanted_fields(collection, request.args)
        shown = [only(self.renderer.record(collection, one, sparse=sparse), fields) for one in rows]
        return page_answer(name, shown, page, self._paging_faults())

    def _paging_faults(self) -> frozenset[str]:
        names = ("no-total-count", "next-link-other-host")
        return frozenset(name for name in names if self.sandbox.strikes(name))
