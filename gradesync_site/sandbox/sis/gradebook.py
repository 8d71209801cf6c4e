"""The Gradebook operations of OneRoster 1.2 and 1.1: reads here, writes in `writing.py`. Paths as the OpenAPI lists them."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from gradesync_site.sandbox.sis.answers import SINGLE
from gradesync_site.sandbox.sis.service import Service
from gradesync_site.sandbox.sis.store import Json, unknown
from gradesync_site.sandbox.sis.writing import Writer

Accept = Callable[[Json], bool]

GRADEBOOK = ("categories", "lineItems", "results", "scoreScales")
ASSESSMENT = ("assessmentLineItems", "assessmentResults")


def add_gradebook(blueprint: Blueprint, service: Service, writer: Writer, scope: str) -> None:
    """The 27 gradebook and 8 assessment operations; `scope` is the prefix of the scope URIs."""
    for collection in (*GRADEBOOK, *ASSESSMENT):
        _add_basics(blueprint, service, writer, scope, collection)
    _add_lists(blueprint, service, scope)
    _add_posts(blueprint, service, writer, scope)


def add_gradebook_v11(blueprint: Blueprint, service: Service, writer: Writer, scope: str) -> None:
    """OneRoster 1.1: no bulk POST, no score scales, no categories of a class."""
    for collection in ("categories", "lineItems", "results"):
        _add_basics(blueprint, service, writer, scope, collection)
        if service.dialect.put_without_id:
            _add_put_without_id(blueprint, service, writer, scope, collection)
    add_class_lists(blueprint, service, scope)


def _add_basics(blueprint: Blueprint, service: Service, writer: Writer, scope: str, collection: str) -> None:
    """GET all, GET one, PUT and DELETE of one collection."""
    family = "assessment" if collection in ASSESSMENT else "gradebook"
    read = {f"{scope}{family}.readonly", f"{scope}{family}-core.readonly"}
    one = f"/{collection}/<sourced_id>"
    views: tuple[tuple[str, str, set[str], Callable[..., Response]], ...] = (
        ("GET", f"/{collection}", read, lambda: service.many(collection, collection, lambda _: True)),
        (
            "GET",
            one,
            read,
            lambda sourced_id: service.one(collection, SINGLE[collection], sourced_id, lambda _: True),
        ),
        (
            "PUT",
            one,
            {f"{scope}{family}.createput"},
            lambda sourced_id: writer.put(collection, sourced_id),
        ),
        (
            "DELETE",
            one,
            {f"{scope}{family}.delete"},
            lambda sourced_id: writer.delete(collection, sourced_id),
        ),
    )
    for method, rule, scopes, view in views:
        _add(blueprint, method, rule, service.guarded(scopes, view))


def _add_put_without_id(
    blueprint: Blueprint, service: Service, writer: Writer, scope: str, collection: str
) -> None:
    view = service.guarded({f"{scope}gradebook.createput"}, lambda: writer.put_without_id(collection))
    _add(blueprint, "PUT", f"/{collection}", view)


def _add(blueprint: Blueprint, method: str, rule: str, view: Callable[..., Response]) -> None:
    endpoint = f"{method}{rule}".replace("/", "_").replace("<", "").replace(">", "")
    blueprint.add_url_rule(rule, endpoint, view, methods=[method])


def add_class_lists(blueprint: Blueprint, service: Service, scope: str) -> None:
    """The lists below a class that 1.1 and 1.2 share."""

    def line_items(class_id: str) -> Response:
        service.store.need("classes", class_id)
        return service.many("lineItems", "lineItems", lambda one: bool(one["class"] == class_id))

    def results(class_id: str) -> Response:
        return service.many("results", "results", _in_class(service, class_id))

    def results_of_item(class_id: str, line_item_id: str) -> Response:
        inside = _in_class(service, class_id)
        if service.store.need("lineItems", line_item_id)["class"] != class_id:
            raise unknown("lineItems of the class", line_item_id)
        return service.many("results", "results", lambda one: inside(one) and one["lineItem"] == line_item_id)

    def results_of_student(class_id: str, student_id: str) -> Response:
        inside = _in_class(service, class_id)
        service.store.need("users", student_id)
        return service.many("results", "results", lambda one: inside(one) and one["student"] == student_id)

    read = {f"{scope}gradebook.readonly"}
    base = "/classes/<class_id>"
    _add(blueprint, "GET", f"{base}/lineItems", service.guarded(read, line_items))
    _add(blueprint, "GET", f"{base}/results", service.guarded(read, results))
    _add(
        blueprint,
        "GET",
        f"{base}/lineItems/<line_item_id>/results",
        service.guarded(read, results_of_item),
    )
    _add(blueprint, "GET", f"{base}/students/<student_id>/results", service.guarded(read, results_of_student))


def _in_class(service: Service, class_id: str) -> Accept:
    service.store.need("classes", class_id)
    items = {key for key, item in service.store.state["lineItems"].items() if item["class"] == class_id}
    return lambda one: one["lineItem"] in items


def _add_lists(blueprint: Blueprint, service: Service, scope: str) -> None:
    def categories(class_id: str) -> Response:
        service.store.need("classes", class_id)
        return service.many("categories", "categories", lambda one: True)

    def scales(class_id: str) -> Response:
        service.store.need("classes", class_id)
        return service.many("scoreScales", "scoreScales", lambda one: bool(one["class"] == class_id))

    def scales_of_school(school_id: str) -> Response:
        service.store.need("orgs", school_id)
        classes = service.store.state["classes"]
        return service.many(
            "scoreScales", "scoreScales", lambda one: classes[one["class"]]["school"] == school_id
        )

    read = {f"{scope}gradebook.readonly"}
    add_class_lists(blueprint, service, scope)
    if service.dialect.categories_by_class:
        _add(blueprint, "GET", "/classes/<class_id>/categories", service.guarded(read, categories))
    _add(blueprint, "GET", "/classes/<class_id>/scoreScales", service.guarded(read, scales))
    _add(blueprint, "GET", "/schools/<school_id>/scoreScales", service.guarded(read, scales_of_school))


def _add_posts(blueprint: Blueprint, service: Service, writer: Writer, scope: str) -> None:
    def items_of_class(class_id: str) -> Response:
        service.store.need("classes", class_id)
        return writer.post("lineItems", {"class": class_id})

    def items_of_school(school_id: str) -> Response:
        service.store.need("orgs", school_id)
        return writer.post("lineItems", {"school": school_id})

    def results_of_item(line_item_id: str) -> Response:
        service.store.need("lineItems", line_item_id)
        return writer.post("results", {"lineItem": line_item_id})

    def results_of_session(class_id: str, session_id: str) -> Response:
        service.store.need("classes", class_id)
        service.store.need("academicSessions", session_id)
        return writer.post("results", {"class": class_id})

    create = {f"{scope}gradebook.createpost"}
    for rule, view in (
        ("/classes/<class_id>/lineItems", items_of_class),
        ("/schools/<school_id>/lineItems", items_of_school),
        ("/lineItems/<line_item_id>/results", results_of_item),
        ("/classes/<class_id>/academicSessions/<session_id>/results", results_of_session),
    ):
        _add(blueprint, "POST", rule, service.guarded(create, view))
