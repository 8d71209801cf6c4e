"""The Rostering operations: read only. One line for each, as the OpenAPI lists them."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from gradesync_site.sandbox.control import answer
from gradesync_site.sandbox.sis.answers import SINGLE
from gradesync_site.sandbox.sis.service import Service
from gradesync_site.sandbox.sis.store import Json, unknown

Accept = Callable[[Json], bool]

# name in the path -> (collection, what of it belongs there)
TOP: dict[str, tuple[str, Accept]] = {
    "academicSessions": ("academicSessions", lambda one: True),
    "terms": ("academicSessions", lambda one: bool(one["type"] == "term")),
    "gradingPeriods": ("academicSessions", lambda one: bool(one["type"] == "gradingPeriod")),
    "orgs": ("orgs", lambda one: True),
    "schools": ("orgs", lambda one: bool(one["type"] == "school")),
    "courses": ("courses", lambda one: True),
    "classes": ("classes", lambda one: True),
    "users": ("users", lambda one: True),
    "students": ("users", lambda one: has_role(one, "student")),
    "teachers": ("users", lambda one: has_role(one, "teacher")),
    "enrollments": ("enrollments", lambda one: True),
}


def has_role(user: Json, role: str) -> bool:
    return any(one["role"] == role for one in user["roles"])


# path below the base -> (collection of the list, which records: from the ids in the path)
NESTED: dict[str, tuple[str, Callable[[Service, dict[str, str]], Accept]]] = {
    "/classes/<classes>/students": ("users", lambda s, at: enrolled(s, at["classes"], "student")),
    "/classes/<classes>/teachers": ("users", lambda s, at: enrolled(s, at["classes"], "teacher")),
    "/courses/<courses>/classes": ("classes", lambda s, at: lambda one: one["course"] == at["courses"]),
    "/teachers/<teachers>/classes": ("classes", lambda s, at: classes_of(s, at["teachers"], "teacher")),
    "/students/<students>/classes": ("classes", lambda s, at: classes_of(s, at["students"], "student")),
    "/users/<users>/classes": ("classes", lambda s, at: classes_of(s, at["users"], "")),
    "/schools/<schools>/classes": ("classes", lambda s, at: lambda one: one["school"] == at["schools"]),
    "/schools/<schools>/courses": ("courses", lambda s, at: lambda one: one.get("org") == at["schools"]),
    "/schools/<schools>/enrollments": (
        "enrollments",
        lambda s, at: lambda one: one["school"] == at["schools"],
    ),
    "/schools/<schools>/students": ("users", lambda s, at: of_school(at["schools"], "student")),
    "/schools/<schools>/teachers": ("users", lambda s, at: of_school(at["schools"], "teacher")),
    "/schools/<schools>/terms": ("academicSessions", lambda s, at: TOP["terms"][1]),
    "/schools/<schools>/classes/<classes>/enrollments": (
        "enrollments",
        lambda s, at: lambda one: one["class"] == at["classes"] and one["school"] == at["schools"],
    ),
    "/schools/<schools>/classes/<classes>/students": (
        "users",
        lambda s, at: enrolled(s, at["classes"], "student"),
    ),
    "/schools/<schools>/classes/<classes>/teachers": (
        "users",
        lambda s, at: enrolled(s, at["classes"], "teacher"),
    ),
    "/terms/<terms>/classes": ("classes", lambda s, at: lambda one: at["terms"] in one["terms"]),
    "/terms/<terms>/gradingPeriods": (
        "academicSessions",
        lambda s, at: lambda one: TOP["gradingPeriods"][1](one) and one.get("parent") == at["terms"],
    ),
}


def enrolled(service: Service, class_id: str, role: str) -> Accept:
    users = set(service.store.enrolled(class_id, role))
    return lambda one: one["sourcedId"] in users


def classes_of(service: Service, user_id: str, role: str) -> Accept:
    classes = service.store.classes_of(user_id, role)
    return lambda one: one["sourcedId"] in classes


def of_school(school_id: str, role: str) -> Accept:
    return lambda one: has_role(one, role) and any(own["org"] == school_id for own in one["roles"])


def add_rostering(blueprint: Blueprint, service: Service, scope: str) -> None:
    """Adds every operation; `scope` is the version's prefix of scope URIs."""
    core = {f"{scope}roster.readonly", f"{scope}roster-core.readonly"}
    for name in TOP:
        _add(blueprint, f"/{name}", service.guarded(core, _top_list(service, name)))
        _add(blueprint, f"/{name}/<sourced_id>", service.guarded(core, _top_one(service, name)))
    for rule in NESTED:
        _add(blueprint, rule, service.guarded({f"{scope}roster.readonly"}, _nested(service, rule)))
    demographics = {f"{scope}roster-demographics.readonly"}
    _add(blueprint, "/demographics", service.guarded(demographics, lambda: answer({"demographics": []})))


def _add(blueprint: Blueprint, rule: str, view: Callable[..., Response]) -> None:
    endpoint = rule.replace("/", "_").replace("<", "").replace(">", "")
    blueprint.add_url_rule(rule, f"get{endpoint}", view, methods=["GET"])


def _top_list(service: Service, name: str) -> Callable[..., Response]:
    collection, accept = TOP[name]
    return lambda: service.many(collection, collection, accept)


def _top_one(service: Service, name: str) -> Callable[..., Response]:
    collection, accept = TOP[name]
    return lambda sourced_id: service.one(collection, SINGLE[collection], sourced_id, accept)


def _nested(service: Service, rule: str) -> Callable[..., Response]:
    collection, choose = NESTED[rule]

    def view(**places: str) -> Response:
        for name, sourced_id in places.items():
            owner, accept = TOP[name]
            if not accept(service.store.need(owner, sourced_id)):
                raise unknown(name, sourced_id)
        return service.many(collection, collection, choose(service, places))

    return view
