"""Creating an assignment in one gradebook, found again by our own id in its ExternalID."""

from __future__ import annotations

from collections.abc import Sequence

from sync.errors import AdapterError, Rejected, Unreachable
from sync.sis import records as sis
from sync.sis.aeries import errors, wire
from sync.sis.aeries.client import Client
from sync.sis.aeries.gradebooks import Gradebooks
from sync.sis.aeries.profile import Config


class Assignments:
    def __init__(self, client: Client, books: Gradebooks, config: Config) -> None:
        self._client, self._books, self._config = client, books, config

    def create(self, new: sis.NewLineItem) -> sis.LineItem:
        """Raises Rejected, TryLater, and Unreachable as soon as it may be there."""
        books = self._books.of(new.class_id)
        if not books:
            words = "Aeries has no gradebook for this class: its teacher makes one there."
            raise Rejected("class_unknown", words)
        if words := self._unfit(new):
            raise Rejected("malformed", words)
        made_before = [one for one in self._books.columns(new.class_id) if one.external_id == new.sourced_id]
        if made_before:
            return made_before[0].item
        book = _book_of(books, new)
        body = wire.assignment_body(new, self._category(book, new), self._config.formative_summative)
        response = self._client.post(f"/gradebooks/{book.number}/Assignments", body)
        if not 200 <= response.status_code < 300:
            raise errors.assignment_refused(response)
        try:
            rows = self._client.listed(self._client.data(response))
        except AdapterError:
            raise Unreachable("Aeries made an assignment and answered something unreadable.") from None
        mine = [row for row in rows if wire.text_of(row, "GradebookNumber") == book.number]
        if len(mine) != 1:
            raise Unreachable("Aeries made an assignment and does not show it.")
        return wire.read_column(mine[0], new.class_id).item

    def _category(self, book: wire.Gradebook, new: sis.NewLineItem) -> str:
        """Named by the teacher, else by the connection, else the only one: nobody guesses."""
        wanted = (new.category_title or self._config.category).strip().casefold()
        fitting = [
            one
            for one in book.categories
            if not wanted or wanted in (one.title.casefold(), one.sourced_id.casefold())
        ]
        if len(fitting) == 1:
            return fitting[0].sourced_id
        titles = ", ".join(one.title for one in book.categories)
        words = f"Aeries wants one of the gradebook's categories for an assignment. There are: {titles}"
        raise Rejected("extra_data_required", words)

    def _unfit(self, new: sis.NewLineItem) -> str:
        if len(new.title) > self._config.title_limit:
            return f"Aeries takes names of {self._config.title_limit} characters at most: shorten it."
        if new.minimum != 0:
            return "Aeries's scores begin at 0."
        return ""


def _book_of(books: Sequence[wire.Gradebook], new: sis.NewLineItem) -> wire.Gradebook:
    """The only gradebook, or the one whose dates hold the due date. Raises Rejected where that is not one."""
    fitting = list(books) if len(books) == 1 else [one for one in books if one.holds(new.due.date())]
    if len(fitting) != 1:
        words = "This class has several gradebooks in Aeries, and not one alone holds the due date. Choose another date."
        raise Rejected("extra_data_required", words)
    return fitting[0]
