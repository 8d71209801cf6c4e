"""The course's links as this read finds them: what each SIS line item takes now, and which links are broken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from sync import desired, scales
from sync.engine.creating import settle_by_reading
from sync.engine.sis_reading import ClassRead, SisRead
from sync.lms import records as lms
from sync.models import LineItemLink
from sync.sis import records as sis


def find_created(links: Iterable[LineItemLink], sides: Mapping[str, SisRead]) -> None:
    """Line items whose creation got no answer are found in what was read; only the link step asks for them again."""
    there = {one.link.pk: one.line_items for side in sides.values() for one in side.classes}
    for link in links:
        if link.state == "creating" and link.class_link_id in there:
            settle_by_reading(link, there[link.class_link_id])


def linked(link: LineItemLink, sides: Mapping[str, SisRead], gradebook: lms.Gradebook) -> desired.Linked:
    side = sides.get(str(link.connection_id))
    one = next((read for read in side.classes if read.link.pk == link.class_link_id), None) if side else None
    item = next((item for item in gradebook.line_items if item.line_item_id == link.lms_line_item_id), None)
    there = (
        next((there for there in one.line_items if there.sourced_id == link.line_item_id), None)
        if one
        else None
    )
    return desired.Linked(
        class_link=link.class_link_id,
        class_id=link.class_link.class_id,
        connection=str(link.connection_id),
        lms_line_item_id=link.lms_line_item_id,
        sis_id=link.line_item_id or "",
        target=_target_of(link, there, one, side.profile if side else sis.Profile()),
        scheme=gradebook.schemes.get(item.scheme_id) if item else None,
        excluded=link.state == "excluded",
        broken=_broken(link, one, there),
    )


def _broken(link: LineItemLink, one: ClassRead | None, there: sis.LineItem | None) -> str:
    if link.state == "creating":
        return "line-item-creating"
    if one is None:
        return "class-not-read"
    if there is not None and there.computed:
        return "line-item-computed"
    return "" if there is not None or link.state == "excluded" else "line-item-gone"


def _target_of(
    link: LineItemLink, there: sis.LineItem | None, one: ClassRead | None, profile: sis.Profile
) -> scales.Target:
    """What the SIS column takes: its own range and scale as the SIS shows them now, else as they were linked."""
    maximum = there.maximum if there is not None and there.maximum is not None else _decimal(link.maximum)
    minimum = there.minimum if there is not None and there.minimum is not None else _decimal(link.minimum)
    scale_id = (there.score_scale_id if there is not None else "") or link.score_scale_id
    return scales.Target(
        kind=link.scale,  # type: ignore[arg-type]  # forms and commands take no other words
        minimum=minimum if minimum is not None else Decimal(0),
        maximum=maximum,
        decimals=profile.decimals,
        over_max=profile.over_max,
        flags=profile.flags,
        texts=profile.texts,
        score_scale=one.score_scales.get(scale_id) if one is not None else None,
    )


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        return None
