"""This one over there is that one: classes with proof, and students by a person's word (design §3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from lti_tool.models import Context
from sync import class_hints, matching
from sync.engine import settled
from sync.engine.adapters import course_of, make_lms, make_sis
from sync.engine.errors import EngineError, LinkRefused, Who
from sync.engine.proofs import Proof, find_proof, last_read_sections, trusted_sections
from sync.lms import records as lms
from sync.models import ClassLink, ContextState, Decision, LineItemLink, SisConnection, StudentLink
from sync.sis import records as sis
from sync.sis.base import Sis


@dataclass(frozen=True, slots=True)
class ClassSuggestion:
    """A class that she could link now, what would prove it, and whether it looks like this course's."""

    connection: SisConnection
    class_id: str
    title: str
    proof: str
    source: str
    hint: class_hints.Hint = ""


def connections_for(context: Context) -> list[SisConnection]:
    """The SIS connections of the course's own institution."""
    return list(SisConnection.objects.filter(institution=context.institution, active=True).order_by("name"))


def suggest_classes(context: Context, who: Who) -> list[ClassSuggestion]:
    """Classes that she teaches by her SIS id, and those the platform's own section ids name. Raises what a read raises."""
    linked = set(ClassLink.objects.filter(context=context).values_list("connection_id", "class_id"))
    every = provable_classes(context, who)
    return [one for one in every if (one.connection.pk, one.class_id) not in linked]


def provable_classes(context: Context, who: Who) -> list[ClassSuggestion]:
    """The same, with those that are linked already; those that look like this course's first."""
    found: list[ClassSuggestion] = []
    for connection in connections_for(context):
        adapter = make_sis(connection)
        try:
            for one, proof in _provable(context, adapter, who):
                found.append(ClassSuggestion(connection, one.sourced_id, one.label, proof.kind, proof.source))
        finally:
            adapter.close()
    return _ranked(context, found)


def _ranked(context: Context, found: list[ClassSuggestion]) -> list[ClassSuggestion]:
    ids = class_hints.named_ids(context.lis, context.custom) | last_read_sections(context)
    titles = {one.class_id: one.title for one in found}
    told = class_hints.hints(titles, ids=ids, course=str(context))
    hinted = [replace(one, hint=told[one.class_id]) for one in found]
    return sorted(hinted, key=lambda one: class_hints.RANK[one.hint])


def _provable(context: Context, adapter: Sis, who: Who) -> list[tuple[sis.Class, Proof]]:
    candidates: dict[str, sis.Class] = {}
    if who.user is not None and who.user.sis_id:
        candidates |= {one.sourced_id: one for one in adapter.classes_of_teacher(who.user.sis_id)}
    for section_id in trusted_sections(context) - candidates.keys():
        one = adapter.get_class(section_id)
        if one is not None:
            candidates[section_id] = one
    proofs = [(one, find_proof(context, adapter, one, who)) for one in candidates.values()]
    return [(one, proof) for one, proof in proofs if proof is not None]


def link_class(
    context: Context, connection: SisConnection, class_id: str, who: Who, *, as_admin: bool = False
) -> ClassLink:
    """Link one class with proof; `as_admin` makes the administrator's word the proof. Raises LinkRefused."""
    who.must_be_able_to_send(context)
    if connection.institution_id != context.institution.pk or not connection.active:
        raise LinkRefused("This SIS connection does not belong to this course's institution.")
    if as_admin and who.user is not None:
        raise LinkRefused("Only an administrator can link a class without proof.")
    adapter = make_sis(connection)
    try:
        one = adapter.get_class(class_id)
        if one is None:
            raise LinkRefused("The SIS knows no class with this id. Check the id with the SIS administrator.")
        proof = Proof("admin", who.name) if as_admin else find_proof(context, adapter, one, who)
    finally:
        adapter.close()
    if proof is None:
        raise LinkRefused(
            "The SIS does not list you as a teacher of this class. Ask your administrator to link it for you."
        )
    return _save_class_link(context, connection, one, proof, who)


def _save_class_link(
    context: Context, connection: SisConnection, one: sis.Class, proof: Proof, who: Who
) -> ClassLink:
    link, _ = ClassLink.objects.update_or_create(
        context=context,
        connection=connection,
        class_id=one.sourced_id,
        defaults={
            "title": one.label[:500],
            "school_id": one.school_id,
            "session_id": one.session_ids[0] if one.session_ids else "",
            "proof": proof.kind,
            "proof_source": proof.source[:300],
            "linked_by": who.name[:300],
            "lapsed": "",
        },
    )
    return link


def unlink_class(link: ClassLink, who: Who) -> None:
    """The class's grades stay in the SIS as they are; they are held from now on."""
    who.must_be_able_to_send(link.context)
    must_be_idle(link.context)
    link.delete()


def must_be_idle(context: Context) -> None:
    """Raises EngineError while grades of this course are being sent."""
    state = ContextState.objects.filter(context=context).select_related("slot").first()
    if state is not None and state.slot is not None and state.slot.is_open:
        raise EngineError(
            "Grades of this course are being sent just now. Wait until that is done, then change links."
        )


# --- students -------------------------------------------------------------------------------------------------


def link_student(
    context: Context, lms_user_id: str, class_link: ClassLink, student_id: str, who: Who
) -> StudentLink:
    """Her word: this LMS student is that SIS student. Keeps the identifiers of both sides as evidence.

    Raises LinkRefused when the student is not on the class's roster or the LMS user is not in the course.
    """
    who.must_be_able_to_send(context)
    if class_link.context_id != context.pk:
        raise LinkRefused("This class is not linked to this course.")
    member = _member(context, lms_user_id, who)
    student = _student(class_link, student_id)
    with transaction.atomic():
        StudentLink.objects.filter(context=context, lms_user_id=lms_user_id).delete()
        link, _ = StudentLink.objects.update_or_create(
            registration=context.registration,
            connection=class_link.connection,
            lms_user_id=lms_user_id,
            confirmed_by=who.user,
            excluded="",
            defaults={
                "student_id": student_id,
                "evidence": matching.evidence(member, student),
                "confirmed_name": who.name[:300],
                "confirmed_in": context,
            },
        )
    names = {"student_id": student_id, "student_name": student.name, "by": f"confirmed by {who.name}"}
    settled.show(context, lms_user_id, "matched", class_link=class_link.pk, **names)
    return link


def words_here(context: Context) -> QuerySet[StudentLink]:
    """People's words on students that hold here: an administrator's, and those of this course's teachers."""
    teachers = Q(confirmed_by__memberships__context=context, confirmed_by__memberships__can_send=True)
    return StudentLink.objects.filter(
        Q(confirmed_by=None) | teachers, registration=context.registration, excluded=""
    ).order_by("created_at")


def _member(context: Context, lms_user_id: str, who: Who) -> lms.Member:
    """Her ids as the last look saw them (where they changed since, the word lapses); else the LMS is read."""
    reader = make_lms(context, who.user)  # refuses where an administrator switched the LMS off
    state = ContextState.objects.filter(context=context).first()
    for row in state.snapshot.get("students", []) if state else []:
        if row["user_id"] == lms_user_id:
            ids = {name: row[name] for name in ("user_id", "name", "login", "sis_id", "email")}
            return lms.Member(**ids)
    gradebook = reader.read_gradebook(course_of(context))
    for member in gradebook.members:
        if member.user_id == lms_user_id and member.is_student:
            return member
    raise LinkRefused("This student is not in the course any more.")


def _student(class_link: ClassLink, student_id: str) -> sis.Student:
    adapter = make_sis(class_link.connection)
    try:
        for student in adapter.students(class_link.class_id):
            if student.sourced_id == student_id:
                return student
    finally:
        adapter.close()
    raise LinkRefused("This student is not on the class's roster in the SIS.")


def exclude_student(context: Context, lms_user_id: str, reason: str, who: Who) -> StudentLink:
    """Leave a student out of this course's grades, with a reason; what was sent before is held."""
    who.must_be_able_to_send(context)
    link, _ = StudentLink.objects.update_or_create(
        context=context,
        lms_user_id=lms_user_id,
        registration=context.registration,
        defaults={
            "excluded": reason.strip()[:300] or "left out",
            "confirmed_by": who.user,
            "confirmed_name": who.name,
        },
    )
    settled.show(context, lms_user_id, "excluded", link.excluded)
    return link


def forget_student(context: Context, lms_user_id: str, who: Who) -> None:
    """Undo: the exclusion in this course, and her own confirmation of a match."""
    who.must_be_able_to_send(context)
    StudentLink.objects.filter(context=context, lms_user_id=lms_user_id).delete()
    StudentLink.objects.filter(
        registration=context.registration, lms_user_id=lms_user_id, confirmed_by=who.user, excluded=""
    ).delete()
    settled.show(
        context, lms_user_id, "problem", "Taken back. The next read says how this student is matched."
    )


def item_changed(link: LineItemLink) -> None:
    """A changed link ends what the SIS refused through the former one."""
    refused = Decision.objects.filter(connection=link.connection, kind="refused", lapsed_at=None)
    refused.filter(line_item_id=link.line_item_id or "").update(lapsed_at=timezone.now())


def profile_changed(connection: SisConnection) -> None:
    """A connection set anew (address, key, options) ends what the SIS refused through the former setting (design §1)."""
    refused = Decision.objects.filter(connection=connection, kind="refused", lapsed_at=None)
    refused.update(lapsed_at=timezone.now())
