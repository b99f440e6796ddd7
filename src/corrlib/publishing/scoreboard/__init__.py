"""The scoreboard: every number of the paper's Tables 1 to 4, and each of its claims, beside ours.

Everything is read from files: the paper's tables (``book/published``) and the results that chapters write.
A *tier* is a data set with a network; a table has a column for each.
"""

from corrlib.publishing.scoreboard.files import as_csv, as_json, as_markdown
from corrlib.publishing.scoreboard.judging import NOT_RUN, WORDS, Claim, claims, counted, judged, pairs
from corrlib.publishing.scoreboard.page import claimed, glance, listed, mark, orders, sources
from corrlib.publishing.scoreboard.rows import CHAPTERS, Number, numbers, read, summary

__all__ = ["CHAPTERS", "NOT_RUN", "WORDS", "Claim", "Number", "as_csv", "as_json", "as_markdown", "claimed"]
__all__ += ["claims", "counted", "glance", "judged", "listed", "mark", "numbers", "orders", "pairs", "read"]
__all__ += ["sources", "summary"]
