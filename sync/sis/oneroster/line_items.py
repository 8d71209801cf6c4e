"""Creating a line item, and the category it must stand in."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import requests

from lti_tool import http
from sync.errors import AdapterError, Misconfigured, Rejected, RejectionCode, Unreachable
from sync.sis import records as sis
from sync.sis.oneroster import bodies, errors, wire
from sync.sis.oneroster.client import Client, Record, one_of
from sync.sis.oneroster.profile import Config


class LineItems:
    def __init__(self, client: Client, config: Config) -> None:
        self._client, self._config = client, config

    def create(self, new: sis.NewLineItem, known: list[sis.Category]) -> sis.LineItem:
        """Create it and read it back: what counts is what is there. Raises as `Sis.create_line_item` says."""
        self._check(new)
        body = bodies.line_item_body(new, self._category_id(new, known), self._config, datetime.now(UTC))
        item_id = self._posted(new, body) if self._config.line_items == "post" else self._put(new, body)
        stored = self._client.get_one(self._config.gradebook_url("lineItems", item_id), "lineItem")
        if stored is None:
            raise Unreachable("The SIS accepted the assignment and does not show it yet.")
        return wire.read_line_item(stored, new.class_id)

    def _check(self, new: sis.NewLineItem) -> None:
        if self._config.line_items == "none":
            raise Rejected(
                "forbidden", "This connection does not create assignments. Create it in the SIS and link it."
            )
        if not self._config.is_v11 and not new.school_id:
            raise _needs("The SIS names no school for this class. Its administrator must set one.")
        if self._config.is_v11 and not new.session_id:
            raise _needs("The SIS names no grading period for this class. Its administrator must set one.")
        if len(new.title) > self._config.title_limit:
            raise Rejected(
                "malformed", f"The SIS takes titles of at most {self._config.title_limit} characters."
            )
        if self._config.whole_maximum and new.maximum != new.maximum.to_integral_value():
            raise Rejected("malformed", "The SIS takes whole numbers only as an assignment's maximum.")

    def _put(self, new: sis.NewLineItem, body: Record) -> str:
        response = self._client.write("PUT", self._place("lineItems", new.sourced_id), {"lineItem": body})
        if response.status_code in errors.UNSUPPORTED:
            text = "The SIS does not take line items by PUT. An administrator can set the option line_items=post or none."
            raise Misconfigured(text, "line_items_unsupported")
        if not 200 <= response.status_code < 300:
            raise self._refused(new, response)
        if self._config.line_items == "put":
            return new.sourced_id
        given = echoed_id(response, "lineItem")
        if not given:
            raise Unreachable("The SIS accepted the assignment without naming its id.")
        return given

    def _place(self, collection: str, sourced_id: str) -> str:
        """Where a new record is put: some SISs want no id in the address."""
        path = (collection,) if self._config.line_items == "put_without_id" else (collection, sourced_id)
        return self._config.gradebook_url(*path)

    def _posted(self, new: sis.NewLineItem, body: Record) -> str:
        """POST classes/{id}/lineItems: the SIS gives the id. An answer without it: read before trying again."""
        url = self._config.gradebook_url("classes", new.class_id, "lineItems")
        response = self._client.write("POST", url, {"lineItems": [body]})
        if not 200 <= response.status_code < 300:
            raise self._refused(new, response)
        given = allocated(response).get(new.sourced_id, "")
        if not given:
            raise Unreachable("The SIS accepted the assignment without naming its id.")
        return given

    def _refused(self, new: sis.NewLineItem, response: requests.Response) -> Rejected:
        code: RejectionCode = errors.code_of(response) or "malformed"
        if response.status_code in errors.GONE and not self._class_is_there(new.class_id):
            code = "class_unknown"
        elif code == "malformed" and self._is_outside_its_session(new):
            code = "window_closed"
        return Rejected(code, errors.status_info(response).words)

    def _is_outside_its_session(self, new: sis.NewLineItem) -> bool:
        """Due when the session that it names has not begun or has ended: some SISs take only what is due inside."""
        if not new.session_id:
            return False
        try:
            raw = self._client.get_one(
                self._config.rostering_url("academicSessions", new.session_id), "academicSession"
            )
        except AdapterError:
            return False  # the refusal itself is what must be told
        session = wire.read_session(raw or {})
        if not session.begins or not session.ends:
            return False
        return not session.begins <= new.due.date() <= session.ends

    def _class_is_there(self, class_id: str) -> bool:
        try:
            return self._client.get_one(self._config.rostering_url("classes", class_id), "class") is not None
        except AdapterError:
            return True  # not known to be gone

    def _category_id(self, new: sis.NewLineItem, known: list[sis.Category]) -> str:
        """An existing category of that title, else one created under an id derived from it; "" where none is named."""
        if self._config.categories == "none":
            return ""
        title = new.category_title.strip() or self._config.category
        found = sorted(one.sourced_id for one in known if one.title.strip().casefold() == title.casefold())
        if found:
            return found[0]
        if not self._config.create_categories:
            raise _needs(
                f"The SIS has no category “{title}”. Choose another, or ask the SIS administrator to create it."
            )
        if len(title) > self._config.category_limit:
            raise _needs(
                f"The SIS takes category titles of at most {self._config.category_limit} characters. Choose another."
            )
        return self._created_category(title)

    def _created_category(self, title: str) -> str:
        category_id = str(
            uuid.uuid5(uuid.NAMESPACE_URL, self._config.gradebook_url("categories", title.casefold()))
        )
        body = bodies.category_body(category_id, title, datetime.now(UTC))
        response = self._client.write("PUT", self._place("categories", category_id), {"category": body})
        if 200 <= response.status_code < 300:
            return echoed_id(response, "category") or category_id
        words = errors.status_info(response).words
        raise _needs(
            f"The SIS did not create the category “{title}”. Choose an existing one, or ask the SIS administrator. {words}"
        )


def _needs(words: str) -> Rejected:
    return Rejected("extra_data_required", words.strip())


def echoed_id(response: requests.Response, name: str) -> str:
    """The id of the record that an answer to PUT shows, alone or in a list of one; "" for the usual empty body."""
    try:
        found = one_of(http.loads(response.content), name)
    except http.BadBody:
        return ""
    return wire.text(found.get("sourcedId")) if found else ""


def allocated(response: requests.Response) -> dict[str, str]:
    """suppliedSourcedId to allocatedSourcedId, of pairs given as a list, as one object, or not at all."""
    try:
        body: Any = http.loads(response.content)
    except http.BadBody:
        return {}
    pairs = body.get("sourcedIdPairs", body) if isinstance(body, dict) else body
    found = [pair for pair in (pairs if isinstance(pairs, list) else [pairs]) if isinstance(pair, dict)]
    return {
        wire.text(pair.get("suppliedSourcedId")): wire.text(pair.get("allocatedSourcedId")) for pair in found
    }
