"""What stands in place of an explorer where scripts do not run, as functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle

from corrlib.publishing.plots.style import COLOURS, DPI, GREY, show

#: Shapes of marks, as the scripts have them: kinds of flow, then the truth.
MARKERS = ("o", "s", "x")


def followed(
    target: np.ndarray,
    neighbours: Sequence[np.ndarray],
    point: np.ndarray,
    matches: Mapping[str, np.ndarray],
) -> Figure:
    """Draw a point of an object, and where it is on each neighbour.

    Parameters
    ----------
    target, neighbours
        Images ``(H, W, 3)``.
    point
        ``(x, y)`` on the target.
    matches
        At most three names -> a point on each neighbour ``(k, 2)``; NaN where there is none.
    """
    columns = 1 + len(neighbours)
    figure, axes = plt.subplots(1, columns, figsize=(1.7 * columns, 2.1), dpi=DPI, layout="constrained")
    _marked(show(axes[0], target), point, "black", "o")
    axes[0].set_title("the object", fontsize=9)
    for number, (place, image) in enumerate(zip(axes[1:], neighbours, strict=True)):
        show(place, image).set_title(f"neighbour {number + 1}", fontsize=9)
        for points, colour, marker in zip(matches.values(), COLOURS, MARKERS, strict=False):
            _marked(place, points[number], colour, marker)
    styles = zip(matches, COLOURS, MARKERS, strict=False)
    handles = [plt.Line2D([], [], ls="", marker=m, color=c, mfc="none", mew=2, label=n) for n, c, m in styles]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
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
    """Draw an object's keypoints with their tolerance beside the curves of PCK, marked at `alpha`.

    Parameters
    ----------
    target
        The image ``(H, W, 3)``.
    keypoints, predicted, correct
        ``(K, 2)`` where they are; ``(K, 2)`` where predicted, NaN for nowhere; ``(K,)`` whether that counts.
    radii
        Of the ellipse within which a prediction is correct, across and down.
    alphas, series
        Tolerances, and name -> PCK (0 to 1) at each; at most four names.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2), dpi=DPI, layout="constrained")
    show(left, target)
    for truth, guess, right_one in zip(keypoints, predicted, correct, strict=True):
        style = dict(ls="-" if right_one else ":", lw=1.2, color="white", fill=False)
        left.add_patch(Ellipse(truth, 2 * radii[0], 2 * radii[1], **style))
        left.plot(*np.stack([truth, guess]).T, color="white", lw=1)
        _marked(left, guess, COLOURS[2 if right_one else 1], "o" if right_one else "x")
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
    """Draw a patch on its image, and for each layer its nearest neighbours.

    Parameters
    ----------
    image
        ``(H, W, 3)``.
    center, side
        The patch: a point ``(x, y)`` and pixels.
    fields, tiles
        Layer -> the side of its receptive field around the patch; and ``(k, s, s, 3)`` its neighbours'
        patches with what is around them.
    """
    columns = max(map(len, tiles.values()))
    figure = plt.figure(figsize=(9, 3), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(len(tiles), columns + 1, width_ratios=[columns, *[1] * columns])
    axes = show(figure.add_subplot(grid[:, 0]), image)
    for box, colour in [*((field, "black") for field in fields.values()), (side, "yellow")]:
        axes.add_patch(Rectangle(center - box / 2, box, box, fill=False, ec=colour, lw=1.2))
    for row, (layer, its) in enumerate(tiles.items()):
        for column, tile in enumerate(its, 1):
            axes = show(figure.add_subplot(grid[row, column]), tile)
            axes.add_patch(
                Rectangle((tile.shape[0] - side) / 2 - 0.5 + np.zeros(2), side, side, fill=False, ec="yellow")
            )
            if column == 1:
                axes.set_ylabel(layer, fontsize=9)
    return figure


def _marked(axes: Axes, point: np.ndarray, colour: str, marker: str) -> None:
    """A mark with a white edge, which is visible on anything."""
    for width, edge in ((4, "white"), (2, colour)):
        axes.plot(*point, marker, ms=7, mfc="none", mec=edge, mew=width, clip_on=False)
