"""Creating assignments: the empty 201, the look after it, categories, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from gradesync_site.sandbox.sis.powerschool import seeds
from sync.errors import AdapterError, Misconfigured, Rejected, TryLater, Unreachable
from sync.sis import records as sis
from sync.sis.powerschool import PowerSchool
from tests.sandbox_servers import Server
from tests.sis.powerschool.conftest import adapter
from tests.sis.powerschool.scene import class_of, new_item, pushed, titles


def refused(of: PowerSchool, new: sis.NewLineItem) -> Rejected:
    with pytest.raises(Rejected) as raised:
        of.create_line_item(new)
    return raised.value


def posts(server: Server) -> list[dict[str, object]]:
    return [one for one in server.journal if one["method"] == "POST" and "/xte/" in str(one["path"])]


def test_a_new_assignment_is_looked_at_for_the_id_that_scores_want(host: Server) -> None:
    of = adapter(host)
    made = of.create_line_item(new_item(class_of(host), description="Chapters 5 to 7"))
    (assignment,) = [
        one for one in host.state["assignments"].values() if one["_assignmentsections"][0]["name"] == "Unit 3"
    ]
    part = assignment["_assignmentsections"][0]
    assert made.sourced_id == str(part["assignmentsectionid"]) != str(assignment["assignmentid"])
    assert (made.title, made.maximum, part["weight"]) == ("Unit 3", Decimal(12), 1)
    assert part["publishoption"] == "Immediately" and part["iscountedinfinalgrade"] is True
    student = of.students(class_of(host))[0].sourced_id
    key = sis.Key("1", class_of(host), made.sourced_id, student)
    assert pushed(of, key).state == "accepted"


def test_the_connection_says_how_new_assignments_count_and_show(host: Server) -> None:
    of = adapter(host, counts="no", publish="Never", category="Quiz")
    of.create_line_item(new_item(class_of(host), category_title=""))
    part = list(host.state["assignments"].values())[-1]["_assignmentsections"][0]
    (category,) = part["_assignmentcategoryassociations"]
    name = host.state["categories"][str(category["teachercategoryid"])]["name"]
    assert (part["iscountedinfinalgrade"], part["publishoption"], name) == (False, "Never", "Quiz")


def test_without_a_category_the_choices_are_named_and_none_is_guessed(host: Server) -> None:
    error = refused(adapter(host), new_item(class_of(host), category_title=""))
    assert error.code == "extra_data_required" and error.words.endswith("Classwork, Quiz, Test")
    assert posts(host) == []


def test_an_inactive_category_is_no_choice(host: Server) -> None:
    of = adapter(host)
    assert "Project" not in [one.title for one in of.categories(class_of(host))]
    assert refused(of, new_item(class_of(host), category_title="Project")).code == "extra_data_required"


def test_the_only_category_needs_no_choosing(host: Server) -> None:
    for one in host.state["categories"].values():
        one["isactive"] = one["name"] == "Quiz"
    assert adapter(host).create_line_item(new_item(class_of(host), category_title="")).title == "Unit 3"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"title": "x" * 51}, "malformed"),
        ({"minimum": Decimal(1)}, "malformed"),
        ({"class_id": "4777"}, "class_unknown"),
        ({"class_id": "ALG1-P3"}, "class_unknown"),
    ],
)
def test_what_cannot_be_there_is_refused_before_a_request(
    host: Server, fields: dict[str, object], code: str
) -> None:
    assert refused(adapter(host), new_item(class_of(host), **fields)).code == code
    assert posts(host) == []


def test_a_due_date_outside_of_the_term_is_told_with_powerschools_words(host: Server) -> None:
    error = refused(adapter(host), new_item(class_of(host), due=datetime(2027, 9, 1, tzinfo=UTC)))
    assert error.code == "malformed" and "duedate: Outside of the section's term." in error.words


def test_a_locked_term_takes_no_assignment(host: Server) -> None:
    host.state["locked"].append(seeds.TERM)
    assert refused(adapter(host), new_item(class_of(host))).code == "frozen"


@pytest.mark.parametrize("fault", ["lose-answer", "error-500-after-store", "no-location"])
def test_an_answer_that_is_lost_asks_nobody_to_make_it_twice(host: Server, fault: str) -> None:
    of = adapter(host)
    host.faults.on(fault, method="POST", path="/xte/")
    with pytest.raises(Unreachable):
        of.create_line_item(new_item(class_of(host)))
    found = [one for one in of.line_items(class_of(host)) if one.title == "Unit 3"]
    assert [(one.maximum, one.due) for one in found] == [(Decimal(12), datetime(2026, 2, 20, tzinfo=UTC))]


@pytest.mark.parametrize("fault", ["busy-503", "html-page", "wrong-scope"])
def test_an_assignment_that_was_made_and_cannot_be_looked_at_is_unknown(host: Server, fault: str) -> None:
    """TryLater would say that nothing was made, and a second one would be."""
    of = adapter(host)
    of.categories(class_of(host))
    host.faults.on(fault, method="GET", path=r"/section/assignment/\d")
    with pytest.raises(Unreachable):
        of.create_line_item(new_item(class_of(host)))
    assert titles(host).count("Unit 3") == 1


def test_an_assignment_that_is_answered_and_not_there_is_unknown(host: Server) -> None:
    host.faults.on("store-nothing")
    with pytest.raises(Unreachable):
        adapter(host).create_line_item(new_item(class_of(host)))


def test_an_assignment_shown_without_our_section_is_unknown(host: Server) -> None:
    of = adapter(host)
    of.categories(class_of(host))
    host.faults.on("odd-json", path=r"/section/assignment/\d", body={"_assignmentsections": []})
    with pytest.raises(Unreachable):
        of.create_line_item(new_item(class_of(host)))


@pytest.mark.parametrize(("fault", "error"), [("busy-429", TryLater), ("field-not-granted", Misconfigured)])
def test_a_creation_that_was_not_looked_at_made_nothing(
    host: Server, fault: str, error: type[AdapterError]
) -> None:
    before = len(titles(host))
    host.faults.on(fault, method="POST", path="/xte/")
    with pytest.raises(error):
        adapter(host).create_line_item(new_item(class_of(host)))
    assert len(titles(host)) == before


def test_an_assignment_of_several_sections_is_a_column_in_each(start: Callable[..., Server]) -> None:
    server = start()
    ours, theirs = class_of(server), str(server.hello["sections"]["BIO-P2"])
    base = {"duedate": "2026-02-01", "scoretype": "POINTS", "scoreentrypoints": 5, "weight": 1}
    parts = [base | {"name": f"Shared {one}", "sectionsdcid": int(one)} for one in (ours, theirs)]
    made = seeds.add_assignment(server.state, *parts)["_assignmentsections"]
    of = adapter(server)
    for dcid, part in zip((ours, theirs), made, strict=True):
        (column,) = [one for one in of.line_items(dcid) if one.title.startswith("Shared")]
        assert (column.sourced_id, column.title) == (str(part["assignmentsectionid"]), f"Shared {dcid}")
