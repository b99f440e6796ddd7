"""The scoreboard: every number of the paper's Tables 1 to 4, and each of its claims, beside ours.

Everything is read from files: the paper's tables and claims (``book/published``), and the results that
chapters write. A table has a column for each dataset.
"""
# ruff: noqa: F401

from corrlib.publishing.scoreboard.claims import SECTIONS, registry
from corrlib.publishing.scoreboard.files import as_csv, as_json, as_markdown
from corrlib.publishing.scoreboard.judging import by_task, counts, differences, summary, tally, verdict
from corrlib.publishing.scoreboard.numbers import CHAPTERS, datasets, distances, numbers, read, recorded
from corrlib.publishing.scoreboard.rows import (
    FORMATS,
    beside_photos,
    claims,
    glance,
    orders,
    outside,
    quoted,
    single,
    sources,
    tasks,
)
