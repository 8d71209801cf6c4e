"""What programs read: staff only, of their own institutions, and grades as text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from sync import engine
from sync.lms import memory as lms_memory
from sync.models import Run
from tests.sync.pages import teacher
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def course() -> Course:
    made = make_course(students=2, items=1)
    made.lms.grade("u1", "a1", Decimal("9.257"))
    return made


@pytest.fixture
def staff(course: Course) -> Client:
    return client_of("staff", course)


def client_of(name: str, course: Course | None = None, **more: Any) -> Client:
    user = User.objects.create_user(name, password="x", **{"is_staff": True} | more)
    if course is not None:
        user.groups.add(Group.objects.get_or_create(name=course.context.institution.name)[0])
    client = Client()
    client.force_login(user)
    return client


def course_url(course: Course, rest: str = "") -> str:
    return f"/api/v1/courses/{course.context.public_id}/{rest}"


def urls_of(course: Course) -> list[str]:
    run = Run.objects.filter(context=course.context).latest("id")
    return [
        course_url(course),
        course_url(course, "runs/"),
        f"/api/v1/runs/{run.pk}/",
        f"/api/v1/runs/{run.pk}/report/",
    ]


def test_courses_are_listed_with_their_classes(course: Course, staff: Client) -> None:
    (one,) = staff.get("/api/v1/courses/").json()["results"]
    assert (one["id"], one["title"]) == (str(course.context.public_id), "Algebra")
    assert [link["class_id"] for link in one["classes"]] == ["c1"]


def test_preview_is_started_and_sends_nothing(course: Course, staff: Client) -> None:
    answer = staff.post(course_url(course, "preview/"))
    assert answer.status_code == 201
    assert answer.json()["counts"]["created"] == 1
    assert (answer.json()["state"], answer.json()["asked_by"]) == ("review", "API: staff")
    assert course.sis.attempts == []


def test_report_holds_every_grade_as_text(course: Course, staff: Client) -> None:
    run = course.send()
    data = staff.get(f"/api/v1/runs/{run.pk}/report/").json()
    assert [(row["after"], row["state"]) for row in data["changes"]] == [("9.257", "accepted")]
    assert data["in_sync"] is True
    assert data["about"]["run"] == run.pk


def test_report_is_the_one_that_the_page_gives_to_keep(course: Course, staff: Client) -> None:
    run = course.send()
    kept = teacher(course.context).get("report_json", run.pk)
    assert staff.get(f"/api/v1/runs/{run.pk}/report/").json() == kept.json()


def test_runs_come_newest_first_and_in_pages(course: Course, staff: Client) -> None:
    first, second = course.send(), engine.reconcile(course.context, course.who)
    data = staff.get(course_url(course, "runs/"), {"limit": 1}).json()
    assert (data["count"], data["results"][0]["run"]) == (2, second.pk)
    assert staff.get(data["next"]).json()["results"][0]["run"] == first.pk


def test_course_without_a_class_answers_409_with_the_reason(course: Course, staff: Client) -> None:
    course.class_link.delete()
    answer = staff.post(course_url(course, "preview/"))
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "No SIS class is linked to this course yet.",
    )


def test_lms_that_is_away_answers_503(course: Course, staff: Client) -> None:
    course.lms.on_read = lms_memory.try_later()
    answer = staff.post(course_url(course, "preview/"))
    assert (answer.status_code, answer.json()["detail"]) == (503, "The LMS is busy.")


def test_staff_of_another_institution_find_nothing(course: Course) -> None:
    course.send()
    other = client_of("other", make_course())
    assert [one["title"] for one in other.get("/api/v1/courses/").json()["results"]] == ["Algebra"]
    for url in urls_of(course):
        assert (url, other.get(url).status_code) == (url, 404)
    assert other.post(course_url(course, "preview/")).status_code == 404


def test_staff_of_no_institution_see_no_course(course: Course) -> None:
    assert client_of("nobody").get("/api/v1/courses/").json()["results"] == []


def test_superuser_sees_all_institutions(course: Course) -> None:
    make_course()
    assert client_of("root", is_superuser=True).get("/api/v1/courses/").json()["count"] == 2


def test_others_are_turned_away(course: Course) -> None:
    course.send()
    not_staff = client_of("person", course, is_staff=False)
    for url in [*urls_of(course), "/api/v1/courses/"]:
        assert not_staff.get(url).status_code == 403
        assert Client().get(url).status_code in {401, 403}
    assert not_staff.post(course_url(course, "preview/")).status_code == 403


def test_teachers_session_is_no_key_to_the_api(course: Course) -> None:
    assert teacher(course.context).client.get(course_url(course)).status_code in {401, 403}


def test_api_cannot_send(course: Course, staff: Client) -> None:
    run_id = staff.post(course_url(course, "preview/")).json()["run"]
    for verb in ("post", "put", "patch", "delete"):
        assert getattr(staff, verb)(f"/api/v1/runs/{run_id}/").status_code == 405
    assert Run.objects.get().state == "review"


def test_number_of_queries_does_not_grow_with_the_courses(
    staff: Client, course: Course, django_assert_max_num_queries: Any
) -> None:
    group = Group.objects.get()
    for _number in range(5):
        other = make_course(students=1, items=1)
        User.objects.get().groups.add(Group.objects.create(name=other.context.institution.name))
    assert group.name == course.context.institution.name
    with django_assert_max_num_queries(8):
        assert staff.get("/api/v1/courses/").json()["count"] == 6
