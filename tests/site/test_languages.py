"""Every text for people is there in every language, whole, and compiled; a course speaks its person's language."""

from __future__ import annotations

import os
import re
from collections import Counter

import polib
import pytest
from django.conf import settings
from django.utils import translation

from lti_tool.languages import language_of
from sync.views import telling
from tests.languages import catalogue, source

LANGUAGES = sorted(catalogue.PLURALS)
# texts of pages that are being written may stand in English for a while; none may in a whole check
MAY_WAIT = 0 if os.environ.get("GRADESYNC_FULL") else 60
PLACE = re.compile(r"%\(\w+\)[sd]|%%|%[sd]")


@pytest.fixture(params=LANGUAGES)
def entries(request: pytest.FixtureRequest) -> polib.POFile:
    return polib.pofile(str(catalogue.path_of(request.param)))


def test_each_offered_language_but_english_has_a_catalogue() -> None:
    assert {code for code, _ in settings.LANGUAGES} == {"en", *LANGUAGES}


def test_the_catalogue_holds_just_what_the_source_says(entries: polib.POFile) -> None:
    held = {source.Message(one.msgid, one.msgid_plural) for one in entries}
    wanted = set(source.messages())
    assert len(wanted ^ held) <= MAY_WAIT, f"run: python -m tests.languages ({sorted(wanted ^ held)})"


def test_every_text_is_translated_with_all_its_plural_forms(entries: polib.POFile) -> None:
    waiting = [one.msgid for one in entries if not one.translated() or one.fuzzy]
    assert len(waiting) <= MAY_WAIT, waiting
    plural = [one for one in entries if one.msgid_plural]
    assert [one.msgid for one in plural if set(one.msgstr_plural) != {0, 1}] == []


def test_a_translation_has_the_places_of_its_text(entries: polib.POFile) -> None:
    wrong = []
    for one in (one for one in entries if one.translated()):
        for said in one.msgstr_plural.values() if one.msgid_plural else [one.msgstr]:
            wanted = Counter(PLACE.findall(one.msgid_plural or one.msgid))
            # a form for exactly one may say it in a word
            singular = one.msgid_plural and Counter(PLACE.findall(said)) == Counter(PLACE.findall(one.msgid))
            if Counter(PLACE.findall(said)) != wanted and not singular:
                wrong.append((one.msgid, said))
    assert wrong == []


def test_a_translation_begins_and_ends_as_its_text_does(entries: polib.POFile) -> None:
    """A lost full stop or blank glues two sentences of a page together."""
    wrong = [
        (one.msgid, one.msgstr)
        for one in entries
        if one.translated()
        and not one.msgid_plural
        and (one.msgid[-1:] in ".:…" or one.msgid[-1:].isspace())
        and one.msgstr[-1:] != one.msgid[-1:]
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_that_of_the_texts(language: str) -> None:
    texts = polib.pofile(str(catalogue.path_of(language)))
    compiled = polib.mofile(str(catalogue.path_of(language, "mo")))
    assert said_by(compiled) == said_by(texts)


def said_by(entries: polib.POFile | polib.MOFile) -> dict[tuple[str, str], tuple[str, ...]]:
    return {
        (one.msgid, one.msgid_plural): (one.msgstr, *(text for _, text in sorted(one.msgstr_plural.items())))
        for one in entries
        if one.msgstr or any(one.msgstr_plural.values())
    }


def test_the_engines_sentences_are_those_of_its_source() -> None:
    missing = set(catalogue.sentences().splitlines()) ^ set(telling._FILE.read_text().splitlines())
    assert len(missing) <= MAY_WAIT, f"run: python -m tests.languages ({sorted(missing)})"


def test_no_place_of_a_sentence_touches_another() -> None:
    """Between two places there are words, or nobody could tell where one value ends."""
    assert [one for one in source.sentences() if re.search(r"\)s%\(", one)] == []


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        *(
            ("es", "es"),
            ("es-MX", "es"),
            ("es_419", "es"),
            ("fr_CA.UTF-8", "fr"),
            ("FR", "fr"),
            ("en-GB", "en"),
        ),
        *(("", None), ("de", None), ("no/where", None), ("x" * 20, None)),
    ],
)
def test_a_launchs_locale_names_one_of_our_languages(locale: str, language: str | None) -> None:
    assert language_of(locale) == language


def test_a_sentence_of_the_engine_is_said_with_its_values() -> None:
    said = "Only 7 students came from the LMS; last time there were 25. Is the course complete?"
    with translation.override("es"):
        told = telling.tell(said)
    assert told != said
    assert "7" in told and "25" in told and "LMS" in told
    assert telling.tell(said) == said


def test_a_sentence_within_a_sentence_is_said_too() -> None:
    with translation.override("fr"):
        whole = telling.tell(
            "problem: The SIS assignment is gone. Link this item to another one, or ask the SIS administrator."
        )
        part = telling.tell(
            "The SIS assignment is gone. Link this item to another one, or ask the SIS administrator."
        )
    assert part in whole
    assert "gone" not in whole


def test_what_stands_beside_a_grade_is_said_with_dates_as_its_reader_writes_them() -> None:
    said = "I (incomplete until 2027-01-31, then F; last attended 2026-10-14)"
    told = {}
    for language in ("en", "es", "fr"):
        with translation.override(language):
            told[language] = telling.tell(said)
    assert told["en"] == "I (incomplete until Jan. 31, 2027, then F; last attended Oct. 14, 2026)"
    assert told["fr"] == "I (incomplète jusqu’au 31 janvier 2027, puis F; dernière présence 14 octobre 2026)"
    assert "31 de enero de 2027, después F" in told["es"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_an_lms_or_sis_answered_is_said_to_its_last_word(language: str) -> None:
    with translation.override(language):
        told = telling.tell(
            "Moodle answered with a page instead of data. Try later; if it stays, ask the LMS administrator."
        )
        missing = telling.tell(
            "The connection to Canvas has no access token. An administrator must add it to the connection."
        )
    assert "Moodle" in told and "page instead" not in told and "answered" not in told
    assert "Canvas" in missing and "access token" not in missing


def test_the_why_of_a_grade_is_said_part_by_part() -> None:
    with translation.override("es"):
        told = telling.tell("8 of 10 → 80 of 100, rounded half up to a whole number")
    assert "→" in told and "rounded" not in told and "whole" not in told
    assert {"8", "10", "80", "100"} <= set(re.findall(r"\d+", told))


def test_what_nobody_translated_stays_as_it_was_said() -> None:
    with translation.override("es"):
        assert telling.tell("Zq-7 is frozen till 3 May") == "Zq-7 is frozen till 3 May"
        assert telling.tell("") == ""


def test_a_text_that_is_put_together_before_it_is_asked_for_is_found_out() -> None:
    code = 'from django.utils.translation import gettext as _\nn = 1\nx = _(f"{n} grades")\n'
    with pytest.raises(ValueError, match="literal"):
        list(source.in_python(code))


def test_a_template_s_texts_are_found_with_their_plurals() -> None:
    page = (
        '{% load i18n %}{% translate "One" %}{% blocktranslate count n=n %}{{ n }} grade{% plural %}'
        "{{ n }} grades{% endblocktranslate %}"
    )
    found = set(source.in_template(page))
    assert found == {source.Message("One"), source.Message("%(n)s grade", "%(n)s grades")}


def test_dates_and_numbers_follow_the_language() -> None:
    from django.utils.formats import localize

    with translation.override("es"):
        assert localize(1234.5).endswith(",5")
