"""axe-core judges every page of the built book, light, dark and on a phone; what it finds must not be ours.

It needs three things that a clone does not have, and says which is missing: a Chromium, a built book (``make
book``), and axe-core, from ``npm install --no-save axe-core`` or as a file that the variable AXE names.
"""

import json
import os
import re
import time
from pathlib import Path

import nbformat
import pytest

from browser import Browser
from conftest import ROOT
from corrlib.publishing.book import alternatives

HTML = ROOT / "_build" / "html"
PAGES = sorted(path for path in HTML.rglob("*.html") if not {"_static", "index.html"} & set(path.parts))
#: What axe finds in what we did not write: rule, elements, whose they are.
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


@pytest.fixture(scope="module")
def axe():
    path = Path(os.environ.get("AXE") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
    if not path.is_file():
        pytest.skip(f"no axe-core at {path}: npm install --no-save axe-core, or name the file in AXE")
    return path.read_text()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser"), size=(1200, 900)) as browser:
        yield browser


def found(browser, axe, **options):
    """What axe finds on the open page that is ours, a line each."""
    if not browser.value("'axe' in window"):
        browser.call("Runtime.evaluate", expression=axe)
    text = RUN.replace("OPTIONS", json.dumps(options)).replace("THEIRS", json.dumps(THEIRS))
    return browser.value(text)


def only(*rules):
    return {"runOnly": {"type": "rule", "values": rules}}


def test_axe_finds_what_is_wrong(axe, chromium, tmp_path):
    page = tmp_path / "page.html"
    start = '<!doctype html><html lang="en"><title>T</title><main><h1>T</h1>'
    page.write_text(start + '<img src="a.png"><p style="color: #999; background: #fff">pale</p></main>')
    chromium.open(page)
    assert {line.split(":")[0] for line in found(chromium, axe)} == {"image-alt", "color-contrast"}
    page.write_text(start + "<div class='citation' role='doc-biblioentry'>theirs</div></main>")
    chromium.open(page)
    assert not found(chromium, axe)


def test_there_is_a_book_to_judge(axe):
    if not PAGES:
        pytest.skip(f"no pages in {HTML}: make book")
    assert len(PAGES) > 8


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_pages_can_be_used_by_all(axe, chromium, page):
    chromium.open(page)
    try:
        chromium.value("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        for theme in ("light", "dark"):
            chromium.value(f"document.documentElement.dataset.theme = {theme!r}")
            time.sleep(0.3)  # colours fade
            rules = {} if theme == "light" else only("color-contrast")
            assert not found(chromium, axe, **rules), theme
        size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        chromium.call("Emulation.setDeviceMetricsOverride", **size)
        time.sleep(0.6)  # the theme looks anew which tables can be scrolled
        assert not found(chromium, axe, **only("scrollable-region-focusable", "target-size")), "phone"
        wide = chromium.value("document.scrollingElement.scrollWidth")
        assert wide <= 400, "the page itself does not scroll sideways"
    finally:
        chromium.call("Emulation.clearDeviceMetricsOverride")


def test_keys_alone_lead_through_a_chapter_and_open_its_answers(chromium):
    page = HTML / "book" / "alignment.html"
    if not page.is_file():
        pytest.skip(f"no page at {page}: make book")
    chromium.open(page)
    chromium.wait("!!document.querySelector('.admonition.dropdown .toggle-button')")
    chromium.wait("!!document.querySelector('mjx-container')")
    stops = "[...document.querySelectorAll('[tabindex=\"0\"], mjx-container[tabindex]')].map(e => e.tagName)"
    assert "MJX-CONTAINER" not in chromium.value(stops), "formulas are read, not stopped at"
    around = "(e => [e.className, getComputedStyle(e).outlineStyle])(document.activeElement)"
    seen = []
    while not seen or (len(seen) < 200 and "toggle-button" not in seen[-1][0]):
        chromium.key("Tab")
        seen.append(chromium.value(around))
    buttons = [style for name, style in seen if "btn" in name.split()]
    assert len(buttons) > 4 and set(buttons) <= {"solid", "auto"}, "where the focus is can be seen"
    answer = "document.activeElement.closest('.admonition').querySelector('p:not(.admonition-title)')"
    assert chromium.value(f"{answer}.getBoundingClientRect().height") == 0
    chromium.key("Enter")
    chromium.wait(f"{answer}.getBoundingClientRect().height > 10")


def staged(source, **values):
    """A chapter of one cell after its glued values have been put into its alternative texts."""
    outputs = [
        nbformat.v4.new_output(
            "display_data",
            {"application/papermill.record/text/plain": repr(value)},
            metadata={"scrapbook": {"name": name, "mime_prefix": "application/papermill.record/"}},
        )
        for name, value in values.items()
    ]
    cells = [nbformat.v4.new_code_cell("", outputs=outputs), nbformat.v4.new_markdown_cell(source)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"papermill": {"input_path": "small.py"}})
    alternatives.add_numbers(notebook)
    return notebook.cells[1].source


FIGURE = (
    "```{glue:figure} f\n:alt: From {glue:text}`low:.1f` to {glue:text}`high`.\n\nHere {glue:text}`low`.\n```"
)


def test_alternative_texts_have_the_numbers_and_captions_are_left_alone():
    text = staged(FIGURE, low=0.25, high="55.0 [53,\u00a057]")
    assert text == FIGURE.replace("{glue:text}`low:.1f`", "0.2").replace(
        "{glue:text}`high`", "55.0 [53,\u00a057]"
    )


@pytest.mark.parametrize("values", [{"low": 0.25}, {"low": "0.25", "high": 1}, {"low": 1, "high": object()}])
def test_an_alternative_text_that_cannot_be_written_names_the_chapter_and_the_number(values):
    with pytest.raises(
        ValueError, match=r"^small\.py: .*\{glue:text\}`(low:\.1f|high)`: glue a text or a number"
    ):
        staged(FIGURE, **values)


def test_every_figure_of_an_experiment_says_what_it_shows_and_most_say_a_number():
    for name in ("visualization", "alignment", "classification", "prediction"):
        text = (ROOT / "book" / f"{name}.py").read_text()
        figures = re.findall(r"\{glue:figure\} (\S+)\n# :name: \S+\n(?:# :alt: (.*)\n)?", text)
        told = {figure: alt for figure, alt in figures if alt}
        assert len(told) >= 3 and all(len(alt) > 60 for alt in told.values())
        assert sum("{glue:text}" in alt for alt in told.values()) * 2 >= len(told), name
