"""Tables of the book: Markdown that MyST reads as it was meant, and numbers as they are spelled."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from corrlib.publishing import tables

words = st.text("abc0123456789.[] ,", min_size=1, max_size=6).filter(lambda t: t.strip() == t)


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(words, min_size=n, max_size=n), min_size=1)))
def test_a_markdown_reader_finds_every_cell(rows):
    head, *body = rows
    tokens = MarkdownIt("commonmark").enable("table").parse(tables.markdown(head, body))
    cells = [after for before, after in pairwise(tokens) if before.type in ("th_open", "td_open")]
    assert [cell.content for cell in cells] == [text for row in rows for text in row]
    aligned = [t.attrs.get("style") for t in tokens if t.type == "th_open"]
    assert aligned == ["text-align:left", *["text-align:right"] * (len(head) - 1)]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="rows of 2 cells"):
        tables.markdown(["a", "b"], [["1", "2", "3"]])


@pytest.mark.parametrize(
    ("value", "how", "text"),
    [
        ((24.94, 23.06, 26.75), {}, "24.9 [23.1, 26.8]"),
        ((-0.04, -1.26, 0.04), {}, "0.0 [\u22121.3, 0.0]"),
        ((1.2, -0.5, 3), {"sign": True}, "+1.2 [\u22120.5, 3.0]"),
        ((-1.2, -2, -1), {"sign": True}, "\u22121.2 [\u22122.0, \u22121.0]"),
        ((0.2624, 0.2229, 0.3115), {"digits": 2}, "0.26 [0.22, 0.31]"),
    ],
)
def test_numbers_are_spelled_in_one_piece(value, how, text):
    assert tables.spelled(value, **how) == text.replace(" ", "\u00a0")


def test_the_papers_tables_are_found_from_the_root_and_from_the_book(monkeypatch, request):
    root = request.config.rootpath
    for folder in (root, root / "book"):
        monkeypatch.chdir(folder)
        rows = tables.published("table2_mean_by_alpha")
        assert [row["method"] for row in rows] == ["conv4 flow", "SIFT flow", "NN transfer"]
        assert rows[0]["0.025"] == "4.08"
    monkeypatch.chdir(root / "src" / "corrlib")
    with pytest.raises(ValueError, match="project's root"):
        tables.project()
