"""What a person at the SIS can do, and what a test can set up: routes added to the control API."""

from __future__ import annotations

from flask import Blueprint, Response, request

from gradesync_site.sandbox.control import Sandbox, answer, loads
from gradesync_site.sandbox.data import Person
from gradesync_site.sandbox.sis import seeds
from gradesync_site.sandbox.sis.store import Json, Refusal, Store, now
from gradesync_site.sandbox.sis.tokens import V12, Tokens

GRADE_FIELDS = (
    *("score", "textScore", "scoreStatus", "comment", "scoreDate"),
    *("late", "missing", "incomplete", "inProgress"),
)


def person_edits(store: Store, wish: Json) -> Json:
    """Edits (or enters) a grade as a person at the SIS does; `remove` takes the whole result away.

    Keys: lineItem and student, or sourcedId; score, textScore, scoreStatus, comment, flags. A score of null empties it.
    """
    record = _result(store, wish)
    for name in GRADE_FIELDS:
        if name in wish and wish[name] is None:
            record.pop(name, None)
        elif name in wish:
            record[name] = wish[name]
    if "scoreStatus" not in wish:
        graded = "score" in record or "textScore" in record
        record["scoreStatus"] = "fully graded" if graded else "not submitted"
    record["status"] = "tobedeleted" if wish.get("remove") else "active"
    store.put("results", record | {"dateLastModified": now()}, by_hand=True)
    return record


def _result(store: Store, wish: Json) -> Json:
    if "sourcedId" in wish and wish["sourcedId"] in store.state["results"]:
        return dict(store.state["results"][wish["sourcedId"]])
    found = [] if wish.get("second") else store.results_of(wish["lineItem"], wish["student"])
    if found:
        return dict(found[0])
    item = store.need("lineItems", wish["lineItem"])
    return {
        "sourcedId": wish.get("sourcedId") or store.allocate("results"),
        "lineItem": item["sourcedId"],
        "student": store.need("users", wish["student"])["sourcedId"],
        "class": item["class"],
        "scoreDate": now()[:10],
    }


def add_student(store: Store, wish: Json) -> Json:
    """Puts a student into a class: {"class", "sourcedId", "givenName", "familyName", "identifier", "username", "email"}."""
    sourced_id = wish["sourcedId"]
    if sourced_id not in store.state["users"]:
        person = Person(
            wish.get("givenName", "New"),
            wish.get("familyName", "Student"),
            sis_id=sourced_id,
            identifier=wish.get("identifier", ""),
            username=wish.get("username", ""),
            sis_email=wish.get("email", ""),
        )
        seeds.add_person(store.state, person, "student")
    seeds.enroll(store.state, sourced_id, store.need("classes", wish["class"])["sourcedId"], "student")
    user: Json = store.state["users"][sourced_id]
    return user


def remove_student(store: Store, wish: Json) -> Json:
    """Ends the enrolment of `student` in `class`; results stay, as they do at a real SIS."""
    enrollment = store.need("enrollments", f"enr-{wish['class']}-{wish['student']}")
    enrollment["status"] = "tobedeleted"
    return enrollment


def put_line_item(store: Store, wish: Json) -> Json:
    """Adds or edits a line item: {"sourcedId", "class", "title", "resultValueMax", ...}; `remove` takes it away."""
    sourced_id = wish.get("sourcedId") or store.allocate("lineItems")
    record = dict(store.state["lineItems"].get(sourced_id) or _fresh_item(store, wish))
    record |= {name: value for name, value in wish.items() if name != "remove"}
    status = "tobedeleted" if wish.get("remove") else "active"
    record |= {"sourcedId": sourced_id, "status": status, "dateLastModified": now()}
    store.put("lineItems", record, by_hand=True)
    return record


def _fresh_item(store: Store, wish: Json) -> Json:
    group = store.need("classes", wish["class"])
    return {
        "title": "Entered at the SIS",
        "assignDate": seeds.SEEDED_AT,
        "dueDate": seeds.SEEDED_AT,
        "class": group["sourcedId"],
        "school": group["school"],
        "category": seeds.CATEGORIES[0][0],
        "resultValueMin": 0,
        "resultValueMax": 100,
    }


def remove_class(store: Store, wish: Json) -> Json:
    group = store.need("classes", wish["class"])
    group["status"] = "tobedeleted"
    return group


EDITS = {
    "result": person_edits,
    "student": add_student,
    "student/remove": remove_student,
    "line-item": put_line_item,
    "class/remove": remove_class,
}


def add_control(control: Blueprint, sandbox: Sandbox, store: Store, tokens: Tokens) -> None:
    """POST /_sandbox/{result, student, student/remove, line-item, class/remove, client}."""

    def edit(what: str) -> Response:
        change = EDITS.get(what)
        if change is None:
            return answer({"error": f"There is no {what}. There are: {', '.join(EDITS)}."}, 404)
        try:
            with sandbox.lock:
                record = change(store, loads(request.get_data()))
                sandbox.stored()
            return answer(record)
        except Refusal as refusal:
            return answer({"error": refusal.words}, refusal.status)
        except KeyError as error:
            return answer({"error": f"{error.args[0]} is required"}, 400)

    def client() -> Response:
        """{"scopes": [...]}: what the client may have from now on, by short name or whole."""
        wanted = loads(request.get_data())["scopes"]
        tokens.allowed = frozenset(name if ":" in name else V12 + name for name in wanted)
        return answer({"scopes": sorted(tokens.allowed)})

    control.add_url_rule("/client", "client", client, methods=["POST"])
    control.add_url_rule("/<path:what>", "edit", edit, methods=["POST"])
