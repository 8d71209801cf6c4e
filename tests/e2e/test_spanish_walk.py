"""A teacher whose LMS speaks Spanish: the tool does too, to the end, in what the engine says as well."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.test_demo_walk import control, open_tool

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]
expect.set_options(timeout=30_000)
ENGLISH = re.compile(r"\b(the|grades?|students?|nothing|send|sent|with|this)\b", re.IGNORECASE)


def test_the_way_to_the_proof_is_in_spanish(page: Page, demo: dict[str, Any]) -> None:
    spoken = {"locale": "es-ES", "document_target": "iframe", "return_url": demo["start_here"]}
    control(demo["lms_control"], "forge", {"set": {"launch_presentation": spoken}})
    tool = open_tool(page, demo)
    expect(tool.get_by_role("heading", name="Calificaciones al SIS")).to_be_visible()
    expect(tool.locator("html")).to_have_attribute("lang", "es")
    tool.get_by_role("link", name="Vincular la clase del SIS").first.click()
    tool.get_by_role("button", name=re.compile("Vincular «Algebra 1")).click()
    expect(tool.get_by_text("está vinculada.")).to_be_visible()
    tool.get_by_role("link", name="Tareas", exact=True).click()
    tool.get_by_role("button", name="Vincular todas las de igual título").click()
    expect(tool.get_by_text("1 tarea está vinculada.")).to_be_visible()
    tool.get_by_role("link", name="Estudiantes", exact=True).click()
    expect(tool.get_by_role("heading", name="Por resolver")).to_be_visible()
    assert english_in(page) == []

    tool.get_by_role("link", name="Resumen").click()
    tool.get_by_role("button", name="Revisar calificaciones").first.click()
    expect(tool.get_by_role("heading", name="Revise y después envíe")).to_be_visible()
    assert english_in(page) == []
    tool.get_by_role("button", name="Enviar calificaciones al SIS").click()
    expect(tool.get_by_role("heading", name="Conciliación")).to_be_visible(timeout=90_000)
    expect(tool.get_by_text("lo que muestra el LMS está en el SIS")).to_be_visible()
    assert english_in(page) == []


def english_in(page: Page) -> list[str]:
    """Lines of the tool's page that are plainly English."""
    frame = page.frame(name="tool")
    assert frame is not None
    text = frame.inner_text("body")
    # what a page itself says is English: the names of the LMS's menus
    for named in frame.locator("[lang=en]").all_inner_texts():
        text = text.replace(named, "")
    return [line for line in text.splitlines() if len(ENGLISH.findall(line)) > 1]
