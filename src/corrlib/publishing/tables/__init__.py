"""Tables of the book: rows of cells, as functions of results; and rows as Markdown.

A row is a mapping from column to cell; a cell is text, a number, a number with its interval ``(value, lower,
upper)``, or None. `page.table` shows them.
"""

from corrlib.publishing.tables.alignment import dense, solvers
from corrlib.publishing.tables.classification import localisation, naming, naming_means, rectification
from corrlib.publishing.tables.data import census
from corrlib.publishing.tables.format import formatted, markdown
from corrlib.publishing.tables.performance import (
    checks,
    full_scale,
    missed_goals,
    pages,
    ratios,
    read_benchmarks,
    startup,
)
from corrlib.publishing.tables.prediction import gained, prediction_means, prediction_photos, strides
from corrlib.publishing.tables.published import by_category, means
from corrlib.publishing.tables.sweep import highest, swept
from corrlib.publishing.tables.visualization import receptive_fields, reconstruction_scores
from corrlib.publishing.tables.voc import costs, sources, stages

__all__ = [
    "by_category",
    "census",
    "checks",
    "costs",
    "dense",
    "formatted",
    "full_scale",
    "gained",
    "highest",
    "localisation",
    "markdown",
    "means",
    "missed_goals",
    "naming",
    "naming_means",
    "pages",
    "prediction_means",
    "prediction_photos",
    "ratios",
    "read_benchmarks",
    "receptive_fields",
    "reconstruction_scores",
    "rectification",
    "solvers",
    "sources",
    "stages",
    "startup",
    "strides",
    "swept",
]
