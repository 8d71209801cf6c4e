"""LMS families as data: how each names itself, its addresses, the variables it fills, and what its administrator does.

Addresses hold {site} (the LMS's own origin), {client_id} and {tool_id} (the number or UUID by which some products name
this tool in their addresses). Sources stand beside those that the product's own documentation does not make plain.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

Text = str | Promise

CANVAS, MOODLE, BRIGHTSPACE, BLACKBOARD = "canvas", "moodle", "brightspace", "blackboard"
SAKAI, SCHOOLOGY, OPEN_EDX = "sakai", "schoology", "openedx"

# parts of the product_family_code that platforms send, in the order in which they are looked for
CODES = {
    "canvas": CANVAS,
    "moodle": MOODLE,
    "brightspace": BRIGHTSPACE,
    "desire2learn": BRIGHTSPACE,
    "d2l": BRIGHTSPACE,
    "blackboard": BLACKBOARD,  # "BlackboardLearn"
    "sakai": SAKAI,  # "sakailms.org"
    "schoology": SCHOOLOGY,
    "edx": OPEN_EDX,
}

# where an LMS has no menu entry for tools, a teacher adds ours as a link by deep linking
LINKED_BY_TEACHERS = frozenset({MOODLE, BLACKBOARD, BRIGHTSPACE, SAKAI})

# LTI Core 1.3 §E: ids that a school's SIS gave; a variable that a platform does not know comes back as it is
COMMON_VARIABLES = {
    "context_id": "$Context.id",
    "course_sourcedid": "$Context.sourcedId",
    "section_sourcedid": "$CourseSection.sourcedId",
    "person_sourcedid": "$Person.sourcedId",
    "username": "$User.username",
}
CANVAS_VARIABLES = {
    "canvas_course_id": "$Canvas.course.id",
    "canvas_user_id": "$Canvas.user.id",
    "canvas_course_sis_id": "$Canvas.course.sisSourceId",
    "canvas_section_sis_ids": "$Canvas.course.sectionSisSourceIds",
    "canvas_user_sis_id": "$Canvas.user.sisSourceId",
    "canvas_api_base": "$Canvas.api.baseUrl",
    "canvas_api_domain": "$Canvas.api.domain",
    "canvas_account_id": "$Canvas.account.id",
    "canvas_term_name": "$Canvas.term.name",
    "section_sourcedid": "$CourseSection.sourcedId",
    "person_sourcedid": "$Person.sourcedId",
}
# developers.schoology.com/app-platform/lti-apps; names in small letters, as Schoology loses the others
SCHOOLOGY_VARIABLES = {
    "schoology_section_id": "$com.schoology.CourseSection.id",
    "section_sourcedid": "$CourseSection.sourceSectionId",
    "person_sourcedid": "$com.schoology.User.uniqueId",
    "username": "$User.username",
}


@dataclass(frozen=True)
class Addresses:
    """Fields of a Registration; empty ones are for the administrator to type."""

    issuer: str = ""
    auth_login_url: str = ""
    auth_token_url: str = ""
    key_set_url: str = ""
    auth_audience: str = ""


@dataclass(frozen=True)
class Family:
    """One entry of the list that an administrator picks from."""

    code: str
    title: str
    product: str
    pattern: Addresses = Addresses()
    # what the LMS calls the address, and which of ours it is: launch, login, jwks, canvas
    paste: tuple[tuple[str, str], ...] = ()
    steps: tuple[Text, ...] = ()
    # where an invite's address is pasted, and what comes after; empty: no dynamic registration
    invite: Text = ""

    def _uses(self, name: str) -> bool:
        return any(f"{{{name}}}" in address for address in asdict(self.pattern).values())

    @property
    def needs_site(self) -> bool:
        return self._uses("site")

    @property
    def needs_tool_id(self) -> bool:
        return self._uses("tool_id")

    def addresses(self, site: str, client_id: str, tool_id: str) -> dict[str, str]:
        """The registration's fields that follow from what she typed; empty where the family cannot know."""
        given = {"site": site.rstrip("/"), "client_id": client_id, "tool_id": tool_id}
        return {name: address.format(**given) for name, address in asdict(self.pattern).items()}


def product_of(code: str) -> str:
    """One of our words for a product, from a platform's product_family_code; an unknown one stays as it is."""
    text = code.strip().lower()
    return next((product for part, product in CODES.items() if part in text), text)


def variables_of(product: str) -> dict[str, str]:
    own = {CANVAS: CANVAS_VARIABLES, SCHOOLOGY: SCHOOLOGY_VARIABLES}
    return own.get(product, COMMON_VARIABLES)


def find(code: str) -> Family | None:
    return next((family for family in FAMILIES if family.code == code), None)


_SCHOOLOGY_LINES = ", ".join(f"{name}={value}" for name, value in SCHOOLOGY_VARIABLES.items())
PASTE = (("Launch address", "launch"), ("Login address", "login"), ("Key set address", "jwks"))


def _canvas(code: str, title: str, part: str) -> Family:
    # instructure/canvas-lms doc/api/lti_launch_overview.md: one issuer and one sign-in host for all hosted Canvas
    return Family(
        code=code,
        title=title,
        product=CANVAS,
        pattern=Addresses(
            f"https://canvas.{part}instructure.com",
            f"https://sso.{part}canvaslms.com/api/lti/authorize_redirect",
            f"https://sso.{part}canvaslms.com/login/oauth2/token",
            f"https://sso.{part}canvaslms.com/api/lti/security/jwks",
        ),
        paste=CANVAS_PASTE,
        steps=CANVAS_STEPS,
        invite=CANVAS_INVITE,
    )


CANVAS_PASTE = (
    ("JSON URL", "canvas"),
    ("Target Link URI, Redirect URIs", "launch"),
    ("OpenID Connect Initiation Url", "login"),
    ("JWK Method: Public JWK URL", "jwks"),
)
CANVAS_INVITE = _(
    "In Canvas open Admin, Developer Keys, add an “LTI Registration” (or Apps, Manage, by dynamic registration) and paste it. "
    "Afterwards switch the key on, keep the scopes, and add the app to the account."
)
CANVAS_STEPS = (
    _("In Canvas open Admin, Developer Keys, and add an LTI key."),
    _("Choose “Enter URL” as the method, paste the JSON URL, save, and switch the key on."),
    _("Copy the number above “Show Key”: it is the client id."),
    _("In the account's Settings, Apps, add an app by this client id, and copy its deployment id."),
)

FAMILIES = (
    _canvas("canvas", "Canvas (hosted)", ""),
    _canvas("canvas-beta", "Canvas (hosted, beta)", "beta."),
    _canvas("canvas-test", "Canvas (hosted, test)", "test."),
    Family(
        code="canvas-self",
        title="Canvas (self-hosted)",
        product=CANVAS,
        # the issuer is what the operator wrote into config/security.yml, usually the site
        pattern=Addresses(
            "{site}",
            "{site}/api/lti/authorize_redirect",
            "{site}/login/oauth2/token",
            "{site}/api/lti/security/jwks",
        ),
        paste=CANVAS_PASTE,
        steps=(
            *CANVAS_STEPS,
            _(
                "The issuer is lti_iss in config/security.yml; if that was never set, it is canvas.instructure.com."
            ),
        ),
        invite=CANVAS_INVITE,
    ),
    Family(
        code="moodle",
        title="Moodle",
        product=MOODLE,
        # moodle/moodle mod/lti/openid-configuration.php
        pattern=Addresses(
            "{site}",
            "{site}/mod/lti/auth.php",
            "{site}/mod/lti/token.php",
            "{site}/mod/lti/certs.php",
        ),
        paste=(
            ("Tool URL, Redirection URI(s)", "launch"),
            ("Initiate login URL", "login"),
            ("Public keyset", "jwks"),
        ),
        steps=(
            _(
                "In Moodle open Site administration, Plugins, Activity modules, External tool, Manage tools, “configure a tool manually”."
            ),
            _("Choose LTI 1.3 and the public key type “Keyset URL”, and paste the addresses."),
            _(
                "Under Services switch on grade synchronisation and members; under Privacy share name and e-mail."
            ),
            _("Save, open the tool's details (the list icon), and copy client id and deployment id."),
        ),
        invite=_(
            "In Moodle open Site administration, Plugins, Activity modules, External tool, Manage tools, paste it as the tool "
            "URL, choose “Add LTI Advantage”, and activate the pending tool."
        ),
    ),
    Family(
        code="brightspace",
        title="D2L Brightspace",
        product=BRIGHTSPACE,
        # tsugiproject and hypothesis/lms keep the same four; the audience is one for all sites
        pattern=Addresses(
            "{site}",
            "{site}/d2l/lti/authenticate",
            "https://auth.brightspace.com/core/connect/token",
            "{site}/d2l/.well-known/jwks",
            "https://api.brightspace.com/auth/token",
        ),
        paste=(
            ("Redirect URLs, Target Link URI", "launch"),
            ("OpenID Connect Login URL", "login"),
            ("Keyset URL", "jwks"),
        ),
        steps=(
            _(
                "In Brightspace open Admin Tools, Manage Extensibility, LTI Advantage, “Register Tool”, “Standard”."
            ),
            _(
                "Paste the addresses and tick Assignment and Grade Services, Names and Role Provisioning, Deep Linking."
            ),
            _(
                "Register, and compare the shown issuer, addresses and audience with those below; copy the client id."
            ),
            _(
                "Open “View Deployments”, add one for the org units, share name, e-mail and org defined id, copy its id."
            ),
        ),
        invite=_(
            "In Brightspace open Admin Tools, Manage Extensibility, LTI Advantage, “Register Tool”, “Dynamic”, and paste it. "
            "Afterwards enable the registration, and add a deployment for the org units."
        ),
    ),
    Family(
        code="blackboard",
        title="Blackboard Learn",
        product=BLACKBOARD,
        # sakaiproject/sakai plus/docs/INSTALL-BLACKBOARD.md; the key set is one for each client
        pattern=Addresses(
            "https://blackboard.com",
            "https://developer.blackboard.com/api/v1/gateway/oidcauth",
            "https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken",
            "https://developer.blackboard.com/api/v1/management/applications/{client_id}/jwks.json",
        ),
        paste=(
            ("Tool Redirect URL(s)", "launch"),
            ("Login Initiation URL", "login"),
            ("Tool JWKS URL", "jwks"),
        ),
        steps=(
            _(
                "At developer.blackboard.com register an application, switch on LTI 1.3, and paste the addresses."
            ),
            _("The application id that you get is the client id."),
            _(
                "In Blackboard Learn open Administrator Panel, LTI Tool Providers, “Register LTI 1.3 Tool”, and type it."
            ),
            _("Approve the tool, allow grade service and membership service access, copy the deployment id."),
        ),
        invite=_(
            "At developer.blackboard.com choose “LTI Dynamic Registration” and paste it. Afterwards register the client id in "
            "Blackboard Learn under Administrator Panel, LTI Tool Providers."
        ),
    ),
    Family(
        code="sakai",
        title="Sakai",
        product=SAKAI,
        # sakaiproject/sakai ProviderServlet and LTI13Servlet; {tool_id} is the tool's number in Sakai
        pattern=Addresses(
            "{site}",
            "{site}/imsoidc/lti13/oidc_auth",
            "{site}/imsblis/lti13/token/{tool_id}",
            "{site}/imsblis/lti13/keyset",
        ),
        paste=(
            ("Launch URL, Tool Redirect Endpoint", "launch"),
            ("Tool OpenID Connect/Initialization Endpoint", "login"),
            ("Tool Keyset URL", "jwks"),
        ),
        steps=(
            _("In Sakai's Administration Workspace open External Tools and install an LTI 1.3 tool."),
            _(
                "Paste the addresses, and allow roster, grades, line items, and read-only access to the whole gradebook."
            ),
            _(
                "Save, view the tool's LTI 1.3 data, and copy client id, deployment id, and the number in its token URL."
            ),
        ),
        invite=_(
            "In Sakai's Administration Workspace open External Tools, choose the automatic registration of an LTI 1.3 tool, and "
            "paste it. Afterwards allow roster, grades and line items."
        ),
    ),
    Family(
        code="schoology",
        title="Schoology",
        product=SCHOOLOGY,
        # developers.schoology.com/app-platform/lti-apps
        pattern=Addresses(
            "https://schoology.schoology.com",
            "https://lti-service.svc.schoology.com/lti-service/authorize-redirect",
            "https://lti-service.svc.schoology.com/lti-service/access-token",
            "https://lti-service.svc.schoology.com/lti-service/.well-known/jwks",
        ),
        paste=(
            ("Domain/URL, Redirect URLs", "launch"),
            ("OIDC Login Init URL", "login"),
            ("JWKS URL", "jwks"),
        ),
        steps=(
            _("In Schoology open the App Center, Organization Apps, “Add App”, type of app “LTI 1.3 App”."),
            _("Paste the addresses and tick Assignment and Grade Services and Names and Roles Services."),
            format_lazy(
                _("Under Custom Parameters enter, one a line: {parameters}"), parameters=_SCHOOLOGY_LINES
            ),
            _(
                "Install the app for the organization; Options, “API Info” shows the client id and the deployment id."
            ),
        ),
    ),
    Family(
        code="openedx",
        title="Open edX",
        product=OPEN_EDX,
        # openedx/xblock-lti-consumer lti_consumer/utils.py; {tool_id} is the UUID of that one configuration
        pattern=Addresses(
            "{site}",
            "{site}/api/lti_consumer/v1/launch/",
            "{site}/api/lti_consumer/v1/token/{tool_id}",
            "{site}/api/lti_consumer/v1/public_keysets/{tool_id}",
        ),
        paste=(
            ("Tool Launch URL, Registered Redirect URIs", "launch"),
            ("Tool Initiate Login URL", "login"),
            ("Tool Keyset URL", "jwks"),
        ),
        steps=(
            _(
                "In Studio add an LTI Consumer block, choose LTI 1.3 and “Keyset URL”, and paste the addresses."
            ),
            _(
                "Set the grade service to programmatic, allow names and roles, and request username and e-mail."
            ),
            _(
                "Save; the block then shows client id, deployment id, and the UUID in its keyset and token addresses."
            ),
        ),
    ),
    Family(
        code="other",
        title="Another LMS",
        product="",
        paste=PASTE,
        steps=(
            _("Add this tool to the LMS as an LTI 1.3 tool with the addresses shown here."),
            _("Allow it to read line items, results, and names and roles."),
            _("The LMS then shows issuer, client id, deployment id and its three addresses: type them here."),
        ),
    ),
)
