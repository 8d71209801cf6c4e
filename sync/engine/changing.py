"""Another SIS item for an assignment that is linked already: what that moves, told before, and done as it was told."""

from __future__ import annotations

from typing import Any

from sync.engine import ledger
from sync.engine.errors import Changed, EngineError, Who
from sync.engine.items import link_line_item
from sync.engine.links import must_be_idle
from sync.models import ContextState, LineItemLink, SentGrade
from sync.relinking import Move, move


def preview_change(link: LineItemLink, sis_id: str) -> Move:
    """What would stay at the item linked now, and what would go to the other one, as far as the last read knows."""
    state = ContextState.objects.filter(context=link.class_link.context).first()
    graded = _graded(state.snapshot if state else {}, link)
    sent: dict[str, set[str]] = {link.line_item_id or "": set(), sis_id: set()}
    rows = SentGrade.objects.filter(
        connection=link.connection, class_id=link.class_link.class_id, line_item_id__in=sent
    )
    for row in rows:
        known = ledger.sent_of(row)
        if known.as_stored is not None or any(known.since):
            sent[row.line_item_id].add(row.student_id)
    return move(graded, sent[link.line_item_id or ""], sent[sis_id])


def _graded(snapshot: dict[str, Any], link: LineItemLink) -> set[str]:
    marks = snapshot.get("graded", {}).get(link.lms_line_item_id, "")
    return {
        row["student_id"]
        for row, mark in zip(snapshot.get("students", []), marks, strict=False)
        if mark == "1" and row["state"] == "matched" and row["class_link"] == link.class_link_id
    }


def change_line_item(link: LineItemLink, sis_id: str, was: str, who: Who) -> LineItemLink:
    """Link it to another SIS item of its class. `was`: the item she saw it linked to. The scale stays.

    Raises Changed when it is linked otherwise meanwhile, LinkRefused when the other item is gone or taken.
    """
    who.must_be_able_to_send(link.class_link.context)
    must_be_idle(link.class_link.context)
    if link.state != "linked" or link.line_item_id != was:
        raise Changed("This link was changed by someone else a moment ago. Look again.")
    if sis_id == was:
        raise EngineError("It is linked to this SIS assignment already.")
    return link_line_item(link.class_link, link.lms_line_item_id, sis_id, who, scale=link.scale)
