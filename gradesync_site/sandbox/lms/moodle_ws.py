"""Moodle's web services over REST, as far as a grade reader needs them: one address, the function's name in the form.

Every failure of a function is an answer of status 200 with `exception` and `errorcode`. The token's account has all
rights, until a fault takes some away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from flask import Blueprint, Response, abort, request

from gradesync_site.sandbox.control import answer, dumps
from gradesync_site.sandbox.lms import moodle_json, troubles
from gradesync_site.sandbox.lms.campus import Campus
from gradesync_site.sandbox.lms.world import Unknown

Json = dict[str, Any]

MAINTENANCE = "<!doctype html><title>Site maintenance</title><h1>This site is undergoing maintenance</h1>"


def blueprint(campus: Campus) -> Blueprint:
    routes = Blueprint("moodle_ws", __name__)

    @routes.post("/webservice/rest/server.php")
    def server() -> Response:
        name = request.form.get("wsfunction", "")
        _admit(campus, name)
        function = FUNCTIONS.get(name)
        if function is None:
            _refuse("accessexception")
        try:
            return _json(function(campus))
        except Unknown:
            _refuse("invalidrecord")

    return routes


def _admit(campus: Campus, name: str) -> None:
    sandbox = campus.sandbox
    if _struck(campus, "moodle-off", name):
        abort(Response("", 403))
    if _struck(campus, "moodle-maintenance", name):
        abort(Response(MAINTENANCE, 503, mimetype="text/html"))
    if request.form.get("moodlewsrestformat") != "json":
        abort(Response('<?xml version="1.0" encoding="UTF-8" ?><RESPONSE/>', 200, mimetype="application/xml"))
    if request.form.get("wstoken") != campus.moodle_token or _struck(campus, "bearer-refused", name):
        _refuse("invalidtoken")
    if _struck(campus, "wrong-scope", name):
        _refuse("nopermissions")
    told = _struck(campus, "moodle-exception", name)
    if told:
        _refuse(str(told.settings.get("errorcode", "generalexceptionmessage")))
    if _struck(campus, "course-gone", name):
        _refuse("invalidrecord")
    troubles.of_lists(sandbox, too_many=429)


def _struck(campus: Campus, fault: str, function: str) -> Any:
    """All functions have one address, so a fault's `path` is searched in the function's name as well."""
    return campus.sandbox.strikes(fault, below=function)


def _refuse(errorcode: str) -> NoReturn:
    abort(
        answer(
            {"exception": "moodle_exception", "errorcode": errorcode, "message": "Refused by the sandbox."}
        )
    )


def _json(data: Any) -> Response:
    return Response(troubles.as_text(dumps(data)), 200, mimetype="application/json")


def _course(campus: Campus, name: str = "courseid") -> Json:
    return campus.world.course(request.form.get(name, ""))


# --- functions ------------------------------------------------------------------------------------


def _report(campus: Campus) -> Json:
    trouble = troubles.of_results(campus.sandbox)
    if trouble:
        abort(trouble)
    course, asked = _course(campus), request.form.get("userid", "0")
    students = moodle_json.student_ids(campus.world, course)
    if asked != "0":
        campus.world.person(asked)
        students = [one for one in students if str(one) == asked]
    students = list(troubles.shortened(campus.sandbox, students))
    rows = [moodle_json.user_grades(campus.world, course, user_id) for user_id in students]
    _keep_back(campus, course, rows)
    _switch_off(campus, rows)
    for row in rows[:1]:
        troubles.scores(campus.sandbox, row["gradeitems"], "graderaw")
    return {"usergrades": rows, "warnings": []}


def _keep_back(campus: Campus, course: Json, rows: list[Json]) -> None:
    """A right is missing: the first assignment is gone from the report, or one student's grade of it; no word of it."""
    first = next((item["id"] for item in moodle_json.items(course)), None)
    if _struck(campus, "moodle-right-missing", "report"):
        for row in rows:
            _without(row, first)
    if rows and _struck(campus, "moodle-hidden-grade", "report"):
        _without(rows[0], first)


def _without(row: Json, item_id: object) -> None:
    row["gradeitems"] = [one for one in row["gradeitems"] if one["id"] != item_id]


def _switch_off(campus: Campus, rows: list[Json]) -> None:
    """What a display setting of the user report hides is not null, but absent."""
    struck = _struck(campus, "moodle-setting-off", "report")
    names = moodle_json.OF_SETTING[struck.settings.get("setting", "range")] if struck else ()
    for row in rows:
        for item in row["gradeitems"]:
            for name in names:
                item.pop(name, None)


def _items(campus: Campus) -> Json:
    course = _course(campus)
    return {"gradeItems": [moodle_json.item_name(item) for item in moodle_json.items(course)], "warnings": []}


def _gradable(campus: Campus) -> Json:
    course = _course(campus)
    students = moodle_json.student_ids(campus.world, course, suspended=not _flag("onlyactive"))
    rows = [moodle_json.user(campus.world.person(user_id)) for user_id in students]
    return {"users": rows, "warnings": []}


def _flag(name: str) -> bool:
    return request.form.get(name, "0") in ("1", "true")


def _enrolled(campus: Campus) -> list[Json]:
    course = _course(campus)
    wanted = moodle_json.options(request.form)
    rows = moodle_json.enrolled(campus.world, course, suspended=wanted.get("onlyactive") != "1")
    fields = [name for name in wanted.get("userfields", "").split(",") if name]
    shown = [{name: one[name] for name in one if not fields or name in fields} for one in rows]
    return list(troubles.people(campus.sandbox, shown))


def _tree(campus: Campus) -> str:
    return dumps(moodle_json.tree(_course(campus)))


def _assignments(campus: Campus) -> Json:
    course = _course(campus, "courseids[0]")
    rows = [moodle_json.assignment(course, item) for item in moodle_json.items(course)]
    return {
        "courses": [{"id": course["id"], "fullname": course["name"], "assignments": rows}],
        "warnings": [],
    }


def _courses(campus: Campus) -> Json:
    return {"courses": [moodle_json.course(_course(campus, "value"))], "warnings": []}


def _scale(campus: Campus) -> list[Json]:
    if request.form.get("scaleid") != str(moodle_json.PASS_FAIL):
        raise Unknown("There is no such scale in the sandbox LMS.")
    return [{"id": at, "name": word} for at, word in enumerate(moodle_json.WORDS, start=1)]


def _site(campus: Campus) -> Json:
    names = [{"name": name, "version": "2024100706"} for name in FUNCTIONS]
    return {"sitename": "Sandbox University", "release": "4.5.6 (Build: 20250811)", "functions": names}


FUNCTIONS: Mapping[str, Callable[[Campus], Any]] = {
    "gradereport_user_get_grade_items": _report,
    "core_grades_get_gradeitems": _items,
    "core_grades_get_gradable_users": _gradable,
    "core_enrol_get_enrolled_users": _enrolled,
    "core_grades_get_grade_tree": _tree,
    "mod_assign_get_assignments": _assignments,
    "core_course_get_courses_by_field": _courses,
    "core_competency_get_scale_values": _scale,
    "core_webservice_get_site_info": _site,
}
