"""What is known of the sections and their assignments, read once for each adapter: an adapter lives for one run."""

from __future__ import annotations

from threading import Lock
from typing import Final

from sync.errors import Misconfigured, Rejected
from sync.sis.powerschool import wire
from sync.sis.powerschool.client import Client
from sync.sis.rest import Row

ASSIGNMENTS: Final = "/ws/xte/section/assignment/"


class Sections:
    """Used from several threads at once."""

    def __init__(self, client: Client) -> None:
        self._client, self._lock = client, Lock()
        self._sections: dict[str, wire.Section | None] = {}
        self._columns: dict[str, dict[str, wire.Column]] = {}

    def record(self, dcid: str) -> Row | None:
        """The section's record of /ws/v1; None for an id of another form, too."""
        return self._client.record(f"/ws/v1/section/{dcid}", "section") if is_id(dcid) else None

    def of(self, dcid: str) -> wire.Section | None:
        """What the gradebook wants to know of a section; None where there is none."""
        with self._lock:
            if dcid not in self._sections:
                self._sections[dcid] = self._read(dcid)
            return self._sections[dcid]

    def linked(self, dcid: str) -> wire.Section:
        """The section of a class link. Raises Misconfigured: a link that names none is mended by linking again."""
        found = self.of(dcid)
        if found is None:
            text = "The linked class is no section of PowerSchool. Link the class again."
            raise Misconfigured(text, "class_unknown")
        return found

    def columns(self, section: wire.Section) -> list[wire.Column]:
        """The section's assignments, read now."""
        params = [*section.teacher, ("section_ids", section.dcid)]
        found = wire.columns_of(self._client.plain_list(ASSIGNMENTS, params), section.dcid)
        with self._lock:
            self._columns[section.dcid] = {one.column_id: one for one in found}
        return found

    def column(self, section: wire.Section, column_id: str) -> wire.Column:
        """One assignment, as it was last read. Raises Rejected where there is none, or where it takes no points."""
        with self._lock:
            known = self._columns.get(section.dcid, {}).get(column_id)
        found = known or next((one for one in self.columns(section) if one.column_id == column_id), None)
        if found is None:
            raise Rejected("line_item_missing")
        if found.refusal:
            raise Rejected("not_gradable", found.refusal)
        return found

    def _read(self, dcid: str) -> wire.Section | None:
        record = self.record(dcid)
        row = self._client.row("sections", wire.SECTION_FIELDS, f"dcid=={dcid}") if record else None
        if record is None or row is None:
            return None
        staff = self._client.record(f"/ws/v1/staff/{record.get('staff_id')}", "staff") or {}
        users_dcid = str(staff.get("users_dcid") or "")
        if not users_dcid or not str(row.get("termid")).isdecimal():
            text = (
                "PowerSchool names no lead teacher of a linked section, or not its term. A PowerSchool administrator must "
                "check the section, and that the plugin may read it."
            )
            raise Misconfigured(text, "section_incomplete")
        return wire.Section(dcid, str(row["id"]), int(row["termid"]), users_dcid)


def is_id(text: str) -> bool:
    """A DCID, as it may stand in an address."""
    return text.isascii() and text.isdecimal()
