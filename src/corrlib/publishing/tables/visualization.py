"""Tables of the visualization chapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib.experiments.visualization import LAYERS


def receptive_fields(
    computed: Mapping[str, tuple[int, int]], published: Sequence[Mapping[str, str]]
) -> list[dict[str, Any]]:
    """What `visualization.table_1` returns, beside the rows of the paper's Table 1."""
    return [
        {
            "layer": row["layer"],
            "size, paper": int(row["rf_size_px"]),
            "size, ours": computed[row["layer"]][0],
            "stride, paper": int(row["stride_px"]),
            "stride, ours": computed[row["layer"]][1],
        }
        for row in published
    ]


def reconstruction_scores(
    scores: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]],
) -> list[dict[str, Any]]:
    """Layer -> what `visualization.scores` returns; last, the uniform column, which all layers share."""
    rows = [
        {
            "layer": layer,
            "detail score": scores[layer]["detail"]["neighbors"],
            "detail, difference": scores[layer]["detail"]["difference"],
            "plain correlation": scores[layer]["similarity"]["neighbors"],
            "plain, difference": scores[layer]["similarity"]["difference"],
        }
        for layer in LAYERS
    ]
    detail, plain = (scores[LAYERS[0]][measure]["uniform"] for measure in ("detail", "similarity"))
    uniform = {"layer": "uniform rf", "detail score": detail, "plain correlation": plain}
    return [*rows, dict.fromkeys(rows[0]) | uniform]
