"""The students' page in its parts: who is matched by what, whose word it was, what speaks for a suggestion, who is new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from lti_tool.models import Context, LtiUser
from sync import engine
from sync.enrolment import LMS
from sync.matching import Compared
from sync.models import ClassLink, Run, StudentLink
from sync.views import wording
from sync.views.filtering import Filter
from sync.views.seen import Json, Seen

ORDER: Final = ("problem", "excluded", "matched")
MOST_NEWS: Final = 50


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line of the two sides beside each other. `same` None: it says nothing, as one side has none."""

    name: wording.Text
    ours: str
    theirs: str
    same: bool | None


class People:
    """The course's students as its page shows them to one teacher."""

    def __init__(self, seen: Seen, context: Context, viewer: LtiUser) -> None:
        self.seen, self.context, self.viewer = seen, context, viewer
        self.classes = {link.pk: link for link in seen.standing}

    @cached_property
    def rows(self) -> list[Json]:
        """Those to settle first, then those left out, then the matched, each by name."""
        return sorted(self.seen.students, key=lambda row: (ORDER.index(row["state"]), row["name"].casefold()))

    @cached_property
    def words(self) -> dict[str, StudentLink]:
        """The word that holds for a student, hers before another's; an exclusion before all."""
        there = engine.words_here(self.context).select_related("confirmed_in")
        found = {link.lms_user_id: link for link in there}
        found |= {link.lms_user_id: link for link in there if link.confirmed_by_id == self.viewer.pk}
        left_out = StudentLink.objects.filter(context=self.context).exclude(excluded="")
        return found | {link.lms_user_id: link for link in left_out}

    def narrowed(self, filter_: Filter) -> list[Json]:
        return [
            row
            for row in self.rows
            if filter_.part in ("", row["state"])
            and filter_.finds(*(row[name] for name in ("name", "login", "sis_id", "email", "student_name")))
        ]

    def told(self, row: Json) -> Json:
        """The row with its words: by what it is matched, and whose decision that was."""
        word = self.words.get(row["user_id"])
        own_word = word is not None and (word.excluded or row["by"].startswith("confirmed by"))
        return row | {
            "by": self._whose(word) if own_word and word and not word.excluded else _by(row["by"]),
            "word": word if own_word else None,
            "is_mine": word is not None and word.confirmed_by_id == self.viewer.pk,
            "class_title": str(self.classes.get(row["class_link"], "")),
            "suggestions": sorted(
                (self._suggestion(row, one) for one in row["suggestions"]), key=_most_agreed
            ),
        }

    def _whose(self, word: StudentLink) -> str:
        elsewhere = word.confirmed_in_id not in (None, self.context.pk)
        if word.confirmed_by_id == self.viewer.pk:
            return _("confirmed by you in another course") if elsewhere else _("confirmed by you")
        text = _("confirmed by %(name)s in another course") if elsewhere else _("confirmed by %(name)s")
        return text % {"name": word.confirmed_name}

    def _suggestion(self, row: Json, one: Json) -> Json:
        person = self.person(one["class_link"], one["student_id"])
        return one | {
            "class_title": str(self.classes.get(one["class_link"], "")),
            "evidence": self.evidence(row, one["class_link"], person) if person else [],
        }

    # --- evidence ---

    def person(self, class_link: int, student_id: str) -> Json | None:
        if class_link not in self.classes:
            return None
        return self._roster(class_link).get(student_id)

    def _roster(self, class_link: int) -> Mapping[str, Json]:
        if class_link not in self._rosters:
            people = self.seen.snapshot.get("roster", {}).get(str(class_link), [])
            self._rosters[class_link] = {one["id"]: one for one in people}
        return self._rosters[class_link]

    @cached_property
    def _rosters(self) -> dict[int, dict[str, Json]]:
        return {}

    def evidence(self, row: Json, class_link: int, person: Json) -> list[Evidence]:
        """The names, then each identifier of the LMS beside the SIS's fields that it is compared with."""
        names = Evidence(_("Name"), row["name"], person["name"], _same_name(row["name"], person["name"]))
        pairs: dict[str, list[Compared]] = defaultdict(list)
        for one in engine.compared(row, person, self.classes[class_link].connection):
            pairs[one.lms_field].append(one)
        told = [_beside(several) for several in pairs.values()]
        return [names, *(one for one in told if one.ours or one.theirs)]

    # --- who is new ---

    def news(self, last_sent: datetime | None) -> tuple[list[Json], int]:
        """Who came and who left lately, newest first, and how many since the last run."""
        known = {str(link.pk): str(link) for link in self.seen.standing} | {LMS: _("course in the LMS")}
        rows = [
            one | {"place": known[one["place"]], "at": datetime.fromisoformat(one["at"])}
            for one in self.seen.snapshot.get("news", [])
            if one["place"] in known
        ]
        for row in rows:
            row["is_new"] = last_sent is None or row["at"] > last_sent
        return rows[:MOST_NEWS], sum(1 for row in rows if row["is_new"])


def last_sent(context: Context) -> datetime | None:
    """When grades of this course were last sent."""
    runs = Run.objects.filter(context=context, state="done", approved_at__isnull=False)
    return runs.order_by("-id").values_list("finished_at", flat=True).first()


def counted(rows: Iterable[Json]) -> dict[str, int]:
    found = dict.fromkeys(ORDER, 0)
    for row in rows:
        found[row["state"]] += 1
    return found


def choices(seen: Seen) -> Sequence[tuple[ClassLink, list[Json], list[Json]]]:
    """Per class (link, free students, those taken already), by name."""
    return [(link, _by_name(free), _by_name(taken)) for link, free, taken in seen.roster()]


def _by_name(people: Iterable[Json]) -> list[Json]:
    return sorted(people, key=lambda one: (one["name"].casefold(), one["id"]))


def _beside(pairs: Sequence[Compared]) -> Evidence:
    """One identifier of the LMS; it agrees when one of the SIS's fields does, as `matching` takes it."""
    there = [one for one in pairs if one.theirs]
    theirs = [one.theirs if len(pairs) == 1 else f"{one.theirs} ({_sis_field(one)})" for one in there]
    said = [one.same for one in pairs if one.same is not None]
    name = wording.MATCHED_BY.get(pairs[0].lms_field, pairs[0].lms_field)
    return Evidence(name, pairs[0].ours, ", ".join(theirs), any(said) if said else None)


def _sis_field(one: Compared) -> str:
    return str(wording.SIS_FIELDS.get(one.sis_field) or one.sis_field.partition(":")[2])


def _same_name(ours: str, theirs: str) -> bool | None:
    if not ours or not theirs:
        return None
    return sorted(ours.casefold().replace(",", " ").split()) == sorted(theirs.casefold().split())


def _most_agreed(suggestion: Json) -> tuple[int, int]:
    """Whose ids and name agree most comes first; where they agree alike, as the matcher ranked them."""
    said = [one.same for one in suggestion["evidence"]]
    return said.count(False) - said.count(True), said.count(False)


def _by(by: str) -> str:
    """The matcher's "sis_id = sourcedId, login = username" as "SIS id, login"; a person's word stays as it is."""
    fields = [part.partition(" = ")[0] for part in by.split(", ")]
    if not all(field in wording.MATCHED_BY for field in fields):
        return by
    return ", ".join(dict.fromkeys(str(wording.MATCHED_BY[field]) for field in fields))
