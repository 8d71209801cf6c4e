"""Did a person change a link since this round's read? Then nothing more is sent by it (design §4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import Q

from lti_tool.models import Context
from sync.models import GradeChange, LineItemLink, StudentLink

Links = Mapping[tuple[str, str], set[tuple[object, ...]]]


def links_of(context: Context, rows: Iterable[GradeChange]) -> Links:
    """What people said of these rows' students and line items, as it stands now."""
    places = [(row.lms_user_id, row.lms_line_item_id) for row in rows]
    found: dict[tuple[str, str], set[tuple[object, ...]]] = {("student", user): set() for user, _ in places}
    found |= {("item", item): set() for _, item in places}
    students = StudentLink.objects.filter(
        Q(context=None) | Q(context=context),
        registration=context.registration,
        lms_user_id__in={user for user, _ in places},
    )
    for user, *words in students.values_list("lms_user_id", "connection_id", "student_id", "excluded"):
        found["student", user].add(tuple(words))
    items = LineItemLink.objects.filter(
        class_link__context=context, lms_line_item_id__in={item for _, item in places}
    )
    for item, *words in items.values_list(
        "lms_line_item_id", "class_link_id", "line_item_id", "state", "scale"
    ):
        found["item", item].add(tuple(words))
    return found


def moved(before: Links, context: Context, rows: Iterable[GradeChange]) -> bool:
    """Is any of these rows' links another one than `before` the read?"""
    return any(before.get(place) != words for place, words in links_of(context, rows).items())
