"""Tables of the alignment chapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib.experiments.alignment import ALPHAS


def solvers(solved: Sequence[Mapping[str, Any]], copied: Sequence[float]) -> list[dict[str, Any]]:
    """What `alignment.solvers` returns, in percent, and the PCK ``(3,)`` of NN transfer."""
    rows = [
        {
            "method": row["method"].replace(" ", "\u00a0"),
            "beta": f"{row['beta']:g}",
            "solver": {"trws": "TRW-S", "bp": "BP"}[row["solver"]],
            "no flow": 100 * row["still"],
            "optimal": 100 * row["optimal"],
            "excess": f"{100 * row['median']:.2f}",
            "at most": f"{100 * row['largest']:.2f}",
            "PCK": 100 * np.asarray(row["pck"]),
        }
        for row in solved
    ]
    return [*rows, dict.fromkeys(rows[0]) | {"method": "NN transfer", "PCK": 100 * np.asarray(copied)}]


def dense(errors: Mapping[str, Mapping[str, np.ndarray]]) -> list[dict[str, Any]]:
    """What `alignment.every_pixel` returns; a row of nothing where there is no dense truth."""
    columns = ["method", "measured at", "median error, px", *(f"PCK, alpha = {a:g}" for a in ALPHAS)]
    rows = []
    for method, places in errors.items():
        for where, values in places.items():
            median, *pck = np.asarray(values, dtype=np.float64).T
            cells = [method, where, median, *(100 * value for value in pck)]
            rows.append(dict(zip(columns, cells, strict=True)))
    return rows or [dict.fromkeys(columns) | {"method": "not known"}]
