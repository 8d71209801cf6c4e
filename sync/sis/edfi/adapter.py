"""An Ed-Fi ODS/API as a SIS: sections, associations, gradebook entries, their scores, and course grades where allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import cached_property, partial
from typing import Any

from sync.auth import TokenStore
from sync.errors import AdapterError, Misconfigured, Rejected
from sync.options import Finding
from sync.sis import base
from sync.sis import records as sis
from sync.sis.edfi import wire
from sync.sis.edfi.client import Client, discovered
from sync.sis.edfi.dialect import OPTIONS, Dialect, parse
from sync.sis.edfi.keys import Period, Record, Section, period_of, section_in, section_of
from sync.sis.edfi.writing import Place, Writing

SCORES, ENTRIES, GRADES = "studentGradebookEntries", "gradebookEntries", "grades"
ENROLLED, STAFF = "studentSectionAssociations", "staffSectionAssociations"


class EdFi(base.Sis):
    """A class is named by the text of its section's key; a student and a teacher by their unique ids."""

    name = "edfi"
    label = "Ed-Fi ODS/API"
    options = OPTIONS

    def __init__(self, settings: base.Settings, tokens: TokenStore | None = None) -> None:
        super().__init__(settings, tokens)
        self._config = parse(settings)
        self.parallel = self._config.parallel

    @cached_property
    def _host(self) -> tuple[Client, Dialect, Writing]:
        """Found out with the first request, in the thread that uses this adapter."""
        client, _auth, dialect = discovered(self.settings, self._config, self.tokens)
        return client, dialect, Writing(client, dialect, self._place_of)

    @property
    def _client(self) -> Client:
        return self._host[0]

    @property
    def _dialect(self) -> Dialect:
        return self._host[1]

    @property
    def profile(self) -> sis.Profile:
        return self._dialect.profile()

    def close(self) -> None:
        if "_host" in self.__dict__:
            self._client.close()

    # --- rostering ----------------------------------------------------------------------------------------------

    def get_class(self, class_id: str) -> sis.Class | None:
        """By its whole key; or by a section's identifier alone, where just one section has it."""
        section = section_of(class_id)
        query = section.query() if section else [("sectionIdentifier", class_id)]
        found = self._client.list("sections", query)
        return wire.read_class(found[0]) if len(found) == 1 else None

    def classes_of_teacher(self, teacher_id: str) -> list[sis.Class]:
        rows = self._client.list(STAFF, [("staffUniqueId", teacher_id)])
        mine = {
            section_in(wire.reference(row, "sectionReference")) for row in rows if wire.is_now(row, _today())
        }
        found = [self.get_class(section.text) for section in sorted(mine, key=lambda one: one.text)]
        return [one for one in found if one is not None]

    def students(self, class_id: str) -> list[sis.Student]:
        ids = sorted(
            {_unique_id(row, "studentReference", "studentUniqueId") for row in self._enrolled(class_id)}
        )
        if not self._config.names:
            return [wire.read_student(one, None) for one in ids]
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="edfi") as pool:
            people = list(
                pool.map(lambda one: self._client.find("students", [("studentUniqueId", one)]), ids)
            )
        return [wire.read_student(one, person) for one, person in zip(ids, people, strict=True)]

    def teachers(self, class_id: str) -> list[sis.Teacher]:
        rows = self._client.list(STAFF, _section(class_id).query())
        ids = {
            _unique_id(row, "staffReference", "staffUniqueId") for row in rows if wire.is_now(row, _today())
        }
        return [sis.Person(one, identifier=one) for one in sorted(ids)]

    def _enrolled(self, class_id: str) -> list[Record]:
        section = _section(class_id)
        rows = self._client.list(ENROLLED, section.query())
        return [row for row in rows if wire.is_now(row, _today())]

    def sessions(self, class_id: str) -> list[sis.Session]:
        section = _section(class_id)
        name = wire.class_of(section).session_ids[0]
        rows = self._client.list("sessions", _session_query(section))
        return [
            sis.Session(
                name,
                section.session_name,
                "term",
                wire.day_of(row.get("beginDate")),
                wire.day_of(row.get("endDate")),
            )
            for row in rows
        ]

    # --- gradebook ----------------------------------------------------------------------------------------------

    def line_items(self, class_id: str) -> list[sis.LineItem]:
        section = _section(class_id)
        rows = self._client.list(ENTRIES, section.query())
        items = [wire.read_line_item(row, class_id, self._dialect) for row in rows]
        return items + [wire.period_item(one, class_id) for one in self._periods(section)]

    def _periods(self, section: Section) -> list[Period]:
        """The course grades that the options offer, one for each grading period of the section's session."""
        if not self._config.grade_types:
            return []
        found = []
        for row in self._client.list("sessions", _session_query(section)):
            references = [
                wire.reference(one, "gradingPeriodReference") for one in row.get("gradingPeriods") or []
            ]
            found += [
                Period(
                    kind,
                    str(one["gradingPeriodDescriptor"]),
                    str(one[self._dialect.period_name]),
                    int(one["schoolId"]),
                    int(one["schoolYear"]),
                )
                for kind in self._config.grade_types
                for one in references
            ]
        return found

    def results(self, class_id: str) -> list[sis.Result]:
        """Scores of each gradebook entry of the class (from 4.0 they name no section), and its course grades."""
        section = _section(class_id)
        found = [
            one
            for item_id, rows in self._scores(class_id, section)
            for one in self._kept(rows, class_id, item_id)
        ]
        for period in self._periods(section):
            rows = self._client.list(GRADES, _grade_query(period, section, self._dialect))
            found += self._kept(rows, class_id, period.text)
        return found

    def _scores(self, class_id: str, section: Section) -> Iterator[tuple[str, list[Record]]]:
        rows = self._client.list(ENTRIES, section.query())
        items = [wire.entry_id(row, self._dialect) for row in rows]

        def of_item(item_id: str) -> list[Record]:
            reference = wire.entry_reference(item_id, section, self._dialect) or {}
            return self._client.list(SCORES, [(name, str(value)) for name, value in reference.items()])

        with ThreadPoolExecutor(self.parallel, thread_name_prefix="edfi") as pool:
            yield from zip(items, pool.map(of_item, items), strict=True)

    def _kept(self, rows: Iterable[Record], class_id: str, item_id: str) -> Iterator[sis.Result]:
        """Each record as a result, and kept: it is written over whole, with its ETag."""
        field = wire.GRADE_FIELD if period_of(item_id) else wire.score_field(self._dialect)
        for row in rows:
            record_id = str(row["id"])
            self._host[2].read[record_id] = row
            value = wire.read_value(row, self._dialect, field)
            yield sis.Result(record_id, class_id, item_id, _student_of(row), value)

    def score_scales(self, class_id: str) -> list[sis.ScoreScale]:
        return []

    def categories(self, class_id: str) -> list[sis.Category]:
        return []

    def create_line_item(self, new: sis.NewLineItem) -> sis.LineItem:
        section = section_of(new.class_id)
        if section is None:
            raise Rejected("class_unknown")
        body = wire.entry_body(new, section, self._dialect)
        self._client.post(ENTRIES, body)
        return wire.read_line_item(body, new.class_id, self._dialect)

    # --- writing ------------------------------------------------------------------------------------------------

    def push(self, changes: Iterable[sis.Change], starting: base.Starting = tuple) -> Iterator[base.Answer]:
        self._host  # noqa: B018 - found out here, in this thread, before others write
        yield from super().push(changes, starting)

    def _send(self, batch: Sequence[sis.Change]) -> Iterable[base.Answer]:
        for change in batch:
            yield change, self._host[2].one(change)

    def _place_of(self, key: sis.Key) -> Place:
        section = _section(key.class_id)
        period = period_of(key.line_item_id)
        if period is not None:
            return self._grade_place(period, section, key)
        reference = wire.entry_reference(key.line_item_id, section, self._dialect)
        if reference is None:
            raise Rejected("line_item_missing")
        naming: dict[str, Any] = {"gradebookEntryReference": reference}
        if self._dialect.is_old:
            naming["studentSectionAssociationReference"] = self._association(key, section)
        else:
            naming["studentReference"] = {"studentUniqueId": key.student_id}
        query = [(name, str(value)) for name, value in reference.items()]
        return Place(
            SCORES, [*query, ("studentUniqueId", key.student_id)], naming, wire.score_field(self._dialect)
        )

    def _grade_place(self, period: Period, section: Section, key: sis.Key) -> Place:
        naming = {
            "gradeTypeDescriptor": self._dialect.descriptor("GradeType", period.grade_type),
            "gradingPeriodReference": wire.period_reference(period, self._dialect),
            "studentSectionAssociationReference": self._association(key, section),
        }
        query = _grade_query(period, section, self._dialect)
        return Place(GRADES, [*query, ("studentUniqueId", key.student_id)], naming, wire.GRADE_FIELD)

    def _association(self, key: sis.Key, section: Section) -> dict[str, Any]:
        """Its beginDate belongs to the key and cannot be guessed: read, once for each class."""
        begins = self._begins(key.class_id).get(key.student_id)
        if begins is None:
            raise Rejected("not_enrolled")
        return {"beginDate": begins, **section.reference(), "studentUniqueId": key.student_id}

    def _begins(self, class_id: str) -> dict[str, str]:
        """The latest association of each student: she may have left and come back."""
        if class_id not in self._begun:
            rows = sorted(self._enrolled(class_id), key=lambda row: str(row.get("beginDate")))
            self._begun[class_id] = {
                _unique_id(row, "studentReference", "studentUniqueId"): str(row["beginDate"]) for row in rows
            }
        return self._begun[class_id]

    @cached_property
    def _begun(self) -> dict[str, dict[str, str]]:
        return {}

    # --- connection check ---------------------------------------------------------------------------------------

    def check(self) -> list[Finding]:
        found = [_tried("Host", lambda: self._dialect, "It says where it is and what it speaks.")]
        if found[0].ok:
            found[0] = Finding("Host", True, f"It speaks data standard {self._dialect.standard}.")
            for title, resource in (("Rostering", ENROLLED), ("Gradebook", ENTRIES), ("Scores", SCORES)):
                found.append(_tried(title, partial(self._first, resource), "It can be read."))
            found.append(
                Finding("Writing", True, "Whether the key's claim set may write shows with the first push.")
            )
        return found

    def _first(self, resource: str) -> list[Record]:
        return self._client.rows(self._client.json(f"/ed-fi/{resource}", [("limit", "1")]))


def _tried(title: str, call: Callable[[], object], good: str) -> Finding:
    try:
        call()
    except AdapterError as error:
        return Finding(title, False, str(error))
    return Finding(title, True, good)


def _today() -> date:
    return datetime.now(UTC).date()


def _section(class_id: str) -> Section:
    """Raises Misconfigured: a link that names no section is mended by linking the class again."""
    found = section_of(class_id)
    if found is None:
        raise Misconfigured("The linked class is no Ed-Fi section. Link the class again.", "class_unknown")
    return found


def _unique_id(row: Record, name: str, field: str) -> str:
    return str(wire.reference(row, name).get(field) or "")


def _student_of(row: Record) -> str:
    direct = _unique_id(row, "studentReference", "studentUniqueId")
    return direct or _unique_id(row, "studentSectionAssociationReference", "studentUniqueId")


def _session_query(section: Section) -> list[tuple[str, str]]:
    return [
        ("sessionName", section.session_name),
        ("schoolId", str(section.school_id)),
        ("schoolYear", str(section.school_year)),
    ]


def _grade_query(period: Period, section: Section, dialect: Dialect) -> list[tuple[str, str]]:
    """In the list of grades the period's sequence and year have names of their own, as the section's year has it too."""
    name = "gradingPeriodName" if dialect.standard == "5.0" else "gradingPeriodSequence"
    return [
        ("gradeTypeDescriptor", dialect.descriptor("GradeType", period.grade_type)),
        ("gradingPeriodDescriptor", period.descriptor),
        (name, period.name),
        ("gradingPeriodSchoolYear", str(period.school_year)),
        *section.query(),
    ]
