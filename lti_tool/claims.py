"""A verified id_token as typed values (LTI Core 1.3 §5, AGS §3.1, NRPS §2.1). Pure: no clock, no database."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEEWAY_S = 60
MAX_AGE_S = 600
MAX_LIFETIME_S = 86_400
ID_LIMIT, TEXT_LIMIT, URL_LIMIT = 300, 300, 2000

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
RESOURCE_LINK = "LtiResourceLinkRequest"
DEEP_LINKING = "LtiDeepLinkingRequest"
RESOURCE_LINK_ITEM = "ltiResourceLink"

# characters that a database or a header cannot hold, and halves of surrogate pairs
_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class ClaimError(ValueError):
    """A claim is missing or not what it must be. `claim` is its name, never its value."""

    def __init__(self, code: str, claim: str) -> None:
        super().__init__(f"{code}: {claim}")
        self.code, self.claim = code, claim


@dataclass(frozen=True, slots=True)
class ContextClaim:
    """The course: `context_id` is unique in its deployment."""

    context_id: str
    label: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Who launches. Empty text: the platform does not say. Left out of the repr, so that no log can hold it."""

    sub: str = field(repr=False)
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    sis_id: str = field(default="", repr=False)
    locale: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DeepLinking:
    """What the platform wants back, and where (Deep Linking 2.0 §4.4). `data` is echoed as it came; None: it sent none."""

    return_url: str = field(repr=False)
    accept_types: tuple[str, ...]
    data: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Claims:
    """One launch. `custom` leaves out unresolved variables ("$..."); `lis` leaves out who launches."""

    message_type: str
    deployment_id: str
    target_link_uri: str
    resource_link_id: str
    person: Person
    roles: tuple[str, ...]
    context: ContextClaim | None = None
    platform_guid: str = ""
    return_url: str = field(default="", repr=False)
    lineitems_url: str = ""
    ags_scopes: tuple[str, ...] = ()
    memberships_url: str = ""
    custom: Mapping[str, str] = field(default_factory=dict, repr=False)
    lis: Mapping[str, str] = field(default_factory=dict, repr=False)
    deep_linking: DeepLinking | None = None


def read(body: Mapping[str, Any]) -> Claims:
    """The typed claims. Raises ClaimError naming the first claim that is missing or of the wrong type."""
    if _text(body, LTI + "version") != "1.3.0":
        raise ClaimError("wrong-version", "version")
    ags, nrps = _object(body, AGS), _object(body, NRPS)
    presentation = _object(body, LTI + "launch_presentation")
    return Claims(
        message_type=_id(body, LTI + "message_type"),
        deployment_id=_id(body, LTI + "deployment_id"),
        target_link_uri=_id(body, LTI + "target_link_uri", URL_LIMIT),
        resource_link_id=_resource_link(body),
        person=_person(body, presentation),
        roles=_strings(body, LTI + "roles", required=True),
        context=_context(body),
        platform_guid=_text(_object(body, LTI + "tool_platform"), "guid"),
        return_url=_url(presentation, "return_url"),
        lineitems_url=_url(ags, "lineitems"),
        ags_scopes=_strings(ags, "scope"),
        memberships_url=_url(nrps, "context_memberships_url"),
        custom=_custom(_object(body, LTI + "custom")),
        lis=_lis(_object(body, LTI + "lis")),
        deep_linking=_deep_linking(body),
    )


def check_audience(body: Mapping[str, Any], client_id: str) -> None:
    """OpenID Connect §3.1.3.7: we are among the audiences; with several, `azp` must be us; a given `azp` always."""
    audience = body.get("aud")
    names = [audience] if isinstance(audience, str) else audience
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ClaimError("malformed", "aud")
    if client_id not in names:
        raise ClaimError("wrong-audience", "aud")
    azp = body.get("azp")
    if (len(names) > 1 or azp is not None) and azp != client_id:
        raise ClaimError("wrong-audience", "azp")


def check_times(body: Mapping[str, Any], now: float) -> None:
    """`exp` and `iat` are required and near `now`, with a leeway for clocks that differ a little."""
    issued, expires = _moment(body, "iat"), _moment(body, "exp")
    if expires + LEEWAY_S < now:
        raise ClaimError("expired", "exp")
    if issued - LEEWAY_S > now:
        raise ClaimError("from-the-future", "iat")
    if issued + MAX_AGE_S + LEEWAY_S < now:
        raise ClaimError("too-old", "iat")
    if not 0 <= expires - issued <= MAX_LIFETIME_S:
        raise ClaimError("malformed", "exp")
    if "nbf" in body and _moment(body, "nbf") - LEEWAY_S > now:
        raise ClaimError("from-the-future", "nbf")


def clean(value: object, limit: int = TEXT_LIMIT) -> str:
    """Text for people, as a database takes it: unfit characters out, cut at `limit`; other types are empty."""
    return _UNFIT.sub("", value).strip()[:limit] if isinstance(value, str) else ""


def _moment(body: Mapping[str, Any], name: str) -> float:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ClaimError("missing" if value is None else "malformed", name)
    # the comparison first: math.isfinite raises for a whole number beyond the largest float
    if abs(value) > 1e12 or not math.isfinite(value):
        raise ClaimError("malformed", name)
    return value


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ClaimError("malformed", _short(name))
    return value


def _id(body: Mapping[str, Any], name: str, limit: int = ID_LIMIT) -> str:
    """A name that must be kept letter for letter: refused when unfit, never cut."""
    value = body.get(name)
    if value is None or value == "":
        raise ClaimError("missing", _short(name))
    if not isinstance(value, str) or len(value) > limit or _UNFIT.search(value):
        raise ClaimError("malformed", _short(name))
    return value


def _text(body: Mapping[str, Any], name: str, limit: int = TEXT_LIMIT) -> str:
    return clean(body.get(name), limit)


def _url(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None or value == "":
        return ""
    if (
        not isinstance(value, str)
        or len(value) > URL_LIMIT
        or _UNFIT.search(value)
        or not value.lower().startswith(("https://", "http://"))
    ):
        raise ClaimError("malformed", name)
    return value


def _strings(body: Mapping[str, Any], name: str, *, required: bool = False) -> tuple[str, ...]:
    value = body.get(name)
    if value is None:
        if required:
            raise ClaimError("missing", _short(name))
        return ()
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise ClaimError("malformed", _short(name))
    return tuple(clean(entry, URL_LIMIT) for entry in value)


def _resource_link(body: Mapping[str, Any]) -> str:
    """Required of a resource link launch; other messages are told apart, and refused, by their type."""
    link = _object(body, LTI + "resource_link")
    if body.get(LTI + "message_type") != RESOURCE_LINK:
        return _text(link, "id")
    try:
        return _id(link, "id")
    except ClaimError as error:
        raise ClaimError(error.code, "resource_link") from None


def _deep_linking(body: Mapping[str, Any]) -> DeepLinking | None:
    """Required of a deep linking launch, of no other."""
    if body.get(LTI + "message_type") != DEEP_LINKING:
        return None
    wish = _object(body, DL + "deep_linking_settings")
    if not wish:
        raise ClaimError("missing", "deep_linking_settings")
    address = _url(wish, "deep_link_return_url")
    if not address:
        raise ClaimError("missing", "deep_link_return_url")
    data = wish.get("data")
    if data is not None and not isinstance(data, str):
        raise ClaimError("malformed", "data")
    return DeepLinking(address, _strings(wish, "accept_types", required=True), data)


def _context(body: Mapping[str, Any]) -> ContextClaim | None:
    context = _object(body, LTI + "context")
    if not context:
        return None
    try:
        context_id = _id(context, "id")
    except ClaimError as error:
        raise ClaimError(error.code, "context") from None
    return ContextClaim(context_id, _text(context, "label"), _text(context, "title", 500))


def _person(body: Mapping[str, Any], presentation: Mapping[str, Any]) -> Person:
    parts = (_text(body, "given_name"), _text(body, "family_name"))
    sourced_id = _text(_object(body, LTI + "lis"), "person_sourcedid")
    return Person(
        sub=_id(body, "sub"),
        name=_text(body, "name") or " ".join(part for part in parts if part)[:TEXT_LIMIT],
        email=_text(body, "email", 320),
        sis_id="" if sourced_id.startswith("$") else sourced_id,
        locale=_text(presentation, "locale", 20) or _text(body, "locale", 20),
    )


def _custom(values: Mapping[str, Any]) -> dict[str, str]:
    """Scalars as text. A value that still starts with "$" is a variable that the platform did not know."""
    texts = {
        clean(name): clean(value if isinstance(value, str) else str(value), URL_LIMIT)
        for name, value in values.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    }
    return {name: text for name, text in texts.items() if name and not text.startswith("$")}


def _lis(values: Mapping[str, Any]) -> dict[str, str]:
    texts = {clean(name): clean(value) for name, value in values.items() if not name.startswith("person_")}
    return {name: text for name, text in texts.items() if name and text and not text.startswith("$")}


def _short(name: str) -> str:
    return name.rstrip("/").rsplit("/", 1)[-1]
