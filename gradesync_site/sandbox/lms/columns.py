"""Which columns of the gradebook a tool sees through AGS: in most products only its own."""

from __future__ import annotations

from typing import Any

from gradesync_site.sandbox.lms.campus import Campus

Json = dict[str, Any]

OWN_OF_SEED = 2


def visible(campus: Campus, course: Json, tool: Json) -> list[Json]:
    """Published columns that are graded; where the product shows only the tool's own, those."""
    items = _graded(course)
    if campus.dialect.lists.own_columns or _limited(campus):
        return [item for item in items if is_own(campus, course, tool, item)]
    return items


def is_own(campus: Campus, course: Json, tool: Json, item: Json) -> bool:
    """The control API names an owner by its client id; of the rest, the first few count as the asking tool's.

    Option `own`: how many (default two), or `all`.
    """
    if item.get("owner"):
        return bool(item["owner"] == tool["client_id"])
    wanted = campus.sandbox.options.extra.get("own") or str(OWN_OF_SEED)
    return wanted == "all" or any(item is one for one in _graded(course)[: int(wanted)])


def _limited(campus: Campus) -> bool:
    """With the option `own`, Sakai's administrator has not opened the gradebook."""
    return campus.dialect.lists.marks_foreign and bool(campus.sandbox.options.extra.get("own"))


def _graded(course: Json) -> list[Json]:
    return [
        item for item in course["assignments"] if item["published"] and item["grading_type"] != "not_graded"
    ]
