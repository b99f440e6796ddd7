"""The scoreboard: every number of the paper's Tables 1 to 4, and each of its claims, beside ours.

Everything is read from files: the paper's tables (``book/published``) and the results that chapters write.
A *tier* is a data set with a network; a table has a column for each.
"""

from corrlib.scoreboard.pages import NOT_RUN, as_csv, as_json, as_markdown, table, verdicts
from corrlib.scoreboard.rows import CHAPTERS, Claim, Number, claims, numbers, read, summary

__all__ = ["CHAPTERS", "NOT_RUN", "Claim", "Number", "as_csv", "as_json", "as_markdown", "claims", "numbers"]
__all__ += ["read", "summary", "table", "verdicts"]
