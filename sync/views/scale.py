"""The scale: the schemes as fetched, what becomes of each assignment's grades, and the rules in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lti_tool.models import Context
from sync.models import ClassLink, GradeScheme, LineItemLink
from sync.views import scheme_words, wording
from sync.views.asking import Request, class_links_of, course_of, page, show, state_of
from sync.views.filtering import Filter
from sync.views.seen import Json, Seen
from sync.views.totals import compared

PER_PAGE: Final = 10
FACTS: Final = ("excused", "missing", "late", "over_max", "not_graded", "pending", "problems")


@dataclass(frozen=True, slots=True)
class Bar:
    """One letter, or one tenth of the range, with how many grades it holds; `width` of the longest bar's 100."""

    label: str
    count: int
    width: int


@dataclass
class Conversion:
    """One linked assignment in one class: how its grades are converted, as the last read did it."""

    link: LineItemLink
    item: Json
    class_link: ClassLink
    is_stale: bool
    counts: Json = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)
    examples: list[Json] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    problems: list[Json] = field(default_factory=list)
    scheme: Json | None = None
    total: str = ""

    @property
    def facts(self) -> list[str]:
        """What else is among the grades, each with its figure; what is not there is not said."""
        n = {name: int(self.counts.get(name, 0)) for name in FACTS}
        texts = {
            "excused": ngettext("%(n)s excused", "%(n)s excused", n["excused"]),
            "missing": ngettext("%(n)s missing", "%(n)s missing", n["missing"]),
            "late": ngettext("%(n)s late", "%(n)s late", n["late"]),
            "over_max": ngettext("%(n)s above the maximum", "%(n)s above the maximum", n["over_max"]),
            "not_graded": ngettext("%(n)s not graded yet", "%(n)s not graded yet", n["not_graded"]),
            "pending": ngettext(
                "%(n)s waiting for a review in the LMS", "%(n)s waiting for a review in the LMS", n["pending"]
            ),
            "problems": ngettext("%(n)s to settle", "%(n)s to settle", n["problems"]),
        }
        return [texts[name] % {"n": n[name]} for name in FACTS if n[name]]


@page
def schemes(request: Request, public_id: UUID) -> HttpResponse:
    seen = Seen(state_of(request), class_links_of(request))
    links = _linked(seen)
    listed = Paginator(links, PER_PAGE).get_page(request.GET.get("page"))
    conversions = [_conversion(seen, link) for link in listed]
    return show(
        request,
        "sync/schemes.html",
        seen=seen,
        schemes=_schemes(seen, links, course_of(request)),
        conversions=conversions,
        stale=sum(one.is_stale for one in conversions),
        page=listed,
        narrowed=Filter(),
        scales=wording.SCALES,
        rules=[
            (link, rules(_profile(seen, link))) for link in _one_per_connection(seen) if _profile(seen, link)
        ],
        totals=[
            (link, scheme_words.total(link.lms_line_item_id, seen.snapshot))
            for link in links
            if link.kind == "course_total"
        ],
        totals_compared=bool(compared(seen)),
        total_rule=(seen.snapshot.get("state") or {}).get("total_rule", ""),
    )


def _linked(seen: Seen) -> list[LineItemLink]:
    """In the order of the LMS's gradebook, course totals last, and by class."""
    order = {item["line_item_id"]: place for place, item in enumerate(seen.snapshot.get("items", []))}
    links = LineItemLink.objects.filter(class_link__in=seen.standing, state="linked")
    found = [link for link in links if link.lms_line_item_id in order]
    return sorted(found, key=lambda link: (order[link.lms_line_item_id], link.class_link_id))


def _one_per_connection(seen: Seen) -> list[ClassLink]:
    return list({link.connection_id: link for link in reversed(seen.standing)}.values())


def _profile(seen: Seen, link: ClassLink) -> Json:
    found: Json = seen.snapshot.get("profiles", {}).get(str(link.connection_id)) or {}
    return found


# --- schemes --------------------------------------------------------------------------------------------------


def _schemes(seen: Seen, links: Sequence[LineItemLink], context: Context) -> list[Json]:
    """As fetched, highest grade first, with since when each is known to be so and what uses it."""
    known = {
        (row.scheme_id, row.version): row.fetched_at
        for row in GradeScheme.objects.filter(
            context=context, version__in=[one["version"] for one in seen.schemes]
        )
    }
    linked = {link.lms_line_item_id for link in links}
    return [
        scheme
        | {
            "since": known.get((scheme["scheme_id"], scheme["version"])),
            "fetched": _moment(seen.snapshot.get("read_at", "")),
            "uses": [item["title"] for item in _users_of(seen, scheme) if item["line_item_id"] in linked],
            "rows": _rows(scheme),
            "has_gpa": any(entry.get("gpa") for entry in scheme["entries"]),
            "has_upper": any(entry.get("upper") for entry in scheme["entries"]),
            "applied": scheme_words.applied(scheme),
        }
        for scheme in seen.schemes
    ]


def _users_of(seen: Seen, scheme: Json) -> list[Json]:
    return [item for item in seen.snapshot.get("items", []) if item["scheme_id"] == scheme["scheme_id"]]


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _rows(scheme: Json) -> list[Json]:
    return [
        {
            "name": entry["name"],
            "percent": entry.get("percent") or "?",
            "upper": entry.get("upper", ""),
            # the highest grade's range that ends with the maximum holds the maximum (cutoffs.Cutoffs)
            "takes_all": place == 0 and entry.get("upper") == "100",
            "gpa": entry.get("gpa", ""),
        }
        for place, entry in enumerate(sorted(scheme["entries"], key=_height, reverse=True))
    ]


def _height(entry: Json) -> Decimal:
    """A bound that is no number stands last."""
    return Decimal(entry["percent"]) if entry.get("percent") else Decimal("-Infinity")


# --- one assignment -------------------------------------------------------------------------------------------


def _conversion(seen: Seen, link: LineItemLink) -> Conversion:
    found = seen.snapshot.get("conversions", {}).get(str(link.pk))
    item = next(one for one in seen.snapshot["items"] if one["line_item_id"] == link.lms_line_item_id)
    class_link = next(one for one in seen.standing if one.pk == link.class_link_id)
    scheme = next((one for one in seen.schemes if one["scheme_id"] == item["scheme_id"]), None)
    made = Conversion(link, item, class_link, found is None or found["scale"] != link.scale, scheme=scheme)
    made.total = scheme_words.total(link.lms_line_item_id, seen.snapshot)
    if found is not None and not made.is_stale:
        made.counts, made.allowed = found["counts"], found["allowed"]
        made.bars, made.examples = _bars(found["spread"]), _examples(seen, found["examples"])
        made.problems = _problems(seen, link)
    return made


def _bars(spread: Sequence[Sequence[object]]) -> list[Bar]:
    """Every letter of the scheme; of the tenths, those from the first to the last that holds a grade."""
    counts = [(str(label), int(str(count))) for label, count in spread]
    held = [place for place, (label, count) in enumerate(counts) if count or not label.endswith("%")]
    counts = counts[held[0] : held[-1] + 1] if held else []
    longest = max((count for _label, count in counts), default=0)
    return [Bar(label, count, 100 * count // longest if longest else 0) for label, count in counts]


def _examples(seen: Seen, examples: Sequence[Json]) -> list[Json]:
    names = {row["user_id"]: row["name"] for row in seen.snapshot.get("students", [])}
    return [one | {"name": names.get(one["user_id"]) or one["user_id"]} for one in examples]


def _problems(seen: Seen, link: LineItemLink) -> list[Json]:
    """What kept grades of this item from being converted: each kind once, with how many results wait for it."""
    found: dict[str, Json] = {}
    for one in seen.snapshot.get("problems", []):
        if one["line_item_id"] == link.lms_line_item_id and one["code"] not in wording.NOT_OF_SCALE:
            former = found.get(one["code"], {"results": 0})
            found[one["code"]] = {
                "text": one["text"],
                "who": wording.WHO.get(one["who"], ""),
                "results": former["results"] + one["results"],
            }
    return list(found.values())


# --- the rules ------------------------------------------------------------------------------------------------


def rules(profile: Json) -> list[tuple[str, str]]:
    """What becomes of every kind of grade, as `sync.desired` and `sync.scales` decide it for this SIS."""
    flags, decimals = set(profile["flags"]), int(profile["decimals"])
    over = (
        _("Sent as it is: this SIS takes extra credit.")
        if profile["over_max"]
        else _("Not sent: this SIS takes no extra credit. It stands in the list of what to settle.")
    )
    return [
        (_("Not graded yet"), _ungraded(profile)),
        (_("Waiting for a review in the LMS"), _pending()),
        (_("Zero"), _("A zero that was entered is a grade, and is sent.")),
        (_("Excused"), _("Sent as excused, without a score.")),
        (_("Missing, without a score"), _missing(flags)),
        (_("Missing, with a score of the LMS's policy"), _("The score is sent as the LMS shows it.") + _marked("missing", flags)),
        (_("Late"), _("The score is sent as the LMS shows it, with the LMS's own deduction.") + _marked("late", flags)),
        (_("Above the maximum"), over),
        (_("Below the lowest value"), _("Not sent. It stands in the list of what to settle.")),
        (_("Hidden from students"), _("Sent all the same; the list warns you before, so that you can post it first.")),
        (_("Other maximum in the SIS"), _("Points are converted to the SIS's range: half of the points stays half.")),
        (_("Rounding"), _rounding(decimals)),
        (_("Letters and grade points"), _letters(profile)),
    ]  # fmt: skip


def _ungraded(profile: Json) -> str:
    text = _("Nothing is sent, and never a zero.")
    if profile["withdraw"]:
        return f"{text} " + _("If a grade was sent before, you are asked whether to remove it.")
    return f"{text} " + _("If a grade was sent before, it stays: this SIS lets no grade be removed.")


def _pending() -> str:
    return _(
        "Nothing is sent before the review is done: the score so far is no grade. One that was sent before stays as "
        "it is."
    )


def _missing(flags: set[str]) -> str:
    if "missing" in flags:
        return _("Sent as missing, without a score and never as a zero.")
    return _(
        "Nothing is sent: this SIS has no mark for it. Enter a zero in the LMS if it should count as one."
    )


def _marked(flag: str, flags: set[str]) -> str:
    if flag not in flags:
        return ""
    return " " + (_("It is marked as late.") if flag == "late" else _("It is marked as missing."))


def _rounding(decimals: int) -> str:
    text = ngettext(
        "Once, at the end, to %(n)s decimal; a half goes up.",
        "Once, at the end, to %(n)s decimals; a half goes up.",
        decimals,
    )
    return (
        _("Once, at the end, to a whole number; a half goes up.") if decimals == 0 else text % {"n": decimals}
    )


def _letters(profile: Json) -> str:
    if not profile["texts"]:
        return _("This SIS takes numbers only: an assignment sent as letters is not sent.")
    return _(
        "By the LMS's own scheme, never by an assumed one. Without a scheme, or where the LMS shows another letter "
        "than its scheme gives, the grade is not sent and stands in the list of what to settle."
    )
