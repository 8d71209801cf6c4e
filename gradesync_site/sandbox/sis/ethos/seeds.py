"""The shared world as an Ethos tenant holds it: rows by GUID, in the shapes of Ellucian's published data model."""

from __future__ import annotations

import uuid
from typing import Any

from gradesync_site.sandbox.data import Person, SisClass, World

Json = dict[str, Any]
NAMES = uuid.UUID("6a3c1d52-87a4-5d6b-a1f0-0c9f7b5f2e11")
FINAL = "10000000-0000-4000-8000-00000000000f"
MID1, MID2 = "20000000-0000-4000-8000-000000000001", "20000000-0000-4000-8000-000000000002"
TYPES = ((FINAL, "Final", "FINAL"), (MID1, "Midterm", "MID1"), (MID2, "Second midterm", "MID2"))
LETTER, PASS, AUDIT = "Undergraduate letter", "Pass/No Pass", "Audit"
SCHEMES = {
    LETTER: ("A", "A-", "B+", "B", "B-", "C+", "C", "D", "F", "I", "W"),
    PASS: ("P", "NP", "I"),
    AUDIT: ("AU",),
}
MODES = {LETTER: "standard", PASS: "passFail", AUDIT: "audit"}
# its end is far away, so that no test ends with it
BEGINS, ENDS, EXTENDED = "2026-01-12", "2099-05-14", "2027-10-15"
RESOURCES = {
    "grade-definitions": "6",
    "grade-schemes": "6",
    "persons": "12.3.0",
    "section-grade-types": "6",
    "section-instructors": "10",
    "section-registrations": "16.1.0",
    "section-registrations-grade-options": "1.0.0",
    "sections": "16.1.0",
    "student-unverified-grades": "1.0.0",
}


def guid(*parts: str) -> str:
    return str(uuid.uuid5(NAMES, "/".join(parts)))


def seeded(world: World, *, plain: bool) -> Json:
    """`plain`: everybody is graded by letter; else the sixth student by pass or fail, and the seventh is an auditor."""
    state: Json = {name: {} for name in RESOURCES} | {"verified": [], "closed": [], "ungraded": []}
    for type_id, title, code in TYPES:
        add(state, "section-grade-types", {"id": type_id, "title": title, "code": code})
    for scheme, letters in SCHEMES.items():
        _add_scheme(state, scheme, letters)
    for group in world.classes:
        _add_section(state, group, plain=plain)
    return state


def add(state: Json, resource: str, row: Json) -> Json:
    state[resource][row["id"]] = row
    return row


def _add_scheme(state: Json, scheme: str, letters: tuple[str, ...]) -> None:
    scheme_id = guid("scheme", scheme)
    level = {"id": guid("level", "UG")}
    add(
        state,
        "grade-schemes",
        {
            "id": scheme_id,
            "title": scheme,
            "code": scheme[:1],
            "academicLevel": level,
            "startOn": "2000-01-01",
        },
    )
    for letter in letters:
        row = {
            "id": guid("grade", scheme, letter),
            "scheme": {"id": scheme_id},
            "grade": {"type": "literal", "value": letter},
            "credit": {"type": "none" if letter in ("F", "NP", "W", "AU") else "full"},
        }
        add(state, "grade-definitions", row)


def _add_section(state: Json, group: SisClass, *, plain: bool) -> None:
    section = guid("section", group.class_id)
    row = {
        "id": section,
        "titles": [{"type": {"id": guid("title", "long")}, "value": group.title}],
        "startOn": BEGINS,
        "endOn": ENDS,
        "code": group.class_id,
        "number": group.class_id[-1:],
        "academicPeriod": {"id": guid("period", "202710")},
        "course": {"id": guid("course", group.course_id)},
        "instructionalMethods": [{"id": guid("method", "lecture")}],
        "alternateIds": [{"title": "CRN", "value": f"CRN-{group.class_id}"}],
    }
    add(state, "sections", row)
    for place, teacher in enumerate(group.teachers):
        person = add_person(state, teacher)
        role = {"instructorRole": "primary"} if place == 0 else {}
        linked = {"instructor": {"id": person}, "section": {"id": section}, "workStartOn": BEGINS}
        add(
            state,
            "section-instructors",
            {"id": guid("teaches", person, section), **linked, **role, "workEndOn": ENDS},
        )
    for place, student in enumerate(group.students):
        scheme = LETTER if plain else {5: PASS, 6: AUDIT}.get(place, LETTER)
        register(state, section, add_person(state, student), scheme)


def add_person(state: Json, person: Person) -> str:
    held = [
        ("bannerId", person.sis_id),
        ("bannerSourcedId", person.identifier),
        ("bannerUserName", person.username),
    ]
    row = {
        "id": guid("person", person.sis_id),
        "names": [
            {
                "type": {"category": "legal"},
                "fullName": person.name,
                "firstName": person.given_name or person.family_name,
                "lastName": person.family_name,
            },
            {
                "type": {"category": "personal"},
                "fullName": person.name,
                "firstName": person.given_name,
                "lastName": person.family_name,
                "preference": "preferred",
            },
        ],
        "credentials": [{"type": kind, "value": value} for kind, value in held if value],
    }
    if person.sis_email:
        email = {"type": {"emailType": "school"}, "preference": "primary", "address": person.sis_email}
        row["emails"] = [email]
    return str(add(state, "persons", row)["id"])


def register(state: Json, section: str, person: str, scheme: str = LETTER) -> str:
    row = {
        "id": guid("registration", section, person),
        "registrant": {"id": person},
        "section": {"id": section},
        "academicLevel": {"id": guid("level", "UG")},
        "originallyRegisteredOn": BEGINS,
        "status": {
            "registrationStatus": "registered",
            "sectionRegistrationStatusReason": "registered",
            "detail": {"id": guid("status", "RE")},
        },
        "statusDate": BEGINS,
        "credit": {"measure": "credit", "registrationCredit": 3},
        "gradingOption": {"gradeScheme": {"id": guid("scheme", scheme)}, "mode": MODES[scheme]},
    }
    return str(add(state, "section-registrations", row)["id"])
