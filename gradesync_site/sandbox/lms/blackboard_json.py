"""How Learn's REST services word each thing (the reference's CourseV2, CourseMembership, GradeColumnV2, GradeV2, GradeSchema)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from gradesync_site.sandbox.lms import grading
from gradesync_site.sandbox.lms.world import ASSISTANT, STUDENT, TEACHER, TEST_STUDENT, World, context_of

Json = dict[str, Any]

ROLES = {STUDENT: "Student", TEST_STUDENT: "Student", TEACHER: "Instructor", ASSISTANT: "TeachingAssistant"}
AVAILABLE = {"active": "Yes", "inactive": "Disabled", "completed": "No"}
# schemas that each course has; those with letters have the numbers of the grading standards
SCORE, PERCENT, COMPLETE, DEFAULT = 1, 2, 3, 4
PLAIN = {
    SCORE: ("Score", "Score"),
    PERCENT: ("Percentage", "Percent"),
    COMPLETE: ("Complete", "CompleteIncomplete"),
}
WORDS = {"complete": "Complete", "incomplete": "Incomplete"}
# what a teacher types into a column, rather than grades attempts of
BY_HAND = "Homework"
FIVE_PLACES = Decimal("0.00001")


def pk(number: object) -> str:
    return f"_{number}_1"


def uuid_of(course: Json) -> str:
    return context_of(course).replace("-", "")


def course(own: Json) -> Json:
    return {
        "id": pk(own["id"]),
        "uuid": uuid_of(own),
        "externalId": own["sis_id"] or own["code"],
        "dataSourceId": pk(2),
        "courseId": own["code"],
        "name": own["name"],
        "organization": False,
        "ultraStatus": "Ultra",
        "closedComplete": False,
        "availability": {"available": "Yes", "duration": {"type": "Continuous"}},
        "hasChildren": is_merged(own),
    }


def is_merged(own: Json) -> bool:
    """A course of several sections is, in Learn, one that several were merged into."""
    return len(own["sections"]) > 1


def children(own: Json) -> list[Json]:
    return [_child(own, section) for section in own["sections"]] if is_merged(own) else []


def _child(own: Json, section: Json) -> Json:
    described = {
        "id": pk(section["id"]),
        "externalId": section["sis_id"],
        "courseId": section["sis_id"],
        "name": section["name"],
    }
    return {"id": described["id"], "parentId": pk(own["id"]), "childCourse": described}


def membership(world: World, own: Json, row: Json) -> Json:
    shown = {
        "userId": pk(row["user_id"]),
        "courseId": pk(own["id"]),
        "dataSourceId": pk(2),
        "availability": {"available": AVAILABLE[row["state"]]},
        "courseRoleId": ROLES[row["type"]],
        "user": user(world.person(row["user_id"])),
    }
    return shown | ({"childCourseId": pk(row["section_id"])} if is_merged(own) else {})


def user(person: Json) -> Json:
    login = person["login"] or f"user{person['id']}"
    shown = {
        "id": pk(person["id"]),
        "uuid": person["lti_id"].replace("-", ""),
        "externalId": person["sis_id"],
        "userName": f"{login}_previewuser" if person["test"] else person["login"],
        "availability": {"available": "Yes"},
        "name": {"given": person["given_name"], "family": person["family_name"]},
        "contact": {"email": person["email"]},
    }
    return {name: value for name, value in shown.items() if value}


# --- columns and schemas --------------------------------------------------------------------------


def items(own: Json) -> list[Json]:
    return [item for item in own["assignments"] if item["grading_type"] != "not_graded"]


def columns(world: World, own: Json) -> list[Json]:
    return [*(_column(world, own, item) for item in items(own)), _overall(world, own)]


def overall_id(own: Json) -> str:
    return pk(f"{own['id']}9999")


def _column(world: World, own: Json, item: Json) -> Json:
    grading_of = {
        "type": kind_of(item),
        "due": item["due_at"],
        "schemaId": pk(_schema_number(world, own, item)),
    }
    return {
        "id": pk(item["id"]),
        "name": item["title"],
        "externalGrade": False,
        "score": {"possible": item["maximum"]},
        "availability": {"available": "Yes" if item["published"] else "No"},
        "grading": {name: value for name, value in grading_of.items() if value},
        "gradebookCategoryId": pk(_category_number(own, item["category"])),
        "includeInCalculations": True,
    }


def kind_of(item: Json) -> str:
    return "Manual" if item["category"] == BY_HAND else "Attempts"


def _overall(world: World, own: Json) -> Json:
    number = _standard_number(world, own, None) if own["letters"] else PERCENT
    return {
        "id": overall_id(own),
        "name": "Overall Grade",
        "externalGrade": True,
        "score": {"possible": Decimal(100)},
        "availability": {"available": "Yes"},
        "grading": {"type": "Calculated", "schemaId": pk(number)},
    }


def _schema_number(world: World, own: Json, item: Json) -> int:
    if item["grading_type"] in ("letter_grade", "gpa_scale"):
        return _standard_number(world, own, item)
    return {"percent": PERCENT, "pass_fail": COMPLETE}.get(item["grading_type"], SCORE)


def _standard_number(world: World, own: Json, item: Json | None) -> int:
    standard = world.standard(own, item)
    return DEFAULT if standard is None else 1000 + int(standard["id"])


def schemas(world: World, own: Json) -> list[Json]:
    """The plain ones, and each with letters that a column, or the overall grade, uses."""
    standards: dict[int, Json | None] = {DEFAULT: None}
    for item in (None, *items(own)):
        standards[_standard_number(world, own, item)] = world.standard(own, item)
    plain = [
        {"id": pk(number), "title": title, "scaleType": scale} for number, (title, scale) in PLAIN.items()
    ]
    return plain + [
        {
            "id": pk(number),
            "title": standard["title"] if standard else "Letter",
            "scaleType": "Tabular",
            "symbols": symbols(grading.scheme_of(standard)),
        }
        for number, standard in standards.items()
    ]


def symbols(scheme: grading.Scheme) -> list[Json]:
    """Without gaps: the upper bound of each is the lower one of the next."""
    ordered = sorted(scheme, key=lambda entry: entry[1], reverse=True)
    tops = [Decimal(1), *(lower for _, lower in ordered)]
    return [
        {
            "text": name,
            "absoluteValue": (lower + top) * 50,
            "lowerBound": lower * 100,
            "upperBound": top * 100,
        }
        for (name, lower), top in zip(ordered, tops, strict=False)
    ]


def _category_names(own: Json) -> list[str]:
    return list(dict.fromkeys(item["category"] for item in own["assignments"]))


def _category_number(own: Json, name: str) -> int:
    return int(own["id"]) * 100 + _category_names(own).index(name)


def categories(own: Json) -> list[Json]:
    return [{"id": pk(_category_number(own, name)), "title": name} for name in _category_names(own)]


# --- grades ---------------------------------------------------------------------------------------


def grades(world: World, own: Json, column_id: str) -> list[Json]:
    """Of students who are active now, where there is anything to tell."""
    students = world.student_ids(own)
    if column_id in ("finalGrade", overall_id(own)):
        found: Sequence[Json | None] = [_total(world, own, user_id) for user_id in students]
    else:
        item = world.assignment(own, column_id.removeprefix("_").removesuffix("_1"))
        found = [_grade(world, own, item, user_id) for user_id in students]
    return [row for row in found if row is not None]


def _grade(world: World, own: Json, item: Json, user_id: int) -> Json | None:
    row = world.submission(own, item["id"], user_id)
    if row["score"] is None and not row["excused"]:
        return None
    shown = {"userId": pk(user_id), "columnId": pk(item["id"]), "exempt": row["excused"]}
    # a grade that is entered and not yet posted still needs grading, in Learn's words
    shown["status"] = "Graded" if row["posted"] else "NeedsGrading"
    if row["score"] is not None:
        shown |= _numbers(world, own, item, grading.exact(row["score"]))
    if kind_of(item) == "Manual":
        shown["overridden"] = row["graded_at"]
    else:
        shown.pop("score", None)
    return shown


def _numbers(world: World, own: Json, item: Json, score: Decimal) -> Json:
    maximum = Decimal(item["maximum"] or 0)
    displayed: Json = {"scaleType": "Score", "score": score, "possible": maximum}
    text = grading.grade_text(score, item, grading.scheme_of(world.standard(own, item)))
    if item["grading_type"] == "percent" and maximum:
        displayed |= {"scaleType": "Percent", "score": (score * 100 / maximum).quantize(FIVE_PLACES)}
    elif item["grading_type"] == "pass_fail":
        displayed |= {"scaleType": "CompleteIncomplete", "text": WORDS.get(str(text), text)}
    elif item["grading_type"] in ("letter_grade", "gpa_scale"):
        displayed |= {"scaleType": "Tabular", "text": text}
    return {"displayGrade": displayed, "score": score, "text": displayed.get("text") or str(score)}


def _total(world: World, own: Json, user_id: int) -> Json | None:
    percent, text = world.total(own, user_id, final=False)
    if percent is None:
        return None
    displayed = {"scaleType": "Tabular" if text else "Percent", "score": percent, "possible": Decimal(100)}
    shown = {"userId": pk(user_id), "columnId": overall_id(own), "exempt": False, "changeIndex": 0}
    return shown | {"displayGrade": displayed | ({"text": text} if text else {})}
