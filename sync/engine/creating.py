"""Line items that the SIS lacks: created by the link step, only when asked, once each (design §4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from lti_tool.models import Context
from sync.engine import ledger, pausing
from sync.engine.adapters import make_sis
from sync.engine.errors import EngineError, LinkRefused, Who
from sync.engine.items import checked_scale, link_fields, lms_item, lms_items, range_and_title
from sync.errors import Rejected, Unreachable
from sync.lms import records as lms
from sync.models import ClassLink, LineItemLink
from sync.sis import records as sis
from sync.sis.base import Sis


@dataclass(frozen=True, slots=True)
class NewItemWish:
    """What she asks to create in one class; what is empty takes the proposed default."""

    class_link_id: int
    lms_line_item_id: str
    title: str = ""
    category: str = ""
    assigned: datetime | None = None
    due: datetime | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    scale: str = ""
    session_id: str = ""


def create_line_items(context: Context, wishes: Sequence[NewItemWish], who: Who) -> list[LineItemLink]:
    """Create what she asked for: the links are saved as `creating` first, then the SIS is asked, once each.

    A lost answer leaves the link creating; `settle_creating` reads the class's items and decides. Raises TryLater or
    Misconfigured (links stay creating), LinkRefused with the SIS's reason when it refuses one, or where an
    administrator paused all sending.
    """
    who.must_be_able_to_send(context)
    pauses = pausing.pauses_of(context)
    items = lms_items(context, who)
    links: list[LineItemLink] = []
    for class_link in ClassLink.objects.filter(
        context=context, lapsed="", connection__active=True
    ).select_related("connection"):
        mine = [wish for wish in wishes if wish.class_link_id == class_link.pk]
        if mine and (pause := pauses.of(class_link.connection_id)):
            raise LinkRefused(pausing.words_of(pause))
        if mine:
            links += _create_in_class(class_link, items, mine, who)
    return links


def _create_in_class(
    class_link: ClassLink, items: Sequence[lms.LineItem], wishes: Sequence[NewItemWish], who: Who
) -> list[LineItemLink]:
    adapter = make_sis(class_link.connection)
    try:
        existing = adapter.line_items(class_link.class_id)
        titles = {one.title.strip().casefold() for one in existing}
        sessions, scales = adapter.sessions(class_link.class_id), adapter.score_scales(class_link.class_id)
        links = []
        for wish in wishes:
            item = lms_item(items, wish.lms_line_item_id)
            new = proposed(class_link, item, wish, adapter.profile, sessions, titles)
            titles.add(new.title.casefold())
            links.append(_save_creating(class_link, item, new, wish, adapter.profile, scales, who))
        _settle_each([one for one in links if one[0].state == "creating"], adapter, existing)
        return [link for link, _ in links]
    finally:
        adapter.close()


def _settle_each(
    links: Sequence[tuple[LineItemLink, bool]], adapter: Sis, existing: Sequence[sis.LineItem]
) -> None:
    """Each is asked for, also after one was refused; then the refusals are told. Raises LinkRefused."""
    refusals = []
    for link, fresh in links:
        try:
            _settle(link, adapter, existing, fresh=fresh)
        except LinkRefused as error:
            refusals.append(error.text)
    if refusals:
        raise LinkRefused("\n".join(refusals))


def proposed(
    class_link: ClassLink,
    item: lms.LineItem,
    wish: NewItemWish,
    profile: sis.Profile,
    sessions: Sequence[sis.Session],
    titles: Iterable[str],
) -> sis.NewLineItem:
    """The new item with every default filled in and within the SIS's limits."""
    due = wish.due or item.due_at or timezone.now()
    assigned = wish.assigned or min(timezone.now(), due - timedelta(days=7))
    session = wish.session_id or _session_of(sessions, due) or class_link.session_id
    minimum, maximum = _range(item, wish, profile)
    return sis.NewLineItem(
        sourced_id=ledger.derived_id(
            "line item", str(class_link.connection_id), class_link.class_id, item.line_item_id
        ),
        title=unique_title(wish.title or item.title, profile.title_limit, titles),
        class_id=class_link.class_id,
        school_id=class_link.school_id,
        category_title=wish.category,
        assigned=assigned,
        due=max(due, assigned),
        minimum=minimum,
        maximum=maximum,
        session_id=session,
        kind=item.kind,
    )


def _range(item: lms.LineItem, wish: NewItemWish, profile: sis.Profile) -> tuple[Decimal, Decimal]:
    minimum = wish.minimum if wish.minimum is not None else Decimal(0)
    maximum = wish.maximum if wish.maximum is not None else item.maximum
    if wish.maximum is None and (maximum is None or maximum <= 0 or wish.scale == "percent"):
        maximum = Decimal(100)
    if profile.whole_maximum and maximum is not None:
        maximum = maximum.to_integral_value(rounding=ROUND_CEILING)
    if maximum is None or not maximum.is_finite() or maximum <= minimum:
        raise EngineError("The highest value must be above the lowest. Correct the range, then create again.")
    return minimum, maximum


def _session_of(sessions: Sequence[sis.Session], due: datetime) -> str:
    """The session whose dates hold the due date, else the SIS's first one (its best guess, never today's date)."""
    for session in sessions:
        if session.begins and session.ends and session.begins <= due.date() <= session.ends:
            return session.sourced_id
    return sessions[0].sourced_id if sessions else ""


def unique_title(title: str, limit: int, taken: Iterable[str]) -> str:
    """The title within the SIS's limit, distinct from those there: shortened, then numbered."""
    clean = " ".join(title.split()) or "Untitled"
    used = {one.strip().casefold() for one in taken}
    candidate, number = _cut(clean, limit), 1
    while candidate.casefold() in used:
        number += 1
        suffix = f" ({number})"
        candidate = _cut(clean, limit - len(suffix)) + suffix
    return candidate


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(1, limit - 1)].rstrip() + "…"


def _save_creating(
    class_link: ClassLink,
    item: lms.LineItem,
    new: sis.NewLineItem,
    wish: NewItemWish,
    profile: sis.Profile,
    scales: Sequence[sis.ScoreScale],
    who: Who,
) -> tuple[LineItemLink, bool]:
    """Intent first; True when it is ours to ask for. A link that stands already is returned as it is: a double click
    creates nothing twice.
    """
    standing = class_link.line_item_links.filter(lms_line_item_id=item.line_item_id).first()
    if standing is not None and standing.state != "excluded":
        return standing, False
    scale = checked_scale(wish.scale, item, None, profile)
    if scale in {"letter", "pass_fail"} and len(scales) == 1:
        new = dataclasses.replace(new, score_scale_id=scales[0].sourced_id)
    link, made = LineItemLink.objects.update_or_create(
        class_link=class_link,
        lms_line_item_id=item.line_item_id,
        defaults={
            **link_fields(class_link, item, who, scale),
            "state": "creating",
            "line_item_id": None,
            "title": new.title[:500],
            "minimum": sis.plain(new.minimum),
            "maximum": sis.plain(new.maximum),
            "score_scale_id": new.score_scale_id,
            "creating": _as_json(new),
            "reason": "",
        },
    )
    return link, made or standing is not None


def _as_json(new: sis.NewLineItem) -> dict[str, Any]:
    data = dataclasses.asdict(new)
    data |= {"assigned": new.assigned.isoformat(), "due": new.due.isoformat()}
    return data | {"minimum": sis.plain(new.minimum), "maximum": sis.plain(new.maximum)}


def _from_json(data: dict[str, Any]) -> sis.NewLineItem:
    return sis.NewLineItem(
        **data
        | {
            "assigned": parse_datetime(data["assigned"]),
            "due": parse_datetime(data["due"]),
            "minimum": Decimal(data["minimum"]),
            "maximum": Decimal(data["maximum"]),
        }
    )


def _create(link: LineItemLink, adapter: Sis) -> None:
    try:
        made = adapter.create_line_item(_from_json(link.creating))
    except Rejected as error:
        link.delete()
        raise LinkRefused(
            f"The SIS refused to create “{link.title}” ({error.code}). {error.words}".strip()
        ) from None
    except Unreachable:
        return  # it stays creating: the next look reads the class's items and settles it
    _settled(link, made)


def _settled(link: LineItemLink, made: sis.LineItem) -> None:
    """The link stands, unless she took it back or another link took the item meanwhile."""
    fields = {**range_and_title(made), "state": "linked", "creating": {}, "updated_at": timezone.now()}
    try:
        with transaction.atomic():
            LineItemLink.objects.filter(pk=link.pk, state="creating").update(**fields)
    except IntegrityError:
        return
    for name, value in fields.items():
        setattr(link, name, value)


def settle_creating(context: Context, who: Who) -> list[LineItemLink]:
    """Links whose creation got no answer: found in the class by their id, or their exact title, range and date; else
    asked for again. Several that look alike are left to a person. Raises what a read raises.
    """
    who.must_be_able_to_send(context)
    open_links = list(
        LineItemLink.objects.filter(class_link__context=context, state="creating").select_related(
            "class_link__connection"
        )
    )
    for link in open_links:
        adapter = make_sis(link.class_link.connection)
        try:
            _settle(link, adapter, adapter.line_items(link.class_link.class_id))
        finally:
            adapter.close()
    return open_links


def _settle(
    link: LineItemLink, adapter: Sis, existing: Sequence[sis.LineItem], *, fresh: bool = False
) -> None:
    """Read first, so that a creation whose answer was lost is found and not repeated."""
    if not settle_by_reading(link, existing) and (fresh or _may_ask_again(link, adapter.profile)):
        _create(link, adapter)


def _may_ask_again(link: LineItemLink, profile: sis.Profile) -> bool:
    """A creation whose id the SIS gives counts as not stored only `settle_s` after it was asked for (design §4)."""
    if profile.idempotent and not profile.gives_item_ids:
        return True
    now = timezone.now()
    asked = LineItemLink.objects.filter(
        pk=link.pk, state="creating", updated_at__lte=now - timedelta(seconds=profile.settle_s)
    )
    return bool(asked.update(updated_at=now))


def settle_by_reading(link: LineItemLink, existing: Sequence[sis.LineItem]) -> bool:
    """Link it when exactly one item of the class is what was asked for. False when there is none."""
    new = _from_json(link.creating)
    found = [one for one in existing if one.sourced_id == new.sourced_id] or [
        one for one in existing if _same(one, new)
    ]
    free = [one for one in found if not _is_linked(link, one)]
    if len(free) == 1:
        _settled(link, free[0])
    return bool(free)


def _is_linked(link: LineItemLink, one: sis.LineItem) -> bool:
    return LineItemLink.objects.filter(connection=link.connection, line_item_id=one.sourced_id).exists()


def _same(one: sis.LineItem, new: sis.NewLineItem) -> bool:
    same_range = (one.minimum or Decimal(0), one.maximum) == (new.minimum, new.maximum)
    same_due = one.due is None or one.due.date() == new.due.date()
    return one.active and not one.computed and one.title == new.title and same_range and same_due
