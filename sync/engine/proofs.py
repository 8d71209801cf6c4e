"""May this course be linked to that class? Only with proof (design §3), checked again at each run."""

from __future__ import annotations

from dataclasses import dataclass

from lti_tool.models import Context
from sync.engine.errors import Who
from sync.lms import records as lms
from sync.models import ClassLink, ContextState
from sync.sis import records as sis
from sync.sis.base import Sis


@dataclass(frozen=True, slots=True)
class Proof:
    """`kind` is one of ClassLink.PROOFS; `source` is what it rests on."""

    kind: str
    source: str


def find_proof(context: Context, adapter: Sis, sis_class: sis.Class, who: Who) -> Proof | None:
    """The first proof that holds for her: she teaches the class, or the LMS's own section id names it."""
    if who.user is not None and who.user.sis_id and _teaches(adapter, sis_class.sourced_id, who.user.sis_id):
        return Proof("teacher", who.user.sis_id)
    if sis_class.sourced_id in trusted_sections(context):
        return Proof("section", sis_class.sourced_id)
    return None


def _teaches(adapter: Sis, class_id: str, sis_id: str) -> bool:
    """Her SIS id (never an e-mail) is a teacher of the class, by sourcedId or identifier."""
    wanted = sis_id.strip()
    return bool(wanted) and any(
        wanted in {teacher.sourced_id, teacher.identifier.strip()} for teacher in adapter.teachers(class_id)
    )


def trusted_sections(context: Context, gradebook: lms.Gradebook | None = None) -> set[str]:
    """Section ids that the platform itself says, where an administrator ticked that teachers cannot change them.

    Without a `gradebook` those of the last read count: each run asks again, with what it read itself.
    """
    if not context.registration.section_ids_trusted:
        return set()
    from_launch = {str(context.lis.get("course_section_sourcedid") or "").strip()}
    from_service = (
        {one.sis_id.strip() for one in gradebook.sections} if gradebook else last_read_sections(context)
    )
    return (from_launch | from_service) - {""}


def last_read_sections(context: Context) -> set[str]:
    """The LMS's own section ids, as its last read gave them."""
    found = ContextState.objects.filter(context=context).values_list("snapshot__sections", flat=True)
    return set(found.first() or [])


def needs_first_read(context: Context) -> bool:
    """Would the LMS's own section ids count here, and nobody has read them yet?"""
    read = ContextState.objects.filter(context=context, snapshot__has_key="sections")
    return context.registration.section_ids_trusted and not read.exists()


def still_proved(context: Context, adapter: Sis, link: ClassLink, gradebook: lms.Gradebook) -> bool:
    """Does the stored proof still hold? The outcome is written to the link, so that pages can say so."""
    if link.proof == "teacher":
        holds = _teaches(adapter, link.class_id, link.proof_source)
    elif link.proof == "section":
        holds = link.proof_source in trusted_sections(context, gradebook)
    else:
        holds = True
    lapsed = "" if holds else "the proof of this link no longer holds"
    if lapsed != link.lapsed:
        link.lapsed = lapsed
        link.save(update_fields=["lapsed"])
    return holds
