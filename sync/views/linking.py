"""What speaks for a link between two assignments: title, due date and maximum beside each other, and in one line."""

from __future__ import annotations

from decimal import Decimal

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sync.models import LineItemLink
from sync.views.people import Evidence
from sync.views.seen import Cell, Item, Json, Seen


def day_of(text: str) -> str:
    """The day of an instant of the snapshot, as a person writes it; empty when there is none."""
    moment = parse_datetime(text) if text else None
    return date_format(moment.date()) if moment else ""


def evidence(item: Json, one: Json, there: Json) -> list[Evidence]:
    """`one` is the suggestion, `there` the SIS item itself; what one side does not give says nothing."""
    return [
        Evidence(_("Title"), item["title"], there["title"], one["exact"]),
        Evidence(_("Due date"), day_of(item["due"]), day_of(there["due"]), one["due"]),
        Evidence(_("Highest value"), item["maximum"], there["maximum"], one["maximum"]),
    ]


def in_words(one: Json, there: Json) -> str:
    """The same in one line."""
    said = [_("equal title") if one["exact"] else _("%(n)s of 100 alike") % {"n": one["score"]}]
    if one["due"] is not None:
        said.append(
            _("due the same day") if one["due"] else _("due %(day)s there") % {"day": day_of(there["due"])}
        )
    if one["maximum"] is not None:
        same = one["maximum"]
        said.append(_("same maximum") if same else _("maximum %(n)s there") % {"n": there["maximum"]})
    return ", ".join([*said, *([holds(there)] if there.get("results") else [])])


def holds(there: Json) -> str:
    """How many grades stand in the SIS item already; empty where it cannot be known."""
    number = there.get("results")
    if number is None:
        return ""
    text = ngettext("%(n)s grade stands there already", "%(n)s grades stand there already", number)
    return text % {"n": number}


def points(maximum: str) -> str:
    """ "20 points"; or that there is no maximum."""
    if not maximum:
        return _("no maximum in the LMS")
    number = Decimal(maximum)
    whole = int(number) if number == number.to_integral_value() else 2
    return ngettext("%(n)s point", "%(n)s points", whole) % {"n": maximum}


def with_evidence(seen: Seen, item: Item) -> Item:
    """The item in words, with what speaks for each of its suggestions."""
    item.data |= {"day": day_of(item.data["due"]), "points": points(item.data["maximum"])}
    for cell in item.cells:
        there = {one["id"]: one for one in seen.sis_items(cell.class_link.pk)}
        cell.suggestions = [
            one
            | {
                "evidence": evidence(item.data, one, there[one["sis_id"]]),
                "words": in_words(one, there[one["sis_id"]]),
                "holds": holds(there[one["sis_id"]]),
            }
            for one in cell.suggestions
            if {"due", "maximum"} <= one.keys()  # a snapshot of before this page was so
        ]
        cell.others = [one | {"day": day_of(one["due"])} for one in cell.others]
    return item


def has_equal_title(item: Item) -> bool:
    """Whether a free assignment of the SIS has exactly its title: then one click links it."""
    return any(one["exact"] for cell in item.cells if cell.link is None for one in cell.suggestions)


def others_for(seen: Seen, cell: Cell, links: list[LineItemLink]) -> list[Json]:
    """What a linked item could be linked to instead: everything of its class that is free."""
    taken = {link.line_item_id for link in links if link.connection_id == cell.class_link.connection_id}
    free = [one for one in seen.sis_items(cell.class_link.pk) if one["id"] not in taken]
    return [one | {"day": day_of(one["due"])} for one in free]


def grouped(items: list[Item]) -> list[tuple[str, list[Item]]]:
    """(to link, linked, left out): an item of several classes stands where something is still to do."""
    groups: dict[str, list[Item]] = {"open": [], "linked": [], "excluded": []}
    for item in items:
        states = {cell.link.state for cell in item.cells if cell.link}
        name = (
            "open" if item.is_open or "creating" in states else "linked" if "linked" in states else "excluded"
        )
        groups[name].append(item)
    return [(name, found) for name, found in groups.items() if found]
