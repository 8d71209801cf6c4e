"""The catalogues under gradesync_site/locale: brought up to date with the source, and compiled."""

from __future__ import annotations

import re
from pathlib import Path

import polib

from tests.languages import source

LOCALE = source.ROOT / "gradesync_site" / "locale"
SENTENCES = source.ROOT / "sync" / "views" / "sentences.txt"
# https://www.gnu.org/software/gettext/manual/html_node/Plural-forms.html
PLURALS = {"es": "nplurals=2; plural=(n != 1);", "fr": "nplurals=2; plural=(n > 1);"}


def path_of(language: str, ending: str = "po") -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"django.{ending}"


def sentences() -> str:
    """What `sync/views/sentences.txt` must hold: one template a line."""
    return "".join(f"{one}\n" for one in source.sentences())


def update(language: str) -> polib.POFile:
    """The language's catalogue with just the texts that the source holds now; what was translated stays."""
    path = path_of(language)
    former = {(one.msgid, one.msgid_plural): one for one in polib.pofile(str(path))} if path.exists() else {}
    made = polib.POFile(wrapwidth=110)
    made.metadata = {
        "Project-Id-Version": "GradeSync",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": PLURALS[language],
    }
    for message, places in source.messages().items():
        made.append(_entry(message, places, former.get((message.msgid, message.plural))))
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(str(path))
    made.save_as_mofile(str(path_of(language, "mo")))
    return made


def _entry(message: source.Message, places: list[str], former: polib.POEntry | None) -> polib.POEntry:
    entry = polib.POEntry(msgid=message.msgid, occurrences=[(place, "") for place in places])
    if re.search(r"%(\(\w+\))?[sd]", message.msgid + message.plural):
        entry.flags = ["python-format"]
    if message.plural:
        entry.msgid_plural = message.plural
        entry.msgstr_plural = former.msgstr_plural if former else {0: "", 1: ""}
    elif former:
        entry.msgstr = former.msgstr
    return entry


def untranslated(language: str) -> list[str]:
    return [one.msgid for one in polib.pofile(str(path_of(language))) if not one.translated()]
