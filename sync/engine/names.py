"""Names of students and items, joined to keys for the eyes of this course's teachers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync.engine.reading import Reading
from sync.sis import records as sis


@dataclass(frozen=True)
class Names:
    """Names for the eyes of this course's teachers: joined to keys on pages and rows, never in a log."""

    students: Mapping[tuple[str, str], str]
    items: Mapping[tuple[str, str], str]
    members: Mapping[str, str]
    lms_items: Mapping[str, str]

    @classmethod
    def of(cls, reading: Reading) -> Names:
        return cls(
            students={
                (name, student.sourced_id): student.name
                for name, side in reading.sides.items()
                for one in side.classes
                for student in one.students
            },
            items={
                (str(link.connection_id), link.line_item_id): link.lms_title or link.title
                for link in reading.links
                if link.line_item_id
            },
            members={member.user_id: member.name for member in reading.gradebook.members},
            lms_items={item.line_item_id: item.title for item in reading.gradebook.line_items},
        )

    def student(self, key: sis.Key) -> str:
        return self.students.get((key.connection, key.student_id)) or key.student_id

    def item(self, key: sis.Key) -> str:
        return self.items.get((key.connection, key.line_item_id)) or key.line_item_id
