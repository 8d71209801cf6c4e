"""What the adapter must know of a tenant and a section before it writes: GUIDs by the words that people use."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from sync.errors import Misconfigured, Rejected
from sync.sis.ethos import grading, wire
from sync.sis.ethos.client import Client, criteria
from sync.sis.ethos.grading import Definition, GradeType, Place
from sync.sis.ethos.options import GRADE_OPTIONS, GRADES, GUID, PRIMARY, SENDER, Config
from sync.sis.ethos.rows import Row, reference

NOBODY: Final[Mapping[str, str]] = {
    PRIMARY: "The SIS names no primary instructor of this section.",
    SENDER: "The SIS knows nobody by the id that the LMS has of the teacher who sends.",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One section as it was read: its registrations by student, several where the SIS lists her twice."""

    guid: str
    places: Mapping[str, tuple[Place, ...]]

    def all(self) -> list[Place]:
        return [place for places in self.places.values() for place in places]

    def singles(self) -> list[Place]:
        """One for each student: of her whom the SIS lists several times nobody can say which takes a grade."""
        return [_single(places) for places in self.places.values()]

    def single(self, student_id: str) -> Place | None:
        places = self.places.get(student_id)
        return _single(places) if places else None


def _single(places: tuple[Place, ...]) -> Place:
    if len(places) == 1:
        return places[0]
    words = "The SIS lists several registrations of this student."
    return replace(places[0], choices=(), refused="not_gradable", words=words)


def guid_of(class_id: str) -> str:
    """Raises Misconfigured: a link that names no section is mended by linking the class again."""
    found = class_id.strip().lower()
    if not GUID.fullmatch(found):
        raise Misconfigured("The linked class is no section of Ethos. Link the class again.", "class_unknown")
    return found


class Catalogue:
    """Read once for each adapter, a section anew at each `read`. Used from several threads at once."""

    def __init__(self, client: Client, config: Config) -> None:
        self._client, self._config = client, config
        self._sections: dict[str, Section] = {}
        self._submitters: dict[tuple[str, str], str] = {}
        self._lock = threading.RLock()

    # --- the institution ---

    @cached_property
    def every_type(self) -> Sequence[GradeType]:
        return [grading.read_type(row) for row in self._client.every("section-grade-types")]

    @cached_property
    def types(self) -> Mapping[str, GradeType]:
        """The kinds of grade to offer, by GUID."""
        wanted = self._config.grade_types
        return {
            one.guid: one
            for one in self.every_type
            if not wanted or any(one.is_called(name) for name in wanted)
        }

    @cached_property
    def final(self) -> str:
        return grading.final_of(self.every_type, self._config.final_type)

    @cached_property
    def definitions(self) -> Sequence[Definition]:
        return [grading.read_definition(row) for row in self._client.every("grade-definitions")]

    @cached_property
    def texts(self) -> Mapping[str, str]:
        return {one.guid: one.text for one in self.definitions}

    @cached_property
    def schemes(self) -> Mapping[str, str]:
        """Titles by GUID."""
        rows = self._client.every("grade-schemes")
        return {str(row["id"]).lower(): str(row.get("title") or row.get("code") or "") for row in rows}

    # --- one section ---

    def section(self, class_id: str) -> Section:
        """As it was last read, read now if it never was."""
        with self._lock:
            return self._sections.get(class_id) or self.read(class_id)

    def read(self, class_id: str) -> Section:
        with self._lock:
            found: dict[str, tuple[Place, ...]] = {}
            for place in self._places(guid_of(class_id)):
                found[place.student_id] = (*found.get(place.student_id, ()), place)
            self._sections[class_id] = Section(guid_of(class_id), found)
            self.final  # noqa: B018 - found out here, before several threads ask for it
            return self._sections[class_id]

    def _places(self, guid: str) -> list[Place]:
        rows = [
            row
            for row in self._client.every("section-registrations", criteria(section={"id": guid}))
            if wire.is_registered(row) and reference(row, "section") == guid
        ]
        options = self._options(guid)
        if options is not None:
            return [_by_options(row, options, self.texts, self._config) for row in rows]
        return [grading.place_by_scheme(row, self.definitions, self.schemes, self._config) for row in rows]

    def _options(self, guid: str) -> Mapping[str, Row] | None:
        """By registration; None where the site does not say beforehand what a student may get."""
        if not self._config.ask_options:
            return None
        rows = self._client.every_if_served(GRADE_OPTIONS, criteria(section={"id": guid}))
        return None if rows is None else {str(row["id"]).lower(): row for row in rows}

    # --- who submits ---

    def submitter(self, guid: str, sender: str) -> str:
        """The GUID to name as who submits in this section, "" for nobody. Raises Rejected where nobody is found."""
        named = self._config.submitted_by
        if named not in (PRIMARY, SENDER):
            return named.lower()
        with self._lock:
            key = (guid, sender)
            if key not in self._submitters:
                self._submitters[key] = self.person_of(sender) if named == SENDER else self._primary(guid)
            found = self._submitters[key]
        if not found:
            raise Rejected("not_your_class", NOBODY[named])
        return found

    def _primary(self, guid: str) -> str:
        rows = self._client.every("section-instructors", criteria(section={"id": guid}))
        found = {reference(row, "instructor") for row in rows if row.get("instructorRole") == PRIMARY}
        return found.pop() if len(found) == 1 else ""

    def person_of(self, named: str) -> str:
        """The GUID of the one person whom the SIS knows by this identifier; "" for none or several."""
        if GUID.fullmatch(named.lower()):
            return named.lower()
        for kind in self._config.identifiers if named else ():
            found = self._client.every("persons", criteria(credentials=[{"type": kind, "value": named}]))
            if len(found) == 1:
                return str(found[0]["id"]).lower()
        return ""

    # --- grades ---

    def records(self, section: Section) -> list[Row]:
        """The unverified grades of the section's registrations, and of no other."""
        places = {place.guid for place in section.all()}
        if self._config.by_section:
            rows = self._client.every(GRADES, ("section", {"section": {"id": section.guid}}))
        else:
            with ThreadPoolExecutor(self._config.parallel, thread_name_prefix="ethos") as pool:
                rows = [row for found in pool.map(self.records_of, sorted(places)) for row in found]
        return [row for row in rows if reference(row, "sectionRegistration") in places]

    def records_of(self, registration: str) -> list[Row]:
        rows = self._client.every(GRADES, criteria(sectionRegistration={"id": registration}))
        return [row for row in rows if reference(row, "sectionRegistration") == registration]


def _by_options(row: Row, options: Mapping[str, Row], texts: Mapping[str, str], config: Config) -> Place:
    found = options.get(str(row["id"]).lower())
    if found is not None:
        return grading.place_by_options(row, found, texts, config)
    words = "The SIS does not say what grades this student may get."
    return Place(str(row["id"]).lower(), reference(row, "registrant"), refused="not_gradable", words=words)
