"""The page of a connection says what its adapter's options are."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from sync.models import LmsConnection, SisConnection
from sync.sis import registry
from tests.sync.worlds import make_course

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root", password="x"))
    return client


def test_each_option_stands_there_with_default_choices_and_meaning(root: Client) -> None:
    row = make_course().connection
    SisConnection.objects.filter(pk=row.pk).update(adapter="oneroster")
    page = root.get(reverse("admin:sync_sisconnection_change", args=[row.pk])).content.decode()
    assert page.count("<summary>") == 1
    for option in registry.get("oneroster").options:
        assert f"<dt><code>{option.name}</code>" in page
    assert "<code>infinite_campus</code>" in page and "Longest title of a category." in page


@pytest.mark.parametrize("model", [SisConnection, LmsConnection])
def test_a_new_connection_shows_those_of_every_adapter(root: Client, model: type) -> None:
    page = root.get(reverse(f"admin:sync_{model.__name__.lower()}_add")).content.decode()
    assert page.count("<summary>") > 2 and "<dd>" in page
