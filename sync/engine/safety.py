"""Safety stops of a read: why its list waits for a person's second look, with the figures (design §4)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sync import planning
from sync.lms import records as lms
from sync.models import ContextState, LineItemLink
from sync.sis import records as sis

if TYPE_CHECKING:
    from sync.engine.reading import Reading


def stops_of(reading: Reading) -> list[planning.Stop]:
    state = ContextState.objects.filter(context=reading.context).first()
    last = planning.Pulled(state.last_students, state.last_results) if state else planning.Pulled(0, 0)
    now = planning.Pulled(reading.account.students, reading.graded)
    return [*planning.stops(now, last, reading.plan.changes, reading.sent), *_moved_items(reading)]


def _moved_items(reading: Reading) -> list[planning.Stop]:
    """An item's maximum or the scheme changed since the last send (design §4), and its grades with it."""
    changing = {(change.key.connection, change.key.line_item_id) for change in reading.plan.changes}
    items = {item.line_item_id: item for item in reading.gradebook.line_items}
    sent_items = {(key.connection, key.line_item_id) for key, one in reading.sent.items() if one.known}
    versions: dict[tuple[str, str], set[str]] = defaultdict(set)
    for key, wanted in reading.account.wanted.items():
        versions[key.connection, key.line_item_id].add(wanted.scheme_version)
    moved = []
    for link in reading.links:
        item, name = items.get(link.lms_line_item_id), (str(link.connection_id), link.line_item_id or "")
        if item is not None and name in sent_items & changing:
            moved += _moved(link, item, versions[name])
    return moved


def _moved(link: LineItemLink, item: lms.LineItem, versions: set[str]) -> list[planning.Stop]:
    """`versions` are the scheme versions that this item's grades are converted by now (none: nothing to convert)."""
    stops = []
    now = "" if item.maximum is None else sis.plain(item.maximum)
    if link.lms_maximum and link.lms_maximum != now:
        text = f"“{item.title}” now counts {now or 'no'} points in the LMS; when last sent it counted {link.lms_maximum}."
        stops.append(planning.Stop("maximum-changed", text))
    if link.scheme_version and versions - {"", link.scheme_version}:
        text = f"The grading scheme of “{item.title}” changed since the last send."
        stops.append(planning.Stop("scheme-changed", text))
    return stops
