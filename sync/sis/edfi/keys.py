"""Natural keys as the texts that the engine holds. Ed-Fi has no single id that a reference could name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

Record = Mapping[str, Any]
GRADE: Final = "grade"


def joined(*parts: object) -> str:
    return "/".join(quote(str(part), safe="") for part in parts)


def parted(text: str) -> list[str]:
    return [unquote(part) for part in text.split("/")]


@dataclass(frozen=True, slots=True)
class Section:
    """What names a class: the key of sectionReference, in every data standard the same."""

    school_id: int
    school_year: int
    session_name: str
    course_code: str
    section_id: str

    @property
    def text(self) -> str:
        return joined(self.school_id, self.school_year, self.session_name, self.course_code, self.section_id)

    def reference(self) -> dict[str, Any]:
        return {
            "localCourseCode": self.course_code,
            "schoolId": self.school_id,
            "schoolYear": self.school_year,
            "sectionIdentifier": self.section_id,
            "sessionName": self.session_name,
        }

    def query(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.reference().items()]


def section_of(text: str) -> Section | None:
    """The section that a class id names; None for a text of another form."""
    parts = parted(text)
    if len(parts) != 5 or not (parts[0].isdecimal() and parts[1].isdecimal()):
        return None
    return Section(int(parts[0]), int(parts[1]), parts[2], parts[3], parts[4])


def section_in(reference: Record) -> Section:
    """The section of a sectionReference, or of any record that holds its fields."""
    return Section(
        int(reference["schoolId"]),
        int(reference["schoolYear"]),
        str(reference["sessionName"]),
        str(reference["localCourseCode"]),
        str(reference["sectionIdentifier"]),
    )


@dataclass(frozen=True, slots=True)
class Period:
    """One kind of course grade in one grading period: `name` is the period's name (5.0) or its sequence (before)."""

    grade_type: str
    descriptor: str
    name: str
    school_id: int
    school_year: int

    @property
    def text(self) -> str:
        return joined(GRADE, self.grade_type, self.descriptor, self.name, self.school_id, self.school_year)


def period_of(text: str) -> Period | None:
    parts = parted(text)
    if len(parts) != 6 or parts[0] != GRADE or not (parts[4].isdecimal() and parts[5].isdecimal()):
        return None
    return Period(parts[1], parts[2], parts[3], int(parts[4]), int(parts[5]))
