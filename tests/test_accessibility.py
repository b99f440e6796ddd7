"""axe-core checks every page of the built book: light, dark and on a phone.

This needs a Chromium, a built book (``make book``), and axe-core, from ``npm install --no-save axe-core`` or
in the file that the variable AXE names; without one of them the tests are skipped.
"""

import json
import os
import time
from pathlib import Path

import pytest

from conftest import ROOT

HTML = ROOT / "_build" / "html"
PAGES = sorted(path for path in HTML.rglob("*.html") if not {"_static", "index.html"} & set(path.parts))
#: Problems in what we did not write: rule, elements, whose they are.
THEIRS = [
    ("label-content-name-mismatch", ".search-button-field, .theme-switch-button", "pydata-sphinx-theme"),
    ("label-content-name-mismatch", "details > summary[aria-label]", "myst-nb: Show code cell source"),
    ("region", ".sidebar-primary-item", "sphinx-book-theme: the logo"),
    ("aria-allowed-role", ".citation", "docutils"),
    ("aria-deprecated-role", ".citation", "docutils"),
    ("aria-required-children", ".citation-list", "docutils"),
]
RUN = """
axe.run(document, {resultTypes: ["violations"], ...OPTIONS}).then(result => result.violations.flatMap(found =>
  found.nodes
    .filter(node => !THEIRS.some(([rule, selector]) =>
      rule === found.id && document.querySelector(node.target.at(-1))?.matches(selector)))
    .map(node => `${found.id}: ${node.target.join(" ")}: ${node.html.slice(0, 200)}`)))
"""
# What is wider than the text, or than the box that it can be scrolled in.
CUT = """
[...document.querySelectorAll("article :is(table, figure, img, svg, iframe)")].filter(element => {
  const box = element.closest(".pst-scrollable-table-container");
  const [own, text] = [element, element.closest("article")].map(each => each.getBoundingClientRect().right);
  return own > text + 1 || (box && box.scrollWidth > box.clientWidth + 1);
}).map(element => element.id || element.outerHTML.slice(0, 99))
"""


@pytest.fixture(scope="module")
def axe():
    path = Path(os.environ.get("AXE") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
    if not path.is_file():
        pytest.skip(f"no axe-core at {path}: npm install --no-save axe-core, or name the file in AXE")
    return path.read_text()


def found(browser, axe, *rules):
    """What axe finds on the open page that is ours, a line each; of some rules only."""
    if not browser.value("'axe' in window"):
        browser.call("Runtime.evaluate", expression=axe)
    options = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    text = RUN.replace("OPTIONS", json.dumps(options)).replace("THEIRS", json.dumps(THEIRS))
    return browser.value(text)


def test_axe_finds_what_is_wrong(axe, chromium, tmp_path):
    page = tmp_path / "page.html"
    start = '<!doctype html><html lang="en"><title>T</title><main><h1>T</h1>'
    page.write_text(start + '<img src="a.png"><p style="color: #999; background: #fff">pale</p></main>')
    chromium.open(page)
    assert {line.split(":")[0] for line in found(chromium, axe)} == {"image-alt", "color-contrast"}
    page.write_text(start + "<div class='citation' role='doc-biblioentry'>theirs</div></main>")
    chromium.open(page)
    assert not found(chromium, axe)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_pages_can_be_used_by_all(axe, chromium, page):
    chromium.open(page)
    try:
        chromium.value("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        for theme in ("light", "dark"):
            chromium.value(f"document.documentElement.dataset.theme = {theme!r}")
            time.sleep(0.3)  # colours fade
            assert not found(chromium, axe, *["color-contrast"] * (theme == "dark")), theme
        size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        chromium.call("Emulation.setDeviceMetricsOverride", **size)
        time.sleep(0.6)  # the theme looks anew which tables can be scrolled
        assert not found(chromium, axe, "scrollable-region-focusable", "target-size"), "phone"
        wide = chromium.value("document.scrollingElement.scrollWidth")
        assert wide <= 400, "the page itself does not scroll sideways"
    finally:
        chromium.call("Emulation.clearDeviceMetricsOverride")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_no_figure_or_table_is_cut_and_no_script_fails(chromium, page):
    problems = len(chromium.problems)
    try:
        for width in (1280, 1920):
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
            chromium.call("Emulation.setDeviceMetricsOverride", **size)
            chromium.open(page)
            chromium.wait("[...document.images].every(image => image.complete || image.loading === 'lazy')")
            chromium.value("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
            assert not chromium.value(CUT), width
    finally:
        chromium.call("Emulation.clearDeviceMetricsOverride")
    assert chromium.problems[problems:] == []


def test_keys_alone_lead_through_a_chapter_and_open_its_answers(chromium):
    page = HTML / "book" / "alignment.html"
    if not page.is_file():
        pytest.skip(f"no page at {page}: make book")
    chromium.open(page)
    chromium.wait("!!document.querySelector('mjx-container')")
    stops = "[...document.querySelectorAll('[tabindex=\"0\"], mjx-container[tabindex]')].map(e => e.tagName)"
    assert "MJX-CONTAINER" not in chromium.value(stops), "formulas are read, not stopped at"
    answer = "document.querySelector('.bd-article details:not(.hide)')"
    around = f"(e => [e.className, getComputedStyle(e).outlineStyle, e.parentElement === {answer}])"
    seen = []
    while not seen or (len(seen) < 200 and not seen[-1][2]):
        chromium.key("Tab")
        seen.append(chromium.value(f"{around}(document.activeElement)"))
    buttons = [style for name, style, _ in seen if "btn" in name.split()]
    assert len(buttons) > 4 and set(buttons) <= {"solid", "auto"}, "the focus is visible"
    assert seen[-1][1] in ("solid", "auto") and seen[-1][2] and not chromium.value(f"{answer}.open")
    chromium.key("Enter")
    chromium.wait(f"{answer}.open && {answer}.querySelector('p').getBoundingClientRect().height > 10")
