"""What the pretend LMS holds: accounts, people, courses, grades, tools. One JSON document, with grades as Decimal."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from gradesync_site.sandbox.lms import grading

Json = dict[str, Any]

TEACHER, ASSISTANT, STUDENT = "TeacherEnrollment", "TaEnrollment", "StudentEnrollment"
TEST_STUDENT = "StudentViewEnrollment"
GRADED_AT = "2026-10-05T11:00:00Z"
NAMES = uuid.UUID("6f1b6c2e-6f0e-5b43-9d56-0d1f1c2b7a10")
FIRST_ID = 5001


class Unknown(LookupError):
    """No such course, person or assignment here; the text says which."""


def opaque(kind: str, own: object) -> str:
    """An id as LTI sees it: stable, and not to be guessed from the LMS's own number."""
    return str(uuid.uuid5(NAMES, f"{kind}:{own}"))


def empty() -> Json:
    return {
        "next_id": FIRST_ID,
        "accounts": [],
        "people": {},
        "courses": {},
        "tools": {},
        "registrations": {},
    }


class World:
    """Reads and edits over the document. The caller holds the lock and saves."""

    def __init__(self, state: Json) -> None:
        self.state = state

    def new_id(self) -> int:
        self.state["next_id"] += 1
        return int(self.state["next_id"]) - 1

    # --- accounts and courses

    def account(self, account_id: object) -> Json:
        found = next((a for a in self.state["accounts"] if str(a["id"]) == str(account_id)), None)
        return _known(found, "account")

    def courses(self) -> list[Json]:
        return list(self.state["courses"].values())

    def course(self, ref: object) -> Json:
        """By number, or as `sis_course_id:…`."""
        text = str(ref)
        if text.startswith("sis_course_id:"):
            wanted = text.removeprefix("sis_course_id:")
            return _known(next((c for c in self.courses() if c["sis_id"] == wanted), None), "course")
        return _known(self.state["courses"].get(text), "course")

    def standard(self, course: Json, assignment: Json | None = None) -> Json | None:
        """The grading standard in force: the assignment's, the course's, found here or up the accounts."""
        wanted = (assignment or {}).get("grading_standard_id") or course["grading_standard_id"]
        return next((s for s in self.standards(course) if s["id"] == wanted), None)

    def standards(self, course: Json) -> Iterator[Json]:
        """The course's own, then those of its accounts upward."""
        yield from course["grading_standards"]
        account_id = course["account_id"]
        while account_id is not None:
            account = self.account(account_id)
            yield from account["grading_standards"]
            account_id = account["parent_account_id"]

    # --- people

    def person(self, ref: object) -> Json:
        """By number, LTI id, login or SIS id."""
        by_number = self.state["people"].get(str(ref))
        if by_number:
            return dict(by_number)
        keys = ("login", "lti_id", "sis_id")
        people = self.state["people"].values()
        return _known(
            next((p for p in people if str(ref) in [p[key] for key in keys if p[key]]), None), "person"
        )

    def enrollments(self, course: Json, *types: str, every_state: bool = False) -> list[Json]:
        return [
            enrollment
            for enrollment in course["enrollments"]
            if (not types or enrollment["type"] in types) and (every_state or enrollment["state"] == "active")
        ]

    def student_ids(self, course: Json, *, every_state: bool = False) -> list[int]:
        """Each student once, in the order of the gradebook; the test student last, as she has a row there too."""
        rows = self.enrollments(course, STUDENT, TEST_STUDENT, every_state=every_state)
        rows.sort(key=lambda row: row["type"] == TEST_STUDENT)
        return list(dict.fromkeys(row["user_id"] for row in rows))

    # --- grades

    def assignment(self, course: Json, ref: object) -> Json:
        found = next((a for a in course["assignments"] if str(ref) in (str(a["id"]), a["title"])), None)
        return _known(found, "assignment")

    def submission(self, course: Json, assignment_id: int, user_id: int) -> Json:
        row = course["submissions"].get(str(assignment_id), {}).get(str(user_id))
        return row if row is not None else blank()

    def set_grade(self, course: Json, assignment: Json, user_id: int, wish: Json) -> Json:
        """What a teacher types: one of score, text, excused, missing, none; late and posted beside it."""
        row = graded(wish, assignment, grading.scheme_of(self.standard(course, assignment)))
        former = self.submission(course, assignment["id"], user_id)
        if row["graded_at"] is None:
            # Canvas remembers when there was a grade
            row["was_graded_at"] = former["graded_at"] or former.get("was_graded_at")
        course["submissions"].setdefault(str(assignment["id"]), {})[str(user_id)] = row
        return row

    def total(self, course: Json, user_id: int, *, final: bool) -> tuple[Decimal | None, str | None]:
        """(percent, letter); the letter only where the course has a grading standard."""
        own = {a["id"]: self.submission(course, a["id"], user_id) for a in course["assignments"]}
        percent = grading.course_percent(course["assignments"], own, final=final)
        return percent, self.total_letter(course, percent)

    def total_letter(self, course: Json, percent: Decimal | None) -> str | None:
        if percent is None or not course["letters"]:
            return None
        return grading.letter(percent, grading.scheme_of(self.standard(course)))


def _known(found: Json | None, what: str) -> Json:
    if found is None:
        raise Unknown(f"There is no such {what} in the sandbox LMS.")
    return found


def context_of(course: Json) -> str:
    return opaque("course", course["id"])


def blank() -> Json:
    return {
        "score": None,
        "excused": False,
        "missing": False,
        "late": False,
        "graded_at": None,
        "posted": True,
    }


def graded(wish: Json, assignment: Json, scheme: grading.Scheme) -> Json:
    row = blank() | {"late": bool(wish.get("late")), "posted": wish.get("posted", True)}
    if wish.get("excused"):
        return row | {"excused": True, "graded_at": wish.get("graded_at") or GRADED_AT}
    score = _score(wish, assignment, scheme)
    row |= {"score": score, "missing": bool(wish.get("missing"))}
    return row | {"graded_at": None if score is None else wish.get("graded_at") or GRADED_AT}


def _score(wish: Json, assignment: Json, scheme: grading.Scheme) -> Decimal | None:
    if wish.get("none") or (wish.get("score") is None and not wish.get("text")):
        return None
    return grading.score_from_text(
        str(wish["text"] if wish.get("text") else wish["score"]), assignment, scheme
    )
