"""The scoreboard as files: Markdown, CSV, JSON."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from corrlib.publishing.format import markdown
from corrlib.publishing.scoreboard.claims import registry
from corrlib.publishing.scoreboard.judging import Results, differences, verdict
from corrlib.publishing.scoreboard.numbers import numbers
from corrlib.publishing.scoreboard.rows import FORMATS, claims, glance, single


def as_markdown(datasets: Mapping[str, Results]) -> str:
    """Claims and numbers as a page; `datasets` is dataset -> the results of `read`."""
    columns, every = {name: differences(each) for name, each in datasets.items()}, numbers(datasets)
    parts = [f"# The paper and {' and '.join(datasets)}", "## Claims"]
    parts += [markdown(glance(columns)), markdown(claims(columns))]
    for table in (1, 2, 3, 4):
        parts.append(f"## Table {table}")
        for means in (True, False)[: 1 + (table > 1)]:
            parts.append(markdown(single(every, table, list(datasets), means=means), FORMATS))
    return "\n\n".join(parts) + "\n"


def as_json(datasets: Mapping[str, Results]) -> dict[str, Any]:
    """Claims and numbers as plain lists and dictionaries."""
    columns, every = {name: differences(each) for name, each in datasets.items()}, numbers(datasets)
    return {
        "numbers": [vars(n) | {"difference": {name: n.difference(name) for name in n.ours}} for n in every],
        "claims": [
            vars(claim)
            | {"id": name, "verdicts": {column: verdict(name, each) for column, each in columns.items()}}
            | {"differences": {column: each.get(name, []) for column, each in columns.items()}}
            for name, claim in registry().items()
        ],
    }


def as_csv(datasets: Mapping[str, Results]) -> str:
    """All numbers, one per line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    heads = [f"{name}{what}" for name in datasets for what in ("", " lower", " upper", " difference")]
    writer.writerow(["table", "name", "of", "published", *heads])
    for n in numbers(datasets):
        values = [v for name in datasets for v in (*n.ours.get(name, [None] * 3), n.difference(name))]
        rounded = ["" if v is None else f"{v:.4g}" for v in values]
        writer.writerow([n.table, n.name, n.of, f"{n.published:.{n.digits}f}", *rounded])
    return text.getvalue()
