"""The shared world as a PowerSchool server holds it: DCIDs everywhere, and visible numbers beside them."""

from __future__ import annotations

from typing import Any

from gradesync_site.sandbox.data import Person, SisClass, SisItem, World

Json = dict[str, Any]
SCHOOL, YEAR = 7, 35
TERM = YEAR * 100 + 1
TERM_DCID = "1989"
BEGINS, ENDS = "2025-08-25", "2026-12-18"
SECTIONS, SECTION_IDS, COURSES, STUDENTS, USERS, STAFF = 4000, 14000, 1300, 80000, 8300, 2700
CATEGORIES = ("Classwork", "Test", "Project", "Quiz")


def seeded(world: World) -> Json:
    state: Json = {
        **{name: {} for name in ("sections", "courses", "students", "users", "staff", "enrolments")},
        **{name: {} for name in ("categories", "assignments", "scores")},
        "terms": {TERM_DCID: _term()},
        "sectionteacher": [],
        "locked": [],
        "next": 70000,
    }
    for group in world.classes:
        _seed_class(state, group)
    return state


def new_id(state: Json) -> int:
    state["next"] += 1
    found: int = state["next"]
    return found


def _term() -> Json:
    return {
        "id": int(TERM_DCID),
        "school_id": SCHOOL,
        "name": "2025-2026",
        "abbreviation": "25-26",
        "start_date": BEGINS,
        "end_date": ENDS,
    }


def _seed_class(state: Json, group: SisClass) -> None:
    number = len(state["sections"]) + 1
    dcid, course = SECTIONS + number, COURSES + number
    teachers = [_teacher(state, one) for one in group.teachers]
    state["courses"][str(course)] = {
        "id": course,
        "course_number": group.class_id.partition("-")[0],
        "course_name": group.title,
    }
    state["sections"][str(dcid)] = {
        "dcid": dcid,
        "id": SECTION_IDS + number,
        "termid": TERM,
        "course": course,
        "section_number": group.class_id.partition("-")[2] or "1",
        "teacher": teachers[0],
        "name": group.class_id,
    }
    state["sectionteacher"] += [{"sectionid": SECTION_IDS + number, "teacherid": one} for one in teachers]
    for student in group.students:
        enrol(state, dcid, student)
    for item in group.items:
        _seed_item(state, dcid, teachers[0], item)


def _teacher(state: Json, person: Person) -> int:
    """Her id among the school's staff; a user of the same person is made once."""
    for staff_id, row in state["staff"].items():
        if state["users"][str(row["users_dcid"])]["teachernumber"] == person.sis_id:
            return int(staff_id)
    user, staff_id = USERS + len(state["users"]) + 1, STAFF + len(state["staff"]) + 1
    state["users"][str(user)] = {
        "dcid": user,
        "first_name": person.given_name,
        "last_name": person.family_name,
        "teachernumber": person.sis_id,
        "email_addr": person.sis_email or f"{person.username}@north.example",
    }
    state["staff"][str(staff_id)] = {"id": staff_id, "dcid": staff_id + 100, "users_dcid": user}
    for number, title in enumerate(CATEGORIES):
        category = new_id(state)
        state["categories"][str(category)] = {
            "_name": "teachercategory",
            "teachercategoryid": category,
            "usersdcid": user,
            "name": title,
            "categorytype": "district",
            "districtteachercategoryid": number + 1,
            "isactive": title != "Project",
            "defaultpublishoption": "Immediately",
        }
    return staff_id


def enrol(state: Json, section: int, person: Person) -> str:
    """The student's DCID, made where she is new here."""
    known: dict[str, str] = {one["sourced"]: one_id for one_id, one in state["students"].items()}
    dcid = known.get(person.sis_id, str(STUDENTS + len(known) + 1))
    state["students"][dcid] = {
        "id": int(dcid),
        "sourced": person.sis_id,
        "local_id": int(person.identifier) if person.identifier.isdecimal() else person.identifier,
        "student_username": person.username,
        "name": {"first_name": person.given_name, "last_name": person.family_name},
        "contact_info": {"email": person.sis_email},
    }
    row = new_id(state)
    state["enrolments"][str(row)] = {
        "id": row,
        "section_id": section,
        "student_id": int(dcid),
        "entry_date": BEGINS,
        "exit_date": "2026-12-19",
        "dropped": False,
    }
    return dcid


def _seed_item(state: Json, section: int, staff_id: int, item: SisItem) -> None:
    user = state["staff"][str(staff_id)]["users_dcid"]
    category = next(
        key
        for key, one in state["categories"].items()
        if one["usersdcid"] == user and one["name"] == "Classwork"
    )
    add_assignment(
        state,
        {
            "sectionsdcid": section,
            "name": item.title,
            "duedate": item.due.date().isoformat(),
            "scoretype": "POINTS",
            "scoreentrypoints": item.maximum,
            "totalpointvalue": item.maximum,
            "weight": 1,
            "_assignmentcategoryassociations": [{"teachercategoryid": int(category), "isprimary": True}],
        },
    )


def add_assignment(state: Json, *parts: Json) -> Json:
    """An assignment with these parts, one for each of its sections."""
    made: Json = {
        "_name": "assignment",
        "assignmentid": new_id(state),
        "hasstandards": False,
        "_assignmentsections": [
            {**part, "_name": "assignmentsection", "assignmentsectionid": new_id(state), "islocked": False}
            for part in parts
        ],
    }
    state["assignments"][str(made["assignmentid"])] = made
    return made
