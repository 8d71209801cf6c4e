"""Ellucian Ethos Integration as a SIS: sections, registrations, and unverified grades of each kind (midterms, final).

Everything is a GUID there. A class is a section; its line items are the institution's kinds of grade; a student and a
teacher are persons. A grade is one of the closed list of the student's own registration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial
from typing import Final

from sync.auth import TokenStore
from sync.errors import AdapterError, Rejected
from sync.options import Finding
from sync.sis import base
from sync.sis import records as sis
from sync.sis.ethos import wire
from sync.sis.ethos.api_key import KeyToken
from sync.sis.ethos.catalogue import Catalogue, guid_of
from sync.sis.ethos.client import Client, criteria
from sync.sis.ethos.grading import Place
from sync.sis.ethos.options import GRADE_OPTIONS, GRADES, GUID, OPTIONS, parse
from sync.sis.ethos.rows import day_of, reference
from sync.sis.ethos.writing import Writing

# finals are entered after the last class; what ended longer ago is not offered to be linked
GRACE: Final = timedelta(days=120)


class Ethos(base.Sis):
    """The connection's client secret is the API key; its token address is `{base_url}/auth` unless said otherwise."""

    name = "ethos"
    label = "Ellucian Ethos (Banner, Colleague)"
    options = OPTIONS

    def __init__(self, settings: base.Settings, tokens: TokenStore | None = None) -> None:
        super().__init__(settings, tokens)
        self._config = parse(settings)
        self.parallel = self._config.parallel

    @cached_property
    def _client(self) -> Client:
        root = self.settings.base_url.strip().rstrip("/")
        return Client(root, self._token(root), self._config)

    def _token(self, root: str) -> KeyToken:
        return KeyToken(self.settings.token_url or f"{root}/auth", self.settings.secret, self.tokens)

    @cached_property
    def _catalogue(self) -> Catalogue:
        return Catalogue(self._client, self._config)

    @cached_property
    def _writing(self) -> Writing:
        return Writing(self._client, self._catalogue)

    @property
    def profile(self) -> sis.Profile:
        return self._config.profile()

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    # --- rostering ----------------------------------------------------------------------------------------------

    def get_class(self, class_id: str) -> sis.Class | None:
        """By its GUID; else by what the option `class_field` holds, where just one section has it."""
        named = class_id.strip()
        if GUID.fullmatch(named.lower()):
            row = self._client.one("sections", named.lower())
            return wire.read_class(row) if row else None
        field = self._config.class_field
        wanted = [{"value": named}] if field == "alternateIds" else named
        found = self._client.every("sections", criteria(**{field: wanted}))
        return wire.read_class(found[0]) if len(found) == 1 else None

    def classes_of_teacher(self, teacher_id: str) -> list[sis.Class]:
        person = self._catalogue.person_of(teacher_id.strip())
        if not person:
            return []
        rows = self._client.every("section-instructors", criteria(instructor={"id": person}))
        now = [row for row in rows if not _is_over(row.get("workEndOn"))]
        sections = sorted({reference(row, "section") for row in now} - {""})
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="ethos") as pool:
            found = list(pool.map(partial(self._client.one, "sections"), sections))
        return [wire.read_class(row) for row in found if row and not _is_over(row.get("endOn"))]

    def students(self, class_id: str) -> list[sis.Student]:
        return self._people(self._catalogue.read(class_id).places)

    def teachers(self, class_id: str) -> list[sis.Teacher]:
        rows = self._client.every("section-instructors", criteria(section={"id": guid_of(class_id)}))
        return self._people({reference(row, "instructor") for row in rows} - {""})

    def _people(self, guids: Iterable[str]) -> list[sis.Person]:
        """One request each: Ethos reads persons one by one."""
        ordered = sorted(guids)
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="ethos") as pool:
            found = list(pool.map(partial(self._client.one, "persons"), ordered))
        identifiers = self._config.identifiers
        return [wire.read_person(guid, row, identifiers) for guid, row in zip(ordered, found, strict=True)]

    def sessions(self, class_id: str) -> list[sis.Session]:
        row = self._client.one("sections", guid_of(class_id))
        return [wire.read_session(row)] if row else []

    # --- gradebook ----------------------------------------------------------------------------------------------

    def line_items(self, class_id: str) -> list[sis.LineItem]:
        guid_of(class_id)
        return [
            sis.LineItem(f"{class_id}#{one.guid}", one.title or one.code, class_id, kind="course_total")
            for one in self._catalogue.types.values()
        ]

    def results(self, class_id: str) -> list[sis.Result]:
        section = self._catalogue.read(class_id)
        places = {place.guid: place for place in section.all()}
        found = []
        for record in self._catalogue.records(section):
            place = places[reference(record, "sectionRegistration")]
            for type_id in self._catalogue.types:
                final = type_id == self._catalogue.final
                value = wire.read_value(record, type_id, place, self._catalogue.texts, final=final)
                if value is not None:
                    item_id = f"{class_id}#{type_id}"
                    found.append(sis.Result(str(record["id"]), class_id, item_id, place.student_id, value))
        return found

    def registrations(self, class_id: str) -> list[sis.Registration]:
        section = self._catalogue.read(class_id)
        return [
            self._registration(class_id, place, type_id)
            for place in section.singles()
            for type_id in self._catalogue.types
        ]

    def _registration(self, class_id: str, place: Place, type_id: str) -> sis.Registration:
        final, own = type_id == self._catalogue.final, self._config.own_codes
        return sis.Registration(
            class_id,
            place.student_id,
            f"{class_id}#{type_id}",
            mode=place.mode,
            refused=place.refused,
            words=place.words,
            allowed=tuple(one.allowed(final=final, own=own) for one in place.choices),
        )

    def score_scales(self, class_id: str) -> list[sis.ScoreScale]:
        return []

    def categories(self, class_id: str) -> list[sis.Category]:
        return []

    def create_line_item(self, new: sis.NewLineItem) -> sis.LineItem:
        raise Rejected("line_item_missing", "The kinds of grade are the institution's own: none can be made.")

    # --- writing ------------------------------------------------------------------------------------------------

    def push(self, changes: Iterable[sis.Change], starting: base.Starting = tuple) -> Iterator[base.Answer]:
        self._writing  # noqa: B018 - made here, in this thread, before others use it
        yield from super().push(changes, starting)

    def _send(self, batch: Sequence[sis.Change]) -> Iterable[base.Answer]:
        for change in batch:
            yield change, self._writing.one(change, self.sender)

    # --- connection check ---------------------------------------------------------------------------------------

    def check(self) -> list[Finding]:
        found = [_tried("API key", self._signed_in, "Ethos takes it.")]
        if not found[0].ok:
            return found
        for title, resource in (
            ("Sections", "sections"),
            ("People", "persons"),
            ("Registrations", "section-registrations"),
            ("Lists of grades", "grade-definitions"),
            ("Grades that are there", GRADES),
        ):
            found.append(_tried(title, partial(self._client.need, resource), "They can be read."))
        found += [self._kinds(), self._beforehand()]
        text = "Whether this key may submit grades shows with the first push."
        return [*found, Finding("Submitting", True, text)]

    def _signed_in(self) -> None:
        """With a new token: one that is kept says nothing of the key."""
        token = self._token(self.settings.base_url.strip().rstrip("/"))
        try:
            token.forget()
            token.token()
        finally:
            token.close()

    def _kinds(self) -> Finding:
        try:
            kinds = list(self._catalogue.types.values())
        except AdapterError as error:
            return Finding("Kinds of grade", False, str(error))
        listed = ", ".join(one.title or one.code for one in kinds)
        if not self._catalogue.final:
            text = f"Which of these is the final grade is not clear: {listed}. Set the option “final_type”."
            return Finding("Kinds of grade", False, text)
        return Finding("Kinds of grade", True, f"{listed}.")

    def _beforehand(self) -> Finding:
        """Not to be told beforehand what a student may get is no fault: it is done by the schemes then."""
        title = "What each student may get"
        if not self._config.ask_options:
            return Finding(title, True, "Not asked, by the option: it follows from the grade schemes.")
        try:
            served = self._client.probe(GRADE_OPTIONS)
        except AdapterError as error:
            return Finding(title, False, str(error))
        without = "Not served here: it follows from the grade schemes, and a grade that is final shows only when it is refused."
        return Finding(title, True, "The SIS says it beforehand." if served else without)


def _tried(title: str, call: Callable[[], object], good: str) -> Finding:
    try:
        call()
    except AdapterError as error:
        return Finding(title, False, str(error))
    return Finding(title, True, good)


def _is_over(ended: object) -> bool:
    day = day_of(ended)
    return day is not None and day + GRACE < _today()


def _today() -> date:
    return datetime.now(UTC).date()
