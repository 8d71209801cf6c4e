"""Where she cannot prove a class, a teacher asks an administrator, whose word then is the proof (design §3, proof c)."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from lti_tool.models import Context
from sync.engine.adapters import make_sis
from sync.engine.errors import Changed, EngineError, LinkRefused, Who
from sync.engine.links import link_class
from sync.errors import AdapterError
from sync.models import ClassLink, ClassRequest, SisConnection

MOST_WAITING = 10  # of one course: more are no help to anyone


def ask_for_class(
    context: Context, connection: SisConnection, class_id: str, note: str, who: Who
) -> ClassRequest:
    """Keep her request, with what the SIS calls that class for the administrator's eyes. Asked twice it is one request.

    Raises LinkRefused for a connection of another institution, a class that is linked already, or too many requests.
    A SIS that does not answer stops nothing.
    """
    who.must_be_able_to_send(context)
    if connection.institution_id != context.institution.pk or not connection.active:
        raise LinkRefused(_("This SIS connection does not belong to this course's institution."))
    links = ClassLink.objects.filter(context=context, connection=connection, lapsed="")
    if links.filter(class_id=class_id).exists():
        raise LinkRefused(_("This class is linked to this course already."))
    asked = _keep(ClassRequest(context=context, connection=connection, class_id=class_id, note=note), who)
    title = _title(connection, class_id)
    if title:
        ClassRequest.objects.filter(pk=asked.pk).update(found_title=title[:500])
    return asked


def _keep(asked: ClassRequest, who: Who) -> ClassRequest:
    waiting = ClassRequest.objects.filter(context=asked.context, state="waiting")
    same = {"connection": asked.connection, "class_id": asked.class_id}
    if not waiting.filter(**same).exists() and waiting.count() >= MOST_WAITING:
        raise LinkRefused(
            _("Many requests of this course wait already. Take back those that you do not need.")
        )
    about = {"note": asked.note, "asked_by": who.user, "asked_name": who.name[:300]}
    kept, _new = waiting.get_or_create(**same, context=asked.context, state="waiting", defaults=about)
    return kept


def _title(connection: SisConnection, class_id: str) -> str:
    try:
        adapter = make_sis(connection)
        try:
            one = adapter.get_class(class_id)
        finally:
            adapter.close()
    except AdapterError:
        return ""
    return one.label if one is not None else ""


def unmet(rows: QuerySet[ClassRequest]) -> QuerySet[ClassRequest]:
    """Those whose class was not linked in another way meanwhile."""
    linked = ClassLink.objects.filter(
        context=OuterRef("context"),
        connection=OuterRef("connection"),
        class_id=OuterRef("class_id"),
        lapsed="",
    )
    return rows.exclude(Exists(linked))


def take_back_request(asked: ClassRequest, who: Who) -> None:
    """She needs no answer any more, or has read the one that she got."""
    who.must_be_able_to_send(asked.context)
    if not ClassRequest.objects.filter(pk=asked.pk, state="declined").update(state="taken_back"):
        _answer(asked, who, state="taken_back")


def decline_request(asked: ClassRequest, reason: str, who: Who) -> None:
    """An administrator's no, with the reason as the teacher reads it. Raises Changed when it was answered meanwhile."""
    _must_be_administrator(who)
    _answer(asked, who, state="declined", reason=reason.strip()[:300])


def grant_request(asked: ClassRequest, class_id: str, who: Who) -> ClassLink:
    """An administrator's yes: the class is linked by her word. `class_id` may correct what the teacher wrote.

    Raises Changed when it was answered meanwhile, LinkRefused and what a read raises when the class cannot be linked.
    """
    _must_be_administrator(who)
    if not ClassRequest.objects.filter(pk=asked.pk, state="waiting").exists():
        raise _answered(asked)
    before = ClassLink.objects.filter(context=asked.context, connection=asked.connection)
    known = set(before.values_list("pk", flat=True))
    link = link_class(asked.context, asked.connection, class_id.strip(), who, as_admin=True)
    try:
        _answer(asked, who, state="linked", class_link=link)
    except Changed:
        # declined or taken back at this very moment: then it is not linked (another administrator's yes is)
        if asked.state != "linked" and link.pk not in known:
            link.delete()
        raise
    return link


def _must_be_administrator(who: Who) -> None:
    if who.user is not None:
        raise EngineError(_("Only an administrator can answer this."))


@transaction.atomic
def _answer(asked: ClassRequest, who: Who, **answer: object) -> None:
    rows = ClassRequest.objects.filter(pk=asked.pk, state="waiting")
    if not rows.update(answered_by=who.name[:300], answered_at=timezone.now(), **answer):
        raise _answered(asked)


def _answered(asked: ClassRequest) -> Changed:
    asked.refresh_from_db()
    return Changed(_("This request was answered already, by %(name)s.") % {"name": asked.answered_by})
