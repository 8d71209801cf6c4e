"""One course, wired to an LMS and a SIS in this process: what the engine's and the pages' tests start from."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from decimal import Decimal

from lti_tool.models import Context, Deployment, Institution, LtiUser, Membership, Registration
from sync import engine
from sync.lms import memory as lms_memory
from sync.models import ClassLink, GradeChange, LineItemLink, LmsConnection, Run, SisConnection
from sync.sis import memory as sis_memory
from sync.sis.records import Key, Profile, Value

ADMIN = engine.Who("an administrator")


@dataclass
class Course:
    """Students s1..sn and items a1..am, matched and linked one to one with the SIS class c1 (items i1..im)."""

    context: Context
    lms: lms_memory.World
    sis: sis_memory.World
    connection: SisConnection
    class_link: ClassLink
    teacher: LtiUser
    links: dict[str, LineItemLink] = field(default_factory=dict)

    @property
    def who(self) -> engine.Who:
        return engine.Who("Ada Teacher", self.teacher)

    def key(self, student: int, item: int) -> Key:
        return Key(str(self.connection.pk), "c1", f"i{item}", f"s{student}")

    def stored(self, student: int, item: int) -> Value | None:
        return self.sis.value(f"i{item}", f"s{student}")

    def send(self, *, withdraw: bool = False, override: bool = False) -> Run:
        """Preview, approve every row (withdrawals only when asked), push in the foreground."""
        run = engine.preview(self.context, self.who)
        rows = run.changes.all() if withdraw else run.changes.filter(withdraws=False)
        if not rows:
            return engine.reconcile(self.context, self.who)
        engine.approve(run, self.who, [row.digest for row in rows], override_stops=override)
        return engine.push(run.pk)

    def row(self, run: Run, student: int, item: int) -> GradeChange:
        return run.changes.get(student_id=f"s{student}", line_item_id=f"i{item}")


def make_course(
    students: int = 3, items: int = 2, profile: Profile | None = None, *, maximum: int = 100
) -> Course:
    """A new course in a new institution, with worlds of its own names."""
    name = uuid.uuid4().hex[:12]
    institution = Institution.objects.create(name=f"School {name}")
    registration = Registration.objects.create(
        institution=institution,
        name=f"LMS {name}",
        issuer=f"https://lms.example/{name}",
        client_id="client",
        auth_login_url="https://lms.example/auth",
        auth_token_url="https://lms.example/token",
        key_set_url="https://lms.example/jwks",
        active=True,
    )
    deployment = Deployment.objects.create(registration=registration, deployment_id="1", active=True)
    context = Context.objects.create(deployment=deployment, context_id="course", title="Algebra")
    teacher = LtiUser.objects.create(
        registration=registration, sub="teacher", name="Ada Teacher", sis_id="t1"
    )
    Membership.objects.create(context=context, user=teacher, can_send=True, can_look=True)
    LmsConnection.objects.create(
        institution=institution,
        registration=registration,
        name=f"lms-{name}",
        adapter="memory",
        base_url=f"memory:{name}",
    )
    connection = SisConnection.objects.create(
        institution=institution, name=f"sis-{name}", adapter="memory", base_url=f"memory:{name}"
    )
    lms, sis = lms_memory.world(f"memory:{name}"), sis_memory.world(f"memory:{name}")
    sis.profile = profile or Profile()
    sis.add_class("c1", students=[f"s{number}" for number in range(1, students + 1)], teachers=["t1"])
    class_link = ClassLink.objects.create(
        context=context,
        connection=connection,
        class_id="c1",
        title="Class c1",
        proof="admin",
        proof_source="test",
    )
    course = Course(context, lms, sis, connection, class_link, teacher)
    for number in range(1, students + 1):
        lms.add_member(f"u{number}", sis_id=f"s{number}", name=f"Student {number}")
    for number in range(1, items + 1):
        lms.add_item(f"a{number}", title=f"Homework {number}", maximum=Decimal(maximum))
        sis.add_item("c1", f"i{number}", title=f"Homework {number}", maximum=maximum)
        course.links[f"i{number}"] = LineItemLink.objects.create(
            class_link=class_link,
            connection=connection,
            lms_line_item_id=f"a{number}",
            lms_title=f"Homework {number}",
            line_item_id=f"i{number}",
            title=f"Homework {number}",
            minimum="0",
            maximum=str(maximum),
        )
    return course
