"""Tables of the book: rows of cells, as functions of results; and rows as Markdown.

A row is a mapping from column to cell; a cell is text, a number, a number with its interval ``(value, lower,
upper)``, or None. `page.table` shows them.
"""
# ruff: noqa: F401, I001
# fmt: off

from corrlib.publishing.tables.alignment import (
    dense, optima, ranked, readings, readings_in_words, solvers,
)
from corrlib.publishing.tables.experiments import (
    agreement, by_category, census, gained, localisation, means, merged_in_words, naming, naming_means,
    order_in_words, prediction_means, radius_in_words, receptive_fields, reconstruction_scores,
    rectification, rectification_in_words, strides,
)
from corrlib.publishing.format import apart, formatted, markdown, words
from corrlib.publishing.tables.runs import (
    checks, costs, full_scale, highest, missed_goals, pages, ratios, read_benchmarks, sections, sources,
    stages, startup, swept,
)
