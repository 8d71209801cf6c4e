"""A class that nothing proves is asked for; an administrator answers in one click, and the teacher sees the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sync import engine
from sync.models import AuditEntry, ClassLink, ClassRequest, SisConnection
from tests.sync.pages import Browser, person, teacher, text_of
from tests.sync.worlds import Course, make_course

pytestmark = pytest.mark.django_db
ADMIN = engine.Who("root")


@pytest.fixture
def course() -> Course:
    """Nothing is linked, and the class c2 is another teacher's."""
    made = make_course(students=2, items=1)
    made.class_link.delete()
    made.sis.add_class("c2", students=["s1", "s2"], teachers=["t9"])
    return made


@pytest.fixture
def ada(course: Course) -> Browser:
    return teacher(course.context)


@pytest.fixture
def root() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="x"))
    return client


def ask(browser: Browser, course: Course, class_id: str = "c2", **more: Any) -> str:
    return text_of(browser.post("ask_for_class", connection=course.connection.pk, class_id=class_id, **more))


def the_request(course: Course) -> ClassRequest:
    return ClassRequest.objects.get(context=course.context)


def front(client: Client, address: str = "index") -> Any:
    """The administrators' front page, or a list of theirs."""
    return client.get(reverse(f"admin:{address}"))


def answer(client: Client, kind: str, asked: ClassRequest, **fields: Any) -> Any:
    return client.post(reverse(f"admin:sync_classrequest_{kind}", args=[asked.pk]), fields, follow=True)


def test_she_asks_and_sees_that_it_waits(course: Course, ada: Browser) -> None:
    page = ask(ada, course, note="I took this class over in May.")
    assert "c2" in page
    assert "waits for an answer" in page
    assert the_request(course).note == "I took this class over in May."


def test_what_the_sis_calls_the_class_is_for_the_administrator_alone(
    course: Course, ada: Browser, root: Client
) -> None:
    assert "Class c2" not in ask(ada, course)
    for name in ("classes", "course", "setup"):
        assert "Class c2" not in text_of(ada.get(name))
    assert "Class c2" in text_of(front(root))


def test_asking_shows_no_student(course: Course, ada: Browser, root: Client) -> None:
    ask(ada, course)
    for page in (ada.get("classes"), ada.get("students"), front(root)):
        assert "s1 Test" not in text_of(page)


def test_asking_twice_is_one_request(course: Course, ada: Browser) -> None:
    ask(ada, course)
    ask(ada, course)
    assert ClassRequest.objects.count() == 1


def test_a_silent_sis_stops_no_request(course: Course, ada: Browser) -> None:
    SisConnection.objects.update(adapter="not-installed")
    ask(ada, course)
    assert the_request(course).found_title == ""


def test_requests_of_one_course_are_not_without_end(course: Course, ada: Browser) -> None:
    for number in range(12):
        page = ask(ada, course, f"class {number}")
    assert "Take back those" in page
    assert ClassRequest.objects.count() == 10


def test_a_class_that_is_linked_is_not_asked_for(course: Course, ada: Browser) -> None:
    engine.link_class(course.context, course.connection, "c2", ADMIN, as_admin=True)
    assert "linked to this course already" in ask(ada, course)


def test_administrator_links_in_one_click_and_her_word_is_the_proof(
    course: Course, ada: Browser, root: Client
) -> None:
    ask(ada, course)
    page = text_of(answer(root, "grant", the_request(course), class_id="c2"))
    assert "is linked" in page
    link = ClassLink.objects.get(context=course.context)
    assert (link.class_id, link.proof, link.proof_source) == ("c2", "admin", "root")
    assert the_request(course).class_link == link
    noted = AuditEntry.objects.get(context=course.context)
    assert (noted.who, noted.action, noted.detail) == ("root", "approve", "class request: link c2")
    assert "confirmed by the administrator root" in text_of(ada.get("classes"))
    assert "waits for an answer" not in text_of(ada.get("classes"))


def test_administrator_puts_the_id_where_the_teacher_wrote_a_name(
    course: Course, ada: Browser, root: Client
) -> None:
    ask(ada, course, "my third period")
    page = text_of(answer(root, "grant", the_request(course), class_id="my third period"))
    assert "knows no class" in page
    assert the_request(course).state == "waiting"
    answer(root, "grant", the_request(course), class_id="c2")
    assert the_request(course).state == "linked"


def test_a_refusal_says_why_until_she_has_read_it(course: Course, ada: Browser, root: Client) -> None:
    ask(ada, course)
    answer(root, "decline", the_request(course), reason="This is the class of Ben.")
    for name in ("classes", "course", "setup"):
        assert "This is the class of Ben." in text_of(ada.get(name)), name
    assert not ClassLink.objects.exists()
    assert "This is the class of Ben." not in text_of(ada.post("take_back_request", the_request(course).pk))


def test_a_refusal_needs_a_reason(course: Course, ada: Browser, root: Client) -> None:
    ask(ada, course)
    assert "Say why" in text_of(answer(root, "decline", the_request(course), reason=" "))
    assert the_request(course).state == "waiting"


def test_a_request_taken_back_cannot_be_granted(course: Course, ada: Browser, root: Client) -> None:
    ask(ada, course)
    ada.post("take_back_request", the_request(course).pk)
    assert "answered already" in text_of(answer(root, "grant", the_request(course), class_id="c2"))
    assert not ClassLink.objects.exists()


class Meanwhile(dict[str, Any]):
    """The SIS's classes: while one is looked for, somebody else acts."""

    def __init__(self, classes: Any, act: Callable[[], object]) -> None:
        super().__init__(classes)
        self.act: Callable[[], object] | None = act

    def get(self, key: str, default: Any = None) -> Any:
        act, self.act = self.act, None
        if act is not None:
            act()
        return super().get(key, default)


def test_a_no_at_the_very_moment_of_a_yes_leaves_nothing_linked(course: Course, ada: Browser) -> None:
    ask(ada, course)
    asked = the_request(course)
    course.sis.classes = Meanwhile(
        course.sis.classes, lambda: engine.decline_request(the_request(course), "No.", engine.Who("ben"))
    )
    with pytest.raises(engine.Changed, match="ben"):
        engine.grant_request(asked, "c2", ADMIN)
    assert the_request(course).state == "declined"
    assert not ClassLink.objects.exists()


def test_two_administrators_at_once_link_it_once(course: Course, ada: Browser) -> None:
    ask(ada, course)
    asked = the_request(course)
    course.sis.classes = Meanwhile(
        course.sis.classes, lambda: engine.grant_request(the_request(course), "c2", engine.Who("ben"))
    )
    with pytest.raises(engine.Changed, match="ben"):
        engine.grant_request(asked, "c2", ADMIN)
    assert the_request(course).class_link == ClassLink.objects.get(context=course.context)


def test_a_class_that_was_linked_in_another_way_is_asked_for_no_more(
    course: Course, ada: Browser, root: Client
) -> None:
    ask(ada, course)
    course.sis.add_class("c2", students=["s1"], teachers=["t1"])
    ada.post("link_class", connection=course.connection.pk, class_id="c2")
    assert "waits for an answer" not in text_of(ada.get("classes"))
    assert "Link this class" not in text_of(front(root))


def test_no_teacher_answers_her_own_request(course: Course, ada: Browser) -> None:
    ask(ada, course)
    for reply in (
        lambda: engine.grant_request(the_request(course), "c2", course.who),
        lambda: engine.decline_request(the_request(course), "no", course.who),
    ):
        with pytest.raises(engine.EngineError, match="administrator"):
            reply()


def test_an_assistant_sees_the_request_and_no_form(course: Course, ada: Browser) -> None:
    ask(ada, course)
    page = ada.get("classes").content.decode()
    assert "ask-class" in page
    page = person(course.context, "assistant", can_look=True).get("classes").content.decode()
    assert "waits for an answer" in page
    assert "ask-class" not in page
    assert "take-back" not in page


def staff(course: Course, *rights: str) -> Client:
    user = User.objects.create_user(f"staff {course.context.pk}", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    user.institutions.add(course.context.institution)
    client = Client()
    client.force_login(user)
    return client


ALL = ("add_classlink", "view_classrequest", "view_classlink")


def test_staff_of_another_institution_neither_see_nor_answer_it(course: Course, ada: Browser) -> None:
    ask(ada, course)
    other = staff(make_course(), *ALL)
    for address in ("index", "sync_classrequest_changelist"):
        assert "c2" not in text_of(front(other, address))
    for kind in ("grant", "decline"):
        reply = answer(other, kind, the_request(course), class_id="c2", reason="no")
        assert reply.status_code == 404
    assert the_request(course).state == "waiting"
    mine = staff(course, *ALL)
    assert "c2" in text_of(front(mine))
    answer(mine, "grant", the_request(course), class_id="c2")
    assert the_request(course).state == "linked"


def test_staff_who_may_not_link_classes_cannot_answer(course: Course, ada: Browser) -> None:
    ask(ada, course)
    reader = staff(course, "view_classrequest")
    assert answer(reader, "grant", the_request(course), class_id="c2").status_code == 403
    assert "Link this class" not in text_of(front(reader))


def test_a_grant_is_a_form_and_not_a_link(course: Course, ada: Browser, root: Client) -> None:
    ask(ada, course)
    address = reverse("admin:sync_classrequest_grant", args=[the_request(course).pk])
    assert root.get(address).status_code == 405
    assert the_request(course).state == "waiting"


def test_the_list_costs_the_same_however_many_wait(course: Course, ada: Browser, root: Client) -> None:

    costs = []
    for number in range(1, 5):
        ask(ada, course, f"class {number}")
        with CaptureQueriesContext(connection) as asked:
            front(root)
        costs.append(len(asked))
    assert len(set(costs[1:])) == 1
