"""What an access token may see in Canvas, as far as a few cheap requests tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sync.errors import Misconfigured
from sync.lms import rest
from sync.lms.base import text_of
from sync.lms.canvas.client import Client
from sync.options import Finding

GRADES: Final = ("view_all_grades", "manage_grades")
SIS: Final = ("read_sis", "manage_sis")
SIS_HELP: Final = (
    "Without them students can be matched by login or e-mail only. A Canvas administrator can let the token's owner "
    "read SIS data."
)
GRADES_HELP: Final = "A Canvas administrator must let the token's owner view all grades."


def findings(client: Client, parameter: str) -> list[Finding]:
    """First whether the token is taken at all; then, where its owner teaches or administers, what she may see there."""
    try:
        client.one("/users/self")
    except Misconfigured as error:
        if error.code != rest.FORBIDDEN:
            return [Finding("Access token", False, str(error))]
    text = f"Its owner must see all grades of the courses; the course id comes in “{parameter}”."
    return [Finding("Access token", True, text), *_rights(client)]


def _rights(client: Client) -> list[Finding]:
    try:
        where, allowed = _permissions(client)
    except Misconfigured as error:
        if error.code not in (rest.FORBIDDEN, rest.UNKNOWN):
            raise
        return [Finding("Rights of its owner", True, "They show only when a course is read.")]
    if not where:
        text = f"Its owner neither administers an account nor teaches a course in Canvas. {GRADES_HELP}"
        return [Finding("Rights of its owner", False, text)]
    return [
        _finding(f"Grades of all students in {where}", allowed, GRADES, GRADES_HELP),
        _finding(f"SIS ids in {where}", allowed, SIS, SIS_HELP),
    ]


def _permissions(client: Client) -> tuple[str, Mapping[str, Any]]:
    """The first account that she administers, else the first course that she teaches, and her rights there."""
    asked = [("permissions[]", name) for name in (*GRADES, *SIS)]
    for kind, address, params in (
        ("the account", "/accounts", []),
        ("the course", "/courses", [("enrollment_type", "teacher")]),
    ):
        found = client.rows(client.get(address, [*params, ("per_page", "1")]))
        number = text_of(found[0].get("id")) if found else ""
        if number:
            name = text_of(found[0].get("name")) or number
            return f"{kind} {name}", client.one(f"{address}/{number}/permissions", asked)
    return "", {}


def _finding(title: str, allowed: Mapping[str, Any], any_of: tuple[str, ...], help_text: str) -> Finding:
    ok = any(allowed.get(name) is True for name in any_of)
    return Finding(title, ok, "" if ok else help_text)
