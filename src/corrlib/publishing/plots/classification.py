"""Figures of the classification chapter, as functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from corrlib.publishing.plots.style import DPI, GREY, LineArt, ordered


def validation(x: Sequence[float], panels: Mapping[str, Mapping[str, np.ndarray]], *, mark: float) -> Figure:
    """Draw the paper's Figure 5: accuracy against C, a panel for each kind of feature.

    Parameters
    ----------
    x
        ``n`` values of C.
    panels
        Title -> name of a feature -> ``(n,)`` accuracies in percent.
    mark
        The C that is used, drawn as a line.
    """
    figure, axes = plt.subplots(
        1, len(panels), figsize=(9, 4.2), dpi=DPI, layout="constrained", sharey=True, squeeze=False,
        FigureClass=LineArt,
    )  # fmt: skip
    for place, letter, (title, series) in zip(axes[0], "abcdef", panels.items(), strict=False):
        styles = zip(series.items(), ordered(len(series)), "os^Dv<>p*hX", strict=False)
        for (name, values), colour, marker in styles:
            place.plot(x, values, color=colour, marker=marker, label=name, lw=1.6, ms=5)
        place.axvline(mark, color=GREY, ls="--", lw=1.2)
        place.set(xscale="log", xlabel="C", title=f"({letter}) {title}")
        place.grid(alpha=0.25)
        place.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3)
    axes[0, 0].set_ylabel("mean accuracy in percent")
    return figure


def peaks(histograms: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Draw the paper's Figure 4: where classifiers respond most around a keypoint.

    Parameters
    ----------
    histograms
        Keypoint (a row) -> feature (a column) -> square matrix of counts, the keypoint in its middle.
    """
    columns = list(next(iter(histograms.values())))
    width = 10.0
    figure, axes = plt.subplots(
        len(histograms),
        len(columns),
        figsize=(width, width / len(columns) * len(histograms) + 0.5),
        dpi=DPI,
        layout="constrained",
        squeeze=False,
    )
    for place, name in zip(axes[0], columns, strict=True):
        place.set_title(name, fontsize=12)
    for row, (keypoint, found) in zip(axes, histograms.items(), strict=True):
        row[0].set_ylabel(keypoint, fontsize=12)
        for place, name in zip(row, columns, strict=True):
            counts = found[name]
            middle = (len(counts) - 1) / 2
            place.imshow(counts, cmap="Greys", vmin=0, vmax=max(1, counts.max()))
            place.plot(middle, middle, "+", color="#d55e00", ms=9, mew=1.4)
            place.set(xticks=[], yticks=[])
            place.set_xlabel(f"n = {counts.sum():.0f}", fontsize=11)
    return figure


def confusions(matrices: Mapping[str, np.ndarray], names: Sequence[str]) -> Figure:
    """Draw what keypoints are taken for.

    Parameters
    ----------
    matrices
        Title -> ``(K, K)`` shares from 0 to 1, rows are the truth; NaN where there is none.
    names
        Of the K types.
    """
    figure, axes = plt.subplots(
        1, len(matrices), figsize=(10, 5.4), dpi=DPI, layout="constrained", sharey=True, squeeze=False
    )
    for place, (title, matrix) in zip(axes[0], matrices.items(), strict=True):
        image = place.imshow(100 * matrix, cmap="Blues", vmin=0, vmax=100)
        place.set_xticks(range(len(names)), names, rotation=90, fontsize=10)
        place.set_yticks(range(len(names)), names, fontsize=10)
        place.set_title(title, fontsize=13)
        place.set_xlabel("taken for", fontsize=12)
    axes[0, 0].set_ylabel("true keypoint", fontsize=12)
    figure.colorbar(image, ax=axes[0].tolist(), shrink=0.6, label="percent")
    return figure
