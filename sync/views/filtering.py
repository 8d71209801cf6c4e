"""What a person narrows a list to. It stands in the page's address, so that reload, back and paging keep it; the words
that she searched by are sealed there, as an address is logged and may hold no name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ImproperlyConfigured

from lti_tool.fields import decrypt, encrypt

MOST = 100  # letters of a search


@dataclass(frozen=True, slots=True)
class Filter:
    """`part`: which kind of entries; `item`: the mark of an assignment's title; `find`: the sealed `words`."""

    part: str = ""
    item: str = ""
    find: str = ""
    words: str = ""
    page: int = 1

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Filter:
        """Of the fields of an address or a form. What makes no sense narrows nothing."""
        find, page = str(fields.get("find", ""))[:1000], str(fields.get("page", ""))
        number = int(page) if page.isdecimal() and len(page) < 7 else 1
        part, item = str(fields.get("part", ""))[:20], str(fields.get("item", ""))[:20]
        words = _unsealed(find)
        return cls(part, item, find if words else "", words, max(number, 1))

    @property
    def is_on(self) -> bool:
        """Are entries of a part left out?"""
        return bool(self.item or self.words)

    def link(self, **changes: Any) -> str:
        """The address of the same list, narrowed otherwise; on its first page unless one is named."""
        return replace(self, **{"page": 1, **changes}).query

    @property
    def query_before(self) -> str:
        """What a link to another page of the list begins with."""
        return self.link(page=1)

    @property
    def query(self) -> str:
        fields = {"part": self.part, "item": self.item, "find": self.find}
        if self.page > 1:
            fields["page"] = str(self.page)
        return "?" + urlencode({name: value for name, value in fields.items() if value})

    @property
    def fields(self) -> list[tuple[str, str]]:
        """For hidden fields of a form that comes back to this very list."""
        return [("part", self.part), ("item", self.item), ("find", self.find), ("page", str(self.page))]

    def searching(self, words: str) -> Filter:
        words = words.strip()[:MOST]
        return replace(self, words=words, find=encrypt(words), page=1)

    def fits(self, student: str, student_id: str, item: str) -> bool:
        return (not self.item or mark(item) == self.item) and self.finds(student, student_id)

    def finds(self, *names: str) -> bool:
        """Every word that she typed is somewhere in these names."""
        there = " ".join(names).casefold()
        return all(word in there for word in self.words.casefold().split())


def mark(title: str) -> str:
    """A short stand-in for an assignment's title in an address."""
    return hashlib.sha256(title.encode()).hexdigest()[:10]


def titles_of(mark_: str, titles: Iterable[str]) -> list[str]:
    return [title for title in titles if mark(title) == mark_]


def _unsealed(token: str) -> str:
    try:
        return decrypt(token)
    except (ImproperlyConfigured, ValueError):
        return ""
