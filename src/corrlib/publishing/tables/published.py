"""Our numbers beside those of the paper's Tables 2 to 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib.publishing import results

#: Signs of the rows of means.
MEAN = "**mean**"


def by_category(
    values: Mapping[str, Mapping[str, Sequence[float]]], table: str = "", *, scale: float = 100
) -> list[dict[str, Any]]:
    """Methods in columns, categories in rows, each number of ours beside the published one; last, the means.

    Parameters
    ----------
    values
        Method -> category -> value and its interval ``(3,)``, of which the value is shown.
    table
        Of the paper, as `results.published` has it; empty: nothing was published that can stand beside.
    scale
        Of our values: 100 for fractions.
    """
    paper = _by_method(table)
    rows = []
    for category in [*next(iter(values.values())), "mean"]:
        row: dict[str, Any] = {"category": MEAN if category == "mean" else category}
        for method, own in values.items():
            mean = np.nanmean([value[0] for value in own.values()])
            if table:
                row[f"{method}, paper"] = paper.get(method, {}).get(category)
            row[f"{method}, ours"] = scale * float(mean if category == "mean" else own[category][0])
        rows.append(row)
    return rows


def means(
    values: Mapping[str, Sequence], alphas: Sequence[float], table: str = "", *, scale: float = 100
) -> list[dict[str, Any]]:
    """Mean PCK of each method, in a row, at each tolerance, beside the published one.

    Parameters
    ----------
    values
        Method -> ``(A, 3)`` mean and its interval at each of `alphas`.
    table
        Of the paper, with a column for each tolerance; empty: none.
    scale
        Of our values: 100 for fractions.
    """
    paper = _by_method(table)
    rows = []
    for method, each in values.items():
        row: dict[str, Any] = {"method": method}
        for alpha, value in zip(alphas, each, strict=True):
            if table:
                row[f"paper, {alpha:g}"] = paper.get(method, {}).get(f"{alpha:g}")
            row[f"alpha = {alpha:g}"] = scale * np.asarray(value, dtype=np.float64)
        rows.append(row)
    return rows


def _by_method(table: str) -> dict[str, dict[str, str]]:
    """Method -> column -> the number as it is printed."""
    if not table:
        return {}
    rows = results.published(table)
    first = next(iter(rows[0]))
    return {row[first]: row for row in rows}
