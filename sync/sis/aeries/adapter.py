"""Aeries as a SIS: sections, gradebooks with their students and assignments, and scores that are numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial

from sync.auth import TokenStore
from sync.errors import AdapterError, Misconfigured
from sync.options import Finding
from sync.sis import base
from sync.sis import records as sis
from sync.sis.aeries import wire
from sync.sis.aeries.assignments import Assignments
from sync.sis.aeries.client import Client
from sync.sis.aeries.gradebooks import Gradebooks
from sync.sis.aeries.profile import OPTIONS, parse
from sync.sis.aeries.scores import Scores
from sync.sis.rest import Row


class Aeries(base.Sis):
    """A class is named by school code and section number, a student by StudentID, a teacher by StaffID.

    The connection's secret is the certificate that the district made for this tool; there is no token to ask for.
    """

    name = "aeries"
    label = "Aeries"
    options = OPTIONS

    def __init__(self, settings: base.Settings, tokens: TokenStore | None = None) -> None:
        super().__init__(settings, tokens)
        self._config = parse(settings)
        self.parallel, self.batch_size = self._config.parallel, self._config.batch
        self._client = Client(settings.base_url, settings.secret, self._config.database_year)
        self._books = Gradebooks(self._client, self._config)
        self._scores = Scores(self._client, self._books, self._config, _today)
        self._assignments = Assignments(self._client, self._books, self._config)

    @property
    def profile(self) -> sis.Profile:
        return self._config.profile()

    def close(self) -> None:
        self._client.close()

    # --- rostering ----------------------------------------------------------------------------------------------

    def get_class(self, class_id: str) -> sis.Class | None:
        section = self._books.section(class_id)
        if section is None:
            return None
        return wire.read_class(section, self._books.of(class_id), self._config)

    def classes_of_teacher(self, teacher_id: str) -> list[sis.Class]:
        if not (teacher_id.isascii() and teacher_id.isdecimal()):
            return []  # no StaffID, and nothing to put into an address
        rows = self._client.many(f"/staff/{teacher_id}/classes") or []
        named = [(self._config.name_class(row["SchoolCode"], row["SectionNumber"]), row) for row in rows]
        return [wire.read_class(row, self._books.of(class_id), self._config) for class_id, row in named]

    def students(self, class_id: str) -> list[sis.Student]:
        return [wire.read_student(row) for row in self._books.read_students(class_id, _today())]

    def teachers(self, class_id: str) -> list[sis.Teacher]:
        section = self._books.section(class_id)
        if section is None:
            text = "The linked class is no section of Aeries. Link the class again."
            raise Misconfigured(text, "class_unknown")
        return wire.read_teachers(section, _today())

    def sessions(self, class_id: str) -> list[sis.Session]:
        terms = [term for book in self._books.linked(class_id) for term in book.terms]
        return list({term.code: term.session for term in terms}.values())

    # --- gradebook ----------------------------------------------------------------------------------------------

    def line_items(self, class_id: str) -> list[sis.LineItem]:
        return [one.item for one in self._books.columns(class_id)]

    def results(self, class_id: str) -> list[sis.Result]:
        columns = self._books.columns(class_id)
        read = partial(self._scores.stored, class_id)
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="aeries") as pool:
            lists = list(pool.map(read, [one.item.sourced_id for one in columns]))
        return [one for found in lists for one in self._there(found)]

    def _there(self, found: list[sis.Result] | None) -> list[sis.Result]:
        if found is None:
            raise self._client.broken("an assignment that was deleted while it was read")
        return found

    def own_totals(
        self, class_id: str, line_items: Sequence[sis.LineItem], results: Sequence[sis.Result]
    ) -> list[sis.OwnTotal]:
        """What Aeries computes of one gradebook; several have several totals, and none is chosen."""
        if len(self._books.linked(class_id)) != 1:
            return []
        found = [wire.read_total(row) for row in self._books.students(class_id, _today())]
        return [one for one in found if one is not None]

    def score_scales(self, class_id: str) -> list[sis.ScoreScale]:
        return []

    def categories(self, class_id: str) -> list[sis.Category]:
        found = [one for book in self._books.linked(class_id) for one in book.categories]
        return list({one.title: one for one in found}.values())

    def create_line_item(self, new: sis.NewLineItem) -> sis.LineItem:
        return self._assignments.create(new)

    def _send(self, batch: Sequence[sis.Change]) -> Iterable[base.Answer]:
        return self._scores.send(batch)

    # --- connection check ---------------------------------------------------------------------------------------

    def check(self) -> list[Finding]:
        """The server without the certificate, then with it. A district may not be asked for all its gradebooks."""
        found = [_tried("Server", partial(self._known, "/systeminfo"), "It answers.")]
        if found[0].ok:
            found.append(_tried("Certificate", partial(self._known, "/schools"), "Aeries accepts it."))
        text = (
            "Gradebook Data and Gradebook Scores must be granted to read and to update: that shows with the first class, and "
            "the first scores."
        )
        return [*found, Finding("Rights", True, text)]

    def _known(self, path: str) -> list[Row]:
        found = self._client.many(path)
        if found is None:
            text = "Aeries does not serve its API here. An administrator must check the address: it ends before /api/v5."
            raise Misconfigured(text, "address_wrong")
        return found


def _tried(title: str, call: Callable[[], object], good: str) -> Finding:
    try:
        call()
    except AdapterError as error:
        return Finding(title, False, str(error))
    return Finding(title, True, good)


def _today() -> date:
    return datetime.now(UTC).date()
