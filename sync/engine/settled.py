"""A person's word on one student stands on the pages at once, before the next read confirms it."""

from __future__ import annotations

from django.db import transaction

from lti_tool.models import Context
from sync.models import ContextState


@transaction.atomic
def show(context: Context, lms_user_id: str, state: str, reason: str = "", **match: object) -> None:
    """Rewrite her row of the snapshot; where nothing was read yet, there is none."""
    kept = ContextState.objects.select_for_update().filter(context=context).first()
    rows = kept.snapshot.get("students", []) if kept else []
    for row in rows:
        if row["user_id"] == lms_user_id:
            nobody = {"by": "", "class_link": None, "student_id": "", "student_name": "", "lapsed": False}
            row.update(nobody | match | {"state": state, "reason": reason})
    if kept and rows:
        kept.save(update_fields=["snapshot"])
