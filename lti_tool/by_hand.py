"""Registration by hand: what follows from the LMS's family and the few words that an administrator types."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lti_tool import http
from lti_tool.families import Family
from lti_tool.login import public_url
from lti_tool.origins import origin_of


class Unfit(ValueError):
    """What was typed does not do; `field` names it, str() says why and what to do."""

    def __init__(self, field: str, text: str | Promise) -> None:
        super().__init__(str(text))
        self.field = field


def values(family: Family, *, site: str, client_id: str, tool_id: str) -> dict[str, Any]:
    """The fields of a Registration that are known by now; empty ones she must type. Raises Unfit."""
    site, tool_id = _site(site), tool_id.strip()
    if family.needs_site and not site:
        raise Unfit("site", _("Type the address of your LMS, as the browser shows it on its front page."))
    if family.needs_tool_id and not tool_id:
        raise Unfit(
            "tool_id",
            _("The addresses of this LMS hold the number or UUID that it gave this tool: type it too."),
        )
    known: dict[str, Any] = dict(family.addresses(site, client_id.strip(), tool_id))
    known["product"] = family.product
    known["name"] = " ".join(filter(None, (family.title, urlsplit(site).hostname)))[:200]
    # behind an issuer of all customers, the school's own address is where its services and frames live
    apart = bool(site) and not family.needs_site
    known["service_hosts"] = [http.host_of(site).lower()] if apart else []
    known["frame_origins"] = [origin_of(site)] if apart else []
    return known


def _site(text: str) -> str:
    text = text.strip().rstrip("/")
    if not text:
        return ""
    text = text if "://" in text else f"https://{text}"
    parts = urlsplit(text)
    if not origin_of(text) or parts.query or parts.fragment or parts.username:
        raise Unfit("site", _("This is not the address of a site. It looks like https://school.example.edu."))
    # Moodle may live below a path, which is part of its issuer
    return f"{origin_of(text)}{parts.path}"


def to_paste(family: Family) -> list[tuple[str, str]]:
    """What the LMS calls an address, and ours to paste there."""
    return [(label, public_url(name)) for label, name in family.paste]
