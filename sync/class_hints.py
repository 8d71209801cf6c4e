"""Which of a teacher's SIS classes fits this course: the order of a list, and a word beside it. Never a proof (design §3)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final, Literal

from sync import matching

Hint = Literal["named", "alike", ""]
RANK: Final[dict[Hint, int]] = {"named": 0, "alike": 1, "": 2}


def named_ids(lis: Mapping[str, object], custom: Mapping[str, object]) -> set[str]:
    """Ids that a launch names, whoever may have typed them: the lis claim's section, and each custom value's parts."""
    texts = [str(lis.get("course_section_sourcedid") or ""), *map(str, custom.values())]
    return {part.strip() for text in texts for part in [text, *re.split(r"[,;\s]+", text)]} - {""}


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
