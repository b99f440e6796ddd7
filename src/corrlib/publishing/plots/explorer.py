"""Static figures of the explorers, for readers without scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle
from matplotlib.patheffects import withStroke

from corrlib.publishing.plots.style import COLOURS, DPI, GREY, panels, show

#: Shapes of marks, the same as in the scripts: convnet flow, SIFT flow, truth.
MARKERS = ("o", "s", "x")


def followed(
    target: np.ndarray, neighbors: Sequence[np.ndarray], point: np.ndarray, matches: Mapping[str, np.ndarray]
) -> Figure:
    """Draw a point of an object and its matches on each neighbour.

    `matches` is name -> points ``(k, 2)``, one per neighbour, NaN where there is none; at most three names.
    """
    columns = 1 + len(neighbors)
    figure, (axes,) = panels(1, columns, (1.7 * columns, 2.1))
    _mark(show(axes[0], target), point, "black", "o")
    axes[0].set_title("the object", fontsize=9)
    for number, (panel, image) in enumerate(zip(axes[1:], neighbors, strict=True)):
        show(panel, image).set_title(f"neighbour {number + 1}", fontsize=9)
        for (name, points), colour, marker in zip(matches.items(), COLOURS, MARKERS, strict=False):
            _mark(panel, points[number], colour, marker, label=name)
    handles, names = axes[1].get_legend_handles_labels()
    placed = dict(loc="outside lower center", ncols=len(names), frameon=False, fontsize=9)
    figure.legend(handles, names, **placed)
    return figure


def tolerated(
    target: np.ndarray,
    keypoints: np.ndarray,
    predicted: np.ndarray,
    correct: np.ndarray,
    radii: Sequence[float],
    *,
    alpha: float,
    alphas: Sequence[float],
    series: Mapping[str, Sequence[float]],
) -> Figure:
    """Draw an object's keypoints with their tolerances, and beside it PCK curves with a mark at `alpha`.

    A prediction ``(K, 2)``, NaN if there is none, is `correct` in an ellipse with the horizontal and vertical
    `radii`. `series` is name -> PCK (0 to 1) at `alphas`; at most four names.
    """
    figure, ((left, right),) = panels(1, 2, (9, 4.2))
    show(left, target)
    for truth, guess, hit in zip(keypoints, predicted, correct, strict=True):
        style = dict(ls="-" if hit else ":", lw=1.2, color="white", fill=False)
        left.add_patch(Ellipse(truth, *(2 * np.asarray(radii)), **style))
        left.plot(*np.stack([truth, guess]).T, color="white", lw=1)
        _mark(left, guess, COLOURS[2 if hit else 1], "o" if hit else "x")
    for (name, values), colour in zip(series.items(), COLOURS, strict=False):
        right.plot(alphas, 100 * np.asarray(values), color=colour, label=name)
        right.plot(alpha, 100 * np.interp(alpha, alphas, values), "o", color=colour)
    right.axvline(alpha, color=GREY, ls="--", lw=1)
    right.set(xlabel="alpha", ylabel="mean PCK in percent", ylim=(0, 100), xlim=(0, max(alphas)))
    right.grid(alpha=0.25)
    right.legend(frameon=False, fontsize=9)
    return figure


def alike(
    image: np.ndarray,
    center: np.ndarray,
    side: int,
    fields: Mapping[str, int],
    tiles: Mapping[str, np.ndarray],
) -> Figure:
    """Draw a patch on its image, and its nearest neighbours by each layer.

    `fields` is layer -> the side of its receptive field; `tiles` is layer -> ``(k, s, s, 3)`` the neighbours'
    patches with their surroundings.
    """
    columns = max(map(len, tiles.values()))
    figure = plt.figure(figsize=(9, 3), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(len(tiles), columns + 1, width_ratios=[columns, *[1] * columns])
    axes = show(figure.add_subplot(grid[:, 0]), image)
    for box, colour in [*((field, "black") for field in fields.values()), (side, "yellow")]:
        axes.add_patch(Rectangle(center - box / 2, box, box, fill=False, ec=colour, lw=1.2))
    for row, (layer, patches) in enumerate(tiles.items()):
        for column, tile in enumerate(patches, 1):
            axes = show(figure.add_subplot(grid[row, column]), tile)
            corner = (tile.shape[0] - side) / 2 - 0.5
            axes.add_patch(Rectangle((corner, corner), side, side, fill=False, ec="yellow"))
            if column == 1:
                axes.set_ylabel(layer, fontsize=9)
    return figure


def _mark(axes: Axes, point: np.ndarray, colour: str, marker: str, label: str = "") -> None:
    """A mark with a white edge, which is visible on any background."""
    edge = [withStroke(linewidth=4, foreground="white")]
    style = dict(ms=7, mfc="none", mec=colour, mew=2, ls="", clip_on=False, path_effects=edge)
    axes.plot(*point, marker=marker, label=label, **style)
