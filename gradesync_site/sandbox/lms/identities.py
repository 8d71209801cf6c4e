"""The ids of people and courses, in the shape that the dialect gives them."""

from __future__ import annotations

from typing import Any

from gradesync_site.sandbox.lms.campus import Campus
from gradesync_site.sandbox.lms.world import Unknown, World, context_of

Json = dict[str, Any]


def user_id(campus: Campus, person: Json) -> str:
    """`sub`, and what AGS and NRPS say for her."""
    if campus.dialect.wording.users == "address":
        return f"{campus.addresses.issuer}/user/{person['lti_id']}"
    return _shaped(campus.dialect.wording.users, person["lti_id"], person["id"])


def context_id(campus: Campus, course: Json) -> str:
    return _shaped(campus.dialect.wording.contexts, context_of(course), course["id"])


def in_path(campus: Campus, course: Json) -> str:
    """The course as the addresses of its services name it."""
    return _shaped(campus.dialect.wording.in_paths, context_of(course), course["id"])


def course_at(campus: Campus, named: str) -> Json:
    """Raises Unknown."""
    world: World = campus.world
    for course in world.courses():
        if in_path(campus, course) == named:
            return course
    raise Unknown("There is no such course in the sandbox LMS.")


def _shaped(shape: str, opaque: str, number: int) -> str:
    if shape == "number":
        return str(number)
    if shape == "hex":
        return opaque.replace("-", "")
    return f"_{number}_1" if shape == "underscores" else opaque
