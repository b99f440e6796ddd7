"""Tables of the prediction chapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.experiments.prediction import ALPHAS
from corrlib.publishing import results
from corrlib.publishing.tables.published import means


def prediction_means(values: Mapping[str, Sequence], alphas: Sequence[float]) -> list[dict[str, Any]]:
    """`means` beside those of Table 4, which are published at alpha = 0.1 only."""
    paper = {row["method"]: row["mean"] for row in results.published("table4")}
    return [
        {"method": method, "paper, 0.1": paper.get(method), **row}
        for method, row in zip(values, means(values, alphas), strict=True)
    ]


def prediction_photos(
    pck: Mapping[str, Mapping[str, Sequence[float]]],
    values: Mapping[str, Sequence],
    alphas: Sequence[float],
) -> list[dict[str, Any]]:
    """Method -> category -> PCK ``(3,)``, in columns; and method -> ``(A, 3)`` mean PCK at `alphas`.

    Of the latter those at 0.1, the alpha of the former, are shown. There are more methods of them.
    """
    categories, at = list(next(iter(pck.values()))), list(alphas).index(0.1)
    rows = []
    for method, each in values.items():
        own = {category: 100 * pck[method][category][0] if method in pck else None for category in categories}
        rows.append({"method": method, **own, "mean": 100 * np.asarray(each[at])})
    return rows


def strides(values: Mapping[str, Mapping[int, Sequence]]) -> list[dict[str, Any]]:
    """Method -> stride in pixels -> mean PCK ``(A, 3)`` at each of `ALPHAS`."""
    return [
        {"method": method, "stride, px": stride}
        | {f"alpha = {a:g}": 100 * np.asarray(v) for a, v in zip(ALPHAS, each, strict=True)}
        for method, by_stride in values.items()
        for stride, each in by_stride.items()
    ]


def gained(gain: Mapping[float, np.ndarray]) -> list[dict[str, Any]]:
    """What `prediction.stride_gain` returns, and a verdict on the claim that the finer stride is better."""
    return [
        {"alpha": f"{alpha:g}", "difference": value, "better": metrics.judge([value])}
        for alpha, value in gain.items()
    ]
