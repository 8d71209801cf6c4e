"""How a person opens the tool: third-party initiated login (security framework §5.1.1.1), and the way back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, make_response, render_template, request

from gradesync_site.sandbox.control import answer
from gradesync_site.sandbox.lms import storage
from gradesync_site.sandbox.lms.campus import DEEP_LINKING, USER_COOKIE, Campus, Launch
from gradesync_site.sandbox.lms.deep_linking import new_data
from gradesync_site.sandbox.lms.id_token import deployment_of, link_of, target_of
from gradesync_site.sandbox.lms.visitors import GUEST, require_teacher, role, who
from gradesync_site.sandbox.lms.world import Unknown

Json = dict[str, Any]

TOLD = ("lti_msg", "lti_errormsg", "lti_log", "lti_errorlog")


def blueprint(campus: Campus) -> Blueprint:
    """`/launch` takes `tool` (a client id), `link` (a link's id), and `message=deep_linking` to choose what to link to."""
    routes = Blueprint("opening", __name__, template_folder="templates")
    routes.register_error_handler(Unknown, lambda error: (str(error), 404))

    @routes.get("/courses/<ref>/launch")
    def launch(ref: str) -> Response:
        course = campus.world.course(ref)
        if request.args.get("message") == "deep_linking":
            return _choose(campus, course)
        return _open(campus, course)

    @routes.get(campus.dialect.paths.come_back)
    def come_back(course: str = "") -> str:
        return _come_back(campus, course)

    @routes.get("/_sandbox/returns")
    def returns() -> Response:
        """What tools told us when they sent a browser back."""
        return answer({"returns": campus.returns})

    return routes


def _open(campus: Campus, course: Json) -> Response:
    link_id = request.args.get("link", "")
    link = link_of(course, link_id)
    if link_id and not link:
        abort(404, "There is no such link in this course.")
    tool, person = _tool(campus, link.get("client_id", "")), who(campus, course)
    if role(campus, course, person) == GUEST:
        abort(403, "You are not in this course. Choose who you are on the course page.")
    begun = Launch(course["id"], person["id"], tool["client_id"], link_id=link_id)
    return _login(campus, tool, begun, link.get("url") or target_of(tool, begun.message))


def _choose(campus: Campus, course: Json) -> Response:
    """A teacher adds the tool as a link: what it shows next is the tool's own page (Deep Linking 2.0 §3.4)."""
    person = require_teacher(campus, course, "add links")
    tool = _tool(campus)
    begun = Launch(course["id"], person["id"], tool["client_id"], message=DEEP_LINKING, data=new_data())
    campus.deep_links[begun.data] = begun
    return _login(campus, tool, begun, target_of(tool, DEEP_LINKING))


def _tool(campus: Campus, client_id: str = "") -> Json:
    named = client_id or request.args.get("tool", "")
    tool = campus.tool(named) if named else campus.usual_tool()
    if tool is None and not campus.world.state["tools"]:
        abort(404, "The tool is not installed here yet. POST /_sandbox/tool makes it known.")
    if tool is None or not tool.get("enabled", True):
        abort(403, "The tool is installed, and an administrator has still to switch it on.")
    return tool


def _login(campus: Campus, tool: Json, begun: Launch, target: str) -> Response:
    course, person = campus.world.course(begun.course_id), campus.world.person(begun.user_id)
    fields = {
        "iss": campus.addresses.issuer,
        "login_hint": person["lti_id"],
        "target_link_uri": target,
        "lti_message_hint": campus.begin_launch(begun),
        "client_id": tool["client_id"],
        "lti_deployment_id": deployment_of(tool, course),
        **storage.target(campus),
    }
    response = make_response(render_template("post.html", action=tool["login_url"], fields=fields))
    # the launch belongs to this person, also when the browser had not said who it is
    response.set_cookie(USER_COOKIE, str(person["id"]), httponly=True, samesite="Lax")
    response.headers["Cache-Control"] = "no-store"
    return response


def _come_back(campus: Campus, course: str) -> str:
    """The tool sent the browser back (LTI Core 1.3 §5.4.4): its message is shown, its log line is kept."""
    told = {name: request.args.get(name, "") for name in TOLD}
    number = course or _in_query()
    campus.returns.append({"course": number, **told})
    return render_template("came_back.html", course=number, **told)


def _in_query() -> str:
    """`course=101`, or Blackboard's `course_id=_101_1`."""
    return request.args.get("course") or request.args.get("course_id", "").strip("_").partition("_")[0]
