"""A registrar who takes files: the tool writes them, an instructor uploads them, and nobody tells us what became of it.

So a grade is *delivered*, never accepted; the SIS shows neither a roster nor its grades, and the LMS's SIS ids stand for
its students. A file holds all grades of one class and kind that were sent together.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

from openpyxl import Workbook

from sync.auth import TokenStore
from sync.errors import Rejected
from sync.options import Finding
from sync.sis import base
from sync.sis import records as sis
from sync.sis.registrar_file import reports
from sync.sis.registrar_file.columns import Filling, cells
from sync.sis.registrar_file.presets import OPTIONS, read

TYPES: Final = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


class RegistrarFile(base.Sis):
    """A class is named by its term and section as the file wants them: “202710/12345”."""

    name = "registrar_file"
    label = "Registrar's upload file (CSV, XLSX)"
    options = OPTIONS
    parallel = 1

    def __init__(self, settings: base.Settings, tokens: TokenStore | None = None) -> None:
        super().__init__(settings, tokens)
        self._config = read(settings)
        self.batch_size = self._config.rows

    @property
    def profile(self) -> sis.Profile:
        config = self._config
        return sis.Profile(
            texts=True,
            scores=True,
            exempt=False,
            over_max=True,
            read_back=False,
            idempotent=True,
            create_line_items=False,
            withdraw=True,
            roster=False,
            kinds=frozenset({"course_total"}),
            extras=config.carries,
            needs_attendance=config.needs_attendance,
            needs_lapse=config.needs_lapse,
            own_codes=config.own_codes,
            asynchronous=True,
        )

    def check(self) -> list[Finding]:
        text = f"Files of {len(self._config.columns)} columns. Upload one by hand and compare, before teachers do."
        return [Finding("Columns", True, text)]

    # --- what a registrar does not show ---

    def get_class(self, class_id: str) -> sis.Class | None:
        """Whatever an administrator linked: nobody can be asked."""
        return sis.Class(class_id, class_id) if class_id.strip() else None

    def classes_of_teacher(self, teacher_id: str) -> list[sis.Class]:
        return []

    def students(self, class_id: str) -> list[sis.Student]:
        return []

    def teachers(self, class_id: str) -> list[sis.Teacher]:
        return []

    def line_items(self, class_id: str) -> list[sis.LineItem]:
        return [
            sis.LineItem(
                f"{class_id}#{kind}",
                kind.replace("-", " ").capitalize() + " grade",
                class_id,
                kind="course_total",
            )
            for kind in self._config.grades
        ]

    def results(self, class_id: str) -> list[sis.Result]:
        return []

    def score_scales(self, class_id: str) -> list[sis.ScoreScale]:
        return []

    def categories(self, class_id: str) -> list[sis.Category]:
        return []

    def sessions(self, class_id: str) -> list[sis.Session]:
        return []

    def create_line_item(self, new: sis.NewLineItem) -> sis.LineItem:
        raise Rejected("line_item_missing", "A registrar's file has the grades that the connection names.")

    def read_report(self, content: bytes) -> list[sis.Reported]:
        return reports.read(content, self._config.report)

    # --- writing ---

    def _send(self, batch: Sequence[sis.Change]) -> Iterable[base.Answer]:
        known = {one.sourced_id for one in self.line_items(batch[0].key.class_id)}
        fine = [one for one in batch if one.key.line_item_id in known]
        yield from (
            (one, sis.Outcome("rejected", "line_item_missing"))
            for one in batch
            if one.key.line_item_id not in known
        )
        if fine:
            document = self._document(fine)
            self.documents.append(document)
            yield from ((one, sis.Outcome("delivered", words=document.name)) for one in fine)

    def _document(self, changes: Sequence[sis.Change]) -> sis.Document:
        key = changes[0].key
        kind = key.line_item_id.rpartition("#")[2]
        ordered = sorted(changes, key=lambda one: one.key.student_id)
        rows = [self._row(one, first=place == 0) for place, one in enumerate(ordered)]
        if self._config.header:
            rows.insert(0, [one.title for one in self._config.columns])
        content = self._xlsx(rows) if self._config.format == "xlsx" else self._csv(rows)
        name = UNSAFE.sub("-", f"{key.class_id}-{kind}").strip("-")
        return sis.Document(
            f"{name}.{self._config.format}",
            TYPES[self._config.format],
            content,
            key.class_id,
            key.line_item_id,
        )

    def _row(self, change: sis.Change, *, first: bool) -> list[str]:
        student = self.people.get(change.key.student_id) or sis.Person(change.key.student_id)
        config = self._config
        filling = Filling(student, change.after, change.key.class_id, config.date_format, config.upper)
        return cells(config.columns, filling, first=first)

    def _csv(self, rows: Iterable[Sequence[str]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator=self._config.line_end).writerows(rows)
        # a name that the encoding does not have becomes "?": ids and grades are plain
        return text.getvalue().encode(self._config.encoding, "replace")

    def _xlsx(self, rows: Iterable[Sequence[str]]) -> bytes:
        """Every cell is text: a term code or an id that looks like a number must keep its zeros."""
        book = Workbook()
        sheet = book.active
        assert sheet is not None  # a new workbook has one  # noqa: S101
        for row_number, row in enumerate(rows, start=1):
            for column, text in enumerate(row, start=1):
                cell = sheet.cell(row_number, column, text)
                cell.data_type, cell.number_format = "s", "@"
        content = io.BytesIO()
        book.save(content)
        return content.getvalue()
