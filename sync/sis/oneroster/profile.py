"""What follows from the options of a OneRoster connection: addresses, scopes, behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote, urlsplit

from sync.auth import SignatureMethod
from sync.errors import Misconfigured
from sync.sis import records as sis
from sync.sis.base import Settings
from sync.sis.oneroster.options import Reader, nonsense
from sync.sis.oneroster.presets import NEEDED_HEADERS

SCOPES: Final = "https://purl.imsglobal.org/spec/or/v1p{minor}/scope/"


@dataclass(frozen=True, slots=True)
class Config:
    """Options parsed, defaults by version filled in. Not shown whole: a header may hold a vendor's secret."""

    version: str
    rostering: str
    gradebook: str
    create: Literal["post", "put", "put_without_id"]
    batch: int
    parallel: int
    decimals: int
    full_refs: bool
    flags: frozenset[str]
    flags_by_status: bool
    letters: Literal["textScore", "metadata", "refuse"]
    letters_key: str
    score_date: str
    title_limit: int
    category_limit: int
    whole_maximum: bool
    over_max: bool
    withdraw: str
    exempt: Literal["omit", "zero", "refuse"]
    read_back: bool
    settle_s: int
    fresh_s: int
    page_limit: int
    paged: bool
    line_items: Literal["put", "post", "put_without_id", "none"]
    categories: Literal["", "class", "all", "none"]
    category: str
    create_categories: bool
    session_ref: str
    signed: bool
    signature: SignatureMethod
    token_in_body: bool
    scopes: tuple[str, ...]
    optional_scopes: tuple[str, ...]
    headers: Mapping[str, str] = field(repr=False)
    # what the product wants and the connection does not state, in words; "" where nothing
    lacking: str = ""
    own_total: str = ""

    @property
    def is_v11(self) -> bool:
        return self.version == "1.1"

    @property
    def posts(self) -> bool:
        return self.create == "post"

    def profile(self) -> sis.Profile:
        return sis.Profile(
            decimals=self.decimals,
            flags=self.flags,
            texts=self.letters != "refuse",
            exempt=self.exempt != "refuse",
            over_max=self.over_max,
            whole_maximum=self.whole_maximum,
            title_limit=self.title_limit,
            read_back=self.read_back,
            idempotent=self.create == "put",
            create_line_items=self.line_items != "none",
            withdraw=self.withdraw != "none",
            settle_s=self.settle_s,
            fresh_s=self.fresh_s,
            extra={"category": self.category},
        )

    def rostering_url(self, *path: str) -> str:
        return joined(self.rostering, *path)

    def gradebook_url(self, *path: str) -> str:
        return joined(self.gradebook, *path)


def joined(base: str, *path: str) -> str:
    """`base` and path parts, each quoted: an id may hold a slash."""
    return "/".join((base, *(quote(part, safe="") for part in path)))


def parse(settings: Settings) -> Config:
    """Raises Misconfigured, naming the option, when one is unknown or nonsense."""
    options = Reader(settings.options)
    version = options.choice("version") or ("1.1" if "/v1p1" in settings.base_url else "1.2")
    old = version == "1.1"
    rostering, gradebook = bases(settings.base_url, version)
    grades = _grades(options, old=old)
    return Config(
        version=version,
        rostering=options.address("rostering_base") or rostering,
        gradebook=options.address("gradebook_base") or gradebook,
        **grades,
        **_columns(options, old=old),
        **_pace(options),
        **_access(options, version, grades),
        parallel=options.number("parallel", 1, 32),
        batch=options.number("batch", 1, 1000) if grades["create"] == "post" else 1,
        full_refs=options.choice("refs") == "full",
        own_total=options.text("own_total"),
    )


def _grades(options: Reader, *, old: bool) -> dict[str, Any]:
    """How results are written and read."""
    create = options.choice("create") or ("put" if old else "post")
    if old and create == "post":
        raise nonsense("create", "put or put_without_id: OneRoster 1.1 has no POST")
    flags, flags_by_status = options.flags(none=old)
    letters, letters_key = _letters(options, old=old)
    withdraw = options.choice("withdraw") or ("delete" if old or flags_by_status else "clear")
    if flags_by_status and withdraw == "clear":
        raise nonsense("withdraw", "delete or none: a cleared grade would show as missing there")
    return {
        "create": create,
        "decimals": options.number("decimals", 0, 12),
        "flags": flags,
        "flags_by_status": flags_by_status,
        "letters": letters,
        "letters_key": letters_key,
        "score_date": options.choice("score_date"),
        "over_max": options.truth("over_max"),
        "withdraw": withdraw,
        # 1.1 requires a score on every result; the read-back shows it when a SIS takes no notice of "exempt"
        "exempt": options.choice("exempt_score") or ("zero" if old else "omit"),
        "read_back": options.truth("read_back"),
    }


def _columns(options: Reader, *, old: bool) -> dict[str, Any]:
    """How line items and categories are made."""
    how = options.choice("line_items")
    if old and how == "post":
        raise nonsense("line_items", "put, put_without_id or none: OneRoster 1.1 has no POST")
    return {
        "line_items": how,
        "title_limit": options.number("title_limit", 5, 10_000),
        "category_limit": options.number("category_limit", 5, 10_000),
        "whole_maximum": options.truth("whole_maximum"),
        "categories": options.choice("categories"),
        "category": options.text("category"),
        "create_categories": options.truth("create_categories"),
        "session_ref": "gradingPeriod" if old else options.choice("session_ref"),
    }


def _pace(options: Reader) -> dict[str, Any]:
    return {
        "settle_s": options.number("settle_s", 0, 86_400),
        "fresh_s": options.number("fresh_s", 1, 86_400),
        "page_limit": options.number("page_limit", 1, 10_000),
        "paged": options.choice("paging") == "offset",
    }


def _access(options: Reader, version: str, grades: Mapping[str, Any]) -> dict[str, Any]:
    prefix = SCOPES.format(minor=version[-1])
    asked, headers = tuple(options.text("scopes").split()), options.headers()
    needed = ["roster.readonly", "gradebook.readonly", "gradebook.createput"]
    needed += ["gradebook.delete"] if grades["withdraw"] == "delete" else []
    posts = grades["create"] == "post" and not asked
    return {
        "signed": options.choice("auth") == "oauth1",
        "signature": options.choice("oauth1_method"),
        "token_in_body": options.choice("token_auth") == "body",
        "scopes": asked or tuple(prefix + name for name in needed),
        "optional_scopes": (f"{prefix}gradebook.createpost",) if posts else (),
        "headers": headers,
        "lacking": _lacking(options.preset, headers),
    }


def _letters(options: Reader, *, old: bool) -> tuple[str, str]:
    letters, key = (
        options.choice("letters") or ("refuse" if old else "textScore"),
        options.text("letters_key"),
    )
    if old and letters == "textScore":
        raise nonsense("letters", "metadata or refuse: OneRoster 1.1 has no textScore")
    if letters == "metadata" and not key:
        raise nonsense("letters_key", "the name of the metadata field that letters go to")
    return letters, key if letters == "metadata" else ""


def _lacking(preset: str, headers: Mapping[str, str]) -> str:
    name, written = NEEDED_HEADERS.get(preset, ("", ""))
    if not name or name in {one.lower() for one, value in headers.items() if value}:
        return ""
    return f"This product wants a header of its own: set the option header.{name} ({written})."


def bases(base_url: str, version: str) -> tuple[str, str]:
    """Rostering and gradebook addresses from the host root, a path up to /ims/oneroster, or either service's own.

    1.1 has one base for all; a SIS that names a service before /v1p1 has one for each, as 1.2 has.
    """
    parts = urlsplit(base_url)
    if parts.query or parts.fragment or not parts.netloc:
        raise Misconfigured(
            "The SIS address must be a plain URL without query. Correct it.", "base_url_wrong"
        )
    root, apart = base_url.rstrip("/"), version != "1.1"
    tail = f"/v1p{version[-1]}"
    for service in ("/gradebook", "/rostering"):
        apart = apart or root.endswith(f"{service}/v1p1")
        root = root.removesuffix(f"{service}/v1p1").removesuffix(f"{service}/v1p2")
    root = root.removesuffix("/v1p1")
    if not root.endswith("/oneroster"):
        root += "/ims/oneroster"
    if not apart:
        return root + tail, root + tail
    return f"{root}/rostering{tail}", f"{root}/gradebook{tail}"
