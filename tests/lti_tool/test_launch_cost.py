"""What a launch costs the database, and what it leaves when several happen at once: lessons begin with a crowd."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import QuerySet

from lti_tool.models import Context, LtiSession, LtiUser, Membership
from tests.lti_tool.forging import Lms, assert_arrived, browser

MOST_QUERIES = 15


@pytest.mark.django_db
def test_launch_asks_the_database_at_most_fifteen_times(lms: Lms, django_assert_max_num_queries: Any) -> None:
    """Login and launch together; of a new course, of a new person, and of one who comes again."""
    lms.launch()
    for claims in (
        {"context": {"id": "new"}, "sub": "new"},
        {"context": {"id": "new"}, "sub": "newer"},
        {},
        {},
    ):
        lms.browser = browser()
        with django_assert_max_num_queries(MOST_QUERIES):
            assert lms.launch(set=claims).status_code == 302


@pytest.mark.django_db
def test_second_teacher_of_a_course_arrives_at_the_same_course(lms: Lms) -> None:
    assert_arrived(lms.launch())
    lms.browser = browser()
    answer = lms.launch(set={"sub": "colleague", "name": "Bo Lind"})
    assert answer.headers["Location"] == f"/courses/{Context.objects.get().public_id}/"
    assert set(LtiUser.objects.values_list("name", flat=True)) == {"Ada Okafor", "Bo Lind"}
    assert Membership.objects.filter(can_send=True).count() == 2


@pytest.mark.django_db
def test_course_that_another_launch_stored_a_moment_ago_is_taken_as_it_is(
    lms: Lms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked and found nothing; the second to write finds the first's rows, and lands on their page."""
    assert_arrived(lms.launch())
    before = {model: model._default_manager.get().pk for model in (Context, LtiUser, Membership)}
    look = QuerySet.first

    def too_early(rows: QuerySet[Any]) -> Any:
        return None if rows.model is Membership else look(rows)

    monkeypatch.setattr(QuerySet, "first", too_early)
    lms.browser = browser()
    assert_arrived(lms.launch(set={"context": {"id": Context.objects.get().context_id, "title": "Anew"}}))
    assert {model: model._default_manager.get().pk for model in before} == before
    assert Context.objects.get().title == "Anew"
    assert LtiSession.objects.count() == 2
