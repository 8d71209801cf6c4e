"""Where the pretend LMS says that things are: its issuer, its endpoints and the services of a course."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from gradesync_site.sandbox.lms.dialects import Dialect

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Addresses:
    """`here` is the address under which this server was reached.

    Options: `endpoint_host`, another name of this machine for sign-in, tokens, keys and registration, as Canvas and Blackboard have
    them on hosts of their own; `issuer` and `says_issuer`, where the dialect's own should not do: `issuer=site` is this address,
    for a tool that would not believe a machine of its own to speak for a vendor.
    """

    dialect: Dialect
    here: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def site(self) -> str:
        """The LMS that people see. Reached by the endpoints' name, it is still where its pages are."""
        parts = urlsplit(self.here)
        if parts.hostname != self.options.get("endpoint_host"):
            return self.here
        return parts._replace(netloc=f"{LOOPBACK}:{parts.port}").geturl()

    @property
    def central(self) -> str:
        parts = urlsplit(self.here)
        host = self.options.get("endpoint_host")
        return parts._replace(netloc=f"{host}:{parts.port}").geturl() if host else self.here

    @property
    def issuer(self) -> str:
        wished = self.options.get("issuer")
        return self.site if wished == "site" else wished or self.dialect.wording.issuer or self.site

    @property
    def configured_issuer(self) -> str:
        """What the configuration says, which is wrong in one of the dialects."""
        usual = "" if self.options.get("issuer") else self.dialect.joining.says_issuer
        return self.options.get("says_issuer") or usual or self.issuer

    @property
    def configuration(self) -> str:
        """At the site itself; where all sites share one issuer, at the vendor's own place."""
        base = self.central if self.dialect.wording.issuer else self.site
        query = self.dialect.joining.configuration_query.format(issuer=quote(self.issuer, safe=""))
        return base + self.dialect.paths.configuration + (f"?{query}" if query else "")

    @property
    def auth(self) -> str:
        return self.central + self.dialect.paths.auth

    @property
    def token(self) -> str:
        return self.central + self.dialect.paths.token

    @property
    def jwks(self) -> str:
        return self.central + self.dialect.paths.jwks

    @property
    def audience(self) -> str:
        """What an assertion for this platform's tokens must name."""
        joining = self.dialect.joining
        return joining.authorization_server if joining.separate_audience else self.token

    def registration(self, key: str) -> str:
        return self.central + self.dialect.paths.registration.replace("<key>", key)

    def service(self, name: str, **parts: str) -> str:
        """The address of one of a course's services (`line_items`, `line_item`, `results`, `members`)."""
        query = self.dialect.paths.service_query.format(**parts) if name != "members" else ""
        return _filled(self.site, getattr(self.dialect.paths, name), query, parts)

    def page(self, name: str, course: str) -> str:
        """Where a course is come back to (`come_back`), or brought a link (`deep_link`)."""
        query = getattr(self.dialect.paths, f"{name}_query").format(course=course)
        return _filled(self.site, getattr(self.dialect.paths, name), query, {"course": course})


def _filled(base: str, path: str, query: str, parts: Mapping[str, str]) -> str:
    for name, value in parts.items():
        path = path.replace(f"<{name}>", value)
    return f"{base}{path}?{query}" if query else f"{base}{path}"
