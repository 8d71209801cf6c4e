"""Creating assignments: in one gradebook and no linked one, once, in a category that somebody chose."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from gradesync_site.sandbox.sis.aeries_api import seeds
from sync.errors import AdapterError, Misconfigured, Rejected, TryLater, Unreachable
from sync.sis import records as sis
from sync.sis.aeries import Aeries
from tests.sandbox_servers import Server
from tests.sis.aeries.conftest import adapter
from tests.sis.aeries.scene import book_of, class_of, new_item


def refused(of: Aeries, new: sis.NewLineItem) -> Rejected:
    with pytest.raises(Rejected) as raised:
        of.create_line_item(new)
    return raised.value


def made(server: Server) -> list[dict[str, Any]]:
    return [one for one in server.state["assignments"].values() if one["Description"] == "Unit 3"]


def test_a_new_assignment_appears_in_its_gradebook_and_in_no_linked_one(host: Server) -> None:
    found = adapter(host).create_line_item(new_item(class_of(host), description="Chapters 5 to 7"))
    (row,) = made(host)
    assert (found.sourced_id, found.title, found.maximum) == (row["UniqueID"], "Unit 3", Decimal(12))
    assert row["GradebookNumber"] == book_of(host)["GradebookNumber"]
    assert (row["ExternalID"], row["PointsPossible"], row["Comment"]) == ("our-id", 12, "Chapters 5 to 7")
    assert (row["AssignmentCategory"]["Code"], row["FormativeSummativeIndicator"]) == ("T", "S")
    body = next(one["body"] for one in host.journal if one["path"].endswith("/Assignments"))
    assert body["CreateInLinkedGradebooksToo"] is False


def test_a_server_that_creates_in_linked_gradebooks_all_the_same_does_not_mix_them_up(host: Server) -> None:
    of = adapter(host)
    found = of.create_line_item(new_item(class_of(host)))
    (row,) = made(host)
    rows = [{**row, "GradebookNumber": 1, "UniqueID": "OTHER"}, row]
    host.state["assignments"].clear()
    name = "aeries.POST/gradebooks/<number>/Assignments"
    from gradesync_site.sandbox.control import answer

    host.running.app.view_functions[name] = lambda number: answer(rows, 201)
    assert of.create_line_item(new_item(class_of(host))).sourced_id == found.sourced_id


@pytest.mark.parametrize("fault", ["lose-answer", "error-500-after-store", "html-answer", "empty-answer"])
def test_an_answer_that_is_lost_makes_no_second_one(host: Server, fault: str) -> None:
    of, new = adapter(host), new_item(class_of(host))
    host.faults.on(fault, method="POST", path="/Assignments")
    with pytest.raises(Unreachable):
        of.create_line_item(new)
    host.faults.off()
    assert adapter(host).create_line_item(new).sourced_id == made(host)[0]["UniqueID"]
    assert len(made(host)) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [("busy-429", TryLater), ("not-granted", Misconfigured), ("lose-request", Unreachable)],
)
def test_a_creation_that_was_not_looked_at_made_nothing(
    host: Server, fault: str, error: type[AdapterError]
) -> None:
    host.faults.on(fault, method="POST")
    with pytest.raises(error):
        adapter(host).create_line_item(new_item(class_of(host)))
    assert made(host) == []


def test_without_a_category_the_choices_are_named_and_none_is_guessed(host: Server) -> None:
    error = refused(adapter(host), new_item(class_of(host), category_title=""))
    assert error.code == "extra_data_required" and error.words.endswith("Homework, Test, Quiz")
    assert made(host) == []
    assert refused(adapter(host), new_item(class_of(host), category_title="Lab")).code == error.code


def test_the_connection_or_the_only_category_spares_choosing(host: Server) -> None:
    new = new_item(class_of(host), category_title="")
    adapter(host, category="q", formative_summative="F").create_line_item(new)
    assert (made(host)[0]["AssignmentCategory"]["Code"], made(host)[0]["FormativeSummativeIndicator"]) == (
        "Q",
        "F",
    )
    book = book_of(host)
    book["AssignmentCategories"] = book["AssignmentCategories"][:1]
    adapter(host).create_line_item(new_item(class_of(host), category_title="", sourced_id="other"))
    assert made(host)[1]["AssignmentCategory"]["Code"] == "H"
    assert [one.title for one in adapter(host).categories(class_of(host))] == ["Homework"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"title": "x" * 51}, "malformed"),
        ({"minimum": Decimal(1)}, "malformed"),
        ({"class_id": "994-1777"}, "class_unknown"),
        ({"class_id": "ALG1-P3"}, "class_unknown"),
    ],
)
def test_what_cannot_be_there_is_refused_before_a_request(
    host: Server, fields: dict[str, Any], code: str
) -> None:
    assert refused(adapter(host), new_item(class_of(host), **fields)).code == code
    assert [one for one in host.journal if one["method"] == "POST"] == []


def test_a_locked_gradebook_takes_no_assignment(host: Server) -> None:
    host.state["locked"].append(book_of(host)["GradebookNumber"])
    error = refused(adapter(host), new_item(class_of(host)))
    assert (error.code, error.words) == ("frozen", "The gradebook is locked.")


def test_a_gradebook_deleted_under_the_creation_is_told(host: Server) -> None:
    name = "aeries.POST/gradebooks/<number>/Assignments"
    host.running.app.view_functions[name] = lambda number: ('{"Message": "Gone."}', 404)
    assert refused(adapter(host), new_item(class_of(host))).code == "class_unknown"


def test_of_several_gradebooks_the_one_that_holds_the_due_date_takes_it(host: Server) -> None:
    first = book_of(host)
    section = first["Sections"][0]["SectionNumber"]
    second = seeds.add_gradebook(host.state, section, "Algebra 1, spring")
    first["EndDate"], second["StartDate"] = "2026-01-09T00:00:00", "2026-01-10T00:00:00"
    of = adapter(host)
    of.create_line_item(new_item(class_of(host)))
    assert [one["GradebookNumber"] for one in made(host)] == [second["GradebookNumber"]]
    late = new_item(class_of(host), due=datetime(2027, 9, 1, tzinfo=UTC), sourced_id="late")
    assert refused(of, late).code == "extra_data_required"
    first["EndDate"] = None
    assert refused(adapter(host), new_item(class_of(host), sourced_id="both")).code == "extra_data_required"
