"""What a teacher sees while a worker reads, when it fails, and when nobody reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from lti_tool.models import LtiUser, Membership
from sync import engine, tasks
from sync.lms.memory import misconfigured, try_later
from sync.models import ContextState, LineItemLink, Look, Run, StudentLink
from tests.sync.pages import Browser, person, read_now, teacher, text_of
from tests.sync.worlds import Course

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def ada(course: Course) -> Browser:
    """Her clicks wait for a worker, and none comes by itself."""
    return teacher(course.context, worker=False)


def newest(course: Course) -> Run:
    return Run.objects.filter(context=course.context).latest("id")


def part(browser: Browser, name: str, *args: Any, **query: str) -> HttpResponse:
    return browser.get(name, *args, query=query, headers=HTMX)


def leads_to(answer: HttpResponse) -> str:
    return str(json.loads(answer["HX-Location"])["path"])


# --- a run's read ---------------------------------------------------------------------------------------------


def test_click_on_review_reads_nothing_within_the_request(
    course: Course, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(tasks.read_run, "delay", rung.append)
    page = text_of(ada.post("preview"))
    assert course.lms.reads == 0
    assert rung == [newest(course).pk]
    assert "Reading both gradebooks…" in page
    assert "by Ada Teacher" in page
    assert "were not read before" in page


def test_broker_that_is_away_loses_no_click(
    course: Course, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_pk: int) -> None:
        raise OSError

    monkeypatch.setattr(tasks.read_run, "delay", gone)
    assert "Reading both gradebooks…" in text_of(ada.post("preview"))
    assert newest(course).is_reading


def test_page_shows_what_came_and_goes_on_by_itself(course: Course, ada: Browser) -> None:
    ada.post("preview")
    run = newest(course)
    shown: list[str] = []
    course.sis.on_read = lambda *_: shown.append(text_of(part(ada, "run_reading", run.pk, phase="lms")))
    engine.read_run(run.pk)
    assert "LMS: 3 students, 2 assignments, 4 results" in shown[0]
    assert "Reading the SIS, then comparing" in shown[0]
    assert leads_to(part(ada, "run_reading", run.pk)) == ada.url("review", run.pk)


def test_phase_is_spoken_once_when_it_changes(course: Course, ada: Browser) -> None:
    ada.post("preview")
    run = newest(course)
    assert "hx-swap-oob" not in part(ada, "run_reading", run.pk, phase="waiting").content.decode()
    assert "hx-swap-oob" in part(ada, "run_reading", run.pk, phase="lms").content.decode()


def test_without_a_script_the_address_of_the_part_is_the_page(course: Course, ada: Browser) -> None:
    ada.post("preview")
    run = newest(course)
    assert ada.get("run_reading", run.pk)["Location"] == ada.url("run", run.pk)
    assert ada.get("reading_part")["Location"] == ada.url("course")
    ada.post("look")
    assert ada.get("reading_part")["Location"] == ada.url("reading") + "?back=course"
    assert "See how far it is now" in text_of(ada.get("run", run.pk))


def test_back_to_the_page_that_waited_shows_the_list(course: Course, ada: Browser) -> None:
    ada.post("preview")
    run = newest(course)
    read_now()
    assert ada.get("run", run.pk)["Location"] == ada.url("review", run.pk)


def test_comparison_waits_the_same_way(course: Course, ada: Browser) -> None:
    ada.post("reconcile")
    run = newest(course)
    read_now()
    assert leads_to(part(ada, "run_reading", run.pk)) == ada.url("run", run.pk)
    assert "Comparison of LMS and SIS" in text_of(ada.get("run", run.pk))


def test_second_teacher_sees_who_began_and_gets_the_same(course: Course, ada: Browser) -> None:
    ada.post("preview")
    user = LtiUser.objects.create(registration=course.context.registration, sub="ben", name="Ben Teacher")
    ben = Browser(Membership.objects.create(context=course.context, user=user, can_send=True, can_look=True))
    ben.worker = False
    page = text_of(ben.post("preview"))
    assert "Ada Teacher asked for this a moment ago" in page
    assert Run.objects.count() == 1
    assert "asked for this" not in text_of(ada.post("preview")), "her own second click is no news"
    assert "being read for Ada Teacher" in text_of(ben.get("students"))


def test_stop_leaves_nothing_and_offers_to_read_again(course: Course, ada: Browser) -> None:
    ada.post("preview")
    run = newest(course)
    page = text_of(ada.post("cancel", run.pk))
    assert "Reading was stopped" in page
    assert "Nothing was changed and nothing was sent." in page
    read_now()
    assert course.lms.reads == 0
    assert leads_to(part(ada, "run_reading", run.pk)) == ada.url("run", run.pk)


def test_failure_is_words_with_the_next_step_and_the_last_known_state(course: Course, ada: Browser) -> None:
    engine.look(course.context)
    ContextState.objects.update(read_at=timezone.now() - timedelta(hours=3))
    course.lms.on_read = try_later()
    ada.post("preview")
    read_now()
    run = newest(course)
    assert leads_to(part(ada, "run_reading", run.pk)) == ada.url("run", run.pk)
    page = text_of(ada.get("run", run.pk))
    assert "The LMS is busy." in page
    assert "3 hours ago" in page
    course.lms.on_read = None
    ada.worker = True
    assert "Review, then send" in text_of(ada.post("preview"))


def test_failed_read_does_not_hide_the_last_run(course: Course, ada: Browser) -> None:
    done = course.send()
    course.lms.on_read = try_later()
    ada.post("preview")
    read_now()
    assert ada.url("run", done.pk) in ada.get("course").content.decode()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"lease_until": None, "created_at": timedelta(0)}, ""),
        ({"lease_until": None, "created_at": timedelta(minutes=-2)}, "No program has begun to read"),
        ({"lease_until": timedelta(seconds=89)}, ""),
        ({"lease_until": timedelta(seconds=20)}, "has not been heard of"),
    ],
)
def test_nobody_who_reads_is_said(
    course: Course, ada: Browser, fields: dict[str, timedelta | None], said: str
) -> None:
    ada.post("preview")
    now = timezone.now()
    Run.objects.update(lease_token="a worker's")
    Run.objects.update(**{name: None if late is None else now + late for name, late in fields.items()})
    page = text_of(ada.get("run", newest(course).pk))
    assert [text for text in ("No program has begun", "has not been heard of") if text in page] == (
        [said.removesuffix(" to read")] if said else []
    )


# --- a look ---------------------------------------------------------------------------------------------------


def test_read_again_leads_back_to_the_page_that_asked(course: Course, ada: Browser) -> None:
    answer = ada.post("look", follow=False, back="students")
    assert answer["Location"] == ada.url("reading") + "?back=students"
    assert "Reading both gradebooks…" in text_of(ada.get("reading", query={"back": "students"}))
    read_now()
    assert leads_to(part(ada, "reading_part", back="students")) == ada.url("students")
    assert ada.get("reading", query={"back": "//evil.example"})["Location"] == ada.url("course")


@pytest.mark.parametrize(("error", "waits"), [(misconfigured(), False), (try_later(), True)])
def test_only_what_time_may_mend_is_waited_for(course: Course, ada: Browser, error: Any, waits: bool) -> None:
    course.lms.on_read = error
    ada.post("look")
    read_now()
    page = text_of(ada.get("reading"))
    assert ("Wait a few minutes, then read again." in page) is waits
    assert ("tell your administrator what stands here. Then read again." in page) is not waits


def test_first_look_that_failed_speaks_of_no_former_one(course: Course, ada: Browser) -> None:
    course.lms.on_read = try_later()
    ada.post("look")
    read_now()
    for page in (text_of(ada.get("students")), text_of(ada.get("reading_notice"))):
        assert "The gradebooks could not be read. The LMS is busy." in page
        assert "what was read before" not in page


def test_look_that_failed_is_told_on_every_page_until_one_succeeds(course: Course, ada: Browser) -> None:
    engine.look(course.context)
    course.lms.on_read = try_later()
    ada.post("look")
    read_now()
    assert leads_to(part(ada, "reading_part")) == ada.url("reading") + "?back=course"
    assert "could not be read" in text_of(ada.get("reading"))
    for name in ("course", "students", "line_items", "schemes", "history", "classes"):
        page = text_of(ada.get(name))
        assert "show what was read before. The LMS is busy." in page, name
    assert "Student 1" in text_of(ada.get("students"))
    course.lms.on_read = None
    engine.preview(course.context, course.who)
    assert "could not be read" not in text_of(ada.get("students"))


def test_settling_a_student_reads_behind_her_and_tells_when_it_is_done(course: Course, ada: Browser) -> None:
    engine.look(course.context)
    reads = course.lms.reads
    page = text_of(ada.post("exclude_student", user_id="u1", reason="audits"))
    assert course.lms.reads == reads
    assert "Left out." in page
    assert "Both gradebooks are being read." in page
    assert part(ada, "reading_notice").status_code == 204, "nothing new: the page stays as it is"
    read_now()
    here = {"HX-Current-URL": f"http://testserver{ada.url('students')}"}
    offer = ada.get("reading_notice", headers=HTMX | here).content.decode()
    assert "were read just now" in offer
    assert f'href="{ada.url("students")}"' in offer


def test_page_that_showed_nothing_yet_loads_anew_by_itself(course: Course, ada: Browser) -> None:
    ada.post("look")
    assert "reading/notice/?first=yes" in ada.get("students").content.decode()
    read_now()
    here = {"HX-Current-URL": f"http://testserver{ada.url('students')}"}
    answer = ada.get("reading_notice", query={"first": "yes"}, headers=HTMX | here)
    assert leads_to(answer) == ada.url("students")


def test_look_is_stopped_by_a_click(course: Course, ada: Browser) -> None:
    ada.post("look", back="students")
    page = text_of(ada.post("stop_reading", back="students"))
    assert "Reading was stopped." in page
    assert "To settle" in page
    read_now()
    assert course.lms.reads == 0


# --- the classes she could link -------------------------------------------------------------------------------


def test_sis_is_asked_for_her_classes_behind_the_page(course: Course, ada: Browser) -> None:
    course.class_link.delete()
    calls: list[str] = []
    course.sis.on_read = lambda method, _class_id: calls.append(method)
    page = text_of(ada.get("classes"))
    assert "being asked for your classes" in page
    assert calls == []
    assert part(ada, "class_suggestions").status_code == 204
    read_now()
    assert "Link “Class c1" in text_of(part(ada, "class_suggestions"))
    asked = len(calls)
    assert "Link “Class c1" in text_of(ada.get("classes"))
    read_now()
    assert len(calls) == asked, "what was asked a moment ago is not asked again"


def test_what_the_sis_said_long_ago_is_asked_anew(course: Course, ada: Browser) -> None:
    ada.get("classes")
    read_now()
    Look.objects.update(finished_at=timezone.now() - timedelta(minutes=6))
    assert "being asked for your classes" in text_of(ada.get("classes"))


def test_sis_that_cannot_name_her_classes_is_told_in_words(course: Course, ada: Browser) -> None:
    from sync.errors import TryLater

    def away(method: str, class_id: str) -> None:
        raise TryLater("The SIS is being mended.")

    course.sis.on_read = away
    ada.get("classes")
    read_now()
    page = text_of(ada.get("classes"))
    assert "could not be asked for your classes. The SIS is being mended." in page
    assert "no class that is provably yours" not in page


def test_assistant_makes_nobody_ask_the_sis(course: Course) -> None:
    assistant = person(course.context, "assistant", can_look=True)
    assert assistant.get("classes").status_code == 200
    assert not Look.objects.exists()


def test_class_that_was_unlinked_is_offered_again_at_once(course: Course, ada: Browser) -> None:
    ada.get("classes")
    read_now()
    assert "Link “Class c1" not in text_of(ada.get("classes"))
    assert "Link “Class c1" in text_of(ada.post("unlink_class", course.class_link.pk))


# --- a word on one student or item ----------------------------------------------------------------------------


def test_linking_reads_no_whole_gradebook_within_the_request(course: Course, ada: Browser) -> None:
    for item in ("a8", "a9"):
        course.lms.add_item(item, title=f"Essay {item}")
    course.sis.add_item("c1", "i8", title="Essay a8")
    course.lms.add_member("u9", name="Nobody Knows")
    course.sis.add_class("c1", students=["s1", "s2", "s3", "s9"], teachers=["t1"])
    engine.look(course.context)
    course.lms.on_read = try_later()
    link = course.class_link

    ada.post("link_exact")
    wish = engine.NewItemWish(class_link_id=link.pk, lms_line_item_id="a9")
    engine.create_line_items(course.context, [wish], course.who)
    ada.post("link_student", user_id="u9", student=f"{link.pk}:s9")

    assert set(LineItemLink.objects.values_list("lms_line_item_id", flat=True)) == {"a1", "a2", "a8", "a9"}
    assert StudentLink.objects.get(lms_user_id="u9").student_id == "s9"


def test_word_on_a_student_stands_on_her_page_before_the_next_read(course: Course, ada: Browser) -> None:
    course.lms.add_member("u9", name="Nobody Knows")
    course.sis.add_class("c1", students=["s1", "s2", "s3", "s9"], teachers=["t1"])
    engine.look(course.context)
    states: list[tuple[str, str]] = []
    words: list[tuple[str, dict[str, Any]]] = [
        ("link_student", {"student": f"{course.class_link.pk}:s9"}),
        ("exclude_student", {"reason": "audits"}),
        ("forget_student", {}),
    ]
    for name, fields in words:
        ada.post(name, user_id="u9", **fields)
        rows = ContextState.objects.get(context=course.context).snapshot["students"]
        states += [(row["state"], row["student_id"]) for row in rows if row["user_id"] == "u9"]
    assert states == [("matched", "s9"), ("excluded", ""), ("problem", "")]
    assert Look.objects.get(about=Look.GRADEBOOKS).is_reading


# --- what it costs --------------------------------------------------------------------------------------------


def test_live_parts_cost_at_most_three_questions_of_the_database(
    course: Course, ada: Browser, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    ada.post("preview")
    ada.post("look")
    ada.get("classes")
    run = newest(course)
    ada.get("course")
    for name, args in (("run_reading", (run.pk,)), ("reading_part", ()), ("reading_notice", ())):
        with django_assert_max_num_queries(3):
            part(ada, name, *args)
