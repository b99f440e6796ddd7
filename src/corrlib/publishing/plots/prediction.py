"""Figures of the prediction chapter, as functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from corrlib.publishing.plots.style import DPI, KEYPOINTS, show


def predicted(
    images: Sequence[np.ndarray],
    names: Sequence[Sequence[str]],
    points: Mapping[str, Sequence[np.ndarray]],
    correct: Mapping[str, Sequence[np.ndarray]],
) -> Figure:
    """Draw the paper's Figure 6: each image a row, each set of points a column, each keypoint a number.

    Parameters
    ----------
    images
        ``(H, W, 3)`` each.
    names
        Of the K keypoints of each image, for the legend at its right; those in its first column have numbers.
    points, correct
        Title -> for each image the places ``(K, 2)``, NaN where there is none, and ``(K,)`` whether they are
        right: discs are, crosses are not.
    """
    columns, rows = len(points), len(images)
    size = (10, 10 / (columns + 1.35) * rows)
    figure, axes = plt.subplots(
        rows, columns + 1, figsize=size, dpi=DPI, layout="constrained", squeeze=False,
        gridspec_kw={"width_ratios": [1] * columns + [1.35]},
    )  # fmt: skip
    for row, (image, own) in enumerate(zip(images, names, strict=True)):
        seen = np.flatnonzero(np.isfinite(next(iter(points.values()))[row]).all(axis=1))
        numbers = {k: number for number, k in enumerate(seen, 1)}
        for place, (title, sets) in zip(axes[row], points.items(), strict=False):
            show(place, image)
            if row == 0:
                place.set_title(title, fontsize=14)
            for k, number in numbers.items():
                if np.isfinite(sets[row][k]).all():
                    _marked(place, sets[row][k], number, "o" if correct[title][row][k] else "X")
        legend = axes[row, -1]
        legend.axis("off")
        for k, number in numbers.items():
            legend.scatter([], [], c=_colour(number), s=40, label=f"{number} {own[k].replace('_', ' ')}")
        few = len(seen) <= 12
        placed = dict(loc="center left", frameon=False, handletextpad=0.1, borderaxespad=0, columnspacing=0.4)
        listed = legend.legend(fontsize=11 if few else 8.2, ncols=1 if few else 2, **placed)
        listed.set_in_layout(False)  # or pictures would shrink for it
    return figure


def _marked(axes: Axes, point: np.ndarray, number: int, marker: str) -> None:
    """Mark the place of a keypoint, with its number, which tells apart what has one colour."""
    style = dict(marker=marker, s=55, edgecolors="white", linewidths=1, clip_on=False)
    axes.scatter(*point, c=_colour(number), **style)
    edge = [withStroke(linewidth=2, foreground="black")]
    where = dict(xytext=(3.5, 2.5), textcoords="offset points", annotation_clip=False)
    axes.annotate(f"{number}", point, fontsize=9, color="white", path_effects=edge, **where)


def _colour(number: int) -> str:
    return KEYPOINTS[(number - 1) % len(KEYPOINTS)]
