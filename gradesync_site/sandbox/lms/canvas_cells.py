"""Which submissions a request asks for: one for each student and published assignment, by rising id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from flask import request

from gradesync_site.sandbox.lms.campus import refuse
from gradesync_site.sandbox.lms.world import World

Json = dict[str, Any]
Cell = tuple[Json, int]


def asked_for(world: World, course: Json) -> Sequence[Cell]:
    """Students who are active, unless others are named; without student_ids Canvas shows one's own rows: none."""
    named = request.args.getlist("student_ids[]")
    students = [one for one in world.student_ids(course) if "all" in named or str(one) in named]
    cells = Cells(_assignments(course), sorted(students))
    for parameter, name in (("graded_since", "graded_at"), ("submitted_since", "submitted_at")):
        if request.args.get(parameter):
            return [one for one in cells if _since(world, course, one, name) > request.args[parameter]]
    return cells


def _assignments(course: Json) -> list[Json]:
    known = {str(one["id"]): one for one in course["assignments"] if one["published"]}
    asked = request.args.getlist("assignment_ids[]")
    if set(asked) - known.keys():
        refuse(403, {"error": "invalid assignment ids requested"})
    return sorted((known[one] for one in set(asked) or known), key=lambda one: int(one["id"]))


def _since(world: World, course: Json, cell: Cell, name: str) -> str:
    """Empty for what never was: such a row is not among those since anything."""
    row = world.submission(course, cell[0]["id"], cell[1])
    return str(row.get(name) or (row.get("was_graded_at") if name == "graded_at" else "") or "")


class Cells(Sequence[Cell]):
    """All of them, none made before it is asked for: a page of half a million costs no more than a page."""

    def __init__(self, assignments: list[Json], students: list[int]) -> None:
        self._assignments, self._students = assignments, students

    def __len__(self) -> int:
        return len(self._assignments) * len(self._students)

    @overload
    def __getitem__(self, at: int) -> Cell: ...
    @overload
    def __getitem__(self, at: slice) -> list[Cell]: ...
    def __getitem__(self, at: int | slice) -> Cell | list[Cell]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        return self._assignments[at // len(self._students)], self._students[at % len(self._students)]
