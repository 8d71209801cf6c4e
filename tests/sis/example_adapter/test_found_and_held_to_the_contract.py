"""A package outside of this project is found by its entry point alone, and passes what every adapter must pass."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from sync.errors import Misconfigured
from sync.sis import records as sis
from sync.sis import registry
from sync.sis.base import Settings, Sis
from sync.sis.contract import SisContract
from tests.sis.example_adapter.school import CLASSES, COLUMNS, KEY, School, serve

PACKAGE = Path(__file__).parent / "package"
CLASS = "bio/1"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch, local_requests: None) -> Iterator[None]:
    """As after `pip install acme-gradesync`: its folder is on the path, and its dist-info in it."""
    monkeypatch.syspath_prepend(str(PACKAGE))
    yield
    registry.get.cache_clear()
    sys.modules.pop("acme_gradesync", None)


@pytest.fixture
def school() -> Iterator[School]:
    with serve() as school:
        yield school


def acme(school: School, secret: str = KEY, **options: str) -> Sis:
    return registry.get("acme")(Settings("1", school.url, secret=secret, options=options))


class TestAcme(SisContract):
    @pytest.fixture(autouse=True)
    def _school(self, school: School) -> None:
        self.school = school

    def make(self) -> Sis:
        return acme(self.school)

    @property
    def class_id(self) -> str:
        return CLASS

    @property
    def empty_class_id(self) -> str:
        return "empty"

    @property
    def line_item_ids(self) -> Collection[str]:
        return COLUMNS[CLASS]

    @property
    def student_ids(self) -> Collection[str]:
        return CLASSES[CLASS]

    @property
    def personal(self) -> Collection[str]:
        return ["Łukasz", KEY]

    @contextmanager
    def lose_answers(self) -> Iterator[None]:
        self.school.loses_answers = True
        yield
        self.school.loses_answers = False


def test_it_is_named_with_those_of_the_project(school: School) -> None:
    assert {"acme", "oneroster"} <= set(registry.names())
    assert acme(school, parallel="4").parallel == 4


def test_its_options_are_described_as_all_others(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("connect_sis", "--adapter", "acme", "--describe", "--json")
    assert "parallel" in json.dumps(json.loads(capsys.readouterr().out))


def test_its_manifest_says_what_its_project_file_says() -> None:
    stated = (PACKAGE / "acme_gradesync-1.0.dist-info" / "entry_points.txt").read_text().split()
    assert " ".join(stated) == "[gradesync.sis] acme = acme_gradesync:Acme"
    assert 'acme = "acme_gradesync:Acme"' in (PACKAGE / "pyproject.toml").read_text()


def test_what_is_wrong_is_said_to_an_administrator(school: School) -> None:
    assert [one.ok for one in acme(school, "wrong").check()] == [False]
    for secret, options in (("", {}), (KEY, {"parallel": "99"})):
        with pytest.raises(Misconfigured):
            acme(school, secret, **options)


def test_a_closed_term_is_told_in_the_words_all_adapters_share(school: School) -> None:
    school.term_closed = True
    of = acme(school)
    key = sis.Key("1", CLASS, "c1", "p1")
    ((_, outcome),) = of.push([sis.Change(key, None, sis.Value(Decimal(1)), frozenset({None}))])
    assert (outcome.code, outcome.words) == ("window_closed", "Acme says no.")
    assert [one.sourced_id for one in of.classes_of_teacher("t")] == [CLASS]
