"""Which of a teacher's SIS classes fits this course: the order of a list, and a word beside it. Never a proof (design §3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal

from sync import matching

Hint = Literal["named", "alike", ""]
# the custom parameters of ours that carry ids of the SIS; Canvas joins several by commas. An LMS's own ids ("101") may
# well be those of some other class in the SIS
PARAMETERS: Final = (
    "section_sourcedid",
    "canvas_section_sis_ids",
    "course_sourcedid",
    "canvas_course_sis_id",
)
RANK: Final[dict[Hint, int]] = {"named": 0, "alike": 1, "": 2}


def named_ids(lis: Mapping[str, object], custom: Mapping[str, object]) -> set[str]:
    """SIS ids that a launch names, whoever may have typed them: the lis claim's section, and those custom parameters."""
    texts = [lis.get("course_section_sourcedid"), *(custom.get(name) for name in PARAMETERS)]
    return {part.strip() for text in texts for part in str(text or "").split(",")} - {""}


def hints(titles: Mapping[str, str], *, ids: Collection[str], course: str) -> dict[str, Hint]:
    """By class id. `named`: the LMS says this id. `alike`: of these titles it shares most words with the course's.

    Where all share as much, as with a teacher of four classes of one subject, no title says anything.
    """
    shared = {class_id: _shared_words(course, title) for class_id, title in titles.items()}
    most = max(shared.values(), default=0)
    tells = most > 0 and (len(shared) == 1 or min(shared.values()) < most)
    alike = {class_id for class_id, count in shared.items() if tells and count == most}
    return {one: "named" if one in ids else "alike" if one in alike else "" for one in titles}


def _shared_words(ours: str, theirs: str) -> int:
    """Numbers count only beside a word: a "1" alone is in every other title."""
    words = set(matching.name_key(ours).split()) & set(matching.name_key(theirs).split())
    return 0 if all(one.isdigit() for one in words) else len(words)
