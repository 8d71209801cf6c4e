"""How Moodle's web services word each thing (observed on 4.5; what comes from its public source is marked)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from gradesync_site.sandbox.lms import grading
from gradesync_site.sandbox.lms.world import ASSISTANT, STUDENT, TEACHER, World

Json = dict[str, Any]

# number, short name
ROLES = {TEACHER: (3, "editingteacher"), ASSISTANT: (4, "teacher"), STUDENT: (5, "student")}
# what is complete or incomplete in the world is a scale of two words here
PASS_FAIL, WORDS = 1, ("incomplete", "complete")
# the numbers of totals and categories stay clear of those of assignments
TOTAL_OF, CATEGORY_OF = 7_000_000, 8_000_000
OF_SETTING = {
    "grade": (
        *("graderaw", "gradedatesubmitted", "gradedategraded", "gradehiddenbydate", "gradeneedsupdate"),
        *("gradeishidden", "gradeislocked", "gradeisoverridden", "gradeformatted"),
    ),
    "range": ("grademin", "grademax", "rangeformatted"),
    "weight": ("weightraw", "weightformatted", "status"),
    "percentage": ("percentageformatted",),
    "feedback": ("feedback", "feedbackformat"),
}
CENT = Decimal("0.01")


def items(course: Json) -> list[Json]:
    """Hidden activities too: the account may see them. What is set to no grade is in no list of grades."""
    return [item for item in course["assignments"] if item["grading_type"] != "not_graded"]


def item_name(item: Json) -> Json:
    return {"id": str(item["id"]), "itemname": item["title"], "category": item["category"]}


def student_ids(world: World, course: Json, *, suspended: bool = False) -> list[int]:
    """Moodle has no test student."""
    rows = world.enrollments(course, STUDENT, every_state=suspended)
    return list(dict.fromkeys(row["user_id"] for row in rows))


def user(person: Json) -> Json:
    return {
        "id": person["id"],
        "username": person["login"],
        "firstname": person["given_name"],
        "lastname": person["family_name"],
        "fullname": person["name"],
        "email": person["email"],
        "idnumber": person["sis_id"],
        "suspended": False,
    }


def enrolled(world: World, course: Json, *, suspended: bool) -> list[Json]:
    """One row per person, with all roles that she has in the course."""
    roles: dict[int, list[str]] = {}
    for row in world.enrollments(course, *ROLES, every_state=suspended):
        roles.setdefault(row["user_id"], []).append(row["type"])
    return [
        user(world.person(user_id)) | {"roles": [_role(kind) for kind in dict.fromkeys(kinds)], "groups": []}
        for user_id, kinds in roles.items()
    ]


def _role(kind: str) -> Json:
    number, name = ROLES[kind]
    return {"roleid": number, "name": "", "shortname": name, "sortorder": 0}


def options(form: Mapping[str, str]) -> dict[str, str]:
    """`options[0][name]=..&options[0][value]=..` as pairs."""
    names = {key: at[1] for key in form if (at := re.fullmatch(r"options\[(\d+)\]\[name\]", key))}
    return {form[key]: form.get(f"options[{at}][value]", "") for key, at in names.items()}


# --- the course -----------------------------------------------------------------------------------


def course(own: Json) -> Json:
    """`visible` and `enddate`: public source, course/externallib.php."""
    return {
        "id": own["id"],
        "fullname": own["name"],
        "shortname": own["code"],
        "visible": 1,
        "showgrades": 1,
        "enddate": 0,
    }


def tree(own: Json) -> Json:
    names = _categories(own)
    children = [_branch(own, name) for name in names] if len(names) > 1 else _leaves(items(own))
    return _node(own["id"], own["name"], children)


def _branch(own: Json, name: str) -> Json:
    leaves = _leaves(item for item in items(own) if item["category"] == name)
    return _node(category_id(own, name), name, leaves)


def _leaves(found: Iterable[Json]) -> list[Json]:
    return [
        {"id": item["id"], "name": item["title"], "iscategory": False, "children": None} for item in found
    ]


def _node(own_id: int, name: str, children: list[Json]) -> Json:
    inner = any(one["iscategory"] for one in children)
    return {
        "id": own_id,
        "name": name,
        "iscategory": True,
        "haschildcategories": inner,
        "children": children or None,
    }


def _categories(own: Json) -> list[str]:
    return list(dict.fromkeys(item["category"] for item in items(own)))


def category_id(own: Json, name: str) -> int:
    """Where all stand in one category it is the course itself."""
    names = _categories(own)
    return CATEGORY_OF + int(own["id"]) * 100 + names.index(name) if len(names) > 1 else int(own["id"])


def assignment(own: Json, item: Json) -> Json:
    return {
        "id": item["id"],
        "cmid": item["id"],
        "course": own["id"],
        "name": item["title"],
        "duedate": _epoch(item["due_at"]) or 0,
        "grade": -PASS_FAIL if item["grading_type"] == "pass_fail" else _maximum(item),
    }


def _maximum(item: Json) -> Decimal:
    return Decimal(item["maximum"] or 100)


def _epoch(stated: str | None) -> int | None:
    return int(datetime.fromisoformat(stated).timestamp()) if stated else None


# --- the user report ------------------------------------------------------------------------------


def user_grades(world: World, own: Json, user_id: int) -> Json:
    person = world.person(user_id)
    rows = [_total(world, own, user_id), *(_item(world, own, item, user_id) for item in items(own))]
    return {
        "courseid": own["id"],
        "courseidnumber": own["sis_id"],
        "userid": user_id,
        "userfullname": person["name"],
        "useridnumber": person["sis_id"],
        "maxdepth": 3,
        "gradeitems": rows,
    }


def _item(world: World, own: Json, item: Json, user_id: int) -> Json:
    row = world.submission(own, item["id"], user_id)
    score = None if row["score"] is None or row["excused"] else Decimal(row["score"])
    low, high = Decimal(0), _maximum(item)
    if item["grading_type"] == "pass_fail":
        low, high = Decimal(1), Decimal(len(WORDS))
        score = None if score is None else Decimal(2 if score > 0 else 1)
    return {
        **_names(item["id"], item["title"], "mod"),
        "itemmodule": "assign",
        "iteminstance": item["id"],
        "itemnumber": 0,
        "cmid": item["id"],
        "categoryid": category_id(own, item["category"]),
        **_grade(score, low, high, item["grading_type"] == "pass_fail"),
        **_letter(world, own, score, high),
        "status": "novalue" if score is None else "used",
        "gradedategraded": None if score is None else _epoch(row["graded_at"]),
        "gradeishidden": not (item["published"] and row["posted"]),
    }


def _total(world: World, own: Json, user_id: int) -> Json:
    """Moodle's default: the sum of what is graded, out of the maxima of what is graded."""
    rows = [
        (Decimal(found["score"]), _maximum(item))
        for item in items(own)
        if (found := world.submission(own, item["id"], user_id))["score"] is not None and not found["excused"]
    ]
    score = sum((one for one, _ in rows), Decimal(0)) if rows else None
    high = sum((one for _, one in rows), Decimal(0)) or Decimal(100)
    return {
        **_names(TOTAL_OF + int(own["id"]), None, "course"),
        "itemmodule": None,
        "iteminstance": own["id"],
        "itemnumber": None,
        "categoryid": None,
        **_grade(score, Decimal(0), high, worded=False),
        **_letter(world, own, score, high),
    }


def _names(own_id: int, title: str | None, kind: str) -> Json:
    return {
        "id": own_id,
        "itemname": title,
        "itemtype": kind,
        "idnumber": "",
        "outcomeid": None,
        "scaleid": None,
        "locked": False,
    }


def _grade(score: Decimal | None, low: Decimal, high: Decimal, worded: bool) -> Json:
    percent = None if score is None else (score - low) * 100 / (high - low)
    shown = "-" if score is None else WORDS[int(score) - 1] if worded else str(_cents(score))
    ends = (WORDS[0], WORDS[-1]) if worded else (low, high)
    return {
        "graderaw": score,
        "gradedatesubmitted": None,
        "gradedategraded": None,
        "gradehiddenbydate": False,
        "gradeneedsupdate": False,
        "gradeishidden": False,
        "gradeislocked": False,
        "gradeisoverridden": False,
        "gradeformatted": shown,
        "grademin": low,
        "grademax": high,
        "rangeformatted": f"{ends[0]}&ndash;{ends[1]}",
        "percentageformatted": "-" if percent is None else f"{_cents(percent)} %",
        "feedback": "",
        "feedbackformat": 2,
    }


def _cents(number: Decimal) -> Decimal:
    return number.quantize(CENT, ROUND_HALF_UP)


def _letter(world: World, own: Json, score: Decimal | None, high: Decimal) -> Json:
    """Only where the course shows letters."""
    if not own["letters"]:
        return {}
    scheme = grading.scheme_of(world.standard(own))
    percent = None if score is None else min(max(score * 100 / high, Decimal(0)), Decimal(100))
    reached = [(bound, name) for name, bound in scheme if percent is not None and percent >= bound * 100]
    return {"lettergradeformatted": max(reached)[1] if reached else "-"}
