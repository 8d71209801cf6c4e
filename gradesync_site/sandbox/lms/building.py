"""Makes courses in the pretend LMS from plain descriptions: the seeds, and what the control API is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gradesync_site.sandbox.lms.grading import plain
from gradesync_site.sandbox.lms.world import ASSISTANT, STUDENT, TEACHER, TEST_STUDENT, World, opaque

Json = dict[str, Any]

LINE_ITEMS: tuple[Json, ...] = (
    {"title": "Quiz 1", "maximum": Decimal(10)},
    {"title": "Essay", "maximum": Decimal(100)},
    {"title": "Lab report", "maximum": Decimal(20)},
)
# somebody must be able to open the tool in a course that was sent without teachers
TEACHER_OF_NEW = {"login": "teacher", "given_name": "Sandbox", "family_name": "Teacher"}
# a zero, three decimals and an excused one come first, so that the smallest course has them
GRADES: tuple[Json, ...] = (
    *({"share": "0"}, {"score": Decimal("9.257")}, {"excused": True}, {"share": "0.865"}, {"share": "1"}),
    *(
        {"share": "0.735", "late": True},
        {"share": "0.5"},
        {"share": "0.91"},
        {"none": True},
        {"share": "0.84"},
    ),
    {"missing": True},
)


def put_course(world: World, wish: Json) -> tuple[Json, bool]:
    """The course of this id or SIS id, made or completed, and whether it is new.

    What stands already stays: people, line items and grades are added, never reset. Sent without grades, a new
    course gets some of every kind.
    """
    known = _find(world, wish)
    if known is None:
        wish = {"teachers": [TEACHER_OF_NEW]} | wish
    course = known or _new_course(world, wish)
    for section in wish.get("sections") or []:
        put_section(world, course, section)
    for role, kind in (("teachers", TEACHER), ("assistants", ASSISTANT), ("students", STUDENT)):
        for person in wish.get(role) or []:
            enroll(world, course, person, kind)
    for item in wish.get("line_items") or ([] if course["assignments"] else LINE_ITEMS):
        put_assignment(world, course, item)
    grades = wish.get("grades")
    put_grades(world, course, _made_up(world, course) if grades is None and known is None else grades or [])
    return course, known is None


def _find(world: World, wish: Json) -> Json | None:
    for course in world.courses():
        if str(wish.get("id") or "") == str(course["id"]) or (wish.get("sis_id") or 0) == course["sis_id"]:
            return course
    return None


def _new_course(world: World, wish: Json) -> Json:
    course: Json = {
        "id": int(wish.get("id") or world.new_id()),
        "name": wish.get("name") or "Course",
        "code": wish.get("code") or wish.get("name") or "COURSE",
        "sis_id": wish.get("sis_id") or "",
        "account_id": wish.get("account_id") or world.state["accounts"][-1]["id"],
        "term": wish.get("term") or "Autumn 2026",
        "letters": bool(
            wish.get("letters") or wish.get("grading_standard_id") or wish.get("grading_standard")
        ),
        "grading_standard_id": wish.get("grading_standard_id"),
        "grading_standards": [],
        **{key: [] for key in ("sections", "enrollments", "assignments")},
        "submissions": {},
    }
    standard = wish.get("grading_standard")
    if standard:
        if isinstance(standard, list):
            standard = make_standard("Course scheme", standard, world.new_id())
        course |= {"grading_standards": [standard], "grading_standard_id": standard["id"]}
    world.state["courses"][str(course["id"])] = course
    return course


def make_standard(title: str, entries: list[Json], own_id: int) -> Json:
    return {"id": own_id, "title": title, "entries": entries, "points_based": False}


def put_section(world: World, course: Json, wish: Json) -> Json:
    for section in course["sections"]:
        if (wish.get("sis_id") or "", wish.get("name") or section["name"]) == (
            section["sis_id"],
            section["name"],
        ):
            return dict(section)
    section = {
        "id": int(wish.get("id") or world.new_id()),
        "name": wish.get("name") or course["name"],
        "sis_id": wish.get("sis_id") or "",
    }
    course["sections"].append(section)
    return section


def enroll(world: World, course: Json, wish: Json, kind: str = STUDENT) -> Json:
    """Puts a person, made when not yet known, into a section of the course. Twice is once."""
    person = _person(world, wish)
    if wish.get("test"):
        kind = TEST_STUDENT
    for section in _sections_for(world, course, wish):
        row = {"user_id": person["id"], "section_id": section["id"], "type": kind}
        same = next((e for e in course["enrollments"] if row.items() <= e.items()), None)
        if same:
            same["state"] = wish.get("state") or "active"
        else:
            course["enrollments"].append(row | {"id": world.new_id(), "state": wish.get("state") or "active"})
    return person


def _sections_for(world: World, course: Json, wish: Json) -> list[Json]:
    if not course["sections"]:
        put_section(world, course, {"sis_id": course["sis_id"]})
    named = wish.get("sections") or ([wish["section"]] if wish.get("section") else [])
    found = [
        s for s in course["sections"] if {s["sis_id"], s["name"], str(s["id"])} & {str(n) for n in named}
    ]
    return found or course["sections"][:1]


def _person(world: World, wish: Json) -> Json:
    known = _known_person(world, wish)
    if known:
        return known
    number = str(wish.get("id") or "")
    own_id = int(number) if number.isdigit() else world.new_id()
    given, family = wish.get("given_name") or "", wish.get("family_name") or ""
    name = wish.get("name") or f"{given} {family}".strip() or f"Person {own_id}"
    person = {
        "id": own_id,
        "lti_id": opaque("user", own_id),
        "name": name,
        "given_name": given or name.partition(" ")[0],
        "family_name": family or name.partition(" ")[2],
        **{key: wish.get(key) or "" for key in ("email", "login", "sis_id", "locale")},
        "test": bool(wish.get("test")),
    }
    world.state["people"][str(own_id)] = person
    return person


def _known_person(world: World, wish: Json) -> Json | None:
    """Her whom the description names by number, else by SIS id, else by login. A name never identifies."""
    people = world.state["people"]
    by_number: Json | None = people.get(str(wish.get("id") or ""))
    if by_number:
        if wish.get("sis_id") and wish["sis_id"] != by_number["sis_id"]:
            raise ValueError(f"{by_number['id']} is somebody else here: leave the id out, or choose another.")
        return by_number
    for key in ("sis_id", "login"):
        if wish.get(key):
            return next((person for person in people.values() if person[key] == wish[key]), None)
    return None


def put_assignment(world: World, course: Json, wish: Json) -> Json:
    for known in course["assignments"]:
        if str(wish.get("id") or "") == str(known["id"]) or (
            wish.get("title") == known["title"] and not wish.get("id")
        ):
            return dict(known)
    maximum = wish.get("maximum", Decimal(100))
    assignment = {
        "id": int(wish.get("id") or world.new_id()),
        "title": wish["title"],
        "maximum": None if maximum is None else Decimal(str(maximum)),
        "grading_type": wish.get("grading_type") or "points",
        "grading_standard_id": wish.get("grading_standard_id"),
        "due_at": wish.get("due_at") or wish.get("due"),
        "category": wish.get("category") or "Assignments",
        "published": wish.get("published", True),
        "owner": wish.get("owner") or "",
        "position": len(course["assignments"]) + 1,
    }
    course["assignments"].append(assignment)
    return assignment


def put_grades(world: World, course: Json, grades: list[Json]) -> None:
    """Sets each grade whose cell is still untouched."""
    for grade in grades:
        assignment = world.assignment(course, grade.get("assignment") or grade["line_item"])
        user_id = world.person(grade.get("user") or grade["student"])["id"]
        if str(user_id) not in course["submissions"].get(str(assignment["id"]), {}):
            world.set_grade(course, assignment, user_id, grade)


def _made_up(world: World, course: Json) -> list[Json]:
    """Walks the pattern over the grid, so that one student has many kinds and every assignment has several."""
    return [
        {"user": user_id, "assignment": assignment["id"], **_pattern(row + column, assignment)}
        for column, assignment in enumerate(course["assignments"])
        for row, user_id in enumerate(world.student_ids(course))
    ]


def _pattern(at: int, assignment: Json) -> Json:
    wish = dict(GRADES[at % len(GRADES)])
    maximum = Decimal(assignment["maximum"] or 10)
    share = wish.pop("share", None)
    if share is not None:
        return wish | {"score": plain(Decimal(share) * maximum)}
    return {"score": maximum * wish["score"] / 10} if wish.get("score") and maximum < 10 else wish


def put_standard(world: World, course: Json, entries: list[Json]) -> Json:
    standard = make_standard("Course scheme", entries, world.new_id())
    course["grading_standards"] = [standard]
    course |= {"grading_standard_id": standard["id"], "letters": True}
    return standard


def edit_assignment(world: World, course: Json, wish: Json) -> Json:
    if not wish.get("assignment"):
        return put_assignment(world, course, wish)
    item = world.assignment(course, wish["assignment"])
    item.update({key: wish[key] for key in _EDITABLE if key in wish})
    return item


_EDITABLE = (
    "title",
    "maximum",
    "grading_type",
    "grading_standard_id",
    "due_at",
    "category",
    "published",
    "owner",
)


def leave(course: Json, user_id: int, state: str) -> None:
    """She leaves all sections of the course: deleted is gone for every list, inactive and completed are listed when asked for."""
    for row in course["enrollments"]:
        if row["user_id"] == user_id:
            row["state"] = state
    course["enrollments"] = [row for row in course["enrollments"] if row["state"] != "deleted"]
