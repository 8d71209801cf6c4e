"""One page looked at as people meet it: axe-core in light, dark and 320 px; no sideways scrolling; a picture to keep."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Frame, Page

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

    def look(self, page: Page, name: str, frame: Frame | None = None) -> None:
        """Inspect the page (or what stands in this frame of it) by each way of seeing it; it is left wide and light."""
        part = frame or page.main_frame
        self.seen.append(name)
        part.evaluate(axe())
        for scheme, width in (("light", WIDE), ("dark", WIDE), ("light", ZOOMED), ("light", NARROW)):
            where = f"{name} ({scheme}, {width} px)"
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of two words
            page.set_viewport_size({"width": width, "height": 900})
            part.evaluate(SETTLED)
            self._measure(part, where)
            if width != ZOOMED:
                self._axe(part, where)
                self._keep(page, f"{name}-{scheme}-{width}")
        self._mirror(page, part, name)
        page.set_viewport_size({"width": WIDE, "height": 900})
        # axe leaves style attributes behind, which htmx would carry over into the next page against its policy
        part.evaluate("document.querySelectorAll('[style]').forEach((one) => one.removeAttribute('style'))")

    def _mirror(self, page: Page, part: Frame, name: str) -> None:
        """As in a language that runs from right to left, with longer words: it fits 320 px as well."""
        part.evaluate(MIRRORED)
        self._measure(part, f"{name} (right to left, {NARROW} px)")
        self._keep(page, f"{name}-mirrored-{NARROW}")
        part.evaluate(UPRIGHT)

    def _axe(self, part: Frame, where: str) -> None:
        options = {"runOnly": {"type": "tag", "values": TAGS}, "rules": RULES, "resultTypes": ["violations"]}
        found = part.evaluate("options => axe.run(document, options)", options)
        for one in found["violations"]:
            nodes = [f"{node['html'][:160]}: {node['failureSummary'][:300]}" for node in one["nodes"][:3]]
            self.findings.append(f"{where}: {one['id']}: {one['help']}\n    " + "\n    ".join(nodes))

    def _measure(self, part: Frame, where: str) -> None:
        over = part.evaluate(TOO_WIDE)
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


# colours that are on their way are there
SETTLED = """() => document.getAnimations().filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime))
  .forEach((one) => one.finish())"""
# the innermost parts that reach over the edge; what scrolls by itself may
TOO_WIDE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth + 1) return [];
  const rolls = (one) => one && one !== root && one !== document.body
    && (["auto", "scroll", "hidden"].includes(getComputedStyle(one).overflowX) || rolls(one.parentElement));
  const out = (box) => box.right > root.clientWidth + 1 || box.left < -1;
  return [...document.body.querySelectorAll("*")]
    .filter((one) => out(one.getBoundingClientRect()) && !rolls(one.parentElement))
    .map((one) => one.outerHTML.slice(0, 120)).slice(-3).concat(`${root.scrollWidth} > ${root.clientWidth}`);
}"""

# each text two fifths longer, in marks that show what never went through a template
MIRRORED = """() => {
  document.documentElement.dir = "rtl";
  window.kept = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const one = walk.currentNode, text = one.data.trim();
    if (!text || one.parentElement.closest("script, noscript, style")) continue;
    window.kept.push([one, one.data]);
    one.data = `\u202b[${text} ${"oe".repeat(Math.ceil(text.length / 5)).replace(/(.{9})/g, "$1 ")}]\u202c `;
  }
}"""
UPRIGHT = """() => {
  document.documentElement.removeAttribute("dir");
  for (const [one, text] of window.kept) one.data = text;
}"""
