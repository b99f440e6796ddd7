"""Tables as Markdown: rows are mappings from column to cell, and a cell may have an interval."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def markdown(rows: Sequence[Mapping[str, Any]], formats: str | Mapping[str, str] = ".1f") -> str:
    """A Markdown table: columns of numbers are right aligned, the first one and those of text left aligned.

    A cell is text, which may contain Markdown; a number; a number with its interval, ``(value, lower,
    upper)``; or None. `formats` apply to numbers that are not integers: one for all columns, or a mapping by
    column (default: ``.1f``).

    Examples
    --------
    >>> print(markdown([{"method": "conv4 flow", "PCK": (24.91, 23.1, 26.8)}]))
    | method | PCK |
    | :-- | --: |
    | conv4 flow | 24.9 [23.1, 26.8] |
    """
    if not rows:
        raise ValueError("a table has at least one row")
    by_column, default = ({}, formats) if isinstance(formats, str) else (formats, ".1f")
    columns = list(rows[0])
    texts = [
        any(isinstance(row.get(name), str) and re.search("[a-z]{3}", row[name]) for row in rows)
        for name in columns
    ]
    lines = [columns, [":--" if text else "--:" for text in (True, *texts[1:])]]
    for row in rows:
        if list(row) != columns:
            raise ValueError(f"expected rows with the columns {', '.join(columns)}, got {', '.join(row)}")
        lines.append([formatted(cell, by_column.get(column, default)) for column, cell in row.items()])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def formatted(value: Any, format: str = ".1f") -> str:
    """Format text, a number, or a number with its interval for a table or a sentence.

    `format` applies to numbers that are not integers. A ``+`` shows the sign of a difference, but not in its
    interval.

    Examples
    --------
    >>> formatted((24.91, 23.1, 26.8))
    '24.9 [23.1, 26.8]'
    """
    value = plain(value)
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list):
        middle, lower, upper = value
        ends = f"{_number(lower, format.lstrip('+'))}, {_number(upper, format.lstrip('+'))}"
        # Lines may break before the interval but not within it.
        return f"{_number(middle, format)} [{ends}]".replace(", ", ",\u00a0")
    return _number(value, format)


def escaped(text: str) -> str:
    """Escape text, such as the name of a file, so that Markdown shows it unchanged."""
    return re.sub(r"([\\`*_{}\[\]<>$|~^#!])", r"\\\1", text)


def plain(value: Any) -> Any:
    """Convert a cell to JSON's types: text, a number, None, or a list of three numbers."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, tuple | list) and len(value) == 3:
        return [plain(v) for v in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError(f"a cell is text, a number, or a number and its interval, not {value!r:.60}")


def _number(value: float, format: str) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    text = f"{value:{format}}"
    if float(text) == 0:  # zero has no sign
        text = text.lstrip("+-")
    return text.replace("-", "\u2212")


def words(parts: Sequence[str]) -> str:
    """Join words to a phrase: ``conv3``, ``conv3 and conv4``, ``conv3, conv4 and conv5``; or ``none``."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or "none"


def apart(dataset: str, kinds: str) -> str:
    """What to compare in a table of published numbers and ours; nothing if both are of the same dataset."""
    same = dataset == "voc2011"
    return "" if same else f"The numbers are of different datasets: compare {kinds}, not numbers."
