"""How Brightspace's API words each thing (docs.valence.desire2learn.com: res/enroll, res/course, res/grade, ...)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from gradesync_site.sandbox.control import Sandbox
from gradesync_site.sandbox.lms import grading, troubles
from gradesync_site.sandbox.lms.world import ASSISTANT, GRADED_AT, STUDENT, TEACHER, World, opaque

Json = dict[str, Any]

ROLES = {STUDENT: (110, "Student"), TEACHER: (109, "Instructor"), ASSISTANT: (135, "Teaching Assistant")}
TYPES = {"pass_fail": (2, "PassFail"), "not_graded": (4, "Text")}
NUMERIC = (1, "Numeric")
CALCULATED, ADJUSTED = 7, 8
FINALS = {CALCULATED: "Final Calculated Grade", ADJUSTED: "Final Adjusted Grade"}
PERCENTAGE_ID = 0
NO_TEXT = {"Text": "", "Html": ""}


def course(own: Json) -> Json:
    return {
        "Identifier": str(own["id"]),
        "Name": own["name"],
        "Code": own["sis_id"] or own["code"],
        "IsActive": True,
        "Path": f"/content/enforced/{own['id']}/",
        "StartDate": None,
        "EndDate": None,
        "CourseTemplate": None,
        "Semester": None,
        "Department": None,
        "Description": NO_TEXT,
        "CanSelfRegister": False,
    }


def section(own_course: Json, own: Json) -> Json:
    rows = [row for row in own_course["enrollments"] if row["section_id"] == own["id"]]
    return {
        "SectionId": own["id"],
        "Name": own["name"],
        "Code": own["sis_id"],
        "Description": NO_TEXT,
        "Enrollments": list(dict.fromkeys(row["user_id"] for row in rows if row["state"] == "active")),
    }


def person(world: World, row: Json) -> Json:
    own = world.person(row["user_id"])
    role_id, role = ROLES[row["type"]]
    return {
        "Identifier": str(own["id"]),
        "ProfileIdentifier": opaque("profile", own["id"])[:8],
        "DisplayName": own["name"],
        "Username": own["login"] or None,
        "OrgDefinedId": own["sis_id"] or None,
        "Email": own["email"] or None,
        "FirstName": own["given_name"],
        "LastName": own["family_name"],
        "RoleId": role_id,
        "LastAccessed": None,
        "IsOnline": False,
        "ClasslistRoleDisplayName": role,
        "Pronouns": None,
    }


def user(world: World, user_id: int) -> Json:
    own = world.person(user_id)
    return {
        "Identifier": str(own["id"]),
        "DisplayName": own["name"],
        "EmailAddress": own["email"] or None,
        "OrgDefinedId": own["sis_id"] or None,
        "ProfileBadgeUrl": None,
        "ProfileIdentifier": opaque("profile", own["id"])[:8],
        "UserName": own["login"] or None,
    }


# --- the grade book's set-up ------------------------------------------------------------------------


def setup(own_course: Json) -> Json:
    return {
        "GradingSystem": "Points",
        "IsNullGradeZero": False,
        "DefaultGradeSchemeId": own_course["grading_standard_id"] or PERCENTAGE_ID,
    }


def categories(own_course: Json) -> list[Json]:
    return [
        {
            "Id": category_id(own_course, name),
            "Grades": [],
            "Name": name,
            "ShortName": "",
            "CanExceedMax": False,
            "ExcludeFromFinalGrade": False,
            "Description": None,
            "StartDate": None,
            "EndDate": None,
            "Weight": 0,
            "MaxPoints": None,
            "AutoPoints": None,
            "WeightDistributionType": 1,
            "NumberOfHighestToDrop": 0,
            "NumberOfLowestToDrop": 0,
        }
        for name in _category_names(own_course)
    ]


def _category_names(own_course: Json) -> list[str]:
    return list(dict.fromkeys(item["category"] for item in own_course["assignments"]))


def category_id(own_course: Json, name: str) -> int:
    return int(own_course["id"]) * 100 + _category_names(own_course).index(name)


def grade_object(own_course: Json, own: Json) -> Json:
    """A draft of the world is a hidden item here: Brightspace has no drafts of them."""
    type_id, name = TYPES.get(own["grading_type"], NUMERIC)
    shown = {
        "Id": own["id"],
        "Name": own["title"],
        "ShortName": "",
        "GradeType": name,
        "GradeObjectTypeId": type_id,
        "CategoryId": category_id(own_course, own["category"]),
        "Description": NO_TEXT,
        "Weight": 10,
        "AssociatedTool": {"ToolId": 2000, "ToolItemId": own["id"]} if own["due_at"] else None,
        "IsHidden": not own["published"],
    }
    if name == "Text":
        return shown
    return shown | {
        "MaxPoints": own["maximum"],
        "CanExceedMaxPoints": True,
        "IsBonus": False,
        "ExcludeFromFinalGradeCalculation": False,
        "GradeSchemeId": own["grading_standard_id"],
        "GradeSchemeUrl": f"/d2l/api/le/1.99/{own_course['id']}/grades/schemes/{own['grading_standard_id'] or 0}",
    }


def folder(own: Json) -> Json:
    return {
        "Id": own["id"],
        "CategoryId": None,
        "Name": own["title"],
        "DueDate": own["due_at"],
        "GradeItemId": own["id"],
        "IsHidden": not own["published"],
    }


def scheme(sandbox: Sandbox, own: Json) -> Json:
    """Brightspace lists ranges from the lowest upward, in percent."""
    entries = [entry | {"value": Decimal(entry["value"])} for entry in own["entries"]]
    return {
        "Id": own["id"],
        "Name": own["title"],
        "ShortName": own["title"][:10],
        "Ranges": [
            {
                "PercentStart": grading.plain(entry["value"] * 100),
                "Symbol": entry["name"],
                "AssignedValue": grading.plain(entry["value"] * 100),
                "Colour": "#FFFFFF",
            }
            for entry in reversed(troubles.scheme(sandbox, entries))
        ],
    }


def percentage() -> Json:
    return {"Id": PERCENTAGE_ID, "Name": "Percentage", "ShortName": "%", "Ranges": []}


# --- grade values -----------------------------------------------------------------------------------


def value(world: World, own_course: Json, own: Json, user_id: int) -> Json | None:
    """None for a student who has no grade there, also for an exempt one."""
    row = world.submission(own_course, own["id"], user_id)
    if row["score"] is None:
        return None
    type_id, _ = TYPES.get(own["grading_type"], NUMERIC)
    score = Decimal(row["score"])
    return _value(
        own["id"], own["title"], type_id, score, own["maximum"], _shown(world, own_course, own, score)
    ) | {
        "LastModified": row["graded_at"],
    }


def _value(own_id: int, title: str, type_id: int, score: Decimal | None, maximum: object, shown: str) -> Json:
    return {
        "PointsNumerator": score,
        "PointsDenominator": maximum,
        "WeightedNumerator": None,
        "WeightedDenominator": None,
        "DisplayedGrade": shown,
        "GradeObjectIdentifier": str(own_id),
        "GradeObjectName": title,
        "GradeObjectType": type_id,
        "GradeObjectTypeName": None,
        "Comments": NO_TEXT,
        "PrivateComments": NO_TEXT,
        "LastModified": None,
        "LastModifiedBy": None,
        "ReleasedDate": None,
    }


def _shown(world: World, own_course: Json, own: Json, score: Decimal) -> str:
    if own["grading_type"] == "pass_fail":
        return "Pass" if score > 0 else "Fail"
    return _symbol(world, own_course, own, score, Decimal(own["maximum"] or 0))


def _symbol(world: World, own_course: Json, own: Json | None, score: Decimal, maximum: Decimal) -> str:
    standard = world.standard(own_course, own)
    if not maximum:
        return "-"
    percent = score * 100 / maximum
    if standard is None:
        return f"{grading.plain(percent.quantize(grading.CENT))} %"
    return grading.letter(percent, grading.scheme_of(standard))


def final_value(world: World, own_course: Json, user_id: int, kind: int) -> Json:
    """Points reached of points possible, of graded work only. Nobody adjusts anything here."""
    reached, possible = _points(world, own_course, user_id)
    counted = kind == CALCULATED and possible > 0
    score, maximum = (reached, possible) if counted else (None, None)
    shown = _symbol(world, own_course, None, reached, possible) if counted else ""
    stamp = GRADED_AT if counted else None
    final = _value(int(own_course["id"]) * 10 + kind, FINALS[kind], kind, score, maximum, shown)
    return final | {"LastModified": stamp, "ReleasedDate": stamp}


def _points(world: World, own_course: Json, user_id: int) -> tuple[Decimal, Decimal]:
    reached = possible = Decimal(0)
    for own in own_course["assignments"]:
        row = world.submission(own_course, own["id"], user_id)
        if own["published"] and own["grading_type"] != "not_graded" and row["score"] is not None:
            reached, possible = reached + Decimal(row["score"]), possible + Decimal(own["maximum"] or 0)
    return reached, possible
