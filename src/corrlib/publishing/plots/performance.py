"""The figure of computation time against size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from corrlib.publishing.plots.style import COLOURS, DPI, GREY, LineArt

#: Labels closer to the previous one than this share of the axis are left out.
NARROW = 0.2


def grown(series: Sequence[dict[str, Any]]) -> Figure:
    """Draw seconds against size on logarithmic axes, one panel per series, with the best fitting power.

    Parameters
    ----------
    series
        Each has a ``title``, the name of its ``size``, at least two ``sizes`` and ``seconds``, and the
        ``exponent`` of the power.
    """
    shape = dict(figsize=(2.5 * len(series), 2.7), dpi=DPI, layout="constrained", FigureClass=LineArt)
    figure, panels = plt.subplots(1, len(series), squeeze=False, **shape)
    for axes, row in zip(panels[0], series, strict=True):
        sizes, seconds = np.array(row["sizes"], float), np.array(row["seconds"])
        middle = np.exp(np.mean(np.log(seconds)) - row["exponent"] * np.mean(np.log(sizes)))
        fit = middle * sizes ** row["exponent"]
        axes.plot(sizes, fit, color=GREY, ls="--", lw=1.2, label=f"size to the {row['exponent']:.2f}")
        axes.plot(sizes, seconds, color=COLOURS[0], marker="o", ls="none", ms=5)
        axes.set(xscale="log", yscale="log", xlabel=row["size"], title=row["title"])
        apart = np.diff(np.log(sizes), prepend=-np.inf) > NARROW * np.log(sizes[-1] / sizes[0])
        axes.set_xticks(
            sizes, [f"{size:,.0f}" if shown else "" for size, shown in zip(sizes, apart, strict=True)]
        )
        axes.minorticks_off()
        axes.title.set_fontsize(10)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
        axes.legend(fontsize=8, frameon=False, loc="upper left")
    panels[0, 0].set_ylabel("processor seconds")
    return figure
