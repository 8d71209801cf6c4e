"""Creating an assignment: one POST whose answer is empty, then a look at what it made."""

from __future__ import annotations

import requests

from sync.errors import AdapterError, Rejected, Unreachable
from sync.sis import records as sis
from sync.sis.powerschool import errors, wire
from sync.sis.powerschool.client import Client
from sync.sis.powerschool.profile import TITLE_LIMIT, Config
from sync.sis.powerschool.sections import ASSIGNMENTS, Sections, is_id
from sync.sis.rest import Row


class Assignments:
    def __init__(self, client: Client, sections: Sections, config: Config) -> None:
        self._client, self._sections, self._config = client, sections, config

    def categories(self, section: wire.Section) -> list[Row]:
        """The lead teacher's active categories of the section's year."""
        params = [*section.teacher, ("year_id", str(section.year_id))]
        found = self._client.plain_list("/ws/xte/teacher_category", params)
        return [one for one in found if wire.is_set(one.get("isactive"))]

    def create(self, new: sis.NewLineItem) -> sis.LineItem:
        """Raises Rejected, TryLater, and Unreachable as soon as it may be there: then read before asking again."""
        section = self._sections.of(new.class_id)
        if section is None:
            raise Rejected("class_unknown")
        if words := _unfit(new):
            raise Rejected("malformed", words)
        category = self._category(section, new.category_title)
        body = wire.assignment_body(
            new, section, category, counts=self._config.counts, publish=self._config.publish
        )
        response = self._client.write("POST", ASSIGNMENTS, body, params=section.teacher)
        if not 200 <= response.status_code < 300:
            raise errors.assignment_refused(response)
        return self._made(section, response)

    def _made(self, section: wire.Section, response: requests.Response) -> sis.LineItem:
        """201 with an empty body: `Location` ends in the assignment's id, and scores want that of its section's part."""
        made_id = response.headers.get("Location", "").rstrip("/").rpartition("/")[2]
        if not is_id(made_id):
            raise Unreachable("PowerSchool made an assignment and does not say which.")
        try:
            found = self._client.json(f"{ASSIGNMENTS}{made_id}", section.teacher)
            columns = wire.columns_of(self._client.rows([found]), section.dcid)
        except AdapterError:
            raise Unreachable("PowerSchool made an assignment and does not show it.") from None
        if len(columns) != 1:
            raise Unreachable("PowerSchool made an assignment and does not show it in its section.")
        return columns[0].item

    def _category(self, section: wire.Section, title: str) -> Row:
        """Named by the teacher, else by the connection, else the only one: PowerSchool wants one, and nobody guesses."""
        active = self.categories(section)
        wanted = (title or self._config.category).strip().casefold()
        fitting = [one for one in active if not wanted or _title(one).casefold() == wanted]
        if len(fitting) == 1:
            return fitting[0]
        titles = ", ".join(sorted(_title(one) for one in active))
        words = f"PowerSchool wants one of the teacher's categories for an assignment. There are: {titles}"
        raise Rejected("extra_data_required", words)


def _title(category: Row) -> str:
    return str(category.get("name") or "").strip()


def read_category(raw: Row) -> sis.Category:
    return sis.Category(str(raw["teachercategoryid"]), _title(raw))


def _unfit(new: sis.NewLineItem) -> str:
    if len(new.title) > TITLE_LIMIT:
        return "PowerSchool takes titles of 50 characters at most: shorten it."
    if new.minimum != 0:
        return "PowerSchool's points begin at 0."
    return ""
