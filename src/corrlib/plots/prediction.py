"""Figures of the prediction chapter, as functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from corrlib.plots.style import DPI, show


def predicted(
    images: Sequence[np.ndarray],
    names: Sequence[Sequence[str]],
    points: Mapping[str, Sequence[np.ndarray]],
    correct: Mapping[str, Sequence[np.ndarray]],
) -> Figure:
    """Draw the paper's Figure 6: each image a row, each set of points a column, each keypoint a colour.

    Parameters
    ----------
    images
        ``(H, W, 3)`` each.
    names
        Of the K keypoints of each image, for the legend at its right; of those that are in its first column.
    points, correct
        Title -> for each image the places ``(K, 2)``, NaN where there is none, and ``(K,)`` whether they are
        right: discs are, crosses are not.
    """
    columns, rows = len(points), len(images)
    size = (10, 10 / (columns + 1.05) * rows)
    figure, axes = plt.subplots(
        rows, columns + 1, figsize=size, dpi=DPI, layout="constrained", squeeze=False,
        gridspec_kw={"width_ratios": [1] * columns + [1.05]},
    )  # fmt: skip
    for row, (image, own) in enumerate(zip(images, names, strict=True)):
        colours = plt.get_cmap("hsv")(np.arange(len(own)) / max(len(own), 1))
        for place, (title, sets) in zip(axes[row], points.items(), strict=False):
            show(place, image)
            if row == 0:
                place.set_title(title, fontsize=11)
            for mark, which in (("o", correct[title][row]), ("X", ~correct[title][row])):
                its = sets[row][which]
                place.scatter(
                    *its.T,
                    c=colours[which],
                    marker=mark,
                    s=60,
                    edgecolors="white",
                    linewidths=1,
                    clip_on=False,
                )
        legend = axes[row, -1]
        legend.axis("off")
        seen = np.isfinite(next(iter(points.values()))[row]).all(axis=1)
        for k in np.flatnonzero(seen):
            legend.scatter([], [], c=[colours[k]], s=40, label=own[k].replace("_", " "))
        few = seen.sum() <= 12
        placed = dict(loc="center left", frameon=False, handletextpad=0.1, borderaxespad=0, columnspacing=0.4)
        listed = legend.legend(fontsize=8.5 if few else 7.5, ncols=1 if few else 2, **placed)
        listed.set_in_layout(False)  # or pictures would shrink for it
    return figure
