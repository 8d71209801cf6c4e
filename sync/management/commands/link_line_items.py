"""Link the course's assignments: exact titles to existing SIS items, pairs as told, and with --create the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandParser

from lti_tool.models import Context
from sync import engine
from sync.engine import NewItemWish, Who
from sync.lms.records import course_total
from sync.management.base import Answer, Failed, JsonCommand, find_context, split_pair, who
from sync.models import ClassLink, LineItemLink


class Command(JsonCommand):
    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("context", metavar="CONTEXT", help="as sync_course lists it")
        parser.add_argument("--item", action="append", default=[], metavar="LMS_ID=SIS_ID")
        parser.add_argument(
            "--create", action="store_true", help="create what has no counterpart, with defaults"
        )
        parser.add_argument(
            "--course-total",
            action="append",
            default=[],
            metavar="current|final[=SIS_ID]",
            help="or the LMS's own word for a total of the course, for example calculated",
        )
        parser.add_argument("--scale", action="append", default=[], metavar=f"ITEM={'|'.join(engine.SCALES)}")

    def answer(self, options: dict[str, Any]) -> Answer:
        context = find_context(options["context"])
        work = Linking.of(context, options["scale"])
        work.link_told(options["item"])
        work.link_totals(options["course_total"])
        engine.link_exact_titles(context, work.person)
        if options["create"]:
            work.create_rest()
        engine.settle_creating(context, work.person)
        work.set_scales()
        return _shown(context, engine.look(context))


@dataclass
class Linking:
    """One call's work on one course: what was read of it, and how each item is to be converted."""

    context: Context
    snapshot: dict[str, Any]
    scales: dict[str, str]
    person: Who

    @classmethod
    def of(cls, context: Context, scales: Iterable[str]) -> Linking:
        work = cls(context, engine.look(context), {}, who())
        for text in scales:
            name, scale = split_pair(text, [*work.items, *work.titles])
            if scale not in engine.SCALES:
                raise Failed(f"There is no scale “{scale}”. Choose one of: {', '.join(engine.SCALES)}.")
            work.scales[work.item_id(name)] = scale
        return work

    @property
    def items(self) -> dict[str, dict[str, Any]]:
        return {one["line_item_id"]: one for one in self.snapshot["items"]}

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.snapshot["items"]]

    @property
    def classes(self) -> list[ClassLink]:
        return list(ClassLink.objects.filter(context=self.context, lapsed="").select_related("connection"))

    def item_id(self, name: str) -> str:
        """An assignment by its LMS id, a total by its word, or either by its title where only one is called so."""
        for known in (name, course_total(name)):
            if known in self.items:
                return known
        found = [one["line_item_id"] for one in self.snapshot["items"] if one["title"] == name]
        if len(found) != 1:
            raise Failed(f"The course has no assignment {name}, or several. Use its id.", "line_item_unknown")
        return str(found[0])

    def class_of(self, sis_id: str) -> ClassLink:
        for link in self.classes:
            if any(one["id"] == sis_id for one in self.snapshot["sis_items"].get(str(link.pk), [])):
                return link
        raise Failed(f"No linked class has an assignment {sis_id} in the SIS.", "line_item_unknown")

    def link(self, item_id: str, sis_id: str) -> None:
        scale = self.scales.get(item_id, "")
        engine.link_line_item(self.class_of(sis_id), item_id, sis_id, self.person, scale=scale)

    def link_told(self, texts: Iterable[str]) -> None:
        for text in texts:
            name, sis_id = split_pair(text, [*self.items, *self.titles])
            self.link(self.item_id(name), sis_id)

    def link_totals(self, texts: Iterable[str]) -> None:
        """A course total is linked to the SIS item named, else created in each class that has none."""
        for text in texts:
            word, _, sis_id = text.partition("=")
            item_id = course_total(word)
            if item_id not in self.items:
                raise Failed(self._no_total(word))
            if sis_id:
                self.link(item_id, sis_id)
            else:
                engine.create_line_items(self.context, list(self.wishes([item_id])), self.person)

    def _no_total(self, word: str) -> str:
        start = course_total("")
        words = [one.removeprefix(start) for one in self.items if one.startswith(start)]
        has = f"It has: {', '.join(words)}." if words else "It has none."
        return f"The course has no total “{word}” that can be read. {has}"

    def wishes(self, item_ids: Iterable[str]) -> Iterator[NewItemWish]:
        """What to create: these items, in each class where they have no link yet."""
        done = set(
            LineItemLink.objects.filter(class_link__context=self.context).values_list(
                "class_link_id", "lms_line_item_id"
            )
        )
        for item_id in item_ids:
            for link in self.classes:
                if (link.pk, item_id) not in done:
                    yield NewItemWish(link.pk, item_id, scale=self.scales.get(item_id, ""))

    def create_rest(self) -> None:
        """Everything published and graded but the course totals, which are created only when named."""
        rest = [
            one["line_item_id"]
            for one in self.snapshot["items"]
            if one["kind"] == "assignment" and one["published"] and one["grading_type"] != "not_graded"
        ]
        engine.create_line_items(self.context, list(self.wishes(rest)), self.person)

    def set_scales(self) -> None:
        for link in LineItemLink.objects.filter(class_link__context=self.context).select_related(
            "class_link__context"
        ):
            scale = self.scales.get(link.lms_line_item_id)
            if scale and scale != link.scale:
                engine.set_scale(link, scale, self.person)


def _shown(context: Context, snapshot: dict[str, Any]) -> Answer:
    open_items = [one for one in snapshot["items"] if one["kind"] == "assignment" and not one["links"]]
    waiting = [one for one in snapshot["items"] for link in one["links"] if link["state"] == "creating"]
    clean = not open_items and not waiting
    data = {"ok": clean, "context": str(context.public_id), "items": snapshot["items"]}
    return Answer(data, [line for one in snapshot["items"] for line in _lines(one)], clean)


def _lines(item: dict[str, Any]) -> Iterator[str]:
    for link in item["links"]:
        left_out = link.get("reason", "") or "left out"
        there = (
            left_out
            if link["state"] == "excluded"
            else f"= {link['sis_id'] or '(being created)'} ({link['scale']})"
        )
        yield f"{link['state']:<9} {item['line_item_id']}  {item['title']} {there}"
    if not item["links"]:
        guesses = ", ".join(f"{one['sis_id']} “{one['title']}”" for one in item["suggestions"])
        yield f"not linked {item['line_item_id']}  {item['title']}{' Perhaps: ' + guesses if guesses else ''}"
