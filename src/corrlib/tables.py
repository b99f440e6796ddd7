"""Tables of the book: rows as Markdown, numbers with their intervals, and the tables of the paper itself."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from corrlib.store import cache_dir

__all__ = ["markdown", "project", "published", "results", "spelled"]


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table: the first column is left aligned, the others are right aligned.

    Raises
    ------
    ValueError
        If a row is not as long as the head: Markdown would silently drop or add cells.
    """
    lines = [head, [":--", *["--:"] * (len(head) - 1)]]
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"expected rows of {len(head)} cells ({', '.join(head)}), got {list(row)}")
        lines.append(row)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def spelled(value: Sequence[float], digits: int = 1, *, sign: bool = False) -> str:
    """Spell a number and its interval ``(value, lower, upper)``: "24.9 [23.1, 26.8]", in one line.

    Parameters
    ----------
    digits
        After the decimal point.
    sign
        Whether a positive value has its sign, as a difference should.
    """
    middle, lower, upper = (round(float(v), digits) + 0.0 for v in value)  # + 0.0: no negative zero
    text = f"{middle:{'+' if sign and middle else ''}.{digits}f} [{lower:.{digits}f}, {upper:.{digits}f}]"
    return text.replace("-", "\u2212").replace(" ", "\u00a0")


def published(name: str) -> list[dict[str, str]]:
    """Return the rows of one of the paper's own tables, ``book/published/<name>.csv``."""
    with open(project() / "book" / "published" / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def results() -> Path:
    """Return the folder of the results that chapters write: ``$CORRLIB_RESULTS``, or one in the cache.

    The points of a sweep have a folder each, so that they do not overwrite what the book has found.
    """
    return Path(os.environ.get("CORRLIB_RESULTS") or cache_dir() / "results")


def project() -> Path:
    """Return the project's root from a chapter: its kernel runs there, or in ``book/`` when it is edited.

    Raises
    ------
    ValueError
        If the current folder is neither.
    """
    for folder in (Path(), Path("..")):
        if (folder / "book" / "published").is_dir():
            return folder
    raise ValueError(f"{Path.cwd()} is neither the project's root nor its book/: start the chapter there")
