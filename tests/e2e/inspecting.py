"""One page looked at as people meet it: axe-core in light, dark and 320 px; no sideways scrolling; a picture to keep."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Page

from gradesync_site import running

# WCAG 2.2 AA and all that it contains (axe-core, doc/API.md, "Axe-core Tags")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# axe's word beyond the guidelines: headings in order, everything within a landmark
RULES = {
    "heading-order": {"enabled": True},
    "region": {"enabled": True},
    "page-has-heading-one": {"enabled": True},
}
WIDE, ZOOMED, NARROW = 1280, 640, 320  # 640 is 1280 at 200 %


@cache
def axe() -> str:
    """The text of axe-core: AXE_CORE names its file, else `npm install axe-core` put it beside the project's files."""
    given = os.environ.get("AXE_CORE", "")
    path = Path(given) if given else running.ROOT / "node_modules" / "axe-core" / "axe.min.js"
    if path.is_file():
        return path.read_text()
    if os.environ.get("CI"):
        pytest.fail("axe-core is missing: .ci/run installs it and names it in AXE_CORE.")
    pytest.skip("axe-core is not installed: npm install --no-save axe-core")


@dataclass
class Inspector:
    """Collects what is wrong with the pages that it is shown; `findings` is empty when nothing is."""

    folder: Path | None = field(default_factory=lambda: pictures())
    findings: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def look(self, page: Page, name: str) -> None:
        """Inspect the page as it stands, by each way of seeing it; it is left wide and light."""
        self.seen.append(name)
        page.evaluate(axe())
        for scheme, width in (("light", WIDE), ("dark", WIDE), ("light", ZOOMED), ("light", NARROW)):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of two words
            page.set_viewport_size({"width": width, "height": 900})
            self._measure(page, f"{name} ({scheme}, {width} px)")
            if width != ZOOMED:
                self._axe(page, f"{name} ({scheme}, {width} px)")
                self._keep(page, f"{name}-{scheme}-{width}")
        page.set_viewport_size({"width": WIDE, "height": 900})
        # axe leaves style attributes behind, which htmx would carry over into the next page against its policy
        page.evaluate("document.querySelectorAll('[style]').forEach((one) => one.removeAttribute('style'))")

    def _axe(self, page: Page, where: str) -> None:
        options = {"runOnly": {"type": "tag", "values": TAGS}, "rules": RULES, "resultTypes": ["violations"]}
        found = page.evaluate("options => axe.run(document, options)", options)
        for one in found["violations"]:
            nodes = [f"{node['html'][:160]}: {node['failureSummary'][:300]}" for node in one["nodes"][:3]]
            self.findings.append(f"{where}: {one['id']}: {one['help']}\n    " + "\n    ".join(nodes))

    def _measure(self, page: Page, where: str) -> None:
        over = page.evaluate(TOO_WIDE)
        if over:
            self.findings.append(f"{where}: the page scrolls sideways: {over}")

    def _keep(self, page: Page, name: str) -> None:
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / (re.sub(r"[^a-z0-9-]+", "-", name.lower()) + ".png")
            page.screenshot(path=path, full_page=True)


def pictures() -> Path | None:
    """Where pictures go: the folder that SCREENSHOTS names; none are taken without it."""
    return Path(os.environ["SCREENSHOTS"]) if os.environ.get("SCREENSHOTS") else None


# the innermost parts that reach over the edge; what scrolls by itself may
TOO_WIDE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth + 1) return [];
  const rolls = (one) => one && one !== root && one !== document.body
    && (["auto", "scroll", "hidden"].includes(getComputedStyle(one).overflowX) || rolls(one.parentElement));
  return [...document.body.querySelectorAll("*")]
    .filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1 && !rolls(one.parentElement))
    .map((one) => one.outerHTML.slice(0, 120)).slice(-3).concat(`${root.scrollWidth} > ${root.clientWidth}`);
}"""
