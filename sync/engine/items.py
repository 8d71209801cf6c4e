"""Line items: this LMS column is that SIS column; what stands in the SIS is linked first (design §4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.dateparse import parse_datetime

from lti_tool.models import Context
from sync import matching
from sync.engine.adapters import course_of, make_lms, make_sis
from sync.engine.errors import EngineError, LinkRefused, Who
from sync.engine.links import item_changed
from sync.lms import records as lms
from sync.models import ClassLink, ContextState, LineItemLink
from sync.sis import records as sis
from sync.sis.base import Sis

SCALES = ("points", "percent", "letter", "gpa", "pass_fail")


def link_line_item(
    class_link: ClassLink, lms_line_item_id: str, sis_id: str, who: Who, *, scale: str = ""
) -> LineItemLink:
    """Link an LMS item to an existing SIS item. Raises LinkRefused when it is not there or linked elsewhere."""
    who.must_be_able_to_send(class_link.context)
    item = _known_item(class_link.context, lms_line_item_id, who)
    adapter = make_sis(class_link.connection)
    try:
        there = next(
            (
                one
                for one in adapter.line_items(class_link.class_id)
                if one.active and one.sourced_id == sis_id
            ),
            None,
        )
        if there is None:
            raise LinkRefused(
                "The SIS has no such assignment in this class any more. Choose another, or create it."
            )
        if there.computed:
            raise LinkRefused("The SIS computes this assignment itself, so nothing can be sent to it.")
        return _save_link(class_link, item, there, who, checked_scale(scale, item, there, adapter.profile))
    finally:
        adapter.close()


def lms_items(context: Context, who: Who) -> list[lms.LineItem]:
    """The LMS's items as the last look saw them; a whole gradebook is read for them only where nobody looked yet."""
    make_lms(context)  # refuses where an administrator switched the LMS off
    state = ContextState.objects.filter(context=context).first()
    rows = state.snapshot.get("items", []) if state else []
    return [_item_of(row) for row in rows] or list(gradebook_of(context, who).line_items)


def _item_of(row: dict[str, Any]) -> lms.LineItem:
    return lms.LineItem(
        row["line_item_id"],
        row["title"],
        Decimal(row["maximum"]) if row["maximum"] else None,
        row["kind"],
        row["grading_type"],
        row["scheme_id"],
        due_at=parse_datetime(row["due"]) if row["due"] else None,
    )


def gradebook_of(context: Context, who: Who) -> lms.Gradebook:
    return make_lms(context, who.user).read_gradebook(course_of(context))


def _known_item(context: Context, lms_line_item_id: str, who: Who) -> lms.LineItem:
    """The item as the last look saw it; the LMS is asked again only when that look did not have it."""
    seen = [item for item in lms_items(context, who) if item.line_item_id == lms_line_item_id]
    return seen[0] if seen else lms_item(gradebook_of(context, who).line_items, lms_line_item_id)


def lms_item(items: Iterable[lms.LineItem], lms_line_item_id: str) -> lms.LineItem:
    for item in items:
        if item.line_item_id == lms_line_item_id:
            return item
    raise LinkRefused("The LMS has no such assignment any more.")


def checked_scale(scale: str, item: lms.LineItem, there: sis.LineItem | None, profile: sis.Profile) -> str:
    """The scale asked for, else the one that fits both sides: letters where the SIS's own scale or the LMS speaks letters."""
    if scale:
        if scale not in SCALES:
            raise EngineError(f"There is no scale “{scale}”. Choose one of: {', '.join(SCALES)}.")
        return scale
    if item.grading_type == "pass_fail" and there is not None and there.score_scale_id:
        return "pass_fail"
    if there is not None and there.score_scale_id and profile.texts:
        return "letter"
    if there is None and item.grading_type == "letter" and profile.texts:
        return "letter"
    if not profile.scores:
        return "pass_fail" if item.grading_type == "pass_fail" else "letter"
    return "points"


def _save_link(
    class_link: ClassLink, item: lms.LineItem, there: sis.LineItem, who: Who, scale: str
) -> LineItemLink:
    taken = LineItemLink.objects.filter(
        connection=class_link.connection, line_item_id=there.sourced_id
    ).exclude(class_link=class_link, lms_line_item_id=item.line_item_id)
    if other := taken.select_related("class_link__context").first():
        same = other.class_link.context_id == class_link.context_id
        where = f"“{other.lms_title}” of this course" if same else f"the course “{other.class_link.context}”"
        raise LinkRefused(f"That SIS assignment is linked to {where} already. Unlink it there first.")
    try:
        with transaction.atomic():
            link, _ = LineItemLink.objects.update_or_create(
                class_link=class_link,
                lms_line_item_id=item.line_item_id,
                defaults={
                    **link_fields(class_link, item, who, scale),
                    **range_and_title(there),
                    "state": "linked",
                    "reason": "",
                },
            )
    except IntegrityError:
        raise LinkRefused(
            "That SIS assignment was linked by someone else a moment ago. Look again."
        ) from None
    item_changed(link)
    return link


def link_fields(class_link: ClassLink, item: lms.LineItem, who: Who, scale: str) -> dict[str, Any]:
    return {
        "connection": class_link.connection,
        "lms_title": item.title[:500],
        "lms_maximum": "",
        "kind": item.kind,
        "scale": scale,
        "scheme_version": "",
        "linked_by": who.name[:300],
        "creating": {},
    }


def range_and_title(there: sis.LineItem) -> dict[str, Any]:
    return {
        "line_item_id": there.sourced_id,
        "title": there.title[:500],
        "minimum": "" if there.minimum is None else sis.plain(there.minimum),
        "maximum": "" if there.maximum is None else sis.plain(there.maximum),
        "score_scale_id": there.score_scale_id,
    }


def exclude_line_item(class_link: ClassLink, lms_line_item_id: str, reason: str, who: Who) -> LineItemLink:
    """Leave an item out; what was sent through a former link is held."""
    who.must_be_able_to_send(class_link.context)
    item = _known_item(class_link.context, lms_line_item_id, who)
    link, _ = LineItemLink.objects.update_or_create(
        class_link=class_link,
        lms_line_item_id=lms_line_item_id,
        defaults={
            **link_fields(class_link, item, who, "points"),
            "state": "excluded",
            "line_item_id": None,
            "title": "",
            "reason": reason.strip()[:300] or "left out",
        },
    )
    return link


def unlink_line_item(link: LineItemLink, who: Who) -> None:
    """Undo a link or an exclusion. The SIS item and its grades stay as they are."""
    who.must_be_able_to_send(link.class_link.context)
    link.delete()


def set_scale(link: LineItemLink, scale: str, who: Who) -> None:
    """How this item's grades are converted from now on: one of SCALES."""
    who.must_be_able_to_send(link.class_link.context)
    if scale not in SCALES:
        raise EngineError(f"There is no scale “{scale}”. Choose one of: {', '.join(SCALES)}.")
    link.scale = scale
    link.scheme_version = ""
    link.save(update_fields=["scale", "scheme_version", "updated_at"])
    item_changed(link)


def link_exact_titles(context: Context, who: Who) -> list[LineItemLink]:
    """Link every unlinked LMS item to the one SIS item of exactly its title; the others wait for a person."""
    who.must_be_able_to_send(context)
    items = lms_items(context, who)
    made: list[LineItemLink] = []
    for class_link in ClassLink.objects.filter(
        context=context, lapsed="", connection__active=True
    ).select_related("connection"):
        adapter = make_sis(class_link.connection)
        try:
            made += _link_exact(class_link, items, adapter, who)
        finally:
            adapter.close()
    return made


def _link_exact(
    class_link: ClassLink, known: Sequence[lms.LineItem], adapter: Sis, who: Who
) -> list[LineItemLink]:
    existing = [one for one in adapter.line_items(class_link.class_id) if one.active]
    by_id = {one.sourced_id: one for one in existing}
    done = set(class_link.line_item_links.values_list("lms_line_item_id", flat=True))
    links = LineItemLink.objects.filter(connection=class_link.connection)
    taken = {one for one in links.values_list("line_item_id", flat=True) if one}
    items = {one.line_item_id: one for one in known if one.line_item_id not in done}
    kinds = adapter.profile.kinds
    alike = matching.suggest_line_items(list(items.values()), existing, taken, kinds)
    found = [one for one in alike if one.exact]
    return [
        _save_link(
            class_link,
            items[one.line_item_id],
            by_id[one.sis_id],
            who,
            checked_scale("", items[one.line_item_id], by_id[one.sis_id], adapter.profile),
        )
        for one in found
        if _only_one(one, found)
    ]


def _only_one(one: matching.ItemSuggestion, found: Sequence[matching.ItemSuggestion]) -> bool:
    same_item = sum(1 for other in found if other.line_item_id == one.line_item_id)
    same_sis = sum(1 for other in found if other.sis_id == one.sis_id)
    return same_item == 1 and same_sis == 1


def parse_decimal(text: str) -> Decimal | None:
    """A number from a form or a command; None when empty. Raises EngineError when it is not a finite number."""
    if not text.strip():
        return None
    try:
        number = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise EngineError("This is not a number.") from None
    if not number.is_finite():
        raise EngineError("This is not a number.")
    return number
