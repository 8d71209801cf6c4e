"""Custom parameters and the variables in them (LTI Core 1.3 §B), as far as the dialect's product knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradesync_site.sandbox.lms import identities
from gradesync_site.sandbox.lms.campus import Campus

Json = dict[str, Any]


def custom(campus: Campus, wished: Mapping[str, str], course: Json, person: Json) -> dict[str, str]:
    """A variable that the product does not know, or that is empty here, stays as written."""
    known = _values(campus, course, person)
    listed = campus.dialect.wording.variables
    return {
        name: known.get(value) or value if not listed or value[1:] in listed else value
        for name, value in wished.items()
    }


def _values(campus: Campus, course: Json, person: Json) -> dict[str, str]:
    site = campus.addresses.site
    return _of_person(campus, person) | {
        "$Canvas.course.id": str(course["id"]),
        "$Canvas.course.sisSourceId": course["sis_id"],
        "$Canvas.course.sectionSisSourceIds": ",".join(
            s["sis_id"] for s in course["sections"] if s["sis_id"]
        ),
        "$com.schoology.CourseSection.id": str(course["id"]),
        "$CourseSection.sourcedId": course["sis_id"],
        "$CourseOffering.sourcedId": course["sis_id"],
        "$Context.id": identities.context_id(campus, course),
        "$Context.title": course["name"],
        "$Canvas.account.id": str(course["account_id"]),
        "$Canvas.term.name": course["term"],
        "$Canvas.api.baseUrl": site,
        "$Canvas.api.domain": site.partition("//")[2],
    }


def _of_person(campus: Campus, person: Json) -> dict[str, str]:
    return {
        "$Canvas.user.id": str(person["id"]),
        "$Canvas.user.sisSourceId": person["sis_id"],
        "$Canvas.user.loginId": person["login"],
        "$User.id": identities.user_id(campus, person),
        "$User.username": person["login"],
        "$Person.sourcedId": person["sis_id"],
        "$Person.name.full": person["name"],
        "$Person.email.primary": person["email"],
    }
