"""The products whose dialect of LTI the pretend LMS speaks, as data: where things lie, and what each does differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

CANVAS_CLAIM = "https://canvas.instructure.com/lti/"
REGISTERED = ("initiate_login_uri", "redirect_uris", "client_name", "jwks_uri")


@dataclass(frozen=True)
class Paths:
    """As Flask writes them; `<…>` is filled in. A query belongs to the address and not to the route."""

    configuration: str = "/.well-known/openid-configuration"
    registration: str = "/lti/register"
    auth: str = "/lti/auth"
    token: str = "/lti/token"
    jwks: str = "/lti/jwks"
    line_items: str = "/lti/courses/<context>/line_items"
    line_item: str = "/lti/courses/<context>/line_items/<item>"
    results: str = "/lti/courses/<context>/line_items/<item>/results"
    members: str = "/lti/courses/<context>/members"
    # where the browser comes back to, and where it brings a deep link (`<course>`: the course's number)
    come_back: str = "/courses/<course>/tool_return"
    deep_link: str = "/courses/<course>/deep_link"
    # what every service address carries besides
    service_query: str = ""
    come_back_query: str = ""
    deep_link_query: str = ""


@dataclass(frozen=True)
class Joining:
    """How a tool registers itself (LTI Dynamic Registration 1.0)."""

    frames_only: bool = False
    # Brightspace sends no token at all, and refuses a header that was not asked for
    has_token: bool = True
    guards_configuration: bool = False
    required: tuple[str, ...] = REGISTERED
    required_of_tool: tuple[str, ...] = ("domain", "target_link_uri")
    refusal: int = 400
    # the tool waits until an administrator switches it on
    needs_enabling: bool = False
    names_deployment: bool = False
    # every site gets the same client, and tells sites apart by deployment
    one_client: bool = False
    client_id: str = "tool-{hex}"
    deployment_id: str = "sandbox:1"
    # any AGS scope brings the whole set that the product switches at once
    grants_sets: bool = False
    # placements that the product knows; empty: it does not look at them
    placements: tuple[str, ...] = ()
    messages: tuple[str, ...] = ("LtiResourceLinkRequest",)
    messages_as_names: bool = False
    names_placements: bool = True
    variable_sign: str = ""
    # where the configuration says less, or something else, than launches do
    says_product: str = ""
    says_variables: tuple[str, ...] = ()
    says_scopes: bool = True
    configuration_query: str = ""
    # `authorization_server` of the configuration, and whether assertions must name it instead of the token address
    authorization_server: str = ""
    separate_audience: bool = False
    # what the configuration says of itself where that is not the issuer of its tokens
    says_issuer: str = ""
    account: bool = False


@dataclass(frozen=True)
class Wording:
    """How a launch is worded. Shapes of ids: see `identities`."""

    product: str = "canvas"
    version: str = "sandbox"
    issuer: str = ""
    users: str = "opaque"
    contexts: str = "opaque"
    # the course as service addresses name it
    in_paths: str = "opaque"
    lis: tuple[str, ...] = ("person_sourcedid", "course_offering_sourcedid", "course_section_sourcedid")
    lis_empty: bool = False
    institution_roles: bool = True
    # who decides about names and addresses: the level that a tool asked for, its list of claims, or nobody
    privacy: str = ""
    # variables for custom parameters, without the dollar; empty: all that we know
    variables: tuple[str, ...] = ()
    own_claim: str = ""
    # a teacher finds the tool in the course's menu; else she adds it as a link
    menu: bool = True
    takes_links: bool = True


@dataclass(frozen=True)
class Lists:
    """How AGS and NRPS answer."""

    paging: str = "bookmark"
    page_size: int = 0
    own_columns: bool = False
    marks_foreign: bool = False
    lists_ungraded: bool = True
    wrong_accept: int = 406
    token_type: str = "application/json"
    user_in_path: bool = False
    newest_first: bool = False
    only_active_members: bool = False
    usernames: bool = False


@dataclass(frozen=True)
class Dialect:
    """One product, as facts/lti.md and its own public documents describe it."""

    name: str = ""
    title: str = "Sandbox University"
    paths: Paths = Paths()
    joining: Joining = Joining(
        messages=("LtiResourceLinkRequest", "LtiDeepLinkingRequest"), variable_sign="$"
    )
    wording: Wording = Wording()
    lists: Lists = Lists(usernames=True)


CANVAS_VARIABLES = (
    *("Canvas.course.id", "Canvas.course.sisSourceId", "Canvas.course.sectionSisSourceIds"),
    *("CourseSection.sourcedId", "Canvas.account.id", "Canvas.term.name", "Canvas.user.id"),
    *("Canvas.user.sisSourceId", "Canvas.user.loginId", "User.username", "Person.sourcedId"),
    *("Canvas.api.baseUrl", "Canvas.api.domain", "Context.id", "ResourceLink.id"),
)
COMMON_VARIABLES = (
    *("Context.id", "Context.title", "CourseSection.sourcedId", "Person.sourcedId", "Person.name.full"),
    *("Person.email.primary", "User.id", "User.username", "ResourceLink.id", "ResourceLink.title"),
)

CANVAS = Dialect(
    name="canvas",
    # paths and configuration: instructure/canvas-lms doc/api/registration.md
    paths=Paths(
        configuration="/api/lti/security/openid-configuration",
        registration="/api/lti/registrations",
        auth="/api/lti/authorize_redirect",
        token="/login/oauth2/token",
        jwks="/api/lti/security/jwks",
        line_items="/api/lti/courses/<context>/line_items",
        line_item="/api/lti/courses/<context>/line_items/<item>",
        results="/api/lti/courses/<context>/line_items/<item>/results",
        members="/api/lti/courses/<context>/names_and_roles",
        come_back="/courses/<course>/external_content/success/external_tool_redirect",
        deep_link="/courses/<course>/deep_linking_response",
    ),
    joining=Joining(
        frames_only=True,
        guards_configuration=True,
        required=(
            *REGISTERED,
            *("application_type", "grant_types", "response_types", "token_endpoint_auth_method", "scope"),
        ),
        required_of_tool=("domain", "target_link_uri", "claims", "messages"),
        refusal=422,
        needs_enabling=True,
        client_id="1000000000{number:04d}",
        deployment_id="{number}:{hex}",
        placements=(
            *(
                "account_navigation",
                "assignment_selection",
                "course_navigation",
                "course_settings_sub_navigation",
            ),
            *("editor_button", "global_navigation", "link_selection", "post_grades", "user_navigation"),
        ),
        messages=("LtiResourceLinkRequest", "LtiDeepLinkingRequest"),
        # a bare host, and yet assertions must name the token address
        authorization_server="canvas.instructure.com",
        account=True,
    ),
    wording=Wording(privacy="level", variables=CANVAS_VARIABLES, takes_links=False),
    lists=Lists(own_columns=True, only_active_members=True),
)

MOODLE = Dialect(
    name="moodle",
    # paths and answers: moodle/moodle mod/lti/openid-configuration.php, classes/local/ltiopenid/registration_helper.php
    paths=Paths(
        configuration="/mod/lti/openid-configuration.php",
        registration="/mod/lti/openid-registration.php",
        auth="/mod/lti/auth.php",
        token="/mod/lti/token.php",
        jwks="/mod/lti/certs.php",
        line_items="/mod/lti/services.php/<context>/lineitems",
        line_item="/mod/lti/services.php/<context>/lineitems/<item>/lineitem",
        results="/mod/lti/services.php/<context>/lineitems/<item>/lineitem/results",
        members="/mod/lti/services.php/CourseSection/<context>/bindings/<deployment>/memberships",
        come_back="/mod/lti/return.php",
        deep_link="/mod/lti/contentitem_return.php",
        service_query="type_id={deployment}",
        come_back_query="course={course}&launch_container=4",
        deep_link_query="course={course}",
    ),
    joining=Joining(
        required=(*REGISTERED, "response_types", "token_endpoint_auth_method"),
        needs_enabling=True,
        names_deployment=True,
        client_id="{hex:.15}",
        deployment_id="{number}",
        grants_sets=True,
        messages=("LtiResourceLinkRequest", "LtiDeepLinkingRequest"),
        messages_as_names=True,
    ),
    wording=Wording(
        product="moodle",
        version="4.5",
        users="number",
        contexts="number",
        in_paths="number",
        lis=("person_sourcedid", "course_section_sourcedid"),
        lis_empty=True,
        institution_roles=False,
        privacy="claims",
        variables=COMMON_VARIABLES,
        menu=False,
    ),
    lists=Lists(
        paging="from",
        own_columns=True,
        lists_ungraded=False,
        wrong_accept=400,
        token_type="text/html",
        only_active_members=True,
    ),
)

BRIGHTSPACE = Dialect(
    name="brightspace",
    paths=Paths(
        configuration="/d2l/.well-known/openid-configuration",
        registration="/d2l/lti/register",
        auth="/d2l/lti/authenticate",
        token="/core/connect/token",
        jwks="/d2l/.well-known/jwks",
        line_items="/d2l/api/lti/ags/2.0/orgunits/<context>/lineitems",
        line_item="/d2l/api/lti/ags/2.0/orgunits/<context>/lineitems/<item>",
        results="/d2l/api/lti/ags/2.0/orgunits/<context>/lineitems/<item>/results",
        members="/d2l/api/lti/nrps/2.0/orgunits/<context>/memberships",
        come_back="/d2l/le/content/<course>/Home",
        deep_link="/d2l/le/lti/<course>/deep_link",
    ),
    joining=Joining(
        has_token=False,
        needs_enabling=True,
        client_id="{uuid}",
        deployment_id="{uuid}",
        messages=("LtiResourceLinkRequest", "LtiDeepLinkingRequest"),
        authorization_server="https://api.brightspace.com/auth/token",
        separate_audience=True,
    ),
    wording=Wording(
        product="desire2learn",
        version="20.26",
        contexts="number",
        in_paths="number",
        lis=("person_sourcedid", "course_section_sourcedid"),
        variables=COMMON_VARIABLES,
        own_claim="http://www.brightspace.com",
        menu=False,
    ),
    lists=Lists(page_size=200, own_columns=True),
)

BLACKBOARD = Dialect(
    name="blackboard",
    # launch: docs.anthology.com/docs/blackboard/lti/1.3/core/jwt-contents
    paths=Paths(
        registration="/api/v1/management/lti/register",
        auth="/api/v1/gateway/oidcauth",
        token="/api/v1/gateway/oauth2/jwttoken",
        jwks="/api/v1/management/applications/sandbox/jwks.json",
        line_items="/learn/api/v1/lti/courses/<context>/lineItems",
        line_item="/learn/api/v1/lti/courses/<context>/lineItems/<item>",
        results="/learn/api/v1/lti/courses/<context>/lineItems/<item>/results",
        members="/learn/api/v1/lti/external/namesandroles/<context>",
        come_back="/webapps/blackboard/execute/blti/launchReturn",
        deep_link="/webapps/blackboard/controller/lti/v2/deepLinking",
        come_back_query="course_id=_{course}_1&toGC=false",
        deep_link_query="course_id=_{course}_1",
    ),
    joining=Joining(
        needs_enabling=True,
        one_client=True,
        client_id="{uuid}",
        deployment_id="{uuid}",
        messages=("LtiResourceLinkRequest", "LtiDeepLinkingRequest"),
        says_issuer="https://developer.blackboard.com",
    ),
    wording=Wording(
        product="BlackboardLearn",
        version="3900.112.0",
        issuer="https://blackboard.com",
        users="hex",
        contexts="hex",
        in_paths="underscores",
        lis=("person_sourcedid", "course_section_sourcedid"),
        variables=COMMON_VARIABLES,
        menu=False,
    ),
    lists=Lists(own_columns=True),
)

SAKAI = Dialect(
    name="sakai",
    # variables: sakaiproject/sakai lti/docs/CUSTOM.md; the configuration as dev1.sakaicloud.com gave it to another tool's tests
    paths=Paths(
        configuration="/imsblis/lti13/well_known",
        registration="/imsblis/lti13/registration_endpoint/<key>",
        auth="/imsoidc/lti13/oidc_auth",
        token="/imsblis/lti13/token/1",
        jwks="/imsblis/lti13/keyset",
        line_items="/imsblis/lti13/lineitems/<context>",
        line_item="/imsblis/lti13/lineitems/<context>/<item>",
        results="/imsblis/lti13/lineitems/<context>/<item>/results",
        members="/imsblis/lti13/namesandroles/<context>",
        come_back="/imsblis/lti13/return/<course>",
        deep_link="/imsblis/lti13/deep_link/<course>",
    ),
    joining=Joining(
        names_deployment=True,
        client_id="{uuid}",
        deployment_id="{number}",
        messages=("LtiResourceLinkRequest", "LtiDeepLinkingRequest"),
        names_placements=False,
        says_product="sakailms.org",
        says_variables=("User.id", "Person.email.primary"),
        says_scopes=False,
        configuration_query="key=1&clientId=sandbox&issuerURL={issuer}&deploymentId=1",
    ),
    wording=Wording(
        product="sakai",
        version="25",
        users="address",
        variables=(*COMMON_VARIABLES, "CourseOffering.sourcedId"),
        menu=False,
    ),
    lists=Lists(marks_foreign=True, user_in_path=True),
)

OPENEDX = Dialect(
    name="openedx",
    paths=Paths(),
    joining=Joining(messages=("LtiResourceLinkRequest", "LtiDeepLinkingRequest")),
    wording=Wording(product="open-edx", users="hex", lis=(), variables=COMMON_VARIABLES, menu=False),
    lists=Lists(paging="single", own_columns=True, user_in_path=True, newest_first=True),
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {one.name: one for one in (Dialect(), CANVAS, MOODLE, BRIGHTSPACE, BLACKBOARD, SAKAI, OPENEDX)}
)
