"""Assignments: link each to what stands in the SIS first; create only what she asks for; leave out what she says."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sync import engine
from sync.forms import ExcludeItemForm, LinkItemForm, NewItemForm, ScaleForm, new_item_forms
from sync.lms import records as lms
from sync.models import ClassLink, LineItemLink
from sync.views import linking, reading, scheme_words, wording
from sync.views.asking import (
    Request,
    action,
    by_method,
    class_links_of,
    course_of,
    page,
    show,
    state_of,
    to,
    told,
    who_of,
)
from sync.views.filtering import Filter
from sync.views.seen import Cell, Item, Seen


def _links(request: Request) -> list[LineItemLink]:
    return list(LineItemLink.objects.filter(class_link__context=course_of(request)))


def _items(request: Request) -> tuple[Seen, list[Item]]:
    seen = Seen(state_of(request), class_links_of(request))
    return seen, seen.items(_links(request))


PER_PAGE: Final = 40


@page
def line_items(request: Request, public_id: UUID) -> HttpResponse:
    seen = Seen(state_of(request), class_links_of(request))
    links = _links(request)
    items = seen.items(links)
    assignments = [item for item in items if item.data["kind"] != "course_total"]
    ordered = [item for _name, group in linking.grouped(assignments) for item in group]
    listed = Paginator(ordered, PER_PAGE).get_page(request.GET.get("page"))
    known = {item.data["line_item_id"] for item in items}
    return show(
        request,
        "sync/line_items.html",
        seen=seen,
        limits=seen.limits("line_items"),
        groups=linking.grouped([linking.with_evidence(seen, item) for item in listed]),
        page=listed,
        narrowed=Filter(),
        totals=[
            (linking.with_evidence(seen, one), scheme_words.total(one.data["line_item_id"], seen.snapshot))
            for one in items
            if one.data["kind"] == "course_total"
        ],
        gone=[link for link in links if link.lms_line_item_id not in known] if seen.snapshot else [],
        scales=wording.SCALES,
        open_count=sum(1 for item in assignments if item.is_open),
        may_create=any(seen.offer(link.pk).get("creates") is not False for link in seen.standing),
        has_equal_titles=any(linking.has_equal_title(item) for item in assignments),
    )


@page
def line_item(request: Request, public_id: UUID) -> HttpResponse:
    """One assignment in one class: what speaks for each link, and what a changed link would move."""
    seen = Seen(state_of(request), class_links_of(request))
    links = _links(request)
    item, cell = _cell_of(seen, links, request.GET.get("item", ""), request.GET.get("class_link", ""))
    others = linking.others_for(seen, cell, links)
    chosen = next((one for one in others if one["id"] == request.GET.get("sis_id")), None)
    linked = cell.link if cell.link is not None and cell.link.state == "linked" else None
    return show(
        request,
        "sync/line_item.html",
        seen=seen,
        item=linking.with_evidence(seen, item),
        cell=cell,
        others=others,
        chosen=chosen | {"holds": linking.holds(chosen)} if chosen else None,
        move=engine.preview_change(linked, chosen["id"]) if linked and chosen else None,
        scales=wording.SCALES.items(),
        may_create=seen.offer(cell.class_link.pk).get("creates") is not False,
        total=scheme_words.total(item.data["line_item_id"], seen.snapshot),
    )


def _cell_of(seen: Seen, links: list[LineItemLink], line_item_id: str, class_link: str) -> tuple[Item, Cell]:
    for item in seen.items(links):
        for cell in item.cells:
            if item.data["line_item_id"] == line_item_id and str(cell.class_link.pk) == class_link:
                return item, cell
    raise Http404


@action
def link(request: Request, public_id: UUID) -> HttpResponse:
    form = LinkItemForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose the SIS's assignment first."))
        return to(request, "line_items")
    wanted = form.cleaned_data
    class_link = _class_link(request, wanted["class_link"])
    with told(request):
        _one_total_only(class_link, wanted["line_item_id"])
        made = engine.link_line_item(
            class_link, wanted["line_item_id"], wanted["sis_id"], who_of(request), scale=wanted["scale"]
        )
        messages.success(request, _("“%(title)s” is linked.") % {"title": made})
    return to(request, "line_items")


def _class_link(request: Request, link_id: int) -> ClassLink:
    return get_object_or_404(ClassLink, pk=link_id, context=course_of(request), lapsed="")


def _one_total_only(class_link: ClassLink, line_item_id: str) -> None:
    """Several course totals are answers to one question: a class takes one of them, for each period."""
    which, period_id = lms.parts_of_total(line_item_id)
    if not which:
        return
    others = class_link.line_item_links.filter(kind="course_total").exclude(lms_line_item_id=line_item_id)
    taken = others.exclude(state="excluded").values_list("lms_line_item_id", flat=True)
    if period_id in {lms.parts_of_total(one)[1] for one in taken}:
        raise engine.LinkRefused(_("The other course total is linked in this class. Unlink it first."))


@action
def link_exact(request: Request, public_id: UUID) -> HttpResponse:
    with told(request):
        made = engine.link_exact_titles(course_of(request), who_of(request))
        text = ngettext("%(n)s assignment is linked.", "%(n)s assignments are linked.", len(made))
        messages.success(request, text % {"n": len(made)})
    return to(request, "line_items")


@action
def exclude(request: Request, public_id: UUID) -> HttpResponse:
    form = ExcludeItemForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say why this assignment is left out."))
        return to(request, "line_items")
    wanted = form.cleaned_data
    class_link = _class_link(request, wanted["class_link"])
    with told(request):
        engine.exclude_line_item(class_link, wanted["line_item_id"], wanted["reason"], who_of(request))
        messages.success(request, _("Left out. What was sent before stays in the SIS."))
    return to(request, "line_items")


def _item_link(request: Request, link_id: int) -> LineItemLink:
    return get_object_or_404(LineItemLink, pk=link_id, class_link__context=course_of(request))


@action
def unlink(request: Request, public_id: UUID, link_id: int) -> HttpResponse:
    found = _item_link(request, link_id)
    with told(request):
        engine.unlink_line_item(found, who_of(request))
        messages.success(request, _("Taken back. Grades in the SIS stay as they are."))
    return to(request, "line_items")


@action
def change(request: Request, public_id: UUID, link_id: int) -> HttpResponse:
    """Link to another SIS assignment, as the preview told it."""
    found = _item_link(request, link_id)
    with told(request):
        engine.change_line_item(
            found, request.POST.get("sis_id", ""), request.POST.get("was", ""), who_of(request)
        )
        messages.success(
            request,
            _(
                "The link is changed. What was sent before stays where it is; the next list shows what is new."
            ),
        )
        reading.look_again(request)
    return to(request, "line_items")


@action
def scale(request: Request, public_id: UUID, link_id: int) -> HttpResponse:
    found, form = _item_link(request, link_id), ScaleForm(request.POST)
    if form.is_valid():
        with told(request):
            engine.set_scale(found, form.cleaned_data["scale"], who_of(request))
            messages.success(request, _("Saved: the next list shows the grades on the new scale."))
            reading.look_again(request)
    return to(request, "schemes" if request.POST.get("back") == "schemes" else "line_items")


@page
def _propose(request: Request, public_id: UUID) -> HttpResponse:
    """Proposed new SIS assignments, one per open item and class: nothing is ticked, everything can be changed."""
    seen, items = _items(request)
    return _proposed(request, seen, new_item_forms(seen, items))


def _proposed(request: Request, seen: Seen, forms: list[NewItemForm]) -> HttpResponse:
    offers = [(link, seen.offer(link.pk)) for link in seen.standing]
    return show(
        request,
        "sync/create_line_items.html",
        seen=seen,
        forms=forms,
        categories=[(link.pk, offer["categories"]) for link, offer in offers if offer.get("categories")],
        refusing=[link for link, offer in offers if offer.get("creates") is False],
    )


@action
def _create(request: Request, public_id: UUID) -> HttpResponse:
    seen, items = _items(request)
    forms = new_item_forms(seen, items, request.POST)
    picked = [form for form in forms if form.picked]
    if not picked:
        messages.info(request, _("Tick the assignments to create."))
        return to(request, "create_line_items")
    _mark_second_totals(picked)
    if not all(form.is_valid() for form in picked):
        messages.error(request, _("Nothing was created yet: see the marked fields."))
        return _proposed(request, seen, forms)
    with told(request):
        made = engine.create_line_items(course_of(request), [form.wish() for form in picked], who_of(request))
        text = ngettext(
            "%(n)s assignment is being created in the SIS.",
            "%(n)s assignments are being created in the SIS.",
            len(made),
        )
        messages.success(request, text % {"n": len(made)})
        return to(request, "line_items")
    # what was refused stands there as she filled it in; what was made has no form any more
    seen, items = _items(request)
    return _proposed(request, seen, new_item_forms(seen, items, request.POST))


def _mark_second_totals(picked: list[NewItemForm]) -> None:
    """A class takes one of them, for each grading period."""
    totals = [form for form in picked if form.item.data["kind"] == "course_total"]
    taken: set[tuple[int, str]] = set()
    for form in totals:
        place = (form.cell.class_link.pk, lms.parts_of_total(form.item.data["line_item_id"])[1])
        if place in taken:
            form.add_error(None, _("A class takes one course total: choose one of them."))
        taken.add(place)


create = by_method(_propose, _create)
