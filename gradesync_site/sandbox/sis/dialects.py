"""Products that speak OneRoster their own way: what each accepts and refuses. The default is the standard to the letter.

Only what is publicly said of a product stands here; the source is beside each. Numbers:

1. kb.infinitecampus.com/help/connecting-to-oneroster-grade-book-endpoints
2. cepster/OneRosterAssignmentSyncTester, util.js (of Infinite Campus)
3. help.otus.com 2826758, 4467758 (Infinite Campus), 4881312 (Skyward), 6386718 (Aeries)
4. api-docs.veracross.com, "Using the OneRoster API" and its OpenAPI
5. community.blackbaud.com 69498, 289941; ed.link/docs/providers/blackbaud/details
6. ed.link's provider pages: Skyward Qmlativ, Aspen
7. support.aeries.com 14000065667
8. Google's conformance suite for SISs
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from gradesync_site.sandbox.sis.rules import invalid
from gradesync_site.sandbox.sis.shapes import Shape, day, moment
from gradesync_site.sandbox.sis.store import Json, Store

BOTH = frozenset({"1.1", "1.2"})
OLD = frozenset({"1.1"})


@dataclass(frozen=True)
class Dialect:
    """What one product does differently. `most_title` and `most_category` 0: no limit."""

    versions: frozenset[str] = BOTH
    # a header that every gradebook request must carry, beside its token
    header: str = ""
    scopes: tuple[str, ...] = ()
    only_approved_scopes: bool = False
    scope_status: int = 403
    error_shape: int = 0
    posts: bool = True
    put_without_id: bool = False
    partial_update: bool = False
    echoes: bool = False
    update_status: int = 201
    # what a scoreDate may be, after the standard's date: a date-time alone, or either
    score_date: Literal["date", "datetime", "either"] = "date"
    over_max: bool = False
    most_title: int = 0
    most_category: int = 0
    whole_maximum: bool = False
    open_periods_only: bool = False
    uncategorized: bool = False
    categories_by_class: bool = True
    makes_categories: bool = True
    deletes_line_items: bool = True
    letters_key: str = ""
    only_graded: bool = False
    teachers_own: bool = False
    scale_refuses_numbers: bool = False

    def shapes(self, strict: Mapping[str, Shape]) -> dict[str, Shape]:
        """The standard's shapes as this product reads them."""
        found = dict(strict)
        if self.score_date != "date":
            check = moment if self.score_date == "datetime" else _day_or_moment
            fields = {**found["results"].fields, "scoreDate": check}
            found["results"] = replace(found["results"], fields=fields)
        if self.uncategorized:
            items = found["lineItems"]
            found["lineItems"] = replace(items, required=items.required - {"category", "school"})
        if self.partial_update:
            own = {"sourcedId", "dateLastModified", "status"}
            found = {name: replace(one, required=one.required - own) for name, one in found.items()}
        return found

    def check(self, store: Store, collection: str, record: Json) -> None:
        """Raises Refusal for a record that is good by the standard and not for this product."""
        if collection == "lineItems":
            self._check_line_item(store, record)
        elif collection == "categories" and 0 < self.most_category < len(record["title"]):
            raise invalid(f"Title is too long (maximum is {self.most_category} characters).")
        elif collection == "results" and record["status"] == "active":
            self._check_result(store, record)

    def _check_line_item(self, store: Store, record: Json) -> None:
        if 0 < self.most_title < len(record["title"]):
            raise invalid(f"The title is longer than {self.most_title} characters.")
        most = record.get("resultValueMax")
        if self.whole_maximum and most is not None and most != int(most):
            raise invalid("Points possible must be a whole number.")
        if self.open_periods_only and not _in_open_period(store, record["dueDate"][:10]):
            raise invalid("The due date is outside of an open grading period.")

    def _check_result(self, store: Store, record: Json) -> None:
        item = store.need("lineItems", record["lineItem"], 422)
        if self.scale_refuses_numbers and "scoreScale" in item and "score" in record:
            raise invalid("LineItemHasGradingScale")
        others = store.results_of(record["lineItem"], record["student"])
        if self.teachers_own and any(store.is_by_hand(one["sourcedId"]) for one in others):
            raise invalid("A grade that was entered here cannot be changed from outside.")

    def as_kept(self, collection: str, record: Json) -> Json:
        """What this product makes of a record that it takes."""
        if collection == "lineItems" and self.uncategorized:
            return {name: value for name, value in record.items() if name != "category"}
        if collection != "results":
            return record
        if self.letters_key:
            record = {name: value for name, value in record.items() if name != "textScore"}
        graded = self.only_graded and record["scoreStatus"] != "not submitted"
        return record | {"scoreStatus": "fully graded"} if graded else record


def _day_or_moment(value: Any, lenient: bool) -> str:
    return day(value, lenient) and moment(value, lenient)


def _in_open_period(store: Store, day: str) -> bool:
    periods = (one for one in store.state["academicSessions"].values() if one["type"] == "gradingPeriod")
    return any(one["startDate"] <= day <= one["endDate"] for one in periods)


DIALECTS: Mapping[str, Dialect] = {
    "oneroster": Dialect(),
    # 1.1 alone, as the standard has it
    "oneroster11": Dialect(versions=OLD),
    "infinite_campus": Dialect(
        header="x-vendor-authorization",  # 1
        open_periods_only=True,  # 1
        uncategorized=True,  # 1: whatever category is named, the column arrives without one
        score_date="either",  # 2 sends a date-time; that it must be one is not said
        letters_key="ext_infiniteCampus_scoreGrade",  # 2
        most_title=49,  # 3
        whole_maximum=True,  # 3
    ),
    "veracross": Dialect(
        versions=OLD,  # 4
        only_approved_scopes=True,  # 4
        scope_status=401,  # 4
        error_shape=4,  # 4
        put_without_id=True,  # 4
        partial_update=True,  # 4
        most_category=50,  # 4
    ),
    "blackbaud": Dialect(
        versions=OLD,  # 5
        error_shape=3,  # 5
        echoes=True,  # 5
        score_date="datetime",  # 5
        deletes_line_items=False,  # 5
        only_graded=True,  # 5
        teachers_own=True,  # 5
        scale_refuses_numbers=True,  # 5
    ),
    "skyward": Dialect(most_title=49, whole_maximum=True, categories_by_class=False),  # 3, 6
    "aspen": Dialect(versions=OLD, makes_categories=False),  # 6
    "synergy": Dialect(versions=OLD),
    "aeries": Dialect(versions=OLD, whole_maximum=True),  # 7, 3
    "google": Dialect(
        scopes=("roster.readonly", "gradebook.readonly", "gradebook.createput", "gradebook.delete"),  # 8
        posts=False,  # 8: nothing in it asks for one
        update_status=200,  # 8
        score_date="datetime",  # 8
        over_max=True,  # 8
    ),
}
