"""What goes into a zip: the rows of one class's changes, and of a bulk zip all that ours stand on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sync.sis import records as sis
from sync.sis.oneroster_csv import rows
from sync.sis.oneroster_csv.profile import Config
from sync.sis.oneroster_csv.rosters import Roster
from sync.sis.oneroster_csv.tables import HEADERS, Book, Row


@dataclass(frozen=True, slots=True)
class Sending:
    """One class, with what we sent before (`state`) and what the SIS gave out (`roster`)."""

    class_id: str
    config: Config
    state: Book
    roster: Roster
    connection: str

    def items(self) -> Mapping[str, Row]:
        """The line items of the class by id: the SIS's own, and ours."""
        return {**self.roster.line_items(self.class_id), **self.ours()}

    def ours(self) -> Mapping[str, Row]:
        if self.config.place is None:
            return rows.by_id(self._total(kind) for kind in self.config.grades)
        made = self.state.rows("lineItems").items()
        return {key: row for key, row in made if row.get("classSourcedId") == self.class_id}

    def _total(self, kind: str) -> Row:
        """Without a place to keep what was made, a column's id and all that it says follow from its class and kind."""
        return {
            "sourcedId": rows.derived(self.connection, self.class_id, kind),
            "title": f"{kind.replace('-', ' ').capitalize()} grade",
            "classSourcedId": self.class_id,
            "categorySourcedId": self._own_category(),
            rows.SESSION[self.config.version]: self.config.session,
            "resultValueMin": "0",
            "resultValueMax": "100",
            "schoolSourcedId": self.config.school,
        }

    def _own_category(self) -> str:
        return rows.derived(self.connection, "category", self.config.category.casefold())

    def scale_of_items(self) -> Mapping[str, str]:
        ours = rows.scale_of_items(self.state.rows("lineItemScoreScales").values())
        return {**self.roster.scale_of_items(), **ours}

    def ids(self, changes: Iterable[sis.Change]) -> dict[sis.Key, str]:
        """The row's id for each: the one known, else the one that the pair has in our state, else the derived one."""
        stored = {
            (row.get("lineItemSourcedId"), row.get("studentSourcedId")): key
            for key, row in self.state.rows("results").items()
        }
        return {
            one.key: one.result_id or stored.get((one.key.line_item_id, one.key.student_id)) or one.new_id
            for one in changes
        }

    def delta(self, changes: Sequence[sis.Change], ids: Mapping[sis.Key, str], today: date) -> Book:
        """The results, and what is ours of that which they stand on: a delta that got lost leaves no gap."""
        config = self.config
        results = [rows.result_row(one, ids[one.key], config.version, config.flags, today) for one in changes]
        ours, named = self.ours(), {one.key.line_item_id for one in changes}
        items = [self._dated(row, today) for key, row in sorted(ours.items()) if key in named]
        book = Book().having("categories", self._categories(items)).having("lineItems", items)
        if "resultScoreScales" in HEADERS[config.version]:
            links = self.state.rows("lineItemScoreScales").values()
            mine = [row for row in links if row.get("lineItemSourcedId") in named & set(ours)]
            book = book.having("lineItemScoreScales", mine)
            book = Book({**book.tables, "resultScoreScales": rows.by_id(self._result_scales(results))})
        # not by `having`: what is taken back must stand in it
        return Book({**book.tables, "results": rows.by_id(results)})

    @staticmethod
    def _dated(row: Row, today: date) -> Row:
        day = today.isoformat()
        return {**row, "assignDate": row.get("assignDate") or day, "dueDate": row.get("dueDate") or day}

    def _categories(self, items: Iterable[Row]) -> list[Row]:
        """Those of ours: the SIS's own are its own to say."""
        named = {row.get("categorySourcedId", "") for row in items}
        theirs = self.roster.book.rows("categories")
        made = {self._own_category(): {"sourcedId": self._own_category(), "title": self.config.category}}
        known = {**made, **self.state.rows("categories")}
        return [row for key, row in sorted(known.items()) if key in named and key not in theirs]

    def _result_scales(self, results: Iterable[Row]) -> list[Row]:
        scales = self.scale_of_items()
        return [
            rows.result_scale_row(row, scales[row["lineItemSourcedId"]])
            for row in results
            if row["lineItemSourcedId"] in scales
        ]

    def whole(self, state: Book) -> Book:
        """All that was ever sent, and of the SIS's own gradebook the rows that it names: a bulk zip has no loose ends."""
        theirs, book = self.roster.book, state
        sent = state.rows("results").values()
        items = {row.get("lineItemSourcedId", "") for row in sent}
        book = _and(book, theirs, "lineItems", items)
        categories = {row.get("categorySourcedId", "") for row in book.rows("lineItems").values()}
        book = _and(book, theirs, "categories", categories)
        if "scoreScales" not in HEADERS[self.config.version]:
            return book
        links = {
            key
            for key, row in theirs.rows("lineItemScoreScales").items()
            if row.get("lineItemSourcedId") in items
        }
        book = _and(book, theirs, "lineItemScoreScales", links)
        named = {
            row.get("scoreScaleSourcedId", "")
            for name in ("lineItemScoreScales", "resultScoreScales")
            for row in book.rows(name).values()
        }
        return _and(book, theirs, "scoreScales", named)


def _and(book: Book, theirs: Book, name: str, ids: Iterable[str]) -> Book:
    known = theirs.rows(name)
    return book.having(
        name, [known[key] for key in sorted(ids) if key in known and key not in book.rows(name)]
    )
